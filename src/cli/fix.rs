//! `git run fix`: something is to be mended in a finished item, as a person found it.

use clap::Parser;
use serde_json::json;

use super::{
    again::{self, About},
    exit::{Exit, Fail},
    rest,
    resume::{frozen, journal},
    start::actor,
    ui::Ui,
};
use crate::{
    domain::{
        event::Event,
        finding::{Finding, MESSAGE_BYTES_MAX, Severity, cut},
        fix::{Fix, FixId, FixType, numbers},
        ice::denial::Denial,
        id::{ItemId, RunId},
        item::PERSON,
        run::State,
        secret,
    },
    git::Repo,
    guard::{bound, person},
    process::clock,
    report::sanitise::sanitise,
    store::journal::{AppendError, Journal},
};

/// How often a number is looked for that somebody else took in the meantime.
const TRIES_MAX: u32 = 20;

#[derive(Debug, Parser)]
#[command(
    after_help = "The item is built, judged and gated again, and comes before any that was not begun. A run that was\n\
        over goes on with it on the same branch: git run resume.\n\
        Types: runtime-error (it fails when it is run), regression (it was right before), integration-failure\n\
        (the parts are right, and wrong together), context-gap (whoever built it did not know something),\n\
        design-gap (it was built as it was thought, and that is wrong)."
)]
pub(super) struct FixArgs {
    /// The finished item.
    pub item: String,
    /// What is wrong.
    #[arg(short, long, value_name = "TEXT", required = true)]
    pub message: String,
    /// What kind of thing went wrong.
    #[arg(long = "type", value_name = "TYPE", value_parser = type_of)]
    pub of: Option<FixType>,
    /// The file in which it is.
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// The run; else the one of this work tree.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}

fn type_of(word: &str) -> Result<FixType, String> {
    FixType::parse(word).ok_or_else(|| format!("a type is one of {}", FixType::words()))
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &FixArgs) -> Result<Exit, Fail> {
    person::only("to let something be mended")?;
    repo.may_write()?;
    let id = rest::meant(repo, args.run.as_deref())?;
    let now = journal(repo, &id)?.run().clone();
    if now.newer {
        return Err(bound::newer(&id).into());
    }
    if !now.is_at_home(repo.clone_name().as_deref()) {
        return Err(bound::away(&now).into());
    }
    let item = ItemId::parse(&args.item).map_err(|e| Fail::new(Exit::Usage, e.to_string()))?;
    let mut message = secret::redact(sanitise(&args.message).trim());
    if message.is_empty() {
        return Err(Fail::new(Exit::Usage, "`--message` is empty; say what is wrong"));
    }
    cut(&mut message, MESSAGE_BYTES_MAX);
    let rule = args.of.map_or(PERSON, FixType::word).to_owned();
    let (severity, path) = (Severity::High, args.path.clone());
    let finding = Finding { rule, severity, path, line: None, message }.bounded();
    let fix = Fix { id: None, of: args.of, item, finding };
    now.may_fix(&fix).map_err(refused)?;
    if now.state.is_over() {
        let command = format!("git run fix … --run {id}");
        let about = About { rule: "fix", command: &command, what: &fix.finding.message };
        again::may_go_on(repo, &now, &about)?;
    }
    let (fix, state) = ask(repo, &id, fix)?;
    if ui.json {
        ui.say_json(&json!({
            "schema": "git-run/fix/1",
            "run": id.as_str(),
            "fix": fix.name(),
            "type": fix.of.map(FixType::word),
            "item": fix.item.as_str(),
            "fingerprint": fix.finding.fingerprint().to_string(),
            "state": state.word(),
        }))?;
    } else {
        let next = if state == State::Running { "git run status" } else { "git run resume" };
        ui.say(&format!("{}: {} is to be mended\nnext: {next}\n", fix.name(), fix.item))?;
    }
    Ok(Exit::Done)
}

fn refused(why: String) -> Fail {
    Denial::new("fix", why).next("git run status").into()
}

/// Writes it down under a number of its own. Somebody else may be faster, so the number is looked for
/// again as long as it is the number alone that is in the way.
fn ask(repo: &Repo, id: &RunId, mut fix: Fix) -> Result<(Fix, State), Fail> {
    let plan = frozen(repo, id)?.0;
    for _ in 0..TRIES_MAX {
        let mut journal = Journal::open(repo, id, actor(repo))?;
        let tasks = plan.tasks().map(|(_, task)| &task.id);
        let taken = numbers(tasks).chain(journal.run().fix_numbers());
        fix.id = FixId::after(taken);
        if fix.id.is_none() {
            return Err(refused("there is no number left for it".to_owned()));
        }
        journal.run().may_fix(&fix).map_err(refused)?;
        match journal.append(vec![Event::FixAsked(Box::new(fix.clone()))], &[], clock::now()) {
            Ok(()) => return Ok((fix, journal.run().state)),
            Err(AppendError::Refused(_) | AppendError::Overtaken(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(Fail::new(Exit::Held, format!("run `{id}` is being written by others"))
        .hint("the same again"))
}
