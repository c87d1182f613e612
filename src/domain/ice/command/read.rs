//! Commands that only read, or only add objects that nothing refers to.

use super::{Judged, allowed};
use crate::domain::ice::{denial::Denial, word::Word};

const READ: [&str; 67] = [
    "annotate",
    "archive",
    "blame",
    "cat-file",
    "check-attr",
    "check-ignore",
    "check-mailmap",
    "check-ref-format",
    "cherry",
    "column",
    "commit-tree",
    "count-objects",
    "describe",
    "diff",
    "diff-files",
    "diff-index",
    "diff-pairs",
    "diff-tree",
    "fast-export",
    "fmt-merge-msg",
    "for-each-ref",
    "format-patch",
    "fsck",
    "get-tar-commit-id",
    "grep",
    "hash-object",
    "help",
    "last-modified",
    "log",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "mailinfo",
    "mailsplit",
    "merge-base",
    "merge-tree",
    "mktag",
    "mktree",
    "name-rev",
    "pack-redundant",
    "patch-id",
    "range-diff",
    "request-pull",
    "rev-list",
    "rev-parse",
    "shortlog",
    "show",
    "show-branch",
    "show-index",
    "show-ref",
    "status",
    "stripspace",
    "survey",
    "unpack-file",
    "var",
    "verify-commit",
    "verify-pack",
    "verify-tag",
    "version",
    "whatchanged",
    "write-tree",
    "merge-file",
    "pack-refs",
    "rerere",
    "interpret-trailers",
    "diagnose",
    "bugreport",
];

/// What makes a reader write, or start a program.
const WRITING: [(&str, &str); 7] = [
    ("--output", "it writes a file"),
    ("--output-directory", "it writes files"),
    ("--exec", "it runs a program"),
    ("--ext-diff", "it runs a program"),
    ("--upload-pack", "it runs a program"),
    ("--open-files-in-pager", "it runs a program"),
    ("--remote", "it asks another repository by a program"),
];

pub(super) fn only_reads(sub: &str) -> bool {
    READ.contains(&sub)
}

pub(super) fn judge(sub: &str, args: &[Word]) -> Judged {
    for word in args {
        let name = word.lead.split('=').next().unwrap_or_default();
        if name == "--" || name == "--end-of-options" {
            break;
        }
        let long = WRITING.iter().find(|(writes, _)| 3 < name.len() && writes.starts_with(name));
        let long = long.filter(|_| !(name == "--remote" && sub != "archive"));
        let pager = sub == "grep" && name.starts_with("-O");
        let to_git = name_of_git_dir(&word.lead);
        if to_git && matches!(sub, "archive" | "format-patch" | "merge-file" | "interpret-trailers")
        {
            return Err(Denial::new("git-dir", "it would write into a repository's own directory"));
        }
        if let Some((writes, why)) = long
            && !(*writes == "--output" && word_is_safe(word)
                || *writes == "--output-directory" && !to_git)
        {
            return Err(Denial::new("option", format!("`git {sub} {writes}`: {why}"))
                .next("redirect its output instead"));
        }
        if pager {
            return Err(Denial::new("option", "`git grep -O` runs a program"));
        }
    }
    allowed()
}

/// A file outside of every repository's own directory.
fn word_is_safe(word: &Word) -> bool {
    word.known().is_some_and(|text| text.contains('=') && !name_of_git_dir(text))
}

/// Whether a path leads into a repository's own directory.
pub(in crate::domain::ice) fn name_of_git_dir(path: &str) -> bool {
    let path = path.rsplit('=').next().unwrap_or(path).to_ascii_lowercase();
    path.split(['/', '\\']).any(|part| part.ends_with(".git") || part.starts_with("git~"))
}
