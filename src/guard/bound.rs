//! The runs that have a say where something is judged, and the rules that hold there.

use std::collections::BTreeSet;

use crate::{
    config::settings::Settings,
    domain::{
        ice::{denial::Denial, judge::Who, name::Protection, push_line::PushLine},
        id::RunId,
        run::Run,
    },
    git::Repo,
    store::catalog,
};

/// The runs that a push can be about: the one of this work tree, and those that claim a branch.
#[derive(Debug)]
pub(super) struct Runs {
    pub here: Option<Run>,
    /// Those that claim a branch that is pushed.
    claims: Vec<Run>,
    /// The branch of a run of this work tree whose journal is gone.
    lost: Option<(RunId, String)>,
    /// What this clone calls itself.
    clone: Option<String>,
}

impl Runs {
    pub(super) fn about(
        repo: &Repo,
        lines: &[PushLine],
        here: Option<Run>,
    ) -> anyhow::Result<Self> {
        let names = lines.iter().flat_map(|line| [&line.remote, &line.local]);
        let branches: BTreeSet<_> =
            names.filter_map(|name| name.strip_prefix("refs/heads/")).collect();
        let claims = catalog::claiming(repo, &branches)?;
        let (lost, clone) = (catalog::lost_here(repo)?, repo.clone_name());
        Ok(Self { here, claims, lost, clone })
    }

    /// The runs whose work a push may send: the one of this work tree, and that of the branch it is from.
    pub(super) fn behind(&self, line: &PushLine) -> impl Iterator<Item = &Run> {
        let from = line.local.strip_prefix("refs/heads/");
        let claims = self.claims.iter();
        claims.filter(move |run| Some(run.charter.branch.as_str()) == from).chain(&self.here)
    }

    /// The run that has a say in a push to this branch. More than one, or one that cannot be
    /// understood, and nobody may push it.
    pub(super) fn of(&self, who: Who, branch: &str) -> Result<Option<&Run>, Denial> {
        let owners: Vec<_> =
            self.claims.iter().filter(|run| run.charter.branch == branch).collect();
        if let [one, other, ..] = owners.as_slice() {
            return Err(claimed(branch, &one.charter.run, &other.charter.run));
        }
        if let Some((id, lost)) = &self.lost
            && (who == Who::Agent || lost == branch)
        {
            return Err(Denial::new("journal", format!("the journal of run `{id}` is gone"))
                .next(format!("git fetch <remote> refs/run/{id}/journal:refs/run/{id}/journal")));
        }
        let here = self.here.as_ref();
        let run = match who {
            Who::Agent => here.or(owners.first().copied()),
            Who::Person => owners.first().copied().or(here),
        };
        match run {
            Some(run) if run.newer && (who == Who::Agent || run.charter.branch == branch) => {
                Err(newer(&run.charter.run))
            }
            Some(run)
                if !run.is_at_home(self.clone.as_deref())
                    && (who == Who::Agent || run.charter.branch == branch) =>
            {
                Err(away(run))
            }
            found => Ok(found),
        }
    }
}

/// What is set, and the run of this work tree with what the team agreed on for its base.
pub(super) fn here(repo: &Repo) -> anyhow::Result<(Settings, Option<Run>)> {
    let mut settings = Settings::read(repo)?;
    let bound = catalog::unfinished_here(repo)?;
    if let Some(bound) = &bound {
        settings.tighten(repo, &bound.charter.base)?;
    }
    Ok((settings, bound))
}

#[must_use]
pub(super) fn claimed(branch: &str, one: &RunId, other: &RunId) -> Denial {
    let branch: String = branch.chars().flat_map(char::escape_debug).collect();
    Denial::new("claimed", format!("runs `{one}` and `{other}` both claim `{branch}`"))
        .next(format!("git run halt {other} --force gives one of them up"))
}

/// What another clone took over goes on there, and is answered for there.
#[must_use]
pub fn away(run: &Run) -> Denial {
    let (id, place) = (&run.charter.run, run.worktree());
    let what = format!("run `{id}` was taken over by another clone, in `{place}`");
    Denial::new("away", what).next(format!("git run adopt {id} takes it back"))
}

#[must_use]
pub fn newer(run: &RunId) -> Denial {
    let what = format!("the journal of run `{run}` was written by a newer version of git-run");
    Denial::new("newer", what).next("update git-run, and then the same again")
}

pub(super) fn protection(
    settings: &Settings,
    bound: Option<&Run>,
    defaults: Vec<String>,
) -> Protection {
    Protection {
        configured: settings.protected.clone(),
        base: bound.map(|bound| bound.charter.base.clone()),
        remote_defaults: defaults,
    }
}
