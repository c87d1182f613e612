//! `git run reconcile`: what is finished as the repository shows it. Writes nothing without being asked.

use clap::Parser;

use super::{
    exit::{Exit, Fail},
    resume::{frozen, journal, wanted},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        event::{Answer, Answered, Event, Reconciled},
        ice::{denial::Denial, judge::Who},
        id::{ItemId, RunId},
        plan::Plan,
        reconcile as rules,
        run::Run,
    },
    engine::reconcile::{self, Report},
    git::Repo,
    guard::scope,
    process::{alive, clock},
    report::{reconcile as shown, sanitise::one_line},
    store::{catalog, hold::Hold},
};

#[derive(Debug, Parser)]
#[command(
    after_help = "Evidence, the strongest first: recorded, trailer, note, pattern (run.commitPattern), equal-tree,\n\
        patch-id, content. Whatever a commit says, its work has to be in the files: more than half of its lines.\n\
        What is only inferred was judged by nobody, and its gates stay open."
)]
pub(super) struct ReconcileArgs {
    /// The run; else the one of this work tree.
    pub run: Option<String>,
    /// Write what was found into the journal, as one event. Touches no file and no branch.
    #[arg(long)]
    pub apply: bool,
    /// What to make of an item whose files others changed: re-verify, trust or externally-managed.
    #[arg(long, value_name = "ITEM=ANSWER")]
    pub answer: Vec<String>,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &ReconcileArgs) -> Result<Exit, Fail> {
    let id = wanted(repo, args.run.as_deref())?;
    let settings = Settings::read(repo)?;
    let (plan, _) = frozen(repo, &id)?;
    let (found, applied) = if args.apply || !args.answer.is_empty() {
        let answers = answers(&plan, &present(repo, &id)?, &args.answer)?;
        apply(repo, &id, &settings, answers)?
    } else {
        (look(repo, &id, &present(repo, &id)?, &settings)?, false)
    };
    let outside = reconcile::outside(repo, &found, &plan, true)?;
    let place = shown::Place {
        run: &found.run,
        base: &found.base,
        tip: &found.tip,
        branch_gone: found.branch_gone,
        commits: found.commits,
    };
    if ui.json {
        ui.say_json(&shown::json(place, &found.findings, &outside, applied))?;
    } else {
        ui.say(&shown::text(place, &found.findings, applied))?;
        ui.say(&shown::outside(&outside))?;
    }
    Ok(Exit::Done)
}

fn present(repo: &Repo, id: &RunId) -> Result<Run, Fail> {
    let tip = catalog::find(repo, id.as_str())?.1;
    Ok(catalog::present(repo, id, &tip)?)
}

fn look(repo: &Repo, id: &RunId, run: &Run, settings: &Settings) -> Result<Report, Fail> {
    let looked = reconcile::look(repo, id, run, settings);
    looked.map_err(|error| {
        let missing = error.is::<reconcile::NoBase>();
        let fail = Fail::from(error);
        if missing { fail.hint("git config run.baseBranch <branch>") } else { fail }
    })
}

/// One event, under the lease; nothing where there is nothing new to write down.
fn apply(
    repo: &Repo,
    id: &RunId,
    settings: &Settings,
    answers: Vec<Answered>,
) -> Result<(Report, bool), Fail> {
    if scope::who() == Who::Agent {
        let what = format!("what is inferred of run `{id}` is written down when a person says so");
        return Err(Denial::new("person", what).next("a person types git run reconcile").into());
    }
    repo.may_write()?;
    super::start::nothing_interrupted(repo)?;
    let me = alive::own_mark();
    let _hold = Hold::of_run(repo, id, &me)?;
    let mut journal = journal(repo, id)?;
    let run = journal.run().clone();
    if let Some(why) = rules::cannot_apply(&run, &answers) {
        return Err(Fail::new(
            Exit::PersonNeeded,
            format!("run `{id}` takes no findings now: {why}"),
        )
        .hint("git run status"));
    }
    let found = look(repo, id, &run, settings)?;
    let items = rules::inferences(&run, &found.findings, &found.tip, &found.tree);
    if items.is_empty() && answers.is_empty() {
        return Ok((found, false));
    }
    if !run.state.is_over() {
        journal.take_lease(me, clock::now())?;
    }
    let (base, head, tree) = (found.base.clone(), found.tip.clone(), found.tree.clone());
    let event = Event::Reconciled(Box::new(Reconciled { base, head, tree, items, answers }));
    journal.append(vec![event], &[], clock::now())?;
    let found = look(repo, id, journal.run(), settings)?;
    Ok((found, true))
}

/// `sprint-1=trust`; a task stands for the item that holds it.
fn answers(plan: &Plan, run: &Run, words: &[String]) -> Result<Vec<Answered>, Fail> {
    let bad = |word: &str| {
        let known: Vec<_> = Answer::ALL.iter().map(|answer| answer.word()).collect();
        let message = format!("`--answer {}` is no `<item>=<answer>`", word.escape_debug());
        Fail::new(Exit::Usage, message).hint(format!("the answers are {}", known.join(", ")))
    };
    let holds = |name: &str| {
        let item = |name: &str| run.items.iter().find(|item| item.id.as_str() == name);
        let sprint = plan.tasks().find(|(_, task)| task.id.as_str() == name);
        item(name).or_else(|| item(sprint?.0.id.as_str())).map(|item| item.id.clone())
    };
    let mut found: Vec<Answered> = Vec::new();
    for word in words {
        let (name, answer) = word.split_once('=').ok_or_else(|| bad(word))?;
        let answer = Answer::parse(answer).ok_or_else(|| bad(word))?;
        let item: ItemId = holds(name).ok_or_else(|| {
            Fail::new(Exit::Usage, format!("the run has no item `{}`", name.escape_debug()))
                .hint("git run status")
        })?;
        if found.iter().any(|other| other.item == item && other.answer != answer) {
            let message = format!("`{item}` has two answers");
            return Err(Fail::new(Exit::Usage, message));
        }
        if !found.iter().any(|other| other.item == item) {
            found.push(Answered { item, answer });
        }
    }
    Ok(found)
}

/// What whoever goes on with a run should know first; silent when nothing is new.
pub(super) fn tell(ui: &mut Ui, repo: &Repo, run: &Run, settings: &Settings) -> Result<(), Fail> {
    let tip = repo.refs().read(&format!("refs/heads/{}", run.charter.branch))?;
    if tip.as_ref() == Some(&run.head) || run.tree.is_none() {
        return Ok(());
    }
    let found = match look(repo, &run.charter.run, run, settings) {
        Ok(found) => found,
        Err(fail) => {
            ui.tell(&format!("it cannot be told what is finished: {}", fail.message));
            return Ok(());
        }
    };
    let news = found.findings.iter().filter(|finding| {
        shown::is_news(finding) || finding.found == rules::Found::TakenAway || finding.is_hurt()
    });
    let news: Vec<_> = news.map(|finding| one_line(shown::line(finding).trim_start())).collect();
    for line in &news {
        ui.tell(line);
    }
    if !news.is_empty() {
        ui.tell("git run reconcile --apply writes down what is inferred");
    }
    Ok(())
}
