//! Everything else that goes by the name of a git command.

use super::{Effect, Judged, allowed};
use crate::domain::ice::{
    denial::Denial,
    facts::Head,
    name::unfit,
    options::unclear,
    tool::{PRE_COMPACT, PRE_TOOL_USE},
    verb::{self, Verb},
    word::Word,
};

/// What no agent needs, with why and what is done instead.
const NEVER: [(&str, &str, &str, &str); 34] = [
    ("send-pack", "hook", "it pushes past every hook", "git push origin <branch>"),
    ("http-push", "hook", "it pushes past every hook", "git push origin <branch>"),
    ("receive-pack", "hook", "it writes into a repository past its work tree", ""),
    ("upload-pack", "option", "it serves a repository", "git fetch"),
    ("upload-archive", "option", "it serves a repository", "git archive"),
    ("http-backend", "option", "it serves a repository", ""),
    ("daemon", "option", "it serves repositories", ""),
    ("shell", "option", "it serves repositories", ""),
    (
        "update-ref",
        "plumbing",
        "it moves refs past every check",
        "git switch, git commit, git merge",
    ),
    ("fast-import", "plumbing", "it moves refs past every check", "git am, git cherry-pick"),
    ("refs", "plumbing", "it rewrites how refs are kept", "git for-each-ref"),
    ("replay", "plumbing", "it may move refs past every check", "git rebase"),
    ("history", "plumbing", "it rewrites other branches as well", "git rebase -i"),
    ("filter-branch", "rewrite", "it rewrites every commit that it is given", "git rebase -i"),
    ("filter-repo", "rewrite", "it rewrites every commit that there is", "git rebase -i"),
    ("prune", "prune", "it deletes what nothing refers to any more", "git gc"),
    ("prune-packed", "prune", "it deletes objects", "git gc"),
    ("repack", "prune", "it may drop what nothing refers to any more", "git gc"),
    ("hook", "hook", "git runs hooks by itself", ""),
    ("credential", "credential", "it shows what pushes are authorised with", ""),
    ("credential-store", "credential", "it shows what pushes are authorised with", ""),
    ("credential-cache", "credential", "it shows what pushes are authorised with", ""),
    ("subtree", "option", "it pushes and merges by itself", "git push origin <branch>"),
    ("svn", "option", "it writes into another system", ""),
    ("p4", "option", "it writes into another system", ""),
    ("cvsexportcommit", "option", "it writes into another system", ""),
    ("send-email", "option", "it writes to people", "git format-patch"),
    ("imap-send", "option", "it writes to people", "git format-patch"),
    ("difftool", "option", "it runs programs", "git diff"),
    ("mergetool", "option", "it runs programs", "edit the files, and git add them"),
    ("instaweb", "option", "it runs programs", ""),
    ("web--browse", "option", "it runs programs", ""),
    ("update-server-info", "option", "it serves a repository", ""),
    ("remote-ext", "hook", "it runs programs", ""),
];

pub(super) fn judge(sub: &str, args: &[Word]) -> Judged {
    if let Some((_, rule, why, next)) = NEVER.iter().find(|(name, ..)| *name == sub) {
        let denial = Denial::new(rule, format!("`git {sub}`: {why}"));
        return Err(if next.is_empty() { denial } else { denial.next(*next) });
    }
    match sub {
        "gc" => keeps(
            args,
            &[
                "--auto",
                "-q",
                "--quiet",
                "--aggressive",
                "--no-prune",
                "--cruft",
                "--keep-largest-pack",
                "--detach",
                "--no-detach",
            ],
        ),
        "maintenance" if args.first().and_then(Word::known) == Some("run") => keeps(
            &args[1..],
            &[
                "--auto",
                "--quiet",
                "--task=gc",
                "--task=commit-graph",
                "--task=loose-objects",
                "--task=incremental-repack",
                "--task=pack-refs",
                "--task=prefetch",
            ],
        ),
        "commit-graph" | "multi-pack-index" => allowed(),
        "bundle" => match args.first().and_then(Word::known) {
            Some("create" | "verify" | "list-heads") => super::read::judge("archive", args),
            Some(_) | None => unknown(sub),
        },
        "lfs" => match args.first().and_then(Word::known) {
            None
            | Some(
                "ls-files" | "status" | "env" | "version" | "track" | "pull" | "fetch" | "checkout",
            ) => allowed(),
            Some(_) => unknown(sub),
        },
        "run" => ours(args),
        _ => unknown(sub),
    }
}

fn unknown(sub: &str) -> Judged {
    let what = format!(
        "`git {}` is no command that is known here: it may be an alias",
        sub.escape_debug()
    );
    Err(Denial::new("command", what).next("spell out the command that it stands for"))
}

fn keeps(args: &[Word], known: &[&str]) -> Judged {
    match args.iter().find(|word| !word.known().is_some_and(|text| known.contains(&text))) {
        None => allowed(),
        Some(word) if word.lead.starts_with("--prune") => {
            Err(Denial::new("prune", "it deletes what nothing refers to any more").next("git gc"))
        }
        Some(word) => Err(unclear("gc", word)),
    }
}

/// An agent looks, saves, takes back and reports. What a person decides, a person says.
fn ours(args: &[Word]) -> Judged {
    const OPEN: [&str; 25] = [
        "status",
        "list",
        "log",
        "show",
        "watch",
        "summary",
        "checkpoint",
        "rollback",
        "undo",
        "redo",
        "restore",
        "deleted",
        "verify",
        "plan",
        "schema",
        "next",
        "report",
        "halt",
        "ice",
        "push",
        "doctor",
        "demo",
        "audit",
        "completions",
        "pr",
    ];
    let mut rest = args.iter();
    let verb = loop {
        match rest.next() {
            // The directory may be called like a command.
            Some(word) if matches!(word.known(), Some("-C" | "--git-dir")) => drop(rest.next()),
            Some(word) if word.known().is_some() && word.lead.starts_with('-') => {}
            other => break other,
        }
    };
    match verb.map(Word::known) {
        None => allowed(),
        Some(Some("ice")) => Ok(fenced(rest.as_slice())),
        // One judges and does nothing, the other one only remarks where things stand.
        Some(Some("hook"))
            if matches!(rest.nth(1).and_then(Word::known), Some(PRE_TOOL_USE | PRE_COMPACT)) =>
        {
            allowed()
        }
        // It asks nobody, and moves nothing.
        Some(Some("sync")) if rest.next().and_then(Word::known) == Some("status") => allowed(),
        // Taking over what the plan says now is a person's.
        Some(Some("plan")) if rest.any(|word| !may_look(word)) => {
            let what = "`git run plan sync --apply` is for people to say";
            Err(Denial::new("person", what).next("git run plan sync"))
        }
        Some(Some(verb)) if OPEN.contains(&verb) => allowed(),
        // Looking is open; `--apply` and `--answer` are a person's.
        Some(Some("reconcile")) if rest.all(looks) => allowed(),
        Some(Some(verb)) => {
            let what = format!("`git run {}` is for people to say", verb.escape_debug());
            Err(Denial::new("person", what).next("git run status"))
        }
        Some(None) => Err(Denial::new("unclear", "it cannot be told what `git run` would do")),
    }
}

fn may_look(word: &Word) -> bool {
    word.known().is_none_or(|text| !text.starts_with("--a"))
}

fn looks(word: &Word) -> bool {
    word.known().is_some_and(|text| !text.starts_with("--a"))
}

/// What `git run ice exec` starts is judged here as well; the words of the wrapper judge themselves.
fn fenced(args: &[Word]) -> Effect {
    let words: Option<Vec<String>> =
        args.iter().map(|word| word.known().map(str::to_owned)).collect();
    if let Some(Ok(Verb::EnsureBranch(name) | Verb::Checkout(name))) =
        words.as_deref().map(verb::parse)
        && unfit(&name).is_none()
    {
        return Effect { head: Some(Head::Branch(name)), ..Effect::default() };
    }
    let is = |word: Option<&Word>, text: &str| word.and_then(Word::known) == Some(text);
    let mut rest = args.iter().skip_while(|word| is(Some(word), "--json"));
    if !is(rest.next(), "exec") {
        return Effect::default();
    }
    let starts: Vec<Word> = rest.skip_while(|word| is(Some(word), "--")).cloned().collect();
    Effect { starts, ..Effect::default() }
}
