//! The work trees of lanes: where they are made, what is copied into them, and when they may go. None
//! is ever taken away whose state is not held by a ref.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};

use super::checkpoint::{self, take_lane};
use crate::{
    config::settings::{Checkpoints, Lanes},
    domain::{checkpoint::Made, lane::Lane, run::Run, secret},
    git::{Repo, lane::LaneTree, snapshot::Snapshot},
    process::{alive, env},
    store::{catalog, hold},
};

/// Files that are copied into one lane.
const COPIED_MAX: usize = 500_000;

/// The directory in which the lanes of a run are made: outside of every tree of the repository.
pub fn home(repo: &Repo, settings: &Lanes) -> anyhow::Result<PathBuf> {
    let dir = match &settings.dir {
        Some(said) => {
            let path = match said.strip_prefix("~/") {
                Some(rest) => {
                    PathBuf::from(env::var("HOME").context("HOME is not set")?).join(rest)
                }
                None => PathBuf::from(said),
            };
            ensure!(path.is_absolute(), "`run.lane.dir` is `{said}`; say it as an absolute path");
            path
        }
        None => {
            let cache = env::cache_home().context("HOME is not set; set `run.lane.dir`")?;
            cache.join("git-run").join("lanes")
        }
    };
    let plain = real(&dir);
    // Of a linked work tree the main one is where the directory of all of them lies.
    let common = repo.common_dir();
    let main = common.parent().filter(|_| common.ends_with(".git"));
    for own in [repo.worktree(), Some(common), main].into_iter().flatten() {
        let own = own.canonicalize()?;
        if plain.starts_with(&own) {
            bail!(
                "lanes would be made in `{}`, which is inside of the repository; set `run.lane.dir` elsewhere",
                dir.display()
            );
        }
    }
    Ok(dir)
}

/// The path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    for above in path.ancestors() {
        if let (Ok(there), Ok(rest)) = (above.canonicalize(), path.strip_prefix(above)) {
            return there.join(rest);
        }
    }
    path.to_owned()
}

/// Copies what the settings name and no commit has. What looks like a secret is copied only by its
/// exact name.
pub fn copy(repo: &Repo, settings: &Lanes, lane: &Path) -> anyhow::Result<()> {
    let top = repo.worktree().context("a bare repository has no work tree")?;
    let mut left = COPIED_MAX;
    for said in &settings.copy {
        let path = Path::new(said);
        let plain =
            path.components().all(|part| matches!(part, Component::Normal(name) if name != ".git"));
        ensure!(plain, "`run.lane.copy` is `{said}`; say a path below the top of the work tree");
        let (from, to) = (top.join(path), lane.join(path));
        let Ok(about) = from.symlink_metadata() else { continue };
        if let Some(above) = to.parent() {
            fs::create_dir_all(above)?;
        }
        let copied = if about.is_dir() {
            copy_dir(&from, &to, &mut left)
        } else {
            copy_file(&from, &to, &mut left)
        };
        copied.with_context(|| format!("`{said}` cannot be copied into a lane"))?;
    }
    Ok(())
}

fn copy_dir(from: &Path, to: &Path, left: &mut usize) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, there) = (entry.file_name(), to.join(entry.file_name()));
        let bytes = name.as_encoded_bytes();
        if bytes == b".git" || secret::is_secret_path(bytes) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_dir(&entry.path(), &there, left)?;
        } else {
            copy_file(&entry.path(), &there, left)?;
        }
    }
    Ok(())
}

/// What is there already is the commit's, and stays.
fn copy_file(from: &Path, to: &Path, left: &mut usize) -> anyhow::Result<()> {
    *left = left.checked_sub(1).with_context(|| format!("more than {COPIED_MAX} files"))?;
    let kind = from.symlink_metadata()?.file_type();
    if to.symlink_metadata().is_ok() {
        return Ok(());
    }
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else if kind.is_file() {
        fs::copy(from, to)?;
    }
    Ok(())
}

/// Whether a file cannot be made at this path without losing another: where it goes, instead of a
/// directory on its way, or in a directory of its name. What is `gone` is in some commit.
pub fn is_in_the_way(top: &Path, path: &[u8], gone: &BTreeSet<Vec<u8>>) -> io::Result<bool> {
    let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    let above = slashes.map(|(at, _)| &path[..at]);
    for path in above {
        match kind(top, path)? {
            Some(kind) if !kind.is_dir() => return Ok(!gone.contains(path)),
            Some(_) => {}
            None => return Ok(false),
        }
    }
    holds_another(top, path, gone)
}

fn holds_another(top: &Path, path: &[u8], gone: &BTreeSet<Vec<u8>>) -> io::Result<bool> {
    match kind(top, path)? {
        None => return Ok(false),
        Some(kind) if !kind.is_dir() => return Ok(!gone.contains(path)),
        Some(_) => {}
    }
    for entry in fs::read_dir(top.join(OsStr::from_bytes(path)))? {
        let below = [path, b"/", entry?.file_name().as_bytes()].concat();
        if holds_another(top, &below, gone)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn kind(top: &Path, path: &[u8]) -> io::Result<Option<fs::FileType>> {
    match top.join(OsStr::from_bytes(path)).symlink_metadata() {
        Ok(about) => Ok(Some(about.file_type())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What became of a work tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    Removed,
    /// It stays, and why.
    Kept(String),
}

/// Takes a work tree away when that loses nothing: what is there now is what the checkpoint holds.
pub fn remove(
    repo: &Repo,
    settings: &Checkpoints,
    tree: &LaneTree,
    made: &Made,
    snapshot: &Snapshot,
) -> Fate {
    let kept = |why: String| Fate::Kept(format!("`{}` stays: {why}", tree.worktree.display()));
    if !snapshot.record.left_out.is_empty() {
        let out = snapshot.record.left_out.iter().take(3);
        let names: Vec<_> =
            out.map(|out| String::from_utf8_lossy(&out.path).escape_debug().to_string()).collect();
        return kept(format!("no checkpoint takes `{}`", names.join("`, `")));
    }
    if tree.git_dir.join("modules").exists() {
        return kept("it has submodules of its own".to_owned());
    }
    let same = || -> anyhow::Result<bool> {
        let there = tree.open()?;
        let (now, _bulk) = checkpoint::look(&there, settings)?;
        let held = &made.checkpoint;
        Ok(now.tree == held.tree
            && now.index == held.index
            && now.head.commit == held.head
            && now.record.left_out.is_empty())
    };
    match same() {
        Ok(true) => match repo.remove_lane(tree) {
            Ok(()) => Fate::Removed,
            Err(error) => kept(format!("{error:#}")),
        },
        Ok(false) => kept("it was changed after it was saved".to_owned()),
        Err(error) => kept(format!("{error:#}")),
    }
}

/// Whether somebody could be at work in it.
fn is_busy(run: &Run, tree: &LaneTree) -> bool {
    if hold::is_held(run) {
        return true;
    }
    let own = |lane: &&Lane| Path::new(&lane.worktree) == tree.worktree && lane.is_working();
    let mark = run.lanes.iter().find(own).and_then(|lane| lane.process.as_ref());
    mark.is_some_and(|mark| !matches!(alive::standing(mark), alive::Standing::Gone))
}

/// Work trees whose lane is over: saves what is there, and takes away what is saved.
pub fn clean_up(repo: &Repo, settings: &Checkpoints, dry_run: bool) -> Vec<(LaneTree, Fate)> {
    let mut all = Vec::new();
    for tree in repo.lanes() {
        let fate = clean_one(repo, settings, &tree, dry_run);
        let failed = |error: anyhow::Error| {
            Fate::Kept(format!("`{}` stays: {error:#}", tree.worktree.display()))
        };
        let fate = fate.unwrap_or_else(failed);
        all.push((tree, fate));
    }
    all
}

fn clean_one(
    repo: &Repo,
    settings: &Checkpoints,
    tree: &LaneTree,
    dry_run: bool,
) -> anyhow::Result<Fate> {
    let kept = |why: &str| Ok(Fate::Kept(format!("`{}` stays: {why}", tree.worktree.display())));
    let tip = repo.refs().read(&crate::store::layout::journal(&tree.run))?;
    let tip = tip.with_context(|| format!("the journal of run `{}` is gone", tree.run))?;
    let run = catalog::present(repo, &tree.run, &tip)?;
    if is_busy(&run, tree) {
        return kept("somebody is at work in it");
    }
    // Whoever goes on with the run writes down what it left, and where that is kept.
    let own = |lane: &Lane| Path::new(&lane.worktree) == tree.worktree;
    if !run.state.is_over() && run.lanes.iter().any(|lane| own(lane) && lane.is_working()) {
        return kept("its end is not written down yet: git run resume");
    }
    if !tree.worktree.exists() {
        return kept("its directory is gone: git worktree prune");
    }
    if dry_run {
        return kept("nothing is taken away in a dry run");
    }
    let there = tree.open()?;
    let (made, snapshot) = take_lane(repo, settings, &run, (&tree.item, &there))?;
    Ok(remove(repo, settings, tree, &made, &snapshot))
}
