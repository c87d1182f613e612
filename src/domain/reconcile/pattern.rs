//! Which items a commit's subject names: the conventional form, or what `run.commitPattern` says.

use regex_lite::{Regex, RegexBuilder};

use crate::domain::id::ItemId;

/// `feat(sprint-2): …`, as the run itself writes it and as people do.
const CONVENTIONAL: &str = r"^feat\(([A-Za-z0-9][A-Za-z0-9._-]*)\)";
/// How a setting says that it is a glob.
const GLOB: &str = "glob:";
/// Where a glob has the item's name.
const ITEM: &str = "{item}";
pub const PATTERN_BYTES_MAX: usize = 1000;
const REGEX_BYTES_MAX: usize = 1024 * 1024;

#[derive(Debug, Clone)]
pub struct CommitPattern(Regex);

impl CommitPattern {
    /// A regular expression whose first group is the item; without a group the subject must name it
    /// as a word. Or `glob:feat({item})*`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() || PATTERN_BYTES_MAX < text.len() {
            return Err(format!("it has 1 to {PATTERN_BYTES_MAX} bytes"));
        }
        let expression = match text.strip_prefix(GLOB) {
            Some(glob) => from_glob(glob)?,
            None => text.to_owned(),
        };
        let built = RegexBuilder::new(&expression).size_limit(REGEX_BYTES_MAX).build();
        let regex = built.map_err(|error| error.to_string())?;
        if regex.is_match("") {
            return Err("it matches every subject".to_owned());
        }
        Ok(Self(regex))
    }

    /// The items that this subject names, each once.
    #[must_use]
    pub fn named(&self, subject: &str, items: &[ItemId]) -> Vec<usize> {
        let Some(found) = self.0.captures(subject) else { return Vec::new() };
        let group = found.get(1).map(|group| group.as_str());
        let is_named = |item: &ItemId| match group {
            Some(name) => *item.as_str() == *name || *item.as_str() == format!("sprint-{name}"),
            None => is_word_of(item.as_str(), subject),
        };
        let named = items.iter().enumerate().filter(|(_, item)| is_named(item));
        named.map(|(at, _)| at).collect()
    }
}

#[expect(clippy::expect_used, reason = "a constant that a test builds")]
impl Default for CommitPattern {
    fn default() -> Self {
        Self(Regex::new(CONVENTIONAL).expect("the conventional pattern"))
    }
}

fn from_glob(glob: &str) -> Result<String, String> {
    let Some((before, after)) = glob.split_once(ITEM) else {
        return Err(format!("a glob says with `{ITEM}` where the item stands"));
    };
    if after.contains(ITEM) {
        return Err(format!("`{ITEM}` stands in it twice"));
    }
    let part = |text: &str| -> String {
        text.chars()
            .map(|c| match c {
                '*' => ".*".to_owned(),
                '?' => ".".to_owned(),
                c => regex_lite::escape(c.encode_utf8(&mut [0; 4])),
            })
            .collect()
    };
    Ok(format!("^{}([A-Za-z0-9][A-Za-z0-9._-]*){}$", part(before), part(after)))
}

/// `sprint-1` is no word of `sprint-10`, nor of `my-sprint-1`.
fn is_word_of(name: &str, text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + name.len()..].chars();
        // A full stop ends a sentence when nothing of a name follows.
        let next = match after.next() {
            Some('.') => after.next().filter(|c| c.is_alphanumeric()),
            other => other,
        };
        !before.is_some_and(inner) && !next.is_some_and(inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::testing::item;

    fn named(pattern: &CommitPattern, subject: &str) -> Vec<usize> {
        pattern.named(subject, &[item("sprint-1"), item("sprint-10"), item("T-2")])
    }

    #[test]
    fn the_conventional_subject_names_one_item() {
        let pattern = CommitPattern::default();
        for (subject, expected) in [
            ("feat(sprint-1): x", vec![0]),
            ("feat(sprint-10)!: x", vec![1]),
            ("feat(T-2): x", vec![2]),
            ("feat(sprint-100): x", vec![]),
            ("fix(sprint-1): x", vec![]),
            ("feat: sprint 1 to 3", vec![]),
            ("Revert \"feat(sprint-1): x\"", vec![]),
            (" feat(sprint-1): x", vec![]),
        ] {
            assert_eq!(named(&pattern, subject), expected, "{subject}");
        }
    }

    #[test]
    fn a_pattern_of_ones_own_is_an_expression_or_a_glob() {
        for (pattern, subject, expected) in [
            (r"^\[(sprint-\d+)\]", "[sprint-10] x", vec![1]),
            (r"^done (\d+)\b", "done 1: x", vec![0]),
            (r"^feat\(", "feat(x): sprint-1, sprint-10.", vec![0, 1]),
            (r"^feat\(", "feat(x): my-sprint-1 and sprint-100", vec![]),
            ("glob:[{item}]*", "[T-2] x", vec![2]),
            ("glob:{item}: *", "sprint-1: a(b", vec![0]),
        ] {
            let parsed = CommitPattern::parse(pattern).unwrap();
            assert_eq!(named(&parsed, subject), expected, "{pattern} on {subject}");
        }
    }

    #[test]
    fn what_is_no_pattern_or_means_everything_is_refused() {
        for bad in
            ["", "^feat\\\\(sprint-", "(", "[", ".*", "x*", "glob:feat*", "glob:{item}{item}"]
        {
            assert!(CommitPattern::parse(bad).is_err(), "{bad}");
        }
    }
}
