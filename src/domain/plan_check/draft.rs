//! What a plan file says, before anyone believes it. Nothing here is checked.

use crate::domain::plan::Extra;

/// Where something stands in its file: the line counts from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    pub line: u32,
    pub value: T,
}

pub type Text = Located<String>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub id: Text,
    pub title: Text,
    pub sprints: Vec<DraftSprint>,
    pub extra: Extra,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftSprint {
    pub id: Text,
    pub title: Text,
    pub goal: Option<Text>,
    pub tasks: Vec<DraftTask>,
    pub extra: Extra,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftTask {
    pub id: Text,
    pub title: Text,
    pub acceptance: Vec<DraftCriterion>,
    pub writes: Vec<Text>,
    pub depends_on: Vec<Text>,
    pub from: Vec<Text>,
    pub owner: Option<Text>,
    pub group: Option<Text>,
    pub steps: Vec<DraftSteps>,
    /// The digest that a frozen plan claims for this task.
    pub spec: Option<Text>,
    pub extra: Extra,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftCriterion {
    pub statement: Text,
    pub id: Option<Text>,
    pub severity: Option<Text>,
    pub verifications: Vec<DraftVerification>,
    pub extra: Extra,
}

/// One check, with the fields of all kinds of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftVerification {
    pub kind: Text,
    pub path: Option<Text>,
    pub pattern: Option<Text>,
    pub command: Option<Text>,
    pub must_succeed: Option<Located<bool>>,
    pub timeout: Option<Text>,
    /// Why it need not be made.
    pub skip: Option<Text>,
    pub extra: Extra,
}

/// The shell steps of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftSteps {
    pub stage: Text,
    pub commands: Vec<Text>,
}

impl<T> Located<T> {
    pub fn new(line: u32, value: impl Into<T>) -> Self {
        Self { line, value: value.into() }
    }
}

impl DraftCriterion {
    /// A criterion that is only words.
    #[must_use]
    pub fn plain(statement: Text) -> Self {
        Self { statement, id: None, severity: None, verifications: Vec::new(), extra: Extra::new() }
    }
}

impl DraftVerification {
    /// A check that says nothing but its kind.
    #[must_use]
    pub fn bare(kind: Text) -> Self {
        Self {
            kind,
            path: None,
            pattern: None,
            command: None,
            must_succeed: None,
            timeout: None,
            skip: None,
            extra: Extra::new(),
        }
    }
}

impl DraftTask {
    /// A task that says nothing but its name and its title.
    #[must_use]
    pub fn bare(id: Text, title: Text) -> Self {
        Self {
            id,
            title,
            acceptance: Vec::new(),
            writes: Vec::new(),
            depends_on: Vec::new(),
            from: Vec::new(),
            owner: None,
            group: None,
            steps: Vec::new(),
            spec: None,
            extra: Extra::new(),
        }
    }
}
