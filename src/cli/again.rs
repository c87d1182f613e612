//! Whether a run that is over may go on: here, on its branch, and as long as that is its own. It never
//! decides what is opened again: the run does.

use super::{
    exit::{Exit, Fail},
    resume::is_here,
    start::unfinished_here,
};
use crate::{
    config::settings::Settings,
    domain::{ice::denial::Denial, id::Oid, run::Run},
    git::Repo,
    store::{catalog, history, hold, layout},
};

/// What was typed.
pub(super) struct About<'a> {
    /// Under which name it is refused.
    pub rule: &'static str,
    pub command: &'a str,
    /// What is wrong, in the words of whoever typed it.
    pub what: &'a str,
}

/// Where its work is part of the base already, its branch and its pull request are history, and what is
/// wrong is work of its own.
pub(super) fn may_go_on(repo: &Repo, run: &Run, about: &About<'_>) -> Result<(), Fail> {
    let (id, branch) = (&run.charter.run, &run.charter.branch);
    is_here(repo, run, about.command, false)?;
    if hold::is_held(run) {
        return Err(Fail::new(Exit::Held, format!("run `{id}` is at work")).hint("git run status"));
    }
    if let Some(other) = unfinished_here(repo)?.filter(|other| other.charter.run != *id) {
        let (other, state) = (&other.charter.run, other.state.word());
        let what =
            format!("run `{other}` of this work tree is {state}, and `{id}` would go on here");
        return Err(Fail::new(Exit::Held, what).hint("git run resume, or git run halt --force"));
    }
    let Some(tip) = repo.refs().read(&format!("refs/heads/{branch}"))? else {
        return Err(Fail::new(Exit::Failed, format!("the run's branch `{branch}` is gone"))
            .hint(format!("git branch {branch} {}  (where it stood last)", run.head)));
    };
    if let Some(base) = merged_into(repo, run, &tip)? {
        let what = format!("`{branch}` is part of `{base}` by now, so what is wrong is new work");
        return Err(Fail::from(Denial::new(about.rule, what).next(bug(about.what))));
    }
    // By its own journal from here on: `git run resume` is to mean this one.
    let Some(journal) = repo.refs().read(&layout::journal(id))? else { return Ok(()) };
    Ok(catalog::point_here(repo, &history::first(repo, &journal)?)?)
}

/// The name under which the base has all of the branch, where the branch has something of its own.
fn merged_into(repo: &Repo, run: &Run, tip: &Oid) -> Result<Option<String>, Fail> {
    if *tip == run.charter.start {
        return Ok(None);
    }
    let base = &run.charter.base;
    let remote = Settings::read(repo)?.remote.unwrap_or_else(|| "origin".to_owned());
    for name in [format!("refs/heads/{base}"), format!("refs/remotes/{remote}/{base}")] {
        // What cannot be told is not known to be merged; the branch is still the run's own.
        if let Some(there) = repo.refs().read(&name)?
            && repo.is_ancestor(tip, &there).unwrap_or(false)
        {
            let shown = name.trim_start_matches("refs/heads/").trim_start_matches("refs/remotes/");
            return Ok(Some(shown.to_owned()));
        }
    }
    Ok(None)
}

/// The command that begins a run of its own for it.
fn bug(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default().replace('\'', "'\\''");
    format!("git run --bug '{first}'")
}
