//! What a judge of command lines has to know about a directory. Everything is read; nothing is asked
//! of a remote, and nothing is written.

use std::{collections::BTreeMap, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    config::settings::Settings,
    domain::{
        ice::{
            facts::{Facts, Head, PushSettings, Remote, Unsaved},
            name::Protection,
        },
        run::Run,
    },
    git::{OpenError, Repo, program::Git},
    process::{command::ExitStatus, env},
    store::{catalog, checkpoints},
};

/// Words after which it matters whether anything would be lost.
const DISCARDING: [&str; 10] = [
    "reset",
    "checkout",
    "restore",
    "switch",
    "rm",
    "mv",
    "read-tree",
    "submodule",
    "index",
    "apply",
];
const WORK_TREES_MAX: usize = 1000;
/// More files than that are not compared one by one.
const OVERLOOKED_MAX: usize = 1000;

/// The facts about `directory`, which is written as seen from where this process stands.
#[must_use]
pub fn gather(directory: &str, line: &str) -> Facts {
    let here = std::env::current_dir().unwrap_or_default();
    gather_at(&here, &here.join(directory), line)
}

/// The same for a line that begins somewhere else.
#[must_use]
pub fn gather_at(here: &Path, path: &Path, line: &str) -> Facts {
    let line_directory = here.to_string_lossy().into_owned();
    let absolute = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = absolute.to_string_lossy().into_owned();
    let home = env::text("HOME").unwrap_or_default();
    let nothing = Facts { directory, line_directory, home, ..Facts::default() };
    if !path.is_dir() {
        return nothing;
    }
    match Repo::discover(path) {
        // What cannot be read is not known, and what is not known is refused.
        Ok(repo) => found(&repo, line, &nothing).unwrap_or(nothing),
        Err(OpenError::NotARepository(_)) => Facts { head: Head::Nowhere, ..nothing },
        Err(_) => nothing,
    }
}

/// The facts about a repository that is open already.
pub fn of(repo: &Repo, line: &str) -> anyhow::Result<Facts> {
    let directory = repo.identity();
    let nothing = Facts { line_directory: directory.clone(), directory, ..Facts::default() };
    found(repo, line, &nothing)
}

fn found(repo: &Repo, line: &str, nothing: &Facts) -> anyhow::Result<Facts> {
    let mut settings = Settings::read(repo)?;
    let run = catalog::unfinished_here(repo)?;
    if let Some(run) = &run {
        settings.tighten(repo, &run.charter.base)?;
    }
    let names = |prefix: &str| -> anyhow::Result<Vec<(String, crate::domain::id::Oid)>> {
        let all = repo.refs().list(prefix)?;
        Ok(all.into_iter().map(|(name, id)| (name[prefix.len()..].to_owned(), id)).collect())
    };
    let (branches, tags, tracking) =
        (names("refs/heads/")?, names("refs/tags/")?, names("refs/remotes/")?);
    let mut remotes = remotes(repo);
    let mut remote_defaults = Vec::new();
    for remote in &mut remotes {
        let prefix = format!("refs/remotes/{}/", remote.name);
        if let Some(target) = repo.refs().read_symbolic(&format!("{prefix}HEAD"))? {
            remote_defaults.extend(target.strip_prefix(&prefix).map(str::to_owned));
        }
        let there = |branch: &str| {
            let name = format!("{}/{branch}", remote.name);
            tracking.iter().find(|(known, _)| *known == name).map(|(_, id)| id)
        };
        let differs = |(name, id): &(String, _)| (there(name) != Some(id)).then(|| name.clone());
        remote.differing = branches.iter().filter_map(differs).collect();
    }
    let aliases = symbolic_branches(repo)?;
    let head = repo.head()?;
    let target = head.branch.map(|name| {
        let alias = aliases.iter().find(|(alias, _)| *alias == name);
        alias.map_or(name, |(_, target)| target.clone())
    });
    let head = match (target, head.commit) {
        // In a repository without a commit and without a remote there is nothing to protect.
        (Some(_), None) if branches.is_empty() && remotes.is_empty() => Head::Fresh,
        (Some(branch), _) => Head::Branch(branch),
        (None, _) => Head::Detached,
    };
    let base = run.as_ref().map(|run| run.charter.base.clone()).or(settings.base.clone());
    // What moves then is another branch.
    let mut configured = settings.protected.clone();
    configured.extend(aliases.into_iter().map(|(alias, _)| alias));
    Ok(Facts {
        protection: Protection { configured, base, remote_defaults },
        own_branch: run.as_ref().map(|run| run.charter.branch.clone()),
        bare: repo.worktree().is_none(),
        kept: kept(repo),
        push: push_settings(repo, &head),
        upstreams: upstreams(repo),
        unsaved: if DISCARDING.iter().any(|word| line.contains(word)) {
            unsaved(repo, run.as_ref())
        } else {
            Unsaved::Something
        },
        conflicted: ["checkout", "restore"].iter().any(|word| line.contains(word))
            && repo.git().output(&["ls-files", "-u"]).is_ok_and(|out| !out.is_empty()),
        new_tags: settings.new_tags,
        branches: branches.into_iter().map(|(name, _)| name).collect(),
        tags: tags.into_iter().map(|(name, _)| name).collect(),
        tracking: tracking.into_iter().map(|(name, _)| name).collect(),
        head,
        remotes,
        ..nothing.clone()
    })
}

/// Branches that are other names of branches, and of which.
fn symbolic_branches(repo: &Repo) -> anyhow::Result<Vec<(String, String)>> {
    let words = ["for-each-ref", "--format=%(symref) %(refname)", "refs/heads/"];
    let out = repo.git().output(&words)?;
    let short = |name: &str| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned();
    Ok(String::from_utf8_lossy(&out)
        .lines()
        .filter_map(|line| line.split_once(' ').filter(|(target, _)| !target.is_empty()))
        .map(|(target, name)| (short(name), short(target)))
        .collect())
}

fn remotes(repo: &Repo) -> Vec<Remote> {
    let config = repo.gix().config_snapshot();
    let mut found: Vec<Remote> = Vec::new();
    for section in config.plumbing().sections_by_name("remote").into_iter().flatten() {
        let Some(name) = section.header().subsection_name().map(ToString::to_string) else {
            continue;
        };
        let at = found.iter().position(|remote| remote.name == name).unwrap_or_else(|| {
            found.push(Remote { name, ..Remote::default() });
            found.len() - 1
        });
        let body = section.body();
        let remote = &mut found[at];
        remote.push.extend(body.values("push").iter().map(ToString::to_string));
        remote.mirror |= body.values("mirror").iter().any(|value| value.as_slice() != b"false");
        remote.program |=
            body.contains_value_name("receivepack") || body.contains_value_name("vcs");
    }
    found
}

fn upstreams(repo: &Repo) -> BTreeMap<String, (String, String)> {
    let config = repo.gix().config_snapshot();
    let mut found = BTreeMap::new();
    for section in config.plumbing().sections_by_name("branch").into_iter().flatten() {
        let (name, body) = (section.header().subsection_name(), section.body());
        if let (Some(name), Some(remote), Some(merge)) =
            (name, body.value("remote"), body.value("merge"))
        {
            found.insert(name.to_string(), (remote.to_string(), merge.to_string()));
        }
    }
    found
}

fn push_settings(repo: &Repo, head: &Head) -> PushSettings {
    let branch = |key: &str| match head {
        Head::Branch(branch) => repo.setting(&format!("branch.{branch}.{key}")),
        Head::Detached | Head::Fresh | Head::Nowhere | Head::Unknown => None,
    };
    let is = |key: &str| !matches!(repo.setting_bool(key), Ok(None | Some(false)));
    let submodules = repo.worktree().is_some_and(|top| top.join(".gitmodules").exists());
    let asked =
        repo.setting("push.recurseSubmodules").is_some_and(|how| how != "no" && how != "check");
    PushSettings {
        default: repo.setting("push.default").map(|how| how.to_lowercase()),
        remote: branch("pushRemote")
            .or_else(|| repo.setting("remote.pushDefault"))
            .or_else(|| branch("remote")),
        upstream: branch("remote").zip(branch("merge")),
        options: repo.setting("push.pushOption").is_some_and(|value| !value.is_empty()),
        follow_tags: is("push.followTags"),
        submodules: submodules && (asked || is("submodule.recurse")),
        auto_setup_remote: is("push.autoSetupRemote"),
    }
}

/// The work trees and the directories that hold the repository; its own one is the second.
fn kept(repo: &Repo) -> Vec<String> {
    let text = |path: &Path| {
        path.canonicalize().unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
    };
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let mut kept = vec![text(top), text(repo.git_dir()), text(repo.common_dir())];
    let linked = std::fs::read_dir(repo.common_dir().join("worktrees"));
    for entry in linked.into_iter().flatten().flatten().take(WORK_TREES_MAX) {
        if let Ok(pointer) = std::fs::read_to_string(entry.path().join("gitdir")) {
            kept.extend(Path::new(pointer.trim()).parent().map(text));
        }
    }
    kept
}

/// Two questions to git at most: is anything changed, and does the newest checkpoint have it so.
fn unsaved(repo: &Repo, run: Option<&Run>) -> Unsaved {
    let git = repo.git();
    let quiet = |args: &[&str]| {
        git.plumbing(args).is_ok_and(|finished| finished.status == ExitStatus::Code(0))
    };
    let same = ["diff", "--quiet", "--no-ext-diff", "--no-textconv"];
    let present = [&same[..], &["HEAD", "--"]].concat();
    let Some(top) = repo.worktree() else { return Unsaved::Nothing };
    let hidden = overlooked(&git);
    if quiet(&present) && is_as_in(&git, top, "HEAD", &hidden) {
        return Unsaved::Nothing;
    }
    let chain = match run {
        Some(run) => Ok(checkpoints::of_run(&run.charter.run)),
        None => checkpoints::standing(repo),
    };
    let newest = chain.and_then(|chain| checkpoints::newest(repo, &chain));
    let Ok(Some(newest)) = newest else { return Unsaved::Something };
    // What is only in the checkpoint was saved. What is merely gone from the index may still be there,
    // and may be another by now.
    let tree = newest.checkpoint.tree.to_string();
    let held = [&same[..], &["--diff-filter=AMTUX", &tree, "--"]].concat();
    let gone = ["diff", "--name-only", "-z", "--no-renames", "--diff-filter=D", &tree, "--"];
    let Ok(gone) = git.output(&gone) else { return Unsaved::Something };
    let unseen = [hidden, nul_separated(&gone)].concat();
    if quiet(&held) && is_as_in(&git, top, &tree, &unseen) {
        Unsaved::Held
    } else {
        Unsaved::Something
    }
}

/// The files of which the index says that they need not be looked at.
fn overlooked(git: &Git) -> Vec<Vec<u8>> {
    let marked = git.output(&["ls-files", "-v", "-z"]).unwrap_or_default();
    let is_marked = |entry: &Vec<u8>| entry.first().is_some_and(u8::is_ascii_lowercase);
    let entries = nul_separated(&marked).into_iter().filter(is_marked);
    entries.filter_map(|entry| entry.get(2..).map(<[u8]>::to_vec)).collect()
}

fn nul_separated(text: &[u8]) -> Vec<Vec<u8>> {
    text.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect()
}

/// Whether those of the paths at which there is something are what the tree has there.
fn is_as_in(git: &Git, top: &Path, tree: &str, paths: &[Vec<u8>]) -> bool {
    let there = |path: &&Vec<u8>| top.join(OsStr::from_bytes(path)).symlink_metadata().is_ok();
    let paths: Vec<&Vec<u8>> = paths.iter().filter(there).collect();
    if paths.is_empty() {
        return true;
    }
    if OVERLOOKED_MAX < paths.len() || paths.iter().any(|path| path.contains(&b'\n')) {
        return false;
    }
    let (mut files, mut blobs) = (Vec::new(), Vec::new());
    for path in paths {
        files.extend([path.as_slice(), b"\n"].concat());
        blobs.extend([tree.as_bytes(), b":", path, b"\n"].concat());
    }
    let here = git.answer(&["hash-object", "--stdin-paths"], &files);
    let said = git.answer(&["cat-file", "--batch-check=%(objectname)"], &blobs);
    matches!((here, said), (Ok(here), Ok(said)) if here == said)
}
