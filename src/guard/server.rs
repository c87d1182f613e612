//! What a server's hooks ask: every ref of a push, with facts from the repository and from what the
//! push has brought. The same for a range of commits, where there is no hook to ask.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};

use super::scope;
use crate::{
    config::settings::Settings,
    domain::{
        ice::{
            claim,
            denial::Denial,
            judge::{Motion, Who},
            name::Protection,
            push_line::{ReceivedLine, parse_received},
            server::{
                Arrival, Claim, Found, Journal, Place, Policy, Tie, judge, judge_number, place,
            },
        },
        id::{Oid, RunId},
        run::Run,
    },
    git::{Repo, worktree::COMMIT_BYTES_MAX},
    store::{
        history::{self, NewerVersion},
        layout::{self, NOTES, RUNS},
        received,
    },
};

/// How far a symbolic ref is followed.
const SYMBOLIC_MAX: usize = 5;

/// One ref, and what the server says to it.
#[derive(Debug)]
pub struct Judged {
    pub name: String,
    pub verdict: Result<(), Denial>,
}

/// Every ref of a push that arrives here.
pub fn receive(repo: &Repo, input: &[u8]) -> anyhow::Result<Vec<Judged>> {
    let lines = parse_received(input)?;
    let agent = scope::who() == Who::Agent && !scope::is_scratch_here(repo);
    every(repo, &lines, policy(repo, repo.head()?.branch.into_iter().collect(), agent)?, true)
}

/// What the server would say to these refs; here may be it, or a clone of it.
pub fn would_receive(repo: &Repo, lines: &[ReceivedLine]) -> anyhow::Result<Vec<Judged>> {
    let on_server = repo.worktree().is_none();
    let defaults = if on_server {
        repo.head()?.branch.into_iter().collect()
    } else {
        defaults_of_remotes(repo)?
    };
    every(repo, lines, policy(repo, defaults, false)?, on_server)
}

fn every(
    repo: &Repo,
    lines: &[ReceivedLine],
    (policy, most): (Policy, u32),
    on_server: bool,
) -> anyhow::Result<Vec<Judged>> {
    let mut look = Look::new(repo, lines, &policy, most, on_server)?;
    lines.iter().map(|line| look.judged(line)).collect()
}

/// The commits of a range, as if they were merged onto a branch.
pub fn merge(repo: &Repo, old: &Oid, new: &Oid, onto: &str) -> anyhow::Result<Judged> {
    let (policy, most) = policy(repo, defaults_of_remotes(repo)?, false)?;
    // Who may merge is for the server to say.
    let policy = Policy { strict: false, ..policy };
    let name = format!("refs/heads/{onto}");
    let mut look = Look::new(repo, &[], &policy, most, false)?;
    let found = match place(&name, &policy) {
        Ok(Place::Protected(_)) => look.work(new, std::slice::from_ref(old))?,
        Ok(_) | Err(_) => Found::Nothing,
    };
    let arrival =
        Arrival { name: &name, leads_to: None, commit: Some(new), motion: Motion::Forward, found };
    Ok(Judged { verdict: judge(&arrival, &policy), name: name.clone() })
}

fn defaults_of_remotes(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let mut defaults = Vec::new();
    for (name, _) in repo.refs().list("refs/remotes/")? {
        let Some(remote) = name.strip_suffix("HEAD").filter(|rest| rest.ends_with('/')) else {
            continue;
        };
        let target = repo.refs().read_symbolic(&name)?;
        defaults.extend(target.and_then(|to| to.strip_prefix(remote).map(str::to_owned)));
    }
    Ok(defaults)
}

fn policy(repo: &Repo, defaults: Vec<String>, agent: bool) -> anyhow::Result<(Policy, u32)> {
    let mut settings = Settings::read(repo)?;
    for base in &defaults {
        settings.tighten(repo, base)?;
    }
    let protection =
        Protection { configured: settings.protected, base: None, remote_defaults: defaults };
    let strict = settings.server.strict;
    let policy = Policy { protection, strict, agent, new_tags: settings.new_tags };
    Ok((policy, settings.server.commits_max))
}

/// What one push is judged with. Nothing is looked at twice.
struct Look<'r> {
    repo: &'r Repo,
    policy: &'r Policy,
    most: u32,
    left: u32,
    /// The journals that this push brings.
    brought: BTreeMap<RunId, Oid>,
    /// The notes that are here, and those that it brings.
    notes: Vec<Oid>,
    /// Where the protected branches are now: what they hold was judged before.
    judged: Vec<Oid>,
    journals: BTreeMap<RunId, (Journal, Option<Run>)>,
    too_many: Option<Denial>,
}

impl<'r> Look<'r> {
    fn new(
        repo: &'r Repo,
        lines: &[ReceivedLine],
        policy: &'r Policy,
        most: u32,
        on_server: bool,
    ) -> anyhow::Result<Self> {
        let brought = lines
            .iter()
            .filter_map(|line| Some((layout::run_of_journal(&line.name)?, line.new.clone()?)));
        let noted = lines.iter().filter(|line| line.name == NOTES);
        let mut notes: Vec<Oid> = noted.filter_map(|line| line.new.clone()).collect();
        notes.extend(repo.refs().read(NOTES)?);
        let run_refs = lines.iter().filter(|line| is_of_runs(&line.name)).count();
        // What a clone has on a branch of that name, nobody has judged.
        let branches = if on_server { repo.refs().list("refs/heads/")? } else { Vec::new() };
        let judged = branches
            .into_iter()
            .filter(|(name, _)| matches!(place(name, policy), Ok(Place::Protected(_))))
            .map(|(_, tip)| tip);
        Ok(Self {
            repo,
            policy,
            most,
            left: most,
            brought: brought.collect(),
            notes,
            judged: judged.collect(),
            journals: BTreeMap::new(),
            too_many: judge_number(run_refs).err(),
        })
    }

    fn judged(&mut self, line: &ReceivedLine) -> anyhow::Result<Judged> {
        let name = line.name.clone();
        let many = self.too_many.clone().filter(|_| is_of_runs(&name));
        let verdict = match many {
            Some(denial) => Err(denial),
            None => {
                let leads_to = leads_to(self.repo, &name)?;
                let place = place(&name, self.policy).unwrap_or(Place::Free);
                let motion = self.motion(line, &place)?;
                let found = self.found(line, &place, motion)?;
                let arrival = Arrival {
                    name: &name,
                    leads_to: leads_to.as_deref(),
                    commit: line.new.as_ref(),
                    motion,
                    found,
                };
                judge(&arrival, self.policy)
            }
        };
        Ok(Judged { name, verdict })
    }

    fn motion(&self, line: &ReceivedLine, place: &Place) -> anyhow::Result<Motion> {
        let matters = self.policy.agent || *place != Place::Free;
        Ok(match (&line.old, &line.new) {
            (_, None) => Motion::Delete,
            (None, Some(_)) => Motion::Create,
            (Some(old), Some(new)) if !matters || old == new => Motion::Forward,
            // A tag of an object is no commit, and has no history.
            (Some(old), Some(new)) => match self.repo.is_ancestor(old, new) {
                Ok(true) => Motion::Forward,
                Ok(false) if self.repo.is_shallow() => Motion::Unknown,
                Ok(false) => Motion::Rewrite,
                Err(_) => Motion::Unknown,
            },
        })
    }

    fn found(
        &mut self,
        line: &ReceivedLine,
        place: &Place,
        motion: Motion,
    ) -> anyhow::Result<Found> {
        let Some(new) = &line.new else { return Ok(Found::Nothing) };
        // What is refused for its motion is not worth the work.
        if !matches!(motion, Motion::Create | Motion::Forward) && !matches!(place, Place::Kept(..))
        {
            return Ok(Found::Nothing);
        }
        let checked = match place {
            Place::Free => return Ok(Found::Nothing),
            Place::Protected(_) if self.policy.strict => return Ok(Found::Nothing),
            Place::Protected(_) => {
                let mut known = self.judged.clone();
                known.extend(line.old.clone());
                return self.work(new, &known);
            }
            Place::Journal(run) => {
                return Ok(match self.journal_of(run) {
                    (Journal::Unfinished(_) | Journal::Complete, _) => Found::Sound,
                    (Journal::Unreadable(why), _) => Found::Unsound(why),
                    (Journal::Newer, _) => {
                        Found::Unsound("a newer git-run has written it".to_owned())
                    }
                    (Journal::Missing, _) => Found::Nothing,
                });
            }
            Place::Kept(run, leaf) => received::check_leaf(self.repo, run, *leaf, new),
            Place::Notes => received::check_notes(self.repo, new),
        };
        Ok(match checked {
            Ok(()) => Found::Sound,
            Err(error) => Found::Unsound(format!("{error:#}")),
        })
    }

    /// What of the new commits is of runs, and how it stands to their journals.
    fn work(&mut self, new: &Oid, known: &[Oid]) -> anyhow::Result<Found> {
        ensure!(!self.repo.is_shallow(), "the history here is cut off: git fetch --unshallow");
        let commits = self.repo.commits_beyond(new, known, self.left.saturating_add(1))?;
        let count = u32::try_from(commits.len()).unwrap_or(u32::MAX);
        let Some(left) = self.left.checked_sub(count) else {
            return Ok(Found::TooMuch { most: self.most });
        };
        self.left = left;
        let mut claimed: BTreeMap<Option<RunId>, Vec<(Oid, usize)>> = BTreeMap::new();
        for id in commits {
            let commit = self.repo.read_commit(&id, COMMIT_BYTES_MAX)?;
            let mut runs = claim::runs_named(&String::from_utf8_lossy(&commit.message));
            for notes in &self.notes {
                let noted = received::runs_noted(self.repo, notes, &id);
                runs.extend(noted.with_context(|| format!("the note on {}", id.short()))?);
            }
            for run in runs.into_iter().collect::<BTreeSet<_>>() {
                claimed.entry(run).or_default().push((id.clone(), commit.parents.len()));
            }
        }
        let mut claims = Vec::new();
        for (run, commits) in claimed {
            claims.extend(self.claims(run.as_ref(), commits, new)?);
        }
        Ok(Found::Work(claims))
    }

    /// The commits of one run. Whose journal says no, one of them is enough to say so.
    fn claims(
        &mut self,
        run: Option<&RunId>,
        commits: Vec<(Oid, usize)>,
        new: &Oid,
    ) -> anyhow::Result<Vec<Claim>> {
        let (journal, told) = match run {
            Some(run) => self.journal_of(run),
            None => (Journal::Missing, None),
        };
        let proven = told.as_ref().map(Run::proven).filter(|id| self.repo.has_object(id));
        let on_top = match proven {
            Some(proven) => self.repo.commits_on_top(proven, new)?,
            None => Vec::new(),
        };
        let on_top: BTreeSet<Oid> = on_top.into_iter().collect();
        let complete = journal == Journal::Complete;
        let claims = commits.into_iter().map(|(commit, parents)| {
            // A merge has what was proven among its parents, and is what it was proven for.
            let after = parents < 2 && on_top.contains(&commit);
            let tie = if after { Tie::After } else { Tie::Proven };
            Claim { commit, run: run.cloned(), journal: journal.clone(), tie }
        });
        let most = if complete { usize::MAX } else { 1 };
        Ok(claims.take(most).collect())
    }

    /// A run's journal as it will be here: the one that the push brings, or else the one that is here.
    fn journal_of(&mut self, run: &RunId) -> (Journal, Option<Run>) {
        if let Some(known) = self.journals.get(run) {
            return known.clone();
        }
        let found = match self.brought.get(run) {
            Some(tip) => Ok(Some(tip.clone())),
            None => self.repo.refs().read(&layout::journal(run)),
        };
        let journal = match found {
            Err(error) => (Journal::Unreadable(format!("{error:#}")), None),
            Ok(None) => (Journal::Missing, None),
            Ok(Some(tip)) => self.verified(run, tip),
        };
        self.journals.insert(run.clone(), journal.clone());
        journal
    }

    fn verified(&mut self, run: &RunId, tip: Oid) -> (Journal, Option<Run>) {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        match history::verify_at(self.repo, run, tip, most) {
            Ok(found) => {
                self.left = self.left.saturating_sub(found.appends.try_into().unwrap_or(u32::MAX));
                (Journal::of(&found.run), Some(found.run))
            }
            Err(error) if error.chain().any(|cause| cause.is::<NewerVersion>()) => {
                (Journal::Newer, None)
            }
            Err(error) => (Journal::Unreadable(format!("{error:#}")), None),
        }
    }
}

fn is_of_runs(name: &str) -> bool {
    name.starts_with(RUNS) || name.starts_with(NOTES)
}

/// Where a symbolic ref ends, when this is one.
fn leads_to(repo: &Repo, name: &str) -> anyhow::Result<Option<String>> {
    let mut found = None;
    let mut name = name.to_owned();
    for _ in 0..SYMBOLIC_MAX {
        // git looks at such a name only after its hooks have.
        if name.contains("..") {
            break;
        }
        let Some(target) = repo.refs().read_symbolic(&name)? else { break };
        name.clone_from(&target);
        found = Some(target);
    }
    Ok(found)
}
