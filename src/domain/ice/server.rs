//! What a server takes from a push: protected branches go forward only, and with proven work of runs
//! only; journals go forward only, and whole. The last word, and the only one that nobody can skip.

use super::{
    denial::Denial,
    judge::{During, Motion, Move, Rules, Verdict, Who, judge as judge_agent, shown},
    name::{Protection, Source, pretends, unfit},
};
use crate::domain::{
    id::{Oid, RunId},
    run::{Run, State},
};

/// Refs below `refs/run/` and `refs/notes/run` that one push may move.
pub const RUN_REFS_MAX: usize = 500;
/// Commits and appends that are looked at for one push, where no setting says otherwise.
pub const COMMITS_MAX: u32 = 20_000;

const RUNS: &str = "refs/run/";
const NOTES: &str = "refs/notes/run";
/// What stays in the repository in which it was written.
const LOCAL: [&str; 2] = ["refs/worktree/", "refs/run-remote/"];

/// What a server holds its pushes to.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub protection: Protection,
    /// Nobody pushes to protected branches.
    pub strict: bool,
    /// A program that acts for a model pushes, on this very machine.
    pub agent: bool,
    pub new_tags: bool,
}

/// What a ref is to a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A branch that is protected, and why.
    Protected(String),
    Journal(RunId),
    Kept(RunId, Leaf),
    Notes,
    Free,
}

/// What may stand beside a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaf {
    Checkpoints,
    Lease,
    Transcripts,
    Verdicts,
}

/// One ref of a push, with what was found out about it.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    pub name: &'a str,
    /// What really moves when the ref is a symbolic one.
    pub leads_to: Option<&'a str>,
    pub commit: Option<&'a Oid>,
    pub motion: Motion,
    pub found: Found,
}

/// What was looked at, because of the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// The commits that would be new on a protected branch, as far as they are of runs.
    Work(Vec<Claim>),
    /// There are more of them than are looked at.
    TooMuch {
        most: u32,
    },
    /// An object below `refs/run/` or `refs/notes/run` is what it should be there.
    Sound,
    Unsound(String),
}

/// A commit that says that it is of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub commit: Oid,
    /// Nothing where the name cannot be read.
    pub run: Option<RunId>,
    pub journal: Journal,
    pub tie: Tie,
}

/// The journal of a run, as the server will have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Journal {
    Missing,
    Unreadable(String),
    Newer,
    Unfinished(State),
    Complete,
}

/// How a commit stands to the one that the run's judges passed last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// It is that one, came before it, or was made from it: squashed, rebased or merged. What was made
    /// from it cannot be compared with it.
    Proven,
    /// It was put on top.
    After,
}

impl Journal {
    #[must_use]
    pub fn of(run: &Run) -> Self {
        match run.state {
            _ if run.newer => Self::Newer,
            State::Complete | State::ReadyForHitl | State::JackedOut if run.all_done() => {
                Self::Complete
            }
            State::Ready
            | State::JackIn
            | State::Running
            | State::Halted
            | State::Complete
            | State::ReadyForHitl
            | State::JackedOut => Self::Unfinished(run.state),
        }
    }
}

/// What has to be found out about a ref. An error where its name alone is refused.
pub fn place(name: &str, policy: &Policy) -> Result<Place, Denial> {
    let fit = |own: &str| match unfit(own) {
        None => Ok(()),
        Some(why) => Err(Denial::new("name", format!("`{}` is no name: {why}", shown(name)))),
    };
    if let Some(branch) = name.strip_prefix("refs/heads/") {
        fit(name)?;
        return match policy.protection.of(branch) {
            Some(found) if found.look_alike || found.source == Source::Special => {
                Err(Denial::new("name", format!("`{}` is {found}", shown(branch))))
            }
            Some(found) => Ok(Place::Protected(found.to_string())),
            None => Ok(Place::Free),
        };
    }
    if let Some(place) =
        ["refs/heads/", RUNS, NOTES].into_iter().find(|place| pretends(name, place))
    {
        let what = format!("`{}` looks as if it were below `{place}`", shown(name));
        return Err(Denial::new("name", what));
    }
    fit(name.strip_prefix("refs/").unwrap_or(name))?;
    if let Some(rest) = name.strip_prefix(RUNS) {
        return run_ref(rest).ok_or_else(|| {
            let what = format!("`{}` is no place of a run that this git-run knows", shown(name));
            Denial::new("run-state", what).next("update git-run on the server")
        });
    }
    if LOCAL.iter().any(|local| name.starts_with(local)) {
        let what = format!("`{}` belongs to the repository that wrote it", shown(name));
        return Err(Denial::new("place", what));
    }
    match name.strip_prefix(NOTES) {
        Some("") => Ok(Place::Notes),
        Some(rest) if rest.starts_with(['-', '/']) => Ok(Place::Notes),
        Some(_) | None => Ok(Place::Free),
    }
}

/// Always two deep: `<run>/<leaf>`.
fn run_ref(rest: &str) -> Option<Place> {
    let (run, leaf) = rest.split_once('/')?;
    let run = RunId::parse(run).ok()?;
    match leaf {
        "journal" => Some(Place::Journal(run)),
        "checkpoints" => Some(Place::Kept(run, Leaf::Checkpoints)),
        "lease" => Some(Place::Kept(run, Leaf::Lease)),
        "transcripts" => Some(Place::Kept(run, Leaf::Transcripts)),
        "verdicts" => Some(Place::Kept(run, Leaf::Verdicts)),
        _ => None,
    }
}

/// Whether a push moves more of a run's refs than anybody has reason to.
pub fn judge_number(run_refs: usize) -> Verdict {
    if run_refs <= RUN_REFS_MAX {
        return Ok(());
    }
    let what = format!("{run_refs} refs of runs in one push are more than {RUN_REFS_MAX}");
    Err(Denial::new("limit", what).next("push fewer of them at a time"))
}

/// One ref of a push.
pub fn judge(arrival: &Arrival<'_>, policy: &Policy) -> Verdict {
    let name = arrival.name;
    if let Some(target) = arrival.leads_to {
        let what = format!("`{}` is another name of `{}`", shown(name), shown(target));
        return Err(Denial::new("symref", what).next("push to that one by its own name"));
    }
    let place = place(name, policy)?;
    if policy.agent {
        let step =
            Move { to: name, leads_to: None, commit: arrival.commit, motion: arrival.motion };
        let rules = Rules { protection: &policy.protection, new_tags: policy.new_tags };
        judge_agent(Who::Agent, &During::NoRun, &step, &rules)?;
    }
    match place {
        Place::Protected(why) => protected(arrival, &why, policy),
        Place::Journal(_) => {
            forward(arrival, "a journal is only ever added to")?;
            sound(arrival)
        }
        Place::Notes => {
            forward(arrival, "notes are merged, and nobody's are dropped")?;
            sound(arrival)
        }
        Place::Kept(..) if arrival.motion == Motion::Delete => Ok(()),
        Place::Kept(..) => sound(arrival),
        Place::Free => Ok(()),
    }
}

fn protected(arrival: &Arrival<'_>, why: &str, policy: &Policy) -> Verdict {
    let branch = shown(arrival.name.strip_prefix("refs/heads/").unwrap_or(arrival.name));
    if policy.strict {
        let what = format!("`{branch}` is {why}, and `run.server.strict` lets nobody push there");
        return Err(Denial::new("strict", what).next("open a pull request"));
    }
    match arrival.motion {
        Motion::Create | Motion::Forward => {}
        Motion::Delete => {
            return Err(Denial::new("delete", format!("`{branch}` is {why}: it stays")));
        }
        Motion::Rewrite => {
            let what = format!("`{branch}` is {why}, and this push would drop commits of it");
            return Err(Denial::new("force", what)
                .next("git fetch, rebase or merge onto it, and push without force"));
        }
        Motion::Unknown => return Err(unknown(&branch)),
    }
    match &arrival.found {
        Found::Work(claims) => claims.iter().try_for_each(claim),
        Found::TooMuch { most } => Err(too_much(*most)),
        Found::Nothing | Found::Sound | Found::Unsound(_) => Err(unknown(&branch)),
    }
}

fn too_much(most: u32) -> Denial {
    let what = format!("there is more than {most} commits to look at");
    Denial::new("limit", what)
        .next("push it in parts, or raise it on the server: git config run.server.maxCommits <n>")
}

fn unknown(name: &str) -> Denial {
    Denial::new("unknown", format!("it cannot be told what the push would do to `{name}`"))
}

fn claim(claim: &Claim) -> Verdict {
    let commit = claim.commit.short();
    let Some(run) = &claim.run else {
        let what = format!("commit {commit} is of a run, and it cannot be read of which");
        return Err(Denial::new("run", what));
    };
    let of = format!("commit {commit} is of run `{run}`");
    let push = || format!("git push origin refs/run/{run}/journal");
    match (&claim.journal, claim.tie) {
        (Journal::Complete, Tie::Proven) => Ok(()),
        (Journal::Complete, Tie::After) => {
            let what = format!("{of}, and was made after what its judges have passed");
            Err(Denial::new("unproven", what)
                .next("let the run judge it, or take the trailers out of its message"))
        }
        (Journal::Missing, _) => {
            let what = format!("{of}, whose journal is not here");
            Err(Denial::new("journal", what).next(push()))
        }
        (Journal::Unreadable(why), _) => {
            let what = format!("{of}, whose journal is not whole: {}", shown(why));
            Err(Denial::new("journal", what).next(format!("git run verify {run}")))
        }
        (Journal::Newer, _) => {
            let what = format!("{of}, whose journal a newer git-run has written");
            Err(Denial::new("newer", what).next("update git-run on the server"))
        }
        (Journal::Unfinished(state), _) => {
            let what = format!("{of}, which is {} and not complete", state.word());
            Err(Denial::new("gate", what)
                .next(format!("git run status {run}, and then {}", push())))
        }
    }
}

fn forward(arrival: &Arrival<'_>, rule: &str) -> Verdict {
    let name = shown(arrival.name);
    match arrival.motion {
        Motion::Create | Motion::Forward => Ok(()),
        Motion::Rewrite => {
            let what = format!("`{name}` holds what this push would drop: {rule}");
            Err(Denial::new("run-state", what).next("git fetch, and look at both"))
        }
        Motion::Delete => {
            Err(Denial::new("run-state", format!("`{name}` would be deleted: {rule}")))
        }
        Motion::Unknown => Err(unknown(&name)),
    }
}

fn sound(arrival: &Arrival<'_>) -> Verdict {
    let name = shown(arrival.name);
    match &arrival.found {
        Found::Sound => Ok(()),
        Found::Unsound(why) => {
            let what =
                format!("what is pushed to `{name}` is not what belongs there: {}", shown(why));
            Err(Denial::new("run-state", what))
        }
        Found::TooMuch { most } => Err(too_much(*most)),
        Found::Nothing | Found::Work(_) => Err(unknown(&name)),
    }
}

#[cfg(test)]
mod tests;
