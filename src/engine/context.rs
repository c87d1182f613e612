//! What a task points to in the files of the work tree, looked up and bounded.

use std::{fs, path::Path};

use crate::{
    config::plan_file,
    domain::{
        context::{Excerpt, Pointer, TaskContext, excerpts},
        plan::Task,
    },
};

/// The largest file that excerpts are taken from.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Found {
    pub context: TaskContext,
    pub excerpts: Vec<Excerpt>,
    /// What was pointed to, and where nothing was found.
    pub silent: Vec<String>,
}

/// Nothing where the task says nothing of its surroundings. `left` is how many bytes may still be said.
#[must_use]
pub fn of(top: &Path, task: &Task, left: &mut usize) -> Option<Found> {
    let context = plan_file::task_context(task)?;
    let (mut found, mut silent) = (Vec::new(), Vec::new());
    for pointer in &context.pointers {
        let text = inside(top, pointer).unwrap_or_default();
        let here = excerpts(pointer, &text, left);
        if here.is_empty() {
            let pattern = pointer.pattern.as_ref().map_or("", |pattern| pattern.as_str());
            silent.push(format!("{} {pattern}", pointer.path.as_str()).trim_end().to_owned());
        }
        found.extend(here);
    }
    Some(Found { context, excerpts: found, silent })
}

/// The text of a file that lies in the work tree, also when links are followed.
fn inside(top: &Path, pointer: &Pointer) -> Option<String> {
    let (top, path) = (top.canonicalize().ok()?, top.join(pointer.path.as_str()));
    let path = path.canonicalize().ok().filter(|path| path.starts_with(&top))?;
    if path.strip_prefix(&top).ok()?.components().any(|part| part.as_os_str() == ".git") {
        return None;
    }
    let known = fs::metadata(&path).ok()?;
    if !known.is_file() || FILE_BYTES_MAX < known.len() {
        return None;
    }
    Some(String::from_utf8_lossy(&fs::read(&path).ok()?).into_owned())
}
