//! `git run fix`: something is to be mended in a finished item, as a person found it.

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
        event::Event,
        finding::{Finding, MESSAGE_BYTES_MAX, Severity, cut},
        ice::denial::Denial,
        id::ItemId,
        item::PERSON,
        secret,
    },
    git::Repo,
    guard::{bound, person},
    process::clock,
    report::sanitise::sanitise,
    store::journal::Journal,
};

#[derive(Debug, Parser)]
#[command(
    after_help = "The item is built, judged and gated again, and comes before any that was not begun."
)]
pub(super) struct FixArgs {
    /// The finished item.
    pub item: String,
    /// What is wrong.
    #[arg(short, long, value_name = "TEXT", required = true)]
    pub message: String,
    /// The file in which it is.
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,
    /// The run; else the one of this work tree.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
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
    let (rule, severity, path) = (PERSON.to_owned(), Severity::High, args.path.clone());
    let finding = Finding { rule, severity, path, line: None, message }.bounded();
    now.may_fix(&item, &finding)
        .map_err(|why| Fail::from(Denial::new("fix", why).next("git run status")))?;
    let mut journal = Journal::open(repo, &id, actor(repo))?;
    let fingerprint = finding.fingerprint();
    let event = Event::FixAsked { item: item.clone(), finding };
    journal.append(vec![event], &[], clock::now())?;
    let state = journal.run().state;
    if ui.json {
        ui.say_json(&json!({
            "schema": "git-run/fix/1",
            "run": id.as_str(),
            "item": item.as_str(),
            "fingerprint": fingerprint.to_string(),
            "state": state.word(),
        }))?;
    } else {
        let next = match state {
            crate::domain::run::State::Running => "git run status",
            _ => "git run resume",
        };
        ui.say(&format!("{item} is to be mended\nnext: {next}\n"))?;
    }
    Ok(Exit::Done)
}
