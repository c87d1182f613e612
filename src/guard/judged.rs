//! What git's hooks ask: judged with facts from this repository and, for agents, from the remote.
//!
//! Nothing that cannot be found out is taken for harmless.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use gix::bstr::ByteSlice as _;

use crate::{
    config::settings::Settings,
    domain::{
        ice::{
            denial::Denial,
            judge::{During, Motion, Move, Rules, Who, branch_is_free, judge},
            ledger::Layer,
            name::Protection,
            push_line::{PushLine, TransactionLine, Value, parse_push, parse_transaction},
        },
        id::{Oid, RunId},
        run::Run,
    },
    git::Repo,
    guard::{fence, ledger},
    process::{ancestry, env},
    store::catalog,
};

/// Refs of which only this program moves any.
const OURS: [&str; 4] = ["refs/run/", "refs/notes/run", "refs/worktree/run", "refs/run-remote/"];

/// Who asks: inside of an agent's environment, and below anything that is inside, it is an agent,
/// whatever it says and whatever it forgot.
#[must_use]
pub fn who() -> Who {
    static WHO: OnceLock<Who> = OnceLock::new();
    let look = || match ancestry::is_below(&["GIT_RUN_AGENT", env::FENCE]) {
        true => Who::Agent,
        false => Who::Person,
    };
    *WHO.get_or_init(look)
}

/// The directories that agents here are kept from harming: the fenced repository, its work tree, and
/// the remotes of it that are directories. Nothing outside of a fence.
fn kept() -> anyhow::Result<Option<Vec<PathBuf>>> {
    let Some(fenced) = ancestry::outermost(fence::FENCED) else { return Ok(None) };
    let fenced = Repo::at(Path::new(&fenced))?;
    let base = fenced.worktree().unwrap_or_else(|| fenced.git_dir());
    let mut kept = Vec::new();
    for section in
        fenced.gix().config_snapshot().plumbing().sections_by_name("remote").into_iter().flatten()
    {
        let body = section.body();
        for url in ["url", "pushurl"].into_iter().flat_map(|key| body.values(key)) {
            kept.extend(directory(&url.to_str_lossy(), base));
        }
    }
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

/// Every remote with each URL that it pushes to.
pub fn remotes(repo: &Repo) -> anyhow::Result<Vec<(String, String)>> {
    let git = repo.git();
    let names = git.output(&["remote"])?;
    let mut all = Vec::new();
    for name in String::from_utf8_lossy(&names).lines() {
        let urls = git.output(&["remote", "get-url", "--push", "--all", name])?;
        let urls = String::from_utf8_lossy(&urls).into_owned();
        all.extend(urls.lines().map(|url| (name.to_owned(), url.to_owned())));
    }
    Ok(all)
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

/// A push of an agent that is nobody's business.
fn is_free(repo: &Repo, url: &str) -> bool {
    who() == Who::Agent && is_scratch(repo, url).unwrap_or(false)
}

/// The directory that a URL means, when it means one that is there.
pub(super) fn directory(url: &str, base: &Path) -> Option<PathBuf> {
    let url = url.strip_prefix(fence::SCHEME).unwrap_or(url);
    let path = url.strip_prefix("file://").unwrap_or(url);
    base.join(path).canonicalize().ok().filter(|path| path.is_dir())
}

/// The run of this work tree, as far as the judge needs it.
#[derive(Debug)]
struct Bound {
    run: Run,
}

impl Bound {
    /// An error where there is a run that cannot be read: then it is not known what is open.
    fn here(repo: &Repo) -> anyhow::Result<Option<Self>> {
        let Some((id, tip)) = catalog::here(repo)? else { return Ok(None) };
        let run = catalog::present(repo, &id, &tip)?;
        Ok((!run.state.is_over()).then_some(Self { run }))
    }
}

/// The runs that a push can be about: the one of this work tree, and those that claim a branch.
#[derive(Debug)]
struct Runs {
    here: Option<Bound>,
    /// Those that claim a branch that is pushed.
    claims: Vec<Run>,
    /// The branch of a run of this work tree whose journal is gone.
    lost: Option<(RunId, String)>,
    /// What this clone calls itself.
    clone: Option<String>,
}

impl Runs {
    fn about(repo: &Repo, lines: &[PushLine], here: Option<Bound>) -> anyhow::Result<Self> {
        let branches: BTreeSet<_> =
            lines.iter().filter_map(|line| line.remote.strip_prefix("refs/heads/")).collect();
        let claims = catalog::claiming(repo, &branches)?;
        let (lost, clone) = (catalog::lost_here(repo)?, repo.clone_name());
        Ok(Self { here, claims, lost, clone })
    }

    /// The run that has a say in a push to this branch. More than one, or one that cannot be
    /// understood, and nobody may push it.
    fn of(&self, who: Who, branch: &str) -> Result<Option<&Run>, Denial> {
        let owners: Vec<_> =
            self.claims.iter().filter(|run| run.charter.branch == branch).collect();
        if let [one, other, ..] = owners.as_slice() {
            return Err(claimed(branch, &one.charter.run, &other.charter.run));
        }
        if let Some((id, lost)) = &self.lost
            && (who == Who::Agent || lost == branch)
        {
            return Err(Denial::new("journal", format!("the journal of run `{id}` is gone"))
                .next(format!("git fetch <remote> refs/run/{id}/journal:refs/run/{id}/journal")));
        }
        let here = self.here.as_ref().map(|bound| &bound.run);
        let run = match who {
            Who::Agent => here.or(owners.first().copied()),
            Who::Person => owners.first().copied().or(here),
        };
        match run {
            Some(run) if run.newer && (who == Who::Agent || run.charter.branch == branch) => {
                Err(newer(&run.charter.run))
            }
            Some(run)
                if !run.is_at_home(self.clone.as_deref())
                    && (who == Who::Agent || run.charter.branch == branch) =>
            {
                Err(away(run))
            }
            found => Ok(found),
        }
    }
}

/// What is set, and the run of this work tree with what the team agreed on for its base.
fn here(repo: &Repo) -> anyhow::Result<(Settings, Option<Bound>)> {
    let mut settings = Settings::read(repo)?;
    let bound = Bound::here(repo)?;
    if let Some(bound) = &bound {
        settings.tighten(repo, &bound.run.charter.base)?;
    }
    Ok((settings, bound))
}

#[must_use]
pub(super) fn claimed(branch: &str, one: &RunId, other: &RunId) -> Denial {
    let branch: String = branch.chars().flat_map(char::escape_debug).collect();
    Denial::new("claimed", format!("runs `{one}` and `{other}` both claim `{branch}`"))
        .next(format!("git run halt {other} --force gives one of them up"))
}

/// What another clone took over goes on there, and is answered for there.
#[must_use]
pub fn away(run: &Run) -> Denial {
    let (id, place) = (&run.charter.run, run.worktree());
    let what = format!("run `{id}` was taken over by another clone, in `{place}`");
    Denial::new("away", what).next(format!("git run adopt {id} takes it back"))
}

#[must_use]
pub fn newer(run: &RunId) -> Denial {
    let what = format!("the journal of run `{run}` was written by a newer version of git-run");
    Denial::new("newer", what).next("update git-run, and then the same again")
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
    push(repo, remote, url, &lines)?;
    // What goes through our push helper gets its receipt there.
    if url.starts_with(fence::SCHEME) || is_free(repo, url) {
        return Ok(());
    }
    ledger::cleared(repo, Layer::PrePush, url, &lines)
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
    if !is_free(repo, url) {
        ledger::cleared(repo, Layer::Helper, url, &lines)?;
    }
    Ok(Cleared { url: url.to_owned(), lines })
}

/// The same, as strictly as an agent's push is judged, whoever asks and wherever.
pub fn clear_for_agents(
    repo: &Repo,
    remote: &str,
    url: &str,
    lines: Vec<PushLine>,
) -> Result<Cleared, Denial> {
    push_by(Who::Agent, repo, remote, url, &lines)?;
    ledger::cleared(repo, Layer::Verb, url, &lines)?;
    Ok(Cleared { url: url.to_owned(), lines })
}

fn push(repo: &Repo, remote: &str, url: &str, lines: &[PushLine]) -> Result<(), Denial> {
    if lines.is_empty() {
        return Ok(());
    }
    let who = who();
    if who == Who::Agent && is_scratch(repo, url).map_err(told)? {
        return Ok(());
    }
    push_by(who, repo, remote, url, lines)
}

fn told(error: anyhow::Error) -> Denial {
    Denial::new("unknown", format!("{error:#}")).next("git run status")
}

fn push_by(
    who: Who,
    repo: &Repo,
    remote: &str,
    url: &str,
    lines: &[PushLine],
) -> Result<(), Denial> {
    let (settings, bound) = here(repo).map_err(told)?;
    let runs = Runs::about(repo, lines, bound).map_err(told)?;
    let said = match who {
        Who::Agent => Said::by(repo, url).map_err(told)?,
        Who::Person => Said::default(),
    };
    let mut defaults = said.default.clone().into_iter().collect::<Vec<_>>();
    defaults.extend(local_default(repo, remote));
    let protection = protection(&settings, runs.here.as_ref(), defaults);
    let rules = Rules { protection: &protection, new_tags: settings.new_tags };
    for line in lines {
        let leads_to = said.symbolic(&line.remote);
        let branch = line.remote.strip_prefix("refs/heads/").unwrap_or_default();
        let run = runs.of(who, branch)?;
        // Of people it matters only where a run has a say.
        let has_a_say = run.is_some_and(|run| run.charter.branch == branch);
        let motion =
            if who == Who::Agent || has_a_say { motion(repo, line) } else { Motion::Unknown };
        let step = Move { to: &line.remote, leads_to, commit: line.new.as_ref(), motion };
        let open = run.map_or_else(Vec::new, |run| open_gates(run, line, motion));
        let during = run.map_or(During::NoRun, |run| During::Run {
            own_branch: &run.charter.branch,
            open_gates: &open,
            proven: Some(run.proven()),
        });
        judge(who, &during, &step, &rules)?;
    }
    Ok(())
}

/// What is open for what is pushed. No override helps what would drop or delete anything.
fn open_gates(run: &Run, line: &PushLine, motion: Motion) -> Vec<String> {
    let commit = match motion {
        Motion::Create | Motion::Forward => line.new.as_ref(),
        Motion::Rewrite | Motion::Delete | Motion::Unknown => None,
    };
    run.open_gates(commit).iter().map(ToString::to_string).collect()
}

fn motion(repo: &Repo, line: &PushLine) -> Motion {
    motion_between(repo, line.old.as_ref(), line.new.as_ref())
}

/// What becomes of a ref that is at `old` and shall be at `new`, as far as this clone has the commits.
#[must_use]
pub fn motion_between(repo: &Repo, old: Option<&Oid>, new: Option<&Oid>) -> Motion {
    match (old, new) {
        (_, None) => Motion::Delete,
        (_, Some(new)) if !repo.has_object(new) => Motion::Unknown,
        (None, Some(_)) => Motion::Create,
        (Some(old), Some(new)) if old == new => Motion::Forward,
        (Some(old), Some(_)) if !repo.has_object(old) => Motion::Unknown,
        (Some(old), Some(new)) => match repo.is_ancestor(old, new) {
            Ok(true) => Motion::Forward,
            Ok(false) => Motion::Rewrite,
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
    let (settings, bound) = here(repo).map_err(told)?;
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
    if name == fence::STASH && line.new == Value::Zero && fence::holds_stash(repo) {
        return Err(Denial::new("unsaved", "what was stashed before the agent came would be lost"));
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
    let (settings, bound) = here(repo).map_err(told)?;
    branch_is_free(&branch, &protection(&settings, bound.as_ref(), Vec::new()))
}
