//! `git run adopt`: a person takes over a run of another machine, or of a work tree that is gone. Only from
//! then on is what its journal says believed here.

use std::collections::BTreeMap;

use clap::Parser;

use super::{
    exit::{Exit, Fail},
    resume,
    start::{actor, nothing_interrupted},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        event::{Adoption, Event, Home},
        finding::cut,
        gate::REASON_BYTES_MAX,
        ice::{denial::Denial, name::Protection},
        id::{Oid, RemoteId, RunId},
        run::Run,
        secret,
        share::{Part, Stand},
        tale::counted,
        view::RunView,
    },
    git::Repo,
    guard::person,
    process::{
        alive::{self, Standing},
        clock,
    },
    report::{
        json,
        sanitise::{one_line, sanitise},
        status,
    },
    store::{
        catalog::{self, Belongs, Found},
        history,
        hold::{self, Hold, Lease},
        journal::Journal,
        layout,
        wire::policy,
    },
    sync::stand,
};

/// Appends that are looked at before a run is taken.
const APPENDS_MAX: usize = 4_000_000;
/// More sprints than that are counted and not shown.
const SPRINTS_SHOWN_MAX: usize = 50;
const POLICY_BYTES_MAX: u64 = 16 * 1024 * 1024;

#[derive(Debug, Parser)]
#[command(
    after_help = "The journal is verified, and plan, policy and agents are shown. Until it is adopted, what a\n\
        fetched journal says opens no gate. Nothing is checked out: the answer says how."
)]
pub(super) struct AdoptArgs {
    /// The run, by its name or the beginning of it.
    pub run: String,
    /// The remote that it was fetched from.
    #[arg(long, value_name = "REMOTE")]
    pub from: Option<String>,
    /// Show what would be taken over; write nothing.
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Take it although somebody else says that they hold it.
    #[arg(long)]
    pub force: bool,
    /// Why; it is written into the journal.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &AdoptArgs) -> Result<Exit, Fail> {
    person::only("to adopt a run")?;
    let reason = reason(args)?;
    repo.may_write()?;
    if repo.worktree().is_none() {
        return Err(Fail::new(
            Exit::Failed,
            "a run needs a work tree, and this repository is bare",
        ));
    }
    nothing_interrupted(repo)?;
    let candidate = Candidate::find(repo, args)?;
    let id = candidate.run.charter.run.clone();
    candidate.fits(repo)?;
    free_here(repo, &id)?;
    if reason.is_none() {
        candidate.is_free(repo)?;
    }
    candidate.show(ui, repo)?;
    if args.dry_run {
        return candidate.answer(ui, repo, &candidate.run, "would-adopt");
    }
    let me = alive::own_mark();
    let _hold = Hold::of_run(repo, &id, &me)?;
    let home = Home { worktree: repo.identity(), clone: repo.name_clone(chance())? };
    let from = candidate.from.as_ref().map(ToString::to_string);
    let adopted = Event::RunAdopted(Box::new(Adoption { home, from, reason }));
    let mut events = vec![adopted];
    if !candidate.run.state.is_over() {
        let generation = candidate.run.generation.saturating_add(1);
        events.insert(0, Event::LeaseTaken { generation, holder: me });
    }
    candidate.keep_lease(repo, &id)?;
    let stands = (&candidate.tip, candidate.own.as_ref());
    let journal = Journal::take_over(repo, &id, stands, actor(repo), (&events, &[]), clock::now())?;
    catalog::point_here(repo, &history::first(repo, &candidate.tip)?)?;
    candidate.answer(ui, repo, journal.run(), "adopted")
}

fn reason(args: &AdoptArgs) -> Result<Option<String>, Fail> {
    let Some(given) = args.reason.as_deref().filter(|_| args.force) else {
        return match args.force || args.reason.is_some() {
            true => Err(Fail::new(Exit::Usage, "`--force` and `--reason` go together")
                .hint("git run adopt <run> --force --reason 'why it is taken all the same'")),
            false => Ok(None),
        };
    };
    let mut reason = secret::redact(sanitise(given).trim());
    cut(&mut reason, REASON_BYTES_MAX);
    if reason.is_empty() {
        return Err(Fail::new(Exit::Usage, "an empty reason explains nothing"));
    }
    Ok(Some(reason))
}

fn chance() -> [u8; 10] {
    let (one, other) = (clock::nonce(), clock::nonce());
    let mut all = [0; 10];
    all[..5].copy_from_slice(&one);
    all[5..].copy_from_slice(&other);
    all
}

/// One work tree has one run that is not over.
fn free_here(repo: &Repo, wanted: &RunId) -> Result<(), Fail> {
    let Some((id, tip)) = catalog::here(repo)? else { return Ok(()) };
    let run = catalog::present(repo, &id, &tip)?;
    if id == *wanted || run.state.is_over() || !catalog::belongs(repo, &run)?.is_here() {
        return Ok(());
    }
    Err(Fail::new(Exit::Failed, format!("run `{id}` of this work tree is not over")).hint(
        "git run halt --force gives it up; or adopt in another work tree: git worktree add <directory>",
    ))
}

/// What would be taken over.
struct Candidate {
    run: Run,
    tip: Oid,
    /// Where one's own journal of it stands, where there is one.
    own: Option<Oid>,
    from: Option<RemoteId>,
}

impl Candidate {
    fn find(repo: &Repo, args: &AdoptArgs) -> Result<Self, Fail> {
        let remote =
            args.from.as_deref().map(|named| super::sync::remote(repo, Some(named))).transpose()?;
        let found = match &remote {
            Some(remote) => {
                let all = catalog::fetched(repo, Some(remote))?;
                let mut fits =
                    all.into_iter().filter(|one| one.run.as_str().starts_with(&args.run));
                match (fits.next(), fits.next()) {
                    (Some(one), None) => one,
                    (Some(_), Some(_)) => {
                        let what = format!("several runs begin with `{}`", args.run.escape_debug());
                        return Err(Fail::new(Exit::Usage, what)
                            .hint(format!("git run list --remote {remote}")));
                    }
                    (None, _) => {
                        let what = format!(
                            "no run `{}` was fetched from {remote}",
                            args.run.escape_debug()
                        );
                        return Err(Fail::new(Exit::Failed, what)
                            .hint(format!("git run sync fetch {remote}")));
                    }
                }
            }
            None => catalog::find_anywhere(repo, &args.run)?,
        };
        let own = repo.refs().read(&layout::journal(&found.run))?;
        let (tip, from) = newest(repo, &found, own.as_ref())?;
        let verified = history::verify_at(repo, &found.run, tip.clone(), APPENDS_MAX);
        let run = verified
            .map_err(|error| {
                let what = format!("run `{}` does not verify: {error:#}", found.run);
                Fail::new(Exit::Fault, what).hint("git run sync fetch")
            })?
            .run;
        Ok(Self { run, tip, own, from })
    }

    /// Its branch is one that a run may have, and it is not at work here.
    fn fits(&self, repo: &Repo) -> Result<(), Fail> {
        let (id, branch) = (&self.run.charter.run, &self.run.charter.branch);
        let settings = Settings::read(repo)?;
        let protection = Protection {
            configured: settings.protected,
            base: Some(self.run.charter.base.clone()),
            remote_defaults: Vec::new(),
        };
        let odd = |name: &str| name.starts_with('-') || !name.bytes().all(is_plain);
        if odd(branch) || !repo.is_branch_name(branch)? || protection.of(branch).is_some() {
            let what = format!("run `{id}` would work on `{}`", branch.escape_debug());
            return Err(Denial::new("branch", what).next("git run status").into());
        }
        if self.own.is_some() && catalog::belongs(repo, &self.run)? == Belongs::Here {
            return Err(Fail::new(
                Exit::Failed,
                format!("run `{id}` is of this work tree already"),
            )
            .hint("git run resume"));
        }
        Ok(())
    }

    /// Nobody says that they hold it.
    fn is_free(&self, repo: &Repo) -> Result<(), Fail> {
        let id = &self.run.charter.run;
        let held = |what: String| {
            Err(Fail::new(Exit::Held, what).hint(format!(
                "have it halted there; or git run adopt {id} --force --reason 'why'"
            )))
        };
        if self.from.is_none() && hold::is_held(&self.run) {
            return held(format!("run `{id}` is at work on this machine"));
        }
        if let Belongs::Elsewhere { worktree } = catalog::belongs(repo, &self.run)?
            && self.from.is_none()
        {
            return held(format!(
                "run `{id}` belongs to the work tree `{worktree}`, which is there"
            ));
        }
        let Some(lease) = self.lease(repo)? else { return Ok(()) };
        let live = lease.until.is_some_and(|until| clock::now() < until);
        let gone = alive::standing(&lease.holder) == Standing::Gone;
        if live && !gone && self.run.generation <= lease.generation {
            let (host, until) = (&lease.holder.host, lease.until.map(super::status::time));
            let until = until.unwrap_or_default();
            return held(format!("run `{id}` is held by `{host}` until {until}"));
        }
        Ok(())
    }

    fn lease(&self, repo: &Repo) -> anyhow::Result<Option<Lease>> {
        let run = &self.run.charter.run;
        let name = match &self.from {
            Some(remote) => layout::fetched(remote, run, Part::Lease),
            None => layout::lease(run),
        };
        match repo.refs().read(&name)? {
            Some(tip) => hold::read_lease(repo, &tip).map(Some),
            None => Ok(None),
        }
    }

    /// The lease that is there is what the next one follows, so that it can be sent.
    fn keep_lease(&self, repo: &Repo, run: &RunId) -> anyhow::Result<()> {
        let Some(remote) = &self.from else { return Ok(()) };
        let Some(there) = repo.refs().read(&layout::fetched(remote, run, Part::Lease))? else {
            return Ok(());
        };
        let own = repo.refs().read(&layout::lease(run))?;
        let forward = match &own {
            Some(own) => own != &there && repo.is_ancestor(own, &there)?,
            None => true,
        };
        if forward {
            let name = layout::lease(run);
            repo.refs().compare_and_swap(&name, own.as_ref(), Some(&there))?;
        }
        Ok(())
    }

    /// What it was told to do, and by which rules: whoever takes it over takes this over.
    fn show(&self, ui: &mut Ui, repo: &Repo) -> Result<(), Fail> {
        if ui.json {
            return Ok(());
        }
        let (plan, workflow) = resume::frozen_at(repo, &self.tip)?;
        let charter = &self.run.charter;
        let mut lines = vec![format!("run {} of `{}`", charter.run, self.run.worktree())];
        if let Some(remote) = &self.from {
            lines.push(format!("  fetched from {remote}, as they tell it"));
        }
        lines.push(format!("plan {}: {}", plan.id, plan.title));
        for sprint in plan.sprints.iter().take(SPRINTS_SHOWN_MAX) {
            let tasks = counted(sprint.tasks.len(), "task");
            lines.push(format!("  {}  {} ({tasks})", sprint.id, sprint.title));
        }
        let more = plan.sprints.len().saturating_sub(SPRINTS_SHOWN_MAX);
        lines.extend((0 < more).then(|| format!("  … and {more} more")));
        lines.push(format!("workflow {}", workflow.name));
        lines.push("policy".to_owned());
        lines.push(format!(
            "  branch {} on {}, push {}",
            charter.branch,
            charter.base,
            charter.push.word()
        ));
        for (stage, words) in self.agents(repo)? {
            lines.push(format!("  {stage} by: {}", words.join(" ")));
        }
        // Nobody makes two lines of one.
        let mut out: String = lines.iter().map(|line| format!("{}\n", one_line(line))).collect();
        out.push_str(&status::text(&self.view(self.run.clone()), false, &super::status::time));
        ui.say(&sanitise(&out))
    }

    /// The commands that its stages run.
    fn agents(&self, repo: &Repo) -> Result<BTreeMap<String, Vec<String>>, Fail> {
        let text = history::read_file_at(repo, &self.tip, "policy.json", POLICY_BYTES_MAX)?;
        let all = policy::agents(&text.unwrap_or_default()).map_err(anyhow::Error::from)?;
        Ok(all.into_iter().map(|(stage, words)| (stage.to_string(), words)).collect())
    }

    fn view(&self, run: Run) -> RunView {
        let view = RunView::new(run, false, clock::now());
        match &self.from {
            Some(remote) => view.fetched_from(remote.to_string()),
            None => view,
        }
    }

    fn answer(&self, ui: &mut Ui, repo: &Repo, run: &Run, outcome: &str) -> Result<Exit, Fail> {
        let next = self.next(repo, run)?;
        let id = &run.charter.run;
        if ui.json {
            ui.say_json(&serde_json::json!({
                "schema": "git-run/adopt/1",
                "run": id.as_str(),
                "outcome": outcome,
                "from": self.from.as_ref().map(RemoteId::as_str),
                "branch": run.charter.branch,
                "head": run.head.as_str(),
                "next": next,
                "agents": self.agents(repo)?,
                "status": json::status(&self.view(run.clone()), &super::status::time),
            }))?;
            return Ok(Exit::Done);
        }
        match outcome {
            "adopted" => ui.say(&format!("\nadopted: run {id} is of this work tree now\n"))?,
            _ => ui.say("\nnothing was written\n")?,
        }
        ui.say(&sanitise(&format!("next: {next}\n")))?;
        Ok(Exit::Done)
    }

    /// How its branch comes here, and then how it goes on.
    fn next(&self, repo: &Repo, run: &Run) -> Result<String, Fail> {
        let (branch, head) = (&run.charter.branch, &run.head);
        let go_on = match run.state.is_over() {
            true => "git run status".to_owned(),
            false => "git run resume".to_owned(),
        };
        if !repo.has_object(head) {
            let remote = self.from.as_ref().map_or("<remote>", |remote| remote.as_str());
            return Ok(format!(
                "git fetch {remote} {branch} && git switch -c {branch} {head} && {go_on}"
            ));
        }
        if repo.refs().read(&format!("refs/heads/{branch}"))?.is_none() {
            return Ok(format!("git switch -c {branch} {head} && {go_on}"));
        }
        match repo.head()?.branch.as_ref() == Some(branch) {
            true => Ok(go_on),
            false => Ok(format!("git switch {branch} && {go_on}")),
        }
    }
}

/// A name that a shell takes as it stands.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/')
}

/// The tip to go on from, and the remote it is of: of two that follow each other the later one.
fn newest(repo: &Repo, found: &Found, own: Option<&Oid>) -> Result<(Oid, Option<RemoteId>), Fail> {
    let Found { run, tip, from } = found;
    let Some(own) = own else { return Ok((tip.clone(), from.clone())) };
    // One's own was found first; what was fetched may have gone on.
    let fetched = catalog::fetched(repo, from.as_ref())?;
    let mut best = (own.clone(), None);
    for one in fetched.into_iter().filter(|one| one.run == *run) {
        match stand::between(repo, &best.0, &one.tip)? {
            Stand::Behind(_) => best = (one.tip, one.from),
            Stand::Same => best.1 = one.from,
            Stand::Diverged { .. } => {
                let (here, there) = (best.0.short(), one.tip.short());
                let what = format!("run `{run}` diverged: {here} here, {there} was fetched");
                return Err(Fail::new(Exit::Held, what).hint("git run sync status"));
            }
            _ => {}
        }
    }
    Ok(best)
}
