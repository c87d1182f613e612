//! What the message of a commit says of itself: whose work it is, and what it takes back. It is read
//! wherever it stands, since a squash quotes the messages of others in its own.

/// An item of a run, as trailers name it: `Run:` and `Run-Item:` of one block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    pub run: String,
    pub item: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    pub subject: String,
    pub trailers: Vec<Trailer>,
    /// Commits, in full or by a prefix, that it says it reverts.
    pub reverts: Vec<String>,
}

/// More of one message is not believed.
const TRAILERS_MAX: usize = 1000;
const REVERTS: &str = "This reverts commit ";
const PREFIX_MIN: usize = 7;

impl Marks {
    #[must_use]
    pub fn read(message: &[u8]) -> Self {
        let end = message.iter().position(|byte| *byte == b'\n').unwrap_or(message.len());
        let subject = String::from_utf8_lossy(&message[..end]).trim_end().to_owned();
        // Most messages hold neither, and there may be many.
        let body = &message[end..];
        if !holds(body, b"un-") && !holds(body, b"reverts commit") {
            return Self { subject, ..Self::default() };
        }
        let text = String::from_utf8_lossy(body);
        Self { subject, trailers: trailers(&text), reverts: reverts(&text) }
    }

    /// A commit that only takes back does no item's work, whatever it quotes.
    #[must_use]
    pub fn takes_back(&self) -> bool {
        let quoted =
            self.subject.starts_with("Revert \"") || self.subject.starts_with("Reapply \"");
        quoted || (!self.reverts.is_empty() && self.trailers.is_empty())
    }
}

fn holds(text: &[u8], wanted: &[u8]) -> bool {
    text.windows(wanted.len()).any(|window| window == wanted)
}

/// Indented, quoted or in a list: as `git merge --squash`, forges and mails have it.
fn bare(line: &str) -> &str {
    line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '>' | '*' | '|' | '-'))
        .trim_end()
}

fn trailers(text: &str) -> Vec<Trailer> {
    let mut found = Vec::new();
    let mut block: Vec<(bool, &str)> = Vec::new();
    for line in text.lines().map(bare).chain([""]) {
        let value = |key: &str| {
            let (name, value) = line.split_once(':')?;
            name.trim_end().eq_ignore_ascii_case(key).then(|| value.trim())
        };
        if let Some(run) = value("Run") {
            block.push((true, run));
        } else if let Some(item) = value("Run-Item") {
            block.push((false, item));
        } else if line.is_empty() || !line.contains(':') {
            found.append(&mut paired(&block));
            block.clear();
        }
        if TRAILERS_MAX < found.len() {
            break;
        }
    }
    found
}

/// Each item with the run named last before it in its block, else with the first one after it.
fn paired(block: &[(bool, &str)]) -> Vec<Trailer> {
    let run_of = |at: usize| {
        let before = block[..at].iter().rev().find(|(is_run, _)| *is_run);
        before.or_else(|| block[at..].iter().find(|(is_run, _)| *is_run)).map(|(_, run)| *run)
    };
    let items = block.iter().enumerate().filter(|(_, (is_run, _))| !is_run);
    let with_run = items.filter_map(|(at, (_, item))| Some((run_of(at)?, *item)));
    with_run.map(|(run, item)| Trailer { run: run.to_owned(), item: item.to_owned() }).collect()
}

fn reverts(text: &str) -> Vec<String> {
    let said = text.split(REVERTS).skip(1);
    let ids = said.map(|rest| rest.chars().take_while(char::is_ascii_hexdigit).collect::<String>());
    ids.filter(|id| PREFIX_MIN <= id.len()).take(TRAILERS_MAX).map(|id| id.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(message: &str) -> Vec<String> {
        let marks = Marks::read(message.as_bytes());
        marks.trailers.into_iter().map(|of| format!("{} {}", of.run, of.item)).collect()
    }

    #[test]
    fn trailers_are_found_wherever_a_squash_puts_them() {
        for (message, expected) in [
            ("s\n\nRun: r\nRun-Item: a\nRun-Stage: x\nRun-Cycle: 1\n", vec!["r a"]),
            (
                "s\n\n    feat(a): x\n    \n    Run: r\n    Run-Item: a\n\ncommit 1\n    Run: r\n    Run-Item: b\n",
                vec!["r a", "r b"],
            ),
            ("s\n\n> Run: r\n> Run-Item: a", vec!["r a"]),
            ("s\n\n* feat(a): x\n\nRun: r\nRun-Item: a\nRun: q\nRun-Item: b", vec!["r a", "q b"]),
            ("s\n\nrun-item: a\nSigned-off-by: A <a@b>\nRUN: r", vec!["r a"]),
            ("s\n\nRun: r\n\nRun-Item: a", vec![]),
            ("s\n\nthe Run-Item: a of Run: r", vec![]),
            ("s\r\n\r\nRun: r\r\nRun-Item: a\r\n", vec!["r a"]),
            ("Run: r\nRun-Item: a", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(pairs(message), expected, "{message:?}");
        }
    }

    #[test]
    fn what_takes_back_is_told_by_its_words() {
        let id = "a".repeat(40);
        let marks = Marks::read(
            format!(
                "Revert \"x\"\n\nThis reverts commit {id}, reversing\nchanges made to 1234567890.\n"
            )
            .as_bytes(),
        );
        assert_eq!(marks.reverts, [id]);
        assert!(marks.takes_back());
        assert!(!Marks::read(b"feat: reverts commit fashion").takes_back());
        let squash = b"x\n\nThis reverts commit 1234567.\n\nRun: r\nRun-Item: a\n";
        assert!(!Marks::read(squash).takes_back(), "it holds work as well");
    }
}
