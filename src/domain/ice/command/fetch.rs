//! Commands that bring something from elsewhere. What they bring never lands on a protected branch.

use super::{Effect, Judged, Place, allowed, loses_nothing, never, on_own_branch};
use crate::domain::ice::{
    denial::Denial,
    facts::Head,
    judge::branch_is_free,
    name::unfit,
    options::{Grammar, Parsed, unclear},
    refspec::{self, Kind, full_name},
    word::Word,
};

const FETCH: Grammar = Grammar(
    "
    v verbose
    q quiet
    n no-tags
    t tags
    p prune
    k keep
    a append
    j jobs =
    4 ipv4
    6 ipv6
    all
    multiple
    atomic
    porcelain
    progress
    dry-run
    depth =
    deepen =
    shallow-since =
    shallow-exclude =
    unshallow
    filter =
    refetch
    auto-gc
    auto-maintenance
    write-fetch-head
    show-forced-updates
    recurse-submodules ?
    negotiation-tip =
    f force ! it moves branches and tags by force -> the same without it
    P prune-tags ! it deletes tags: a person does that -> git fetch --prune
    u update-head-ok ! it moves the branch that is checked out
    upload-pack = ! it names a program for the other side
    refmap = ! it sends what is fetched elsewhere
    o server-option = ! it tells the server what nobody sees
    stdin ! it cannot be told what would be fetched
    set-upstream ! it changes where pushes go
    ",
);

const PULL: Grammar = Grammar(
    "
    v verbose
    q quiet
    t tags
    p prune
    r rebase ?
    j jobs =
    ff
    ff-only
    n stat
    log ?
    commit
    e edit
    squash
    s strategy =
    X strategy-option =
    autostash
    depth =
    all
    progress
    signoff
    verify-signatures
    allow-unrelated-histories
    recurse-submodules ?
    verify
    S gpg-sign ?
    f force ! it moves branches by force -> the same without it
    no-verify ! hooks are no agent's to skip -> the same without it
    upload-pack = ! it names a program for the other side
    o server-option = ! it tells the server what nobody sees
    ",
);

const CLONE: Grammar = Grammar(
    "
    l local
    s shared
    q quiet
    v verbose
    n no-checkout checkout
    progress
    bare
    mirror
    o origin =
    b branch =
    depth =
    shallow-since =
    shallow-submodules
    single-branch
    tags
    filter =
    j jobs =
    sparse
    reference =
    dissociate
    recurse-submodules ?
    hardlinks
    no-hardlinks
    u upload-pack = ! it names a program for the other side
    c config = ! it could make git do anything
    template = ! it brings hooks
    separate-git-dir = ! it hides the repository
    ",
);

const INIT: Grammar = Grammar(
    "
    q quiet
    bare
    b initial-branch =
    object-format =
    ref-format =
    template = ! it brings hooks
    separate-git-dir = ! it hides the repository
    shared ? ! it lets others write
    ",
);

pub(super) fn fetch(args: &[Word], place: &Place<'_>) -> Judged {
    let parsed = FETCH.parse("fetch", args)?;
    let Some((from, specs)) = parsed.words.split_first() else { return allowed() };
    source(from)?;
    if parsed.any(&["all", "multiple"]) {
        return allowed();
    }
    let mut made = None;
    for spec in stored(specs)? {
        made = made.or(stores(&spec, place)?);
    }
    Ok(Effect { branch: made, ..Effect::default() })
}

/// A transport that is a program can do anything.
fn source(from: &Word) -> Result<(), Denial> {
    let program = from.lead.split_once("::").is_some_and(|(name, _)| !name.contains(['/', '[']));
    if program {
        return Err(Denial::new("remote", "a transport of that kind runs a program"));
    }
    Ok(())
}

fn stored(specs: &[Word]) -> Result<Vec<refspec::Refspec>, Denial> {
    let mut texts = Vec::new();
    for word in specs {
        match word.known() {
            Some(text) => texts.push(text),
            // Without a colon it is fetched, and stored nowhere that matters.
            None => return Err(unclear("fetch", word)),
        }
    }
    refspec::parse_all(&texts).map_err(|bad| Denial::new("refspec", format!("no refspec: {bad}")))
}

/// What a refspec of a fetch stores here; a new branch may be made, and nothing that is there moves.
fn stores(spec: &refspec::Refspec, place: &Place<'_>) -> Result<Option<String>, Denial> {
    let to = match &spec.kind {
        Kind::Same(_)
        | Kind::Nowhere(_)
        | Kind::Except(_)
        | Kind::Tag(_)
        | Kind::Many { to: None, .. } => {
            return Ok(None);
        }
        Kind::To { to, .. } | Kind::Many { to: Some(to), .. } | Kind::Delete(to) => full_name(to),
        Kind::Matching => return Err(Denial::new("refspec", "it cannot be told what it stores")),
    };
    if to.starts_with("refs/remotes/") {
        return Ok(None);
    }
    let Some(branch) = to.strip_prefix("refs/heads/") else {
        return Err(Denial::new("place", format!("`{}` is no branch", to.escape_debug())));
    };
    if let Some(why) = unfit(branch) {
        let what = format!("`{}` is no name for a branch: {why}", branch.escape_debug());
        return Err(Denial::new("name", what));
    }
    branch_is_free(branch, &place.facts.protection)?;
    if spec.force || place.facts.branches.contains(branch) || place.facts.bare {
        return Err(Denial::new("move", format!("`{}` would be moved", branch.escape_debug()))
            .next("git fetch origin, and merge or rebase"));
    }
    Ok(Some(branch.to_owned()))
}

pub(super) fn pull(args: &[Word], place: &Place<'_>) -> Judged {
    let parsed = PULL.parse("pull", args)?;
    if let Some((from, specs)) = parsed.words.split_first() {
        source(from)?;
        for spec in stored(specs)? {
            stores(&spec, place)?;
        }
    }
    if !is_catching_up(&parsed, place) {
        on_own_branch("pull", place).map_err(|denial| match place.head {
            Head::Branch(head) => denial.next(format!("git pull --ff-only origin {head}")),
            Head::Detached | Head::Fresh | Head::Nowhere | Head::Unknown => denial,
        })?;
    }
    allowed()
}

/// `main` may go forward to what the remote's `main` is already.
fn is_catching_up(parsed: &Parsed, place: &Place<'_>) -> bool {
    let Head::Branch(head) = place.head else { return false };
    if !parsed.has("ff-only") || parsed.any(&["rebase", "squash"]) {
        return false;
    }
    match parsed.words.as_slice() {
        [remote, branch] => {
            remote.known().is_some_and(|name| place.facts.remote(name).is_some())
                && branch.known() == Some(head)
        }
        [] => {
            let upstream = place.facts.upstreams.get(head);
            !place.configured
                && upstream.is_some_and(|(remote, to)| {
                    to.strip_prefix("refs/heads/") == Some(head)
                        && place.facts.remote(remote).is_some()
                })
        }
        [..] => false,
    }
}

pub(super) fn copies(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    match sub {
        "clone" => {
            let parsed = CLONE.parse(sub, args)?;
            if let Some(from) = parsed.words.first() {
                source(from)?;
            }
            let by_name = |word: &Word| {
                let name = word.known()?.trim_end_matches('/').rsplit(['/', ':']).next()?;
                Some(name.strip_suffix(".git").unwrap_or(name).to_owned())
            };
            let to = match parsed.words.as_slice() {
                [from] => by_name(from),
                [_, to, ..] => to.known().map(str::to_owned),
                [] => None,
            };
            Ok(Effect { work_tree: to.map(|to| (to, Head::Unknown)), ..Effect::default() })
        }
        "init" => {
            let parsed = INIT.parse(sub, args)?;
            let to = parsed.words.first().and_then(Word::known).unwrap_or(".");
            if matches!(place.facts.head, Head::Nowhere | Head::Unknown) || !parsed.words.is_empty()
            {
                let work_tree = Some((to.to_owned(), Head::Fresh));
                return Ok(Effect { work_tree, ..Effect::default() });
            }
            allowed()
        }
        "remote" => remote(args),
        _ => submodule(args, place),
    }
}

fn remote(args: &[Word]) -> Judged {
    let words: Vec<&str> = args
        .iter()
        .filter_map(Word::known)
        .filter(|word| !matches!(*word, "-v" | "--verbose"))
        .collect();
    match words.first() {
        None | Some(&("show" | "get-url" | "prune" | "update")) => allowed(),
        Some(verb) => Err(Denial::new(
            "setting",
            format!("`git remote {}` changes where pushes go", verb.escape_debug()),
        )
        .next("a person sets up remotes")),
    }
}

fn submodule(args: &[Word], place: &Place<'_>) -> Judged {
    let verb = args.iter().find(|word| !word.lead.starts_with('-'));
    let forced = args.iter().any(|word| matches!(word.known(), Some("-f" | "--force")));
    match verb.map(Word::known) {
        None | Some(Some("status" | "summary" | "init" | "sync" | "absorbgitdirs")) => allowed(),
        Some(Some("update")) if forced => {
            loses_nothing("git submodule update --force", place)?;
            allowed()
        }
        Some(Some("update")) => allowed(),
        Some(Some("add")) if !args.iter().any(|word| word.lead.contains("::")) => allowed(),
        Some(_) => {
            never("option", "this form of `git submodule` runs commands or throws work away")
        }
    }
}
