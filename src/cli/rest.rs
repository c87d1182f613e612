//! A run that stands still, and is held so that it goes on doing so while a person decides about it.

use super::{
    exit::{Exit, Fail},
    resume::wanted,
    start::actor,
};
use crate::{
    domain::{
        ice::denial::Denial,
        id::{Oid, RunId},
        run::{Run, State},
    },
    git::Repo,
    guard::bound::{self, newer},
    process::{alive, clock},
    store::{
        catalog,
        hold::{self, Hold},
        journal::{Artifact, Journal},
        signatures,
    },
};

/// A run that nobody else writes as long as this lives.
pub(super) struct Rest<'r> {
    pub journal: Journal<'r>,
    _hold: Hold,
}

impl<'r> Rest<'r> {
    /// Holds the run, and takes its lease where it can still go on.
    pub(super) fn hold(repo: &'r Repo, id: &RunId) -> Result<Self, Fail> {
        repo.may_write()?;
        let me = alive::own_mark();
        let hold = Hold::of_run(repo, id, &me)?;
        let mut journal = open(repo, id)?;
        is_at_home(repo, journal.run())?;
        rests(journal.run())?;
        if !journal.run().state.is_over() {
            journal.take_lease(me, clock::now())?;
        }
        Ok(Self { journal, _hold: hold })
    }
}

/// The run that was named, or the one of this work tree. One whose journal is gone is told from none.
pub(super) fn meant(repo: &Repo, named: Option<&str>) -> Result<RunId, Fail> {
    let lost = catalog::lost_here(repo)?;
    if let Some((id, _)) = lost.filter(|(id, _)| named.is_none_or(|named| named == id.as_str())) {
        let what = format!("the journal of run `{id}` is gone, so nothing is known of its gates");
        return Err(Denial::new("journal", what).next("git run list").into());
    }
    wanted(repo, named)
}

/// The run as it stands, where it stands still.
pub(super) fn look(repo: &Repo, id: &RunId) -> Result<Run, Fail> {
    let run = open(repo, id)?.run().clone();
    is_at_home(repo, &run)?;
    rests(&run)?;
    Ok(run)
}

/// What cannot be read opens no gate.
fn open<'r>(repo: &'r Repo, id: &RunId) -> Result<Journal<'r>, Fail> {
    Journal::open(repo, id, actor(repo)).map_err(|error| {
        let what = format!("the journal of run `{id}` cannot be read: {error:#}");
        Denial::new("journal", what).next(format!("git run verify {id}")).into()
    })
}

/// What another clone took over opens no gate here.
fn is_at_home(repo: &Repo, run: &Run) -> Result<(), Fail> {
    if run.is_at_home(repo.clone_name().as_deref()) {
        return Ok(());
    }
    Err(bound::away(run).into())
}

fn rests(run: &Run) -> Result<(), Fail> {
    let (id, state) = (&run.charter.run, run.state.word());
    if run.newer {
        return Err(newer(id).into());
    }
    if hold::is_held(run) {
        return Err(Fail::new(Exit::Held, format!("run `{id}` is {state}, and at work"))
            .hint("git run halt, and then the same again"));
    }
    if run.is_at_rest() {
        return Ok(());
    }
    let what = match run.state {
        State::Halted => format!("what the last stage of run `{id}` did is in doubt"),
        _ => format!("run `{id}` is {state}, and its process is gone"),
    };
    Err(Denial::new("state", what).next("git run resume, or git run halt").into())
}

/// What a person says, signed over a tree, where git is told to sign, or was when the run began. What
/// cannot be signed is not said.
pub(super) fn signed(
    repo: &Repo,
    (tip, tree): (&Oid, &Oid),
    text: &str,
    path: String,
) -> Result<Option<Artifact>, Fail> {
    let refused = |why: String| {
        Fail::from(
            Denial::new("signature", format!("git is told to sign, and cannot: {why}"))
                .next("git config user.signingKey <key>, and then the same again"),
        )
    };
    if !repo.signs().map_err(|error| refused(format!("{error:#}")))? {
        if signatures::are_asked_for(repo, tip)? {
            let what = "git was told to sign when the run began, and is not any more";
            let next = "git config commit.gpgSign true, and then the same again";
            return Err(Denial::new("signature", what).next(next).into());
        }
        return Ok(None);
    }
    let content = repo.sign(tree, text)?.map_err(refused)?;
    Ok(Some(Artifact { path, content }))
}
