//! What git's hooks ask: judged with facts from this repository and, for agents, from the remote.
//!
//! Nothing that cannot be found out is taken for harmless.

use std::path::{Path, PathBuf};

use crate::{
    config::settings::Settings,
    domain::{
        ice::{
            denial::Denial,
            judge::{During, Motion, Move, Rules, Who, branch_is_free, judge},
            name::Protection,
            push_line::{PushLine, TransactionLine, Value, parse_push, parse_transaction},
        },
        id::Oid,
        item::Progress,
        run::{Run, State},
    },
    git::Repo,
    guard::fence,
    process::{ancestry, env},
    store::catalog,
};

/// Refs of which only this program moves any.
const OURS: [&str; 4] = ["refs/run/", "refs/notes/run", "refs/worktree/run", "refs/run-remote/"];

/// Who asks: inside of an agent's environment, and below anything that is inside, it is an agent,
/// whatever it says and whatever it forgot.
#[must_use]
pub fn who() -> Who {
    let marked = ["GIT_RUN_AGENT", env::FENCE].into_iter().any(ancestry::is_below);
    if marked { Who::Agent } else { Who::Person }
}

/// The directories that agents here are kept from harming: the fenced repository, its work tree, and
/// the remotes of it that are directories. Nothing outside of a fence.
fn kept() -> anyhow::Result<Option<Vec<PathBuf>>> {
    let Some(fenced) = ancestry::outermost(fence::FENCED) else { return Ok(None) };
    let fenced = Repo::at(Path::new(&fenced))?;
    let words = ["config", "--null", "--get-regexp", r"^remote\..*\.(url|pushurl)$"];
    let out = fenced.git().plumbing(&words)?.stdout;
    let text = String::from_utf8_lossy(&out).into_owned();
    let base = fenced.worktree().unwrap_or_else(|| fenced.git_dir());
    let urls = text.split('\0').filter_map(|entry| entry.split_once('\n')).map(|(_, url)| url);
    let mut kept: Vec<PathBuf> = urls.filter_map(|url| directory(url, base)).collect();
    kept.extend(fenced.common_dir().canonicalize());
    kept.extend(base.canonicalize());
    Ok(Some(kept))
}

/// A repository that is none of those, and no submodule of one: of a test, or a second clone. What
/// happens inside of it is nobody's business.
fn is_elsewhere(repo: &Repo) -> anyhow::Result<bool> {
    let Some(kept) = kept()? else { return Ok(false) };
    let here = repo.common_dir().canonicalize()?;
    // A work tree may have a directory of that name; the repository's own has a HEAD beside it.
    let is_within =
        |kept: &PathBuf| kept.join("HEAD").is_file() && here.starts_with(kept.join("modules"));
    Ok(!kept.contains(&here) && !kept.iter().any(is_within))
}

/// A repository in which commands need not be judged.
#[must_use]
pub fn is_scratch_here(repo: &Repo) -> bool {
    is_elsewhere(repo).unwrap_or(false)
}

/// The same for a repository that is just being made and cannot be opened yet.
#[must_use]
pub fn is_elsewhere_unopened() -> bool {
    let here = env::var("GIT_DIR").and_then(|dir| Path::new(&dir).canonicalize().ok());
    match (kept(), here) {
        (Ok(Some(kept)), Some(here)) => !kept.contains(&here),
        _ => false,
    }
}

/// A push from such a repository to a directory that is none of those either.
fn is_scratch(repo: &Repo, url: &str) -> anyhow::Result<bool> {
    let Some(kept) = kept()? else { return Ok(false) };
    let top = repo.worktree().unwrap_or_else(|| repo.git_dir());
    let Some(there) = directory(url, top) else { return Ok(false) };
    let apart = |kept: &PathBuf| !there.starts_with(kept) && !kept.starts_with(&there);
    Ok(is_elsewhere(repo)? && kept.iter().all(apart))
}

/// The directory that a URL means, when it means one that is there.
fn directory(url: &str, base: &Path) -> Option<PathBuf> {
    let url = url.strip_prefix(fence::SCHEME).unwrap_or(url);
    let path = url.strip_prefix("file://").unwrap_or(url);
    base.join(path).canonicalize().ok().filter(|path| path.is_dir())
}

/// The run of this work tree, as far as the judge needs it.
#[derive(Debug)]
struct Bound {
    run: Run,
    open: Vec<String>,
}

impl Bound {
    /// An error where there is a run that cannot be read: then it is not known what is open.
    fn here(repo: &Repo) -> anyhow::Result<Option<Self>> {
        let Some((id, tip)) = catalog::here(repo)? else { return Ok(None) };
        let run = catalog::present(repo, &id, &tip)?;
        if run.state.is_over() {
            return Ok(None);
        }
        let open = open_gates(&run);
        Ok(Some(Self { run, open }))
    }

    fn during(&self) -> During<'_> {
        During::Run {
            own_branch: &self.run.charter.branch,
            open_gates: &self.open,
            proven: Some(self.run.proven()),
        }
    }
}

/// What the run's workflow still asks for, item by item.
fn open_gates(run: &Run) -> Vec<String> {
    if matches!(run.state, State::Complete) {
        return Vec::new();
    }
    let judges = || run.charter.stages.iter().filter(|stage| stage.back_to.is_some());
    let undone = run.items.iter().filter(|item| !matches!(item.progress, Progress::Done { .. }));
    undone.flat_map(|item| judges().map(|stage| format!("{} of {}", stage.id, item.id))).collect()
}

fn protection(settings: &Settings, bound: Option<&Bound>, defaults: Vec<String>) -> Protection {
    Protection {
        configured: settings.protected.clone(),
        base: bound.map(|bound| bound.run.charter.base.clone()),
        remote_defaults: defaults,
    }
}

/// Every ref of a push, or the first no.
pub fn pre_push(repo: &Repo, remote: &str, url: &str, input: &[u8]) -> Result<(), Denial> {
    let lines = parse_push(input).map_err(|garbled| Denial::new("garbled", garbled.to_string()))?;
    push(repo, remote, url, &lines)
}

/// A push that was judged, ref by ref. Only the judging makes one.
#[derive(Debug)]
pub struct Cleared {
    url: String,
    lines: Vec<PushLine>,
}

impl Cleared {
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn lines(&self) -> &[PushLine] {
        &self.lines
    }
}

/// The permission to push these lines, where there is one.
pub fn clear(
    repo: &Repo,
    remote: &str,
    url: &str,
    lines: Vec<PushLine>,
) -> Result<Cleared, Denial> {
    push(repo, remote, url, &lines)?;
    Ok(Cleared { url: url.to_owned(), lines })
}

fn push(repo: &Repo, remote: &str, url: &str, lines: &[PushLine]) -> Result<(), Denial> {
    if lines.is_empty() {
        return Ok(());
    }
    let who = who();
    let told =
        |error: anyhow::Error| Denial::new("unknown", format!("{error:#}")).next("git run status");
    if who == Who::Agent && is_scratch(repo, url).map_err(told)? {
        return Ok(());
    }
    let settings = Settings::read(repo).map_err(told)?;
    let bound = Bound::here(repo).map_err(told)?;
    let said = match who {
        Who::Agent => Said::by(repo, url).map_err(told)?,
        Who::Person => Said::default(),
    };
    let mut defaults = said.default.clone().into_iter().collect::<Vec<_>>();
    defaults.extend(local_default(repo, remote));
    let protection = protection(&settings, bound.as_ref(), defaults);
    let during = bound.as_ref().map_or(During::NoRun, Bound::during);
    let rules = Rules { protection: &protection, new_tags: settings.new_tags };
    for line in lines {
        let leads_to = said.symbolic(&line.remote);
        let step = Move {
            to: &line.remote,
            leads_to,
            commit: line.new.as_ref(),
            motion: motion(repo, line),
        };
        judge(who, &during, &step, &rules)?;
    }
    Ok(())
}

fn motion(repo: &Repo, line: &PushLine) -> Motion {
    match (&line.old, &line.new) {
        (_, None) => Motion::Delete,
        (_, Some(new)) if !repo.has_object(new) => Motion::Unknown,
        (None, Some(_)) => Motion::Create,
        (Some(old), Some(new)) if old == new => Motion::Forward,
        (Some(old), Some(_)) if !repo.has_object(old) => Motion::Unknown,
        (Some(old), Some(new)) => match repo.survey(old, new) {
            Ok((_, true)) => Motion::Forward,
            Ok((_, false)) => Motion::Rewrite,
            Err(_) => Motion::Unknown,
        },
    }
}

fn local_default(repo: &Repo, remote: &str) -> Option<String> {
    let name = format!("refs/remotes/{remote}/HEAD");
    let target = repo.refs().read_symbolic(&name).ok().flatten()?;
    target.strip_prefix(&format!("refs/remotes/{remote}/")).map(str::to_owned)
}

/// What the remote itself says.
#[derive(Debug, Default)]
struct Said {
    default: Option<String>,
    symbolic: Vec<(String, String)>,
}

impl Said {
    fn by(repo: &Repo, url: &str) -> anyhow::Result<Self> {
        let url = url.strip_prefix(super::fence::SCHEME).unwrap_or(url);
        let words = ["ls-remote", "--symref", "--end-of-options", url];
        let answer = repo.git().network(&words)?;
        anyhow::ensure!(
            answer.status.success(),
            "the remote cannot be asked: {}",
            String::from_utf8_lossy(&answer.stderr).trim()
        );
        let mut said = Self::default();
        for line in String::from_utf8_lossy(&answer.stdout).lines() {
            let Some((target, name)) = line.strip_prefix("ref: ").and_then(|l| l.split_once('\t'))
            else {
                continue;
            };
            if name == "HEAD" {
                said.default = target.strip_prefix("refs/heads/").map(str::to_owned);
            } else {
                said.symbolic.push((name.to_owned(), target.to_owned()));
            }
        }
        Ok(said)
    }

    fn symbolic(&self, name: &str) -> Option<&str> {
        self.symbolic.iter().find(|(from, _)| from == name).map(|(_, to)| to.as_str())
    }
}

/// Refs that an agent would move in this repository, before git moves them.
pub fn transaction(repo: &Repo, state: &str, input: &[u8]) -> Result<(), Denial> {
    // Nothing is decided any more, or not yet.
    if state != "prepared" || who() == Who::Person || is_elsewhere(repo).unwrap_or(false) {
        return Ok(());
    }
    let lines =
        parse_transaction(input).map_err(|garbled| Denial::new("garbled", garbled.to_string()))?;
    let told = |error: anyhow::Error| Denial::new("unknown", format!("{error:#}"));
    let settings = Settings::read(repo).map_err(told)?;
    let bound = Bound::here(repo).map_err(told)?;
    let protection = protection(&settings, bound.as_ref(), Vec::new());
    for line in &lines {
        local(repo, line, &protection)?;
    }
    Ok(())
}

fn local(repo: &Repo, line: &TransactionLine, protection: &Protection) -> Result<(), Denial> {
    let name = line.name.as_str();
    let own = OURS.iter().any(|own| match own.strip_suffix('/') {
        Some(_) => name.starts_with(own),
        None => {
            name == *own
                || name.starts_with(&format!("{own}-"))
                || name.starts_with(&format!("{own}/"))
        }
    });
    let told = |error: anyhow::Error| Denial::new("unknown", format!("{error:#}"));
    let now = repo.refs().read(name).map_err(told)?;
    if is_packing(repo, line, now.as_ref()) {
        return Ok(());
    }
    if own {
        return Err(Denial::new("run-state", format!("`{name}` is written by git-run alone")));
    }
    if name.starts_with("refs/replace/") {
        return Err(Denial::new("replace", "a replaced object hides what really is there"));
    }
    if name.starts_with("refs/tags/") {
        // A new one is harmless here; it is pushing it that starts a release.
        let new = now.is_none() && matches!(line.new, Value::Object(_));
        let what = format!("`{name}` exists: a person moves and deletes tags");
        return if new { Ok(()) } else { Err(Denial::new("tag", what)) };
    }
    if name == "HEAD" && repo.worktree().is_none() && matches!(line.new, Value::Symbolic(_)) {
        return Err(Denial::new("symref", "a person says which branch is a remote's default"));
    }
    let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(()) };
    if let Some(why) = crate::domain::ice::name::unfit(branch) {
        return Err(Denial::new("name", format!("`{}` is no name: {why}", branch.escape_debug())));
    }
    match &line.new {
        Value::Symbolic(_) => {
            Err(Denial::new("symref", format!("`{branch}` would be another name of a branch")))
        }
        Value::Zero => Err(Denial::new("delete", format!("`{branch}` would be deleted"))
            .next("a person deletes and renames branches")),
        Value::Object(new) => match branch_is_free(branch, protection) {
            Ok(()) => Ok(()),
            Err(_) if catches_up(repo, branch, now.as_ref(), new) => Ok(()),
            Err(denial) => Err(denial),
        },
    }
}

/// A protected branch may become what the remote's has been seen to be.
fn catches_up(repo: &Repo, branch: &str, now: Option<&Oid>, new: &Oid) -> bool {
    let Ok(remotes) = repo.refs().list("refs/remotes/") else { return false };
    let ahead = now.is_none_or(|now| repo.survey(now, new).is_ok_and(|(_, forward)| forward));
    ahead
        && remotes.iter().any(|(name, there)| {
            name.strip_prefix("refs/remotes/")
                .and_then(|rest| rest.split_once('/'))
                .is_some_and(|(_, theirs)| theirs == branch)
                && repo.survey(new, there).is_ok_and(|(_, contains)| contains)
        })
}

/// `git pack-refs` looks like writing what is there, and then like deleting it.
fn is_packing(repo: &Repo, line: &TransactionLine, now: Option<&Oid>) -> bool {
    match (&line.new, now) {
        (Value::Object(new), Some(now)) if new == now => true,
        (Value::Zero, Some(now)) => {
            let common = repo.common_dir();
            let deleting = common.join("packed-refs.lock").exists();
            !deleting && packed(common, &line.name).as_deref() == Some(now.as_str())
        }
        _ => false,
    }
}

fn packed(common: &Path, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(common.join("packed-refs")).ok()?;
    text.lines().find_map(|line| {
        let (id, found) = line.split_once(' ')?;
        (found == name).then(|| id.to_owned())
    })
}

/// A commit, merge or rebase on the branch that is checked out.
pub fn on_this_branch(repo: &Repo) -> Result<(), Denial> {
    if who() == Who::Person || is_elsewhere(repo).unwrap_or(false) {
        return Ok(());
    }
    let told = |error: anyhow::Error| Denial::new("unknown", format!("{error:#}"));
    let Some(branch) = repo.head().map_err(told)?.branch else { return Ok(()) };
    let settings = Settings::read(repo).map_err(told)?;
    let bound = Bound::here(repo).map_err(told)?;
    branch_is_free(&branch, &protection(&settings, bound.as_ref(), Vec::new()))
}
