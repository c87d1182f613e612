//! What the tests of a run share: short names, a journal that is a list, and a scripted world.

pub(crate) mod world;

use std::collections::BTreeMap;

use super::{
    deletion::Deleted,
    event::{
        Actor, Charter, Envelope, Event, ProcessMark, PushMode, StageEnd, StageStart, Usage, Work,
    },
    finding::{Finding, Severity},
    id::{Digest, ItemId, Oid, PlanId, RunId, StageId},
    item::Phase,
    lane::Groups,
    limits::Limits,
    outcome::{Failure, Outcome, Verdict},
    run::{Refusal, Run},
    step::Sight,
    time::{Span, Timestamp},
    workflow::{Duty, Exhausted, Part, StageShape, Tries},
};

pub(crate) const BRANCH: &str = "run/sprint-1";

pub(crate) fn oid(number: u64) -> Oid {
    Oid::parse(&format!("{number:040x}")).unwrap()
}

pub(crate) fn item(name: &str) -> ItemId {
    ItemId::parse(name).unwrap()
}

pub(crate) fn stage(name: &str) -> StageId {
    StageId::parse(name).unwrap()
}

pub(crate) fn minutes(number: u64) -> Span {
    Span::from_secs(60 * number)
}

/// `build review<build audit<build`: a judge names the stage that it sends back to. More is said by
/// `gate:red<tests!` (its pass is for the moment), `write:plan`, `human:sign<build`, `mend^` (only come
/// to by being sent back), `+look<mend` (once for the run), and `review<build=1p` (one try, and then a
/// person; `g` goes on, `h` halts).
pub(crate) fn stages(text: &str) -> Vec<StageShape> {
    let mut seen_items = false;
    let all = text.split_whitespace().map(|word| {
        let (word, once) = word.strip_prefix('+').map_or((word, false), |word| (word, true));
        let (word, tries) = match word.split_once('=') {
            Some((word, tries)) => (word, Some(tries)),
            None => (word, None),
        };
        let (word, momentary) = word.strip_suffix('!').map_or((word, false), |word| (word, true));
        let (word, on_return) = word.strip_suffix('^').map_or((word, false), |word| (word, true));
        let (duty, word) = word.split_once(':').map_or((None, word), |(d, word)| (Some(d), word));
        let mut shape = plain_stages(word).remove(0);
        shape.duty = duty.map_or(shape.duty, |duty| Duty::parse(duty).unwrap());
        shape.part = match (once, seen_items) {
            (false, _) => Part::Items,
            (true, false) => Part::Opening,
            (true, true) => Part::Closing,
        };
        seen_items |= !once;
        shape.tries = tries.map(|tries| Tries {
            max: tries[..1].parse().unwrap(),
            then: match &tries[1..] {
                "p" => Exhausted::Person,
                "g" => Exhausted::GoOn,
                _ => Exhausted::Halt,
            },
        });
        (shape.momentary, shape.on_return) = (momentary, on_return);
        shape
    });
    all.collect()
}

fn plain_stages(text: &str) -> Vec<StageShape> {
    let shape = |word: &str| {
        let (id, back_to) = word.split_once('<').map_or((word, None), |(id, to)| (id, Some(to)));
        let duty = if back_to.is_some() { Duty::Judge } else { Duty::Build };
        StageShape::plain(stage(id), duty, back_to.map(stage))
    };
    text.split_whitespace().map(shape).collect()
}

pub(crate) fn charter(items: &[&str], workflow: &str, limits: Limits) -> Charter {
    let all = stages(workflow);
    let once = |part: Part| {
        let walked = all.iter().any(|shape| shape.part == part && shape.is_walked());
        walked.then(|| item(part.word()))
    };
    let own = items.iter().map(|name| item(name));
    let items = once(Part::Opening).into_iter().chain(own).chain(once(Part::Closing)).collect();
    Charter {
        run: RunId::parse("20261121-035233-7f3a9c12d4").unwrap(),
        target: "sprint-1".into(),
        plan: PlanId::parse("plan").unwrap(),
        plan_digest: Digest::of(b"plan"),
        workflow: PlanId::parse("sprint").unwrap(),
        stages: stages(workflow),
        items,
        base: "main".into(),
        start: oid(1),
        branch: BRANCH.into(),
        worktree: "/w".into(),
        push: PushMode::Auto,
        limits,
        flow: None,
        after: BTreeMap::new(),
        papers: Vec::new(),
        documents: Vec::new(),
        groups: Groups::default(),
        scan_every: None,
        onto: None,
    }
}

/// A finding that is told from others by its words.
pub(crate) fn finding(words: &str) -> Finding {
    Finding {
        rule: "rule".into(),
        severity: Severity::High,
        path: Some("src/a.rs".into()),
        line: Some(7),
        message: words.into(),
    }
}

pub(crate) fn failed(failure: Failure) -> Outcome {
    Outcome::Failed { failure, detail: "x".into() }
}

/// The end of a stage that left a clean work tree with this tree.
pub(crate) fn ended(outcome: Outcome, tree: u64, findings: Vec<Finding>) -> StageEnd {
    StageEnd {
        outcome,
        head: oid(tree),
        tree: oid(tree),
        clean: true,
        findings,
        findings_dropped: 0,
        summary: String::new(),
        took: minutes(1),
        usage: Usage::default(),
        report: None,
        transcript: None,
        papers: Vec::new(),
        assumed: Vec::new(),
    }
}

pub(crate) fn work(parent: u64, commit: u64) -> Work {
    let subject = "feat(sprint-1): implement".to_owned();
    let (commit, parent, tree) = (oid(commit), oid(parent), oid(commit));
    Work { commit, parent, tree, subject, left_out: Vec::new(), deleted: Deleted::default() }
}

/// What is seen on a clean branch that stands where commit and tree have this number.
pub(crate) fn seen(tape: &Tape, number: u64) -> Sight {
    Sight {
        now: tape.now,
        branch: Some(BRANCH.into()),
        head: oid(number),
        tree: oid(number),
        dirty: false,
        marks: None,
        lacks: Vec::new(),
        shaken: Vec::new(),
    }
}

/// A journal that is a list, with its fold and a clock.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    pub(crate) run: Run,
    pub(crate) written: Vec<Envelope>,
    pub(crate) now: Timestamp,
}

impl Tape {
    pub(crate) fn begin(charter: Charter) -> Self {
        let now = Timestamp::from_millis(1_800_000_000_000);
        let first = envelope(1, now, 0, Event::RunCreated(Box::new(charter)));
        Self { run: Run::begin(&first).unwrap(), written: vec![first], now }
    }

    pub(crate) fn next(&self, event: Event) -> Envelope {
        envelope(self.run.seq + 1, self.now, self.run.generation, event)
    }

    pub(crate) fn write(&mut self, event: Event) -> Result<(), Refusal> {
        let (envelope, before) = (self.next(event), self.run.clone());
        if let Err(refusal) = self.run.apply(&envelope) {
            assert_eq!(self.run, before, "what is refused changes nothing: {refusal}");
            return Err(refusal);
        }
        self.written.push(envelope);
        Ok(())
    }

    pub(crate) fn take_lease(&mut self) {
        let generation = self.run.generation + 1;
        self.write(Event::LeaseTaken { generation, holder: ProcessMark::default() }).unwrap();
    }

    /// On its branch, with its first item to be built: commit 1, tree 1.
    pub(crate) fn at_first_stage(charter: Charter) -> Self {
        let first = charter.items[0].clone();
        let mut tape = Self::begin(charter);
        tape.take_lease();
        for event in [
            Event::JackInBegan,
            Event::RunStarted { head: oid(1), tree: oid(1) },
            Event::ItemStarted { item: first, head: oid(1), tree: oid(1) },
        ] {
            tape.write(event).unwrap();
        }
        tape
    }

    /// The start of the stage that is next, on this tree.
    pub(crate) fn start_of_next(&self, tree: u64) -> StageStart {
        let active = self.run.active().unwrap();
        StageStart {
            item: self.run.active_item().unwrap().id.clone(),
            stage: active.stage.clone(),
            cycle: active.cycle,
            attempt: active.attempt,
            agent: "agent".into(),
            head: oid(tree),
            tree: oid(tree),
        }
    }

    /// Runs the stage that is next; it begins and ends with this tree, and takes a minute.
    pub(crate) fn stage(&mut self, outcome: Outcome, tree: u64, findings: &[&str]) {
        self.write(Event::StageStarted(self.start_of_next(tree))).unwrap();
        self.now = self.now.after(minutes(1));
        let findings = findings.iter().map(|words| finding(words)).collect();
        self.write(Event::StageEnded(Box::new(ended(outcome, tree, findings)))).unwrap();
    }

    /// One cycle of `build review<build`: built with this tree, and sent back with these findings.
    pub(crate) fn cycle(&mut self, tree: u64, findings: &[&str]) {
        self.stage(Outcome::Built, tree, &[]);
        self.stage(Outcome::Judged(Verdict::Revise), tree, findings);
    }

    pub(crate) fn phase(&self) -> &Phase {
        &self.run.active().unwrap().phase
    }
}

pub(crate) fn envelope(seq: u64, at: Timestamp, lease: u64, event: Event) -> Envelope {
    let actor = Actor { person: "Ada".into(), agent: None, host: "host".into() };
    Envelope { seq, at, lamport: seq, actor, lease, event }
}
