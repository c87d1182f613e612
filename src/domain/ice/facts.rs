//! What was found out, before the judge is asked, about the place where a command would run.

use std::collections::{BTreeMap, BTreeSet};

use super::name::Protection;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    pub protection: Protection,
    /// The branch of the run of this work tree.
    pub own_branch: Option<String>,
    pub head: Head,
    pub bare: bool,
    /// Where the command would run, absolute.
    pub directory: String,
    /// Where the line begins, absolute.
    pub line_directory: String,
    /// The user's own directory.
    pub home: String,
    /// The work tree and the directories of its repository, absolute.
    pub kept: Vec<String>,
    pub branches: BTreeSet<String>,
    pub tags: BTreeSet<String>,
    /// `origin/main` and the like.
    pub tracking: BTreeSet<String>,
    pub remotes: Vec<Remote>,
    pub push: PushSettings,
    /// The remote and the ref that each branch pulls from.
    pub upstreams: BTreeMap<String, (String, String)>,
    pub unsaved: Unsaved,
    /// A merge has left conflicts: choosing a side is then no loss.
    pub conflicted: bool,
    /// Agents may make tags that are new.
    pub new_tags: bool,
}

/// Where the work tree stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Head {
    Branch(String),
    Detached,
    /// A repository that the same line has made.
    Fresh,
    /// There is no repository.
    Nowhere,
    #[default]
    Unknown,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remote {
    pub name: String,
    /// `remote.<name>.push`, in order.
    pub push: Vec<String>,
    pub mirror: bool,
    /// A program is set to be run at the other side.
    pub program: bool,
    /// Branches of which it is not known that both sides have them alike.
    pub differing: Vec<String>,
}

/// What `git push` reads when it is not told everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushSettings {
    /// `push.default`, lower case; git's own is `simple`.
    pub default: Option<String>,
    /// The remote that a push from this branch goes to.
    pub remote: Option<String>,
    /// The remote that this branch pulls from, and the ref there.
    pub upstream: Option<(String, String)>,
    /// Push options are configured.
    pub options: bool,
    pub follow_tags: bool,
    /// Submodules would be pushed as well.
    pub submodules: bool,
    pub auto_setup_remote: bool,
}

/// Whether discarding what is not committed would lose anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unsaved {
    Nothing,
    /// The newest checkpoint holds the present state.
    Held,
    #[default]
    Something,
}

impl Facts {
    #[must_use]
    pub fn remote(&self, name: &str) -> Option<&Remote> {
        self.remotes.iter().find(|remote| remote.name == name)
    }
}
