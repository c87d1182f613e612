//! `git run verify`: replays journals against every state, segment and trailer that they recorded,
//! and has git check what people signed.

use std::io::Read as _;

use super::{
    args::VerifyArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::{
        ice::push_line::{INPUT_BYTES_MAX, parse_received},
        id::Oid,
        tale::counted,
    },
    git::Repo,
    guard::server::{self, Judged},
    report::sanitise::one_line,
    store::{catalog, history, signatures},
};

/// What is missing where no signature is.
const UNSIGNED: &str = "there is none, and git was told to sign when the run began";

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &VerifyArgs) -> Result<Exit, Fail> {
    if let Some(range) = &args.push {
        return push(ui, repo, range.as_deref(), args.onto.as_deref());
    }
    let runs = match &args.run {
        Some(named) => vec![catalog::find(repo, named)?.0],
        None => catalog::runs(repo)?.into_iter().map(|(id, _)| id).collect(),
    };
    let mut exit = Exit::Done;
    let mut values = Vec::new();
    for id in &runs {
        let proof =
            history::verify(repo, id).and_then(|found| Ok((found, signatures::check(repo, id)?)));
        let (line, value) = match proof {
            Ok((found, signed)) => {
                let unsigned = signed.unsigned.iter().map(|seq| (*seq, UNSIGNED.to_owned()));
                let not_vouched: Vec<_> =
                    signed.not_vouched.iter().cloned().chain(unsigned).collect();
                if !not_vouched.is_empty() && exit == Exit::Done {
                    exit = Exit::Failed;
                }
                let why = |(seq, why): &(u64, String)| serde_json::json!({"seq": seq, "why": why});
                let value = serde_json::json!({
                    "run": id.as_str(), "whole": true, "events": found.events,
                    "appends": found.appends, "states": found.states,
                    "signatures": {
                        "good": signed.good,
                        "not_vouched": not_vouched.iter().map(why).collect::<Vec<_>>(),
                    },
                });
                let mut line = format!(
                    "{id}: whole: {} events in {} appends, {} states agree",
                    found.events, found.appends, found.states
                );
                if 0 < signed.good {
                    line.push_str(&format!(", {} good", counted(signed.good, "signature")));
                }
                for (seq, why) in &not_vouched {
                    line.push_str(&format!(
                        "; NOT VOUCHED FOR: the signature of event {seq}: {why}"
                    ));
                }
                (line, value)
            }
            Err(error) => {
                exit = Exit::Fault;
                let why = format!("{error:#}");
                (
                    format!("{id}: NOT WHOLE: {why}"),
                    serde_json::json!({ "run": id.as_str(), "whole": false, "why": why }),
                )
            }
        };
        if ui.json {
            values.push(value);
        } else {
            ui.say(&format!("{}\n", one_line(&line)))?;
        }
    }
    if ui.json {
        ui.say_json(&serde_json::json!({ "schema": "git-run/verify/1", "runs": values }))?;
    } else if runs.is_empty() {
        ui.say("no runs yet\nnext: git run plan show  (what could be run)\n")?;
    } else {
        ui.say("next: git run list  (where each of them stands)\n")?;
    }
    Ok(exit)
}

/// What a server with its hooks in would say.
fn push(ui: &mut Ui, repo: &Repo, range: Option<&str>, onto: Option<&str>) -> Result<Exit, Fail> {
    let judged = match (range, onto) {
        (Some(range), Some(onto)) => {
            let Some((old, new)) = range.split_once("..").filter(|(_, new)| !new.starts_with('.'))
            else {
                return Err(usage(&format!("`{range}` is no range of commits")));
            };
            let onto = onto.strip_prefix("refs/heads/").unwrap_or(onto);
            vec![server::merge(repo, &commit(repo, old)?, &commit(repo, new)?, onto)?]
        }
        (Some(_), None) => return Err(usage("onto which branch would the range be merged?")),
        (None, Some(_)) => return Err(usage("which range would be merged onto the branch?")),
        (None, None) => {
            let mut input = Vec::new();
            let most = INPUT_BYTES_MAX as u64 + 1;
            std::io::stdin().lock().take(most).read_to_end(&mut input).map_err(|error| {
                Fail::new(Exit::Failed, format!("cannot read the lines: {error}"))
            })?;
            let lines = parse_received(&input)
                .map_err(|garbled| Fail::new(Exit::Failed, garbled.to_string()))?;
            server::would_receive(repo, &lines)?
        }
    };
    let allowed = judged.iter().all(|judged| judged.verdict.is_ok());
    if ui.json {
        let refs: Vec<_> = judged.iter().map(json).collect();
        ui.say_json(&serde_json::json!({
            "schema": "git-run/verify-push/1", "allowed": allowed, "refs": refs,
        }))?;
    } else {
        for Judged { name, verdict } in &judged {
            let line = match verdict {
                Ok(()) => format!("allowed  {name}"),
                Err(no) => format!("refused  {name}: {} [{}]", no.reason, no.rule),
            };
            ui.say(&format!("{}\n", one_line(&line)))?;
            if let Some(next) = verdict.as_ref().err().and_then(|no| no.next.as_ref()) {
                ui.say(&format!("next: {}\n", one_line(next)))?;
            }
        }
    }
    Ok(if allowed { Exit::Done } else { Exit::Refused })
}

fn json(judged: &Judged) -> serde_json::Value {
    let no = judged.verdict.as_ref().err();
    serde_json::json!({
        "ref": judged.name,
        "allowed": no.is_none(),
        "rule": no.map(|no| no.rule),
        "reason": no.map(|no| &no.reason),
        "next": no.and_then(|no| no.next.as_ref()),
    })
}

fn usage(what: &str) -> Fail {
    Fail::new(Exit::Usage, what).hint("git run verify --push origin/main..HEAD --onto main")
}

/// An end of the range; one that is not said is HEAD.
fn commit(repo: &Repo, named: &str) -> Result<Oid, Fail> {
    let named = if named.is_empty() { "HEAD" } else { named };
    let wanted = format!("{named}^{{commit}}");
    let out = repo
        .git()
        .output(&["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])
        .map_err(|_| Fail::new(Exit::Failed, format!("there is no commit `{named}` here")))?;
    let id = String::from_utf8_lossy(&out);
    Oid::parse(id.trim()).map_err(|error| Fail::new(Exit::Failed, error.to_string()))
}
