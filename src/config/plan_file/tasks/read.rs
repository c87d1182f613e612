//! From the page to the tree that a plan in JSON would be.

use super::{
    super::{
        json,
        node::{Field, Node, Value},
        schema,
    },
    COMMENT, COMMENT_END, SHOWN,
    phrases::{self, Head},
};
use crate::domain::{
    fix::{FixType, MENDS_KEY, TYPE_KEY},
    id::TaskId,
    plan_check::{Draft, Fault, Located, quoted},
    queue::{Kind, Status},
};

/// The draft with what is wrong so far; no draft where there is no task.
pub(in super::super) fn draft(default_id: &str, text: &str) -> (Option<Draft>, Vec<Fault>) {
    let mut page = Page::default();
    let mut fence: Option<&str> = None;
    for (line, said) in (1..).zip(text.lines()) {
        let plain = said.trim();
        let mark = ["```", "~~~"].into_iter().find(|mark| plain.starts_with(mark));
        match (fence, mark) {
            (Some(open), Some(mark)) if open == mark => fence = None,
            (Some(_), _) => {}
            (None, Some(mark)) => fence = Some(mark),
            (None, None) => page.line(line, said, plain),
        }
    }
    page.end();
    if page.sprints.iter().all(|sprint| sprint.tasks.is_empty()) {
        let what = "no task was found";
        let fix = "begin each task with a line like `### T-001: Model the cart`";
        page.faults.push(Fault::new(1, what, fix));
        return (None, page.faults);
    }
    let mut faults = std::mem::take(&mut page.faults);
    let (draft, more) = schema::draft(default_id, &page.root());
    faults.extend(more);
    (draft, faults)
}

#[derive(Default)]
struct Page {
    plan: Vec<Field>,
    sprints: Vec<Sprint>,
    /// Tasks that only a row of a table tells of, each with the sprint in which the row stands.
    rows: Vec<(usize, Task)>,
    columns: Vec<Option<Column>>,
    place: Place,
    log: Vec<Node>,
    notes: Vec<String>,
    faults: Vec<Fault>,
}

struct Sprint {
    line: u32,
    fields: Vec<Field>,
    tasks: Vec<Task>,
}

#[derive(Default)]
struct Task {
    line: u32,
    fields: Vec<Field>,
    /// It was said to be pending, which every task is.
    pending: bool,
    acceptance: Vec<Node>,
}

/// What the next lines are about.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Plan,
    Sprint,
    Task,
    /// The task and the criterion that was said last.
    Criterion,
    /// A heading that begins nothing, unless a comment says what.
    Heading(u32),
    Log,
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Id,
    Task,
    Title,
    Field(&'static str),
}

impl Page {
    fn line(&mut self, line: u32, said: &str, plain: &str) {
        let indented = said.starts_with([' ', '\t']);
        if !plain.starts_with('|') {
            self.columns.clear();
        }
        if let Some(json) = plain.strip_prefix(COMMENT) {
            return self.comment(line, json, indented);
        }
        let level = plain.bytes().take_while(|byte| *byte == b'#').count();
        if !indented && (1..=6).contains(&level) && plain[level..].starts_with([' ', '\t']) {
            return self.heading(line, level, plain[level..].trim());
        }
        if plain.starts_with('|') {
            return self.row(line, plain);
        }
        if plain.is_empty() || plain.starts_with("<!--") {
            return;
        }
        match self.place {
            Place::Task | Place::Criterion => self.about_task(line, plain),
            Place::Sprint => self.goal(line, plain),
            Place::Log => {
                let item = plain.strip_prefix(['-', '*', '+']).map_or(plain, str::trim);
                self.log.push(text(line, item));
            }
            Place::Plan | Place::Heading(_) | Place::Elsewhere => {}
        }
    }

    fn heading(&mut self, line: u32, level: usize, said: &str) {
        match phrases::head(level, said) {
            Head::Title(title) => {
                set(&mut self.plan, line, "title", text(line, &title), false);
                self.leave(Place::Plan);
            }
            Head::Sprint { id, title } => self.sprint(line, id, &title),
            Head::Task { id, title } => self.task(line, &id, &title),
            Head::Graph => self.leave(Place::Elsewhere),
            Head::Log => self.leave(Place::Log),
            Head::Other => {
                let lower = said.to_lowercase();
                let within = matches!(self.place, Place::Task | Place::Criterion);
                if !(within && lower.starts_with("acceptance")) {
                    self.leave(Place::Heading(line));
                }
            }
        }
    }

    fn sprint(&mut self, line: u32, id: Option<String>, title: &str) {
        self.leave(Place::Sprint);
        let mut fields = vec![field(line, "title", text(line, title))];
        fields.extend(id.map(|id| field(line, "id", text(line, &id))));
        self.sprints.push(Sprint { line, fields, tasks: Vec::new() });
    }

    fn task(&mut self, line: u32, id: &str, title: &str) {
        self.leave(Place::Task);
        let fields =
            vec![field(line, "id", text(line, id)), field(line, "title", text(line, title))];
        let at = self.current(line);
        self.sprints[at].tasks.push(Task { line, fields, ..Task::default() });
    }

    /// The sprint that is open; one of its own for tasks that stand in none.
    fn current(&mut self, line: u32) -> usize {
        if self.sprints.is_empty() {
            self.sprints.push(Sprint { line, fields: Vec::new(), tasks: Vec::new() });
        }
        self.sprints.len() - 1
    }

    fn last_task(&mut self) -> Option<&mut Task> {
        self.sprints.last_mut()?.tasks.last_mut()
    }

    /// What was said until here belongs to what is left.
    fn leave(&mut self, next: Place) {
        let notes = std::mem::take(&mut self.notes).join("\n");
        if !notes.is_empty()
            && let Some(task) = self.last_task()
        {
            let line = task.line;
            set(&mut task.fields, line, "notes", text(line, &notes), false);
        }
        self.place = next;
    }

    fn about_task(&mut self, line: u32, plain: &str) {
        if let Some(statement) = phrases::check_box(plain) {
            self.place = Place::Criterion;
            if let Some(task) = self.last_task().filter(|_| !statement.is_empty()) {
                task.acceptance.push(text(line, statement));
            }
            return;
        }
        if let Some(note) = plain.strip_prefix('>') {
            return self.notes.push(note.trim().to_owned());
        }
        match phrases::field(plain) {
            Some((key, value)) if self.known(line, &key, &value) => {}
            Some(_) | None => self.notes.push(plain.to_owned()),
        }
    }

    /// Whether it is a field of a task; it is kept then.
    fn known(&mut self, line: u32, key: &str, value: &str) -> bool {
        let Some(key) = key_of(key) else { return matches!(key, k if k.starts_with("acceptance")) };
        let mut faults = Vec::new();
        if let Some(task) = self.last_task() {
            if !task.has(key) {
                return false;
            }
            task.say(line, key, value, &mut faults);
        }
        self.faults.extend(faults);
        true
    }

    fn goal(&mut self, line: u32, plain: &str) {
        let Some(goal) = phrases::field(plain).filter(|(key, _)| key == "goal") else { return };
        if let Some(sprint) = self.sprints.last_mut() {
            set(&mut sprint.fields, line, "goal", text(line, &goal.1), false);
        }
    }

    /// What has no place on the page, for the thing above it.
    fn comment(&mut self, line: u32, json: &str, indented: bool) {
        let object = json.strip_suffix(COMMENT_END.trim_start()).map(str::trim);
        let parsed = object.map(json::parse);
        let mut fields = match parsed {
            Some(Ok(Node { value: Value::Table(fields), .. })) => fields,
            Some(Ok(_) | Err(_)) | None => {
                let what = "this comment is no JSON object in one line";
                let fix = "write it back as it was, or remove it with what it is about";
                return self.faults.push(Fault::new(line, what, fix));
            }
        };
        fields.iter_mut().for_each(|field| moved(field, line));
        let kind = fields.iter().position(|field| field.key.value == "kind");
        let kind = kind.map(|at| fields.remove(at)).and_then(|kind| match kind.node.value {
            Value::Text(kind) => Some(kind),
            _ => None,
        });
        match (kind.as_deref(), self.place) {
            (Some("sprint"), Place::Task | Place::Heading(_)) => {
                if self.place == Place::Task {
                    // The heading looked like one of a task.
                    self.sprints.last_mut().and_then(|sprint| sprint.tasks.pop());
                }
                self.sprint(line, None, "");
            }
            (Some("task"), Place::Heading(line)) => self.task(line, "", ""),
            _ => {}
        }
        let criterion = indented && self.place == Place::Criterion;
        if criterion {
            return self.criterion(line, fields);
        }
        let all = match self.place {
            Place::Plan => Some(&mut self.plan),
            Place::Sprint => self.sprints.last_mut().map(|sprint| &mut sprint.fields),
            Place::Task | Place::Criterion => self.last_task().map(|task| &mut task.fields),
            Place::Heading(_) | Place::Log | Place::Elsewhere => None,
        };
        match all {
            Some(all) => {
                fields.into_iter().for_each(|f| set(all, line, &f.key.value, f.node, true));
            }
            None => {
                let what = "this comment stands behind nothing that it could be about";
                self.faults.push(Fault::new(line, what, "move it behind its task"));
            }
        }
    }

    fn criterion(&mut self, line: u32, mut fields: Vec<Field>) {
        let Some(last) = self.last_task().and_then(|task| task.acceptance.last_mut()) else {
            return;
        };
        let old = std::mem::replace(&mut last.value, Value::Null);
        if let Value::Table(_) = old {
            last.value = old;
            let what = "this criterion has two comments";
            return self.faults.push(Fault::new(line, what, "keep one"));
        }
        set(&mut fields, line, "statement", Node { line, value: old }, false);
        last.value = Value::Table(fields);
    }

    fn row(&mut self, line: u32, plain: &str) {
        let cells = cells(plain);
        if self.columns.is_empty() {
            self.columns = cells.iter().map(|cell| column(cell)).collect();
            return;
        }
        let at = |wanted| self.columns.iter().position(|column| *column == Some(wanted));
        let cell =
            |wanted| at(wanted).and_then(|at| cells.get(at)).map_or("", |cell| cell.as_str());
        let whole = [Column::Id, Column::Task, Column::Title].map(cell).join(" ");
        let Some((id, title)) = phrases::task(&whole, true) else { return };
        let fields =
            vec![field(line, "id", text(line, &id)), field(line, "title", text(line, &title))];
        let mut task = Task { line, fields, ..Task::default() };
        for (column, cell) in self.columns.iter().zip(&cells) {
            if let Some(Column::Field(key)) = column {
                task.say(line, key, cell, &mut self.faults);
            }
        }
        let sprint = self.current(line);
        self.rows.push((sprint, task));
    }

    /// A row and a heading of the same name are one task; the heading has its place.
    fn end(&mut self) {
        self.leave(Place::Elsewhere);
        let mut seats: std::collections::HashMap<String, (usize, usize)> = Default::default();
        for (at, sprint) in self.sprints.iter().enumerate() {
            for (nth, task) in sprint.tasks.iter().enumerate() {
                seats.entry(task.id().to_owned()).or_insert((at, nth));
            }
        }
        for (sprint, row) in std::mem::take(&mut self.rows) {
            match seats.get(row.id()) {
                Some(&(at, nth)) => {
                    let task = &mut self.sprints[at].tasks[nth];
                    self.faults.extend(task.disagrees(&row));
                    for f in row.fields {
                        set(&mut task.fields, f.key.line, &f.key.value, f.node, false);
                    }
                }
                None => self.sprints[sprint].tasks.push(row),
            }
        }
    }

    fn root(mut self) -> Node {
        let sprints = self.sprints.into_iter().filter(|sprint| !sprint.tasks.is_empty());
        let sprints = sprints.map(Sprint::node).collect();
        set(&mut self.plan, 1, "format", number(1), false);
        set(&mut self.plan, 1, "sprint", Node { line: 1, value: Value::List(sprints) }, true);
        if !self.log.is_empty() {
            let log = Node { line: 1, value: Value::List(self.log) };
            set(&mut self.plan, 1, "session_log", log, false);
        }
        Node { line: 1, value: Value::Table(self.plan) }
    }
}

impl Sprint {
    fn node(mut self) -> Node {
        let tasks = self.tasks.into_iter().map(Task::node).collect();
        let tasks = Node { line: self.line, value: Value::List(tasks) };
        set(&mut self.fields, self.line, "task", tasks, true);
        Node { line: self.line, value: Value::Table(self.fields) }
    }
}

impl Task {
    fn node(mut self) -> Node {
        if !self.acceptance.is_empty() {
            let list = Node { line: self.line, value: Value::List(self.acceptance) };
            set(&mut self.fields, self.line, "acceptance", list, false);
        }
        Node { line: self.line, value: Value::Table(self.fields) }
    }

    /// Whether a field of this name is one of this task: what it mends says a fix task alone.
    fn has(&self, key: &str) -> bool {
        let of_fixes = matches!(key, TYPE_KEY | MENDS_KEY);
        !of_fixes || TaskId::parse(self.id()).is_ok_and(|id| Kind::of(&id) == Kind::Fix)
    }

    fn text_of(&self, key: &str) -> Option<&str> {
        let found = self.fields.iter().find(|field| field.key.value == key)?;
        if let Value::Text(text) = &found.node.value { Some(text) } else { None }
    }

    fn id(&self) -> &str {
        self.text_of("id").unwrap_or_default()
    }

    fn status(&self) -> Option<&str> {
        self.text_of("status").or(self.pending.then_some("pending"))
    }

    fn disagrees(&self, row: &Self) -> Option<Fault> {
        let (own, other) = (self.status()?, row.status()?);
        (own != other).then(|| {
            let what = format!(
                "{} is {} here and {} below",
                quoted(self.id()),
                quoted(other),
                quoted(own)
            );
            Fault::new(row.line, what, "say it in one place")
        })
    }

    fn say(&mut self, line: u32, mut key: &'static str, value: &str, faults: &mut Vec<Fault>) {
        if phrases::is_none(value) || !self.has(key) {
            return;
        }
        let value = match key {
            TYPE_KEY => match FixType::parse(&phrases::bare(value).to_lowercase()) {
                Some(of) => text(line, of.word()),
                None => {
                    let what = format!("{} is no type of a fix", quoted(value));
                    let words = FixType::words();
                    return faults.push(Fault::new(line, what, format!("say one of {words}")));
                }
            },
            "depends_on" | "writes" => {
                let items = phrases::list(value).iter().map(|item| text(line, item)).collect();
                Node { line, value: Value::List(items) }
            }
            // A section of a document is looked after; anything else is a word for people.
            "spec_ref" if phrases::is_source(phrases::bare(value)) => {
                key = "from";
                let source = text(line, phrases::bare(value));
                Node { line, value: Value::List(vec![source]) }
            }
            "status" => match Status::parse(value) {
                Some(Status::Pending) if self.status().is_none() => return self.pending = true,
                Some(status) => text(line, status.word()),
                None => {
                    let words = Status::ALL.map(Status::word).join("`, `");
                    let what = format!("{} is no status", quoted(value));
                    return faults.push(Fault::new(line, what, format!("say one of `{words}`")));
                }
            },
            _ => text(line, phrases::bare(value)),
        };
        let twice = self.fields.iter().any(|field| field.key.value == key);
        if twice || (key == "status" && self.pending) {
            let what = format!("`{key}` of {} is there twice", quoted(self.id()));
            return faults.push(Fault::new(line, what, "keep one"));
        }
        self.fields.push(field(line, key, value));
    }
}

fn key_of(key: &str) -> Option<&'static str> {
    let shown = SHOWN.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
    if let Some((_, field)) = shown {
        return Some(field);
    }
    match key {
        "depends on" | "depends" | "dependencies" | "deps" => Some("depends_on"),
        "files" | "file" | "writes" | "files modified" => Some("writes"),
        "spec ref" | "spec reference" => Some("spec_ref"),
        "hash" | "spec section hash" => Some("spec_hash"),
        _ => None,
    }
}

fn column(cell: &str) -> Option<Column> {
    let key = cell.trim_matches('*').to_lowercase().replace(['_', '-'], " ");
    match key.as_str() {
        "id" | "task id" | "#" => Some(Column::Id),
        "task" => Some(Column::Task),
        "title" | "name" | "description" | "summary" => Some(Column::Title),
        key => key_of(key).map(Column::Field),
    }
}

/// The cells of a row; `\|` is a bar in one of them.
fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|');
    let inner = inner.strip_suffix('|').unwrap_or(inner);
    let mut cells = vec![String::new()];
    let mut escaped = false;
    for c in inner.chars() {
        match (c, escaped, cells.last_mut()) {
            ('|', false, _) => cells.push(String::new()),
            ('|', true, Some(cell)) => {
                cell.pop();
                cell.push('|');
            }
            (c, _, Some(cell)) => cell.push(c),
            (_, _, None) => {}
        }
        escaped = c == '\\' && !escaped;
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn text(line: u32, text: &str) -> Node {
    Node { line, value: Value::Text(text.to_owned()) }
}

fn number(number: u32) -> Node {
    Node { line: 1, value: Value::Number(number.to_string()) }
}

fn field(line: u32, key: &str, node: Node) -> Field {
    Field { key: Located::new(line, key), node }
}

/// Each key once: the first one stays, unless the new one is to be `over` it.
fn set(fields: &mut Vec<Field>, line: u32, key: &str, node: Node, over: bool) {
    match fields.iter_mut().find(|field| field.key.value == key) {
        Some(there) if over => there.node = node,
        Some(_) => {}
        None => fields.push(field(line, key, node)),
    }
}

/// A comment is one line of the page, whatever its JSON thinks.
fn moved(field: &mut Field, line: u32) {
    fn node(at: &mut Node, line: u32) {
        at.line = line;
        match &mut at.value {
            Value::List(items) => items.iter_mut().for_each(|item| node(item, line)),
            Value::Table(fields) => fields.iter_mut().for_each(|field| moved(field, line)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => {}
        }
    }
    field.key.line = line;
    node(&mut field.node, line);
}
