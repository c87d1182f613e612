//! What a mistake would cost most: told by whole words of paths, and in prose only by words that mean
//! nothing else. A part of a word is no word: `monkey` has no key.

use super::plan::{Plan, Task};

/// Words that are told in paths, and in prose.
const ANYWHERE: [&str; 14] = [
    "authentication",
    "authorization",
    "login",
    "password",
    "jwt",
    "oauth",
    "payment",
    "billing",
    "stripe",
    "encrypt",
    "encryption",
    "decrypt",
    "credential",
    "credentials",
];
/// Words that mean much else in prose, and so are told in paths alone.
const IN_PATHS: [&str; 15] = [
    "auth",
    "token",
    "tokens",
    "charge",
    "checkout",
    "migration",
    "migrations",
    "schema",
    "database",
    "db",
    "secret",
    "secrets",
    "key",
    "keys",
    "payments",
];
/// More are counted and not listed.
pub const RISKS_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk {
    pub word: &'static str,
    /// The task's path or title that has it.
    pub place: String,
}

/// What is risky about these tasks, each word once for each place.
#[must_use]
pub fn of_tasks<'t>(tasks: impl Iterator<Item = &'t Task>) -> Vec<Risk> {
    let mut found = Vec::new();
    for task in tasks {
        for scope in &task.writes {
            found.extend(of_path(scope.as_str()));
        }
        let criteria = task.acceptance.iter().map(|criterion| criterion.statement.as_str());
        for text in std::iter::once(task.title.as_str()).chain(criteria) {
            found.extend(of_prose(text));
        }
    }
    found.sort();
    found.dedup();
    found.truncate(RISKS_MAX);
    found
}

/// The same for a whole plan.
#[must_use]
pub fn of_plan(plan: &Plan) -> Vec<Risk> {
    of_tasks(plan.tasks().map(|(_, task)| task))
}

#[must_use]
pub fn of_path(path: &str) -> Vec<Risk> {
    words(path, true, &[&ANYWHERE, &IN_PATHS], path)
}

#[must_use]
pub fn of_prose(text: &str) -> Vec<Risk> {
    words(text, false, &[&ANYWHERE], text)
}

fn words(text: &str, camel: bool, lists: &[&[&'static str]], place: &str) -> Vec<Risk> {
    let mut found = Vec::new();
    for token in tokens(text, camel) {
        let known = lists.iter().flat_map(|list| list.iter()).find(|word| **word == token);
        if let Some(word) = known {
            found.push(Risk { word, place: place.chars().take(200).collect() });
        }
    }
    found
}

/// Whole words in lower case; in a path `authToken` and `auth_token` are two.
fn tokens(text: &str, camel: bool) -> Vec<String> {
    let mut all = Vec::new();
    let mut word = String::new();
    let mut before_low = false;
    for c in text.chars() {
        let starts = camel && c.is_uppercase() && before_low;
        if starts || !c.is_alphanumeric() {
            all.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before_low = c.is_lowercase() || c.is_numeric();
    }
    all.extend((!word.is_empty()).then_some(word));
    all
}

/// How much a stage may harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Danger {
    #[default]
    Safe,
    Moderate,
    High,
    Critical,
}

impl Danger {
    pub const ALL: [Self; 4] = [Self::Safe, Self::Moderate, Self::High, Self::Critical];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Moderate => "moderate",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|danger| danger.word() == word)
    }
}

/// What follows from a danger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Proceed,
    Warn,
    Block,
}

/// Somebody who looks on is warned. Without one what is high is done only where that was said before,
/// and what is critical never.
#[must_use]
pub fn action(danger: Danger, looked_on: bool, allow_high: bool) -> Action {
    match (danger, looked_on, allow_high) {
        (Danger::Safe | Danger::Moderate, ..) => Action::Proceed,
        (Danger::High | Danger::Critical, true, _) | (Danger::High, false, true) => Action::Warn,
        (Danger::High, false, false) | (Danger::Critical, false, _) => Action::Block,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loa_115_d6_a_part_of_a_word_and_an_everyday_word_are_no_risk() {
        for (text, expected) in [
            ("the monkey key of the schema", &[][..]),
            ("a password reset", &["password"]),
            ("Add OAuth login", &["login", "oauth"]),
            ("keyboard, database of birds, feedback", &[]),
            ("passwordless", &[]),
        ] {
            let mut found: Vec<_> = of_prose(text).iter().map(|risk| risk.word).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
        for (path, expected) in [
            ("src/auth/mod.rs", &["auth"][..]),
            ("src/authToken.ts", &["auth", "token"]),
            ("db/migrations/", &["db", "migrations"]),
            ("src/monkey.rs", &[]),
            ("src/keyboard/", &[]),
            ("docs/author.md", &[]),
        ] {
            let mut found: Vec<_> = of_path(path).iter().map(|risk| risk.word).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn loa_116_d7_what_is_dangerous_is_blocked_where_nobody_looks_on() {
        for (danger, looked_on, allow, expected) in [
            (Danger::Safe, false, false, Action::Proceed),
            (Danger::Moderate, false, false, Action::Proceed),
            (Danger::High, false, false, Action::Block),
            (Danger::High, false, true, Action::Warn),
            (Danger::High, true, false, Action::Warn),
            (Danger::Critical, false, false, Action::Block),
            (Danger::Critical, false, true, Action::Block),
            (Danger::Critical, true, false, Action::Warn),
        ] {
            assert_eq!(
                action(danger, looked_on, allow),
                expected,
                "{danger:?} {looked_on} {allow}"
            );
        }
        assert_eq!(Danger::parse("unheard-of"), None);
    }
}
