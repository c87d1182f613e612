//! One simple command: what really runs behind wrappers, shells and assignments.

use super::{
    STEPS_MAX, Walk, carrier,
    environment::{assignable, bends, exported, is_gits, is_name},
    files,
    find::spares_git,
    forge,
    git::{bent, not_literal},
    guess::{dynamic, inline, is_interpreter, mentions_git},
    lex::{Part, Simple},
    state::{Directory, State},
};
use crate::domain::ice::{denial::Denial, facts::Facts, word::Word};

/// Where a command reads from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    Inherited,
    /// A text, when the line itself says it; `fetched` when it comes from a file or from elsewhere.
    Piped(Option<String>),
    Text(Option<String>),
}

/// What is printed by a program that can be seen through.
const FETCHED: &str = "\u{0}fetched";
/// The names of files of which nobody knows whose they are.
const EVERYTHING: &str = "\u{0}everything";

const SHELLS: [&str; 10] =
    ["sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "rbash", "yash"];
/// Programs that run the rest of their words; with the options that take a value.
const WRAPPERS: [(&str, &[&str]); 25] = [
    ("command", &[]),
    ("builtin", &[]),
    ("exec", &["-a"]),
    ("nohup", &[]),
    ("setsid", &[]),
    ("time", &["-f", "-o", "--format", "--output"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "--class", "--classdata"]),
    ("chrt", &[]),
    ("taskset", &[]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("timeout", &["-k", "-s", "--kill-after", "--signal"]),
    ("sudo", &["-u", "-g", "-C", "-h", "-p", "-r", "-t", "-U", "-D"]),
    ("doas", &["-u", "-C"]),
    (
        "xargs",
        &[
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-s",
            "-E",
            "-a",
            "--max-args",
            "--max-procs",
            "--delimiter",
            "--arg-file",
            "--replace",
        ],
    ),
    ("parallel", &["-j", "--jobs", "-a"]),
    ("watch", &["-n", "--interval"]),
    ("flock", &["-w", "-E", "--timeout"]),
    ("strace", &["-e", "-o", "-f", "-p", "-s"]),
    ("ltrace", &["-e", "-o"]),
    ("unbuffer", &[]),
    ("catchsegv", &[]),
    ("caffeinate", &["-t", "-w"]),
    ("busybox", &[]),
    ("chronic", &[]),
];
/// Programs that hand a text to a shell, here or elsewhere.
const TELLERS: [&str; 9] =
    ["su", "runuser", "script", "ssh", "tmux", "screen", "nix-shell", "sg", "mosh"];
/// Words after `git` that are worth a look wherever they stand.
const GRAVE: [&str; 16] = [
    "stash",
    "clean",
    "reset",
    "prune",
    "push",
    "send-pack",
    "update-ref",
    "filter-branch",
    "fast-import",
    "replace",
    "symbolic-ref",
    "reflog",
    "-c",
    "-C",
    "--git-dir",
    "--exec-path",
];

impl Walk<'_, '_> {
    pub(super) fn simple(
        &mut self,
        simple: &Simple,
        input: &Input,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        self.judged += 1;
        if STEPS_MAX < self.judged {
            return Err(Denial::new("unclear", "the line is too long to be followed"));
        }
        let shown: Vec<&str> = simple.words.iter().map(|word| word.shown.as_str()).collect();
        let verdict = self.judged_simple(simple, input, state);
        match verdict {
            Ok(states) => {
                if !shown.is_empty() {
                    self.note(&shown.join(" "), Ok(()));
                }
                Ok(states)
            }
            Err(denial) => {
                // The innermost command tells why; those around it would only repeat it.
                if !self.steps.iter().any(|step| step.verdict.as_ref() == Err(&denial)) {
                    self.note(&shown.join(" "), Err(denial.clone()));
                }
                Err(denial)
            }
        }
    }

    fn judged_simple(
        &mut self,
        simple: &Simple,
        input: &Input,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        let mut after = vec![state.clone()];
        let mut words = Vec::new();
        let mut assigned = Vec::new();
        for raw in &simple.words {
            let assigns = match raw.parts.first() {
                Some(Part::Text(text)) => {
                    text.split_once('=').filter(|(name, _)| is_name(name.trim_end_matches('+')))
                }
                Some(_) | None => None,
            };
            let (word, ended) = self.expand(raw, state)?;
            after.extend(ended.into_iter().filter(|ended| ended != state));
            match assigns {
                Some((name, _)) if words.is_empty() && raw.shown.starts_with(name) => {
                    assigned.push((name.trim_end_matches('+').to_owned(), word));
                }
                Some(_) | None => words.push(word),
            }
        }
        let mut own = state.clone();
        for (name, word) in &assigned {
            let value = word
                .known()
                .and_then(|text| text.split_once('='))
                .map(|(_, value)| value.to_owned());
            assignable(name, value.as_deref())?;
            if bends(name, value.as_deref()) {
                own.bent = Some(name.clone());
            }
            if let (
                "PAGER" | "EDITOR" | "VISUAL" | "MANPAGER" | "LESSOPEN" | "BROWSER",
                Some(told),
            ) = (name.as_str(), &value)
            {
                self.script(told.trim_start_matches('|'), vec![state.clone()])?;
            }
            if words.is_empty() {
                own.set(name, value);
            }
        }
        let facts = self.place(state);
        for raw in &simple.writes {
            let (word, ended) = self.expand(raw, state)?;
            after.extend(ended.into_iter().filter(|ended| ended != state));
            files::written(&word, &facts, state)?;
        }
        let mut input = input.clone();
        for raw in &simple.reads {
            let (_, ended) = self.expand(raw, state)?;
            after.extend(ended.into_iter().filter(|ended| ended != state));
            input = Input::Inherited;
        }
        if let Some(raw) = &simple.input {
            let (word, ended) = self.expand(raw, state)?;
            after.extend(ended.into_iter().filter(|ended| ended != state));
            input = Input::Text(word.known().map(str::to_owned));
        }
        if words.is_empty() {
            after.remove(0);
            after.push(own);
            return Ok(after);
        }
        let ended = self.command(&words, Some(&input), &own)?;
        after.remove(0);
        after.extend(ended.into_iter().map(|ended| {
            let bent = if ended.bent == own.bent { state.bent.clone() } else { ended.bent.clone() };
            State { bent, ..ended }
        }));
        Ok(after)
    }

    /// Judges one program with its words.
    pub(super) fn command(
        &mut self,
        words: &[Word],
        input: Option<&Input>,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        self.judged += 1;
        if STEPS_MAX < self.judged {
            return Err(Denial::new("unclear", "the line is too long to be followed"));
        }
        let same = || Ok(vec![state.clone()]);
        let Some((first, args)) = words.split_first() else { return same() };
        let Some(name) = program_name(first) else {
            // What a function is called with is judged where it is called.
            if !self.functions.is_empty() && args.is_empty() && first.shown.contains("$@") {
                return same();
            }
            return dynamic(first, args).and_then(|()| same());
        };
        let name = name.as_str();
        if let Some(sub) = name.strip_prefix("git-").filter(|sub| *sub != "run") {
            let mut words = vec![Word::whole(sub)];
            words.extend_from_slice(args);
            return Ok(vec![self.git(&words, state)?]);
        }
        if let Some((_, values)) = WRAPPERS.iter().find(|(known, _)| *known == name) {
            return self.wrapped(name, values, args, input, state);
        }
        if SHELLS.contains(&name) {
            return self.shell(args, input, state);
        }
        match name {
            "git" => Ok(vec![self.git(args, state)?]),
            "git-run" => {
                let mut words = vec![Word::whole("run")];
                words.extend_from_slice(args);
                Ok(vec![self.git(&words, state)?])
            }
            "env" => self.environment(args, input, state),
            "cd" | "pushd" | "popd" | "chdir" => Ok(self.change_directory(name, args, state)),
            "eval" => self.evaluated(args, state),
            "trap" => self.trapped(args, state),
            "export" | "declare" | "typeset" | "readonly" | "local" => exported(args, state),
            "unset" => match args.iter().find(|word| word.known().is_none_or(is_gits)) {
                Some(word) => Err(bent(&word.shown)),
                None => same(),
            },
            "alias" => match args.iter().find(|word| mentions_git(&word.shown)) {
                Some(_) => {
                    Err(Denial::new("command", "it hides git behind another name").next("git …"))
                }
                None => same(),
            },
            "for" | "select" | "read" | "mapfile" | "getopts" => {
                Ok(vec![assigned(name, args, state)])
            }
            "." | "source" => match args.first().map(|word| word.shown.as_str()) {
                Some("<(…)" | "/dev/stdin" | "/dev/fd/0") => Err(unseen()),
                Some(_) | None => same(),
            },
            "set" => self.called_with(args, state).and_then(|()| same()),
            _ if self.functions.contains(name) => {
                self.called_with(args, state)?;
                self.ordinary(name, args, state).and_then(|()| same())
            }
            "gh" | "glab" | "hub" => forge::judge(name, args).and_then(|()| same()),
            "find" | "fd" => self.found(args, state).and_then(|()| same()),
            _ => {
                self.fed_a_program(name, args, input, state)?;
                self.ordinary(name, args, state).and_then(|()| same())
            }
        }
    }

    /// A text that such a program runs, on the line or in what it reads.
    fn fed_a_program(
        &mut self,
        name: &str,
        args: &[Word],
        input: Option<&Input>,
        state: &State,
    ) -> Result<(), Denial> {
        if let Some(Input::Text(Some(text)) | Input::Piped(Some(text))) = input
            && is_interpreter(name)
        {
            inline(&[Word::whole(text)])?;
        }
        if carrier::carries(name) {
            let read = match input {
                Some(Input::Text(Some(text)) | Input::Piped(Some(text))) => Some(text),
                Some(_) | None => None,
            };
            let words = args.iter().filter_map(Word::known).collect::<Vec<_>>();
            let texts = [words, read.map(String::as_str).into_iter().collect()].concat();
            let facts = self.place(state);
            self.carried(&texts, &facts, state)?;
        }
        Ok(())
    }

    /// What is known of where a command runs; what is kept where the line begins is kept there as well.
    fn place(&mut self, state: &State) -> Facts {
        let mut facts = match &state.directory {
            Directory::Known(path) => self.facts(&path.clone()),
            Directory::Unknown => Facts::default(),
        };
        let begin = self.facts("");
        facts.line_directory = begin.line_directory;
        facts.kept.extend(begin.kept);
        facts
    }

    /// The words of a function of the line's own, or of a script: they may be run, and they may be written.
    fn called_with(&mut self, args: &[Word], state: &State) -> Result<(), Denial> {
        let facts = self.place(state);
        for (at, word) in args.iter().enumerate() {
            if program_name(word).is_some_and(|name| matches!(name.as_str(), "git" | "gh" | "rm")) {
                self.command(&args[at..], None, state)?;
            }
            if word.lead.contains(".git") {
                files::written(word, &facts, state)?;
            }
        }
        Ok(())
    }

    fn ordinary(&mut self, name: &str, args: &[Word], state: &State) -> Result<(), Denial> {
        let facts = self.place(state);
        files::no_other_name(name, args)?;
        forge::other(name, args)?;
        if matches!(name, "curl" | "wget" | "http" | "https" | "xh" | "xhs") {
            forge::judge(name, args)?;
        }
        files::judge(name, args, &facts, state)?;
        if is_interpreter(name) {
            for word in args {
                forge::inline(&word.shown)?;
            }
            return inline(args);
        }
        if matches!(
            name,
            "echo" | "printf" | "grep" | "rg" | "man" | "which" | "type" | "hash" | "cat"
        ) {
            return Ok(());
        }
        if TELLERS.contains(&name) {
            for text in args.iter().filter_map(Word::known).filter(|text| mentions_git(text)) {
                self.script(text, vec![state.clone()])?;
            }
        }
        // `systemd-run git push …`, `ssh host git push …`: any program may run the rest of its words.
        for (at, word) in args.iter().enumerate() {
            let runs = program_name(word).is_some_and(|name| name == "git");
            let grave = args.get(at + 1).is_some_and(|next| GRAVE.contains(&next.lead.as_str()));
            if runs && grave {
                self.git(&args[at + 1..], state)?;
            }
        }
        Ok(())
    }

    fn wrapped(
        &mut self,
        name: &str,
        values: &[&str],
        args: &[Word],
        input: Option<&Input>,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        let mut at = 0;
        while let Some(word) = args.get(at) {
            let text = word.lead.as_str();
            let assigns = text.split_once('=').filter(|(name, _)| is_name(name));
            if name == "command" && matches!(text, "-v" | "-V") {
                return Ok(vec![state.clone()]);
            }
            if let Some((variable, value)) = assigns {
                assignable(variable, word.known().map(|_| value))?;
            } else if values.contains(&text) {
                at += 1;
            } else if !text.starts_with('-') || text == "-" {
                break;
            }
            at += 1;
        }
        // These have words of their own before the command.
        at += usize::from(matches!(name, "timeout" | "flock" | "chrt" | "taskset"));
        let mut rest = args.get(at..).unwrap_or_default().to_vec();
        if matches!(name, "xargs" | "parallel") {
            rest.push(Word::unknown("<what is read>"));
        }
        if name == "flock"
            && let Some(lock) = args.get(at.saturating_sub(1))
        {
            files::written(lock, &self.place(state), state)?;
        }
        if let [only] = &rest[..]
            && matches!(name, "watch" | "flock" | "parallel")
            && let Some(text) = only.known().map(str::to_owned)
        {
            return self.script(&text, vec![state.clone()]);
        }
        if let [option, text, ..] = &rest[..]
            && matches!(option.known(), Some("-c" | "--command"))
            && let Some(text) = text.known().map(str::to_owned)
        {
            return self.script(&text, vec![state.clone()]);
        }
        if matches!(name, "strace" | "ltrace" | "time") {
            files::judge(name, args, &self.place(state), state)?;
        }
        if name == "xargs" {
            self.fed(&rest, input, state)?;
        }
        let input = if name == "xargs" { None } else { input };
        self.command(&rest, input, state)
    }

    /// What `xargs` reads, where the line says it.
    fn fed(&mut self, words: &[Word], input: Option<&Input>, state: &State) -> Result<(), Denial> {
        let Some(Input::Text(Some(text)) | Input::Piped(Some(text))) = input else { return Ok(()) };
        let removes = words.first().is_some_and(|word| {
            matches!(word.lead.as_str(), "rm" | "mv" | "shred" | "unlink" | "truncate" | "rmdir")
        });
        match text.as_str() {
            EVERYTHING if removes => Err(Denial::new(
                "git-dir",
                "it removes the repository's own directory, or files that git never held",
            )
            .next("remove the files by name: rm <file>")),
            text if removes && !text.starts_with('\0') => {
                let read: Vec<Word> = text
                    .split(['\n', '\0', ' '])
                    .filter(|word| !word.is_empty())
                    .map(Word::whole)
                    .collect();
                let known = words.iter().filter(|word| word.known().is_some()).cloned();
                let words: Vec<Word> = known.chain(read).collect();
                self.command(&words, None, state).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn environment(
        &mut self,
        args: &[Word],
        input: Option<&Input>,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        let mut own = state.clone();
        let mut at = 0;
        while let Some(word) = args.get(at) {
            let text = word.lead.as_str();
            at += 1;
            match text {
                "-i" | "-" | "--ignore-environment" => own.bent = Some("env -i".to_owned()),
                "-u" | "--unset" => {
                    if args.get(at).is_none_or(|word| word.known().is_none_or(is_gits)) {
                        return Err(bent("env -u"));
                    }
                    at += 1;
                }
                "-C" | "--chdir" => {
                    let to = args.get(at).and_then(Word::known).and_then(|path| own.resolve(path));
                    own.directory = to.map_or(Directory::Unknown, Directory::Known);
                    at += 1;
                }
                "-S" | "--split-string" => {
                    return match args.get(at).and_then(Word::known).map(str::to_owned) {
                        Some(text) => self.script(&text, vec![own]),
                        None => Err(not_literal(word)),
                    };
                }
                _ if text.starts_with("-S")
                    || text.starts_with("--split")
                    || text.starts_with("-u")
                    || text.starts_with("--unset") =>
                {
                    return Err(not_literal(word));
                }
                _ if text.starts_with('-') => {}
                _ => match text.split_once('=') {
                    Some((name, value)) => {
                        let value = word.known().map(|_| value);
                        assignable(name, value)?;
                        if bends(name, value) {
                            own.bent = Some(name.to_owned());
                        }
                    }
                    None => {
                        let ended = self.command(&args[at - 1..], input, &own)?;
                        return Ok(ended
                            .into_iter()
                            .map(|ended| ended.left_behind(state))
                            .collect());
                    }
                },
            }
        }
        Ok(vec![state.clone()])
    }

    fn shell(
        &mut self,
        args: &[Word],
        input: Option<&Input>,
        state: &State,
    ) -> Result<Vec<State>, Denial> {
        let mut at = 0;
        while let Some(word) = args.get(at) {
            let text = word.lead.as_str();
            at += 1;
            let Some(flags) = text.strip_prefix(['-', '+']) else {
                if word.may_be_option() {
                    return Err(not_literal(word));
                }
                // A script in a file: other layers see what it does.
                return Ok(vec![state.clone()]);
            };
            if !flags.starts_with('-') && flags.contains('c') {
                let Some(script) =
                    args[at..].iter().find(|word| !word.lead.starts_with(['-', '+']))
                else {
                    return Ok(vec![state.clone()]);
                };
                let Some(text) = script.known().map(str::to_owned) else {
                    return Err(not_literal(script));
                };
                self.called_with(&args[at..], state)?;
                let ended = self.script(&text, vec![state.clone()])?;
                return Ok(ended.into_iter().map(|ended| ended.left_behind(state)).collect());
            }
            if matches!(text, "-o" | "-O" | "--rcfile" | "--init-file") {
                at += 1;
            }
            if flags.starts_with('s') {
                break;
            }
        }
        match input {
            Some(Input::Text(Some(text)) | Input::Piped(Some(text))) if text == FETCHED => {
                Ok(vec![state.clone()])
            }
            Some(Input::Text(Some(text)) | Input::Piped(Some(text))) => {
                let ended = self.script(&text.clone(), vec![state.clone()])?;
                Ok(ended.into_iter().map(|ended| ended.left_behind(state)).collect())
            }
            Some(Input::Text(None) | Input::Piped(None)) => Err(unseen()),
            Some(Input::Inherited) | None => Ok(vec![state.clone()]),
        }
    }

    fn trapped(&mut self, args: &[Word], state: &State) -> Result<Vec<State>, Denial> {
        match args.first().map(Word::known) {
            Some(Some(text)) => {
                let text = text.to_owned();
                self.script(&text, vec![state.clone()])
            }
            Some(None) => Err(not_literal(&args[0])),
            None => Ok(vec![state.clone()]),
        }
    }

    fn evaluated(&mut self, args: &[Word], state: &State) -> Result<Vec<State>, Denial> {
        let mut texts = Vec::new();
        for word in args {
            match word.known() {
                Some(text) => texts.push(text),
                None => return Err(not_literal(word)),
            }
        }
        self.script(&texts.join(" "), vec![state.clone()])
    }

    fn change_directory(&mut self, name: &str, args: &[Word], state: &State) -> Vec<State> {
        let mut after = state.clone();
        let target =
            args.iter().find(|word| !matches!(word.known(), Some("-P" | "-L" | "--" | "-e")));
        let path =
            target.and_then(Word::known).filter(|path| name != "popd" && !matches!(*path, "-"));
        after.directory = match path.and_then(|path| state.resolve(path)) {
            Some(path) => Directory::Known(path),
            None => Directory::Unknown,
        };
        if after.head.is_none() {
            return vec![after];
        }
        // The same work tree, or another one.
        let as_found = State { head: None, ..after.clone() };
        vec![after, as_found]
    }
}

/// What a command before a pipe prints, when that can be seen.
pub(super) fn printed(simple: &Simple, states: &[State]) -> Option<String> {
    let known = |raw: &super::lex::Raw| match raw.parts.as_slice() {
        [] => Some(String::new()),
        [Part::Text(text)] => Some(text.clone()),
        [Part::Variable { name, .. }] => states.first()?.variables.get(name).cloned(),
        [..] => None,
    };
    let words: Option<Vec<String>> = simple.words.iter().map(known).collect();
    let first = simple.words.first().and_then(known)?;
    match first.as_str() {
        "curl" | "wget" => Some(FETCHED.to_owned()),
        "git" => match words?.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["git", "rev-parse", "--git-dir" | "--absolute-git-dir"] => Some(".git".to_owned()),
            ["git", "ls-files", ref rest @ ..]
                if rest.iter().any(|word| {
                    *word == "--others" || (word.starts_with("-o") || *word == "-io")
                }) =>
            {
                Some(EVERYTHING.to_owned())
            }
            [..] => None,
        },
        "ls" => {
            let all = simple.words.iter().any(|raw| {
                raw.shown.starts_with('-') && raw.shown.contains(['a', 'A'])
                    || raw.shown.starts_with(".g")
            });
            all.then(|| EVERYTHING.to_owned())
        }
        "find" => {
            let args: Vec<Word> = words?.get(1..)?.iter().map(|word| Word::whole(word)).collect();
            spares_git(&args).is_err().then(|| EVERYTHING.to_owned())
        }
        "cat" if simple.input.is_none() => Some(FETCHED.to_owned()),
        "cat" => simple.input.as_ref().and_then(known),
        "echo" => Some(words?.get(1..)?.join(" ")),
        "printf" => {
            let words = words?;
            let rest: Vec<String> = words
                .get(1..)?
                .iter()
                .filter(|word| *word != "%s" && *word != "%s\\n")
                .map(|word| word.replace("\\n", "\n").replace("\\t", "\t").replace("\\0", "\0"))
                .collect();
            (!rest.iter().any(|word| word.contains(['%', '\\']))).then(|| rest.join(" "))
        }
        _ => None,
    }
}

/// Variables to which a builtin gives values that only it knows.
fn assigned(name: &str, args: &[Word], state: &State) -> State {
    let mut after = state.clone();
    for word in args {
        after.set(&word.lead, None);
    }
    // Of all that it will be, the worst.
    if let ("for", Some(variable)) = (name, args.first()) {
        let worst = args.iter().skip(2).find(|word| files::is_gits(&word.shown));
        after.set(&variable.lead, worst.map(|word| word.shown.clone()));
    }
    after
}

fn unseen() -> Denial {
    Denial::new("unclear", "a shell would run what nobody can see before")
        .next("put it into a file, and run that")
}

fn program_name(word: &Word) -> Option<String> {
    let text = match word.known() {
        Some(text) => text,
        // `"$(git --exec-path)"/git-push`: the end of it says what it is.
        None if word.tail.contains('/') => &word.tail,
        None => return None,
    };
    let name = text.trim_start_matches('\\').rsplit('/').next()?.to_lowercase();
    Some(name.strip_suffix(".exe").map_or(name.clone(), str::to_owned))
}
