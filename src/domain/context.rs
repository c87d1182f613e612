//! What a task points to in the code: the lines around each match of a pattern. It opens no file.

use super::criterion::{FilePath, Pattern};

pub const POINTERS_MAX: usize = 50;
pub const CONTEXT_LINES_MAX: usize = 50;
pub const MATCHES_MAX: usize = 50;
/// All excerpts of one task together, and one line of them.
pub const EXCERPT_BYTES_MAX: usize = 32 * 1024;
const LINE_BYTES_MAX: usize = 400;

/// What a plan says about the surroundings of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskContext {
    pub documents: Vec<String>,
    pub pointers: Vec<Pointer>,
    pub justification: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub path: FilePath,
    /// Nothing for the beginning of the file.
    pub pattern: Option<Pattern>,
    pub context_lines: usize,
    pub matches_max: usize,
}

/// Lines of a file that belong together, the first of them numbered from one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    pub path: String,
    pub first: usize,
    pub lines: Vec<String>,
}

/// The excerpts of one pointer; none where nothing matches. What overlaps is joined, and `left` is
/// how many bytes may still be said.
#[must_use]
pub fn excerpts(pointer: &Pointer, text: &str, left: &mut usize) -> Vec<Excerpt> {
    let lines: Vec<&str> = text.lines().collect();
    let around = pointer.context_lines.min(CONTEXT_LINES_MAX);
    let hits = match &pointer.pattern {
        Some(pattern) => pattern.lines(text, pointer.matches_max.min(MATCHES_MAX)),
        None => vec![0],
    };
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for hit in hits {
        let (from, to) = (hit.saturating_sub(around), (hit + around + 1).min(lines.len()));
        match spans.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ if from < to => spans.push((from, to)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (from, to) in spans {
        let mut said = Vec::new();
        for line in &lines[from..to] {
            let line = cut(line);
            if *left <= line.len() {
                *left = 0;
                break;
            }
            *left -= line.len() + 1;
            said.push(line.to_owned());
        }
        if !said.is_empty() {
            let path = pointer.path.as_str().to_owned();
            found.push(Excerpt { path, first: from + 1, lines: said });
        }
    }
    found
}

fn cut(line: &str) -> &str {
    let end = (0..=LINE_BYTES_MAX.min(line.len())).rev().find(|&at| line.is_char_boundary(at));
    &line[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(pattern: &str, context_lines: usize, matches_max: usize) -> Pointer {
        let pattern = (!pattern.is_empty()).then(|| Pattern::parse(pattern).unwrap());
        Pointer { path: FilePath::parse("a").unwrap(), pattern, context_lines, matches_max }
    }

    fn shown(pointer: &Pointer, text: &str, mut left: usize) -> String {
        let found = excerpts(pointer, text, &mut left);
        let said = found.iter().map(|e| format!("{}:{}", e.first, e.lines.join("")));
        said.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn matches_are_shown_with_what_is_around_them() {
        let text = "a\nb\nc\nd\ne\nf\ng\n";
        for (pattern, around, max, expected) in [
            ("c", 0, 5, "3:c"),
            ("c", 1, 5, "2:bcd"),
            ("[cg]", 1, 5, "2:bcd 6:fg"),
            ("[ce]", 1, 5, "2:bcdef"),
            ("[a-g]", 0, 2, "1:ab"),
            ("z", 3, 5, ""),
            ("", 1, 5, "1:ab"),
            ("c", usize::MAX, usize::MAX, "1:abcdefg"),
            ("c", 1, 0, ""),
        ] {
            assert_eq!(shown(&pointer(pattern, around, max), text, 99), expected, "{pattern}");
        }
        assert_eq!(shown(&pointer("a", 9, 9), text, 5), "1:ab");
        assert_eq!(shown(&pointer("", 9, 9), "", 5), "");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "é".repeat(LINE_BYTES_MAX);
        let found = excerpts(&pointer("é", 0, 1), &text, &mut 10_000);
        assert_eq!(found[0].lines[0].len(), LINE_BYTES_MAX);
    }
}
