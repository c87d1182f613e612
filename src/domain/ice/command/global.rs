//! git's own options, which stand before the subcommand.

use crate::domain::ice::{
    denial::Denial,
    options::unclear,
    word::{Sure, Word},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// `-C`, in order.
    pub directories: Vec<String>,
    /// Another repository or work tree was named otherwise.
    pub elsewhere: bool,
    /// None when git only says something about itself.
    pub sub: Option<&'a str>,
    pub args: &'a [Word],
}

/// Settings that change what is shown, or who is named, and nothing else.
const HARMLESS: [&str; 31] = [
    "user.name",
    "user.email",
    "author.name",
    "author.email",
    "committer.name",
    "committer.email",
    "color.*",
    "column.*",
    "log.*",
    "advice.*",
    "blame.*",
    "status.*",
    "grep.*",
    "i18n.*",
    "diff.renames",
    "diff.renamelimit",
    "diff.context",
    "diff.algorithm",
    "diff.noprefix",
    "diff.mnemonicprefix",
    "diff.colormoved",
    "commit.gpgsign",
    "commit.verbose",
    "tag.gpgsign",
    "core.quotepath",
    "core.autocrlf",
    "core.abbrev",
    "merge.conflictstyle",
    "rebase.autosquash",
    "gc.auto",
    "init.defaultbranch",
];
/// Settings that name a program, with the values that run nothing.
const QUIET: [&str; 3] = ["core.pager", "core.editor", "sequence.editor"];

const ALONE: [&str; 16] = [
    "-p",
    "--paginate",
    "-P",
    "--no-pager",
    "--no-replace-objects",
    "--no-lazy-fetch",
    "--no-optional-locks",
    "--no-advice",
    "--literal-pathspecs",
    "--glob-pathspecs",
    "--noglob-pathspecs",
    "--icase-pathspecs",
    "--exec-path",
    "--html-path",
    "--man-path",
    "--info-path",
];

pub fn split(words: &[Word]) -> Result<Invocation<'_>, Denial> {
    let mut found = Invocation { directories: Vec::new(), elsewhere: false, sub: None, args: &[] };
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let value = || words.get(at + 1).ok_or_else(|| Denial::new("usage", "a value is missing"));
        let Some(text) = word.known() else {
            return Err(unclear("", word));
        };
        match text {
            "-C" => {
                let dir = value()?;
                found.directories.push(dir.known().ok_or_else(|| unclear("-C", dir))?.to_owned());
                at += 1;
            }
            "-c" => {
                setting(value()?)?;
                at += 1;
            }
            "--git-dir" | "--work-tree" => {
                let _ = value()?;
                found.elsewhere = true;
                at += 1;
            }
            "--bare" => found.elsewhere = true,
            "-v" | "--version" | "-h" | "--help" => return Ok(found),
            _ if ALONE.contains(&text) => {}
            _ if text.starts_with("--git-dir=") || text.starts_with("--work-tree=") => {
                found.elsewhere = true;
            }
            _ if text.starts_with("--list-cmds=") => return Ok(found),
            _ if text.starts_with('-') => {
                return Err(Denial::new(
                    "option",
                    format!("`git {}` could make git do anything", text.escape_debug()),
                )
                .next("leave it away"));
            }
            _ => {
                found.sub = Some(text);
                found.args = &words[at + 1..];
                return Ok(found);
            }
        }
        at += 1;
    }
    Ok(found)
}

/// `-c key=value`: the value may be anything where the key is harmless.
fn setting(word: &Word) -> Result<(), Denial> {
    let (key, value) = word.lead.split_once('=').unwrap_or((&word.lead, "true"));
    let certain = word.sure == Sure::Whole || word.lead.contains('=') && word.sure == Sure::Part;
    if certain && is_harmless(key, (word.sure == Sure::Whole).then_some(value)) {
        return Ok(());
    }
    Err(Denial::new(
        "setting",
        format!("`git -c {}` could make git do something else", word.shown.escape_debug()),
    )
    .next("do without it: only settings about names, colours and the like are an agent's"))
}

/// Whether a setting can do no harm, be it for one command or in the repository.
pub(super) fn is_harmless(key: &str, value: Option<&str>) -> bool {
    let key = key.to_ascii_lowercase();
    let quiet = value.is_some_and(|value| matches!(value, "" | "cat" | "true" | ":" | "less"));
    (QUIET.contains(&key.as_str()) && quiet)
        || (key.starts_with("pager.") && value == Some("false"))
        || HARMLESS.iter().any(|known| match known.strip_suffix('*') {
            Some(section) => key.strip_prefix(section).is_some_and(|rest| !rest.contains('.')),
            None => *known == key,
        })
}
