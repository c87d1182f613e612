//! Which paths ignore rules would hide, those of another tree or those that are there.

use std::{collections::BTreeSet, ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use anyhow::Context as _;

use super::super::{Repo, bulk::Bulk, program::Git};
use crate::domain::{id::Oid, restore::is_safe_path};

const RULES_BYTES_MAX: u64 = 1024 * 1024;

/// Whose `.gitignore` files count, beside the rules of the repository and of the user.
#[derive(Debug, Clone, Copy)]
pub enum Rules<'a> {
    OfWorktree,
    Of(&'a Oid),
}

/// The paths among these that the rules hide, tracked or not.
pub fn ignored_by(
    repo: &Repo,
    bulk: &Bulk<'_>,
    rules: Rules<'_>,
    paths: &[Vec<u8>],
) -> anyhow::Result<BTreeSet<Vec<u8>>> {
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let place = bulk.private_dir()?;
    let git = match rules {
        Rules::OfWorktree => repo.git(),
        Rules::Of(tree) => {
            let top = place.path().join("tree");
            lay_out(repo, &bulk.git(), tree, &top)?;
            Git::at(repo.git_dir(), Some(&top))
        }
    };
    let words = ["check-ignore", "--no-index", "-z", "--stdin"];
    // A name that begins with a colon would be a pattern.
    let asked: Vec<_> = paths.iter().map(|path| [b"./", path.as_slice()].concat()).collect();
    let found = git.ask(&words, &asked.join(&0), &place.path().join("no-index"))?;
    let found = found.split(|byte| *byte == 0).filter_map(|path| path.strip_prefix(b"./"));
    Ok(found.map(<[u8]>::to_vec).collect())
}

/// Writes the `.gitignore` files of a tree into a directory of their own.
fn lay_out(repo: &Repo, git: &Git, tree: &Oid, top: &Path) -> anyhow::Result<()> {
    fs::create_dir(top)?;
    let listed = git.output(&["ls-tree", "-r", "-z", "--full-tree", tree.as_str()])?;
    for line in listed.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        let at = line.iter().position(|byte| *byte == b'\t').context("a line has no path")?;
        let (about, path) = (&line[..at], &line[at + 1..]);
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        if name != b".gitignore" || !about.starts_with(b"100") || !is_safe_path(path) {
            continue;
        }
        let id = String::from_utf8_lossy(about);
        let id = Oid::parse(id.rsplit(' ').next().unwrap_or_default())?;
        let file = top.join(OsStr::from_bytes(path));
        if let Some(directory) = file.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&file, repo.read_blob(&id, RULES_BYTES_MAX)?)?;
    }
    Ok(())
}
