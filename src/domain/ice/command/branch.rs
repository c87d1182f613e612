//! Commands about refs by themselves: new ones may be made, and none that is there moves or goes.

use super::{Effect, Judged, Place, allowed, never, new_branch};
use crate::domain::ice::{
    denial::Denial,
    judge::branch_is_free,
    name::unfit,
    options::{Grammar, unclear},
    word::Word,
};

const BRANCH: Grammar = Grammar(
    "
    a all
    r remotes
    v vv verbose
    q quiet
    l list
    i ignore-case
    contains ?
    no-contains ?
    merged ?
    no-merged ?
    points-at =
    format =
    sort =
    column ?
    color ?
    abbrev ?
    omit-empty
    show-current
    t track ?
    u set-upstream-to =
    unset-upstream
    edit-description
    create-reflog
    c copy
    d delete
    D D
    m move ! it renames a branch: a person does that -> git switch -c <new branch>
    M M ! it renames a branch over another: a person does that
    C C ! it copies a branch over another -> git branch <new branch>
    f force ! it moves a branch that is there -> git branch <new branch>
    ",
);

const TAG: Grammar = Grammar(
    "
    l list
    n n ?
    v verify
    i ignore-case
    contains ?
    no-contains ?
    merged ?
    no-merged ?
    points-at =
    format =
    sort =
    column ?
    color ?
    omit-empty
    a annotate
    s sign
    sign
    u local-user =
    m message =
    F file =
    e edit
    cleanup =
    trailer =
    create-reflog
    d delete ! tags mark releases: a person deletes them
    f force ! tags mark releases, and do not move -> git tag <new tag>
    ",
);

const NOTES: Grammar = Grammar(
    "
    m message =
    F file =
    C reuse-message =
    c reedit-message =
    e edit
    separator ?
    stripspace
    allow-empty
    q quiet
    v verbose
    ref =
    f force ! it replaces a note that is there -> git notes append
    ",
);

const LISTING: [&str; 9] = [
    "list",
    "all",
    "remotes",
    "contains",
    "no-contains",
    "merged",
    "no-merged",
    "points-at",
    "show-current",
];

pub(super) fn judge(sub: &str, args: &[Word], place: &Place<'_>) -> Judged {
    match sub {
        "branch" => branch(args, place),
        "tag" => tag(args, place),
        "notes" => notes(args),
        "symbolic-ref" => symbolic_ref(args),
        "replace" => {
            let lists = args
                .iter()
                .all(|word| matches!(word.known(), Some("-l" | "--list")) || !word.may_be_option());
            if args.is_empty() || lists && args[0].lead.starts_with('-') {
                return allowed();
            }
            never("replace", "it would put one object in the place of another, for every reader")
        }
        _ => match args.first().map(Word::known) {
            None | Some(Some("show" | "list" | "exists")) => super::read::judge("reflog", args),
            Some(Some("expire" | "delete" | "drop" | "write")) => {
                never("reflog", "the reflog is how lost work is found again")
            }
            Some(Some(_)) => super::read::judge("reflog", args),
            Some(None) => Err(unclear("reflog", &args[0])),
        },
    }
}

fn branch(args: &[Word], place: &Place<'_>) -> Judged {
    let parsed = BRANCH.parse("branch", args)?;
    if parsed.any(&["delete", "D"]) {
        // What is known of a remote comes back with the next fetch.
        return if parsed.has("remotes") {
            allowed()
        } else {
            Err(Denial::new("delete", "it deletes a branch: a person does that")
                .next("leave it where it is"))
        };
    }
    let lists = parsed.any(&LISTING);
    let describes = parsed.any(&["set-upstream-to", "unset-upstream", "edit-description"]);
    if lists || describes || parsed.words.is_empty() {
        return allowed();
    }
    let name = if parsed.has("copy") { parsed.words.last() } else { parsed.words.first() };
    let Some(name) = name else { return allowed() };
    let made = new_branch("branch", name, place)?;
    Ok(Effect { branch: Some(made), ..Effect::default() })
}

fn tag(args: &[Word], place: &Place<'_>) -> Judged {
    let parsed = TAG.parse("tag", args)?;
    if parsed.any(&LISTING) || parsed.any(&["n", "verify"]) {
        return allowed();
    }
    let Some(word) = parsed.words.first() else { return allowed() };
    let Some(name) = word.known() else { return Err(unclear("tag", word)) };
    if let Some(why) = unfit(name) {
        return never("name", format!("`{}` is no name for a tag: {why}", name.escape_debug()));
    }
    // `git push origin main` would no longer say which of the two is meant.
    branch_is_free(name, &place.facts.protection)?;
    allowed()
}

/// The notes of runs are a record that nobody edits by hand.
fn notes(args: &[Word]) -> Judged {
    let mut rest = args;
    while let Some(first) = rest.first() {
        let named = match first.lead.strip_prefix("--ref") {
            Some("") => rest.get(1),
            Some(_) => Some(first),
            None => break,
        };
        let Some(named) = named else { return never("usage", "a value is missing") };
        let Some(text) = named.known() else { return Err(unclear("notes", named)) };
        let name = text.rsplit('=').next().unwrap_or(text);
        let name = name.trim_start_matches("refs/").trim_start_matches("notes/");
        if name.to_ascii_lowercase().starts_with("run") || unfit(name).is_some() {
            return Err(Denial::new("run-state", "the notes of runs are written by runs alone")
                .next("git notes add -m <text>"));
        }
        rest = &rest[if first.lead == "--ref" { 2 } else { 1 }.min(rest.len())..];
    }
    match rest.first().map(Word::known) {
        None | Some(Some("list" | "show" | "get-ref")) => allowed(),
        Some(Some("add" | "append")) => {
            NOTES.parse("notes", &rest[1..])?;
            allowed()
        }
        Some(Some(verb)) => {
            let what = format!("`git notes {}` changes notes that are there", verb.escape_debug());
            Err(Denial::new("option", what).next("git notes append -m <text>"))
        }
        Some(None) => Err(unclear("notes", &rest[0])),
    }
}

/// With one name it reads; with two it makes a branch another name of something.
fn symbolic_ref(args: &[Word]) -> Judged {
    let reads =
        |word: &&Word| !matches!(word.known(), Some("-q" | "--quiet" | "--short" | "--recurse"));
    let rest: Vec<&Word> = args.iter().filter(reads).collect();
    match rest[..] {
        [one] if !one.may_be_option() => allowed(),
        _ => Err(Denial::new("symref", "it would make one ref another name of a second one")
            .next("git switch <branch>")),
    }
}
