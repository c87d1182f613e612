//! Stages as data. The built-in workflows and a user's own are the same type.
//!
//! A [`Workflow`] is what a file says and was found to be sound. What a run takes of it, with what it
//! leaves out and why, is a list of [`StageShape`]s, which is all that the fold sees.

mod choice;
mod size;
mod sound;
mod usable;

pub use choice::{Choice, Chosen};
pub use size::{Size, SizeRow};
pub use sound::{Flaw, Loophole};

use super::{
    finding::Severity,
    id::{ItemId, PlanId, StageId},
    risk::Danger,
    time::Span,
};

pub const STAGES_MAX: usize = 32;
pub const CHECKS_MAX: usize = 32;
pub const PAPERS_MAX: usize = 16;
pub const FLOWS_MAX: usize = 16;

/// What walks through the stages that are before, or behind, those of the plan's own items.
pub const OPENING: &str = "opening";
pub const CLOSING: &str = "closing";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    pub name: PlanId,
    /// One sentence for people.
    pub about: String,
    pub unit: Unit,
    /// What its runs may use at most; nothing where the settings say it.
    pub cycles_max: Option<u32>,
    pub run_time_max: Option<Span>,
    /// Whether work on what is risky is only warned of.
    pub warns_of_risk: bool,
    /// How the branches of its runs begin.
    pub branch_prefix: Option<String>,
    /// The ways through it, the usual one first. None is one way.
    pub flows: Vec<String>,
    /// Which of them is taken for work of which size when nobody names one; the first row that holds.
    pub sizes: Vec<SizeRow>,
    /// Papers that a person may hand in at the start.
    pub inputs: Vec<Input>,
    /// Finished items whose files are changed by others are verified again.
    pub spot_check: bool,
    stages: Vec<Stage>,
}

/// A paper that a person may hand in at the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    pub paper: Paper,
    /// The flows that do not begin without it.
    pub needed_in: Vec<String>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unit {
    #[default]
    Sprint,
    Task,
}

impl Unit {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sprint => "sprint",
            Self::Task => "task",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    pub shape: StageShape,
    /// What the agent, or the person, is told.
    pub ask: String,
    /// `builder`, `reviewer`, `tester`: for people and for briefs.
    pub role: Option<String>,
    /// Who does it unless the settings name somebody.
    pub agent: Option<String>,
    /// What a gate stage looks at.
    pub checks: Vec<Check>,
    /// What has to be handed in.
    pub makes: Vec<Paper>,
    /// Each acceptance criterion has to be named in the report, with what shows it.
    pub criteria: bool,
    /// Findings below it hold nothing up.
    pub severity_min: Option<Severity>,
    pub danger: Danger,
    /// Whether an optional stage is taken when nobody says anything.
    pub on: bool,
    /// The ways on which it lies; none is all.
    pub flows: Vec<String>,
}

impl Stage {
    #[must_use]
    pub fn id(&self) -> &StageId {
        &self.shape.id
    }
}

/// One gate of a gate stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub gate: String,
    /// It must not pass: tests that are written first.
    pub must_fail: bool,
}

/// A document that is handed in with a report and kept in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    pub name: String,
    /// What is there at first. Handed in unchanged, it is not done.
    pub template: Option<String>,
    /// Headings that must be there, each with something below it.
    pub sections: Vec<String>,
}

/// As much of a stage as the fold needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageShape {
    pub id: StageId,
    pub duty: Duty,
    pub part: Part,
    /// Where findings send the item back to.
    pub back_to: Option<StageId>,
    /// Only come to by being sent back.
    pub on_return: bool,
    /// Its pass is for the moment: what is built after it may change the tree.
    pub momentary: bool,
    pub tries: Option<Tries>,
    /// May be left out.
    pub optional: bool,
    /// Not by whoever built.
    pub apart: bool,
    pub needs: Vec<Need>,
    /// What happens where something that it needs is not there.
    pub missing: Missing,
    /// How long a person's answer is waited for.
    pub answer_within: Option<Span>,
    /// Why this run does not take it.
    pub skipped: Option<String>,
}

/// What a stage is for, and so what its end means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// Changes the tree; what it leaves is committed.
    Build,
    /// Writes papers, and leaves the tree as it is.
    Write,
    /// Looks at the tree and changes nothing.
    Judge,
    /// Checks that this program makes itself.
    Gate,
    /// A person's word.
    Human,
}

impl Duty {
    pub const ALL: [Self; 5] = [Self::Build, Self::Write, Self::Judge, Self::Gate, Self::Human];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Write => "write",
            Self::Judge => "judge",
            Self::Gate => "gate",
            Self::Human => "human",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|duty| duty.word() == word)
    }

    /// Whether it says of a tree that it may go on.
    #[must_use]
    pub fn judges(self) -> bool {
        match self {
            Self::Build | Self::Write => false,
            Self::Judge | Self::Gate | Self::Human => true,
        }
    }

    /// Whether an agent is called for it.
    #[must_use]
    pub fn calls(self) -> bool {
        match self {
            Self::Build | Self::Write | Self::Judge => true,
            Self::Gate | Self::Human => false,
        }
    }
}

/// Before, in, or behind the walk of the plan's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Part {
    Opening,
    #[default]
    Items,
    Closing,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Opening, Self::Items, Self::Closing];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Opening => OPENING,
            Self::Items => "items",
            Self::Closing => CLOSING,
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.word() == word)
    }

    /// The part that an item of this name walks through, among these stages.
    #[must_use]
    pub fn of(item: &ItemId, stages: &[StageShape]) -> Self {
        let there = |part: Self| stages.iter().any(|shape| shape.part == part);
        match item.as_str() {
            OPENING if there(Self::Opening) => Self::Opening,
            CLOSING if there(Self::Closing) => Self::Closing,
            _ => Self::Items,
        }
    }
}

/// How often a stage may send an item back, and what then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    pub max: u32,
    pub then: Exhausted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    Halt,
    /// A person decides.
    Person,
    /// The item goes on with its findings open, and that is written down.
    GoOn,
}

impl Exhausted {
    pub const ALL: [Self; 3] = [Self::Halt, Self::Person, Self::GoOn];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::Person => "person",
            Self::GoOn => "go-on",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|then| then.word() == word)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Handed in by an earlier stage, or at the start.
    Paper(String),
    /// A file of the work tree.
    File(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Missing {
    #[default]
    Halt,
    /// The stage is passed over, and that is written down.
    Skip,
}

impl Missing {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Halt => "halt",
            Self::Skip => "skip",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Halt, Self::Skip].into_iter().find(|missing| missing.word() == word)
    }
}

impl StageShape {
    /// A stage of the plan's items, with nothing said beyond what it is for.
    #[must_use]
    pub fn plain(id: StageId, duty: Duty, back_to: Option<StageId>) -> Self {
        Self {
            id,
            duty,
            part: Part::Items,
            back_to,
            on_return: false,
            momentary: false,
            tries: None,
            optional: false,
            apart: false,
            needs: Vec::new(),
            missing: Missing::Halt,
            answer_within: None,
            skipped: None,
        }
    }

    /// Whether the run takes it.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.skipped.is_none()
    }

    /// Whether an item comes to it on its way forward.
    #[must_use]
    pub fn is_walked(&self) -> bool {
        self.is_taken() && !self.on_return
    }

    /// Whether its word must be for the very tree with which the item ends.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.is_walked() && self.duty.judges() && !self.momentary
    }

    /// Whether nothing may leave as long as it was not passed.
    #[must_use]
    pub fn is_gate(&self) -> bool {
        self.is_walked() && self.duty != Duty::Build
    }
}

impl Workflow {
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    #[must_use]
    pub fn stage(&self, id: &StageId) -> Option<&Stage> {
        self.stages.iter().find(|stage| stage.shape.id == *id)
    }

    /// The way through it when nobody names one.
    #[must_use]
    pub fn usual_flow(&self) -> Option<&str> {
        self.flows.first().map(String::as_str)
    }

    pub fn judges(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| stage.shape.duty.judges())
    }
}
