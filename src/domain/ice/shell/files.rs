//! Ordinary programs that write files: a repository's own directory is no place for them.

use super::state::State;
use crate::domain::ice::{
    denial::Denial,
    facts::Facts,
    name::matches,
    word::{Sure, Word},
};

type Verdict = Result<(), Denial>;

/// Every path among the words is written.
const WRITE_ALL: [&str; 33] = [
    "vim", "vi", "nvim", "view", "nano", "emacs", "split", "csplit", "rename", "mkfifo", "mknod",
    "chattr", "chgrp", "setfacl", "mount", "umount", "sqlite3", "rm", "unlink", "rmdir", "shred",
    "truncate", "touch", "mkdir", "chmod", "chown", "tee", "mv", "ln", "ed", "ex", "patch",
    "trash",
];
/// The last word is written.
const WRITE_LAST: [&str; 5] = ["cp", "install", "rsync", "scp", "script"];
/// Options after which the file stands that a program writes.
const OUTPUT: [&str; 8] =
    ["-o", "-O", "-qO", "-qo", "-out", "--out", "--output", "--output-document"];

pub(super) fn judge(program: &str, args: &[Word], facts: &Facts, state: &State) -> Verdict {
    let after_dash = |word: &Word| word.lead.trim_start_matches('-').to_owned();
    if in_place(program, args) {
        for word in without_code(program, args) {
            written(word, facts, state)?;
        }
    } else if WRITE_ALL.contains(&program) {
        for word in args {
            written(word, facts, state)?;
        }
    } else if WRITE_LAST.contains(&program) {
        if let Some(last) = args.last() {
            written(last, facts, state)?;
        }
        for (at, word) in args.iter().enumerate() {
            if word.lead.starts_with("-t") || word.lead.starts_with("--target") {
                written(word, facts, state)?;
                if let Some(next) = args.get(at + 1) {
                    written(next, facts, state)?;
                }
            }
        }
    } else if matches!(program, "dd" | "tar" | "unzip" | "cpio" | "curl" | "wget") {
        for pair in args.windows(2) {
            let takes = ["C", "d", "o", "output", "O", "output-document", "directory", "P"];
            if takes.contains(&after_dash(&pair[0]).as_str()) {
                written(&pair[1], facts, state)?;
            }
        }
        let takes = |word: &&Word| {
            let excludes = word.lead.starts_with("--exclude") || word.lead.starts_with("--no-");
            word.lead.starts_with("of=") || (word.lead.starts_with("--") && !excludes)
        };
        for word in args.iter().filter(takes) {
            written(word, facts, state)?;
        }
    }
    if !program.ends_with("grep") && program != "rg" {
        for pair in args.windows(2).filter(|pair| OUTPUT.contains(&pair[0].lead.as_str())) {
            written(&pair[1], facts, state)?;
        }
    }
    archived(program, args, facts, state)?;
    let says = |option: &str| args.iter().any(|word| word.lead.starts_with(option));
    // `rsync` removes at one end or at the other, and only when it is told to.
    let removed = match program {
        "rm" | "mv" => args,
        "rsync" if says("--remove") => args,
        "rsync" if says("--del") => &args[args.len().saturating_sub(1)..],
        _ => &[],
    };
    for word in removed.iter().filter(|word| !word.lead.starts_with('-')) {
        holds_no_repository(word, facts, state)?;
    }
    Ok(())
}

/// `tar cf <file>`; and what an archiver removes after it has packed it.
fn archived(program: &str, args: &[Word], facts: &Facts, state: &State) -> Verdict {
    let flags = |word: &Word, flag: char| {
        word.lead.starts_with('-') && !word.lead.starts_with("--") && word.lead.contains(flag)
    };
    if program == "tar" {
        let first = args.first().map_or("", |word| word.lead.as_str());
        let unpacks = first.trim_start_matches('-').contains(['x', 't']);
        let names = |word: &Word| {
            (word.lead == first || word.lead.starts_with('-'))
                && !word.lead.starts_with("--")
                && word.lead.ends_with('f')
        };
        for pair in args.windows(2).filter(|pair| !unpacks && names(&pair[0])) {
            written(&pair[1], facts, state)?;
        }
    }
    let removes = match program {
        "tar" => args.iter().any(|word| word.lead == "--remove-files"),
        "zip" => args.iter().any(|word| flags(word, 'm') || word.lead == "--move"),
        _ => false,
    };
    for word in args.iter().filter(|_| removes) {
        written(word, facts, state)?;
        holds_no_repository(word, facts, state)?;
    }
    Ok(())
}

/// A copy or a link of git is git by another name, and nobody would know it.
pub(super) fn no_other_name(program: &str, args: &[Word]) -> Verdict {
    const GIVERS: [&str; 6] = ["cp", "ln", "install", "mv", "rsync", "hash"];
    let is_program = |word: &Word| {
        let path = word.known().unwrap_or(&word.tail);
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_git = matches!(name, "git" | "gh" | "glab" | "hub" | "git-run" | "git-remote-run");
        (is_git && directory.ends_with("bin")) || directory.ends_with("git-core")
    };
    if GIVERS.contains(&program) && args.iter().any(is_program) {
        return Err(Denial::new("command", "it hides git behind another name").next("git …"));
    }
    Ok(())
}

/// `sed -i <code> <file>…`, `perl -pi -e <code> <file>…`: the files.
fn without_code<'a>(program: &str, args: &'a [Word]) -> Vec<&'a Word> {
    let tells = |word: &Word| {
        let text = word.lead.as_str();
        let short = text.starts_with('-') && !text.starts_with("--");
        let code = if program == "sed" { &['e'][..] } else { &['e', 'E'] };
        text == "--expression" || (short && text.ends_with(code))
    };
    let mut spoken = args.iter().any(tells) || program != "sed";
    let mut files = Vec::new();
    for (at, word) in args.iter().enumerate() {
        let is_code = at.checked_sub(1).and_then(|at| args.get(at)).is_some_and(tells);
        if is_code {
            continue;
        }
        if !spoken && !word.lead.starts_with('-') {
            spoken = true;
            continue;
        }
        files.push(word);
    }
    files
}

fn in_place(program: &str, args: &[Word]) -> bool {
    matches!(program, "sed" | "perl" | "ruby")
        && args.iter().any(|word| {
            let text = word.lead.as_str();
            text.starts_with("--in-place")
                || (text.starts_with('-')
                    && !text.starts_with("--")
                    && text.chars().skip(1).take_while(char::is_ascii_alphabetic).any(|c| c == 'i'))
        })
}

/// A path that something writes.
pub(super) fn written(word: &Word, facts: &Facts, state: &State) -> Verdict {
    let bare = word.shown.replace(['"', '\''], "");
    let text = if word.sure == Sure::Whole { &word.lead } else { &bare };
    let text = text.rsplit('=').next().unwrap_or(text);
    let whole = match state.resolve(text) {
        Some(path) => path,
        None => text.to_owned(),
    };
    let inside = match facts.kept.get(1) {
        Some(git_dir)
            if facts.directory == *git_dir
                || facts.directory.starts_with(&format!("{git_dir}/")) =>
        {
            true
        }
        Some(_) | None => false,
    };
    let is_kept = |part: &str| {
        let part = part.to_lowercase();
        part.ends_with(".git")
            || part.starts_with("git~")
            || part == ".gitconfig"
            || could_be_git(&part)
    };
    let relative = !text.starts_with('/') && !text.is_empty();
    if whole.split(['/', '\\']).any(is_kept)
        || (inside && relative && !text.starts_with('-'))
        || whole.contains(".config/git/")
    {
        return Err(Denial::new(
            "git-dir",
            format!(
                "`{}` is in a repository's own directory, or configures git",
                word.shown.escape_debug()
            ),
        )
        .next("let git do it: git config, git switch, git branch"));
    }
    Ok(())
}

/// A path in a repository's own directory, or a pattern that may become one.
pub(super) fn is_gits(path: &str) -> bool {
    let is = |part: &str| part.eq_ignore_ascii_case(".git") || could_be_git(&part.to_lowercase());
    path.split('/').any(is)
}

/// `.g*` and `.gi?`.
fn could_be_git(part: &str) -> bool {
    part.starts_with('.') && part.contains(['*', '?', '[', '{']) && {
        let (mut pattern, mut inside) = (String::new(), false);
        for c in part.chars() {
            match c {
                '[' | '{' => {
                    inside = true;
                    pattern.push('*');
                }
                ']' | '}' => inside = false,
                '?' => pattern.push('*'),
                _ if inside => {}
                _ => pattern.push(c),
            }
        }
        matches(&pattern, ".git") && pattern != ".*.*"
    }
}

/// Removing or moving a directory takes along every repository that is in it.
fn holds_no_repository(word: &Word, facts: &Facts, state: &State) -> Verdict {
    // Every file of a directory is what the directory holds.
    let everything = matches!(word.shown.as_str(), "*" | "./*").then_some(".");
    let Some(path) = word.known().or(everything) else { return Ok(()) };
    let Some(path) = state.resolve(path) else { return Ok(()) };
    let whole = super::state::join(&facts.line_directory, &path);
    let holds = |kept: &String| {
        *kept == whole || kept.starts_with(&format!("{}/", whole.trim_end_matches('/')))
    };
    if facts.kept.iter().any(holds) {
        let what = format!("`{}` holds this repository", word.shown.escape_debug());
        return Err(Denial::new("git-dir", what).next("remove the files by name"));
    }
    Ok(())
}
