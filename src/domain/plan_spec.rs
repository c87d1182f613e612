//! What a task and a plan ask for, as one number each. Nothing that a reader may ignore goes in:
//! white space, the file format, and fields that this version does not know leave them alone.

use super::{
    criterion::{Criterion, Verification},
    id::Digest,
    plan::{Plan, Task},
};

/// What [`Task::spec`] must be. The name is left out: a renamed task asks for the same work.
#[must_use]
pub fn task_spec(task: &Task) -> Digest {
    let mut text = Canonical::new("git-run task 1");
    text.field(&task.title);
    text.list(task.acceptance.iter().map(|criterion| criterion.statement.as_str()));
    text.list(task.writes.iter().map(|scope| scope.as_str()));
    text.list(task.depends_on.iter().map(|id| id.as_str()));
    text.list(task.owner.as_deref());
    text.list(task.group.as_deref());
    text.count(task.steps.len());
    for (stage, commands) in &task.steps {
        text.field(stage.as_str());
        text.list(commands.iter().map(String::as_str));
    }
    text.criteria(&task.acceptance);
    text.digest()
}

/// Everything that the plan asks for, in its order.
#[must_use]
pub fn plan_digest(plan: &Plan) -> Digest {
    let mut text = Canonical::new("git-run plan 1");
    text.field(plan.id.as_str());
    text.field(&plan.title);
    text.count(plan.sprints.len());
    for sprint in &plan.sprints {
        text.field(sprint.id.as_str());
        text.field(&sprint.title);
        text.list(sprint.goal.as_deref());
        text.count(sprint.tasks.len());
        for task in &sprint.tasks {
            text.field(task.id.as_str());
            text.field(task.spec.as_str());
        }
    }
    text.digest()
}

/// Every piece with its length before it, so that no two contents give the same bytes.
struct Canonical(String);

impl Canonical {
    fn new(kind: &str) -> Self {
        let mut text = Self(String::new());
        text.field(kind);
        text
    }

    fn count(&mut self, count: usize) {
        self.0.push_str(&format!("{count}:"));
    }

    fn field(&mut self, text: &str) {
        self.count(text.len());
        self.0.push_str(text);
    }

    fn list<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        let texts: Vec<&str> = texts.into_iter().collect();
        self.count(texts.len());
        texts.into_iter().for_each(|text| self.field(text));
    }

    /// Nothing for criteria that are only words: they had their place before there were others.
    fn criteria(&mut self, criteria: &[Criterion]) {
        let more = criteria.iter().enumerate().filter(|(_, said)| !said.asks_only_words());
        for (at, criterion) in more {
            self.count(at);
            self.list(criterion.id.as_ref().map(|id| id.as_str()));
            self.field(criterion.severity.word());
            self.count(criterion.verifications.len());
            criterion.verifications.iter().for_each(|check| self.verification(check));
        }
    }

    fn verification(&mut self, check: &Verification) {
        self.field(check.kind());
        match check {
            Verification::File { path } => self.field(path.as_str()),
            Verification::Grep { path, pattern } => {
                self.field(path.as_str());
                self.field(pattern.as_str());
            }
            Verification::Command { command, must_succeed, timeout } => {
                self.field(command);
                self.count(usize::from(*must_succeed));
                self.list(timeout.map(|span| span.millis().to_string()).as_deref());
            }
            Verification::Lsp { said, skip } => {
                self.field(skip);
                self.list(said.iter().flat_map(|(key, value)| [key.as_str(), value.as_str()]));
            }
        }
    }

    fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}
