//! `git run status` as text, and the same for agents.

use std::fmt::Write as _;

use super::{drift::warning, sanitise::one_line};
use crate::domain::{
    event::{Cause, Delivery},
    finding::Finding,
    gate::{Gate, Override},
    item::{Item, Phase, Progress},
    lane::{self, Lane},
    reconcile::Strength,
    run::{Breaker, State},
    tale::{because, counted},
    time::Timestamp,
    view::{Glance, RunView},
};

/// Papers that are named for one answer.
pub(super) const PAPERS_SHOWN: usize = 8;
/// Findings that are named.
const FINDINGS_SHOWN: usize = 5;
/// Fixes that are named.
const FIXES_SHOWN: usize = 8;
/// Findings that are told beside one question.
const FOUND_SHOWN: usize = 5;
/// Kinds of assumptions that are named.
const ASSUMED_SHOWN: usize = 5;

#[must_use]
pub fn text(view: &RunView, verbose: bool, time: &dyn Fn(Timestamp) -> String) -> String {
    let mut out = String::new();
    let run = &view.run;
    let charter = &run.charter;
    say(&mut out, &format!("run {}  {}", charter.run, run.state.word()));
    if let Some(from) = &view.from {
        say(&mut out, &format!("  FETCHED   from {from}; not yours, and as they tell it"));
    }
    say(&mut out, &format!("  target    {} ({})", charter.target, charter.workflow));
    let behind = charter.onto.as_ref().map(|onto| format!(", behind {onto}")).unwrap_or_default();
    say(&mut out, &format!("  branch    {} (on {}{behind})", charter.branch, charter.base));
    say(
        &mut out,
        &format!(
            "  progress  {} of {}, {}%{}",
            view.done(),
            counted(run.items.len(), "item"),
            view.percent(),
            inferred(view)
        ),
    );
    if let Some(at) = view.position() {
        let agent = at.agent.map(|agent| format!(" by {agent}")).unwrap_or_default();
        let attempt =
            if 1 < at.attempt { format!(", attempt {}", at.attempt) } else { String::new() };
        let max = charter.limits.cycles_max;
        say(
            &mut out,
            &format!(
                "  now       {} {} {}{agent} (cycle {} of {max}{attempt})",
                at.item, at.stage, at.doing, at.cycle
            ),
        );
    }
    if let Some(until) = run.held_until.filter(|_| run.state == State::Running) {
        say(&mut out, &format!("  waiting   for the next call, until {}", time(until)));
    }
    for item in &run.items {
        say(&mut out, &format!("  {}", item_line(item)));
    }
    fixes(&mut out, view);
    assumed(&mut out, view);
    for lane in &run.lanes {
        if let Some(line) = lane_line(lane, view.held, verbose) {
            say(&mut out, &format!("  lane      {line}"));
        }
    }
    for place in &view.left {
        say(&mut out, &format!("  left      {place} (git run gc)"));
    }
    findings(&mut out, view, if verbose { usize::MAX } else { FINDINGS_SHOWN });
    if 0 < view.refusals {
        let refused = counted(usize::try_from(view.refusals).unwrap_or(usize::MAX), "attempt");
        say(&mut out, &format!("  guard     {refused} refused (git run audit)"));
    }
    if let Some(outside) = &view.outside {
        say(&mut out, &format!("  outside   {} (git run reconcile)", glance(outside)));
    }
    if let Some(drift) = view.drift {
        say(&mut out, &format!("  drift     {}", warning(drift)));
    }
    limits(&mut out, view);
    stopped(&mut out, view, time);
    if verbose {
        history(&mut out, view);
    }
    say(&mut out, &format!("next: {}  ({})", view.next.command, view.next.why));
    out
}

/// What is to be mended in finished items and was not taken up yet.
fn fixes(out: &mut String, view: &RunView) {
    let run = &view.run;
    for fix in run.fixes.iter().take(FIXES_SHOWN) {
        let what = first_line(&fix.finding.message);
        say(out, &format!("  fix       {} {}: {what}", fix.name(), fix.about()));
    }
    if FIXES_SHOWN < run.fixes.len() {
        let more = run.fixes.len() - FIXES_SHOWN;
        say(out, &format!("  fix       and {more} more (git run show board)"));
    }
}

/// What was assumed most, and when all of it was looked over last.
fn assumed(out: &mut String, view: &RunView) {
    let run = &view.run;
    if run.assumed.is_empty() {
        return;
    }
    let mut kinds: Vec<(&String, &u32)> = run.assumed.iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let mut named: Vec<String> =
        kinds.iter().take(ASSUMED_SHOWN).map(|(kind, count)| format!("{kind} {count}")).collect();
    if ASSUMED_SHOWN < kinds.len() {
        named.push(format!("and {} more kinds", kinds.len() - ASSUMED_SHOWN));
    }
    let scanned = match &run.scanned {
        Some(scan) => {
            format!("  (looked over after {})", counted(scan.finished as usize, "item"))
        }
        None => String::new(),
    };
    say(out, &format!("  assumed   {}{scanned}", named.join(", ")));
}

/// What was found and is asked of a person where a run halted, as `git run status` shows it; nothing
/// where nobody is asked and nothing is open.
#[must_use]
pub fn halted(view: &RunView, time: &dyn Fn(Timestamp) -> String) -> String {
    let mut out = String::new();
    if view.run.state == State::Halted {
        findings(&mut out, view, FINDINGS_SHOWN);
    }
    waits(&mut out, view, time);
    let waits = view.run.waits();
    for line in waits.iter().flat_map(|one| found(view, &one.gate)) {
        say(&mut out, &format!("  found     {line}"));
    }
    out
}

/// What was found where a person is asked, on one line each: what they let pass with it.
#[must_use]
pub fn found(view: &RunView, gate: &Gate) -> Vec<String> {
    let at = view.run.active_item().zip(view.run.active());
    let Some((_, active)) = at.filter(|(item, active)| {
        item.id == gate.item && active.stage == gate.stage && !active.findings.is_empty()
    }) else {
        return Vec::new();
    };
    let mut lines: Vec<_> =
        active.findings.iter().take(FOUND_SHOWN).map(|finding| one_line(&told(finding))).collect();
    if FOUND_SHOWN < active.findings.len() {
        let more = active.findings.len() - FOUND_SHOWN;
        lines.push(format!("and {more} more (git run status --verbose)"));
    }
    lines
}

/// One run on one line, for `git run list`.
#[must_use]
pub fn list_line(view: &RunView) -> String {
    let run = &view.run;
    let held = if view.held { " (at work)" } else { "" };
    one_line(&format!(
        "{}  {:<14} {:>3}%  {}  {}{held}",
        run.charter.run,
        run.state.word(),
        view.percent(),
        run.charter.target,
        run.charter.branch
    ))
}

/// `2 commits since its last event, history rewritten, 1 path not committed`
pub(super) fn glance(outside: &Glance) -> String {
    let commits = counted(outside.commits as usize, "commit");
    let mut text = format!("{commits} since its last event");
    if outside.rewritten {
        text.push_str(", history rewritten");
    }
    if 0 < outside.uncommitted {
        text.push_str(&format!(", {} not committed", counted(outside.uncommitted, "path")));
    }
    text
}

/// Which part of what is done was recorded, and which only inferred.
pub(super) fn inferred(view: &RunView) -> String {
    match view.inferred() {
        0 => String::new(),
        inferred => format!(" ({} recorded, {inferred} inferred)", view.done() - inferred),
    }
}

pub(super) fn item_line(item: &Item) -> String {
    match &item.progress {
        Progress::Pending => format!("[ ] {}", item.id),
        Progress::Active(active) => {
            format!("[>] {}  {}, cycle {}", item.id, active.stage, active.cycle)
        }
        Progress::Paused(active) => match &active.phase {
            Phase::Waiting(waiting) => {
                let why = waiting.why.as_deref().unwrap_or("a person's answer");
                format!("[?] {}  {}, waits: {why}", item.id, active.stage)
            }
            _ => format!("[?] {}  {}, answered", item.id, active.stage),
        },
        Progress::Inferred { strength: Strength::Superseded, .. } => {
            format!("[-] {}  superseded, asked for no more", item.id)
        }
        Progress::Inferred { strength, head, .. } => {
            format!(
                "[~] {}  inferred ({}) at {}, not judged",
                item.id,
                strength.word(),
                head.short()
            )
        }
        Progress::Done { head, cycles, .. } => {
            format!(
                "[x] {}  {} after {}",
                item.id,
                head.short(),
                counted(*cycles as usize, "cycle")
            )
        }
    }
}

/// What was joined, and what was dropped with all of it saved, is history.
fn lane_line(lane: &Lane, held: bool, verbose: bool) -> Option<String> {
    let (item, place) = (&lane.item, &lane.worktree);
    let saved = |lane: &Lane| match lane.left().and_then(|left| left.saved.as_ref()) {
        Some(saved) => format!("kept in checkpoint {}", saved.number),
        None => format!("not saved, in {place}"),
    };
    match &lane.phase {
        lane::Phase::Working if held => Some(format!("{item} by {} in {place}", lane.agent)),
        lane::Phase::Working => Some(format!("{item} in doubt, in {place}")),
        lane::Phase::Ended(left) if left.built => Some(format!("{item} built, {}", saved(lane))),
        lane::Phase::Ended(_) => Some(format!("{item} stopped, {}", saved(lane))),
        lane::Phase::Joining { .. } => Some(format!("{item} is being brought in")),
        lane::Phase::Dropped { why, .. } => {
            Some(format!("{item} not taken, {}: {}", saved(lane), first_line(why)))
        }
        lane::Phase::Joined(_) => verbose.then(|| format!("{item} joined, {}", saved(lane))),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn findings(out: &mut String, view: &RunView, max: usize) {
    let open = view.open_findings();
    if open.is_empty() {
        return;
    }
    say(out, &format!("  findings  {} open", open.len()));
    for finding in open.iter().take(max) {
        say(out, &format!("    {}", told(finding)));
    }
    if max < open.len() {
        say(out, &format!("    … {} more with --verbose", open.len() - max));
    }
}

/// `high missing-test src/a.rs:7: …`
fn told(finding: &Finding) -> String {
    let place = match (&finding.path, finding.line) {
        (Some(path), Some(line)) => format!(" {path}:{line}"),
        (Some(path), None) => format!(" {path}"),
        (None, _) => String::new(),
    };
    format!("{} {}{place}: {}", finding.severity, finding.rule, finding.message)
}

fn limits(out: &mut String, view: &RunView) {
    let run = &view.run;
    let limits = &run.charter.limits;
    say(out, &format!("  time      {} of {}", view.elapsed, limits.run_time_max));
    say(
        out,
        &format!("  calls     {} ({} an hour at most)", run.calls_total, limits.calls_per_hour_max),
    );
    if 0 < run.usage.tokens() || limits.tokens_max.is_some() {
        let of = limits.tokens_max.map(|max| format!(" of {max}")).unwrap_or_default();
        say(out, &format!("  tokens    {}{of}", run.usage.tokens()));
    }
    if 0 < run.usage.cost || limits.cost_max.is_some() {
        let of = limits.cost_max.map(|max| format!(" of {}", money(max))).unwrap_or_default();
        say(out, &format!("  cost      {}{of}", money(run.usage.cost)));
    }
    match &run.breaker {
        Breaker::Closed => {}
        Breaker::Open { trip, evidence } => {
            say(out, &format!("  breaker   open ({}): {evidence}", trip.word()))
        }
        Breaker::HalfOpen { .. } => say(out, "  breaker   half-open: one cycle is tried"),
    }
}

fn stopped(out: &mut String, view: &RunView, time: &dyn Fn(Timestamp) -> String) {
    let run = &view.run;
    if let Some(cause) = &run.halt {
        say(out, &format!("  halted    {}", because(cause)));
        if let Cause::PersonNeeded { why } | Cause::AgentUnavailable { why } = cause {
            why.lines().skip(1).take(4).for_each(|line| say(out, &format!("            {line}")));
        }
        if let (Cause::FailVerdict { stage }, Some(item)) = (cause, run.active_item()) {
            let (item, call) = (&item.id, run.calls_total);
            say(out, &format!("  read      git run show artifacts/{item}/{call:04}-{stage}.json"));
        }
    }
    if let Some(request) = &run.halt_request {
        say(out, &format!("  halting   {}", request.reason));
    }
    waits(out, view, time);
    gates(out, view);
    match &run.delivery {
        Some(Delivery::Pushed { remote, branch, commit }) => {
            say(out, &format!("  pushed    {} to {branch} of {remote}", commit.short()));
        }
        Some(Delivery::Skipped { why }) => say(out, &format!("  pushed    no: {why}")),
        Some(Delivery::Refused { why }) => say(out, &format!("  pushed    refused: {why}")),
        Some(Delivery::Failed { why }) => say(out, &format!("  pushed    failed: {why}")),
        None => {}
    }
}

/// What is asked of a person, since when, and what there is to read before the answer.
fn waits(out: &mut String, view: &RunView, time: &dyn Fn(Timestamp) -> String) {
    // What is not of this work tree is only found by its name.
    let whose = match &view.from {
        Some(_) => format!(" --run {}", view.run.charter.run),
        None => String::new(),
    };
    for one in view.run.waits() {
        let since = one.since.map(|at| format!(" since {}", time(at))).unwrap_or_default();
        let until = one.until.map(|at| format!(", until {}", time(at))).unwrap_or_default();
        let at = one.at.as_ref().map(|(head, _)| format!(" for {}", head.short()));
        say(out, &format!("  waits     {}{}{since}{until}", one.gate, at.unwrap_or_default()));
        for line in one.why.into_iter().chain(view.asks(&one.gate.stage)) {
            say(out, &format!("            {line}"));
        }
        for paper in one.papers.iter().take(PAPERS_SHOWN) {
            say(out, &format!("  read      git run show {}{whose}", paper.path));
        }
        if PAPERS_SHOWN < one.papers.len() {
            let more = one.papers.len() - PAPERS_SHOWN;
            say(out, &format!("  read      and {more} more (git run show provenance)"));
        }
    }
}

/// What holds back a run that stands still, and who answered for what.
fn gates(out: &mut String, view: &RunView) {
    let run = &view.run;
    if run.is_at_rest() {
        for gate in run.open_gates(Some(&run.head)) {
            say(out, &format!("  gate      open: {gate}"));
        }
    }
    for one in &run.overrides {
        say(out, &format!("  gate      {}", overridden(one)));
    }
    if let Some(url) = run.pull_request.as_ref().and_then(|request| request.url.as_ref()) {
        say(out, &format!("  request   {url}"));
    }
}

/// `review of sprint-1 overridden by Ada for 1234567: why`
pub(super) fn overridden(one: &Override) -> String {
    let signed = if one.signed.is_some() { ", signed" } else { "" };
    let (gate, person, commit) = (&one.gate, &one.person, one.commit.short());
    format!("{gate} overridden by {person} for {commit}{signed}: {}", one.reason)
}

fn history(out: &mut String, view: &RunView) {
    let run = &view.run;
    let (start, head) = view.range();
    say(out, &format!("  commits   {} ({}..{})", run.commits, start.short(), head.short()));
    say(out, &format!("  events    {}, lease {}", run.seq, run.generation));
    if let Some(newest) = run.checkpoint {
        say(out, &format!("  saved     checkpoint {newest}"));
    }
    for cycle in run.active().into_iter().flat_map(|active| &active.cycles) {
        let changed = if cycle.changed { "changed the tree" } else { "changed nothing" };
        let found = counted(cycle.findings as usize, "finding");
        say(out, &format!("  cycle {}   {} with {found}; it {changed}", cycle.cycle, cycle.stage));
    }
}

/// Millionths as people write them.
#[must_use]
pub fn money(micros: u64) -> String {
    format!("{}.{:02}", micros / 1_000_000, micros / 10_000 % 100)
}

fn say(out: &mut String, line: &str) {
    // Writing into a text cannot fail.
    let _ = writeln!(out, "{}", one_line(line));
}
