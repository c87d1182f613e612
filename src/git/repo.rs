//! An open repository: where it is, whether it may be written, what its settings say.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use gix::bstr::ByteSlice;

use super::refs::{FileRefs, HookedRefs, ProgramRefs, RefStore};
use crate::{domain::id::Oid, process::env};

/// Why a repository is not opened, or not written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("not a git repository: `{0}` and the directories above it")]
    NotARepository(String),
    #[error("the repository uses `extensions.{0}`, which this version does not know")]
    UnknownExtension(String),
    #[error("`{dir}` belongs to somebody else, so nothing is written there")]
    NotOurs { dir: String },
    #[error("GIT_CONFIG_PARAMETERS is garbled")]
    BadParameters,
    #[error("cannot open the repository: {0}")]
    Other(String),
}

/// What git 2.47 and newer define, in lower case, as configuration keys are compared.
const KNOWN_EXTENSIONS: [&str; 9] = [
    "noop",
    "noop-v1",
    "preciousobjects",
    "partialclone",
    "worktreeconfig",
    "objectformat",
    "compatobjectformat",
    "refstorage",
    "relativeworktrees",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Files,
    /// Everything that only git itself may write.
    Program,
}

pub struct Repo {
    gix: gix::Repository,
    backend: Backend,
    refs: Box<dyn RefStore>,
    /// Objects through which it is looked at instead of its own.
    view: Option<tempfile::TempDir>,
}

impl std::fmt::Debug for Repo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repo")
            .field("git_dir", &self.git_dir())
            .field("backend", &self.backend)
            .finish()
    }
}

impl Repo {
    /// Finds the repository as git does, `GIT_DIR` and the like included.
    pub fn discover(from: &Path) -> Result<Self, OpenError> {
        let settings = match env::var("GIT_CONFIG_PARAMETERS") {
            Some(text) => {
                text.to_str().and_then(super::parameters::parse).ok_or(OpenError::BadParameters)?
            }
            None => Vec::new(),
        };
        let options =
            || gix::open::Options::default().cli_overrides(settings.iter().map(String::as_str));
        let trust = gix::sec::trust::Mapping {
            full: options().with(gix::sec::Trust::Full),
            reduced: options().with(gix::sec::Trust::Reduced),
        };
        let upwards = gix::discover::upwards::Options {
            match_ceiling_dir_or_error: false,
            ..Default::default()
        };
        let gix = gix::ThreadSafeRepository::discover_with_environment_overrides_opts(
            from, upwards, trust,
        )
        .map_err(|error| not_opened(from, &error))?
        .to_thread_local();
        Self::new(gix)
    }

    /// Opens the repository whose own directory this is.
    pub fn at(git_dir: &Path) -> Result<Self, OpenError> {
        let gix = gix::open(git_dir).map_err(|error| not_opened(git_dir, &error))?;
        Self::new(gix)
    }

    fn new(mut gix: gix::Repository) -> Result<Self, OpenError> {
        // An event is read once; a chain of them is not worth a cache.
        gix.object_cache_size(0);
        // What a journal or a tree says is never what somebody put in its place.
        gix.objects.ignore_replacements = true;
        let backend = look_at_extensions(&gix)?;
        let hooked = hooks_dir(&gix).join("reference-transaction").is_file();
        let files = || FileRefs::new(gix.common_dir().to_owned(), gix.git_dir().to_owned());
        let program = || ProgramRefs::new(super::program::Git::at(gix.git_dir(), gix.workdir()));
        let refs: Box<dyn RefStore> = match backend {
            Backend::Files if hooked => Box::new(HookedRefs::new(files(), program())),
            Backend::Files => Box::new(files()),
            Backend::Program => Box::new(program()),
        };
        Ok(Self { gix, backend, refs, view: None })
    }

    #[must_use]
    pub fn gix(&self) -> &gix::Repository {
        &self.gix
    }

    #[must_use]
    pub fn refs(&self) -> &dyn RefStore {
        &*self.refs
    }

    #[must_use]
    pub fn git_dir(&self) -> &Path {
        self.gix.git_dir()
    }

    #[must_use]
    pub fn common_dir(&self) -> &Path {
        self.gix.common_dir()
    }

    #[must_use]
    pub fn worktree(&self) -> Option<&Path> {
        self.gix.workdir()
    }

    /// The directory that holds this work tree's own files, absolute and without links.
    #[must_use]
    pub fn identity(&self) -> String {
        let path = self.gix.workdir().unwrap_or_else(|| self.gix.git_dir());
        path.canonicalize().unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
    }

    /// What this clone calls itself, so that a run knows it again wherever its directory is moved; nothing
    /// where nobody asked for it yet.
    #[must_use]
    pub fn clone_name(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.common_dir().join("git-run").join("clone")).ok()?;
        let name = text.trim_end();
        let plain = name.len() == 20 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| name.to_owned())
    }

    /// The same, made by chance where there is none.
    pub fn name_clone(&self, chance: [u8; 10]) -> anyhow::Result<String> {
        if let Some(name) = self.clone_name() {
            return Ok(name);
        }
        let name: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
        let dir = self.common_dir().join("git-run");
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&dir)?;
            let mut file = tempfile::NamedTempFile::new_in(&dir)?;
            std::io::Write::write_all(&mut file, format!("{name}\n").as_bytes())?;
            file.as_file().sync_all()?;
            // Of two that are made at once, one counts.
            match file.persist_noclobber(dir.join("clone")) {
                Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
                    Err(error.error)
                }
                Ok(_) | Err(_) => super::objects::sync_dir(&dir),
            }
        };
        write().with_context(|| format!("cannot write `{}`", dir.join("clone").display()))?;
        self.clone_name().context("`git-run/clone` holds no name; take it away")
    }

    /// A directory of this process's own, beside git's files, that is gone when the value is.
    pub fn private_dir(&self) -> anyhow::Result<tempfile::TempDir> {
        let dir = self.git_dir().join("git-run");
        std::fs::create_dir_all(&dir)
            .and_then(|()| tempfile::Builder::new().prefix("work-").tempdir_in(&dir))
            .with_context(|| format!("cannot make a directory in `{}`", dir.display()))
    }

    #[must_use]
    pub fn git(&self) -> super::program::Git {
        let git = super::program::Git::at(self.git_dir(), self.worktree());
        match &self.view {
            Some(view) => git.writing_into(view.path(), &self.common_dir().join("objects")),
            None => git,
        }
    }

    /// Reads from these objects and their alternates from now on.
    pub(super) fn look_through(&mut self, view: tempfile::TempDir) -> anyhow::Result<()> {
        let objects = gix::odb::at(view.path(), self.gix.object_hash())?;
        self.gix.objects = gix::odb::memory::Proxy::from(objects);
        self.gix.objects.ignore_replacements = true;
        self.view = Some(view);
        Ok(())
    }

    /// Whether its history is cut off somewhere: then nothing can be said of what is not there.
    #[must_use]
    pub fn is_shallow(&self) -> bool {
        std::fs::metadata(self.common_dir().join("shallow")).is_ok_and(|about| 0 < about.len())
    }

    /// Writing into a stranger's repository would run under the stranger's rules.
    pub fn may_write(&self) -> Result<(), OpenError> {
        match self.gix.git_dir_trust() {
            gix::sec::Trust::Full => Ok(()),
            gix::sec::Trust::Reduced => {
                Err(OpenError::NotOurs { dir: self.git_dir().display().to_string() })
            }
        }
    }

    /// The last value of a setting, from every level that git reads.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<String> {
        self.gix.config_snapshot().string(key).map(|value| value.to_str_lossy().into_owned())
    }

    /// A setting that is true or false; a value that is neither is an error with the value.
    pub fn setting_bool(&self, key: &str) -> Result<Option<bool>, String> {
        self.gix
            .config_snapshot()
            .try_boolean(key)
            .map_err(|_| self.setting(key).unwrap_or_default())
    }

    /// The branch that is checked out, and the commit at HEAD; either may be missing.
    pub fn head(&self) -> anyhow::Result<Head> {
        let target = self.refs.read_symbolic("HEAD")?;
        let branch =
            target.as_deref().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
        let commit = self.refs.read("HEAD")?;
        Ok(Head { branch, commit })
    }

    #[must_use]
    pub fn hooks_dir(&self) -> PathBuf {
        hooks_dir(&self.gix)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub branch: Option<String>,
    pub commit: Option<Oid>,
}

fn hooks_dir(gix: &gix::Repository) -> PathBuf {
    match gix.config_snapshot().trusted_path("core.hooksPath") {
        Ok(Some(path)) if path.is_absolute() => path,
        Ok(Some(path)) => gix.workdir().unwrap_or_else(|| gix.git_dir()).join(path),
        Ok(None) | Err(_) => gix.common_dir().join("hooks"),
    }
}

fn not_opened(from: &Path, error: &dyn std::fmt::Display) -> OpenError {
    let text = error.to_string();
    if text.contains("Could not find a git repository")
        || text.contains("does not appear to be a git repository")
    {
        OpenError::NotARepository(from.display().to_string())
    } else {
        OpenError::Other(text)
    }
}

/// gix opens a repository whose extensions it does not know, and sees a reftable as empty.
fn look_at_extensions(gix: &gix::Repository) -> Result<Backend, OpenError> {
    let config = gix.config_snapshot();
    let format = config.integer("core.repositoryFormatVersion").unwrap_or(0);
    let mut backend = Backend::Files;
    let Some(sections) = config.plumbing().sections_by_name("extensions") else {
        return Ok(backend);
    };
    for section in sections {
        if section.meta().source != gix::config::Source::Local {
            continue;
        }
        for name in section.value_names().map(|name| name.to_lowercase()) {
            if !KNOWN_EXTENSIONS.contains(&name.as_str()) && 0 < format {
                return Err(OpenError::UnknownExtension(name));
            }
            if name == "refstorage" {
                let storage = config.string("extensions.refStorage").unwrap_or_default();
                backend = match storage.to_str_lossy().as_ref() {
                    "files" => Backend::Files,
                    "reftable" => Backend::Program,
                    other => {
                        return Err(OpenError::UnknownExtension(format!("refStorage={other}")));
                    }
                };
            }
        }
    }
    Ok(backend)
}
