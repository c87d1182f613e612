//! A world that does what a script says: a loop like the engine's over the pure domain, which checks
//! at every event what must always hold.

mod lanes;
mod reopen;
mod rollback;
mod script;

use std::collections::BTreeMap;

use proptest::prelude::*;

use lanes::Ahead;
use rollback::Kept;
use script::{Hook, Incident, Leaves, Play, WORKFLOWS};
pub(crate) use script::{Script, script};

use super::{BRANCH, Tape, charter, ended, failed, finding, minutes, oid};
use crate::domain::{
    deletion::Deleted,
    event::{Approval, Cause, Delivery, Envelope, Event, StageEnd, StageStart, Word, Work},
    id::{ItemId, Oid, StageId},
    item::{Item, Phase, Progress},
    limits::{Limits, RATE_WINDOW},
    outcome::{Failure, Outcome, Verdict},
    request::{Answer, Request, decide},
    run::{Breaker, Run, State},
    step::{Marks, Sight, Step, next_step},
    time::{Span, Timestamp},
    workflow::{Duty, Exhausted},
};

/// Small, so that scripts reach them.
fn limits(hours_max: u64) -> Limits {
    Limits {
        cycles_max: 6,
        run_time_max: Span::from_hours(hours_max),
        calls_per_hour_max: 7,
        tokens_max: Some(10_000),
        ..Limits::default()
    }
}

#[derive(Debug, Default)]
struct Repo {
    head: u64,
    tree: u64,
    dirty: bool,
    elsewhere: bool,
    marks: Option<Marks>,
    /// The last number that was given to a commit or a tree.
    numbers: u64,
    /// The tree that was brought in from a lane and is not committed yet.
    brought: Option<u64>,
}

impl Repo {
    fn commit(&mut self, marks: Option<Marks>) {
        self.numbers += 1;
        (self.head, self.tree, self.marks) = (self.numbers, self.numbers, marks);
        self.brought = None;
    }
}

/// A run on its way. Every event is checked when it is written.
#[derive(Debug)]
pub(crate) struct World {
    script: Script,
    tape: Tape,
    repo: Repo,
    builds: usize,
    judges: usize,
    said: usize,
    hooks: usize,
    incidents: usize,
    resets: usize,
    starts: Vec<Timestamp>,
    /// Which tree each judge of an item passed last, as the events tell it.
    passed: BTreeMap<(ItemId, StageId), Oid>,
    shown: Option<(ItemId, StageId, Oid)>,
    kept: Vec<Kept>,
    ahead: Ahead,
    failures: Vec<String>,
}

/// What a script led to.
#[derive(Debug)]
pub(crate) struct Journey {
    pub(crate) written: Vec<Envelope>,
    pub(crate) run: Run,
    /// What did not hold.
    pub(crate) failures: Vec<String>,
}

pub(crate) fn travel(script: &Script) -> Journey {
    let names = &["a", "b", "c", "d", "e", "f"][..script.items];
    let mut charter = charter(names, script.workflow, limits(script.hours_max));
    if let Some(side) = &script.side {
        side.arrange(&mut charter);
    }
    let repo = Repo { head: 1, tree: 1, numbers: 1, ..Repo::default() };
    let mut world = World {
        tape: Tape::begin(charter),
        script: script.clone(),
        repo,
        builds: 0,
        judges: 0,
        said: 0,
        hooks: 0,
        incidents: 0,
        resets: 0,
        starts: Vec::new(),
        passed: BTreeMap::new(),
        shown: None,
        kept: Vec::new(),
        ahead: Ahead::default(),
        failures: Vec::new(),
    };
    world.tape.take_lease();
    world.go();
    Journey { written: world.tape.written, run: world.tape.run, failures: world.failures }
}

impl World {
    fn go(&mut self) {
        let resumes = self.script.resumes.clone();
        let mut resumes = resumes.iter();
        loop {
            self.until_rest();
            if !self.failures.is_empty() {
                return;
            }
            let Some(reset_breaker) = resumes.next() else { return };
            self.repo.elsewhere = false;
            self.answer();
            self.reopen();
            let Ok(Answer::Write(events)) =
                decide(&self.tape.run, &Request::Resume { reset_breaker: *reset_breaker })
            else {
                continue;
            };
            self.resets += usize::from(*reset_breaker);
            // Halted time does not count, however long it was.
            self.tape.now = self.tape.now.after(Span::from_hours(100));
            events.into_iter().for_each(|event| self.write(event));
        }
    }

    /// A person says something to everything that waits.
    fn answer(&mut self) {
        for waits in self.tape.run.waits() {
            let word = self.script.words[self.said % self.script.words.len()];
            self.said += 1;
            let at = waits.at.unwrap_or((oid(self.repo.head), oid(self.repo.tree)));
            let say = |word: Word| Approval {
                item: waits.gate.item.clone(),
                stage: waits.gate.stage.clone(),
                head: at.0.clone(),
                tree: at.1.clone(),
                word,
                text: "do it so".into(),
                skip: None,
                signed: None,
            };
            // Where nothing can be sent back to, a person says yes or no.
            let fits = |word: Word| self.tape.run.may_answer(&say(word), self.tape.now).is_ok();
            if let Some(word) = [word, Word::Approve].into_iter().find(|word| fits(*word)) {
                self.write(Event::ApprovalGiven(Box::new(say(word))));
            }
        }
    }

    /// More steps than any run may need that keeps its limits.
    fn steps_max(&self) -> usize {
        let limits = &self.tape.run.charter.limits;
        let cycles = (limits.cycles_max + 1) as usize * (self.script.resumes.len() + 1);
        let starts = limits.failures_in_a_row_max as usize * self.tape.run.charter.stages.len();
        let back = |incident: &&Incident| matches!(incident, Incident::RollBack { .. });
        // After each of them the work may begin anew.
        let lives = 1 + self.script.incidents.iter().filter(back).count();
        (cycles * starts * self.script.items * lives + self.script.incidents.len()) * 8
    }

    fn until_rest(&mut self) {
        for _ in 0..self.steps_max() {
            let step = next_step(&self.tape.run, &self.look());
            if step == Step::Rest {
                return;
            }
            if !self.incident(&step) {
                self.perform(step);
            }
            if !self.failures.is_empty() {
                return;
            }
        }
        let last: Vec<_> =
            self.tape.written.iter().rev().take(12).map(|e| e.event.kind()).collect();
        self.failures.push(format!("it does not end; backwards: {}", last.join(" ")));
    }

    fn look(&self) -> Sight {
        Sight {
            now: self.tape.now,
            branch: Some(if self.repo.elsewhere { "main" } else { BRANCH }.to_owned()),
            head: oid(self.repo.head),
            tree: oid(self.repo.tree),
            dirty: self.repo.dirty,
            marks: self.repo.marks.clone(),
            lacks: Vec::new(),
            shaken: Vec::new(),
        }
    }

    /// Lets the next incident happen; whether the decided step is lost by it.
    fn incident(&mut self, step: &Step) -> bool {
        let incident = self.script.incidents.get(self.incidents).cloned();
        self.incidents += 1;
        match incident.unwrap_or(Incident::Quiet) {
            Incident::Quiet => return false,
            Incident::HaltAsked => {
                let request = Request::Halt { reason: "lunch".into(), force: false };
                if let Ok(Answer::Write(events)) = decide(&self.tape.run, &request) {
                    events.into_iter().for_each(|event| self.write(event));
                }
            }
            Incident::CrashBefore(gap) => self.crash(gap),
            Incident::CrashAfter(gap) => {
                let before = self.tape.clone();
                if let Step::RunStage(start) = step {
                    self.write(Event::StageStarted(start.clone()));
                    self.play(start);
                } else if let Step::RunLanes(items) = step {
                    self.run_lanes(items, gap as usize % lanes::POINTS_MAX);
                } else {
                    self.perform(step.clone());
                    self.forget(before);
                }
                self.crash(gap);
            }
            Incident::CommitByOthers => self.repo.commit(None),
            Incident::ChangesByOthers => self.repo.dirty = true,
            Incident::TidiedUp => (self.repo.dirty, self.repo.brought) = (false, None),
            Incident::OtherBranch => self.repo.elsewhere = true,
            Incident::ClockJumps(by) => {
                self.tape.now = Timestamp::from_millis(self.tape.now.millis() + by * 60_000);
            }
            Incident::Remark => self.write(Event::Remarked { text: "hm".into() }),
            Incident::Checkpoint => drop(self.checkpoint()),
            Incident::RollBack { to, stranger } => self.roll_back(to, stranger),
        }
        true
    }

    /// The process died before its last events were written down.
    fn forget(&mut self, before: Tape) {
        let now = self.tape.now;
        self.tape = Tape { now, ..before };
    }

    fn crash(&mut self, gap: u64) {
        if self.tape.run.state.is_over() {
            return;
        }
        self.tape.now = self.tape.now.after(minutes(gap));
        let ran = self.tape.run.ran;
        self.tape.take_lease();
        self.check("a crash's gap is nobody's time", ran == self.tape.run.ran);
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Rest => {}
            Step::Record(events) => events.into_iter().for_each(|event| self.write(event)),
            Step::JackIn => self
                .write(Event::RunStarted { head: oid(self.repo.head), tree: oid(self.repo.tree) }),
            Step::SettleIntent => self.write(Event::IntentSettled { conflicts: Vec::new() }),
            Step::RunStage(start) => {
                self.write(Event::StageStarted(start.clone()));
                let end = self.play(&start);
                self.write(Event::StageEnded(Box::new(end)));
            }
            Step::RunLanes(items) => self.run_lanes(&items, usize::MAX),
            Step::SeeLanesGone => self.see_lanes_gone(),
            Step::JoinLane(item) => self.join(&item),
            Step::BringIn { tree, then } => self.bring_in(&tree, *then),
            Step::SeeProcessGone => self.write(Event::StageLost { why: "gone".into() }),
            Step::Commit => self.commit(),
            Step::AdoptCommit => self.committed(),
            Step::SurveyHead => self.survey(),
            Step::WaitUntil(until) => {
                let longest = RATE_WINDOW.plus(minutes(90));
                self.check("no wait is long", until.since(self.tape.now) <= longest);
                self.tape.now = self.tape.now.max(until);
            }
            Step::Deliver => self.write(Event::DeliveryEnded {
                outcome: Delivery::Skipped { why: "the run is local".into() },
            }),
        }
    }

    /// The stage runs: what it leaves, and how it ends.
    fn play(&mut self, start: &StageStart) -> StageEnd {
        let duty = self.tape.run.shape(&start.stage).map_or(Duty::Build, |shape| shape.duty);
        let (plays, at) = if duty.judges() {
            (&self.script.judges, &mut self.judges)
        } else {
            (&self.script.builds, &mut self.builds)
        };
        let again = plays.len() <= *at;
        let play = match plays[*at % plays.len()].clone() {
            // Time alone ends a run whose agent asks for more time again and again.
            Play::Held(_) if again => Play::Failed(Failure::Exit, Leaves::Nothing),
            play => play,
        };
        *at += 1;
        self.tape.now = self.tape.now.after(minutes(2));
        let mut findings = Vec::new();
        let (outcome, leaves) = match play {
            Play::Built(leaves) => (Outcome::Built, leaves),
            Play::Judged(verdict, words) => {
                findings = words.into_iter().map(finding).collect();
                (Outcome::Judged(verdict), Leaves::Nothing)
            }
            Play::Failed(failure, leaves) => (failed(failure), leaves),
            Play::Held(later) => {
                (Outcome::Held { until: self.tape.now.after(minutes(later)) }, Leaves::Nothing)
            }
            Play::Unavailable => (Outcome::Unavailable { why: "x".into() }, Leaves::Nothing),
            Play::Blocked => (Outcome::Blocked { why: "who knows".into() }, Leaves::Changes),
        };
        // Who only writes leaves the tree as it is.
        let leaves = if duty == Duty::Write { Leaves::Nothing } else { leaves };
        if matches!(leaves, Leaves::Commit | Leaves::Both) {
            self.repo.commit(None);
        }
        self.repo.dirty |= matches!(leaves, Leaves::Changes | Leaves::Both);
        StageEnd {
            head: oid(self.repo.head),
            clean: !self.repo.dirty,
            ..ended(outcome, self.repo.tree, findings)
        }
    }

    fn commit(&mut self) {
        let hook = self.script.hooks[self.hooks % self.script.hooks.len()];
        self.hooks += 1;
        match hook {
            Hook::Refuses => self.write(Event::CommitRefused { why: "a hook says no".into() }),
            Hook::Nothing => self.survey(),
            // Somebody tidied up in between.
            Hook::Allows if !self.repo.dirty => self.survey(),
            Hook::Allows => {
                let (run, parent) = (self.tape.run.charter.run.clone(), oid(self.repo.head));
                let (item, stage) = ("a".to_owned(), "build".to_owned());
                let marks = Marks { run, item, stage, cycle: 1, parent: Some(parent) };
                let brought = self.repo.brought;
                self.repo.commit(Some(marks));
                self.repo.tree = brought.unwrap_or(self.repo.tree);
                self.repo.dirty = false;
                self.committed();
            }
        }
    }

    fn committed(&mut self) {
        let committing = self.tape.run.active().and_then(|active| active.committing.clone());
        let Some(committing) = committing else {
            return self.failures.push("a commit that nobody announced".into());
        };
        self.write(Event::WorkCommitted(Work {
            commit: oid(self.repo.head),
            parent: committing.parent,
            tree: oid(self.repo.tree),
            subject: committing.subject,
            left_out: Vec::new(),
            deleted: Deleted::default(),
        }));
    }

    fn survey(&mut self) {
        self.write(Event::WorkSeen {
            from: self.tape.run.head.clone(),
            to: oid(self.repo.head),
            tree: oid(self.repo.tree),
            commits: 1,
            rewritten: false,
            clean: !self.repo.dirty,
            deleted: Deleted::default(),
        });
    }

    fn write(&mut self, event: Event) {
        self.before(&event);
        self.tape.now = self.tape.now.after(Span::from_secs(1));
        if let Err(refusal) = self.tape.write(event.clone()) {
            return self.failures.push(refusal.to_string());
        }
        self.after(&event);
    }

    fn before(&mut self, event: &Event) {
        self.before_lanes(event);
        let run = &self.tape.run;
        match event {
            // One that made room goes on with what it had passed.
            Event::ItemStarted { item, .. } => {
                let fresh = |one: &Item| one.id == *item && one.progress == Progress::Pending;
                if run.items.iter().any(fresh) {
                    self.passed.retain(|(of, _), _| of != item);
                }
            }
            Event::StageStarted(_) => {
                let open = matches!(run.breaker, Breaker::Open { .. });
                let spent = run.active().map_or(0, |active| active.counters.spent);
                let in_limit = spent < run.charter.limits.cycles_max;
                let fine = !open && run.halt_request.is_none() && run.stop.is_none();
                self.check("no stage starts while the run is to halt", fine);
                self.check("no cycle is begun beyond the limit", in_limit);
            }
            Event::ItemFinished { item, tree, .. } => {
                let part = run.part_of(item);
                let judges =
                    run.charter.stages.iter().filter(|shape| shape.part == part && shape.stands());
                let all = judges
                    .into_iter()
                    .all(|judge| self.passed.get(&(item.clone(), judge.id.clone())) == Some(tree));
                self.check("every judge passed the final tree", all);
                self.check("the final tree is there", *tree == oid(self.repo.tree));
                self.check("nothing is left uncommitted", !self.repo.dirty);
            }
            Event::RunHalted { cause: Cause::PersonNeeded { .. } } => {}
            // A refused commit leaves what it was about: all else is committed before a halt.
            Event::RunHalted { .. } => {
                let refused = run.active().is_none_or(|active| active.refused);
                self.check("a halt leaves nothing uncommitted", refused || !self.repo.dirty);
            }
            _ => {}
        }
    }

    fn after(&mut self, event: &Event) {
        self.after_lanes(event);
        match event {
            Event::RolledBack(back) => self.rolled_back(back),
            Event::StageReopened { .. } => self.reopened(event),
            Event::StageStarted(start) => {
                self.shown = Some((start.item.clone(), start.stage.clone(), start.tree.clone()));
                if !self.tape.run.shape(&start.stage).is_some_and(|shape| shape.duty.calls()) {
                    return;
                }
                self.called();
            }
            Event::StageEnded(end) => {
                let shown = self.shown.take();
                match (&end.outcome, shown) {
                    (
                        Outcome::Judged(Verdict::Pass | Verdict::Conditional),
                        Some((item, stage, tree)),
                    ) => drop(self.passed.insert((item, stage), tree)),
                    (Outcome::Judged(Verdict::Revise), Some(shown)) => self.went_on(shown),
                    _ => {}
                }
            }
            Event::ApprovalGiven(of) if of.word == Word::Approve => {
                self.passed.insert((of.item.clone(), of.stage.clone()), of.tree.clone());
            }
            _ => {}
        }
        let run = &self.tape.run;
        let at_work = run.items.iter().filter(|item| matches!(item.progress, Progress::Active(_)));
        let one = at_work.count() <= 1;
        let working = run.active().is_some_and(|active| matches!(active.phase, Phase::Working(_)));
        let halted_at_work = run.state == State::Halted && working;
        self.check("one item is at work", one);
        self.check("no halt leaves a stage at work", !halted_at_work);
    }

    fn called(&mut self) {
        self.starts.push(self.tape.run.steady);
        let most = self.tape.run.charter.limits.calls_per_hour_max as usize;
        let earlier = self.starts.len().checked_sub(most + 1).map(|at| self.starts[at]);
        let spread = earlier.is_none_or(|at| RATE_WINDOW <= self.tape.run.steady.since(at));
        self.check("no hour has too many calls", spread);
    }

    /// A stage whose tries are used up lets an item go on with its findings, where it says so.
    fn went_on(&mut self, (item, stage, tree): (ItemId, StageId, Oid)) {
        let goes_on = self.tape.run.shape(&stage).is_some_and(|shape| {
            let used =
                self.tape.run.active().and_then(|a| a.counters.sent_back.get(&stage).copied());
            let tries = shape.tries.filter(|tries| tries.then == Exhausted::GoOn);
            tries.is_some_and(|tries| tries.max <= used.unwrap_or(0))
        });
        let there = self.tape.run.active().is_some_and(|active| {
            active.passed.iter().any(|evidence| evidence.stage == stage && evidence.tree == tree)
        });
        if goes_on && there {
            self.passed.insert((item, stage), tree);
        }
    }

    fn check(&mut self, what: &str, holds: bool) {
        if !holds {
            self.failures.push(what.to_owned());
        }
    }
}

/// That nothing was violated says little where nothing was reached.
#[test]
fn the_scripts_reach_every_event_every_phase_of_the_breaker_and_every_end() {
    use proptest::{strategy::ValueTree as _, test_runner::TestRunner};
    let mut reached = std::collections::BTreeSet::new();
    let mut runner = TestRunner::deterministic();
    for _ in 0..4000 {
        let script = script().new_tree(&mut runner).unwrap().current();
        let journey = travel(&script);
        assert!(journey.failures.is_empty(), "{:?} {script:?}", journey.failures);
        for envelope in &journey.written {
            reached.insert(match &envelope.event {
                Event::BreakerOpened { trip, .. } => trip.word().to_owned(),
                Event::RunHalted { cause } => {
                    format!("{cause:?}").split(' ').next().unwrap().into()
                }
                event => event.kind().to_owned(),
            });
        }
        reached.insert(journey.run.state.word().to_owned());
    }
    let expected = "AgentUnavailable Approval Asked Breaker FailVerdict HALTED Interrupted JACKED_OUT PersonNeeded TriesUsed \
                    approval-asked approval-given breaker-closed breaker-reset calls-held checkpoint-made commit-announced commit-refused \
                    cycle-limit delivery-ended failures halt-requested item-finished item-reopened \
                    item-started jack-in-began lane-dropped lane-ended lane-joined lane-started lease-taken plateau remarked rolled-back \
                    run-completed run-created run-resumed run-started same-finding stage-ended \
                    stage-lost stage-reopened stage-started time-limit trial-failed work-committed work-seen";
    assert_eq!(reached.into_iter().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn a_world_in_which_all_goes_well_ends_with_every_item_done() {
    let script = Script {
        workflow: WORKFLOWS[1],
        items: 2,
        builds: vec![Play::Built(Leaves::Changes)],
        judges: vec![Play::Judged(Verdict::Pass, vec![])],
        hooks: vec![Hook::Allows],
        incidents: vec![],
        words: vec![Word::Approve],
        resumes: vec![],
        hours_max: 5,
        side: None,
    };
    let journey = travel(&script);
    assert_eq!(journey.failures, Vec::<String>::new());
    assert_eq!(journey.run.state, State::JackedOut);
    assert_eq!((journey.run.commits, journey.run.calls_total), (2, 6));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_run_ends_and_keeps_its_promises(script in script()) {
        let journey = travel(&script);
        prop_assert!(journey.failures.is_empty(), "{:?}", journey.failures);
    }
}
