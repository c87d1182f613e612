//! Our hooks in a repository: put beside those that are there, never over them, and taken out again
//! without a trace.
//!
//! Where `core.hooksPath` is set, its directory belongs to somebody else (husky, a tracked one): then a
//! directory of ours takes its place in the configuration and calls it. Else a hook that is there gets
//! another name next to ours.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, Permissions},
    io::{self, Write as _},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{git::Repo, process::env};

/// The hooks that people's own git gets. `reference-transaction` is for agents alone: it would cost
/// everybody two process starts for each transaction.
pub const NAMES: [&str; 4] = ["pre-push", "pre-commit", "pre-merge-commit", "pre-rebase"];
/// The hooks of a repository that takes pushes. The second is asked ref by ref, and stands in where
/// somebody took the first one out.
pub const SERVER: [&str; 2] = ["pre-receive", "update"];
/// Raised when the script changes.
const VERSION: u32 = 2;
const SCRIPT: &str = include_str!("../../hooks/hook.sh");
/// Of the hooks that judge nobody but agents.
const LOCAL_SCRIPT: &str = include_str!("../../hooks/local-hook.sh");
const LOCAL: [&str; 3] = ["pre-commit", "pre-merge-commit", "pre-rebase"];
const MARK: &str = "# git-run hook ";
/// What a hook that was there is called beside ours.
const BEFORE: &str = "before-git-run";
/// Where `core.hooksPath` pointed before.
const BEFORE_KEY: &str = "git-run.hookspathbefore";
const SCRIPT_BYTES_MAX: u64 = 64 * 1024;

/// How a hook stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Absent,
    /// Somebody else's alone.
    Foreign,
    Current,
    /// Ours, but of another version, of a program elsewhere, or changed.
    Stale,
    NotExecutable,
    /// A directory, a link or something else that git may or may not run.
    NoFile,
}

impl State {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Foreign => "foreign",
            Self::Current => "current",
            Self::Stale => "stale",
            Self::NotExecutable => "not-executable",
            Self::NoFile => "no-file",
        }
    }
}

/// One hook, and the one that was there before it.
#[derive(Debug)]
pub struct Hook {
    pub name: &'static str,
    pub path: PathBuf,
    pub state: State,
    pub chained: Option<PathBuf>,
}

/// Where git looks for hooks, and whose directory that is.
#[derive(Debug)]
struct Place {
    directory: PathBuf,
    /// The directory that is called after ours, where ours took its place.
    behind: Option<PathBuf>,
}

/// Which hooks are meant. A repository without a work tree is one that takes pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

impl Side {
    #[must_use]
    pub fn of(repo: &Repo) -> Self {
        if repo.worktree().is_none() { Self::Server } else { Self::Client }
    }

    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Client => &NAMES,
            Self::Server => &SERVER,
        }
    }
}

/// The hooks as they stand: those of each side of which any is ours, or else the usual ones.
pub fn status(repo: &Repo) -> anyhow::Result<Vec<Hook>> {
    let place = place(repo)?;
    let hooks = |side: Side| side.names().iter().map(|name| look(&place, name)).collect::<Vec<_>>();
    let sides = [Side::Client, Side::Server].map(hooks).into_iter();
    let ours: Vec<Hook> =
        sides.filter(|hooks| hooks.iter().any(|hook| is_ours(&hook.path))).flatten().collect();
    Ok(if ours.is_empty() { hooks(Side::of(repo)) } else { ours })
}

/// Whether a push is judged as a whole before it is judged ref by ref.
pub fn judges_whole_pushes(repo: &Repo) -> anyhow::Result<bool> {
    Ok(look(&place(repo)?, SERVER[0]).state == State::Current)
}

/// Whether what was installed is still there.
#[derive(Debug)]
pub enum Force {
    All,
    /// None of ours was put in.
    Never,
    /// Some of them judge no longer, and nobody took them out in good order.
    Broken(Vec<Hook>),
}

pub fn force(repo: &Repo) -> anyhow::Result<Force> {
    let place = place(repo)?;
    let all: Vec<Hook> = NAMES.into_iter().map(|name| look(&place, name)).collect();
    let ours = |hook: &Hook| match hook.state {
        State::Current | State::Stale => true,
        State::NotExecutable => is_ours(&hook.path),
        State::Absent | State::Foreign | State::NoFile => false,
    };
    let was_installed = place.behind.is_some() || all.iter().any(ours);
    let broken: Vec<Hook> = all.into_iter().filter(|hook| hook.state != State::Current).collect();
    Ok(match (broken.is_empty(), was_installed) {
        (true, _) => Force::All,
        (false, true) => Force::Broken(broken),
        (false, false) => Force::Never,
    })
}

/// Puts ours in, and says how they stand then.
pub fn install(repo: &Repo, side: Side) -> anyhow::Result<Vec<Hook>> {
    let set = repo.setting("core.hooksPath");
    let own = own_directory(repo);
    if set.as_ref().is_some_and(|path| Path::new(path) != own) {
        take_the_place(repo, &set.unwrap_or_default(), &own)?;
    }
    let fresh = Repo::at(repo.git_dir())?;
    let place = place(&fresh)?;
    fs::create_dir_all(&place.directory)
        .with_context(|| format!("cannot make `{}`", place.directory.display()))?;
    for name in side.names() {
        put(&place, name)?;
    }
    mirror(&place)?;
    Ok(side.names().iter().map(|name| look(&place, name)).collect())
}

/// Takes ours out. What was there before is there again, to the byte.
pub fn uninstall(repo: &Repo) -> anyhow::Result<Vec<Hook>> {
    let place = place(repo)?;
    for name in NAMES.into_iter().chain(SERVER) {
        let path = place.directory.join(name);
        match look(&place, name).state {
            State::Current | State::Stale => fs::remove_file(&path)?,
            State::NotExecutable if is_ours(&path) => fs::remove_file(&path)?,
            State::Absent | State::Foreign | State::NotExecutable | State::NoFile => {}
        }
        let before = before(&place.directory, name);
        if before.symlink_metadata().is_ok() && path.symlink_metadata().is_err() {
            fs::rename(&before, &path)?;
        }
    }
    let mirror = mirror_of(&place.directory);
    if mirror.is_dir() {
        fs::remove_dir_all(&mirror)
            .with_context(|| format!("cannot remove `{}`", mirror.display()))?;
    }
    if place.behind.is_some() {
        give_the_place_back(repo)?;
        let _ = fs::remove_dir(&place.directory);
    }
    let fresh = Repo::at(repo.git_dir())?;
    status(&fresh)
}

/// The directory whose hooks are everybody else's.
pub fn others(repo: &Repo) -> anyhow::Result<PathBuf> {
    let place = place(repo)?;
    Ok(place.behind.unwrap_or(place.directory))
}

/// The hook of that directory which ours calls, when there is one that runs.
#[must_use]
pub fn chained_in(directory: &Path, name: &str) -> Option<PathBuf> {
    let path = directory.join(name);
    let path = if is_ours(&path) {
        let by_its_name = mirror_of(directory).join(name);
        if by_its_name.exists() { by_its_name } else { before(directory, name) }
    } else {
        path
    };
    let runs = fs::metadata(&path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    runs.then_some(path)
}

/// Whether a hook is of this program, and git runs it.
#[must_use]
pub fn is_ours_and_runs(path: &Path) -> bool {
    let runs = fs::metadata(path)
        .is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0);
    runs && is_ours(path)
}

fn own_directory(repo: &Repo) -> PathBuf {
    let common = repo.common_dir();
    let common = common.canonicalize().unwrap_or_else(|_| common.to_owned());
    common.join("git-run").join("hooks")
}

fn place(repo: &Repo) -> anyhow::Result<Place> {
    let directory = repo.hooks_dir();
    if directory != own_directory(repo) {
        return Ok(Place { directory, behind: None });
    }
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let behind = match repo.setting(BEFORE_KEY).as_deref() {
        None => {
            bail!("`core.hooksPath` is ours, and `{BEFORE_KEY}` does not say what was there before")
        }
        // With nothing as the directory git finds no hook.
        Some("") => PathBuf::from("/dev/null"),
        // As git reads a path: `~` is somebody's home.
        Some(_) => {
            let path = repo.git().output(&["config", "--type=path", "--get", BEFORE_KEY])?;
            top.join(OsStr::from_bytes(path.trim_ascii_end()))
        }
    };
    Ok(Place { directory, behind: Some(behind) })
}

/// Hooks ask `$0` who they are and where they are: beside the directory, and as deep, there is one in
/// which those that got another name have their own, and what they may call stands beside them.
fn mirror_of(directory: &Path) -> PathBuf {
    let name = directory.file_name().map(ToOwned::to_owned).unwrap_or_default();
    let mut name = name;
    name.push(".");
    name.push(BEFORE);
    directory.with_file_name(name)
}

fn mirror(place: &Place) -> anyhow::Result<()> {
    let renamed = |name: &&str| before(&place.directory, name).symlink_metadata().is_ok();
    let mirror = mirror_of(&place.directory);
    if place.behind.is_some() || !NAMES.iter().chain(&SERVER).any(renamed) {
        return Ok(());
    }
    let make = || -> io::Result<()> {
        if mirror.symlink_metadata().is_ok() {
            fs::remove_dir_all(&mirror)?;
        }
        fs::create_dir(&mirror)?;
        let back = Path::new("..").join(place.directory.file_name().unwrap_or_default());
        for entry in fs::read_dir(&place.directory)? {
            let name = entry?.file_name();
            let own =
                name.to_string_lossy().strip_suffix(&format!(".{BEFORE}")).map(OsString::from);
            let is_helper = own.is_none() && !is_ours(&place.directory.join(&name));
            if is_helper || own.is_some() {
                let link = mirror.join(own.as_ref().unwrap_or(&name));
                std::os::unix::fs::symlink(back.join(&name), link)?;
            }
        }
        Ok(())
    };
    make().with_context(|| format!("cannot make `{}`", mirror.display()))
}

fn before(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.{BEFORE}"))
}

fn look(place: &Place, name: &'static str) -> Hook {
    let path = place.directory.join(name);
    let state = match fs::symlink_metadata(&path) {
        Err(_) => State::Absent,
        Ok(about) if !about.is_file() && !about.is_symlink() => State::NoFile,
        Ok(_) if !is_ours(&path) => State::Foreign,
        Ok(about) if about.is_symlink() => State::NoFile,
        Ok(about) if about.permissions().mode() & 0o111 == 0 => State::NotExecutable,
        Ok(_) => match fs::read_to_string(&path) {
            Ok(text) if script(place, name).is_ok_and(|script| script == text) => State::Current,
            Ok(_) | Err(_) => State::Stale,
        },
    };
    let chained = match &place.behind {
        Some(behind) => behind.join(name),
        None => before(&place.directory, name),
    };
    Hook { name, path, state, chained: Some(chained).filter(|path| path.exists()) }
}

fn is_ours(path: &Path) -> bool {
    let small = fs::metadata(path).is_ok_and(|about| about.len() <= SCRIPT_BYTES_MAX);
    small && fs::read_to_string(path).is_ok_and(|text| bears_the_mark(&text))
}

/// The mark is the second line of ours, with a number. Somebody else's may speak of it.
fn bears_the_mark(text: &str) -> bool {
    let version = text.lines().nth(1).and_then(|line| line.strip_prefix(MARK));
    version.and_then(|rest| rest.split(':').next()).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn put(place: &Place, name: &'static str) -> anyhow::Result<()> {
    let path = place.directory.join(name);
    match look(place, name).state {
        State::Current => return Ok(()),
        State::Absent | State::Stale | State::NotExecutable => {}
        State::NoFile => bail!("`{}` is no file; git would not run it", path.display()),
        State::Foreign => {
            let before = before(&place.directory, name);
            if before.symlink_metadata().is_ok() {
                bail!(
                    "`{}` is not ours, and `{}` is there already: one of them must go",
                    path.display(),
                    before.display()
                );
            }
            fs::rename(&path, &before)
                .with_context(|| format!("cannot rename `{}`", path.display()))?;
        }
    }
    let write = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&place.directory)?;
        file.write_all(script(place, name).map_err(io::Error::other)?.as_bytes())?;
        file.as_file().set_permissions(Permissions::from_mode(0o755))?;
        file.persist(&path)?;
        Ok(())
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

fn script(place: &Place, name: &str) -> anyhow::Result<String> {
    let program = env::own_program()?;
    let program = program.to_str().context("the path of this program is not UTF-8")?;
    // From there the script finds whether a fence stands, and the hook that was there before.
    let beside = place.behind.is_none() && !place.directory.is_symlink();
    let text = if beside && LOCAL.contains(&name) { LOCAL_SCRIPT } else { SCRIPT };
    Ok(text
        .replace("@VERSION@", &VERSION.to_string())
        .replace("@PROGRAM@", &program.replace('\'', r"'\''"))
        .replace("@NAME@", name))
}

fn take_the_place(repo: &Repo, set: &str, own: &Path) -> anyhow::Result<()> {
    let own = own.to_str().context("the path of the repository is not UTF-8")?;
    // What was there first: without it nobody could call it any more.
    let scope = scope(repo);
    repo.git().output(&["config", scope, BEFORE_KEY, set])?;
    let taken = repo.git().output(&["config", scope, "core.hooksPath", own]);
    if let Err(error) = taken {
        forget(repo, scope)?;
        return Err(error);
    }
    let fresh = Repo::at(repo.git_dir())?;
    if fresh.setting("core.hooksPath").as_deref() != Some(own) {
        // A file that is read later has the last word: then its directory is where ours must be.
        repo.git().output(&["config", scope, "--unset-all", "core.hooksPath"])?;
        forget(repo, scope)?;
    }
    Ok(())
}

/// Where `core.hooksPath` is to be set so that git heeds it.
fn scope(repo: &Repo) -> &'static str {
    let words = ["config", "--show-scope", "--get", "core.hooksPath"];
    let said = repo.git().output(&words).unwrap_or_default();
    if said.starts_with(b"worktree") { "--worktree" } else { "--local" }
}

fn forget(repo: &Repo, scope: &str) -> anyhow::Result<()> {
    repo.git().output(&["config", scope, "--unset-all", BEFORE_KEY])?;
    let _ = repo.git().plumbing(&["config", scope, "--remove-section", "git-run"]);
    Ok(())
}

fn give_the_place_back(repo: &Repo) -> anyhow::Result<()> {
    let said = repo.setting(BEFORE_KEY).unwrap_or_default();
    let scope = scope(repo);
    repo.git().output(&["config", scope, "--unset-all", "core.hooksPath"])?;
    let fresh = Repo::at(repo.git_dir())?;
    // It may have been set for the user and not for the repository.
    if fresh.setting("core.hooksPath").as_deref() != Some(said.as_str()) {
        repo.git().output(&["config", scope, "core.hooksPath", &said])?;
    }
    forget(repo, scope)
}
