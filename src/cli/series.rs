//! `git run sprint-plan --no-consolidate`: a run for each sprint, one behind the other, each on a branch
//! and with a pull request of its own. It never begins a sprint before the one before it is proven.

use std::collections::BTreeMap;

use serde_json::json;

use super::{
    args::StartArgs,
    exit::{Exit, Fail},
    resume::frozen_at,
    start::{Manner, halt_of, tell, underway, work_on},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        event::PushMode,
        id::{ItemId, Oid},
        plan::Plan,
        run::{Run, State},
        target::{self, Range, WHOLE_PLAN},
        view::{NextMove, RunView},
    },
    engine::{
        prerequisites::Looked,
        start::{Behind, NotStarted, Request, asked_for, prepare},
    },
    git::Repo,
    process::{clock, stop::StopSignal},
    report::sanitise::sanitise,
    store::catalog,
};

/// A sprint, and the run of it that counts.
struct Part {
    item: ItemId,
    run: Option<Run>,
    done: bool,
    /// The branch that it would have, where no run has it yet.
    would: Option<String>,
}

pub(super) fn run(
    ui: &mut Ui,
    repo: &Repo,
    args: &StartArgs,
    settings: &Settings,
    request: Request,
) -> Result<Exit, Fail> {
    if request.targets != [WHOLE_PLAN] {
        let what =
            format!("`--no-consolidate` goes with `{WHOLE_PLAN}`, and with nothing beside it");
        return Err(Fail::new(Exit::Usage, what).hint("git run sprint-plan --no-consolidate"));
    }
    // Read once: what is built meanwhile does not say what is built next.
    let (plan, documents) = asked_for(repo, settings, &request)?;
    let items = target::items(&plan, &request.targets, &request.range).map_err(NotStarted::from)?;
    let known = known(repo, &items)?;
    let base = request.base.clone();
    let request = Request { plan: Some((plan.clone(), documents)), ..request };
    let (parts, behind, stop) = (Vec::new(), None, None);
    let told = false;
    let mut series =
        Series { repo, args, settings, request, plan, base, parts, behind, stop, told };
    let mut exit = Exit::Done;
    for item in items {
        let newest = known.get(&item);
        if series.all_done()
            && let Some((run, tip)) = newest
            && series.is_finished(ui, &item, run, tip)?
        {
            series.parts.push(Part { item, run: Some(run.clone()), done: true, would: None });
        } else if series.all_done() && !args.dry_run {
            exit = series.build(ui, item)?;
        } else {
            series.look(item, newest.map(|(run, _)| run))?;
        }
    }
    series.answer(ui)?;
    Ok(exit)
}

/// The newest run of each sprint, in this work tree.
fn known(repo: &Repo, items: &[ItemId]) -> Result<BTreeMap<ItemId, (Run, Oid)>, Fail> {
    let mut known = BTreeMap::new();
    for (id, tip) in catalog::of_worktree(repo)? {
        let run = catalog::present(repo, &id, &tip)?;
        let found = items.iter().find(|item| item.as_str() == run.charter.target);
        if let Some(item) = found.filter(|item| !known.contains_key(*item)) {
            known.insert(item.clone(), (run, tip));
        }
        if known.len() == items.len() {
            break;
        }
    }
    Ok(known)
}

/// What the next one builds on. A sprint that changed nothing has no branch to build on.
fn after(run: &Run, before: Option<Behind>) -> Option<Behind> {
    if *run.proven() == run.charter.start {
        return before;
    }
    let (commit, branch) = (run.proven().clone(), Some(run.charter.branch.clone()));
    Some(Behind { commit, branch })
}

struct Series<'r> {
    repo: &'r Repo,
    args: &'r StartArgs,
    settings: &'r Settings,
    request: Request,
    plan: Plan,
    /// What all of them build on in the end, and whose rules hold.
    base: Option<String>,
    parts: Vec<Part>,
    behind: Option<Behind>,
    /// Signals are heard once for each process.
    stop: Option<StopSignal>,
    /// Whether it was said that the plan is another one.
    told: bool,
}

impl Series<'_> {
    fn all_done(&self) -> bool {
        self.parts.iter().all(|part| part.done)
    }

    /// Whether a run finished its sprint as the plan has it; then the next one comes behind it.
    fn is_finished(
        &mut self,
        ui: &mut Ui,
        item: &ItemId,
        run: &Run,
        tip: &Oid,
    ) -> Result<bool, Fail> {
        if !run.state.is_over() || !run.all_done() {
            return Ok(false);
        }
        let id = &run.charter.run;
        let person =
            |what: String, hint: String| Err(Fail::new(Exit::PersonNeeded, what).hint(hint));
        let of = |plan: &Plan| plan.sprints.iter().find(|sprint| sprint.id == *item).cloned();
        let frozen = frozen_at(self.repo, tip)?.0;
        if of(&frozen) != of(&self.plan) {
            return person(
                format!("run `{id}` finished `{item}`, and the plan says another thing of it now"),
                format!(
                    "git run {item} --again builds it by that; --skip {item} leaves it as it is"
                ),
            );
        }
        if frozen != self.plan && !self.told && !ui.json {
            ui.tell(&format!("note: the plan is another one than when `{item}` was built"));
            self.told = true;
        }
        let base = self.base.get_or_insert_with(|| run.charter.base.clone()).clone();
        let left = after(run, self.behind.clone());
        if left == self.behind {
            return Ok(true);
        }
        if let Some(commit) = self.holding(&base, run.proven())? {
            self.behind = Some(Behind { commit, branch: None });
            return Ok(true);
        }
        let branch = &run.charter.branch;
        if self.holding(branch, run.proven())?.is_none() {
            let (short, proven) = (run.proven().short(), run.proven());
            let what = format!("run `{id}` proved {short} on `{branch}`, which does not have it");
            return Err(Fail::new(Exit::Failed, what)
                .hint(format!("git branch --force {branch} {proven}, or git run {item} --again")));
        }
        if let Some(before) = self.behind.take()
            && let Some(onto) = &before.branch
            && !self.repo.is_ancestor(&before.commit, run.proven())?
        {
            let what = format!("`{branch}` does not hold {} of `{onto}`", before.commit.short());
            if run.charter.onto.as_ref() != Some(onto) {
                return person(
                    format!("run `{id}` built `{item}` elsewhere: {what}"),
                    format!("git run {item} --again --branch <another name> builds it behind that"),
                );
            }
            ui.tell(&format!("note: {what}, which went on since; merging brings it"));
        }
        self.behind = left;
        Ok(true)
    }

    /// Where a branch stands, when it has this commit.
    fn holding(&self, branch: &str, commit: &Oid) -> Result<Option<Oid>, Fail> {
        let there = self.repo.refs().read(&format!("refs/heads/{branch}"))?;
        let Some(there) = there else { return Ok(None) };
        Ok(self.repo.is_ancestor(commit, &there)?.then_some(there))
    }

    fn request(&self, item: &ItemId) -> Request {
        Request {
            targets: vec![item.to_string()],
            range: Range::default(),
            base: self.base.clone(),
            behind: self.behind.clone(),
            looked: Looked::default(),
            ..self.request.clone()
        }
    }

    /// Begins the run of one sprint, or goes on with it, up to where it rests.
    fn build(&mut self, ui: &mut Ui, item: ItemId) -> Result<Exit, Fail> {
        if self.stop.as_mut().is_some_and(|stop| stop.pending().is_some()) {
            let what = format!("interrupted before `{item}` began");
            return Err(Fail::new(Exit::Interrupted, what).hint("the same again goes on with it"));
        }
        let (repo, mut request) = (self.repo, self.request(&item));
        let manner = Manner { quiet: self.args.quiet, force: false };
        let underway = underway(ui, repo, self.settings, &mut request, manner)?;
        let ask = halt_of(repo, underway.journal.run().charter.run.clone())?;
        let signal = match &self.stop {
            Some(stop) => stop.beside(ask),
            None => StopSignal::install(ask).map_err(|error| {
                Fail::new(Exit::Failed, format!("cannot listen for signals: {error}"))
            })?,
        };
        self.stop.get_or_insert_with(|| signal.beside(Box::new(|| None)));
        let with = (self.settings.clone(), request.agents);
        let view = work_on(ui, repo, underway, with, manner, signal)?;
        let exit = if ui.json { Exit::of(&view.run) } else { tell(ui, &view)? };
        let run = view.run;
        self.base.get_or_insert_with(|| run.charter.base.clone());
        let done = run.state.is_over() && run.all_done();
        if done {
            self.behind = after(&run, self.behind.take());
        }
        self.parts.push(Part { item, run: Some(run), done, would: None });
        Ok(exit)
    }

    /// What can be looked at now is; the later ones build on what is not there yet.
    fn look(&mut self, item: ItemId, newest: Option<&Run>) -> Result<(), Fail> {
        let run = newest.filter(|run| !run.state.is_over() || run.all_done()).cloned();
        let before = self.parts.iter().rev().find_map(|part| {
            let known = part.run.as_ref().map(|run| &run.charter.branch);
            Some((&part.item, known.or(part.would.as_ref())?))
        });
        // Each is called after its sprint, behind the same words.
        let would = before.and_then(|(item, branch)| branch.strip_suffix(item.as_str()));
        let mut would = would.map(|prefix| format!("{prefix}{item}"));
        if run.is_none() && self.all_done() {
            let charter = prepare(self.repo, self.settings, &self.request(&item))?.charter;
            would = Some(charter.branch);
            self.base.get_or_insert(charter.base);
        }
        self.parts.push(Part { item, run, done: false, would });
        Ok(())
    }

    /// What becomes of all of it, and what comes next.
    fn answer(&self, ui: &mut Ui) -> Result<(), Fail> {
        let (parts, dry_run) = (&self.parts, self.args.dry_run);
        let next = next(parts);
        if ui.json {
            return ui.say_json(&json!({
                "schema": "git-run/series/1",
                "plan": self.plan.id.as_str(),
                "base": self.base,
                "dry_run": dry_run,
                "done": parts.iter().all(|part| part.done),
                "sprints": parts.iter().map(one).collect::<Vec<_>>(),
                "next": { "command": next.command, "why": next.why },
            }));
        }
        let mut text = format!("sprints of {}\n", self.plan.id);
        for part in parts {
            text.push_str(&format!("  {}\n", line(part)));
        }
        match dry_run {
            true => text.push_str("nothing was written\n"),
            false => text.push_str(&format!("next: {}  ({})\n", next.command, next.why)),
        }
        ui.say(&sanitise(&text))
    }
}

fn line(part: &Part) -> String {
    let Part { item, run, done, would } = part;
    match (run, would) {
        (None, None) => format!("{item}  not begun"),
        (None, Some(branch)) => format!("{item}  not begun, would be `{branch}`"),
        (Some(run), _) => {
            let charter = &run.charter;
            let onto = charter.onto.as_ref().unwrap_or(&charter.base);
            let state = if *done { "done" } else { run.state.word() };
            format!("{item}  {state}, `{}` on `{onto}` (run {})", charter.branch, charter.run)
        }
    }
}

fn one(part: &Part) -> serde_json::Value {
    let run = part.run.as_ref();
    json!({
        "item": part.item.as_str(),
        "done": part.done,
        "run": run.map(|run| run.charter.run.as_str()),
        "state": run.map(|run| run.state.word()),
        "branch": run.map(|run| &run.charter.branch).or(part.would.as_ref()),
        "onto": run.and_then(|run| run.charter.onto.as_deref()),
        "head": run.map(|run| run.head.as_str()),
        "pull_request": run.and_then(|run| run.pull_request.as_ref()?.url.as_deref()),
    })
}

fn next(parts: &[Part]) -> NextMove {
    let say = |command: &str, why: &str| NextMove { command: command.into(), why: why.into() };
    let again = "git run sprint-plan --no-consolidate";
    match parts.iter().find(|part| !part.done) {
        Some(Part { run: None, .. }) => {
            say(again, "goes on with the first sprint that is not done")
        }
        Some(Part { run: Some(run), .. }) if run.state.is_over() => {
            say(again, "goes on with the first sprint that is not done")
        }
        Some(Part { run: Some(run), .. }) => {
            let NextMove { command, why } = RunView::new(run.clone(), false, clock::now()).next;
            let why = format!("{why}; then the same again goes on with the next sprint");
            NextMove { command, why }
        }
        None => {
            let open = |part: &&Part| {
                part.run.as_ref().is_some_and(|run| {
                    run.state == State::ReadyForHitl
                        && run.charter.push != PushMode::Local
                        && !run.is_proposed()
                })
            };
            match parts.iter().find(open).and_then(|part| part.run.as_ref()) {
                Some(run) => say(
                    &format!("git run pr {}", run.charter.run),
                    "it is pushed; this opens its draft, and then those behind it",
                ),
                None => say("git run list", "every sprint is done"),
            }
        }
    }
}
