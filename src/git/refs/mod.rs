//! Refs behind one small trait: the commit point of every operation is one `compare_and_swap`.

mod files;
mod program;

pub use files::FileRefs;
pub use program::ProgramRefs;

use crate::domain::id::Oid;

#[derive(Debug, thiserror::Error)]
pub enum RefError {
    /// The ref is not where the caller thought. Nothing was changed.
    #[error("`{name}` is at {}, not at {}", shown(.found), shown(.expected))]
    Stale { name: String, expected: Option<Oid>, found: Option<Oid> },
    #[error("`{name}` is locked by another process (`{lock}`)")]
    Locked { name: String, lock: String },
    #[error("`{name}` cannot be written: {why}")]
    Failed { name: String, why: String },
}

fn shown(oid: &Option<Oid>) -> &str {
    oid.as_ref().map_or("nothing", Oid::short)
}

/// The part between prefix and leaf.
fn part_of<'n>(name: &'n str, prefix: &str, leaf: &str) -> Option<&'n str> {
    let part = name.strip_prefix(prefix)?.strip_suffix(leaf)?.strip_suffix('/')?;
    (!part.is_empty() && !part.contains('/')).then_some(part)
}

/// Refs as files, of a repository with a hook that wants to hear of every change: git makes them.
#[derive(Debug)]
pub struct HookedRefs {
    files: FileRefs,
    program: ProgramRefs,
}

impl HookedRefs {
    #[must_use]
    pub fn new(files: FileRefs, program: ProgramRefs) -> Self {
        Self { files, program }
    }
}

impl RefStore for HookedRefs {
    fn read(&self, name: &str) -> anyhow::Result<Option<Oid>> {
        self.files.read(name)
    }

    fn read_symbolic(&self, name: &str) -> anyhow::Result<Option<String>> {
        self.files.read_symbolic(name)
    }

    fn list(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        self.files.list(prefix)
    }

    fn list_leaf(&self, prefix: &str, leaf: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        self.files.list_leaf(prefix, leaf)
    }

    fn compare_and_swap(
        &self,
        name: &str,
        expected: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<(), RefError> {
        self.program.compare_and_swap(name, expected, new)
    }

    fn mend(&self, name: &str) {
        self.files.mend(name);
    }
}

/// Two implementations, one suite of tests (`tests/refs.rs`): both must give the same answers.
pub trait RefStore {
    /// The object that a ref leads to, through symbolic refs; nothing when there is no such ref.
    fn read(&self, name: &str) -> anyhow::Result<Option<Oid>>;

    /// What a symbolic ref points to; nothing when the ref is missing or not symbolic.
    fn read_symbolic(&self, name: &str) -> anyhow::Result<Option<String>>;

    /// Every ref below `prefix`, which ends in a slash, sorted by name.
    fn list(&self, prefix: &str) -> anyhow::Result<Vec<(String, Oid)>>;

    /// Every ref `<prefix><one part>/<leaf>`, sorted by name.
    fn list_leaf(&self, prefix: &str, leaf: &str) -> anyhow::Result<Vec<(String, Oid)>> {
        let mut all = self.list(prefix)?;
        all.retain(|(name, _)| part_of(name, prefix, leaf).is_some());
        Ok(all)
    }

    /// Moves `name` from `expected` to `new`, both of which may be nothing. Durable when it returns.
    fn compare_and_swap(
        &self,
        name: &str,
        expected: Option<&Oid>,
        new: Option<&Oid>,
    ) -> Result<(), RefError>;

    /// Removes the lock of a writer of `name` that is dead. The caller vouches that nobody but this
    /// program writes it now; a lock that somebody holds stays all the same.
    fn mend(&self, name: &str);
}
