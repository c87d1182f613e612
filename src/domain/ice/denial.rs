//! A no: which rule, why, and what may be done instead.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The rule's own word, as the documentation lists it.
    pub rule: &'static str,
    pub reason: String,
    /// The next legal move, to be pasted where it is a command.
    pub next: Option<String>,
}

impl Denial {
    #[must_use]
    pub fn new(rule: &'static str, reason: impl Into<String>) -> Self {
        Self { rule, reason: reason.into(), next: None }
    }

    #[must_use]
    pub fn next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Denial {}
