//! `git run reopen`: a person lets an item be done again from a stage on.

use clap::Parser;
use serde_json::json;

use super::{
    again::{self, About},
    exit::{Exit, Fail},
    rest::{self, Rest},
    ui::Ui,
};
use crate::{
    domain::{
        event::Event,
        finding::{MESSAGE_BYTES_MAX, cut},
        ice::denial::Denial,
        id::{ItemId, StageId},
        item::{Item, Progress},
        run::Run,
        secret,
        workflow::Part,
    },
    git::Repo,
    guard::person,
    process::clock,
    report::sanitise::sanitise,
};

#[derive(Debug, Parser)]
#[command(
    after_help = "What was passed before the stage stays. From it on all is done, judged and approved again. A run that\n\
        was over goes on with it on the same branch: git run resume."
)]
pub(super) struct ReopenArgs {
    /// The stage from which on it is done again.
    pub stage: String,
    /// The item; else the one at work, or the last one that is done.
    #[arg(long, value_name = "ITEM")]
    pub item: Option<String>,
    /// Why.
    #[arg(short, long, value_name = "TEXT", required = true)]
    pub message: String,
    /// The run; else the one of this work tree.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &ReopenArgs) -> Result<Exit, Fail> {
    person::only("to reopen a stage")?;
    let id = rest::meant(repo, args.run.as_deref())?;
    let run = rest::look(repo, &id)?;
    let stage =
        StageId::parse(&args.stage).map_err(|error| Fail::new(Exit::Usage, error.to_string()))?;
    let item = reopened(&run, &stage, args.item.as_deref())?;
    let mut why = secret::redact(sanitise(&args.message).trim());
    if why.is_empty() {
        return Err(Fail::new(Exit::Usage, "`--message` is empty; say why"));
    }
    cut(&mut why, MESSAGE_BYTES_MAX);
    run.may_reopen(&item, &stage).map_err(refused)?;
    if run.state.is_over() {
        let command = format!("git run reopen {stage} … --run {id}");
        let about = About { rule: "reopen", command: &command, what: &why };
        again::may_go_on(repo, &run, &about)?;
    }
    let mut rest = Rest::hold(repo, &id)?;
    rest.journal.run().may_reopen(&item, &stage).map_err(refused)?;
    let event = Event::StageReopened { item: item.clone(), stage: stage.clone(), why };
    rest.journal.append(vec![event], &[], clock::now())?;
    let open: Vec<_> =
        rest.journal.run().open_gates(None).iter().map(ToString::to_string).collect();
    if ui.json {
        ui.say_json(&json!({
            "schema": "git-run/reopen/1",
            "run": id.as_str(),
            "item": item.as_str(),
            "stage": stage.as_str(),
            "open": open,
        }))?;
    } else {
        ui.say(&format!("{item} is open again from {stage} on\nnext: git run resume\n"))?;
    }
    Ok(Exit::Done)
}

fn refused(why: String) -> Fail {
    Denial::new("reopen", why).next("git run status").into()
}

fn reopened(run: &Run, stage: &StageId, named: Option<&str>) -> Result<ItemId, Fail> {
    let shape = run.shape(stage).filter(|shape| shape.is_taken());
    let Some(shape) = shape else {
        let known = run.charter.stages.iter().filter(|shape| shape.is_walked());
        let known: Vec<_> = known.map(|shape| shape.id.to_string()).collect();
        let what = format!("this run has no stage `{stage}`; it has `{}`", known.join("`, `"));
        return Err(Fail::new(Exit::Usage, what));
    };
    let fits = |item: &&Item| run.part_of(&item.id) == shape.part;
    let found = match named {
        Some(named) => run.items.iter().find(|item| item.id.as_str() == named),
        None => run.active_item().filter(fits).or_else(|| {
            let begun = |item: &&Item| item.progress != Progress::Pending;
            run.items.iter().rev().filter(begun).find(fits)
        }),
    };
    found.map(|item| item.id.clone()).ok_or_else(|| {
        let part = match shape.part {
            Part::Items => "no item was begun".to_owned(),
            part => format!("`{}` was not begun", part.word()),
        };
        let what =
            named.map_or(part, |named| format!("there is no item `{}`", named.escape_debug()));
        Fail::new(Exit::Failed, what).hint("git run status")
    })
}
