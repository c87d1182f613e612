//! `git push`: an agent's branch goes forward, to a known remote, under its own name. Nothing else.

use super::{Effect, Judged, Place};
use crate::domain::ice::{
    denial::Denial,
    facts::{Facts, Head, Remote},
    judge::{During, Motion, Move, Rules, Who, branch_is_free, judge as judge_move},
    options::{Grammar, unclear},
    refspec::{self, Kind, full_name},
    word::Word,
};

const GRAMMAR: Grammar = Grammar(
    "
    v verbose
    q quiet
    n dry-run
    u set-upstream
    porcelain
    progress
    atomic
    verify
    thin
    4 ipv4
    6 ipv6
    follow-tags
    signed ?
    f force ! it would drop what is at the remote -> git fetch, rebase or merge onto it, and push without force
    force-with-lease ? ! it is force all the same -> git fetch, rebase or merge onto it, and push without force
    force-if-includes ! it is force all the same
    d delete ! it deletes branches of the remote: a person does that
    prune ! it deletes branches of the remote: a person does that
    all ! it pushes every branch -> git push origin <your branch>
    branches ! it pushes every branch -> git push origin <your branch>
    mirror ! it pushes and deletes everything -> git push origin <your branch>
    tags ! tags start releases: a person pushes them
    no-verify ! hooks are no agent's to skip -> the same without it
    o push-option = ! it can order the server to merge -> the same without it
    receive-pack = ! it names a program for the other side -> the same without it
    exec = ! it names a program for the other side -> the same without it
    repo = ! it hides where the push goes -> name the remote as the first word
    recurse-submodules = ! it pushes submodules as well -> push each of them by itself
    ",
);

pub(super) fn judge(args: &[Word], place: &Place<'_>) -> Judged {
    let parsed = GRAMMAR.parse("push", args)?;
    let facts = place.facts;
    for word in &parsed.words {
        if word.known().is_none() {
            return Err(unclear("push", word).next(spelling(place)));
        }
    }
    let texts: Vec<&str> = parsed.words.iter().filter_map(Word::known).collect();
    let (name, specs) = match texts.split_first() {
        Some((name, specs)) => (Some(*name), specs),
        None => (None, &[][..]),
    };
    let remote = remote(name, place)?;
    if parsed.has("dry-run") {
        return Ok(Effect::default());
    }
    if facts.push.options {
        return Err(Denial::new("setting", "push options are configured, and could merge")
            .next("a person says `git config --unset-all push.pushOption`"));
    }
    let tags = parsed.has("follow-tags") || facts.push.follow_tags && !args_negate_tags(args);
    if tags && !facts.new_tags {
        return Err(Denial::new("tag", "it pushes tags as well, and tags start releases")
            .next("the same with `--no-follow-tags`, or a person sets `run.newTags`"));
    }
    if facts.push.submodules {
        return Err(Denial::new("setting", "it is configured to push submodules as well"));
    }
    let names: Vec<String> = if specs.is_empty() {
        plain(remote, place)?
    } else {
        let specs = refspec::parse_all(specs)
            .map_err(|bad| Denial::new("refspec", format!("no refspec can be so: {bad}")))?;
        let mut names = Vec::new();
        for spec in &specs {
            names.push(destination(spec, remote, place)?);
        }
        names
    };
    for name in &names {
        let during = match &facts.own_branch {
            // Which commit is sent, and whether the gates are open, is what the hook sees.
            Some(own) => {
                own_or_denied(own, name, &facts.protection)?;
                During::NoRun
            }
            None => During::NoRun,
        };
        let step = Move { to: name, leads_to: None, commit: None, motion: Motion::Forward };
        let rules = Rules { protection: &facts.protection, new_tags: false };
        judge_move(Who::Agent, &during, &step, &rules)?;
    }
    Ok(Effect::default())
}

fn own_or_denied(
    own: &str,
    name: &str,
    protection: &crate::domain::ice::name::Protection,
) -> Result<(), Denial> {
    let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(()) };
    branch_is_free(branch, protection)?;
    if branch == own {
        return Ok(());
    }
    let what = format!("a run pushes its own branch `{own}` and no other, not `{}`", shown(branch));
    Err(Denial::new("own-branch", what).next(format!("git push origin {own}")))
}

fn args_negate_tags(args: &[Word]) -> bool {
    args.iter().any(|word| word.known() == Some("--no-follow-tags"))
}

/// The remote that is meant, as it is configured here. A URL is nobody's remote.
fn remote<'a>(name: Option<&str>, place: &Place<'a>) -> Result<&'a Remote, Denial> {
    let facts = place.facts;
    let name = match name {
        Some(name) => name,
        None if !place.as_found => return Err(untold(place)),
        None => facts.push.remote.as_deref().unwrap_or("origin"),
    };
    let Some(remote) = facts.remote(name) else {
        let what = format!("`{}` is no remote of this repository", shown(name));
        return Err(Denial::new("remote", what).next(spelling(place)));
    };
    if remote.mirror || remote.program {
        let what = format!("`remote.{name}` is configured to do more than to push a branch");
        return Err(Denial::new("setting", what));
    }
    Ok(remote)
}

/// The full name at the remote that one refspec moves.
fn destination(
    spec: &refspec::Refspec,
    remote: &Remote,
    place: &Place<'_>,
) -> Result<String, Denial> {
    if spec.force {
        return Err(Denial::new("force", "`+` is force")
            .next("git fetch, rebase or merge onto it, and push without force"));
    }
    match &spec.kind {
        Kind::Same(from) => same(from, remote, place),
        Kind::To { from, to } => renamed(from, to, place),
        Kind::Delete(to) => {
            Err(Denial::new("delete", format!("it deletes `{}`: a person does that", shown(to))))
        }
        Kind::Tag(tag) => {
            Err(Denial::new("tag", format!("tags start releases, and `{}` is one", shown(tag))))
        }
        Kind::Matching | Kind::Many { .. } | Kind::Except(_) | Kind::Nowhere(_) => {
            Err(Denial::new("refspec", "it pushes more than one branch").next(spelling(place)))
        }
    }
}

/// `x` goes where `x` goes by itself, unless something is configured to send it elsewhere.
fn same(from: &str, remote: &Remote, place: &Place<'_>) -> Result<String, Denial> {
    if matches!(from, "HEAD" | "@") {
        return current(place);
    }
    let branch = local_branch(from, place)?;
    let facts = place.facts;
    let bent =
        facts.push.default.as_deref().is_some_and(|how| matches!(how, "upstream" | "tracking"));
    if !remote.push.is_empty() || bent || !place.as_found {
        let is_head = matches!(place.head, Head::Branch(head) if *head == branch);
        // The branch was made on this very line, or nothing that is configured bends its way.
        if !(remote.push.is_empty() && !bent && (is_head || is_made(&branch, place))) {
            let explicit = format!("git push {} {branch}:refs/heads/{branch}", remote.name);
            return Err(
                Denial::new("setting", "what is configured could send it elsewhere").next(explicit)
            );
        }
    }
    Ok(format!("refs/heads/{branch}"))
}

fn is_made(branch: &str, place: &Place<'_>) -> bool {
    place.made.contains(branch) || place.perhaps.contains(branch)
}

fn local_branch(from: &str, place: &Place<'_>) -> Result<String, Denial> {
    let facts = place.facts;
    if let Some(branch) = from.strip_prefix("refs/heads/") {
        return Ok(branch.to_owned());
    }
    if from.starts_with("refs/") || from.starts_with("tags/") {
        return Ok(full_name(from)).and_then(|name| {
            Err(Denial::new("place", format!("`{}` is no branch", shown(&name)))
                .next(spelling(place)))
        });
    }
    let name = from.strip_prefix("heads/").unwrap_or(from);
    let is_head = matches!(place.head, Head::Branch(head) if head == name);
    let is_branch = facts.branches.contains(name) || is_made(name, place) || is_head;
    match (is_branch, facts.tags.contains(from)) {
        (true, false) => Ok(name.to_owned()),
        (false, true) => {
            Err(Denial::new("tag", format!("tags start releases, and `{}` is one", shown(from))))
        }
        (true, true) => {
            Err(Denial::new("unclear", format!("`{}` is a branch and a tag", shown(from))))
        }
        // A name that is protected is told of as such, whether there is such a branch or not.
        (false, false) => branch_is_free(name, &facts.protection).and_then(|()| {
            let what = format!("there is no branch `{}` here", shown(from));
            Err(Denial::new("unclear", what).next(spelling(place)))
        }),
    }
}

/// A branch goes to the remote under its own name: another one may be another name of something else.
fn renamed(from: &str, to: &str, place: &Place<'_>) -> Result<String, Denial> {
    let name = full_name(to);
    let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(name) };
    if let Some(why) = crate::domain::ice::name::unfit(branch) {
        let what = format!("`{}` is no name for a branch: {why}", shown(branch));
        return Err(Denial::new("name", what));
    }
    branch_is_free(branch, &place.facts.protection)?;
    let source = if matches!(from, "HEAD" | "@") { current(place)? } else { full_name(from) };
    if source == name && (to.starts_with("refs/heads/") || !place.facts.tags.contains(to)) {
        return Ok(name);
    }
    let own = place.facts.own_branch.as_deref();
    if own == Some(branch) && to.starts_with("refs/heads/") {
        return Ok(name);
    }
    let what = format!("`{}` would get another name at the remote: `{}`", shown(from), shown(to));
    Err(Denial::new("rename", what).next(spelling(place)))
}

fn current(place: &Place<'_>) -> Result<String, Denial> {
    match place.head {
        Head::Branch(branch) => Ok(format!("refs/heads/{branch}")),
        Head::Detached | Head::Fresh | Head::Nowhere | Head::Unknown => {
            Err(Denial::new("unclear", "it cannot be told which branch is checked out then")
                .next("git push origin <branch>"))
        }
    }
}

/// `git push` and `git push origin`: what is configured says what goes where.
fn plain(remote: &Remote, place: &Place<'_>) -> Result<Vec<String>, Denial> {
    let facts = place.facts;
    if !remote.push.is_empty() || !place.as_found {
        return Err(untold(place));
    }
    match facts.push.default.as_deref().unwrap_or("simple") {
        "nothing" => Ok(Vec::new()),
        "current" => Ok(vec![current(place)?]),
        "simple" => {
            let here = current(place)?;
            // The other side's name is the same, or git refuses.
            Ok(vec![here])
        }
        "upstream" | "tracking" => match &facts.push.upstream {
            Some((from, to)) if *from == remote.name => Ok(vec![to.clone()]),
            Some(_) | None => Err(untold(place)),
        },
        "matching" => {
            Ok(remote.differing.iter().map(|name| format!("refs/heads/{name}")).collect())
        }
        _ => Err(untold(place)),
    }
}

fn untold(place: &Place<'_>) -> Denial {
    Denial::new("unclear", "where it goes follows from what is configured, and not from the line")
        .next(spelling(place))
}

/// The push that would be allowed.
fn spelling(place: &Place<'_>) -> String {
    let Facts { own_branch, remotes, .. } = place.facts;
    let remote = remotes.iter().find(|remote| remote.name == "origin").or(remotes.first());
    let remote = remote.map_or("origin", |remote| remote.name.as_str());
    let branch = match (own_branch, place.head) {
        (Some(own), _) => own.as_str(),
        (None, Head::Branch(branch)) => branch.as_str(),
        (None, _) => "<branch>",
    };
    format!("git push {remote} {branch}")
}

fn shown(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}
