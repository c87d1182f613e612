//! What was to be mended while a run went on, as tasks of a plan: so that the next one can take it up.

use super::node::json_text;
use crate::domain::{
    criterion::Criterion,
    finding::{Severity, cut},
    fix::{Fix, MENDS_KEY, TYPE_KEY},
    id::{Digest, ItemId, TaskId},
    plan::{Extra, Plan, Sprint, Task},
    plan_spec::task_spec,
};

const TITLE_BYTES_MAX: usize = 120;
const SPRINT: &str = "fixes";

/// A fix as a task: it may write what the task that it mends may write, and comes behind it.
#[must_use]
pub fn fix_task(plan: &Plan, id: TaskId, fix: &Fix) -> Task {
    let own = plan.tasks().find(|(_, task)| task.id.as_str() == fix.item.as_str());
    let said = plain(&fix.finding.message);
    let mut title = said.clone();
    cut(&mut title, TITLE_BYTES_MAX);
    let title = title.trim_end().to_owned();
    let mut extra = Extra::from([(MENDS_KEY.to_owned(), json_text(fix.item.as_str()))]);
    extra.extend(fix.of.map(|of| (TYPE_KEY.to_owned(), json_text(of.word()))));
    let statement = match &fix.finding.path {
        Some(path) => format!("mended in {}: {said}", plain(path)),
        None => format!("mended: {said}"),
    };
    let criterion = Criterion {
        id: None,
        statement,
        severity: Severity::Medium,
        verifications: Vec::new(),
        extra: Extra::new(),
    };
    let mut task = Task {
        id,
        title,
        acceptance: vec![criterion],
        writes: own.map(|(_, task)| task.writes.clone()).unwrap_or_default(),
        depends_on: own.map(|(_, task)| task.id.clone()).into_iter().collect(),
        from: Vec::new(),
        owner: None,
        group: None,
        steps: std::collections::BTreeMap::new(),
        spec: Digest::of(b""),
        extra,
    };
    task.spec = task_spec(&task);
    task
}

/// The sprint that holds them, under a name that no other one has; nothing where there are none.
#[must_use]
pub fn fix_sprint(plan: &Plan, tasks: Vec<Task>) -> Option<Sprint> {
    if tasks.is_empty() {
        return None;
    }
    let free = |name: &String| plan.sprints.iter().all(|sprint| sprint.id.as_str() != name);
    let names = (2..).map(|nth: u32| format!("{SPRINT}-{nth}"));
    let name = std::iter::once(SPRINT.to_owned()).chain(names).find(free)?;
    let (id, title) = (ItemId::parse(&name).ok()?, "To be mended".to_owned());
    Some(Sprint { id, title, goal: None, tasks, extra: Extra::new() })
}

/// In one line, with nothing that would begin something else on a page.
fn plain(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ")
}
