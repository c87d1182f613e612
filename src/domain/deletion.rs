//! Files that a run deleted: whose deletion it was, what became of the file since, and the view of
//! them all as a tree.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use super::id::{ItemId, Oid, StageId, TaskId};

/// Deletions that one event, or one line of a note, holds; more are counted there and listed elsewhere.
pub const DELETED_KEPT_MAX: usize = 200;
/// The bytes of their paths. JSON makes at most eight of one, so that a note has room for the line.
pub const DELETED_PATH_BYTES_MAX: usize = 16 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    pub path: Vec<u8>,
    pub mode: Mode,
    pub oid: Oid,
    /// Of the object; nothing where it is not here, as a submodule's commit never is.
    pub size: Option<u64>,
    /// Nothing when it is gone from the work tree alone.
    pub commit: Option<Oid>,
    /// Nothing when no stage of the run was near.
    pub place: Option<Scene>,
}

/// What a tree says that a file is: `100644`, `120000` for a link, `160000` for a submodule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Mode {
    pub const SUBMODULE: Self = Self(0o160_000);

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        u32::from_str_radix(text, 8).ok().filter(|_| plain).map(Self)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:06o}", self.0)
    }
}

/// Where in the plan and the workflow something was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    pub item: ItemId,
    /// The sprint that the item is or belongs to, and the task that it is.
    pub sprint: Option<ItemId>,
    pub task: Option<TaskId>,
    pub stage: StageId,
    pub cycle: u32,
}

/// The deletions that an event holds, and how many it has no room for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    pub kept: Vec<Deletion>,
    pub more: u64,
}

impl Deleted {
    #[must_use]
    pub fn bounded(all: Vec<Deletion>) -> Self {
        let mut bytes = 0;
        let fits = |deletion: &&Deletion| {
            bytes += deletion.path.len();
            bytes <= DELETED_PATH_BYTES_MAX
        };
        let fit = all.iter().take(DELETED_KEPT_MAX).take_while(fits).count();
        let more = (all.len() - fit) as u64;
        let mut kept = all;
        kept.truncate(fit);
        Self { kept, more }
    }

    #[must_use]
    pub fn total(&self) -> u64 {
        self.more.saturating_add(self.kept.len() as u64)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Gone,
    /// It is there again, in the branch or in the work tree.
    CameBack,
    /// Over the whole run git sees a rename.
    Moved {
        to: Vec<u8>,
    },
}

impl Fate {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::CameBack => "came-back",
            Self::Moved { .. } => "moved",
        }
    }

    #[must_use]
    pub fn of(is_there: bool, moved_to: Option<&[u8]>) -> Self {
        match (is_there, moved_to) {
            (true, _) => Self::CameBack,
            (false, Some(to)) => Self::Moved { to: to.to_vec() },
            (false, None) => Self::Gone,
        }
    }
}

/// A deletion, and what became of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    pub deletion: Deletion,
    pub fate: Fate,
}

/// A commit that the journal tells of: by which event, and where in the workflow that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub seq: u64,
    pub place: Option<Scene>,
}

/// The mark of each commit of a chain, oldest first: its own, or that of the next one that has any,
/// for an event tells of the newest of the commits that it saw. After the last one, `now` counts.
#[must_use]
pub fn attributed(chain: &[Oid], marks: &HashMap<Oid, Mark>, now: &Mark) -> Vec<Mark> {
    let mut next = now;
    let mut found: Vec<_> = chain
        .iter()
        .rev()
        .map(|commit| {
            next = marks.get(commit).unwrap_or(next);
            next.clone()
        })
        .collect();
    found.reverse();
    found
}

/// One list of what the journal recorded and what the commits show, newest last, each path and
/// commit once. What a commit that was rewritten since deleted counts in the commit that is there now.
#[must_use]
pub fn gathered(
    recorded: Vec<(u64, Deletion)>,
    computed: Vec<(u64, Deletion)>,
    uncommitted: Vec<Deletion>,
) -> Vec<Deletion> {
    let key = |of: &Deletion| (of.path.clone(), of.commit.clone());
    let mut places: HashMap<_, _> =
        recorded.iter().map(|(_, of)| (key(of), of.place.clone())).collect();
    let here: HashSet<_> =
        computed.iter().map(|(_, of)| (of.path.clone(), of.oid.clone())).collect();
    let mut all: Vec<_> = recorded
        .into_iter()
        .filter(|(_, of)| !here.contains(&(of.path.clone(), of.oid.clone())))
        .collect();
    all.extend(computed.into_iter().map(|(seq, mut of)| {
        // What was written down at the time knows best where that was.
        of.place = places.remove(&key(&of)).flatten().or(of.place);
        (seq, of)
    }));
    all.sort_by_key(|(seq, _)| *seq);
    let mut seen = HashSet::new();
    all.retain(|(_, of)| seen.insert(key(of)));
    all.into_iter().map(|(_, of)| of).chain(uncommitted).collect()
}

/// How many files, each counted once, came to which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    pub gone: usize,
    pub came_back: usize,
    pub moved: usize,
}

/// The files that are gone, by directory: `(file name, its newest deletion)` in order of name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tree<'a> {
    pub tally: Tally,
    pub dirs: BTreeMap<&'a [u8], Vec<(&'a [u8], &'a Deletion)>>,
}

#[must_use]
pub fn tree(all: &[Traced]) -> Tree<'_> {
    let newest: BTreeMap<&[u8], &Traced> =
        all.iter().map(|traced| (traced.deletion.path.as_slice(), traced)).collect();
    let mut tree = Tree::default();
    for (path, traced) in newest {
        match traced.fate {
            Fate::CameBack => tree.tally.came_back += 1,
            Fate::Moved { .. } => tree.tally.moved += 1,
            Fate::Gone => {
                tree.tally.gone += 1;
                let slash = path.iter().rposition(|byte| *byte == b'/');
                let (dir, name) = slash.map_or((&b""[..], path), |at| path.split_at(at + 1));
                tree.dirs.entry(dir).or_default().push((name, &traced.deletion));
            }
        }
    }
    tree
}

#[cfg(test)]
mod tests;
