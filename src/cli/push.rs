//! `git run push`: the branch of a run that stands still, at the commit that may leave, to one place.

use super::{
    args::PushArgs,
    exit::{Exit, Fail},
    rest::{self, Rest},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        event::{Delivery, Event, PushMode},
        ice::{denial::Denial, judge::Who},
        id::Oid,
        run::Run,
    },
    git::Repo,
    guard::{
        push::{self, Remote},
        scope, vouched,
    },
    process::clock,
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &PushArgs) -> Result<Exit, Fail> {
    let id = rest::meant(repo, args.run.as_deref())?;
    // Asked twice: what is refused anyway does not even touch the lock.
    let run = rest::look(repo, &id)?;
    let commit = leaving(repo, &run)?;
    vouched::words(repo, &id)?;
    if commit == run.charter.start {
        return answer(ui, &run, None, &commit, "nothing");
    }
    let settings = settings(repo)?;
    if args.dry_run {
        let remote = remote(repo, &run, &settings)?;
        if remote.branch() == Some(&commit) {
            return answer(ui, &run, Some(&remote), &commit, "there");
        }
        push::clear_run(repo, &remote, &run, &settings.protected, &commit)?;
        return answer(ui, &run, Some(&remote), &commit, "would-push");
    }
    let mut rest = Rest::hold(repo, &id)?;
    let run = rest.journal.run().clone();
    let commit = leaving(repo, &run)?;
    let remote = remote(repo, &run, &settings)?;
    let pushed = Delivery::Pushed {
        remote: remote.name.clone(),
        branch: run.charter.branch.clone(),
        commit: commit.clone(),
    };
    if remote.branch() == Some(&commit) {
        // After a crash, or after somebody else's push: what is there is written down once.
        if run.delivery.as_ref() != Some(&pushed) || run.delivering {
            let ended = vec![Event::DeliveryEnded { outcome: pushed }];
            rest.journal.append(ended, &[], clock::now())?;
        }
        return answer(ui, rest.journal.run(), Some(&remote), &commit, "there");
    }
    let clearance = push::clear_run(repo, &remote, &run, &settings.protected, &commit)?;
    if !run.delivering {
        let started = Event::DeliveryStarted {
            remote: remote.name.clone(),
            branch: run.charter.branch.clone(),
            commit: commit.clone(),
        };
        rest.journal.append(vec![started], &[], clock::now())?;
    }
    let outcome = push::send(repo, &remote, &clearance);
    let ended = vec![Event::DeliveryEnded { outcome: outcome.clone() }];
    rest.journal.append(ended, &[], clock::now())?;
    match outcome {
        Delivery::Pushed { .. } => answer(ui, rest.journal.run(), Some(&remote), &commit, "pushed"),
        Delivery::Failed { why } | Delivery::Refused { why } | Delivery::Skipped { why } => {
            Err(Fail::new(Exit::Failed, format!("the push failed: {why}"))
                .hint("git run push, when what was in the way is gone"))
        }
    }
}

/// The commit at which the branch stands, where it may leave.
fn leaving(repo: &Repo, run: &Run) -> Result<Oid, Fail> {
    let charter = &run.charter;
    if scope::who() == Who::Agent && charter.push != PushMode::Auto {
        let what = format!("run `{}` pushes when a person says so", charter.run);
        return Err(Denial::new("person", what).next("a person types git run push").into());
    }
    let tip = repo.refs().read(&format!("refs/heads/{}", charter.branch))?;
    let tip = tip.ok_or_else(|| {
        Denial::new("branch", format!("the branch `{}` is gone", charter.branch))
            .next(format!("git branch {} {}", charter.branch, run.head))
    })?;
    run.clears(&tip)?;
    Ok(tip)
}

/// A setting that cannot be read never means that something is allowed.
pub(super) fn settings(repo: &Repo) -> Result<Settings, Fail> {
    Settings::read(repo).map_err(|error| {
        Denial::new("settings", format!("{error:#}")).next("git config --list --show-origin").into()
    })
}

pub(super) fn remote(repo: &Repo, run: &Run, settings: &Settings) -> Result<Remote, Fail> {
    let name = push::remote_name(repo, settings.remote.as_deref())?.ok_or_else(|| {
        Fail::new(Exit::Failed, "there is no remote to push to").hint("git remote add origin <url>")
    })?;
    Ok(push::ask(repo, &name, &run.charter.branch)?)
}

fn answer(
    ui: &mut Ui,
    run: &Run,
    remote: Option<&Remote>,
    commit: &Oid,
    outcome: &str,
) -> Result<Exit, Fail> {
    let (id, branch) = (&run.charter.run, &run.charter.branch);
    let name = remote.map(|remote| remote.name.as_str());
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/push/1",
            "run": id.as_str(),
            "outcome": outcome,
            "remote": name,
            "branch": branch,
            "commit": commit.as_str(),
            "state": run.state.word(),
        }))?;
        return Ok(Exit::Done);
    }
    let (short, name) = (commit.short(), name.unwrap_or("the remote"));
    let next = match run.charter.push {
        PushMode::Local => "git run pr --body-only",
        PushMode::Prompt | PushMode::Auto => "git run pr",
    };
    ui.say(&crate::report::sanitise::sanitise(&match outcome {
        "nothing" => format!("run {id} changed nothing, so there is nothing to push\n"),
        "there" => format!("{short} is in `{branch}` of {name} already\nnext: {next}\n"),
        "would-push" => {
            format!("would push {short} to `{branch}` of {name}\nnothing was written\n")
        }
        _ => format!("pushed {short} to `{branch}` of {name}\nnext: {next}\n"),
    }))?;
    Ok(Exit::Done)
}
