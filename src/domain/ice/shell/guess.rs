//! What can only be guessed from the words: code on the line for an interpreter, and programs whose
//! names only the shell will know.

use super::git::not_literal;
use crate::domain::ice::{
    denial::Denial,
    word::{Sure, Word},
};

const INTERPRETERS: [&str; 15] = [
    "python",
    "python2",
    "python3",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "deno",
    "bun",
    "php",
    "lua",
    "osascript",
    "awk",
    "gawk",
    "mawk",
];

/// A program whose name only the shell will know: it must not be git.
pub(super) fn dynamic(first: &Word, args: &[Word]) -> Result<(), Denial> {
    const SUBCOMMANDS: [&str; 31] = [
        "push",
        "send-pack",
        "commit",
        "merge",
        "rebase",
        "reset",
        "checkout",
        "switch",
        "restore",
        "branch",
        "tag",
        "stash",
        "clean",
        "config",
        "update-ref",
        "symbolic-ref",
        "fetch",
        "pull",
        "reflog",
        "gc",
        "prune",
        "notes",
        "replace",
        "worktree",
        "remote",
        "-C",
        "-c",
        "pr",
        "api",
        "cherry-pick",
        "revert",
    ];
    let hidden = args.iter().any(|word| SUBCOMMANDS.contains(&word.lead.as_str()));
    let made = first.sure == Sure::Parts
        && (args.is_empty()
            || first.shown.contains(['{', '*', '?', '[', '`'])
            || first.shown.contains("$("));
    if hidden || made || mentions_git(&first.shown) {
        return Err(not_literal(first));
    }
    Ok(())
}

pub(super) fn mentions_git(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| matches!(word, "git" | "gh" | "glab" | "hub"))
}

/// What runs something, or touches files.
const RUNS: [&str; 30] = [
    "rmtree",
    "unlink",
    "rmsync",
    "rmdir",
    "fs.",
    "rename",
    "subprocess",
    "system",
    "popen",
    "exec",
    "spawn",
    "dulwich",
    "pygit2",
    "libgit2",
    "nodegit",
    "rugged",
    "isomorphic",
    "jgit",
    "gitpython",
    "git.repo",
    "import git",
    "from git",
    "simple-git",
    "qx",
    "`",
    "| sh",
    "os.",
    "shutil",
    "open(",
    "writefile",
];
/// What changes something.
const WRITES: [&str; 28] = [
    "rmsync",
    "rm(",
    "rmdir",
    "rename",
    "send-pack",
    "stash",
    "push",
    "merge",
    "update_ref",
    "update-ref",
    "update_by",
    "delete",
    "remove",
    "force",
    "reset",
    "clean",
    "branch",
    "commit",
    "rebase",
    "refs/heads",
    "set_target",
    "send_pack",
    "send-pack",
    "rmtree",
    "unlink",
    "hookspath",
    "hooks",
    "tag",
];

/// Code on the command line that could push or throw away by itself.
pub(super) fn inline(args: &[Word]) -> Result<(), Denial> {
    for word in args {
        let text = word.shown.to_lowercase();
        let knows_git = mentions_git(&text)
            || ["dulwich", "pygit2", "libgit2", "nodegit", "rugged", "gitpython"]
                .iter()
                .any(|name| text.contains(name));
        let runs = RUNS.iter().any(|run| text.contains(run));
        let writes = WRITES.iter().any(|write| text.contains(write));
        if knows_git && runs && writes {
            return Err(Denial::new(
                "unclear",
                "the code could do with git what only git itself would tell",
            )
            .next("call git by itself, without a program around it"));
        }
    }
    Ok(())
}

pub(super) fn is_interpreter(name: &str) -> bool {
    let is = |known: &&str| {
        let rest = name.strip_prefix(*known);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['3', '.']))
    };
    INTERPRETERS.iter().any(is)
}
