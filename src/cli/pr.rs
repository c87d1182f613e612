//! `git run pr`: the text of a pull request into the run's refs, and a draft of it through `gh`.

use super::{
    args::PrArgs,
    exit::{Exit, Fail},
    push::{remote, settings},
    rest::{self, Rest},
    resume::frozen,
    ui::Ui,
};
use crate::{
    domain::{
        event::{Event, PushMode},
        ice::{denial::Denial, judge::Who},
        id::{Oid, RunId},
        run::Run,
    },
    engine::proposal::Facts,
    forge::gh::{self, Existing, Gh, Text},
    git::Repo,
    guard::{
        push::{self, Remote},
        scope, vouched,
    },
    process::clock,
    report::{
        pull_request::{body, marker, merged, title},
        sanitise::sanitise,
    },
    store::{history, journal::Artifact},
};

/// Below `artifacts/`.
const PATH: &str = "pull-request.md";
const TEXT_BYTES_MAX: u64 = 1024 * 1024;
/// What the largest forge takes.
const FORGE_CHARACTERS_MAX: usize = 65_536;

/// Title and text, as they are kept.
struct Written {
    title: String,
    body: String,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &PrArgs) -> Result<Exit, Fail> {
    let id = rest::meant(repo, args.run.as_deref())?;
    let run = rest::look(repo, &id)?;
    if args.body_only {
        let commit = tip(repo, &run)?;
        let written = write(repo, &run, &commit, args)?;
        if !args.dry_run {
            keep(repo, &mut Rest::hold(repo, &id)?, &written)?;
        }
        return answer(
            ui,
            &run,
            &written,
            if args.dry_run { "would-write" } else { "written" },
            None,
        );
    }
    // Asked twice: what is refused anyway does not even touch the lock.
    let (remote, commit) = there(repo, &run)?;
    vouched::words(repo, &id)?;
    let written = write(repo, &run, &commit, args)?;
    if args.dry_run {
        return answer(ui, &run, &written, "would-open", None);
    }
    if run.charter.push == PushMode::Prompt && !asked(&run, &remote) {
        return Err(Fail::new(Exit::PersonNeeded, "it was declined: nothing was opened")
            .hint("git run pr, in a terminal, and say yes"));
    }
    let mut rest = Rest::hold(repo, &id)?;
    if rest.journal.run().head != run.head || rest.journal.run().overrides != run.overrides {
        return Err(Fail::new(Exit::Held, "somebody else went on with the run meanwhile")
            .hint("git run pr"));
    }
    keep(repo, &mut rest, &written)?;
    let directory = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let Some(gh) = Gh::found(directory, remote.url()) else {
        let into = into(repo, &run, &remote)?;
        return Err(by_hand(&run, &into, &written, "`gh` is not on the PATH".to_owned()));
    };
    let into = into(repo, &run, &remote)?;
    let (url, outcome) = match open(&gh, &run, &into, &written) {
        Ok(found) => found,
        Err(error) => return Err(by_hand(&run, &into, &written, format!("{error:#}"))),
    };
    let made = outcome == "opened";
    let opened = Event::PullRequestOpened { url: url.clone(), made };
    rest.journal.append(vec![opened], &[], clock::now())?;
    answer(ui, rest.journal.run(), &written, outcome, Some(&url))
}

/// Where the remote's branch stands, when that may be shown.
fn there(repo: &Repo, run: &Run) -> Result<(Remote, Oid), Fail> {
    let (id, mode) = (&run.charter.run, run.charter.push);
    if mode == PushMode::Local {
        let what = format!("run `{id}` is local, and opens no pull request");
        return Err(Denial::new("local", what)
            .next("git run pr --body-only writes its text")
            .into());
    }
    if scope::who() == Who::Agent && mode != PushMode::Auto {
        let what = format!("run `{id}` asks a person before it opens anything");
        return Err(Denial::new("person", what).next("a person types git run pr").into());
    }
    push::alone(repo, run)?;
    let settings = settings(repo)?;
    let judged = run.clears(&tip(repo, run)?);
    let remote = match (remote(repo, run, &settings), &judged) {
        (Err(_), Err(denial)) => return Err(denial.clone().into()),
        (found, _) => found?,
    };
    let (branch, name) = (&run.charter.branch, &remote.name);
    let not = |what: String| Err(Denial::new("push", what).next("git run push").into());
    match (remote.branch().cloned(), judged) {
        // What may leave is there, although more may have been committed here since.
        (Some(commit), _) if run.may_leave(&commit) => Ok((remote, commit)),
        (_, Err(denial)) => Err(denial.into()),
        (Some(other), Ok(())) => {
            not(format!("`{branch}` of {name} stands at {}, which nobody proved", other.short()))
        }
        (None, Ok(())) => not(format!("`{branch}` has not been pushed to {name}")),
    }
}

/// What it is opened into: the branch of the run before it in a series, as long as that is there and
/// not merged, so that a reviewer sees what this run did and nothing else. Else its base.
fn into(repo: &Repo, run: &Run, remote: &Remote) -> Result<String, Fail> {
    let base = &run.charter.base;
    let Some(onto) = &run.charter.onto else { return Ok(base.clone()) };
    if !repo.is_branch_name(onto)? {
        return Ok(base.clone());
    }
    let there = push::ask(repo, &remote.name, onto)?;
    let seen = repo.refs().read(&format!("refs/remotes/{}/{base}", remote.name))?;
    let is_merged =
        |tip: &Oid| seen.as_ref().is_some_and(|seen| repo.is_ancestor(tip, seen).unwrap_or(false));
    let is_open = there.branch().is_some_and(|tip| !is_merged(tip));
    Ok(if is_open { onto.clone() } else { base.clone() })
}

fn tip(repo: &Repo, run: &Run) -> Result<Oid, Fail> {
    let tip = repo.refs().read(&format!("refs/heads/{}", run.charter.branch))?;
    Ok(tip.unwrap_or_else(|| run.head.clone()))
}

fn write(repo: &Repo, run: &Run, commit: &Oid, args: &PrArgs) -> Result<Written, Fail> {
    let id: &RunId = &run.charter.run;
    let (plan, _) = frozen(repo, id)?;
    let facts = Facts::gather(repo, run, &plan, commit)?;
    let view = facts.view();
    Ok(Written { title: title(&view, args.title.as_deref()), body: body(&view) })
}

/// Into the run's refs, before anything leaves. The same again is kept once.
fn keep(repo: &Repo, rest: &mut Rest<'_>, written: &Written) -> Result<(), Fail> {
    let run = rest.journal.run();
    let path = format!("artifacts/{PATH}");
    let there = history::read_file(repo, &run.charter.run, &path, TEXT_BYTES_MAX)?;
    let same_title = run.pull_request.as_ref().is_some_and(|one| one.title == written.title);
    if same_title && there.as_deref() == Some(written.body.as_bytes()) {
        return Ok(());
    }
    let text = Artifact { path: PATH.to_owned(), content: written.body.clone().into_bytes() };
    let event = Event::PullRequestWritten { title: written.title.clone(), path };
    Ok(rest.journal.append(vec![event], &[text], clock::now())?)
}

fn asked(run: &Run, remote: &Remote) -> bool {
    let (branch, name) = (&run.charter.branch, &remote.name);
    Ui::ask(&format!("open a draft pull request of `{branch}` at {name}?"))
}

/// The branch's pull request, brought up to date or made. What people wrote around our text stays.
fn open(
    gh: &Gh,
    run: &Run,
    into: &str,
    written: &Written,
) -> anyhow::Result<(String, &'static str)> {
    let (id, branch) = (&run.charter.run, &run.charter.branch);
    let mark = marker(id);
    let Some(there) = gh.existing(branch, &mark)? else {
        if let Some(ended) = in_doubt(gh, run)? {
            return Ok((ended.url, "there"));
        }
        let text = Text { title: &written.title, body: &written.body };
        gh::fits(text, FORGE_CHARACTERS_MAX)?;
        return Ok((create(gh, run, into, text)?, "opened"));
    };
    let ours = there.body.contains(&mark);
    let title = if ours { &written.title } else { &there.title };
    let text = merged(&there.body, &written.body, id);
    let text = Text { title, body: &text };
    gh::fits(text, FORGE_CHARACTERS_MAX)?;
    gh.edit(there.number, text)?;
    Ok((there.url, "updated"))
}

/// What was announced, and of which nobody wrote down what came of it, may have been opened, and
/// closed or merged since: then it is no reason to open another.
fn in_doubt(gh: &Gh, run: &Run) -> anyhow::Result<Option<Existing>> {
    match &run.pull_request {
        Some(announced) if announced.url.is_none() => {
            gh.marked(&run.charter.branch, &marker(&run.charter.run))
        }
        Some(_) | None => Ok(None),
    }
}

/// A forge that answers with an error, or not in time, may have done it all the same.
fn create(gh: &Gh, run: &Run, into: &str, text: Text<'_>) -> anyhow::Result<String> {
    let branch = &run.charter.branch;
    gh.create(into, branch, text).or_else(|error| {
        match gh.marked(branch, &marker(&run.charter.run)) {
            Ok(Some(there)) if there.is_open() => Ok(there.url),
            Ok(_) => Err(error),
            Err(_) => Err(error.context("it cannot be told whether one was opened")),
        }
    })
}

/// Nothing was opened, and nothing is lost.
fn by_hand(run: &Run, into: &str, written: &Written, why: String) -> Fail {
    let charter = &run.charter;
    let kept = format!("its text is kept: git run show artifacts/{PATH} --run {}", charter.run);
    let fail = Fail::new(Exit::Failed, format!("no pull request was opened: {why}")).hint(format!(
        "open a draft from `{}` into `{}` by hand, with that text, or install `gh` and: git run pr {}",
        charter.branch, into, charter.run
    ));
    Fail { details: vec![kept, format!("its title: {}", written.title)], ..fail }
}

fn answer(
    ui: &mut Ui,
    run: &Run,
    written: &Written,
    outcome: &str,
    url: Option<&str>,
) -> Result<Exit, Fail> {
    let id = &run.charter.run;
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/pr/1",
            "run": id.as_str(),
            "outcome": outcome,
            "url": url,
            "title": written.title,
            "body": written.body,
            "path": format!("artifacts/{PATH}"),
        }))?;
        return Ok(Exit::Done);
    }
    let text = match (outcome, url) {
        ("written" | "would-write", _) => written.body.clone(),
        ("would-open", _) => {
            format!("{}\n\n{}\nnothing was written or opened\n", written.title, written.body)
        }
        ("there", url) => format!(
            "{} was opened for this run, and closed or merged since: nothing was opened (git run pr again opens another)\n",
            url.unwrap_or("a pull request")
        ),
        (outcome, url) => format!("{outcome} {}\n", url.unwrap_or("a pull request")),
    };
    ui.say(&sanitise(&text))?;
    Ok(Exit::Done)
}
