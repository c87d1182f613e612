//! What happens to the scripted world: what agents, hooks and people do, and what comes from outside.

use proptest::{collection::vec, prelude::*, sample::select};

use super::lanes::{self, Side};
use crate::domain::{
    event::Word,
    outcome::{Failure, Verdict},
};

/// What an agent does when its stage runs. The lists of plays begin again at their end, so that
/// nothing but the run's own limits ends it.
#[derive(Debug, Clone)]
pub(crate) enum Play {
    Built(Leaves),
    Judged(Verdict, Vec<&'static str>),
    Failed(Failure, Leaves),
    Held(u64),
    Unavailable,
    /// It cannot go on without a person's answer.
    Blocked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaves {
    Nothing,
    /// Changes that are not committed.
    Changes,
    /// A commit of the agent's own.
    Commit,
    Both,
}

/// What becomes of a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Hook {
    Allows,
    Refuses,
    /// Git commits nothing, and the work tree is as dirty as before.
    Nothing,
}

/// What happens from outside between a decision and its deed. Each happens once.
#[derive(Debug, Clone)]
pub(crate) enum Incident {
    Quiet,
    HaltAsked,
    /// The process dies before the step, or when the step is done but not written down.
    CrashBefore(u64),
    CrashAfter(u64),
    CommitByOthers,
    ChangesByOthers,
    TidiedUp,
    OtherBranch,
    /// Minutes, in either direction.
    ClockJumps(i64),
    Remark,
    /// What is there is kept, and where the run stands.
    Checkpoint,
    /// Back to one of the checkpoints, or to one that is not of this run; then the run is resumed.
    RollBack {
        to: usize,
        stranger: bool,
    },
}

#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(super) workflow: &'static str,
    pub(super) items: usize,
    pub(super) builds: Vec<Play>,
    pub(super) judges: Vec<Play>,
    pub(super) hooks: Vec<Hook>,
    pub(super) incidents: Vec<Incident>,
    /// What a person says, each time that a word is asked for.
    pub(super) words: Vec<Word>,
    /// After each halt: whether the breaker is reset.
    pub(super) resumes: Vec<bool>,
    pub(super) hours_max: u64,
    /// What is built side by side.
    pub(super) side: Option<Side>,
}

pub(super) const WORKFLOWS: [&str; 7] = [
    "build review<build",
    "build review<build audit<build",
    "build review<build document check<document audit<build",
    "tests gate:red<tests! build gate:green<build! human:seen<build! refactor review<refactor=2p",
    "+write:plan +judge:look<plan=1p +human:agree<plan build review<build=1p +mend^ +team<mend=2g +human:ship<mend",
    "build review<build=1h human:sign",
    "write:design build gate:tests judge:review<build=2g",
];

pub(crate) fn script() -> impl Strategy<Value = Script> {
    (
        select(WORKFLOWS.to_vec()),
        1..3usize,
        vec(build(), 1..5),
        vec(judge(), 1..6),
        vec(hook(), 1..5),
        vec(incident(), 0..40),
        (
            vec(any::<bool>(), 0..5),
            vec(select(vec![Word::Approve, Word::Approve, Word::Modify, Word::Reject]), 1..5),
        ),
        // So much time that no limit but the others can end a run, or little.
        (select(vec![5, 100_000]), lanes::side()),
    )
        .prop_map(
            |(
                workflow,
                items,
                builds,
                judges,
                hooks,
                incidents,
                (resumes, words),
                (hours_max, side),
            )| {
                Script {
                    workflow,
                    items: side.as_ref().map_or(items, |side| side.items),
                    builds,
                    judges,
                    hooks,
                    incidents,
                    words,
                    resumes,
                    hours_max,
                    side,
                }
            },
        )
}

fn leaves() -> impl Strategy<Value = Leaves> {
    select(vec![Leaves::Nothing, Leaves::Changes, Leaves::Commit, Leaves::Both])
}

fn build() -> impl Strategy<Value = Play> {
    prop_oneof![6 => leaves().prop_map(Play::Built), 3 => mishap(), 1 => Just(Play::Blocked)]
}

fn judge() -> impl Strategy<Value = Play> {
    let words = vec(select(vec!["alpha", "beta", "gamma", "delta", "epsilon"]), 1..4);
    prop_oneof![
        5 => select(vec![Verdict::Pass, Verdict::Conditional]).prop_map(|v| Play::Judged(v, vec![])),
        4 => words.prop_map(|words| Play::Judged(Verdict::Revise, words)),
        1 => Just(Play::Judged(Verdict::Fail, vec!["alpha"])),
        2 => leaves().prop_map(|leaves| Play::Failed(Failure::Voided, leaves)),
        2 => mishap(),
    ]
}

fn mishap() -> impl Strategy<Value = Play> {
    prop_oneof![
        4 => (select(Failure::ALL.to_vec()), leaves()).prop_map(|(f, leaves)| Play::Failed(f, leaves)),
        2 => (1..90u64).prop_map(Play::Held),
        1 => Just(Play::Unavailable),
    ]
}

fn hook() -> impl Strategy<Value = Hook> {
    prop_oneof![6 => Just(Hook::Allows), 2 => Just(Hook::Refuses), 1 => Just(Hook::Nothing)]
}

fn incident() -> impl Strategy<Value = Incident> {
    prop_oneof![
        30 => Just(Incident::Quiet),
        2 => Just(Incident::HaltAsked),
        2 => (0..6000u64).prop_map(Incident::CrashBefore),
        4 => (0..6000u64).prop_map(Incident::CrashAfter),
        2 => Just(Incident::CommitByOthers),
        2 => Just(Incident::ChangesByOthers),
        1 => Just(Incident::TidiedUp),
        1 => Just(Incident::OtherBranch),
        3 => (-600..600i64).prop_map(Incident::ClockJumps),
        1 => Just(Incident::Remark),
        4 => Just(Incident::Checkpoint),
        3 => (0..9usize, prop::bool::weighted(0.2))
            .prop_map(|(to, stranger)| Incident::RollBack { to, stranger }),
    ]
}
