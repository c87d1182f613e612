//! A plan as `actions.json` has it: tasks with owners, and groups of them that run side by side.
//! It is judged by its own rules, and becomes a [`Draft`] of ours. It reads no file.

mod groups;
mod rules;
mod waves;

use super::{
    plan::{Extra, Plan, Task},
    plan_check::{Draft, DraftTask, Fault, Located, Text},
};

pub const OWNERS: [&str; 8] = [
    "action-planner",
    "implementor",
    "tests-builder",
    "quality-gate",
    "compliance-checker",
    "root-cause-analyzer",
    "reviewer",
    "ideation",
];

/// Owners that change the code; what the others stand for is what a run does between its tasks.
const BUILDERS: [&str; 2] = ["implementor", "tests-builder"];

/// Whether a task of such a plan stands for a phase of the work, like planning or reviewing, and so is
/// nothing to be built.
#[must_use]
pub fn is_phase(plan: &Plan, task: &Task) -> bool {
    let owner = task.owner.as_deref().unwrap_or_default();
    plan.extra.contains_key("actions_version")
        && task.writes.is_empty()
        && OWNERS.contains(&owner)
        && !BUILDERS.contains(&owner)
}

/// Everything that the file says and that a rule looks at. What stands where is said by a path,
/// like `tasks[3]`.
#[derive(Debug, Clone)]
pub struct Actions {
    pub id: Text,
    pub title: Text,
    pub strict: Strict,
    pub tasks: Vec<Action>,
    /// Nothing where the file does not say it.
    pub parallel: Option<Parallel>,
    pub extra: Extra,
}

/// What a plan can ask for beyond the rules that hold always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Strict {
    pub tests_first: bool,
    pub verifications: bool,
    pub stories: bool,
}

#[derive(Debug, Clone)]
pub struct Action {
    pub path: String,
    /// `owner` is always there, and `group` never.
    pub task: DraftTask,
    pub owner: Text,
    pub has_stories: bool,
}

#[derive(Debug, Clone)]
pub struct Parallel {
    pub line: u32,
    pub enabled: bool,
    pub groups: Vec<Group>,
}

#[derive(Debug, Clone)]
pub struct Group {
    pub path: String,
    pub id: Text,
    pub order: Located<u32>,
    pub depends_on: Vec<Text>,
    pub tasks: Vec<Text>,
}

impl Action {
    /// Whether it changes code.
    #[must_use]
    pub fn is_code(&self) -> bool {
        self.builds() || self.tests()
    }

    fn builds(&self) -> bool {
        self.owner.value == "implementor"
    }

    fn tests(&self) -> bool {
        self.owner.value == "tests-builder"
    }
}

impl Actions {
    /// The groups that count.
    fn groups(&self) -> &[Group] {
        match &self.parallel {
            Some(parallel) if parallel.enabled => &parallel.groups,
            Some(_) | None => &[],
        }
    }
}

/// Everything that the rules of `actions.json` find.
#[must_use]
pub fn judge(actions: &Actions) -> Vec<Fault> {
    let mut faults = Vec::new();
    rules::check(actions, &mut faults);
    groups::check(actions, &mut faults);
    faults
}

/// The same work in our words: groups that run one after the other are sprints.
#[must_use]
pub fn draft(actions: Actions) -> Draft {
    let sprints = waves::sprints(&actions);
    Draft { id: actions.id, title: actions.title, sprints, extra: actions.extra }
}

/// A fault whose first word says where.
fn fault(line: u32, path: &str, what: &str, fix: impl Into<String>) -> Fault {
    Fault::new(line, format!("`{path}`: {what}"), fix)
}
