//! Ordinary programs that are told on the line, or by what they read, to run something or to write a
//! file. They have languages of their own; what is looked for in them is a command of a shell.

use super::{Walk, files, state::State};
use crate::domain::ice::{denial::Denial, facts::Facts, word::Word};

/// Programs whose words may hold a command, and whose input may hold one on each line.
const CARRIERS: [&str; 26] = [
    "awk", "gawk", "mawk", "nawk", "sed", "gsed", "ed", "ex", "vi", "vim", "nvim", "view", "emacs",
    "make", "gmake", "tar", "zip", "split", "man", "sqlite3", "gdb", "lldb", "tclsh", "expect",
    "less", "sort",
];
/// What may stand before a command.
const BEFORE: [&str; 15] = [
    "!",
    "r !",
    "w !",
    "e ",
    "shell ",
    ".shell ",
    ".system ",
    "exec ",
    "exec=",
    "call system(",
    "system(",
    "$(shell ",
    "silent !",
    "ProxyCommand=",
    "LocalCommand=",
];
/// What may stand before a file that is written.
const WRITES: [&str; 6] = ["w ", "w! ", "w", ".output ", ".once ", "> "];
const PIECES_MAX: usize = 64;

pub(super) fn carries(program: &str) -> bool {
    CARRIERS.contains(&program) || matches!(program, "ssh" | "rsync" | "scp" | "sftp")
}

impl Walk<'_, '_> {
    /// Judges what such a program is told, as far as it is a command that would be refused by itself.
    pub(super) fn carried(
        &mut self,
        texts: &[&str],
        facts: &Facts,
        state: &State,
    ) -> Result<(), Denial> {
        for text in texts.iter().flat_map(|text| pieces(text)) {
            if !could_harm(text) {
                continue;
            }
            let steps = self.steps.len();
            let verdict = self.script(text, vec![state.clone()]);
            // What it is in a language of its own, nobody asked about.
            self.steps.truncate(steps);
            if let Err(denial) = verdict
                && !matches!(denial.rule, "unclear" | "command")
            {
                return Err(denial);
            }
        }
        for path in texts.iter().flat_map(|text| written(text)) {
            files::written(&Word::whole(path), facts, state)?;
        }
        Ok(())
    }
}

/// The parts of a text that a program may take for a command.
fn pieces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        found.push(line);
        for before in BEFORE {
            found.extend(
                line.match_indices(before).map(|(at, _)| inner(&line[at + before.len()..])),
            );
        }
        // A text in a text is a command where something around it runs it.
        if ["system", "getline", "|"].iter().any(|runs| line.contains(runs)) {
            for quote in ['"', '\''] {
                found.extend(line.split(quote).skip(1).step_by(2));
            }
        }
        let option = line.starts_with("--").then(|| line.split_once('=')).flatten();
        found.extend(option.map(|(_, value)| inner(value)));
        // `s/…/command/e`
        if let Some((rest, flags)) = line.rsplit_once('/')
            && flags.contains('e')
            && flags.len() < 4
        {
            found.extend(rest.rsplit_once('/').map(|(_, command)| command));
        }
        // A rule of make stands after its target.
        found.extend(line.split_once(": ").map(|(_, rest)| rest.trim_start_matches([';', ' '])));
    }
    found.truncate(PIECES_MAX);
    found
}

/// Without the brackets and quotes that belong to what stands around it.
fn inner(text: &str) -> &str {
    let text = text.trim();
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split(quote).next().unwrap_or_default(),
        Some(_) | None => text.trim_end_matches(')'),
    }
}

fn written(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for piece in text.split(['\n', ';']).map(str::trim) {
        let piece =
            piece.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, ',' | '$'));
        for before in WRITES {
            let rest = piece.strip_prefix(before);
            let rest = rest.or_else(|| piece.split_once("> ").map(|(_, rest)| rest));
            found.extend(rest.map(|rest| inner(rest).trim_end_matches('}').trim_matches('"')));
        }
    }
    found.retain(|path| path.contains(".git") && !path.contains(char::is_whitespace));
    found.truncate(PIECES_MAX);
    found
}

/// A text whose first word is none of these does no harm that could be told.
fn could_harm(text: &str) -> bool {
    const PROGRAMS: [&str; 13] =
        ["git", "gh", "glab", "hub", "rm", "mv", "cp", "tee", "dd", "find", "sh", "bash", "env"];
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let (directory, program) = first.rsplit_once('/').unwrap_or(("bin", first));
    // `/git push/` is a pattern.
    words.next().is_some() && directory.ends_with("bin") && PROGRAMS.contains(&program)
}
