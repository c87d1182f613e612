//! Fetching runs: names first, then exactly what is new, then a look at it, and only then a ref. Nothing
//! of one's own is written over, and what does not verify is used for nothing.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};

use super::stand::{self, Known};
use crate::{
    domain::{
        event::Event,
        id::{Oid, RemoteId, RunId},
        share::{LISTED_MAX, Listing, NEW_REFS_MAX, Part, Stand},
    },
    git::Repo,
    guard::share,
    process::{alive, clock, fault},
    store::{
        catalog, history,
        hold::{HoldError, RunHold},
        layout::{self, NOTES},
        notes::{self, Merged},
        received,
    },
};

/// Appends that are looked at for one fetch.
const APPENDS_MAX: usize = 200_000;
/// How often what git refuses as a whole is fetched again in halves, to find what it refuses.
const HALVES_MAX: usize = 60;
/// Journals of one run that a remote may replace before nothing more is followed.
const REWRITTEN_MAX: usize = 8;

/// Journals of one remote that are put aside before nothing strange is taken from it any more.
const QUARANTINED_MAX: usize = 2000;

/// What to fetch.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// One run; else all.
    pub run: Option<RunId>,
    pub checkpoints: bool,
    pub transcripts: bool,
}

impl Wanted {
    #[must_use]
    pub fn parts(&self) -> BTreeSet<Part> {
        let mut parts = BTreeSet::from([Part::Journal, Part::Lease]);
        parts.extend(self.checkpoints.then_some(Part::Checkpoints));
        parts.extend(self.transcripts.then_some(Part::Transcripts));
        parts
    }
}

/// What became of one run's journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    New,
    /// The copy of what is there went forward.
    Forward,
    /// One's own went forward to what is there.
    Taken(u64),
    /// It is ahead there, and was left.
    Behind {
        count: u64,
        why: String,
    },
    Diverged {
        here: Oid,
        there: Oid,
    },
    /// It is another history there than before; the old one is kept under this name.
    Rewritten {
        kept: String,
    },
    Quarantined {
        why: String,
    },
}

impl News {
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Forward => "forward",
            Self::Taken(_) => "taken",
            Self::Behind { .. } => "behind",
            Self::Diverged { .. } => "diverged",
            Self::Rewritten { .. } => "rewritten",
            Self::Quarantined { .. } => "quarantined",
        }
    }
}

#[derive(Debug, Default)]
pub struct Fetched {
    pub runs: Vec<(RunId, News)>,
    pub notes: Option<Merged>,
    /// Notes that were not merged, and why.
    pub notes_left: Option<String>,
    /// Refs that are new there and did not come this time.
    pub more: usize,
    /// So many journals there do not verify that only known runs were fetched.
    pub flooded: bool,
    /// Names there that are none of ours.
    pub passed_over: usize,
}

/// Fetches what is new.
pub fn fetch(repo: &Repo, remote: &RemoteId, wanted: &Wanted) -> anyhow::Result<Fetched> {
    let url = share::url(repo, remote.as_str(), false)?;
    let listing = list(repo, &url, wanted)?;
    Visit { repo, remote, url, known: Known::of(repo, remote)?, left: APPENDS_MAX }
        .all(&listing, wanted)
}

/// What is there, asked for once.
pub fn list(repo: &Repo, url: &str, wanted: &Wanted) -> anyhow::Result<Listing> {
    let text = match &wanted.run {
        Some(run) => {
            let names: Vec<_> = Part::ALL.iter().map(|part| part.at(run)).collect();
            repo.list_there(url, &names.iter().map(String::as_str).collect::<Vec<_>>())?
        }
        None => repo.list_there(url, &["refs/run/*", NOTES])?,
    };
    let listing = Listing::parse(&text);
    ensure!(listing.parts.len() < LISTED_MAX, "the remote has more than {LISTED_MAX} refs of runs");
    Ok(listing)
}

struct Visit<'r> {
    repo: &'r Repo,
    remote: &'r RemoteId,
    url: String,
    known: Known,
    /// Appends that may still be looked at.
    left: usize,
}

impl Visit<'_> {
    fn all(mut self, listing: &Listing, wanted: &Wanted) -> anyhow::Result<Fetched> {
        let own: BTreeSet<_> = catalog::runs(self.repo)?.into_iter().map(|(run, _)| run).collect();
        let (parts, mut new) = (wanted.parts(), Vec::new());
        for ((run, part), id) in listing.parts.iter().filter(|((_, part), _)| parts.contains(part))
        {
            let same = self.known.parts.get(&(run.clone(), *part)) == Some(id);
            let seen = *part == Part::Journal && self.known.quarantined.get(run) == Some(id);
            if same && *part == Part::Journal {
                self.release(run)?;
            }
            if !same && !seen {
                new.push((run.clone(), *part, id.clone()));
            }
        }
        // What is known first: a flood of new names keeps nobody from the runs that matter.
        let strange = |run: &RunId| !own.contains(run) && self.known.journal(run).is_none();
        new.sort_by_key(|(run, part, _)| (strange(run), run.clone(), *part));
        // Who sends so much that is none of ours gets no room for more; what is known, and what is named,
        // comes all the same.
        let flooded = QUARANTINED_MAX <= self.known.quarantined.len() && wanted.run.is_none();
        if flooded {
            new.retain(|(run, _, _)| !strange(run));
        }
        let more = new.len().saturating_sub(NEW_REFS_MAX);
        new.truncate(NEW_REFS_MAX);
        let passed_over = listing.passed_over;
        let mut fetched = Fetched { more, flooded, passed_over, ..Fetched::default() };
        let mut names: Vec<_> = new.iter().map(|(run, part, _)| part.at(run)).collect();
        let notes = listing.notes.as_ref().filter(|_| wanted.run.is_none());
        names.extend(notes.map(|_| NOTES.to_owned()));
        let mut halves = 0;
        let failed = self.bring(&names, &mut halves)?;
        fault::point("share-fetched");
        for (run, part, id) in &new {
            let refused = failed.iter().find(|(name, _)| *name == part.at(run));
            let why = refused.map(|(_, why)| why.as_str());
            if let Some(news) = self.one(run, *part, id, why)? {
                fetched.runs.push((run.clone(), news));
            }
        }
        self.follow(&own, wanted, &mut fetched)?;
        if let Some(tip) = notes {
            let refused = failed.iter().find(|(name, _)| name == NOTES).map(|(_, why)| why.clone());
            let merged = match refused {
                Some(why) => Err(anyhow::anyhow!(why)),
                None => self.merge_notes(tip),
            };
            match merged {
                Ok(merged) => fetched.notes = merged,
                Err(error) => fetched.notes_left = Some(format!("{error:#}")),
            }
        }
        Ok(fetched)
    }

    /// Fetches all of them; where git refuses, halves of them, until it is told which it is. Returns what
    /// did not come, and why.
    fn bring(&self, names: &[String], halves: &mut usize) -> anyhow::Result<Vec<(String, String)>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let Err(why) = self.repo.fetch_objects(&self.url, names)? else { return Ok(Vec::new()) };
        *halves += 1;
        if names.len() == 1 || HALVES_MAX <= *halves {
            return Ok(names.iter().map(|name| (name.clone(), why.clone())).collect());
        }
        let (first, second) = names.split_at(names.len() / 2);
        let mut failed = self.bring(first, halves)?;
        failed.extend(self.bring(second, halves)?);
        Ok(failed)
    }

    fn one(
        &mut self,
        run: &RunId,
        part: Part,
        id: &Oid,
        refused: Option<&str>,
    ) -> anyhow::Result<Option<News>> {
        let sound = match refused {
            Some(why) => Err(anyhow::anyhow!("{why}")),
            None if !self.repo.has_object(id) => {
                Err(anyhow::anyhow!("it moved while it was fetched"))
            }
            None => self.looked_at(run, part, id),
        };
        if let Err(error) = sound {
            let why = format!("{error:#}");
            if part != Part::Journal {
                tracing::warn!("{} was not taken: {why}", part.at(run));
                return Ok(None);
            }
            self.quarantine(run, id)?;
            return Ok(Some(News::Quarantined { why }));
        }
        let name = layout::fetched(self.remote, run, part);
        let old = self.repo.refs().read(&name)?;
        let mut news = if old.is_some() { News::Forward } else { News::New };
        if let Some(old) = old.as_ref().filter(|_| part == Part::Journal)
            && !self.repo.is_ancestor(old, id)?
        {
            let kept = self.known.rewritten.get(run).map_or(0, Vec::len);
            if REWRITTEN_MAX <= kept {
                self.quarantine(run, id)?;
                let why = format!("it was rewritten there more than {REWRITTEN_MAX} times");
                return Ok(Some(News::Quarantined { why }));
            }
            // Kept before it is left: whatever happens in between, it can be reached.
            let kept = layout::rewritten(self.remote, run, old);
            let there = self.repo.refs().read(&kept)?;
            self.repo.refs().compare_and_swap(&kept, there.as_ref(), Some(old))?;
            fault::point("share-kept");
            news = News::Rewritten { kept };
        }
        self.repo.refs().compare_and_swap(&name, old.as_ref(), Some(id))?;
        if part != Part::Journal {
            return Ok(None);
        }
        self.release(run)?;
        Ok(Some(news))
    }

    /// What is there now is sound.
    fn release(&self, run: &RunId) -> anyhow::Result<()> {
        let name = layout::quarantined(self.remote, run);
        if let Some(old) = self.known.quarantined.get(run) {
            self.repo.refs().compare_and_swap(&name, Some(old), None)?;
        }
        Ok(())
    }

    fn looked_at(&mut self, run: &RunId, part: Part, id: &Oid) -> anyhow::Result<()> {
        match part.leaf() {
            Some(leaf) => received::check_leaf(self.repo, run, leaf, id),
            None => {
                let found = history::verify_at(self.repo, run, id.clone(), self.left)?;
                self.left = self.left.saturating_sub(found.appends);
                Ok(())
            }
        }
    }

    /// Noted, so that it is not fetched again, and used for nothing.
    fn quarantine(&self, run: &RunId, id: &Oid) -> anyhow::Result<()> {
        if !self.repo.has_object(id) {
            return Ok(());
        }
        let name = layout::quarantined(self.remote, run);
        let old = self.repo.refs().read(&name)?;
        Ok(self.repo.refs().compare_and_swap(&name, old.as_ref(), Some(id))?)
    }

    /// One's own journals that are behind go forward, where nobody writes them and where it opens no gate.
    fn follow(
        &self,
        own: &BTreeSet<RunId>,
        wanted: &Wanted,
        fetched: &mut Fetched,
    ) -> anyhow::Result<()> {
        let known = Known::of(self.repo, self.remote)?;
        for run in own.iter().filter(|run| wanted.run.as_ref().is_none_or(|one| one == *run)) {
            if known.quarantined.contains_key(run) {
                continue;
            }
            let Some(there) = known.journal(run) else { continue };
            let Some(here) = self.repo.refs().read(&layout::journal(run))? else { continue };
            let news = match stand::between(self.repo, &here, there)? {
                Stand::Behind(count) => self
                    .forward(run, &here, there, count)
                    .with_context(|| format!("the journal of run `{run}`"))?,
                Stand::Diverged { .. } => News::Diverged { here, there: there.clone() },
                _ => continue,
            };
            // A rewrite is told besides: it is about what is there.
            fetched.runs.retain(|(id, told)| id != run || matches!(told, News::Rewritten { .. }));
            fetched.runs.push((run.clone(), news));
        }
        Ok(())
    }

    fn forward(&self, run: &RunId, here: &Oid, there: &Oid, count: u64) -> anyhow::Result<News> {
        let after = catalog::present(self.repo, run, there)?;
        // What another clone took over opens nothing here, whatever it says.
        let away = !after.is_at_home(self.repo.clone_name().as_deref());
        if !away && !history::goes_on_neutrally(self.repo, here, there)? {
            let is_word = |event: &Event| matches!(event, Event::ApprovalGiven(_));
            let why = match history::goes_on_with(self.repo, here, there, &is_word)? {
                Some(_) => "it is a person's word, and git run resume takes it in",
                None => "it says more than anybody may write into a run that stands here",
            };
            let why = why.to_owned();
            return Ok(News::Behind { count, why });
        }
        let _hold = match RunHold::of(self.repo, run, &alive::own_mark()) {
            Ok(hold) => hold,
            Err(error @ HoldError::Held { .. }) => {
                return Ok(News::Behind { count, why: error.to_string() });
            }
            Err(HoldError::Other(error)) => return Err(error),
        };
        fault::point("share-forward");
        match self.repo.refs().compare_and_swap(&layout::journal(run), Some(here), Some(there)) {
            Ok(()) => Ok(News::Taken(count)),
            Err(error) => Ok(News::Behind { count, why: error.to_string() }),
        }
    }

    fn merge_notes(&self, tip: &Oid) -> anyhow::Result<Option<Merged>> {
        ensure!(self.repo.has_object(tip), "they moved while they were fetched");
        received::check_notes(self.repo, tip)?;
        notes::merge(self.repo, tip, clock::now())
    }
}
