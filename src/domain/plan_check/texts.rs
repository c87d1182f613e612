//! What may stand in a text: sizes, control characters, empty lines. It tidies white space and
//! nothing else.

use super::{
    draft::Text,
    fault::{Fault, is_deceptive, quoted},
};

/// The longest text of any field.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// A title, an owner, a group: one line, with single spaces.
pub(super) fn line(what: &str, text: &Text, faults: &mut Vec<Fault>) -> String {
    let tidy = text.value.trim();
    if tidy.contains(['\n', '\r']) {
        faults.push(Fault::new(
            text.line,
            format!("{what} has more than one line"),
            "keep the first line, and move the rest into the acceptance criteria",
        ));
        return String::new();
    }
    words(what, text.line, tidy, faults);
    single_spaced(tidy)
}

/// What makes two groups the same group.
pub(super) fn single_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A goal, a criterion, a command: any number of lines.
pub(super) fn body(what: &str, text: &Text, faults: &mut Vec<Fault>) -> String {
    let plain = text.value.replace("\r\n", "\n");
    let tidy = plain.trim();
    words(what, text.line, tidy, faults);
    tidy.to_owned()
}

fn words(what: &str, line: u32, tidy: &str, faults: &mut Vec<Fault>) {
    if tidy.is_empty() {
        faults.push(Fault::new(line, format!("{what} is empty"), "say it, or remove the field"));
    }
    if TEXT_BYTES_MAX < tidy.len() {
        faults.push(Fault::new(
            line,
            format!("{what} is longer than {TEXT_BYTES_MAX} bytes"),
            "shorten it, and point to a file of the repository for the rest",
        ));
    }
    let odd = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_deceptive(c);
    if let Some(c) = tidy.chars().find(|&c| odd(c)) {
        let name = quoted(&c.to_string());
        faults.push(Fault::new(
            line,
            format!("{what} holds the invisible character {name}"),
            "remove it: people and agents would not read the same text",
        ));
    }
}
