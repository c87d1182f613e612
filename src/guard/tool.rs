//! What an agent says of a tool that it is about to use, judged with facts from where it works. What
//! cannot be read is refused.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use anyhow::Context as _;
use serde_json::Value;

use super::{facts, fence, hooks};
use crate::{
    domain::ice::{
        denial::Denial,
        shell::{self, Step},
        tool::{Kind, PATCH_BEGINS, PATH_BYTES_MAX, PATHS_MAX, Target, kind, may_write, patched},
    },
    git::{OpenError, Repo},
    process::env,
};

/// More than this is no use of a tool.
pub const INPUT_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Links that lead to links.
const LINKS_MAX: usize = 40;

const COMMANDS: [&str; 3] = ["command", "cmd", "script"];
const DIRECTORIES: [&str; 6] =
    ["workdir", "cwd", "directory", "dir_path", "dirPath", "working_directory"];
const PATCHES: [&str; 6] = ["command", "input", "patch", "patchText", "patch_text", "diff"];

/// One use of a tool.
#[derive(Debug)]
pub struct Use {
    tool: String,
    input: Value,
    /// Where the agent works, and where it wants the tool to.
    directory: PathBuf,
}

impl Use {
    /// As the agent's JSON has it.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        anyhow::ensure!(bytes.len() <= INPUT_BYTES_MAX, "the agent says too much");
        let mut said: Value = serde_json::from_slice(bytes).context("the agent says no JSON")?;
        let tool = ["tool_name", "tool"].iter().find_map(|key| said[key].as_str());
        let tool = tool.context("the agent does not say which tool it uses")?.to_owned();
        let input = ["tool_input", "args"]
            .iter()
            .find_map(|key| said.get_mut(key).filter(|input| !input.is_null()).map(Value::take));
        let input = input.unwrap_or_default();
        let mut directory = std::env::current_dir().context("there is no current directory")?;
        match &said["cwd"] {
            Value::Null => {}
            Value::String(cwd) => directory.push(cwd),
            _ => anyhow::bail!("the agent does not say where it works"),
        }
        if kind(&tool) == Kind::Shell {
            for key in DIRECTORIES {
                if let Some(place) = input[key].as_str() {
                    directory.push(place);
                }
            }
        }
        let there = kind(&tool) == Kind::Other || directory.is_dir();
        anyhow::ensure!(there, "`{}` is no directory", directory.display());
        Ok(Self { tool, input, directory })
    }

    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// What is said of each command, or of each file.
    pub fn judge(&self) -> anyhow::Result<Vec<Step>> {
        match kind(&self.tool) {
            Kind::Other => Ok(Vec::new()),
            Kind::Shell => self.command_line(),
            Kind::Files => {
                let mut paths = Vec::new();
                named(&self.input, &mut paths);
                self.written(&paths)
            }
            Kind::Patch => {
                let patch = PATCHES.iter().find_map(|key| text(&self.input[key], "\n"));
                let patch = patch.or_else(|| text(&self.input, "\n"));
                self.written(&patched(&patch.context("there is no patch to be read")?))
            }
        }
    }

    fn command_line(&self) -> anyhow::Result<Vec<Step>> {
        let line = COMMANDS.iter().find_map(|key| match &self.input[key] {
            Value::Array(words) => {
                let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
                words.map(shell_words::join)
            }
            other => text(other, " "),
        });
        let line = line.context("there is no command line to be read")?;
        let ask = &mut |directory: &str| {
            let place = self.directory.join(directory);
            facts::gather_at(&self.directory, &place, &line)
        };
        let mut steps = shell::line(&line, ask);
        if line.contains(PATCH_BEGINS) {
            steps.extend(self.written(&patched(&line))?);
        }
        Ok(steps)
    }

    fn written(&self, paths: &[String]) -> anyhow::Result<Vec<Step>> {
        anyhow::ensure!(!paths.is_empty(), "it is not said which file is written");
        anyhow::ensure!(paths.len() <= PATHS_MAX, "too many files are written at once");
        let targets: Vec<Target> = paths.iter().map(|path| target(&self.directory, path)).collect();
        let kept = kept(&self.directory, &targets)?;
        let step = |target: &Target| Step {
            command: format!("{} {}", self.tool, target.said),
            verdict: may_write(target, &kept),
        };
        Ok(targets.iter().map(step).collect())
    }
}

/// A refusal of the whole use, where not even its parts can be told.
#[must_use]
pub fn not_told(error: &anyhow::Error) -> Step {
    Step {
        command: "the tool".to_owned(),
        verdict: Err(Denial::new("unclear", format!("{error:#}"))),
    }
}

fn text(value: &Value, between: &str) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts.map(|parts| parts.join(between))
        }
        _ => None,
    }
}

/// Every text under a key that names files, however deep it stands.
fn named(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| named(value, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(path) if names_a_file(key) => found.push(path.clone()),
                    Value::Array(values) if names_a_file(key) => {
                        found.extend(values.iter().filter_map(Value::as_str).map(str::to_owned));
                        values.iter().for_each(|value| named(value, found));
                    }
                    other => named(other, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn names_a_file(key: &str) -> bool {
    let key = key.to_lowercase().replace(['_', '-'], "");
    key.ends_with("path")
        || key.ends_with("paths")
        || ["file", "files", "filename", "targetfile", "source", "destination", "uri"]
            .contains(&key.as_str())
}

/// Where a path may lead: as it is written, and through every link.
fn target(directory: &Path, said: &str) -> Target {
    let path = said.strip_prefix("file://").unwrap_or(said);
    let home =
        path.strip_prefix("~/").and_then(|rest| Some(Path::new(&env::var("HOME")?).join(rest)));
    let whole = home.unwrap_or_else(|| directory.join(path));
    let plain = without_dots(&whole);
    let usable = !path.is_empty() && path.len() <= PATH_BYTES_MAX && !path.contains('\0');
    let found = if usable { real(&whole).zip(real(&plain)) } else { None };
    let places: Vec<PathBuf> = match found {
        Some((whole_real, plain_real)) => vec![whole, plain, whole_real, plain_real],
        None => Vec::new(),
    };
    let in_repository = places.iter().any(|place| place.ancestors().any(is_like_a_repository));
    let places = places.iter().map(|place| place.to_string_lossy().into_owned()).collect();
    Target { said: said.to_owned(), places, in_repository }
}

/// `..` taken away as programs do that do not ask the file system.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
        }
    }
    plain
}

/// Where a path leads, also when its end is not there yet, or is a link to what is not.
fn real(path: &Path) -> Option<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let (mut base, mut rest): (PathBuf, Vec<OsString>) = (path.clone(), Vec::new());
        let link = loop {
            if let Ok(found) = base.canonicalize() {
                return Some(rest.iter().rev().fold(found, |whole, part| whole.join(part)));
            }
            if let Ok(link) = base.read_link() {
                break link;
            }
            rest.push(base.file_name()?.to_owned());
            if !base.pop() {
                return None;
            }
        };
        let beside = base.parent()?.join(link);
        path = rest.iter().rev().fold(beside, |whole, part| whole.join(part));
    }
    None
}

fn is_like_a_repository(place: &Path) -> bool {
    place.join("HEAD").is_file() && place.join("objects").is_dir() && place.join("refs").is_dir()
}

/// What is kept where the agent works and where the file is: the repositories' own directories, their
/// hooks, git's configuration, and what the fence is made of.
fn kept(directory: &Path, targets: &[Target]) -> anyhow::Result<Vec<String>> {
    let mut kept: Vec<PathBuf> = Vec::new();
    let beside = targets.iter().filter_map(|target| {
        let place = Path::new(target.places.last()?);
        place.ancestors().find(|at| at.is_dir()).map(Path::to_owned)
    });
    let places: BTreeSet<PathBuf> = beside.chain([directory.to_owned()]).collect();
    for place in &places {
        match Repo::discover(place) {
            Ok(repo) => {
                kept.extend([repo.git_dir(), repo.common_dir()].map(Path::to_owned));
                kept.extend([repo.hooks_dir(), hooks::others(&repo)?]);
            }
            Err(OpenError::NotARepository(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for name in ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"] {
        kept.extend(env::var(name).map(PathBuf::from));
    }
    kept.extend(fence::here());
    kept.extend(env::own_program());
    let real: Vec<PathBuf> = kept.iter().filter_map(|place| place.canonicalize().ok()).collect();
    kept.extend(real);
    let text = |place: &PathBuf| place.to_string_lossy().trim_end_matches('/').to_owned();
    Ok(kept.iter().map(text).filter(|place| !place.is_empty()).collect())
}
