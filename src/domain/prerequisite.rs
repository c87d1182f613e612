//! What a plan needs of the machine. It looks nothing up.

/// Together, of all kinds.
pub const PREREQUISITES_MAX: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prerequisites {
    pub tools: Vec<Tool>,
    pub env_vars: Vec<EnvVar>,
    pub files: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    pub name: String,
    /// A command that succeeds where the tool is there; nothing for a program of this name.
    pub check: Option<String>,
    pub required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvVar {
    pub name: String,
    pub required: bool,
    /// The tasks that cannot be done without it; none is all of them.
    pub tasks: Vec<String>,
}

/// When a task is not to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipIf {
    File(String),
    Env(String),
    Command(String),
}

impl Prerequisites {
    #[must_use]
    pub fn count(&self) -> usize {
        self.tools.len() + self.env_vars.len() + self.files.len()
    }
}
