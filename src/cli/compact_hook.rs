//! `git run hook <agent> pre-compact`: what an agent calls before it forgets. Keeps the hand-over with the
//! run of this work tree, and never stands in the agent's way.

use std::{
    ffi::OsString,
    io::{self, IsTerminal as _, Read as _},
    path::PathBuf,
};

use serde_json::Value;

use super::{
    exit::{Exit, Fail},
    resume::{frozen, journal},
    ui::Ui,
};
use crate::{
    domain::{event::Event, ice::tool::Client, run::Run, view::RunView},
    engine::hand_over,
    git::Repo,
    process::clock,
    report::{compaction, sanitise::one_line},
    store::{
        catalog::{self, Belongs},
        hold,
        journal::Artifact,
    },
};

/// What an agent says of a compaction is small; the rest of it is not read.
const INPUT_BYTES_MAX: u64 = 1024 * 1024;
/// What the agent is to keep in its head; the artifact says more.
const TOKENS_SAID: usize = 1000;

pub(super) fn run(ui: &mut Ui, words: &[OsString]) -> Exit {
    let agent = words.first().and_then(|word| Client::of(word.to_str()?));
    if let Err(fail) = keep(ui, agent) {
        ui.tell(&one_line(&format!("no hand-over was kept: {}", fail.message)));
    }
    // An agent may take anything else for a no.
    Exit::Done
}

fn keep(ui: &mut Ui, agent: Option<Client>) -> Result<(), Fail> {
    let Some(agent) = agent else {
        let agents = Client::ALL.map(Client::word).join(", ");
        return Err(Fail::new(Exit::Usage, format!("the agents are {agents}")));
    };
    let Ok(repo) = Repo::discover(&directory()) else { return Ok(()) };
    let Some((id, tip)) = catalog::here(&repo)? else { return Ok(()) };
    let run = catalog::present(&repo, &id, &tip)?;
    let here = matches!(catalog::belongs(&repo, &run)?, Belongs::Here | Belongs::Moved { .. });
    if run.state.is_over() || !here {
        return Ok(());
    }
    let (plan, _) = frozen(&repo, &id)?;
    let view = |run: Run| {
        let held = hold::is_held(&run);
        let view = RunView::new(run, held, clock::now());
        let drift = super::status::drifted(&repo, &view.run, &tip);
        view.with_drift(drift)
    };
    let view = view(run);
    let text = hand_over::text(&repo, &view, &plan, hand_over::TOKENS_MAX);
    let kept = if hand_over::is_kept(&repo, &tip, &text)? {
        Ok(())
    } else {
        append(&repo, &view.run, agent, text)
    };
    // What could not be kept is said all the same.
    let said = hand_over::text(&repo, &view, &plan, TOKENS_SAID);
    ui.say(&compaction::answer(agent, id.as_str(), &said))?;
    kept
}

/// By an event that changes nothing, and that whoever does not hold the run may write.
fn append(repo: &Repo, run: &Run, agent: Client, text: String) -> Result<(), Fail> {
    repo.may_write()?;
    let mut journal = journal(repo, &run.charter.run)?;
    let path = format!("{}/{:06}.txt", hand_over::DIRECTORY, journal.run().seq + 1);
    let word = agent.word();
    let text_of =
        format!("{word} is about to compact its context: the hand-over is artifacts/{path}");
    let artifact = Artifact { path, content: text.into_bytes() };
    Ok(journal.append(vec![Event::Remarked { text: text_of }], &[artifact], clock::now())?)
}

/// Where the agent works: as it says, else here.
fn directory() -> PathBuf {
    let here = PathBuf::from(".");
    let mut said = Vec::new();
    if !io::stdin().is_terminal()
        && io::stdin().take(INPUT_BYTES_MAX).read_to_end(&mut said).is_err()
    {
        return here;
    }
    let said: Value = serde_json::from_slice(&said).unwrap_or_default();
    said["cwd"].as_str().map_or(here, PathBuf::from)
}
