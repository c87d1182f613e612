//! `git run halt`: asks in the journal, wherever the run is at work.

use super::{
    args::HaltArgs,
    exit::{Exit, Fail},
    resume::{journal, wanted},
    ui::Ui,
};
use crate::{
    domain::{
        event::{Cause, Event},
        request::{Answer, Request, decide},
        run::State,
    },
    git::Repo,
    process::{alive, clock},
    store::{
        hold::{self, Hold},
        journal::Journal,
    },
};

const REASON_BYTES_MAX: usize = 2000;

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &HaltArgs) -> Result<Exit, Fail> {
    repo.may_write()?;
    let id = wanted(repo, args.run.as_deref())?;
    let mut journal = journal(repo, &id)?;
    let mut reason = args.reason.clone();
    crate::domain::finding::cut(&mut reason, REASON_BYTES_MAX);
    let rests = matches!(journal.run().state, State::Halted | State::Complete);
    if rests && args.force && !hold::is_held(journal.run()) {
        journal.append(vec![Event::RunClosed { why: reason }], &[], clock::now())?;
        return answer(ui, &journal, "given up; everything that it did is kept");
    }
    let request = Request::Halt { reason: reason.clone(), force: args.force };
    match decide(journal.run(), &request)? {
        Answer::Already => return answer(ui, &journal, "halted already"),
        Answer::Write(events) => journal.append(events, &[], clock::now())?,
    }
    if hold::is_held(journal.run()) {
        let how = if args.force {
            "its agent is being stopped"
        } else {
            "it halts after the present stage"
        };
        return answer(ui, &journal, how);
    }
    // Nobody is there to hear it: whoever holds the lock may write it down.
    let me = alive::own_mark();
    let _hold = Hold::of_run(repo, &id, &me)?;
    journal.take_lease(me, clock::now())?;
    journal.append(vec![Event::RunHalted { cause: Cause::Asked { reason } }], &[], clock::now())?;
    answer(ui, &journal, "halted")
}

fn answer(ui: &mut Ui, journal: &Journal<'_>, what: &str) -> Result<Exit, Fail> {
    let run = journal.run();
    let (id, state) = (run.charter.run.as_str(), run.state.word());
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/halt/1", "run": id, "state": state, "what": what,
        }))?;
    } else {
        ui.say(&format!("run {id}: {what}\n"))?;
    }
    Ok(Exit::Done)
}
