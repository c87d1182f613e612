//! Plan files: TOML, JSON and Markdown become a [`Plan`], and a plan becomes canonical JSON. It
//! opens no file, and no text makes it panic.

mod actions;
mod fields;
mod fixes;
mod freeze;
mod json;
mod lines;
mod markdown;
mod node;
mod outline;
mod phrases;
mod pointers;
mod prerequisites;
mod schema;
mod tasks;
pub(super) mod toml;
mod write_actions;
mod write_toml;

pub use fixes::{fix_sprint, fix_task};
pub use freeze::to_json;
pub use pointers::task_context;
pub use prerequisites::{prerequisites, skip_if};
pub use tasks::{Statuses, to_tasks};
pub use write_actions::to_actions;
pub use write_toml::to_toml;

use self::node::Node;
use crate::domain::{
    id::PlanId,
    plan::Plan,
    plan_check::{Draft, Fault, check},
};

/// The largest plan file in TOML or Markdown.
pub const FILE_BYTES_MAX: usize = 1024 * 1024;

/// The largest plan in JSON: what any other file of the largest size may grow to when it is frozen.
pub const JSON_BYTES_MAX: usize = 8 * FILE_BYTES_MAX;

/// How a plan is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Toml,
    Json,
    Markdown,
    /// `actions.json`, told from our own JSON by what stands in it.
    Actions,
    /// TASKS.md, told from other Markdown by its name.
    Tasks,
}

/// The plan that `text` holds, or every fault of it in the order of the file. `name` is the name
/// of the file: its ending says the format, and its stem names a plan that does not name itself.
pub fn read(name: &str, text: &str) -> Result<Plan, Vec<Fault>> {
    checked(draft(name, text))
}

/// The same, whatever the name of the file says about its format.
pub fn read_as(format: Format, name: &str, text: &str) -> Result<Plan, Vec<Fault>> {
    checked(draft_as(format, name, bare(text)))
}

fn checked((draft, mut faults): (Option<Draft>, Vec<Fault>)) -> Result<Plan, Vec<Fault>> {
    match draft.as_ref().map(check) {
        Some(Ok(plan)) if faults.is_empty() => return Ok(plan),
        Some(Err(more)) => faults.extend(more),
        Some(Ok(_)) | None => {}
    }
    faults.sort_by_key(|fault| fault.line);
    Err(faults)
}

/// What the file says, unchecked, as far as it can be read, with the faults of its form.
#[must_use]
pub fn draft(name: &str, text: &str) -> (Option<Draft>, Vec<Fault>) {
    let text = bare(text);
    draft_as(Format::of(name, text), name, text)
}

fn bare(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn draft_as(format: Format, name: &str, text: &str) -> (Option<Draft>, Vec<Fault>) {
    let max = match format {
        Format::Json | Format::Actions => JSON_BYTES_MAX,
        Format::Toml | Format::Markdown | Format::Tasks => FILE_BYTES_MAX,
    };
    if max < text.len() {
        let what = format!("the file is larger than {max} bytes");
        return (None, vec![Fault::new(1, what, "split the plan into several files")]);
    }
    let id = id_from(name);
    let root = match format {
        Format::Markdown => return markdown::draft(&id, text),
        Format::Tasks => return tasks::draft(&id, text),
        Format::Toml => toml::parse(text),
        Format::Json | Format::Actions => json::parse(text),
    };
    let is_actions = |root: &Node| match format {
        Format::Actions => true,
        Format::Json => actions::is_actions(root),
        Format::Toml | Format::Markdown | Format::Tasks => false,
    };
    match root {
        Ok(root) if is_actions(&root) => actions::draft(&id, &root),
        Ok(root) => schema::draft(&id, &root),
        Err(faults) => (None, faults),
    }
}

impl Format {
    /// By the ending of the name; by the look of the text where the name does not say.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Self {
        if base(name).eq_ignore_ascii_case("tasks.md") {
            return Self::Tasks;
        }
        let ending = base(name).rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("toml") => Self::Toml,
            Some("json") => Self::Json,
            Some("md" | "markdown") => Self::Markdown,
            _ => Self::sniffed(text),
        }
    }

    fn sniffed(text: &str) -> Self {
        if text.trim_start().starts_with('{') {
            return Self::Json;
        }
        let assigns =
            |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == "format");
        let is_toml = |line: &str| line.starts_with("[[sprint") || assigns(line);
        if text.lines().any(is_toml) { Self::Toml } else { Self::Markdown }
    }
}

fn base(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// A plan's name from the name of its file.
fn id_from(name: &str) -> String {
    let base = base(name);
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let id: String = stem.chars().map(plain).collect();
    let id: String = id.trim_matches(['-', '_']).chars().take(40).collect();
    if PlanId::parse(&id).is_ok() { id } else { "plan".to_owned() }
}

#[cfg(test)]
mod tests;
