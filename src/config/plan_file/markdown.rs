//! A plan in Markdown: sprint headings, checklists of tasks, acceptance criteria. It reads the
//! outline from the top, and what belongs to no sprint is no work.

use super::{
    FILE_BYTES_MAX,
    node::json_text,
    outline::{Block, Kind, Line, outline},
    phrases::{Heading, Label, heading, is_acceptance, label, reference, task_head, values},
};
use crate::domain::{
    plan::Extra,
    plan_check::{Draft, DraftCriterion, DraftSprint, DraftTask, Fault, Located, Text, quoted},
};

/// The draft with what is wrong so far; no draft where there is no sprint.
pub(super) fn draft(default_id: &str, text: &str) -> (Option<Draft>, Vec<Fault>) {
    let mut reader = Reader::default();
    outline(text).iter().for_each(|block| reader.block(block));
    reader.end_sprint();
    if reader.sprints.is_empty() {
        if reader.faults.is_empty() {
            let what = "no sprint heading was found";
            let fix = "begin each sprint with a line like `## Sprint 1: Cart`";
            reader.faults.push(Fault::new(reader.wrong_level.unwrap_or(1), what, fix));
        }
        return (None, reader.faults);
    }
    let id: Text = Located::new(1, default_id);
    let title = reader.title.unwrap_or_else(|| id.clone());
    (Some(Draft { id, title, sprints: reader.sprints, extra: Extra::new() }), reader.faults)
}

#[derive(Default)]
struct Reader {
    title: Option<Text>,
    sprints: Vec<DraftSprint>,
    open: Option<Open>,
    faults: Vec<Fault>,
    /// A sprint heading that is no `##`.
    wrong_level: Option<u32>,
    /// How many bytes of criteria tasks have taken over from their sprints.
    inherited: usize,
}

/// The sprint that is being read.
struct Open {
    sprint: DraftSprint,
    /// For every task that has none of its own.
    acceptance: Vec<Text>,
    in_acceptance: bool,
    /// How deep the item of the last task stands, while its nested items follow.
    task_depth: Option<usize>,
    /// What the deeper items are about.
    under: Label,
}

impl Reader {
    fn block(&mut self, block: &Block) {
        match block.kind {
            Kind::Heading(level @ (1 | 2)) => self.heading(level, block),
            Kind::Heading(_) => {
                if matches!(heading(&block.text()), Heading::Sprint { .. }) {
                    self.wrong_level.get_or_insert(block.line);
                }
                self.section(is_acceptance(&block.text()));
            }
            Kind::Paragraph => self.paragraph(block),
            Kind::Item { depth, checked } => {
                if let Some(open) = &mut self.open {
                    open.item(block, depth, checked, &mut self.faults);
                }
            }
        }
    }

    fn heading(&mut self, level: u8, block: &Block) {
        self.end_sprint();
        let text = block.text();
        match heading(&text) {
            Heading::Sprint { number, title } if level == 2 => {
                let title = if title.is_empty() { format!("Sprint {number}") } else { title };
                let id = Located::new(block.line, format!("sprint-{number}"));
                self.open = Some(Open::new(id, Located::new(block.line, title)));
            }
            Heading::Nearly if level == 2 => {
                let what = format!("the heading {} is nearly one of a sprint", quoted(&text));
                let fix = "write it like `## Sprint 1: Cart`, or begin it with another word";
                self.faults.push(Fault::new(block.line, what, fix));
            }
            Heading::Sprint { .. } => {
                self.wrong_level.get_or_insert(block.line);
            }
            Heading::Nearly | Heading::Other => {}
        }
        if level == 1 && self.title.is_none() && !text.is_empty() {
            self.title = Some(Located::new(block.line, text));
        }
    }

    fn section(&mut self, is_acceptance: bool) {
        if let Some(open) = &mut self.open {
            open.in_acceptance = is_acceptance;
            open.task_depth = None;
        }
    }

    fn paragraph(&mut self, block: &Block) {
        let text = block.text();
        if block.is_bold() || is_acceptance(&text) {
            return self.section(is_acceptance(&text));
        }
        let Some(open) = &mut self.open else { return };
        if open.sprint.goal.is_none() && !open.in_acceptance && !text.is_empty() {
            let goal = match text.split_once(':') {
                Some((word, goal)) if word.trim().eq_ignore_ascii_case("goal") => goal.trim(),
                _ => text.as_str(),
            };
            open.sprint.goal = Some(Located::new(block.line, goal));
        }
    }

    fn end_sprint(&mut self) {
        let Some(Open { mut sprint, acceptance, .. }) = self.open.take() else { return };
        let bytes: usize = acceptance.iter().map(|text| text.value.len()).sum();
        for task in sprint.tasks.iter_mut().filter(|task| task.acceptance.is_empty()) {
            self.inherited = self.inherited.saturating_add(bytes);
            if FILE_BYTES_MAX < self.inherited {
                let what = "too many tasks share too long acceptance criteria";
                let fix = "shorten them, or give tasks their own";
                self.faults.push(Fault::new(sprint.id.line, what, fix));
                break;
            }
            task.acceptance = acceptance.iter().cloned().map(DraftCriterion::plain).collect();
        }
        self.sprints.push(sprint);
    }
}

impl Open {
    fn new(id: Text, title: Text) -> Self {
        let extra = Extra::new();
        let sprint = DraftSprint { id, title, goal: None, tasks: Vec::new(), extra };
        Self {
            sprint,
            acceptance: Vec::new(),
            in_acceptance: false,
            task_depth: None,
            under: Label::Acceptance,
        }
    }

    fn item(
        &mut self,
        block: &Block,
        depth: usize,
        checked: Option<bool>,
        faults: &mut Vec<Fault>,
    ) {
        if self.in_acceptance {
            let text = block.text();
            if !text.is_empty() {
                self.acceptance.push(Located::new(block.line, text));
            }
            return;
        }
        if self.task_depth.is_some_and(|task| depth <= task) {
            self.task_depth = None;
        }
        match (self.task_depth, checked) {
            (None, Some(done)) => {
                self.task_depth = Some(depth);
                self.task(block, done, faults);
            }
            (Some(task), _) => {
                if depth == task + 1 {
                    self.under = Label::Acceptance;
                }
                statements(&block.lines).iter().for_each(|said| self.say(said, faults));
            }
            (None, None) => {}
        }
    }

    fn task(&mut self, block: &Block, done: bool, faults: &mut Vec<Fault>) {
        self.under = Label::Acceptance;
        let statements = statements(&block.lines);
        let (id, title) = statements.first().map(task_head).unwrap_or_default();
        let ordinal = self.sprint.tasks.len() + 1;
        let id = id.unwrap_or_else(|| format!("{}-t{ordinal}", self.sprint.id.value));
        let mut task =
            DraftTask::bare(Located::new(block.line, id), Located::new(block.line, title));
        if done {
            task.extra.insert("checked".to_owned(), "true".to_owned());
        }
        self.sprint.tasks.push(task);
        let mut notes = Vec::new();
        for said in statements.iter().skip(1) {
            if label(&said.text).is_some() {
                self.say(said, faults);
            } else {
                notes.push(said.text.as_str());
            }
        }
        if let Some(task) = self.sprint.tasks.last_mut().filter(|_| !notes.is_empty()) {
            task.extra.insert("notes".to_owned(), json_text(&notes.join("\n")));
        }
    }

    /// One statement about the last task.
    fn say(&mut self, said: &Line, faults: &mut Vec<Fault>) {
        let Some(task) = self.sprint.tasks.last_mut() else { return };
        let (about, rest) = match label(&said.text) {
            Some((about, rest)) => {
                self.under = about;
                (about, rest)
            }
            None => (self.under, said.text.trim()),
        };
        if rest.is_empty() {
            return;
        }
        let own = |value: &str| Located::new(said.line, value);
        match about {
            Label::Acceptance => task.acceptance.push(DraftCriterion::plain(own(rest))),
            Label::Writes => task.writes.extend(values(rest).iter().map(|path| own(path))),
            Label::DependsOn => {
                task.depends_on.extend(values(rest).iter().map(|id| own(reference(id))));
            }
            Label::From => task.from.extend(values(rest).iter().map(|source| own(source))),
            Label::Owner => once("Owner", &mut task.owner, own(rest), faults),
            Label::Group => once("Group", &mut task.group, own(rest), faults),
        }
    }
}

fn once(label: &str, slot: &mut Option<Text>, text: Text, faults: &mut Vec<Fault>) {
    if slot.is_some() {
        let what = format!("`{label}` is there twice for one task");
        faults.push(Fault::new(text.line, what, "keep one"));
    } else if !values(&text.value).is_empty() {
        *slot = Some(text);
    }
}

/// The lines of an item, where a line that only goes on is joined to the one before it.
fn statements(lines: &[Line]) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    for line in lines {
        let begins = line.fresh || label(&line.text).is_some();
        match out.last_mut().filter(|_| !begins) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(line.text.trim());
            }
            None => out.push(Line { text: line.text.clone(), ..*line }),
        }
    }
    out
}
