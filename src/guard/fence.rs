//! The environment that agents get: our `git` first on the PATH, our hooks by configuration, a push
//! helper for every URL, and nothing to log in with.
//!
//! An agent runs as the same user, so this is a fence and no wall: what it can and cannot hold is in
//! `docs/ICE.md`.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use crate::{
    domain::{event::ProcessMark, ice::denial::Denial},
    git::Repo,
    process::{
        alive, ancestry, clock,
        env::{self, FENCE},
        private,
    },
};

/// The programs that are ours where an agent looks for them.
pub const PROGRAMS: [&str; 7] = ["git", "gh", "glab", "hub", "curl", "git-run", "git-remote-run"];
/// The directory of the repository's own hooks, which ours call.
pub const HOOKS_BEHIND: &str = "GIT_RUN_HOOKS_BEHIND";
/// The repository around which the fence stands, by its common directory.
pub const FENCED: &str = "GIT_RUN_FENCED";
/// The scheme that sends every push through our helper.
pub const SCHEME: &str = "run::";

const STANDING_TRIES_MAX: u32 = 100;
/// What is put away.
pub const STASH: &str = "refs/stash";

/// Everything that git on the client side may call.
pub const HOOKS: [&str; 15] = [
    "pre-push",
    "reference-transaction",
    "pre-commit",
    "pre-merge-commit",
    "pre-rebase",
    "commit-msg",
    "prepare-commit-msg",
    "post-commit",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "applypatch-msg",
    "pre-applypatch",
    "post-applypatch",
    "pre-auto-gc",
];
/// The ones that judge; the others are there only to call the repository's own.
const JUDGING: [&str; 5] =
    ["pre-push", "reference-transaction", "pre-commit", "pre-merge-commit", "pre-rebase"];

/// What opens doors: keys, tokens, and the programs that ask for them.
const CREDENTIALS: [&str; 22] = [
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "GITLAB_ACCESS_TOKEN",
    "GL_TOKEN",
    "CI_JOB_TOKEN",
    "BITBUCKET_TOKEN",
    "GITEA_TOKEN",
    "FORGEJO_TOKEN",
    "AZURE_DEVOPS_EXT_PAT",
    "SYSTEM_ACCESSTOKEN",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_PROXY_COMMAND",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
];
/// What would make git work on something else than it seems to, or with other settings.
const BENDING: [&str; 13] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_REPLACE_REF_BASE",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
];

/// A directory with the programs and hooks. It is gone when the value is.
#[derive(Debug)]
pub struct Fence {
    _standing: Standing,
    dir: tempfile::TempDir,
    behind: PathBuf,
    fenced: PathBuf,
    push_urls: Vec<(String, String)>,
}

impl Fence {
    /// Puts one up for the agents of this repository.
    pub fn around(repo: &Repo) -> anyhow::Result<Self> {
        private::sweep();
        let dir = private::directory("fence")
            .context("cannot make a directory for the agent's programs")?;
        let own = env::own_program().context("cannot find this program itself")?;
        let bin = dir.path().join("bin");
        fs::create_dir(&bin)?;
        for name in PROGRAMS {
            std::os::unix::fs::symlink(&own, bin.join(name))?;
        }
        let behind = super::hooks::others(repo)?;
        let behind = behind.canonicalize().unwrap_or(behind);
        let hooks = dir.path().join("hooks");
        fs::create_dir(&hooks)?;
        for name in HOOKS {
            if JUDGING.contains(&name) || super::hooks::chained_in(&behind, name).is_some() {
                hook(&hooks.join(name), &own, name)?;
            }
        }
        fs::create_dir(dir.path().join("gh"))?;
        let stash = repo.refs().read(STASH)?.map(|top| top.to_string()).unwrap_or_default();
        fs::write(dir.path().join("stash"), stash)?;
        let fenced = repo.common_dir();
        let fenced = fenced.canonicalize().unwrap_or_else(|_| fenced.to_owned());
        let standing = Standing::of(repo)?;
        Ok(Self { _standing: standing, push_urls: push_urls(repo)?, dir, behind, fenced })
    }

    /// The environment inside, made of the one outside.
    #[must_use]
    pub fn environment(&self, outside: Vec<(OsString, OsString)>) -> Vec<(OsString, OsString)> {
        let count = "GIT_CONFIG_COUNT";
        let given: usize = outside
            .iter()
            .find(|(name, _)| name == count)
            .and_then(|(_, value)| value.to_str()?.parse().ok())
            .unwrap_or(0);
        let path = outside.iter().find(|(name, _)| name == "PATH").map(|(_, path)| path.clone());
        let drops = |name: &OsStr| {
            CREDENTIALS.iter().chain(&BENDING).any(|dropped| name == *dropped)
                || name.as_bytes().starts_with(b"GIT_RUN_")
                || [count, "PATH", FENCE, HOOKS_BEHIND].iter().any(|own| name == *own)
        };
        let mut inside: Vec<(OsString, OsString)> =
            outside.into_iter().filter(|(name, _)| !drops(name)).collect();
        let mut set = |name: &str, value: OsString| inside.push((name.into(), value));
        for (at, (key, value)) in self.settings().into_iter().enumerate() {
            set(&format!("GIT_CONFIG_KEY_{}", given + at), key.into());
            set(&format!("GIT_CONFIG_VALUE_{}", given + at), value);
        }
        set(count, (given + self.settings().len()).to_string().into());
        let mut search = self.dir.path().join("bin").into_os_string();
        if let Some(path) = path {
            search.push(":");
            search.push(path);
        }
        set("PATH", search);
        set(FENCE, self.dir.path().into());
        set(HOOKS_BEHIND, self.behind.clone().into());
        set(FENCED, self.fenced.clone().into());
        set("GIT_RUN_AGENT", "1".into());
        set("GIT_TERMINAL_PROMPT", "0".into());
        set("GIT_ASKPASS", "false".into());
        set("SSH_ASKPASS", "false".into());
        set("GH_CONFIG_DIR", self.dir.path().join("gh").into());
        inside
    }

    /// What every git inside is told, whichever repository it works in.
    fn settings(&self) -> Vec<(String, OsString)> {
        let mut all = vec![
            ("core.hooksPath".to_owned(), self.dir.path().join("hooks").into_os_string()),
            ("credential.helper".to_owned(), OsString::new()),
            // Every URL that is pushed to begins with nothing.
            (format!("url.{SCHEME}.pushInsteadOf"), OsString::new()),
        ];
        // A push URL that is spelled out is not rewritten.
        for (remote, url) in &self.push_urls {
            all.push((format!("remote.{remote}.pushurl"), OsString::new()));
            all.push((format!("remote.{remote}.pushurl"), format!("{SCHEME}{url}").into()));
        }
        all
    }
}

/// Says in the repository that a fence stands around somebody, for as long as it does: where it says
/// nothing, people's commits need not be looked at.
#[derive(Debug)]
struct Standing {
    file: PathBuf,
}

impl Standing {
    fn of(repo: &Repo) -> anyhow::Result<Self> {
        let directory = repo.common_dir().join("git-run").join("fences");
        clear(&directory);
        let mark = alive::own_mark();
        let ProcessMark { pid, start, boot, host } = &mark;
        let text = format!("{pid}\n{start}\n{boot}\n{host}\n");
        let file = directory.join(format!("{pid}-{:x}", clock::jitter(u64::MAX)));
        // Whoever takes the last one away takes the directory away as well.
        for _ in 0..STANDING_TRIES_MAX {
            fs::create_dir_all(&directory)
                .with_context(|| format!("cannot make `{}`", directory.display()))?;
            match fs::write(&file, &text) {
                Ok(()) => return Ok(Self { file }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("cannot write `{}`", file.display()));
                }
            }
        }
        anyhow::bail!("cannot write `{}`", file.display())
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        // Only when it was the last one.
        let _ = self.file.parent().map(fs::remove_dir);
    }
}

/// Takes away what killed processes left.
fn clear(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let [pid, start, boot, host] = lines.as_slice() else { continue };
        let (Ok(pid), Ok(start)) = (pid.parse(), start.parse()) else { continue };
        let mark = ProcessMark { pid, start, boot: (*boot).to_owned(), host: (*host).to_owned() };
        if matches!(alive::standing(&mark), alive::Standing::Gone) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether the newest stash was made inside of the fence: what an agent put away it may take out again.
#[must_use]
pub fn stashed_inside(repo: &Repo) -> bool {
    let before = here().and_then(|dir| fs::read_to_string(dir.join("stash")).ok());
    match (before, repo.refs().read(STASH)) {
        (Some(before), Ok(Some(top))) => before != top.as_str(),
        (_, _) => false,
    }
}

/// Whether what had been stashed when the fence was put up is stashed still. `git stash drop` takes the
/// last entry out of the log before it asks whether the ref may go.
#[must_use]
pub fn holds_stash(repo: &Repo) -> bool {
    let fence = ancestry::outermost(FENCE).map(PathBuf::from);
    let before = fence.and_then(|dir| fs::read_to_string(dir.join("stash")).ok());
    let Some(before) = before.filter(|before| !before.is_empty()) else { return false };
    let now = repo.refs().read(STASH).ok().flatten();
    now.is_some_and(|now| now.as_str() == before)
        || repo
            .reflog(STASH)
            .iter()
            .any(|line| line.new.as_ref().is_some_and(|id| id.as_str() == before))
}

/// Variables that make git write into files that are somebody's: traces, and an index.
pub fn writes_aside(repo: &Repo) -> Result<(), Denial> {
    let kept = [repo.worktree(), Some(repo.common_dir())];
    let is_kept = |path: &Path| {
        let path = path.parent().and_then(|parent| parent.canonicalize().ok());
        let within = |kept: &&Path| {
            kept.canonicalize()
                .is_ok_and(|kept| path.as_ref().is_some_and(|path| path.starts_with(kept)))
        };
        kept.iter().flatten().any(within)
    };
    let denied = |name: &OsStr| {
        let what = format!("`{}` would write into a file that is there", name.to_string_lossy());
        Err(Denial::new("environment", what).next("leave it out, or name a file elsewhere"))
    };
    for (name, value) in env::vars() {
        let path = Path::new(&value);
        if name.as_bytes().starts_with(b"GIT_TRACE") && path.is_absolute() && is_kept(path) {
            return denied(&name);
        }
        let is_index = |bytes: Vec<u8>| bytes.is_empty() || bytes.starts_with(b"DIRC");
        if name == "GIT_INDEX_FILE" && fs::read(path).is_ok_and(|bytes| !is_index(bytes)) {
            return denied(&name);
        }
    }
    Ok(())
}

/// Where this process is inside of a fence: the directory that it put up.
#[must_use]
pub fn here() -> Option<PathBuf> {
    env::var(FENCE).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn hook(path: &Path, program: &Path, name: &str) -> anyhow::Result<()> {
    let program = program.as_os_str().as_bytes();
    let program = String::from_utf8_lossy(program).replace('\'', r"'\''");
    fs::write(path, format!("#!/bin/sh\nexec '{program}' hook {name} \"$@\"\n"))?;
    fs::set_permissions(path, Permissions::from_mode(0o755))?;
    Ok(())
}

fn push_urls(repo: &Repo) -> anyhow::Result<Vec<(String, String)>> {
    let words = ["config", "--null", "--get-regexp", r"^remote\..*\.pushurl$"];
    let out = repo.git().plumbing(&words)?.stdout;
    let text = String::from_utf8_lossy(&out).into_owned();
    let entries = text.split('\0').filter_map(|entry| entry.split_once('\n'));
    Ok(entries
        .filter_map(|(key, url)| {
            let name = key.strip_prefix("remote.")?.strip_suffix(".pushurl")?;
            (!url.is_empty()).then(|| (name.to_owned(), url.to_owned()))
        })
        .collect())
}
