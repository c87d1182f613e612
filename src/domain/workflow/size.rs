//! How large a piece of work is, and which way through a workflow that calls for.

use std::collections::BTreeSet;

use super::Workflow;
use crate::domain::{id::ItemId, plan::Plan};

/// Counted in the plan as it is frozen: whoever counts again finds the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub tasks: u32,
    /// Different write scopes; a directory counts as one.
    pub files: u32,
    pub criteria: u32,
    /// Tasks that do not say what they change.
    pub unscoped: u32,
}

/// A flow, and up to which size it is the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeRow {
    pub flow: String,
    pub tasks: Option<u32>,
    pub files: Option<u32>,
    pub criteria: Option<u32>,
}

impl SizeRow {
    /// Of what nobody can tell how much it changes, no bound on files holds.
    #[must_use]
    pub fn holds(&self, size: Size) -> bool {
        let within = |bound: Option<u32>, count: u32| bound.is_none_or(|bound| count <= bound);
        within(self.tasks, size.tasks)
            && within(self.files, size.files)
            && within(self.criteria, size.criteria)
            && (self.files.is_none() || size.unscoped == 0)
    }

    #[must_use]
    pub fn is_unbounded(&self) -> bool {
        self.tasks.is_none() && self.files.is_none() && self.criteria.is_none()
    }
}

impl Size {
    /// Of these items of a plan, sprints or tasks.
    #[must_use]
    pub fn of(plan: &Plan, items: &[ItemId]) -> Self {
        let is_named = |id: &str| items.iter().any(|item| item.as_str() == id);
        let mut size = Self::default();
        let mut files = BTreeSet::new();
        for (sprint, task) in plan.tasks() {
            if !is_named(sprint.id.as_str()) && !is_named(task.id.as_str()) {
                continue;
            }
            size.tasks = size.tasks.saturating_add(1);
            let criteria = u32::try_from(task.acceptance.len()).unwrap_or(u32::MAX);
            size.criteria = size.criteria.saturating_add(criteria);
            size.unscoped = size.unscoped.saturating_add(task.writes.is_empty().into());
            files.extend(task.writes.iter().map(|scope| scope.as_str().to_owned()));
        }
        size.files = u32::try_from(files.len()).unwrap_or(u32::MAX);
        size
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use crate::domain::tale::counted;
        let of = |count: u32, thing| counted(count as usize, thing);
        let (tasks, files) = (of(self.tasks, "task"), of(self.files, "write scope"));
        write!(f, "{tasks}, {files}, {} to meet", counted_criteria(self.criteria))?;
        match self.unscoped {
            0 => Ok(()),
            unscoped => write!(f, ", {} without a scope", of(unscoped, "task")),
        }
    }
}

fn counted_criteria(count: u32) -> String {
    format!("{count} {}", if count == 1 { "criterion" } else { "criteria" })
}

impl Workflow {
    /// The flow for work of this size: the first row that holds, else the usual one.
    #[must_use]
    pub fn flow_for(&self, size: Size) -> Option<&str> {
        let row = self.sizes.iter().find(|row| row.holds(size));
        row.map(|row| row.flow.as_str()).or_else(|| self.usual_flow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_holds_is_the_flow() {
        let row = |flow: &str, bounds: [Option<u32>; 3]| {
            let [tasks, files, criteria] = bounds;
            SizeRow { flow: flow.into(), tasks, files, criteria }
        };
        let rows = [
            row("quick", [Some(1), Some(2), Some(3)]),
            row("standard", [Some(4), None, Some(10)]),
            row("deep", [None, None, None]),
        ];
        for (tasks, files, criteria, unscoped, expected) in [
            (1, 1, 1, 0, "quick"),
            (1, 2, 3, 0, "quick"),
            (1, 3, 3, 0, "standard"),
            (1, 0, 1, 1, "standard"),
            (2, 2, 3, 0, "standard"),
            (4, 90, 10, 4, "standard"),
            (4, 1, 11, 0, "deep"),
            (5, 1, 1, 0, "deep"),
            (0, 0, 0, 0, "quick"),
        ] {
            let size = Size { tasks, files, criteria, unscoped };
            let found = rows.iter().find(|row| row.holds(size)).unwrap();
            assert_eq!(found.flow, expected, "{size}");
        }
    }
}
