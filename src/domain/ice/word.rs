//! One word of a command line, as far as it is known before the shell has expanded it.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// What is certain before the first part that is not known; everything, when all of it is.
    pub lead: String,
    /// What is certain after the last such part.
    pub tail: String,
    /// As it was written.
    pub shown: String,
    pub sure: Sure,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sure {
    Whole,
    /// Something is not known, but it stays one word.
    Part,
    /// It may become any number of words.
    Parts,
}

impl Word {
    #[must_use]
    pub fn whole(text: &str) -> Self {
        let text = text.to_owned();
        Self { lead: text.clone(), tail: text.clone(), shown: text, sure: Sure::Whole }
    }

    /// A word of which nothing is known.
    #[must_use]
    pub fn unknown(shown: &str) -> Self {
        let shown = shown.to_owned();
        Self { lead: String::new(), tail: String::new(), shown, sure: Sure::Parts }
    }

    #[must_use]
    pub fn known(&self) -> Option<&str> {
        (self.sure == Sure::Whole).then_some(self.lead.as_str())
    }

    /// Whether it may turn out to be an option.
    #[must_use]
    pub fn may_be_option(&self) -> bool {
        self.lead.starts_with('-') || (self.lead.is_empty() && self.sure != Sure::Whole)
    }
}
