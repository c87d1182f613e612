//! What a person typed after `git run`, looked up in a plan. A word that is not there starts nothing.

use super::{id::ItemId, near, plan::Plan};

/// The word for the whole plan.
pub const WHOLE_PLAN: &str = "sprint-plan";

/// What else somebody may have meant.
const STAGES: &str = "; of stages it is `--from-stage` and `--skip-stage`";

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Range {
    pub from: Option<String>,
    pub to: Option<String>,
    pub skip: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    #[error("say what to run: a sprint, a task or `{WHOLE_PLAN}`")]
    Nothing,
    #[error("the plan has no sprint and no task `{}`{}", .wanted.escape_debug(), hint(.near))]
    Unknown { wanted: String, near: Option<String> },
    #[error("`--{option} {}` names no sprint of the plan{STAGES}", .value.escape_debug())]
    BadRange { option: &'static str, value: String },
    #[error("no sprint is left between `--from`, `--to` and `--skip`")]
    NothingLeft,
    #[error("`--from`, `--to` and `--skip` go with `{WHOLE_PLAN}`{STAGES}")]
    RangeOfOne,
}

fn hint(near: &Option<String>) -> String {
    near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
}

/// The items that the targets stand for, in the plan's order.
pub fn items(plan: &Plan, targets: &[String], range: &Range) -> Result<Vec<ItemId>, NoTarget> {
    let whole = targets.iter().any(|target| target == WHOLE_PLAN);
    if !whole && *range != Range::default() {
        return Err(NoTarget::RangeOfOne);
    }
    let named = targets.iter().filter(|target| *target != WHOLE_PLAN);
    let wanted = named.map(|target| one(plan, target)).collect::<Result<Vec<_>, _>>()?;
    if whole {
        return in_range(plan, range);
    }
    if wanted.is_empty() {
        return Err(NoTarget::Nothing);
    }
    let is_wanted = |id: &str| wanted.iter().any(|item| item.as_str() == id);
    let order = plan.sprints.iter().flat_map(|sprint| {
        // A sprint that is wanted as a whole holds its tasks already.
        let tasks = sprint.tasks.iter().filter(|_| !is_wanted(sprint.id.as_str()));
        std::iter::once(sprint.id.as_str()).chain(tasks.map(|task| task.id.as_str()))
    });
    Ok(order.filter_map(|id| wanted.iter().find(|item| item.as_str() == id).cloned()).collect())
}

fn one(plan: &Plan, target: &str) -> Result<ItemId, NoTarget> {
    let known = || {
        let sprints = plan.sprints.iter().map(|sprint| sprint.id.as_str());
        sprints.chain(plan.tasks().map(|(_, task)| task.id.as_str()))
    };
    let found = known().find(|id| *id == target).and_then(|id| ItemId::parse(id).ok());
    found.ok_or_else(|| NoTarget::Unknown {
        wanted: target.chars().take(80).collect(),
        near: near::nearest(target, known().chain([WHOLE_PLAN])).map(str::to_owned),
    })
}

/// `--from` and `--to` are inclusive, and take `2` as well as `sprint-2`.
fn in_range(plan: &Plan, range: &Range) -> Result<Vec<ItemId>, NoTarget> {
    let ids: Vec<_> = plan.sprints.iter().map(|sprint| &sprint.id).collect();
    let find = |option: &'static str, value: &str| {
        let named = format!("sprint-{value}");
        let at = ids.iter().position(|id| id.as_str() == value || id.as_str() == named);
        at.ok_or_else(|| NoTarget::BadRange { option, value: value.chars().take(80).collect() })
    };
    let from = range.from.as_deref().map_or(Ok(0), |from| find("from", from))?;
    let to = range.to.as_deref().map_or(Ok(ids.len().saturating_sub(1)), |to| find("to", to))?;
    let skip = range.skip.iter().map(|skip| find("skip", skip)).collect::<Result<Vec<_>, _>>()?;
    let left = (from..=to).filter(|at| !skip.contains(at));
    let items: Vec<ItemId> = left.filter_map(|at| ids.get(at).map(|id| (*id).clone())).collect();
    if items.is_empty() { Err(NoTarget::NothingLeft) } else { Ok(items) }
}

#[cfg(test)]
mod tests;
