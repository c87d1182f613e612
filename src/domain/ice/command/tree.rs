//! Commands about files: what is not committed is never thrown away, unless a checkpoint holds it.

use super::{
    Effect, Judged, Place, allowed, loses_nothing, never, new_branch, read::name_of_git_dir,
};
use crate::domain::ice::{
    denial::Denial,
    facts::Head,
    judge::branch_is_free,
    options::{Grammar, Parsed, unclear},
    word::Word,
};

const CHECKOUT: Grammar = Grammar(
    "
    b b
    B B
    q quiet
    f force
    d detach
    t track ?
    l l
    orphan =
    m merge
    conflict =
    ours
    2 ours
    theirs
    3 theirs
    p patch
    guess
    progress
    overlay
    recurse-submodules
    overwrite-ignore
    pathspec-from-file =
    pathspec-file-nul
    ignore-skip-worktree-bits
    ignore-other-worktrees ! two work trees would share a branch
    ",
);

const SWITCH: Grammar = Grammar(
    "
    c create
    C force-create
    q quiet
    f force discard-changes
    d detach
    t track ?
    orphan
    m merge
    conflict =
    guess
    progress
    recurse-submodules
    overwrite-ignore
    ignore-other-worktrees ! two work trees would share a branch
    ",
);

const RESTORE: Grammar = Grammar(
    "
    s source =
    S staged
    W worktree
    q quiet
    p patch
    ours
    theirs
    m merge
    conflict =
    progress
    overlay
    ignore-unmerged
    ignore-skip-worktree-bits
    recurse-submodules
    pathspec-from-file =
    pathspec-file-nul
    ",
);

const STASH: Grammar = Grammar(
    "
    p patch
    S staged
    k keep-index
    u include-untracked
    a all
    q quiet
    m message =
    index
    pathspec-from-file =
    pathspec-file-nul
    ",
);

const ADD: Grammar = Grammar(
    "
    n dry-run
    v verbose
    f force
    i interactive
    p patch
    e edit
    u update
    A all
    N intent-to-add
    refresh
    ignore-errors
    ignore-missing
    ignore-removal
    renormalize
    sparse
    chmod =
    warn-embedded-repo
    pathspec-from-file =
    pathspec-file-nul
    ",
);

const REMOVE: Grammar = Grammar(
    "
    n dry-run
    r r
    q quiet
    f force
    cached
    k k
    v verbose
    sparse
    ignore-unmatch
    pathspec-from-file =
    pathspec-file-nul
    ",
);

const APPLY: Grammar = Grammar(
    "
    stat
    numstat
    summary
    check
    index
    cached
    3 3way
    R reverse
    reject
    p strip =
    C context =
    directory =
    exclude =
    include =
    whitespace =
    unidiff-zero
    ignore-whitespace
    ignore-space-change
    recount
    inaccurate-eof
    allow-empty
    allow-overlap
    intent-to-add
    N N
    z z
    q quiet
    v verbose
    apply
    no-add
    ours
    theirs
    union
    unsafe-paths ! it writes outside of the work tree
    build-fake-ancestor = ! it writes a file that nobody asked for
    ",
);

const WORKTREE: Grammar = Grammar(
    "
    b b =
    B B = ! it moves a branch that may be there -> git worktree add <path> -b <new branch>
    d detach
    checkout
    guess-remote
    lock
    reason =
    orphan
    q quiet
    track
    n dry-run
    v verbose
    porcelain
    z z
    expire =
    relative-paths
    f force ! it throws away what another work tree holds -> a person does that
    ",
);

const CLEAN: Grammar =
    Grammar("n dry-run\nd d\nx x\nX X\nq quiet\ne exclude =\nf force\ni interactive");

pub(super) fn judge(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    match sub {
        "checkout" => checkout(args, place),
        "switch" => switch(args, place),
        "restore" => {
            let parsed = RESTORE.parse(sub, args)?;
            let kept = parsed.has("staged") && !parsed.has("worktree");
            if !kept && !chooses_a_side(&parsed, place) {
                loses_nothing("git restore", place)?;
            }
            allowed()
        }
        "stash" => stash(args, place),
        "add" | "stage" => ADD.parse(sub, args).map(|_| Effect::default()),
        "rm" | "mv" => {
            let parsed = REMOVE.parse(sub, args)?;
            if parsed.has("force") && !parsed.any(&["cached", "dry-run"]) {
                loses_nothing(&format!("git {sub} --force"), place)?;
            }
            allowed()
        }
        "apply" => {
            let parsed = APPLY.parse(sub, args)?;
            let looks = parsed.any(&["check", "stat", "numstat", "summary", "cached"]);
            // `git diff | git apply -R` is `git checkout .`
            if parsed.has("reverse") && (!looks || parsed.has("apply")) {
                loses_nothing("git apply --reverse", place)?;
            }
            allowed()
        }
        "worktree" => worktree(args, place),
        "clean" => {
            if CLEAN.parse(sub, args)?.has("dry-run") {
                return allowed();
            }
            Err(Denial::new("unsaved", "it deletes files that git never held")
                .next("remove the files by name: rm <file>"))
        }
        "read-tree" | "checkout-index" => index(sub, args, place),
        _ => allowed(),
    }
}

/// In a conflict that is what it is for; elsewhere it takes the file from the index.
fn chooses_a_side(parsed: &Parsed, place: &Place<'_>) -> bool {
    place.facts.conflicted && parsed.any(&["ours", "theirs", "merge"])
}

fn index(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    let writes = |word: &Word| {
        word.may_be_option() && (word.lead.contains(['u', 'f', 'r']) || word.known().is_none())
    };
    if args.iter().any(writes) {
        loses_nothing(&format!("git {sub}"), place)?;
    }
    if args.iter().any(|word| name_of_git_dir(&word.lead)) {
        return never("git-dir", "it would write into a repository's own directory");
    }
    allowed()
}

/// `-b x`: the value stands right after it, so it is looked for before the grammar reads the rest.
fn created<'a>(args: &'a [Word], plain: &str, forced: &str) -> (Option<&'a Word>, bool, Vec<Word>) {
    let (mut name, mut by_force, mut rest) = (None, false, Vec::new());
    let mut args_left = args.iter().peekable();
    while let Some(word) = args_left.next() {
        let text = word.lead.as_str();
        if text == "--" {
            rest.push(word.clone());
            rest.extend(args_left.cloned());
            break;
        }
        let long = |known: &str| text == known || text.strip_prefix(known) == Some("=");
        let short =
            |flag: char| text.starts_with('-') && !text.starts_with("--") && text.ends_with(flag);
        let (is_plain, is_forced) = (
            plain.chars().any(short) || long("--create"),
            forced.chars().any(short) || long("--force-create"),
        );
        let is_orphan = text == "--orphan";
        if (is_plain || is_forced || is_orphan) && name.is_none() {
            name = args_left.next();
            by_force = is_forced;
            // What else stands in the cluster counts as well.
            if !text.starts_with("--") && 2 < text.len() {
                rest.push(Word::whole(&text[..text.len() - 1]));
            }
            continue;
        }
        rest.push(word.clone());
    }
    (name, by_force, rest)
}

fn checkout(args: &[Word], place: &Place<'_>) -> Judged {
    let (name, by_force, rest) = created(args, "b", "B");
    let parsed = CHECKOUT.parse("checkout", &rest)?;
    if parsed.any(&["b", "B"]) || parsed.has("orphan") {
        return never("unclear", "it cannot be told which branch would be made");
    }
    if parsed.has("force") {
        loses_nothing("git checkout --force", place)?;
    }
    if let Some(name) = name {
        return create("checkout", name, by_force, place);
    }
    let paths = parsed.before_dashes.is_some_and(|before| before < parsed.words.len())
        || 1 < parsed.words.len()
        || parsed.any(&["pathspec-from-file", "patch"]);
    if paths {
        if !chooses_a_side(&parsed, place) {
            loses_nothing("git checkout <paths>", place)?;
        }
        return allowed();
    }
    go_to("checkout", &parsed, place)
}

fn switch(args: &[Word], place: &Place<'_>) -> Judged {
    let (name, by_force, rest) = created(args, "c", "C");
    let parsed = SWITCH.parse("switch", &rest)?;
    if parsed.any(&["create", "force-create", "orphan"]) {
        return never("unclear", "it cannot be told which branch would be made");
    }
    if parsed.has("discard-changes") {
        loses_nothing("git switch --discard-changes", place)?;
    }
    match name {
        Some(name) => create("switch", name, by_force, place),
        None => go_to("switch", &parsed, place),
    }
}

fn create(sub: &str, name: &Word, by_force: bool, place: &Place<'_>) -> Judged {
    let branch = new_branch(sub, name, place)?;
    if by_force && (place.facts.branches.contains(&branch) || place.made.contains(&branch)) {
        let what = format!("`{branch}` is there already, and would lose its place");
        return Err(Denial::new("move", what).next(format!("git {sub} {branch}")));
    }
    let head = Some(Head::Branch(branch.clone()));
    Ok(Effect { head, branch: Some(branch), ..Effect::default() })
}

/// Standing on a protected branch harms nobody; what would move it there is refused.
fn go_to(sub: &str, parsed: &Parsed, place: &Place<'_>) -> Judged {
    let Some(word) = parsed.words.first() else {
        let head = parsed.has("detach").then_some(Head::Detached);
        return Ok(Effect { head, ..Effect::default() });
    };
    let to = |head| Ok(Effect { head: Some(head), ..Effect::default() });
    let facts = place.facts;
    let Some(name) = word.known() else {
        if sub == "checkout" {
            loses_nothing("git checkout <what is not known>", place)?;
        }
        return to(Head::Unknown);
    };
    if name == "-" || name == "@{-1}" {
        return to(place.before.clone());
    }
    let tracked = |name: &str| {
        facts
            .remotes
            .iter()
            .any(|remote| facts.tracking.contains(&format!("{}/{name}", remote.name)))
    };
    let is_branch = facts.branches.contains(name) || place.made.contains(name);
    if is_branch || (tracked(name) && !facts.tags.contains(name)) {
        return to(if parsed.has("detach") {
            Head::Detached
        } else {
            Head::Branch(name.to_owned())
        });
    }
    let is_commit = facts.tags.contains(name)
        || facts.tracking.contains(name)
        || name.starts_with("refs/")
        || name.starts_with("HEAD")
        || name.contains(['~', '^'])
        || name.contains("@{")
        || (4 <= name.len() && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    if parsed.has("track") {
        let branch = name.split_once('/').map_or(name, |(_, branch)| branch);
        return to(Head::Branch(branch.to_owned()));
    }
    if is_commit {
        return to(Head::Detached);
    }
    if sub == "checkout" {
        // It is no branch and no commit, so it is a path.
        loses_nothing("git checkout <path>", place)?;
        return allowed();
    }
    to(Head::Branch(name.to_owned()))
}

fn stash(args: &[Word], place: &Place<'_>) -> Judged {
    let (verb, rest) = match args.split_first() {
        Some((first, rest)) if !first.may_be_option() => (first.known(), rest),
        Some(_) | None => (Some("push"), args),
    };
    match verb {
        Some("list" | "show") => super::read::judge("stash", rest),
        Some("push" | "save" | "create") => {
            STASH.parse("stash", rest)?;
            Ok(Effect { stashed: verb != Some("create"), ..Effect::default() })
        }
        Some("apply") => STASH.parse("stash", rest).map(|_| Effect::default()),
        Some("pop") if place.stashed && rest.iter().all(is_plain_pop) => allowed(),
        Some("pop") => Err(Denial::new("unsaved", "the stash entry would be gone afterwards")
            .next("git stash apply")),
        Some("drop" | "clear") => {
            Err(Denial::new("unsaved", "what is stashed would be lost")
                .next("leave it where it is"))
        }
        Some("branch") => never("option", "`git stash branch` drops the entry: git stash apply"),
        Some(other) => never("option", format!("`git stash {}`", other.escape_debug())),
        None => Err(unclear("stash", &args[0])),
    }
}

/// It takes out the newest entry, as without any words.
fn is_plain_pop(word: &Word) -> bool {
    matches!(word.known(), Some("-q" | "--quiet" | "--index"))
}

fn worktree(args: &[Word], place: &Place<'_>) -> Judged {
    let Some((first, rest)) = args.split_first() else { return allowed() };
    match first.known() {
        Some("list" | "lock" | "unlock" | "prune" | "repair") => {
            WORKTREE.parse("worktree", rest).map(|_| Effect::default())
        }
        Some("move") => never("worktree", "whoever works there would not find it any more"),
        Some("remove") => {
            let parsed = WORKTREE.parse("worktree", rest)?;
            if parsed.words.iter().any(|word| word.known().is_none()) {
                return never("unclear", "it cannot be told which work tree is meant");
            }
            allowed()
        }
        Some("add") => add_worktree(&WORKTREE.parse("worktree", rest)?, place),
        Some(_) | None => {
            never("option", "this form of `git worktree` is not known to be harmless")
        }
    }
}

fn add_worktree(parsed: &Parsed, place: &Place<'_>) -> Judged {
    let made = match parsed.value("b") {
        Some(name) => Some(new_branch("worktree", name, place)?),
        None => None,
    };
    let path = parsed.words.first().and_then(Word::known);
    let wanted = parsed.words.get(1).and_then(Word::known);
    let named_by_path =
        path.map(|path| path.trim_end_matches('/').rsplit('/').next().unwrap_or(path));
    let head = match (&made, wanted, named_by_path) {
        _ if parsed.has("detach") => Head::Detached,
        (Some(made), _, _) => Head::Branch(made.clone()),
        (None, Some(name), _) if place.facts.branches.contains(name) => {
            Head::Branch(name.to_owned())
        }
        (None, None, Some(name)) if parsed.words.len() == 1 => {
            if !place.facts.branches.contains(name) {
                branch_is_free(name, &place.facts.protection)?;
            }
            Head::Branch(name.to_owned())
        }
        _ => Head::Unknown,
    };
    let work_tree = path.map(|path| (path.to_owned(), head));
    Ok(Effect { branch: made, work_tree, ..Effect::default() })
}
