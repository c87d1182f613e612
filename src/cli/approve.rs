//! `git run approve`, `reject`, `modify`: a person's word on what waits for it.

use std::io::{IsTerminal as _, stdin};

use clap::Parser;
use serde_json::json;

use super::{
    exit::{Exit, Fail},
    rest,
    resume::journal,
    start::actor,
    ui::Ui,
};
use crate::{
    domain::{
        event::{Actor, Approval, Event, Word},
        finding::{MESSAGE_BYTES_MAX, cut},
        gate::{Gate, word_statement},
        ice::denial::Denial,
        id::{Oid, RemoteId, RunId, StageId},
        run::{Run, Waits},
        secret,
        view::RunView,
    },
    git::Repo,
    guard::{bound, person},
    process::clock,
    report::sanitise::sanitise,
    store::{
        catalog::{self, Found},
        journal::{Artifact, Journal},
    },
    sync::answers,
};

/// The longest name that somebody gives themselves.
const NAME_CHARS_MAX: usize = 100;

#[derive(Debug, Parser)]
#[command(
    after_help = "A word holds for the very commit that it is asked for. In a script say who says it: --as NAME."
)]
pub(super) struct ApproveArgs {
    /// What waits: a stage, `<stage> of <item>`, or an item; may be left out where one thing waits.
    pub gate: Vec<String>,
    /// What to say about it.
    #[arg(short, long, value_name = "TEXT", default_value = "")]
    pub message: String,
    /// Leave out the next stage as well, which must be an optional one.
    #[arg(long)]
    pub skip_next: bool,
    /// The run; else the one of this work tree.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Who says it, where no terminal shows that somebody does.
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
}

#[derive(Debug, Parser)]
pub(super) struct AnswerArgs {
    /// What waits: a stage, `<stage> of <item>`, or an item; may be left out where one thing waits.
    pub gate: Vec<String>,
    /// Why, or what is to be changed.
    #[arg(short, long, value_name = "TEXT", required = true)]
    pub message: String,
    /// The run; else the one of this work tree.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Who says it, where no terminal shows that somebody does.
    #[arg(long = "as", value_name = "NAME")]
    pub who: Option<String>,
}

impl From<ApproveArgs> for Said {
    fn from(args: ApproveArgs) -> Self {
        let ApproveArgs { gate, message, skip_next, run, who } = args;
        Self { word: Word::Approve, gate: gate.join(" "), message, skip_next, run, who }
    }
}

/// What was typed.
pub(super) struct Said {
    word: Word,
    gate: String,
    message: String,
    skip_next: bool,
    run: Option<String>,
    who: Option<String>,
}

impl Said {
    pub(super) fn new(word: Word, args: AnswerArgs) -> Self {
        let AnswerArgs { gate, message, run, who } = args;
        Self { word, gate: gate.join(" "), message, skip_next: false, run, who }
    }
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, said: &Said) -> Result<Exit, Fail> {
    person::only(&format!("to {}", said.word.word()))?;
    repo.may_write()?;
    let who = who(repo, said)?;
    let Whose { id, now, tip, from } = whose(repo, said)?;
    let asks = super::status::asks(repo, &now, &tip);
    if now.newer {
        return Err(bound::newer(&id).into());
    }
    if from.is_none() && !now.is_at_home(repo.clone_name().as_deref()) {
        return Err(bound::away(&now).into());
    }
    let waits = meant(&now, &said.gate)?;
    let text = text(said)?;
    let (head, tree) = stands(repo, &now, &waits, from.is_some())?;
    let approval = Approval {
        item: waits.gate.item.clone(),
        stage: waits.gate.stage.clone(),
        head,
        tree,
        word: said.word,
        text,
        skip: if said.skip_next { Some(after(&now, &waits.gate)?) } else { None },
        signed: None,
    };
    now.may_answer(&approval, clock::now())
        .map_err(|why| Fail::from(Denial::new("approval", why).next("git run status")))?;
    let artifact = signed(repo, (&now, &tip), &approval, &who)?;
    let signed = artifact.as_ref().map(|artifact| format!("artifacts/{}", artifact.path));
    let approval = Approval { signed, ..approval };
    let artifacts: Vec<_> = artifact.into_iter().collect();
    let event = Event::ApprovalGiven(Box::new(approval.clone()));
    if let Some(remote) = from {
        let run = answers::give(repo, (&id, &tip, &remote), who, event, &artifacts)?;
        let about = RunView::new(now, false, clock::now()).with_asks(asks);
        return answer(ui, &run, &approval, (&waits, &about), Some(&remote));
    }
    let mut journal = Journal::open(repo, &id, who)?;
    journal.append(vec![event], &artifacts, clock::now())?;
    let about = RunView::new(now, false, clock::now()).with_asks(asks);
    answer(ui, journal.run(), &approval, (&waits, &about), None)
}

/// A run of one's own, or one that was fetched: then from whom.
struct Whose {
    id: RunId,
    now: Run,
    tip: Oid,
    from: Option<RemoteId>,
}

fn whose(repo: &Repo, said: &Said) -> Result<Whose, Fail> {
    let named = said.run.as_deref();
    let found = named.map(|named| catalog::find_anywhere(repo, named)).transpose();
    if let Some(Found { run, tip, from: Some(remote) }) = found.map_err(Fail::from)? {
        let now = catalog::present(repo, &run, &tip)?;
        return Ok(Whose { id: run, now, tip, from: Some(remote) });
    }
    let id = rest::meant(repo, named)?;
    let journal = journal(repo, &id)?;
    Ok(Whose { now: journal.run().clone(), tip: journal.tip().clone(), id, from: None })
}

/// Somebody at the terminal is who git says; a script has to say it.
fn who(repo: &Repo, said: &Said) -> Result<Actor, Fail> {
    let of_git = actor(repo);
    match name(said.who.as_deref())? {
        Some(person) => Ok(Actor { person, ..of_git }),
        None if stdin().is_terminal() => Ok(of_git),
        None => Err(Fail::new(
            Exit::PersonNeeded,
            format!("there is no terminal, so it cannot be told who wants to {}", said.word.word()),
        )
        .hint(format!("git run {} --as '<your name>'", said.word.word()))),
    }
}

/// A name that was typed, as it is kept.
pub(super) fn name(typed: Option<&str>) -> Result<Option<String>, Fail> {
    let Some(typed) = typed else { return Ok(None) };
    let plain: String = typed.chars().filter(|c| !c.is_control()).collect();
    let plain: String = plain.trim().chars().take(NAME_CHARS_MAX).collect();
    match plain.is_empty() {
        true => Err(Fail::new(Exit::Usage, "`--as` is empty; it says who says it")),
        false => Ok(Some(plain)),
    }
}

fn text(said: &Said) -> Result<String, Fail> {
    let mut text = secret::redact(sanitise(&said.message).trim());
    if text.is_empty() && said.word != Word::Approve {
        return Err(Fail::new(Exit::Usage, "`--message` is empty; say why"));
    }
    cut(&mut text, MESSAGE_BYTES_MAX);
    Ok(text)
}

/// The one thing that waits, or the one that the word means.
fn meant(run: &Run, word: &str) -> Result<Waits, Fail> {
    let waits = run.waits();
    let is_meant = |one: &&Waits| {
        word.is_empty() || one.gate.is_meant_by(word) || one.gate.item.as_str() == word
    };
    let found: Vec<&Waits> = waits.iter().filter(is_meant).collect();
    if let [one] = found.as_slice() {
        return Ok((*one).clone());
    }
    let id = &run.charter.run;
    let what = match (waits.is_empty(), found.is_empty()) {
        (true, _) => format!("nothing of run `{id}` waits for a person's word"),
        (false, true) => format!("`{}` does not wait for a person's word", word.escape_debug()),
        (false, false) => "several things wait for a person's word; name one".to_owned(),
    };
    let mut fail = Fail::from(Denial::new("approval", what).next("git run status"));
    fail.details = waits.iter().map(|one| format!("waits: {}", one.gate)).collect();
    Err(fail)
}

/// The commit and tree that the word is for; the branch must still be there.
fn stands(
    repo: &Repo,
    run: &Run,
    waits: &Waits,
    elsewhere: bool,
) -> Result<(crate::domain::id::Oid, crate::domain::id::Oid), Fail> {
    let Some((head, tree)) = waits.at.clone() else {
        let tree = run.tree.clone().unwrap_or_else(|| repo.no_tree());
        return Ok((run.head.clone(), tree));
    };
    // Who has it only as it was fetched answers for the commit by its id.
    if elsewhere {
        return Ok((head, tree));
    }
    let branch = &run.charter.branch;
    let tip = repo.refs().read(&format!("refs/heads/{branch}"))?;
    if tip.as_ref() == Some(&head) {
        return Ok((head, tree));
    }
    let at = tip.as_ref().map_or("nothing", |commit| commit.short());
    let what = format!("`{branch}` stands at {at}, and the word is asked for {}", head.short());
    Err(Denial::new("commit", what).next("git run resume asks again, for what is there now").into())
}

/// The next stage that the run would come to.
fn after(run: &Run, gate: &Gate) -> Result<StageId, Fail> {
    let stages = &run.charter.stages;
    let at = stages.iter().position(|shape| shape.id == gate.stage).unwrap_or(stages.len());
    let next = stages.iter().skip(at + 1).find(|shape| shape.is_walked());
    let part = run.part_of(&gate.item);
    match next {
        Some(shape) if shape.optional && shape.part == part => Ok(shape.id.clone()),
        Some(shape) => {
            let what = format!("`{}` comes next, and is no optional stage", shape.id);
            Err(Denial::new("gate", what).next("git run approve").into())
        }
        None => Err(Denial::new("gate", "no stage comes next").next("git run approve").into()),
    }
}

/// The word as a signed object, where git is told to sign.
fn signed(
    repo: &Repo,
    (run, tip): (&Run, &Oid),
    of: &Approval,
    who: &Actor,
) -> Result<Option<Artifact>, Fail> {
    let text = word_statement(&run.charter.run, of, &who.person);
    rest::signed(repo, (tip, &of.tree), &text, format!("words/{:04}.commit", run.seq + 1))
}

/// What was asked, what there was to read, and what was said.
fn answer(
    ui: &mut Ui,
    run: &Run,
    of: &Approval,
    (waits, about): (&Waits, &RunView),
    sent_to: Option<&RemoteId>,
) -> Result<Exit, Fail> {
    let gate = Gate { item: of.item.clone(), stage: of.stage.clone() };
    let asks = about.asks(&of.stage);
    if ui.json {
        ui.say_json(&json!({
            "schema": "git-run/approval/1",
            "run": run.charter.run.as_str(),
            "item": of.item.as_str(),
            "stage": of.stage.as_str(),
            "commit": of.head.as_str(),
            "word": of.word.word(),
            "signed": of.signed,
            "sent_to": sent_to.map(ToString::to_string),
            "asked": asks,
            "papers": waits.papers.iter().map(|paper| paper.path.clone()).collect::<Vec<_>>(),
            "waits": run.waits().iter().map(|one| one.gate.to_string()).collect::<Vec<_>>(),
        }))?;
        return Ok(Exit::Done);
    }
    let (what, next) = match of.word {
        Word::Approve => ("approved", "git run resume"),
        Word::Modify => ("sent back", "git run resume"),
        Word::Reject => ("rejected", "git run resume asks again; git run halt --force gives it up"),
    };
    let next = match sent_to {
        Some(remote) => format!("where it runs: git run sync fetch {remote}, and then {next}"),
        None => next.to_owned(),
    };
    let mut text = String::new();
    for line in waits.why.iter().chain(&asks) {
        text.push_str(&format!("asked: {line}\n"));
    }
    for paper in &waits.papers {
        text.push_str(&format!("about: git run show {}\n", paper.path));
    }
    text.push_str(&format!("{gate} is {what} for {}\nnext: {next}\n", of.head.short()));
    ui.say(&sanitise(&text))?;
    Ok(Exit::Done)
}
