//! The layers of the guard, as they were found in one place: what holds, what is open, and what to do.

/// In the order of how bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Ok,
    /// Nothing here can tell.
    Unknown,
    /// It does not hold, and nobody said that it should; or it cannot hold.
    Open,
    /// It should hold, and does not.
    Broken,
}

impl Standing {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Open => "open",
            Self::Broken => "broken",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub name: &'static str,
    pub standing: Standing,
    pub says: String,
    /// What to do about it, to be pasted where it is a command.
    pub next: Option<String>,
}

impl Layer {
    #[must_use]
    pub fn new(name: &'static str, standing: Standing, says: impl Into<String>) -> Self {
        Self { name, standing, says: says.into(), next: None }
    }

    #[must_use]
    pub fn ok(name: &'static str, says: impl Into<String>) -> Self {
        Self::new(name, Standing::Ok, says)
    }

    #[must_use]
    pub fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

/// Agents' environments tell git their settings by variables that older ones do not read.
const GIT_OLDEST: (u32, u32) = (2, 31);
/// A lock that nobody takes away for so long is left over.
const LOCK_MILLIS_MAX: u64 = 10 * 60 * 1000;
/// Names that one line holds.
const SHOWN_MAX: usize = 5;

/// `git version 2.47.3`; nothing when it does not start.
#[must_use]
pub fn git(version: Option<&str>) -> Layer {
    let Some(version) = version else {
        return Layer::new("git", Standing::Broken, "git does not start").next("install git");
    };
    let plain = version.trim().trim_start_matches("git version ").to_owned();
    let mut numbers = plain.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if GIT_OLDEST <= (major, minor) => {
            Layer::ok("git", plain)
        }
        (Some(Ok(_)), Some(Ok(_))) => {
            let (major, minor) = GIT_OLDEST;
            let says = format!("{plain} does not read what agents' environments set");
            Layer::new("git", Standing::Broken, says).next(format!("install git {major}.{minor}"))
        }
        _ => Layer::new("git", Standing::Unknown, format!("says that it is `{plain}`")),
    }
}

/// The state of each hook, in the words of `git run hooks status`.
#[must_use]
pub fn hooks(name: &'static str, hooks: &[(&str, &str)], install: &str) -> Layer {
    let of = |words: &[&str]| -> Vec<String> {
        let found = hooks.iter().filter(|(_, word)| words.contains(word));
        found.map(|(hook, word)| format!("{hook} is {word}")).collect()
    };
    let wrong = of(&["stale", "not-executable", "no-file"]);
    let missing = of(&["absent", "foreign"]);
    if !wrong.is_empty() {
        Layer::new(name, Standing::Broken, few(&wrong)).next(install)
    } else if !missing.is_empty() {
        Layer::new(name, Standing::Open, few(&missing)).next(install)
    } else {
        Layer::ok(name, format!("{} in force", hooks.len()))
    }
}

/// One remote, as its settings have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    pub name: String,
    pub push_urls: usize,
    /// It is a directory of this machine, and whether a hook of ours receives there.
    pub directory: Option<bool>,
    /// A password stands in a URL.
    pub secret: bool,
}

/// Whether each remote can be pushed to by a run, and what its server may hold.
#[must_use]
pub fn remotes(remotes: &[Remote]) -> Vec<Layer> {
    if remotes.is_empty() {
        return vec![Layer::ok("remotes", "there is none: nothing is pushed")];
    }
    let names = |which: fn(&Remote) -> bool| named(remotes, which);
    let mut layers = Vec::new();
    let (none, several) = (names(|r| r.push_urls == 0), names(|r| 1 < r.push_urls));
    let secret = names(|r| r.secret);
    if !several.is_empty() {
        let says = format!("{} pushes to several URLs, and a run pushes to one", few(&several));
        layers.push(Layer::new("remotes", Standing::Open, says).next(format!(
            "git config --unset-all 'remote.{}.pushurl'",
            several[0].replace('\'', "")
        )));
    }
    if !none.is_empty() {
        layers.push(Layer::new("remotes", Standing::Open, format!("{} has no URL", few(&none))));
    }
    if !secret.is_empty() {
        let says = format!("a password stands in the URL of {}", few(&secret));
        let next = "git remote set-url <remote> <the URL without it>, and a credential helper";
        layers.push(Layer::new("remotes", Standing::Open, says).next(next));
    }
    if layers.is_empty() {
        layers.push(Layer::ok("remotes", format!("{}, one URL each", few(&names(|_| true)))));
    }
    layers.extend(servers(remotes));
    layers
}

fn named(remotes: &[Remote], which: fn(&Remote) -> bool) -> Vec<String> {
    remotes.iter().filter(|remote| which(remote)).map(|remote| shown(&remote.name)).collect()
}

fn servers(remotes: &[Remote]) -> Vec<Layer> {
    let names = |which: fn(&Remote) -> bool| named(remotes, which);
    let mut layers = Vec::new();
    let (held, bare) =
        (names(|r| r.directory == Some(true)), names(|r| r.directory == Some(false)));
    let far = names(|r| r.directory.is_none());
    if !held.is_empty() {
        let says = format!("{} is a directory with a pre-receive hook of ours", few(&held));
        layers.push(Layer::ok("server", says));
    }
    if !bare.is_empty() {
        let says = format!(
            "{} is a directory of this machine: whoever may write it needs no push",
            few(&bare)
        );
        let next = "a remote on another machine, or another user's directory";
        layers.push(Layer::new("server", Standing::Open, says).next(next));
    }
    if !far.is_empty() {
        let says = format!("the rules of {} are not asked for", few(&far));
        let next = "protect your branches there: no pushes, no force, no deletion";
        layers.push(Layer::new("server", Standing::Unknown, says).next(next));
    }
    layers
}

/// Where our fence is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fenced {
    /// The directory of the fence that this process is in, and whether everything is still in it.
    pub inside: Option<bool>,
    /// An agent is among the processes above.
    pub below_agent: bool,
    /// Why none can be put up.
    pub fault: Option<String>,
}

#[must_use]
pub fn fence(found: &Fenced) -> Vec<Layer> {
    let build = match &found.fault {
        None => Layer::ok("fence", "can be put up: push helper, hooks and stand-ins are there"),
        Some(why) => Layer::new("fence", Standing::Broken, format!("cannot be put up: {why}")),
    };
    let inside = match (found.inside, found.below_agent) {
        (Some(true), _) => Layer::ok("inside", "this is an agent's environment"),
        (Some(false), _) => {
            let says = "this was an agent's environment, and parts of it are gone";
            Layer::new("inside", Standing::Broken, says).next("git run ice exec -- <command>")
        }
        (None, true) => {
            let says = "an agent started this, and its environment was emptied";
            Layer::new("inside", Standing::Open, says).next("git run ice exec -- <command>")
        }
        (None, false) => Layer::ok("inside", "this is a person's environment"),
    };
    vec![build, inside]
}

/// How many names are protected here, by what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    pub built_in: usize,
    pub configured: usize,
    pub base: bool,
    pub remote_defaults: usize,
}

#[must_use]
pub fn protected(found: &Protected) -> Layer {
    let Protected { built_in, configured, base, remote_defaults } = found;
    let count = built_in + configured + usize::from(*base) + remote_defaults;
    let mut says =
        format!("{count} rules: {built_in} built in, {configured} by run.protectedBranch");
    if *base {
        says.push_str(", 1 base");
    }
    says.push_str(&format!(", {remote_defaults} as remotes' defaults"));
    Layer::ok("protected", says)
}

/// A lock of git's, and how old it is.
#[must_use]
pub fn locks(found: &[(String, u64)]) -> Layer {
    let old: Vec<String> = found
        .iter()
        .filter(|(_, age)| LOCK_MILLIS_MAX < *age)
        .map(|(path, _)| shown(path))
        .collect();
    if let Some(first) = old.first() {
        let says = format!("left over: {}", few(&old));
        let next = format!("when no git is at work: rm '{}'", first.replace('\'', r"'\''"));
        return Layer::new("locks", Standing::Broken, says).next(next);
    }
    match found {
        [] => Layer::ok("locks", "none is left over"),
        [(path, _), ..] => {
            let says = format!("`{}` is young: a git may be at work", shown(path));
            Layer::new("locks", Standing::Unknown, says).next("git run doctor")
        }
    }
}

/// How one run stands, as far as its journal and its process tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunStanding {
    Sound,
    /// It should be driven, and nobody does.
    Abandoned,
    /// Whether anybody does cannot be told.
    Elsewhere,
    Unreadable,
}

#[must_use]
pub fn runs(found: &[(String, RunStanding)]) -> Vec<Layer> {
    let named = |wanted: RunStanding| -> Vec<String> {
        found.iter().filter(|(_, it)| *it == wanted).map(|(run, _)| shown(run)).collect()
    };
    let mut layers = Vec::new();
    let unreadable = named(RunStanding::Unreadable);
    if let Some(first) = unreadable.first() {
        let says = format!("cannot be read: {}", few(&unreadable));
        let next = if first.starts_with("refs/") {
            "git for-each-ref refs/run: such a name is none of ours".to_owned()
        } else {
            format!("git run verify {first}")
        };
        layers.push(Layer::new("runs", Standing::Broken, says).next(next));
    }
    let abandoned = named(RunStanding::Abandoned);
    if let Some(first) = abandoned.first() {
        let says = format!("the process is gone: {}", few(&abandoned));
        let next = format!("git run resume {first}");
        layers.push(Layer::new("runs", Standing::Broken, says).next(next));
    }
    let elsewhere = named(RunStanding::Elsewhere);
    if !elsewhere.is_empty() {
        let says = format!("driven on another machine, or nobody can tell: {}", few(&elsewhere));
        layers.push(Layer::new("runs", Standing::Unknown, says).next("git run list"));
    }
    if layers.is_empty() {
        layers.push(Layer::ok("runs", format!("{} can be read", found.len())));
    }
    layers
}

/// Something that opens doors, and is where an agent finds it.
#[must_use]
pub fn credential(name: &'static str, found: &[String], close: &str) -> Layer {
    if found.is_empty() {
        return Layer::ok(name, "nothing is there");
    }
    let says = format!("an agent may reach {}", few(found));
    Layer::new(name, Standing::Open, says).next(close)
}

fn few(all: &[String]) -> String {
    let first = all.iter().take(SHOWN_MAX).cloned().collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN_MAX) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(layers: &[Layer]) -> Vec<String> {
        layers.iter().map(|layer| format!("{} {}", layer.name, layer.standing.word())).collect()
    }

    #[test]
    fn what_is_worse_is_greater() {
        assert!(Standing::Ok < Standing::Unknown && Standing::Unknown < Standing::Open);
        assert!(Standing::Open < Standing::Broken);
    }

    #[test]
    fn versions_of_git_are_read_as_numbers() {
        for (version, expected) in [
            (Some("git version 2.47.3\n"), Standing::Ok),
            (Some("git version 2.31.0"), Standing::Ok),
            (Some("git version 2.39.5 (Apple Git-154)"), Standing::Ok),
            (Some("git version 3.0.0-rc1"), Standing::Ok),
            (Some("git version 2.9.1"), Standing::Broken),
            (Some("git version 2.30.9"), Standing::Broken),
            (Some("nonsense"), Standing::Unknown),
            (Some(""), Standing::Unknown),
            (None, Standing::Broken),
        ] {
            assert_eq!(git(version).standing, expected, "{version:?}");
        }
    }

    #[test]
    fn one_hook_that_is_wrong_is_worse_than_all_that_are_missing() {
        for (states, expected) in [
            (&["current", "current"][..], "hooks ok"),
            (&["absent", "current"], "hooks open"),
            (&["foreign", "absent"], "hooks open"),
            (&["absent", "not-executable"], "hooks broken"),
            (&["stale", "current"], "hooks broken"),
            (&["no-file"], "hooks broken"),
        ] {
            let hooked: Vec<_> = states.iter().map(|state| ("pre-push", *state)).collect();
            assert_eq!(words(&[hooks("hooks", &hooked, "x")]), [expected], "{states:?}");
        }
    }

    #[test]
    fn a_remote_is_told_by_its_urls_and_by_where_it_is() {
        let remote = |push_urls, directory, secret| Remote {
            name: "o".into(),
            push_urls,
            directory,
            secret,
        };
        for (found, expected) in [
            (vec![], &["remotes ok"][..]),
            (vec![remote(1, None, false)], &["remotes ok", "server unknown"]),
            (vec![remote(1, Some(false), false)], &["remotes ok", "server open"]),
            (vec![remote(1, Some(true), false)], &["remotes ok", "server ok"]),
            (vec![remote(2, None, true)], &["remotes open", "remotes open", "server unknown"]),
            (vec![remote(0, None, false)], &["remotes open", "server unknown"]),
        ] {
            assert_eq!(words(&remotes(&found)), expected, "{found:?}");
        }
    }

    #[test]
    fn locks_and_runs_are_told_by_what_can_be_known() {
        let lock = |age| vec![("index.lock".to_owned(), age)];
        assert_eq!(locks(&[]).standing, Standing::Ok);
        assert_eq!(locks(&lock(LOCK_MILLIS_MAX)).standing, Standing::Unknown);
        assert_eq!(locks(&lock(LOCK_MILLIS_MAX + 1)).standing, Standing::Broken);
        let all = [
            RunStanding::Sound,
            RunStanding::Abandoned,
            RunStanding::Elsewhere,
            RunStanding::Unreadable,
        ];
        let all: Vec<_> = all.into_iter().map(|it| ("r".to_owned(), it)).collect();
        assert_eq!(words(&runs(&all)), ["runs broken", "runs broken", "runs unknown"]);
        assert_eq!(words(&runs(&all[..1])), ["runs ok"]);
    }

    #[test]
    fn the_fence_is_told_by_what_is_left_of_it() {
        for (inside, below_agent, expected) in [
            (Some(true), true, "inside ok"),
            (Some(false), true, "inside broken"),
            (None, true, "inside open"),
            (None, false, "inside ok"),
        ] {
            let found = Fenced { inside, below_agent, fault: None };
            assert_eq!(words(&fence(&found)), ["fence ok", expected]);
        }
        let fault = Some("no space".to_owned());
        let found = Fenced { inside: None, below_agent: false, fault };
        assert_eq!(words(&fence(&found))[0], "fence broken");
    }
}
