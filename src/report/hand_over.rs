//! What an agent that lost its context needs, most important first, within so many tokens. Lines of
//! `key: text` that stay the same as long as nothing changed.

use serde_json::{Value, json};

use super::{
    drift::warning,
    sanitise::{name, one_line},
    status::{PAPERS_SHOWN, glance, inferred, item_line, money, overridden},
};
use crate::domain::{
    item::Phase,
    run::{Breaker, State},
    tale::{because, counted},
    view::RunView,
};

/// A rough measure that errs on the safe side: an agent's tokens are seldom shorter than this.
const BYTES_PER_TOKEN: usize = 3;
/// Of the files in play so many are named.
const FILES_SHOWN: usize = 40;

#[derive(Debug)]
pub struct HandOver<'a> {
    pub view: &'a RunView,
    /// The title of the plan, and those of its sprints and tasks by their ids.
    pub goal: Option<&'a str>,
    pub titles: &'a [(String, String)],
    /// What the item at work has changed so far, committed or not.
    pub files: &'a [Vec<u8>],
}

/// The text, and how many lines the budget had no room for.
#[must_use]
pub fn text(of: &HandOver<'_>, tokens_max: usize) -> String {
    let (lines, _) = within(of, tokens_max);
    lines.iter().map(|(key, text)| format!("{key}: {text}\n")).collect()
}

#[must_use]
pub fn json(of: &HandOver<'_>, tokens_max: usize) -> Value {
    let (lines, left_out) = within(of, tokens_max);
    let lines: Vec<Value> =
        lines.iter().map(|(key, text)| json!({ "key": key, "text": text })).collect();
    json!({
        "schema": "git-run/hand-over/1",
        "run": of.view.run.charter.run.as_str(),
        "state": of.view.run.state.word(),
        "seq": of.view.run.seq,
        "budget": tokens_max,
        "left_out": left_out,
        "lines": lines,
    })
}

type Line = (&'static str, String);

/// As many as there is room for. What to do next is always there.
fn within(of: &HandOver<'_>, tokens_max: usize) -> (Vec<Line>, usize) {
    let budget = tokens_max.saturating_mul(BYTES_PER_TOKEN);
    let size = |(key, text): &Line| key.len() + text.len() + 3;
    let last: Line = ("next", of.view.next.command.clone());
    let mut used = size(&last);
    let all: Vec<Line> = lines(of).into_iter().map(|(key, text)| (key, one_line(&text))).collect();
    let count = all.len();
    let mut kept: Vec<Line> = Vec::new();
    for line in all {
        used += size(&line);
        if budget < used {
            break;
        }
        kept.push(line);
    }
    let left_out = count - kept.len();
    kept.push(last);
    (kept, left_out)
}

fn lines(of: &HandOver<'_>) -> Vec<Line> {
    let view = of.view;
    let run = &view.run;
    let charter = &run.charter;
    let mut all: Vec<Line> =
        vec![("run", format!("{} is {}: {}", charter.run, run.state.word(), view.next.why))];
    let goal = of.goal.map_or(String::new(), |goal| format!(" of {goal}"));
    all.push(("goal", format!("{}{goal}", charter.target)));
    if let Some(at) = view.position() {
        all.push((
            "position",
            format!(
                "{} {} cycle {} attempt {}, {}",
                at.item, at.stage, at.cycle, at.attempt, at.doing
            ),
        ));
    }
    all.extend(run.halt.as_ref().map(|cause| ("halted", because(cause))));
    all.extend(waits(view));
    all.extend(doubt(view));
    all.extend(
        view.outside
            .as_ref()
            .map(|outside| ("outside", format!("{}: git run reconcile", glance(outside)))),
    );
    all.extend(view.drift.map(|drift| ("drift", warning(drift))));
    if let Breaker::Open { trip, evidence } = &run.breaker {
        all.push(("breaker", format!("open ({}): {evidence}", trip.word())));
    }
    all.extend(proof(view));
    for finding in view.open_findings() {
        let place = finding.path.as_deref().unwrap_or("-");
        let line = finding.line.map_or(String::new(), |line| format!(":{line}"));
        let (severity, rule, message) = (finding.severity, &finding.rule, &finding.message);
        all.push(("finding", format!("[{severity}] {rule} {place}{line}: {message}")));
    }
    all.push((
        "branch",
        format!(
            "{} from {}, base {}, at {}",
            charter.branch,
            charter.start.short(),
            charter.base,
            run.head.short()
        ),
    ));
    all.extend(of.files.iter().take(FILES_SHOWN).map(|file| ("file", name(file))));
    if FILES_SHOWN < of.files.len() {
        all.push(("file", format!("and {} more", of.files.len() - FILES_SHOWN)));
    }
    all.push(("left", left(view)));
    if let Some(url) = run.pull_request.as_ref().and_then(|request| request.url.as_ref()) {
        all.push(("pull request", url.clone()));
    }
    let count = counted(run.items.len(), "item");
    all.push(("done", format!("{} of {count}{}", view.done(), inferred(view))));
    for item in &run.items {
        let title =
            of.titles.iter().find(|(id, _)| id == item.id.as_str()).map_or("", |(_, title)| title);
        all.push(("item", format!("{} {title}", item_line(item)).trim_end().to_owned()));
    }
    if 0 < view.refusals {
        let count = usize::try_from(view.refusals).unwrap_or(usize::MAX);
        all.push(("guard", format!("{} refused (git run audit)", counted(count, "attempt"))));
    }
    all.push(("undo", undo(view)));
    if matches!(run.state, State::Ready | State::JackIn | State::Running | State::Halted) {
        let by_hand = "git run next --json hands out the step that is wanted now";
        all.push(("by hand", by_hand.to_owned()));
    }
    all
}

/// What is asked of a person. An agent that goes on can only tell them.
fn waits(view: &RunView) -> Vec<Line> {
    let mut all = Vec::new();
    for one in view.run.waits() {
        let why = one.why.map(|why| format!(": {why}")).unwrap_or_default();
        let asks = view.asks(&one.gate.stage).map(|ask| format!(": {ask}")).unwrap_or_default();
        all.push(("waits", format!("{} for a person's word{why}{asks}", one.gate)));
        let papers = one.papers.iter().take(PAPERS_SHOWN);
        all.extend(papers.map(|paper| ("read", format!("git run show {}", paper.path))));
    }
    all
}

/// What is proven, by whom, and what is still asked for.
fn proof(view: &RunView) -> Vec<Line> {
    let run = &view.run;
    let mut all = Vec::new();
    for evidence in run.active().into_iter().flat_map(|active| &active.passed) {
        let (stage, verdict, tree) =
            (&evidence.stage, evidence.verdict.word(), evidence.tree.short());
        all.push(("proven", format!("{stage} said {verdict} for tree {tree}")));
    }
    all.extend(run.overrides.iter().map(|one| ("gate", overridden(one))));
    if run.is_at_rest() {
        let open = run.open_gates(Some(&run.head));
        all.extend(open.iter().map(|gate| ("gate", format!("{gate} is open"))));
    }
    all
}

/// What was announced, and of which nobody knows what came of it.
fn doubt(view: &RunView) -> Vec<Line> {
    let run = &view.run;
    let mut all = Vec::new();
    if let Some(active) = run.active() {
        match &active.phase {
            Phase::Working(working) if !view.held && !working.is_handed() => all.push((
                "in doubt",
                format!("what {} did: its process is not seen any more", active.stage),
            )),
            Phase::Working(_)
            | Phase::Ready
            | Phase::Uncommitted { .. }
            | Phase::Waiting(_)
            | Phase::Passed => {}
        }
        if active.committing.is_some() {
            all.push(("in doubt", "whether the announced commit was made".to_owned()));
        }
    }
    if run.intent.is_some() {
        all.push(("in doubt", "whether every announced ref was moved".to_owned()));
    }
    if run.delivering {
        all.push(("in doubt", "whether the announced push arrived".to_owned()));
    }
    all
}

fn left(view: &RunView) -> String {
    let run = &view.run;
    let limits = &run.charter.limits;
    let minutes = |span: crate::domain::time::Span| span.millis() / 60_000;
    let mut left = vec![format!(
        "{} of {} minutes",
        minutes(limits.run_time_max.minus(view.elapsed)),
        minutes(limits.run_time_max)
    )];
    if let Some(active) = run.active() {
        let cycles = limits.cycles_max.saturating_sub(active.cycle);
        left.push(format!("{} of {}", cycles, counted(limits.cycles_max as usize, "cycle")));
    }
    if let Some(max) = limits.tokens_max {
        left.push(format!("{} of {max} tokens", max.saturating_sub(run.usage.tokens())));
    }
    if let Some(max) = limits.cost_max {
        left.push(format!("{} of {} cost", money(max.saturating_sub(run.usage.cost)), money(max)));
    }
    left.join(", ")
}

fn undo(view: &RunView) -> String {
    let (start, head) = view.range();
    let back = match view.run.checkpoint {
        Some(number) => {
            format!("; git run rollback --to {number} goes back to the newest checkpoint")
        }
        None => String::new(),
    };
    format!("git diff {} {} shows all that the run did{back}", start.short(), head.short())
}
