//! Every event as one sentence for people: the subjects of the journal, and `git run log`.

use super::{
    deletion::Deleted,
    event::{
        Cause, Delivery, Event, PlanSynced, Reconciled, Rollback, RollbackKind, StageEnd, Word,
    },
    outcome::{Outcome, Verdict},
    run::Run,
};

/// Tasks of one event that are named in its sentence.
const TASKS_TOLD_MAX: usize = 8;

/// What happened, told after it did: `run` is the run with the event applied.
#[must_use]
#[expect(clippy::too_many_lines, reason = "one arm for each event")]
pub fn sentence(event: &Event, run: &Run) -> String {
    match event {
        Event::RunCreated(charter) => {
            format!(
                "{}: run created on `{}`, {} to do",
                charter.target,
                charter.branch,
                counted(charter.items.len(), "item")
            )
        }
        Event::LeaseTaken { generation, holder } => {
            format!("process {} on {} took lease {generation}", holder.pid, holder.host)
        }
        Event::JackInBegan => format!("jacking in to `{}`", run.charter.branch),
        Event::IntentDeclared { purpose, moves } => {
            format!("about to {purpose} ({})", counted(moves.len(), "ref"))
        }
        Event::IntentSettled { conflicts } if conflicts.is_empty() => {
            "the refs are where they should be".into()
        }
        Event::IntentSettled { conflicts } => {
            format!("somebody else moved {}", conflicts.join(", "))
        }
        Event::RunStarted { head, .. } => {
            format!("running on `{}` from {}", run.charter.branch, head.short())
        }
        Event::ItemStarted { item, .. } => format!("{item}: started"),
        Event::StageStarted(start) => {
            let again = if 1 < start.attempt {
                format!(", attempt {}", start.attempt)
            } else {
                String::new()
            };
            format!(
                "{}: {} by {} (cycle {}{again})",
                start.item, start.stage, start.agent, start.cycle
            )
        }
        Event::ProcessStarted { mark } => {
            format!("{}process {} is at work", at_item(run), mark.pid)
        }
        Event::StageEnded(end) => format!("{}{}", at_item(run), ended(end)),
        Event::StageLost { why } => format!("{}a stage was lost: {why}", at_item(run)),
        Event::ItemReopened { item, stage } => {
            format!("{item}: {stage} again, the tree has changed since")
        }
        Event::CommitAnnounced { subject, .. } => {
            format!("{}about to commit \"{subject}\"", at_item(run))
        }
        Event::CommitRefused { why } => {
            format!("{}the commit was refused: {}", at_item(run), first_line(why))
        }
        Event::WorkCommitted(work) => {
            let gone = gone(&work.deleted);
            format!("{}committed {} \"{}\"{gone}", at_item(run), work.commit.short(), work.subject)
        }
        Event::WorkSeen { to, commits, rewritten: false, deleted, .. } => {
            format!(
                "{}{} by others, now at {}{}",
                at_item(run),
                counted(*commits as usize, "commit"),
                to.short(),
                gone(deleted)
            )
        }
        Event::WorkSeen { from, to, .. } => {
            format!(
                "{}the branch was rewritten from {} to {}",
                at_item(run),
                from.short(),
                to.short()
            )
        }
        Event::ItemFinished { item, head, .. } => format!("{item}: finished at {}", head.short()),
        Event::HaltRequested { reason, force } => {
            format!("halt requested{}: {reason}", if *force { " at once" } else { "" })
        }
        Event::RunHalted { cause } => format!("halted: {}", because(cause)),
        Event::RunResumed => "resumed".into(),
        Event::BreakerOpened { trip, evidence } => {
            format!("breaker opened ({}): {evidence}", trip.word())
        }
        Event::BreakerReset => "breaker reset by a person: one cycle is tried".into(),
        Event::BreakerClosed => "breaker closed: the trial went well".into(),
        Event::BudgetReached { level, what } => format!("budget {}: {what}", level.word()),
        Event::CallsHeld { .. } => "agent calls are held for a while".into(),
        Event::RunCompleted { head, .. } => format!("complete at {}", head.short()),
        Event::DeliveryStarted { remote, branch, commit } => {
            format!("about to push {} to `{branch}` of {remote}", commit.short())
        }
        Event::DeliveryEnded { outcome } => delivered(outcome),
        Event::RunClosed { why } => format!("jacked out: {why}"),
        Event::Remarked { text } => format!("remark: {}", first_line(text)),
        Event::CheckpointMade { number, commit, why, .. } => {
            format!("checkpoint {number} ({}): {}", commit.short(), first_line(why))
        }
        Event::RolledBack(back) => format!("{}{}", at_item(run), rolled_back(back)),
        Event::GateOverridden(of) => {
            let signed = if of.signed.is_some() { ", signed" } else { "" };
            format!(
                "{} overridden by a person for {}{signed}: {}",
                of.gate,
                of.commit.short(),
                first_line(&of.reason)
            )
        }
        Event::PullRequestWritten { title, path } => {
            format!("pull request written as `{path}`: {}", first_line(title))
        }
        Event::PullRequestOpened { url, made: true } => format!("draft pull request opened: {url}"),
        Event::PullRequestOpened { url, made: false } => format!("pull request updated: {url}"),
        Event::RunAdopted(adoption) => {
            let from = adoption.from.as_ref().map(|from| format!(" from {from}"));
            let why = adoption.reason.as_ref().map(|why| format!(": {}", first_line(why)));
            format!(
                "taken over{} to {}{}",
                from.unwrap_or_default(),
                first_line(&adoption.home.worktree),
                why.unwrap_or_default()
            )
        }
        Event::ApprovalAsked(asked) => {
            format!("{}: {} waits for a person's word", asked.item, asked.stage)
        }
        Event::ApprovalGiven(of) => {
            let text = match of.text.is_empty() {
                true => String::new(),
                false => format!(": {}", first_line(&of.text)),
            };
            let signed = if of.signed.is_some() { ", signed" } else { "" };
            let what = match of.word {
                Word::Approve => "approved",
                Word::Reject => "rejected",
                Word::Modify => "sent back",
            };
            format!("{}: {} {what} by a person{signed}{text}", of.item, of.stage)
        }
        Event::StageSkipped { item, stage, why } => {
            format!("{item}: {stage} is passed over: {}", first_line(why))
        }
        Event::StageReopened { item, stage, why } => {
            format!("{item}: reopened at {stage}: {}", first_line(why))
        }
        Event::ItemsReverified { items } => {
            let items: Vec<_> = items.iter().map(ToString::to_string).collect();
            format!("to be verified again, since their files changed: {}", items.join(", "))
        }
        Event::AssumptionsScanned(scan) => {
            let often: Vec<&str> = scan.promoted.iter().map(|one| one.kind.as_str()).collect();
            let found = if often.is_empty() {
                "no question".to_owned()
            } else {
                format!("to be decided: {}", often.join(", "))
            };
            let (assumed, kinds) = (scan.assumed as usize, scan.kinds as usize);
            format!(
                "{} of {} looked over after {}: {found}",
                counted(assumed, "assumption"),
                counted(kinds, "kind"),
                counted(scan.finished as usize, "item")
            )
        }
        Event::FixAsked(fix) => {
            let what = first_line(&fix.finding.message);
            match (fix.id, fix.of) {
                (Some(id), Some(of)) => format!("{}: to be mended ({id}, {of}): {what}", fix.item),
                (Some(id), None) => format!("{}: to be mended ({id}): {what}", fix.item),
                (None, _) => format!("{}: to be mended: {what}", fix.item),
            }
        }
        Event::Reconciled(of) => reconciled(of),
        Event::PlanSynced(of) => synced(of),
        Event::LaneStarted(start) => {
            format!("{}: {} by {} ahead, in a lane", start.item, start.stage, start.agent)
        }
        Event::LaneEnded(of) => match &of.saved {
            Some(saved) => {
                format!("{}: lane {}, kept in checkpoint {}", of.item, ended(&of.end), saved.number)
            }
            None => format!("{}: lane {}, and not saved", of.item, ended(&of.end)),
        },
        Event::LaneJoined { item, .. } => format!("{item}: about to bring in what its lane built"),
        Event::LaneDropped { item, why, findings } => {
            let mut rules: Vec<&str> =
                findings.iter().map(|finding| finding.rule.as_str()).collect();
            rules.sort_unstable();
            rules.dedup();
            let rules = match rules.is_empty() {
                true => String::new(),
                false => format!(" ({})", rules.join(", ")),
            };
            format!("{item}: what its lane built is not taken{rules}: {}", first_line(why))
        }
        Event::Newer { kind } => format!("`{kind}`, written by a newer version"),
    }
}

#[must_use]
pub fn because(cause: &Cause) -> String {
    match cause {
        Cause::Asked { reason } => reason.clone(),
        Cause::Interrupted => "interrupted".into(),
        Cause::Breaker { trip } => format!("the breaker is open ({})", trip.word()),
        Cause::Budget { what } => format!("the budget is nearly used up: {what}"),
        Cause::FailVerdict { stage } => {
            format!("{stage} said fail, which is never tried again by itself")
        }
        Cause::AgentUnavailable { why } => format!("no agent: {}", first_line(why)),
        Cause::PersonNeeded { why } => format!("a person is needed: {}", first_line(why)),
        Cause::Approval { item, stage } => format!("{stage} of {item} waits for a person's word"),
        Cause::Rejected { item, stage, why } => {
            format!("a person rejected {stage} of {item}: {}", first_line(why))
        }
        Cause::TriesUsed { item, stage } => {
            format!("{stage} of {item} sent back as often as it may, and still does not pass")
        }
    }
}

/// `, 2 files deleted`, where any were.
fn gone(deleted: &Deleted) -> String {
    match usize::try_from(deleted.total()).unwrap_or(usize::MAX) {
        0 => String::new(),
        total => format!(", {} deleted", counted(total, "file")),
    }
}

fn ended(end: &StageEnd) -> String {
    let found = end.findings.len() + end.findings_dropped as usize;
    let after = format!("after {}", end.took);
    match &end.outcome {
        Outcome::Built => format!("built {after}"),
        Outcome::Judged(Verdict::Fail) if !end.summary.trim().is_empty() => {
            format!("verdict fail {after}: {}", first_line(end.summary.trim()))
        }
        Outcome::Judged(verdict) if found == 0 => format!("verdict {} {after}", verdict.word()),
        Outcome::Judged(verdict) => {
            format!("verdict {} with {} {after}", verdict.word(), counted(found, "finding"))
        }
        Outcome::Failed { failure, detail } => {
            format!("no result {after} ({}): {}", failure.word(), first_line(detail))
        }
        Outcome::Held { .. } => format!("the agent asks to be called later ({after})"),
        Outcome::Unavailable { why } => format!("no agent: {}", first_line(why)),
        Outcome::Stopped => format!("stopped {after}"),
        Outcome::Blocked { why } => format!("waits for an answer {after}: {}", first_line(why)),
    }
}

fn delivered(outcome: &Delivery) -> String {
    match outcome {
        Delivery::Pushed { remote, branch, commit } => {
            format!("pushed {} to `{branch}` of {remote}", commit.short())
        }
        Delivery::Skipped { why } => format!("not pushed: {why}"),
        Delivery::Refused { why } => format!("push refused: {}", first_line(why)),
        Delivery::Failed { why } => format!("push failed: {}", first_line(why)),
    }
}

fn rolled_back(back: &Rollback) -> String {
    let what = match back.how {
        RollbackKind::Rollback => "rolled back",
        RollbackKind::Undo => "undone: back",
        RollbackKind::Redo => "done again: back",
    };
    let (to, head, saved) = (back.to, back.head.short(), back.saved);
    format!("{what} to checkpoint {to}, now at {head}; what was there before is checkpoint {saved}")
}

fn reconciled(of: &Reconciled) -> String {
    let items =
        of.items.iter().map(|one| format!("{} inferred ({})", one.item, one.strength.word()));
    let answers = of.answers.iter().map(|one| format!("{}: {}", one.item, one.answer.word()));
    let said: Vec<_> = items.chain(answers).collect();
    let what = if said.is_empty() { "nothing new".to_owned() } else { said.join(", ") };
    format!("reconciled at {}: {what}", of.head.short())
}

fn synced(of: &PlanSynced) -> String {
    let tasks = of.tasks.iter().take(TASKS_TOLD_MAX);
    let told: Vec<_> = tasks.map(|one| format!("{}: {}", one.task, one.follows.word())).collect();
    let more = of.tasks.len().saturating_sub(TASKS_TOLD_MAX);
    let more = if 0 < more { format!(" and {more} more") } else { String::new() };
    format!("a person took over what the plan says now: {}{more}", told.join(", "))
}

fn at_item(run: &Run) -> String {
    run.active_item().map(|item| format!("{}: ", item.id)).unwrap_or_default()
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[must_use]
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
