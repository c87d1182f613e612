//! Keeping what lanes leave, however they ended: a checkpoint first, then the word in the journal, and only
//! then may the work tree go.

use std::path::Path;

use super::{
    super::{RealWorld, papers::kept_papers},
    Laid,
};
use crate::{
    agents::call::{self, Called},
    config::settings::Settings,
    domain::{
        checkpoint::Made,
        event::{Event, StageEnd, StageStart, Usage},
        id::Oid,
        lane::{self, Lane, LaneEnd, Saved},
        outcome::{self, Facts, Failure, Outcome},
        paper,
        run::Run,
        secret,
        time::Span,
        workflow::Stage,
    },
    engine::{
        checkpoint::take_lane,
        drive::{Log, Standing},
        lanes::{self as trees, Fate},
    },
    git::{Repo, lane::name_of, snapshot::Snapshot},
    process::{alive, clock},
    store::{
        journal::{AppendError, Artifact},
        transcript,
    },
};

/// How the end of a lane was written down.
struct Kept {
    of: LaneEnd,
    artifacts: Vec<Artifact>,
    /// What holds its work tree, which may go then; else why it stays.
    held: Result<(Made, Snapshot), String>,
}

impl RealWorld<'_> {
    pub(in super::super) fn keep_lost_lanes(
        &mut self,
        log: &mut dyn Log,
    ) -> Result<Standing, AppendError> {
        let run = log.run().clone();
        let working: Vec<Lane> =
            run.lanes.iter().filter(|lane| lane.is_working()).cloned().collect();
        // First all of them are seen to be gone: nothing is written while one is at work.
        for lane in &working {
            let Some(mark) = &lane.process else { continue };
            match alive::standing(mark) {
                alive::Standing::Gone => {}
                alive::Standing::Alive => return Ok(Standing::Alive(mark.clone())),
                alive::Standing::CannotTell { .. } if self.vouched => {}
                alive::Standing::CannotTell { why } => return Ok(Standing::CannotTell(why)),
            }
            let left = call::sweep_lane(&run, &name_of(Path::new(&lane.worktree)));
            if 0 < left {
                let why = format!("{left} processes of the lane of {} cannot be ended", lane.item);
                return Ok(Standing::CannotTell(why));
            }
        }
        for lane in &working {
            let start = StageStart {
                item: lane.item.clone(),
                stage: lane.stage.clone(),
                cycle: 1,
                attempt: 1,
                agent: lane.agent.clone(),
                head: lane.base.clone(),
                tree: self.repo.tree_of(&lane.base)?,
            };
            let mut end = nothing_of(
                &start,
                lane::lost("its runner ended, and nobody heard what came of it"),
            );
            let known = self.repo.lanes().into_iter();
            let tree = known.into_iter().find(|tree| tree.worktree == Path::new(&lane.worktree));
            let settings = &self.settings.checkpoints;
            let saved = tree.as_ref().map(|tree| -> anyhow::Result<_> {
                take_lane(self.repo, settings, &run, (&lane.item, &tree.open()?))
            });
            let mut fate = None;
            let saved = match saved {
                Some(Ok((made, snapshot))) => {
                    end.head = made.checkpoint.head.clone().unwrap_or(start.head.clone());
                    end.tree = made.checkpoint.tree.clone();
                    fate = tree.as_ref().map(|tree| (tree, made.clone(), snapshot));
                    Some(Saved { number: made.checkpoint.number, commit: made.commit })
                }
                Some(Err(error)) => {
                    end.outcome = lane::lost(&format!(
                        "its runner ended, and `{}` cannot be saved and stays: {error:#}",
                        lane.worktree
                    ));
                    None
                }
                None => None,
            };
            let of = LaneEnd { item: lane.item.clone(), end, saved };
            log.append(vec![Event::LaneEnded(Box::new(of))], &[], clock::now())?;
            if let Some((tree, made, snapshot)) = fate
                && let Fate::Kept(why) = trees::remove(self.repo, settings, tree, &made, &snapshot)
            {
                tracing::warn!("{why}");
            }
        }
        Ok(Standing::Gone(String::new()))
    }
}

/// The end of a lane that left nothing that is known.
pub(super) fn nothing_of(start: &StageStart, outcome: Outcome) -> StageEnd {
    StageEnd {
        outcome,
        head: start.head.clone(),
        tree: start.tree.clone(),
        clean: true,
        findings: Vec::new(),
        findings_dropped: 0,
        summary: String::new(),
        took: Span::ZERO,
        usage: Usage::default(),
        report: None,
        transcript: None,
        papers: Vec::new(),
        assumed: Vec::new(),
    }
}

/// Keeps what lanes leave.
pub(super) struct Keeper<'a> {
    pub(super) repo: &'a Repo,
    pub(super) settings: &'a Settings,
    pub(super) run: &'a Run,
    pub(super) stage: &'a Stage,
}

impl Keeper<'_> {
    /// Writes down what has come of a lane, and takes its work tree away when all of it is kept.
    pub(super) fn end(
        &self,
        log: &mut dyn Log,
        lane: &Laid,
        called: anyhow::Result<Called>,
    ) -> Result<(), AppendError> {
        let working = |known: &Lane| known.item == lane.start.item && known.is_working();
        if !log.run().lanes.iter().any(working) {
            let why = called.err().map(|error| format!("{error:#}")).unwrap_or_default();
            tracing::debug!(item = %lane.start.item, why, "the lane did not begin");
            self.take_away_untouched(lane);
            return Ok(());
        }
        let kept = self.kept(log.run(), lane, called);
        let event = Event::LaneEnded(Box::new(kept.of));
        log.append(vec![event], &kept.artifacts, clock::now())?;
        let fate = match kept.held {
            Ok((made, snapshot)) => {
                let settings = &self.settings.checkpoints;
                trees::remove(self.repo, settings, &lane.tree, &made, &snapshot)
            }
            Err(why) => Fate::Kept(why),
        };
        if let Fate::Kept(why) = fate {
            tracing::warn!("{why}");
        }
        Ok(())
    }

    /// What has come of a lane, with everything that is in its work tree saved first.
    fn kept(&self, run: &Run, lane: &Laid, called: anyhow::Result<Called>) -> Kept {
        let place = &lane.tree.worktree;
        let failed = |detail: String| Outcome::Failed { failure: Failure::Incomplete, detail };
        let save = || -> anyhow::Result<_> {
            let there = lane.tree.open()?;
            let settings = &self.settings.checkpoints;
            let held = take_lane(self.repo, settings, run, (&lane.start.item, &there))?;
            let clean = there.uncommitted(secret::is_secret_path)?.is_empty();
            Ok((held, clean))
        };
        let item = lane.start.item.clone();
        let ((made, snapshot), clean) = match save() {
            Ok(saved) => saved,
            Err(error) => {
                let why = format!("`{}` cannot be saved, and stays: {error:#}", place.display());
                let end = nothing_of(&lane.start, failed(why.clone()));
                let of = LaneEnd { item, end, saved: None };
                return Kept { of, artifacts: Vec::new(), held: Err(why) };
            }
        };
        let saved = Saved { number: made.checkpoint.number, commit: made.commit.clone() };
        let head = made.checkpoint.head.clone().unwrap_or_else(|| lane.start.head.clone());
        let tree = made.checkpoint.tree.clone();
        let ended = called.and_then(|called| self.ended(run, lane, called, (&head, clean)));
        match ended {
            Ok((end, artifacts)) => {
                let end = StageEnd { tree, ..end };
                let of = LaneEnd { item, end, saved: Some(saved) };
                Kept { of, artifacts, held: Ok((made, snapshot)) }
            }
            Err(error) => {
                let why = format!("`{}` stays: {error:#}", place.display());
                let end = nothing_of(&lane.start, failed(format!("{error:#}")));
                let end = StageEnd { head, tree, clean, ..end };
                let of = LaneEnd { item, end, saved: Some(saved) };
                Kept { of, artifacts: Vec::new(), held: Err(why) }
            }
        }
    }

    fn ended(
        &self,
        run: &Run,
        lane: &Laid,
        called: Called,
        (head, clean): (&Oid, bool),
    ) -> anyhow::Result<(StageEnd, Vec<Artifact>)> {
        let (stage, start) = (self.stage, &lane.start);
        let fault = |paper| paper::fault(paper, called.papers.get(&paper.name).map(String::as_str));
        let lacking: Vec<String> = stage.makes.iter().filter_map(fault).collect();
        let left = self.repo.tree_of(head)?;
        let outcome = outcome::decide(&Facts {
            duty: stage.shape.duty,
            lacking: &lacking,
            severity_min: stage.severity_min,
            ending: called.ending,
            paper: called.paper(),
            shown: (&start.head, &start.tree),
            left: (head, &left),
            clean,
            item_has_work: start.head != *head,
            now: clock::now(),
        });
        let call = format!("lane {}", lane.name);
        let said = secret::redact(&called.transcript);
        let subject = format!("{} {} {call}", start.item, start.stage);
        let id = &run.charter.run;
        let transcript = transcript::keep(self.repo, id, &subject, said.as_bytes(), clock::now())?;
        let report = called.report.unwrap_or_default();
        let path = format!("{}/{}-lane-{}.json", start.item, self.run.seq, start.stage);
        let mut artifacts = Vec::new();
        if !report.text.is_empty() {
            let content = secret::redact(&report.text).into_bytes();
            artifacts.push(Artifact { path: path.clone(), content });
        }
        let has_report = !artifacts.is_empty();
        let papers = match lacking.is_empty() {
            true => kept_papers(stage, run, start, &called.papers, &mut artifacts),
            false => Vec::new(),
        };
        let end = StageEnd {
            outcome,
            head: head.clone(),
            tree: left,
            clean,
            findings: report.findings,
            findings_dropped: report.findings_dropped,
            summary: secret::redact(&report.summary),
            took: called.took,
            usage: report.usage,
            report: has_report.then(|| format!("artifacts/{path}")),
            transcript: Some(transcript),
            papers,
            assumed: report.assumed,
        };
        Ok((end, artifacts))
    }

    /// One in which nobody has worked: what was copied into it is elsewhere as well.
    fn take_away_untouched(&self, lane: &Laid) {
        let untouched = || -> anyhow::Result<bool> {
            let there = lane.tree.open()?;
            Ok(there.head()?.commit.as_ref() == Some(&lane.start.head)
                && there.uncommitted(|_| false)?.is_empty())
        };
        if untouched().unwrap_or(false) && self.repo.remove_lane(&lane.tree).is_err() {
            tracing::warn!("`{}` stays", path_of(lane).display());
        }
    }
}

fn path_of(lane: &Laid) -> &Path {
    &lane.tree.worktree
}
