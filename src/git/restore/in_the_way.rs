//! What stands in the work tree where a file would be written, and is saved nowhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use super::super::Repo;
use crate::domain::restore::{Change, SUBMODULE};

/// For each path that would be written: the path of what is in its way, if anything is. What is to
/// stay is in the way as if it were not saved.
#[must_use]
pub fn in_the_way(
    repo: &Repo,
    changes: &[Change],
    inner_repositories: &BTreeSet<Vec<u8>>,
    staying: &BTreeSet<Vec<u8>>,
) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let Some(top) = repo.worktree() else { return BTreeMap::new() };
    let is_submodule =
        |change: &&Change| change.now.as_ref().is_some_and(|now| now.mode == SUBMODULE);
    let submodules = changes.iter().filter(is_submodule).map(|change| change.path.clone());
    let inner_repositories = &submodules.chain(inner_repositories.iter().cloned()).collect();
    let goes = |change: &&Change| change.now.is_some() && !staying.contains(&change.path);
    let saved = changes.iter().filter(goes).map(|change| &*change.path).collect();
    let look = Look { top, saved, inner_repositories };
    let written = changes.iter().filter(|change| change.then.is_some());
    written.filter_map(|change| Some((change.path.clone(), look.at(&change.path)?))).collect()
}

struct Look<'a> {
    top: &'a Path,
    /// Paths that differ, and whose present content is saved and may go.
    saved: BTreeSet<&'a [u8]>,
    inner_repositories: &'a BTreeSet<Vec<u8>>,
}

impl Look<'_> {
    fn at(&self, path: &[u8]) -> Option<Vec<u8>> {
        for (at, _) in path.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
            let above = &path[..at];
            if self.inner_repositories.contains(above) {
                return Some(above.to_vec());
            }
            match fs::symlink_metadata(self.full(above)) {
                Ok(about) if about.is_dir() => {}
                // A file or a link that is saved is replaced by a directory.
                Ok(_) => return (!self.saved.contains(above)).then(|| above.to_vec()),
                Err(_) => return None,
            }
        }
        match fs::symlink_metadata(self.full(path)) {
            Ok(about) if about.is_dir() => self.within(path),
            Ok(_) => (!self.saved.contains(path)).then(|| path.to_vec()),
            Err(_) => None,
        }
    }

    /// Something in a directory that would have to go for a file of its name.
    fn within(&self, directory: &[u8]) -> Option<Vec<u8>> {
        if self.inner_repositories.contains(directory) {
            return Some(directory.to_vec());
        }
        let Ok(entries) = fs::read_dir(self.full(directory)) else {
            return Some(directory.to_vec());
        };
        for entry in entries {
            let Ok(entry) = entry else { return Some(directory.to_vec()) };
            let path = [directory, b"/", entry.file_name().as_bytes()].concat();
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let found = if is_directory {
                self.within(&path)
            } else {
                (!self.saved.contains(path.as_slice())).then_some(path)
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }

    fn full(&self, path: &[u8]) -> std::path::PathBuf {
        self.top.join(OsStr::from_bytes(path))
    }
}
