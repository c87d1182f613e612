//! Which layers of the guard are in force here, found out by looking. Nothing is asked of a remote, and
//! nothing is written but a fence that is gone again.

mod credentials;
mod leftovers;

use std::path::{Path, PathBuf};

use super::{facts, fence, hooks, scope};
use crate::{
    config::{settings::Settings, workflow_file},
    domain::{
        event::PushMode,
        ice::{judge::Who, name},
        layer::{self, Fenced, Layer, Protected, Remote, Standing},
        workflow::Workflow,
    },
    git::{OpenError, Repo},
    process::{
        command::{Invocation, run},
        env,
    },
};

const INSTALL: &str = "git run hooks install";
/// More remotes and work trees than that are not looked at.
const REMOTES_MAX: usize = 50;
const WORK_TREES_MAX: usize = 100;

/// Where agents are told to ask before they use a tool.
const AGENT_HOOKS: [&str; 6] = [
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".codex/hooks.json",
    ".codex/config.toml",
    ".gemini/settings.json",
    ".opencode/plugins/git-run.js",
];
const AGENT_HOOK_BYTES_MAX: u64 = 1024 * 1024;

#[must_use]
pub fn examine(opened: &Result<Repo, OpenError>) -> Vec<Layer> {
    let version = run(&Invocation::new(env::git(), ["version"])).ok();
    let version = version.filter(|finished| finished.status.success());
    let version = version.map(|finished| String::from_utf8_lossy(&finished.stdout).into_owned());
    let mut layers = vec![layer::git(version.as_deref())];
    match opened {
        Ok(repo) => {
            layers.push(repo.may_write().map_or_else(
                |error| not_usable(&error),
                |()| Layer::ok("repository", "can be read and written"),
            ));
            layers.extend(inside(repo));
        }
        Err(error) => layers.push(not_usable(error)),
    }
    layers.extend(credentials::all(opened.as_ref().ok()));
    layers
}

fn not_usable(error: &OpenError) -> Layer {
    let layer = Layer::new("repository", Standing::Broken, error.to_string());
    match error {
        OpenError::NotARepository(_) => layer.next("git init, or change to a repository"),
        OpenError::NotOurs { .. } => layer.next("git config --global --add safe.directory <path>"),
        OpenError::UnknownExtension(_) => layer.next("update git-run"),
        OpenError::BadParameters | OpenError::Other(_) => layer.next("git status"),
    }
}

fn inside(repo: &Repo) -> Vec<Layer> {
    let mut layers = Vec::new();
    match Settings::read(repo) {
        Ok(settings) => layers.extend(configured(repo, &settings)),
        Err(error) => {
            let says = format!("{error:#}");
            let next = "git config --list --show-origin";
            layers.push(Layer::new("settings", Standing::Broken, says).next(next));
        }
    }
    layers.extend(hooked(repo));
    layers.push(agents_hooks(repo));
    let fault = fence::Fence::around(repo).err().map(|error| format!("{error:#}"));
    let dir = fence::here();
    let whole = |dir: &PathBuf| {
        fence::PROGRAMS.iter().all(|name| dir.join("bin").join(name).exists())
            && dir.join("hooks/pre-push").exists()
    };
    layers.extend(layer::fence(&Fenced {
        inside: dir.as_ref().map(whole),
        below_agent: scope::who() == Who::Agent,
        fault,
    }));
    layers.extend(remotes(repo));
    layers.push(leftovers::locks(repo));
    layers.push(leftovers::lanes(repo));
    layers.extend(leftovers::runs(repo));
    layers
}

fn configured(repo: &Repo, settings: &Settings) -> Vec<Layer> {
    let enabled = if settings.enabled {
        Layer::ok("enabled", "runs may be started here")
    } else {
        Layer::new("enabled", Standing::Open, "run.enabled is not set").next("git run init")
    };
    let protected = match facts::of(repo, "") {
        Ok(facts) => layer::protected(&Protected {
            built_in: name::BUILT_IN.len(),
            configured: facts.protection.configured.len(),
            base: facts.protection.base.is_some(),
            remote_defaults: facts.protection.remote_defaults.len(),
        }),
        Err(error) => {
            Layer::new("protected", Standing::Broken, format!("{error:#}")).next("git run verify")
        }
    };
    vec![enabled, protected, gates(settings), sending(settings)]
}

/// Who judges the work of a run, and whether they can be called.
fn gates(settings: &Settings) -> Layer {
    let workflow = workflow_file::built_in("sprint").map(workflow_file::read);
    let Some(Ok(workflow)) = workflow else {
        return Layer::new("gates", Standing::Broken, "the built-in workflow cannot be read");
    };
    let fault = workflow
        .stages()
        .iter()
        .filter(|stage| stage.shape.duty.calls() && !stage.shape.optional)
        .find_map(|stage| settings.agent(stage.id(), &[]).err());
    match fault {
        Some(fault) => Layer::new("gates", Standing::Open, format!("{fault:#}"))
            .next("git run init --agent <name>"),
        None => Layer::ok("gates", format!("{} must pass", judges(&workflow))),
    }
}

fn judges(workflow: &Workflow) -> String {
    let judges = workflow.judges().filter(|stage| !stage.shape.optional);
    judges.map(|stage| stage.id().to_string()).collect::<Vec<_>>().join(" and ")
}

fn sending(settings: &Settings) -> Layer {
    let mode = match settings.push {
        PushMode::Auto => "a run pushes its branch when its gates have passed",
        PushMode::Prompt => "a run asks before it pushes",
        PushMode::Local => "nothing is pushed",
    };
    if settings.new_tags {
        let says = format!("{mode}; agents may push new tags, which start releases");
        return Layer::new("pushing", Standing::Open, says).next("git config --unset run.newTags");
    }
    Layer::ok("pushing", mode)
}

/// Our hooks here and in every linked work tree, and what stands in their way.
fn hooked(repo: &Repo) -> Vec<Layer> {
    let directory = repo.hooks_dir();
    if fence::here().is_some_and(|fence| directory.starts_with(fence)) {
        let there = hooks::NAMES.iter().all(|name| directory.join(name).is_file());
        let hooks = if there {
            Layer::ok("hooks", "those of the fence are in force")
        } else {
            Layer::new("hooks", Standing::Broken, "those of the fence are gone")
                .next("git run ice exec -- <command>")
        };
        return vec![hooks, Layer::ok("hooks-path", "core.hooksPath is the fence's")];
    }
    let mut layers = vec![hooks_of(repo, "hooks")];
    let set = repo.setting("core.hooksPath");
    let ours = repo.common_dir().join("git-run").join("hooks");
    let is_ours = |path: &str| Path::new(path).canonicalize().ok() == ours.canonicalize().ok();
    layers.push(match set {
        None => Layer::ok("hooks-path", "core.hooksPath is not set"),
        Some(path) if ours.exists() && is_ours(&path) => {
            Layer::ok("hooks-path", "core.hooksPath is ours, and what was there is called")
        }
        Some(path) => {
            let says = format!("core.hooksPath is `{}`", path.escape_debug());
            match layers[0].standing {
                Standing::Ok => Layer::ok("hooks-path", says),
                Standing::Unknown | Standing::Open | Standing::Broken => {
                    let says = format!("{says}, and ours are not there");
                    Layer::new("hooks-path", Standing::Open, says).next(INSTALL)
                }
            }
        }
    });
    let linked = std::fs::read_dir(repo.common_dir().join("worktrees")).into_iter().flatten();
    let linked: Vec<PathBuf> = linked
        .flatten()
        .map(|entry| entry.path())
        .filter(|dir| {
            let pointer = std::fs::read_to_string(dir.join("gitdir")).unwrap_or_default();
            Path::new(pointer.trim()).exists()
        })
        .take(WORK_TREES_MAX)
        .collect();
    let all = linked.len();
    let wrong = linked.into_iter().find_map(|dir| {
        let layer = match Repo::at(&dir) {
            Ok(tree) => hooks_of(&tree, "work-trees"),
            Err(error) => Layer::new("work-trees", Standing::Unknown, error.to_string()),
        };
        let name = dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let says = format!("`{}`: {}", name.escape_debug(), layer.says);
        (layer.standing != Standing::Ok).then_some(Layer { says, ..layer })
    });
    layers.push(wrong.unwrap_or_else(|| Layer::ok("work-trees", format!("{all} linked"))));
    layers
}

fn hooks_of(repo: &Repo, name: &'static str) -> Layer {
    match hooks::status(repo) {
        Ok(found) => {
            let found: Vec<_> = found.iter().map(|hook| (hook.name, hook.state.word())).collect();
            layer::hooks(name, &found, INSTALL)
        }
        Err(error) => Layer::new(name, Standing::Broken, format!("{error:#}")).next(INSTALL),
    }
}

fn agents_hooks(repo: &Repo) -> Layer {
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let home = env::var("HOME").map(PathBuf::from);
    let asks_in = |top: &Path, file: &str| {
        let path = top.join(file);
        let small = path
            .metadata()
            .is_ok_and(|about| about.is_file() && about.len() <= AGENT_HOOK_BYTES_MAX);
        small && std::fs::read_to_string(path).is_ok_and(|text| text.contains("pre-tool-use"))
    };
    let asks =
        |file: &&str| asks_in(top, file) || home.as_ref().is_some_and(|home| asks_in(home, file));
    let found: Vec<&str> = AGENT_HOOKS.into_iter().filter(asks).collect();
    if found.is_empty() {
        return Layer::new(
            "agent-hooks",
            Standing::Open,
            "no agent asks before it uses a tool here",
        )
        .next("see docs/ICE.md: git run hook <agent> pre-tool-use, and pre-compact");
    }
    Layer::ok("agent-hooks", format!("asked by {}", found.join(", ")))
}

fn remotes(repo: &Repo) -> Vec<Layer> {
    let Ok(facts) = facts::of(repo, "") else {
        return vec![Layer::new("remotes", Standing::Unknown, "the settings cannot be read")];
    };
    let base = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let found: Vec<Remote> = facts
        .remotes
        .iter()
        .take(REMOTES_MAX)
        .map(|remote| {
            let words = ["remote", "get-url", "--push", "--all", "--", &remote.name];
            let urls = repo.git().output(&words).unwrap_or_default();
            let urls = String::from_utf8_lossy(&urls).into_owned();
            let urls: Vec<&str> = urls.lines().filter(|url| !url.is_empty()).collect();
            let directory = urls.iter().find_map(|url| scope::directory(url, base));
            Remote {
                name: remote.name.clone(),
                push_urls: urls.len(),
                directory: directory.map(|directory| receives(&directory)),
                secret: urls.iter().any(|url| credentials::holds_password(url)),
            }
        })
        .collect();
    layer::remotes(&found)
}

/// Whether a hook that calls this program receives at a directory.
fn receives(directory: &Path) -> bool {
    let inside = [directory.join("hooks"), directory.join(".git/hooks")];
    inside.iter().any(|hooks| hooks::is_ours_and_runs(&hooks.join("pre-receive")))
}
