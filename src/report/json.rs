//! The same view for machines: one object, versioned by its `schema`.

use serde_json::{Value, json};

use super::status::money;
use crate::domain::{
    event::{Cause, Delivery, Envelope},
    finding::Finding,
    fix::{Fix, FixType},
    gate::Override,
    item::{Item, Progress},
    lane::{self, Lane},
    run::{
        Breaker, Run, Waits,
        assumed::{Promoted, Scan},
    },
    tale,
    view::{Glance, RunView},
};

#[must_use]
pub fn status(view: &RunView, time: &dyn Fn(crate::domain::time::Timestamp) -> String) -> Value {
    let run = &view.run;
    let charter = &run.charter;
    let mut all = json!({
        "schema": "git-run/status/1",
        "run": charter.run.as_str(),
        "state": run.state.word(),
        "held": view.held,
        "target": charter.target,
        "plan": charter.plan.as_str(),
        "workflow": charter.workflow.as_str(),
        "branch": charter.branch,
        "base": charter.base,
        "onto": charter.onto,
        "worktree": run.worktree(),
        "from": view.from,
        "start": charter.start.as_str(),
        "head": run.head.as_str(),
        "tree": run.tree.as_ref().map(|tree| tree.as_str()),
        "began": time(run.began),
        "at": time(run.at),
        "seq": run.seq,
        "progress": { "done": view.done(), "total": run.items.len(), "percent": view.percent(), "inferred": view.inferred() },
        "position": position(view),
        "items": run.items.iter().map(item).collect::<Vec<_>>(),
        "findings": view.open_findings().iter().map(finding).collect::<Vec<_>>(),
        "held_until": run.held_until.map(time),
        "breaker": breaker(&run.breaker),
        "elapsed_ms": view.elapsed.millis(),
        "timeout_ms": charter.limits.run_time_max.millis(),
        "calls": run.calls_total,
        "commits": run.commits,
        "checkpoint": run.checkpoint,
        "refusals": view.refusals,
        "usage": {
            "input_tokens": run.usage.input_tokens,
            "output_tokens": run.usage.output_tokens,
            "cost": money(run.usage.cost),
        },
        "budget": run.budget.word(),
        "halt": run.halt.as_ref().map(halt),
        "halt_requested": run.halt_request.as_ref().map(|request| &request.reason),
        "delivery": run.delivery.as_ref().map(delivery),
        "newer": run.newer,
        "next": { "command": view.next.command, "why": view.next.why },
    });
    let gates = run.open_gates(Some(&run.head));
    all["gates"] = gates.iter().map(ToString::to_string).collect();
    all["overrides"] = run.overrides.iter().map(|one| overridden(one, time)).collect();
    all["pull_request"] = match &run.pull_request {
        Some(request) => json!({ "title": request.title, "url": request.url }),
        None => Value::Null,
    };
    all["flow"] = charter.flow.clone().map_or(Value::Null, Value::String);
    all["waits"] = run.waits().iter().map(|one| waits(view, one, time)).collect();
    all["drift"] = view
        .drift
        .map_or(Value::Null, |drift| json!({ "tasks": drift.tasks, "unknown": drift.unknown }));
    all["synced"] = run.synced.as_ref().map_or(
        Value::Null,
        |synced| json!({ "plan": synced.path, "at": time(synced.at), "person": synced.person }),
    );
    all["to_verify"] = run.to_verify.iter().map(ToString::to_string).collect();
    all["assumed"] = json!(run.assumed);
    all["scanned"] = run.scanned.as_ref().map_or(Value::Null, scan);
    all["fixes"] = run.fixes.iter().map(fix).collect();
    all["lanes"] = run.lanes.iter().map(lane).collect();
    all["lanes_left"] = view.left.iter().map(String::as_str).collect();
    all["outside"] = view.outside.as_ref().map_or(Value::Null, outside);
    all
}

fn scan(scan: &Scan) -> Value {
    let promoted = |one: &Promoted| json!({ "kind": one.kind, "count": one.count });
    json!({
        "finished": scan.finished,
        "assumed": scan.assumed,
        "kinds": scan.kinds,
        "promoted": scan.promoted.iter().map(promoted).collect::<Vec<_>>(),
    })
}

fn fix(fix: &Fix) -> Value {
    json!({
        "id": fix.id.map(|id| id.to_string()),
        "type": fix.of.map(FixType::word),
        "item": fix.item.as_str(),
        "message": fix.finding.message,
    })
}

fn lane(lane: &Lane) -> Value {
    let why = match &lane.phase {
        lane::Phase::Dropped { why, .. } => Some(why),
        _ => None,
    };
    json!({
        "item": lane.item.as_str(),
        "state": lane.word(),
        "worktree": lane.worktree,
        "base": lane.base.as_str(),
        "checkpoint": lane.left().and_then(|left| left.saved.as_ref()).map(|saved| saved.number),
        "why": why,
    })
}

fn waits(
    view: &RunView,
    one: &Waits,
    time: &dyn Fn(crate::domain::time::Timestamp) -> String,
) -> Value {
    json!({
        "gate": one.gate.to_string(),
        "item": one.gate.item.as_str(),
        "stage": one.gate.stage.as_str(),
        "commit": one.at.as_ref().map(|(head, _)| head.as_str()),
        "tree": one.at.as_ref().map(|(_, tree)| tree.as_str()),
        "since": one.since.map(time),
        "until": one.until.map(time),
        "why": one.why,
        "asks": view.asks(&one.gate.stage),
        "papers": one.papers.iter().map(|paper| json!({
            "name": paper.name, "path": paper.path,
        })).collect::<Vec<_>>(),
    })
}

/// One event as `git run log --json` prints it.
#[must_use]
pub fn event(
    envelope: &Envelope,
    run: &Run,
    time: &dyn Fn(crate::domain::time::Timestamp) -> String,
) -> Value {
    json!({
        "schema": "git-run/event/1",
        "seq": envelope.seq,
        "at": time(envelope.at),
        "event": envelope.event.kind(),
        "host": envelope.actor.host,
        "person": envelope.actor.person,
        "text": tale::sentence(&envelope.event, run),
    })
}

fn overridden(one: &Override, time: &dyn Fn(crate::domain::time::Timestamp) -> String) -> Value {
    json!({
        "gate": one.gate.to_string(),
        "item": one.gate.item.as_str(),
        "stage": one.gate.stage.as_str(),
        "commit": one.commit.as_str(),
        "tree": one.tree.as_str(),
        "reason": one.reason,
        "person": one.person,
        "at": time(one.at),
        "signed": one.signed,
    })
}

fn outside(glance: &Glance) -> Value {
    json!({
        "commits": glance.commits,
        "rewritten": glance.rewritten,
        "uncommitted": glance.uncommitted,
    })
}

fn position(view: &RunView) -> Option<Value> {
    let at = view.position()?;
    Some(json!({
        "item": at.item,
        "stage": at.stage.as_str(),
        "cycle": at.cycle,
        "attempt": at.attempt,
        "doing": at.doing,
        "agent": at.agent,
    }))
}

fn item(item: &Item) -> Value {
    match &item.progress {
        Progress::Pending => json!({ "id": item.id.as_str(), "status": "pending" }),
        Progress::Active(active) => json!({
            "id": item.id.as_str(),
            "status": "active",
            "stage": active.stage.as_str(),
            "cycle": active.cycle,
            "passed": active.passed.iter().map(|evidence| json!({
                "stage": evidence.stage.as_str(),
                "tree": evidence.tree.as_str(),
                "verdict": evidence.verdict.word(),
                "agent": evidence.agent,
            })).collect::<Vec<_>>(),
            "cycles": active.cycles.iter().map(|cycle| json!({
                "cycle": cycle.cycle,
                "stage": cycle.stage.as_str(),
                "findings": cycle.findings,
                "changed": cycle.changed,
            })).collect::<Vec<_>>(),
        }),
        Progress::Paused(active) => json!({
            "id": item.id.as_str(),
            "status": "paused",
            "stage": active.stage.as_str(),
            "cycle": active.cycle,
        }),
        Progress::Inferred { strength, head, tree, cycles, .. } => json!({
            "id": item.id.as_str(),
            "status": "inferred",
            "evidence": strength.word(),
            "head": head.as_str(),
            "tree": tree.as_str(),
            "cycles": cycles,
        }),
        Progress::Done { head, tree, cycles, .. } => json!({
            "id": item.id.as_str(),
            "status": "done",
            "head": head.as_str(),
            "tree": tree.as_str(),
            "cycles": cycles,
        }),
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.rule,
        "severity": finding.severity.word(),
        "path": finding.path,
        "line": finding.line,
        "message": finding.message,
        "fingerprint": finding.fingerprint().as_str(),
    })
}

fn breaker(breaker: &Breaker) -> Value {
    match breaker {
        Breaker::Closed => json!({ "state": "closed" }),
        Breaker::Open { trip, evidence } => {
            json!({ "state": "open", "trip": trip.word(), "evidence": evidence })
        }
        Breaker::HalfOpen { cycle, .. } => json!({ "state": "half-open", "trial_cycle": cycle }),
    }
}

fn halt(cause: &Cause) -> Value {
    let kind = match cause {
        Cause::Asked { .. } => "asked",
        Cause::Interrupted => "interrupted",
        Cause::Breaker { .. } => "breaker",
        Cause::Budget { .. } => "budget",
        Cause::FailVerdict { .. } => "fail-verdict",
        Cause::AgentUnavailable { .. } => "agent-unavailable",
        Cause::PersonNeeded { .. } => "person-needed",
        Cause::Approval { .. } => "approval",
        Cause::Rejected { .. } => "rejected",
        Cause::TriesUsed { .. } => "tries-used",
    };
    json!({ "cause": kind, "reason": tale::because(cause) })
}

fn delivery(delivery: &Delivery) -> Value {
    match delivery {
        Delivery::Pushed { remote, branch, commit } => {
            json!({ "outcome": "pushed", "remote": remote, "branch": branch, "commit": commit.as_str() })
        }
        Delivery::Skipped { why } => json!({ "outcome": "skipped", "why": why }),
        Delivery::Refused { why } => json!({ "outcome": "refused", "why": why }),
        Delivery::Failed { why } => json!({ "outcome": "failed", "why": why }),
    }
}
