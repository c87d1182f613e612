//! Commands that move the branch that is checked out.

use super::{Effect, Judged, Place, allowed, loses_nothing, never, on_own_branch};
use crate::domain::ice::{
    denial::Denial,
    facts::Head,
    judge::branch_is_free,
    options::{Grammar, Parsed, unclear},
    word::Word,
};

const COMMIT: Grammar = Grammar(
    "
    a all
    p patch
    m message =
    F file =
    C reuse-message =
    c reedit-message =
    t template =
    fixup =
    squash =
    author =
    date =
    cleanup =
    trailer =
    amend
    reset-author
    edit
    e edit
    allow-empty
    allow-empty-message
    s signoff
    S gpg-sign ?
    u untracked-files ?
    v verbose
    q quiet
    i include
    o only
    z null
    dry-run
    short
    long
    branch
    porcelain
    status
    verify
    post-rewrite
    pathspec-from-file =
    pathspec-file-nul
    n no-verify ! hooks are no agent's to skip -> the same without it, after what they say is repaired
    ",
);

const MERGE: Grammar = Grammar(
    "
    m message =
    F file =
    s strategy =
    X strategy-option =
    into-name =
    cleanup =
    n stat
    ff
    ff-only
    squash
    commit
    e edit
    log ?
    signoff
    q quiet
    v verbose
    progress
    autostash
    allow-unrelated-histories
    rerere-autoupdate
    S gpg-sign ?
    abort
    quit
    continue
    verify
    verify-signatures
    overwrite-ignore
    no-verify ! hooks are no agent's to skip -> the same without it
    ",
);

const REBASE: Grammar = Grammar(
    "
    onto =
    s strategy =
    X strategy-option =
    C context =
    whitespace =
    empty =
    i interactive
    r rebase-merges ?
    m merge
    q quiet
    v verbose
    n stat
    f force-rebase
    k keep-empty
    keep-base
    root
    fork-point
    autosquash
    autostash
    signoff
    committer-date-is-author-date
    reset-author-date
    reapply-cherry-picks
    rerere-autoupdate
    reschedule-failed-exec
    S gpg-sign ?
    apply
    ff
    continue
    skip
    abort
    quit
    edit-todo
    show-current-patch
    verify
    update-refs ! it moves other branches as well -> the same without it
    x exec = ! it runs a program at every commit -> rebase, and run it afterwards
    no-verify ! hooks are no agent's to skip -> the same without it
    ",
);

const PICK: Grammar = Grammar(
    "
    n no-commit commit
    m mainline =
    s signoff
    x record-origin
    e edit
    X strategy-option =
    strategy =
    cleanup =
    empty =
    ff
    q quiet
    allow-empty
    allow-empty-message
    keep-redundant-commits
    reference
    rerere-autoupdate
    S gpg-sign ?
    continue
    skip
    abort
    quit
    ",
);

const AM: Grammar = Grammar(
    "
    s signoff
    k keep
    keep-non-patch
    keep-cr
    c scissors
    3 3way
    q quiet
    u utf8
    m message-id
    p strip =
    C context =
    directory =
    exclude =
    include =
    whitespace =
    patch-format =
    empty =
    reject
    i interactive
    committer-date-is-author-date
    ignore-date
    ignore-whitespace
    S gpg-sign ?
    continue
    r resolved
    skip
    abort
    quit
    retry
    allow-empty
    show-current-patch ?
    verify
    n no-verify ! hooks are no agent's to skip -> the same without it
    ",
);

const RESET: Grammar = Grammar(
    "
    q quiet
    p patch
    N intent-to-add
    soft
    mixed
    hard
    keep
    merge
    refresh
    recurse-submodules ?
    pathspec-from-file =
    pathspec-file-nul
    ",
);

const STRATEGIES: [&str; 6] = ["ort", "recursive", "resolve", "octopus", "ours", "subtree"];

pub(super) fn judge(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    match sub {
        "commit" => {
            COMMIT.parse(sub, args)?;
            on_own_branch(sub, place)?;
            allowed()
        }
        "merge" => merge(&MERGE.parse(sub, args)?, place),
        "rebase" => rebase(&REBASE.parse(sub, args)?, place),
        "cherry-pick" | "revert" => {
            let parsed = PICK.parse(sub, args)?;
            strategy(&parsed)?;
            if !parsed.any(&["abort", "quit"]) {
                on_own_branch(sub, place)?;
            }
            allowed()
        }
        "am" => {
            if !AM.parse(sub, args)?.any(&["abort", "quit"]) {
                on_own_branch(sub, place)?;
            }
            allowed()
        }
        "reset" => reset(&RESET.parse(sub, args)?, place),
        _ => bisect(args),
    }
}

/// A strategy is a program `git-merge-<name>`; only git's own are known.
fn strategy(parsed: &Parsed) -> Result<(), Denial> {
    match parsed.value("strategy").map(Word::known) {
        None => Ok(()),
        Some(Some(name)) if STRATEGIES.contains(&name) => Ok(()),
        Some(_) => Err(Denial::new("option", "a strategy of another name is a program")),
    }
}

fn merge(parsed: &Parsed, place: &Place<'_>) -> Judged {
    strategy(parsed)?;
    if parsed.any(&["abort", "quit"]) || is_catching_up(parsed, place) {
        return allowed();
    }
    on_own_branch("merge", place)?;
    allowed()
}

/// `git merge --ff-only origin/main` on `main` brings nothing but what the remote has already.
fn is_catching_up(parsed: &Parsed, place: &Place<'_>) -> bool {
    let (Head::Branch(head), [one]) = (place.head, &parsed.words[..]) else { return false };
    let tracked = one.known().and_then(|name| name.strip_prefix("refs/remotes/").or(Some(name)));
    let same = tracked
        .and_then(|name| name.split_once('/'))
        .is_some_and(|(remote, branch)| place.facts.remote(remote).is_some() && branch == head);
    same && parsed.has("ff-only") && place.facts.tracking.contains(tracked.unwrap_or_default())
}

fn rebase(parsed: &Parsed, place: &Place<'_>) -> Judged {
    strategy(parsed)?;
    if parsed.any(&["abort", "quit", "show-current-patch", "edit-todo"]) {
        return allowed();
    }
    // `git rebase <upstream> <branch>` moves another branch than the one that is checked out.
    let at = usize::from(!parsed.has("root"));
    let Some(branch) = parsed.words.get(at) else {
        on_own_branch("rebase", place)?;
        return allowed();
    };
    let Some(name) = branch.known() else { return Err(unclear("rebase", branch)) };
    branch_is_free(name, &place.facts.protection)?;
    Ok(Effect { head: Some(Head::Branch(name.to_owned())), ..Effect::default() })
}

fn reset(parsed: &Parsed, place: &Place<'_>) -> Judged {
    let hard = parsed.any(&["hard", "merge"]);
    if hard {
        loses_nothing("git reset --hard", place)?;
    }
    let moves = parsed.any(&["hard", "merge", "soft", "keep"]) || may_move(parsed);
    if moves {
        on_own_branch("reset", place)?;
    }
    allowed()
}

/// `git reset` and `git reset <paths>` only unstage.
fn may_move(parsed: &Parsed) -> bool {
    let first = parsed.words.first();
    let only_paths = parsed.before_dashes == Some(0) || parsed.words.len() != 1;
    let to_head = first.is_none_or(|word| matches!(word.known(), Some("HEAD" | "@")));
    !(to_head || only_paths)
}

fn bisect(args: &[Word]) -> Judged {
    match args.first().map(Word::known) {
        Some(Some("run")) => Ok(Effect { starts: args[1..].to_vec(), ..Effect::default() }),
        Some(Some(
            "start" | "good" | "bad" | "old" | "new" | "skip" | "log" | "view" | "visualize"
            | "terms" | "next",
        )) => Ok(Effect { head: Some(Head::Detached), ..Effect::default() }),
        // It goes back as `git checkout` goes: not over what is changed.
        Some(Some("reset")) if args.len() == 1 => {
            Ok(Effect { head: Some(Head::Unknown), ..Effect::default() })
        }
        Some(_) | None => never("option", "this form of `git bisect` is not known to be harmless"),
    }
}
