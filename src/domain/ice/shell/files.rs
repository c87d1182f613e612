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
const WRITE_ALL: [&str; 16] = [
    "rm", "unlink", "rmdir", "shred", "truncate", "touch", "mkdir", "chmod", "chown", "tee", "mv",
    "ln", "ed", "ex", "patch", "trash",
];
/// The last word is written.
const WRITE_LAST: [&str; 4] = ["cp", "install", "rsync", "scp"];

pub(super) fn judge(program: &str, args: &[Word], facts: &Facts, state: &State) -> Verdict {
    let after_dash = |word: &Word| word.lead.trim_start_matches('-').to_owned();
    if WRITE_ALL.contains(&program) || in_place(program, args) {
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
        for word in
            args.iter().filter(|word| word.lead.starts_with("of=") || word.lead.starts_with("--"))
        {
            written(word, facts, state)?;
        }
    }
    if matches!(program, "rm" | "mv" | "rsync") {
        for word in args.iter().filter(|word| !word.lead.starts_with('-')) {
            holds_no_repository(word, facts, state)?;
        }
    }
    Ok(())
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

/// `.g*` and `.gi?`.
fn could_be_git(part: &str) -> bool {
    part.starts_with('.') && part.contains(['*', '?', '[', '{']) && {
        let pattern: String = part
            .chars()
            .map(|c| if matches!(c, '?' | '[' | ']' | '{' | '}' | ',') { '*' } else { c })
            .collect();
        matches(&pattern, ".git") && pattern != ".*.*"
    }
}

/// Removing or moving a directory takes along every repository that is in it.
fn holds_no_repository(word: &Word, facts: &Facts, state: &State) -> Verdict {
    let Some(path) = word.known() else { return Ok(()) };
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
