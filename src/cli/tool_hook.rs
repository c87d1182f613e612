//! `git run hook <agent> pre-tool-use`: what an agent calls before it uses a tool. Says no in the
//! agent's own format, and yes by silence.

use std::{
    ffi::OsString,
    io::{self, Read as _},
};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::ice::{
        ledger::Layer,
        tool::{Client, PRE_COMPACT, PRE_TOOL_USE, STOP},
    },
    git::Repo,
    guard::{
        ledger,
        tool::{INPUT_BYTES_MAX, Use, not_told},
    },
    report::tool_answer::{BLOCKED, answer},
};

/// The agent whose hook these words are; a mistake where they are nobody's.
pub(super) fn client(words: &[OsString]) -> Result<Client, Fail> {
    let agents = Client::ALL.map(Client::word).join(", ");
    let known = words.first().and_then(|word| Client::of(word.to_str()?));
    match (known, words) {
        (Some(client), [_, event]) if event == PRE_TOOL_USE => Ok(client),
        (Some(client), _) => Err(Fail::new(
            Exit::Usage,
            format!(
                "`{}` asks before it uses a tool, compacts its context or stops",
                client.word()
            ),
        )
        .hint(format!("git run hook {} {PRE_TOOL_USE}, {PRE_COMPACT} or {STOP}", client.word()))),
        (None, _) => {
            let word = words.first().map(|word| word.to_string_lossy().into_owned());
            let word = word.unwrap_or_default();
            let what = format!("`{}` is no hook of git, and no agent", word.escape_debug());
            Err(Fail::new(Exit::Usage, what).hint(format!("the agents are {agents}")))
        }
    }
}

pub(super) fn run(ui: &mut Ui, client: Client) -> Result<Exit, Fail> {
    let mut bytes = Vec::new();
    let most = INPUT_BYTES_MAX as u64 + 1;
    let read = io::stdin().take(most).read_to_end(&mut bytes).map_err(anyhow::Error::from);
    let used = read.and_then(|_| Use::read(&bytes));
    let place = used.as_ref().ok().and_then(|used| Repo::discover(used.directory()).ok());
    let judged = used.and_then(|used| used.judge());
    let steps = judged.unwrap_or_else(|error| vec![not_told(&error)]);
    let refused = steps.iter().find_map(|step| Some((step, step.verdict.as_ref().err()?)));
    if let (Some(repo), Some((step, denial))) = (place, refused) {
        ledger::refused(&repo, Layer::Tool, denial, &step.command);
    }
    let answer = answer(client, &steps);
    if let Some(out) = &answer.out
        && ui.say_json(out).is_err()
    {
        // A no that nobody could read must not be taken for silence.
        return Ok(Exit::Passed(BLOCKED));
    }
    if let Some(err) = &answer.err {
        ui.tell(err);
    }
    Ok(Exit::Passed(answer.code))
}
