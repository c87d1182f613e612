//! One sequence, step by step, beside a model that knows every state by the number of its checkpoint.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    expect::{Expected, Scope, expect, is_below},
    op::{self, Op, Sequence},
    state::{State, traces},
};
use crate::support::{Ran, TestRepo, text};

/// Checkpoints that are gone back to at the end.
const LAST_MAX: usize = 4;

/// An operation that can be taken back.
#[derive(Debug, Clone)]
struct Step {
    /// The checkpoint that was made before it.
    number: u64,
    /// Where it left HEAD.
    head: Option<String>,
    path: Option<Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Undone {
    step: Step,
    /// The checkpoint that was made before the undo, and where that left HEAD.
    number: u64,
    head: Option<String>,
}

struct Model {
    repo: TestRepo,
    states: BTreeMap<u64, State>,
    undo: Vec<Step>,
    redo: Vec<Undone>,
}

type Outcome = Result<(), String>;

macro_rules! ensure {
    ($holds:expr, $($said:tt)+) => {
        if !$holds {
            return Err(format!($($said)+));
        }
    };
}

pub fn check(sequence: &Sequence) -> Outcome {
    let repo = if sequence.born { TestRepo::new() } else { TestRepo::empty(&[]) };
    let mut model = Model { repo, states: BTreeMap::new(), undo: Vec::new(), redo: Vec::new() };
    for (at, op) in sequence.ops.iter().enumerate() {
        model.step(op).map_err(|why| format!("at step {at}, {op:?}: {why}"))?;
    }
    model.end(sequence.ops.len()).map_err(|why| format!("at the end: {why}"))
}

impl Model {
    fn step(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Checkpoint => self.checkpoint(),
            Op::Rollback { which, keep_files, and_back } => {
                let Some(number) = self.pick(*which) else { return Ok(()) };
                let saved = self.rollback(number, *keep_files)?;
                match saved {
                    Some(saved) if *and_back => self.rollback(saved, false).map(drop),
                    _ => Ok(()),
                }
            }
            Op::Restore { path, which } => match self.pick(*which) {
                Some(number) => self.restore(path, number),
                None => Ok(()),
            },
            Op::Undo => self.undo(),
            Op::Redo => self.redo(),
            other => {
                op::apply(&self.repo, other);
                Ok(())
            }
        }
    }

    fn pick(&self, which: usize) -> Option<u64> {
        let count = self.states.len().max(1);
        self.states.keys().nth(which % count).copied()
    }

    fn checkpoint(&mut self) -> Outcome {
        let (now, before) = (State::of(&self.repo), traces(&self.repo));
        let answer = answer(self.repo.run(&["checkpoint", "--json"]), &[0])?;
        ensure!(before == traces(&self.repo), "a checkpoint touched something");
        ensure!(answer["left_out"] == serde_json::json!([]), "left out: {answer}");
        self.new_number(&answer["number"], now).map(drop)
    }

    fn new_number(&mut self, number: &Value, state: State) -> Result<u64, String> {
        let number = number.as_u64().ok_or("no checkpoint was made")?;
        let newest = self.states.keys().next_back().copied().unwrap_or(0);
        ensure!(newest < number, "{number} was given after {newest}");
        self.states.insert(number, state);
        Ok(number)
    }

    fn rollback(&mut self, number: u64, keep_files: bool) -> Result<Option<u64>, String> {
        let number_text = number.to_string();
        let mut words = vec!["rollback", "--json", "--to", &number_text];
        words.extend(keep_files.then_some("--keep-files"));
        let scope = if keep_files { Scope::NoFiles } else { Scope::Everything };
        let saved = self.operate(&words, number, &scope)?;
        if let Some(saved) = saved {
            self.done(Step { number: saved, head: self.states[&number].head.clone(), path: None });
        }
        Ok(saved)
    }

    fn done(&mut self, step: Step) {
        self.undo.push(step);
        self.redo.clear();
    }

    fn restore(&mut self, path: &str, number: u64) -> Outcome {
        let number_text = number.to_string();
        let words = ["restore", "--json", "--from", &number_text, "--", path];
        let (now, then) = (State::of(&self.repo), &self.states[&number]);
        let path = path.as_bytes().to_vec();
        let scope = Scope::Bring(path.clone());
        let has = then.saved().keys().any(|other| *other == path || is_below(other, &path));
        let expected = expect(&self.repo, &now, then, &scope);
        if !has || (expected.files == now.files && !expected.kept.is_empty()) {
            return self.refused(&words, &now, 1);
        }
        if let Some(saved) = self.operate(&words, number, &scope)? {
            self.done(Step { number: saved, head: now.head, path: Some(path) });
        }
        Ok(())
    }

    fn undo(&mut self) -> Outcome {
        let now = State::of(&self.repo);
        let seen = |step: &&Step| !self.states[&step.number].is_same(&now);
        let Some(step) = self.undo.iter().rev().find(seen).cloned() else {
            return self.refused(&["undo", "--json"], &now, 1);
        };
        if now.head.is_some() && now.head != step.head {
            return self.refused(&["undo", "--json"], &now, 1);
        }
        let scope = step.path.clone().map_or(Scope::Everything, Scope::Path);
        if let Some(number) = self.operate(&["undo", "--json"], step.number, &scope)? {
            while self.undo.pop().is_some_and(|other| other.number != step.number) {}
            let head = match &step.path {
                Some(_) => now.head,
                None => self.states[&step.number].head.clone(),
            };
            self.redo.push(Undone { step, number, head });
        }
        Ok(())
    }

    fn redo(&mut self) -> Outcome {
        let now = State::of(&self.repo);
        let seen = |undone: &&Undone| !self.states[&undone.number].is_same(&now);
        let Some(undone) = self.redo.iter().rev().find(seen).cloned() else {
            return self.refused(&["redo", "--json"], &now, 1);
        };
        if now.head.is_some() && now.head != undone.head {
            return self.refused(&["redo", "--json"], &now, 1);
        }
        let scope = undone.step.path.clone().map_or(Scope::Everything, Scope::Path);
        if let Some(saved) = self.operate(&["redo", "--json"], undone.number, &scope)? {
            while self.redo.pop().is_some_and(|other| other.number != undone.number) {}
            let head = match &undone.step.path {
                Some(_) => now.head,
                None => self.states[&undone.number].head.clone(),
            };
            // What was there before the redo comes back, with what was edited in between.
            self.undo.push(Step { number: saved, head, path: undone.step.path });
        }
        Ok(())
    }

    /// It says no, and nothing changes.
    fn refused(&self, words: &[&str], now: &State, code: i32) -> Outcome {
        answer(self.repo.run(words), &[code]).map_err(|why| format!("{words:?}: {why}"))?;
        same("a refused step", &State::of(&self.repo), now)
    }

    /// Goes to a checkpoint and looks at everything. The number under which it was saved what was there.
    fn operate(
        &mut self,
        words: &[&str],
        number: u64,
        scope: &Scope,
    ) -> Result<Option<u64>, String> {
        let (now, then) = (State::of(&self.repo), &self.states[&number]);
        let expected = expect(&self.repo, &now, then, scope);
        let ran = self.repo.run(words);
        let answer = answer(ran, &[0]).map_err(|why| format!("to {number}: {why}"))?;
        let after = State::of(&self.repo);
        let kept = |why: String| format!("{words:?} to {number}: {why}\nanswer {answer}");
        self.compare(&now, then, &after, &expected, scope).map_err(kept)?;
        let told: BTreeMap<Vec<u8>, &str> = answer["kept"]
            .as_array()
            .ok_or("no list of what is kept")?
            .iter()
            .map(|kept| {
                (kept["path"].as_str().unwrap().as_bytes().to_vec(), kept["why"].as_str().unwrap())
            })
            .collect();
        ensure!(told == expected.kept, "kept {told:?}, not {:?}", expected.kept);
        ensure!(answer["to"]["number"] == number, "it went to {}", answer["to"]);
        let is_nothing = after == now;
        ensure!(
            is_nothing || !answer["saved"].is_null(),
            "{words:?} to {number} saved nothing and changed something: {answer}"
        );
        if answer["saved"].is_null() {
            Ok(None)
        } else {
            self.new_number(&answer["saved"], now).map(Some)
        }
    }

    fn compare(
        &self,
        now: &State,
        then: &State,
        after: &State,
        expected: &Expected,
        scope: &Scope,
    ) -> Outcome {
        same("files", &after.files, &expected.files)?;
        let aim = if scope.moves_head() { then } else { now };
        same("HEAD", &after.head, &aim.head)?;
        let (index, later) = match scope {
            Scope::Everything | Scope::NoFiles => (&then.index, then.later_beside(&after.files)),
            Scope::Path(_) | Scope::Bring(_) => (&now.index, after.later.clone()),
        };
        same("index", &index_text(&after.index), &index_text(index))?;
        same("what is to be added later", &after.later, &later)
    }

    /// Every checkpoint is still there, and still good.
    fn end(&mut self, turn: usize) -> Outcome {
        let listed = answer(self.repo.run(&["checkpoint", "list", "--json"]), &[0])?;
        let listed: Vec<u64> = listed["checkpoints"]
            .as_array()
            .ok_or("no list")?
            .iter()
            .filter_map(|made| made["number"].as_u64())
            .collect();
        let known: Vec<u64> = self.states.keys().copied().collect();
        same("the list", &listed, &known)?;
        let apart = (known.len() / LAST_MAX).max(1);
        for number in known.into_iter().skip(turn % apart).step_by(apart) {
            self.rollback(number, false)?;
        }
        // Without a commit git finds fault with HEAD.
        if turn.is_multiple_of(4) && State::of(&self.repo).head.is_some() {
            let fsck = self.repo.try_git(&["fsck", "--strict", "--no-dangling"]);
            ensure!(fsck.status.success(), "fsck: {}", text(&fsck.stderr));
        }
        Ok(())
    }
}

fn index_text(lines: &[Vec<u8>]) -> Vec<String> {
    lines.iter().map(|line| text(line)).collect()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Outcome {
    ensure!(is == should, "{what}:\nis     {is:?}\nshould {should:?}");
    Ok(())
}

/// What it says, when it ends with one of these codes.
fn answer(ran: Ran, codes: &[i32]) -> Result<Value, String> {
    let ends = ran.code.is_some_and(|code| codes.contains(&code));
    ensure!(
        ends && !ran.err.contains("panicked"),
        "it ended with {:?} and not {codes:?}: {} {}",
        ran.code,
        ran.out,
        ran.err
    );
    Ok(serde_json::from_str(&ran.out).unwrap_or(Value::Null))
}
