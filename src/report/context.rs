//! What a task points to, as Markdown for an agent or a person.

use std::fmt::Write as _;

use crate::domain::context::{Excerpt, TaskContext};

/// `silent`: what was pointed to and is not there, or matches nothing.
#[must_use]
pub fn text(context: &TaskContext, excerpts: &[Excerpt], silent: &[String]) -> String {
    let mut out = String::new();
    // Writing into a text cannot fail.
    if let Some(why) = &context.justification {
        let _ = writeln!(out, "{why}\n");
    }
    if !context.documents.is_empty() {
        let _ = writeln!(out, "Documents: {}\n", context.documents.join(", "));
    }
    for Excerpt { path, first, lines } in excerpts {
        let _ = writeln!(out, "{path}:{first}");
        for (number, line) in (*first..).zip(lines) {
            let _ = writeln!(out, "{number:>6}  {line}");
        }
        out.push('\n');
    }
    for what in silent {
        let _ = writeln!(out, "nothing found: {what}");
    }
    out
}
