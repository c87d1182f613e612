//! Pushes, judged with facts from this repository and, for agents, from the remote.
//!
//! Nothing that cannot be found out is taken for harmless.

use super::{
    bound::{Runs, here, protection},
    fence, ledger,
    scope::{is_free, is_scratch, who},
    vouched,
};
use crate::{
    domain::{
        ice::{
            denial::Denial,
            judge::{During, Motion, Move, Rules, Who, gates, judge, shown},
            ledger::Layer,
            push_line::{PushLine, parse_push},
        },
        id::Oid,
        run::Run,
    },
    git::Repo,
};

/// Where this program keeps what it knows; none of it is anybody's work.
const OWN_PLACES: [&str; 2] = ["refs/run/", "refs/notes/"];

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

/// What could not be found out.
pub(super) fn told(error: anyhow::Error) -> Denial {
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
        if let Some(new) = line.new.as_ref().filter(|new| !repo.has_object(new)) {
            let what = format!("object {} is not in this repository", new.short());
            return Err(Denial::new("unknown", what));
        }
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
        if who == Who::Person && !has_a_say {
            under_another_name(repo, &runs, line)?;
        }
        if let Some(run) = run.filter(|_| has_a_say) {
            vouched::words(repo, &run.charter.run)?;
        }
    }
    Ok(())
}

/// What holds a run's branch back holds its commits back, whatever they are called at the remote.
fn under_another_name(repo: &Repo, runs: &Runs, line: &PushLine) -> Result<(), Denial> {
    let Some(new) = &line.new else { return Ok(()) };
    if OWN_PLACES.iter().any(|place| line.remote.starts_with(place)) {
        return Ok(());
    }
    for run in runs.behind(line) {
        // What cannot be told is no reason to let it leave.
        if !carries(repo, run, new).unwrap_or(true) {
            continue;
        }
        vouched::words(repo, &run.charter.run)?;
        // What people build on finished work is theirs.
        let open = if run.all_done() { Vec::new() } else { run.open_gates(Some(new)) };
        let open: Vec<_> = open.iter().map(ToString::to_string).collect();
        gates(&open).map_err(|denial| {
            let (name, branch) = (shown(&line.remote), &run.charter.branch);
            let reason = format!("`{name}` would hold work of `{branch}`: {}", denial.reason);
            Denial { reason, ..denial }
        })?;
    }
    Ok(())
}

/// Whether a commit has any that the run's branch has beyond what it was built on, and beyond what the
/// remotes' base branches have.
fn carries(repo: &Repo, run: &Run, commit: &Oid) -> anyhow::Result<bool> {
    let Some(commit) = repo.peeled_to_commit(commit)? else { return Ok(false) };
    let (branch, base) = (&run.charter.branch, format!("/{}", run.charter.base));
    let mut known = vec![run.charter.start.clone()];
    let remotes = repo.refs().list("refs/remotes/")?.into_iter();
    known.extend(remotes.filter(|(name, _)| name.ends_with(&base)).map(|(_, id)| id));
    let tip = repo.refs().read(&format!("refs/heads/{branch}"))?;
    let own = repo.ids_between(tip.as_ref().unwrap_or(&run.head), &known)?;
    Ok(!own.is_empty() && !own.is_disjoint(&repo.ids_between(&commit, &known)?))
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
        let mut said = Self::default();
        for line in repo.list_there(url, &[])?.lines() {
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
