//! `git run override`: a person answers for a gate, of this commit and no other.

use super::{
    args::OverrideArgs,
    exit::{Exit, Fail},
    rest::{self, Rest},
    ui::Ui,
};
use crate::{
    domain::{
        event::{Event, GateOverride},
        finding::cut,
        gate::{Gate, REASON_BYTES_MAX, statement},
        ice::denial::Denial,
        id::Oid,
        run::Run,
        secret,
    },
    git::Repo,
    guard::person,
    process::clock,
    report::sanitise::sanitise,
    store::{catalog, journal::Artifact, message::EVENTS_PER_APPEND_MAX},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &OverrideArgs) -> Result<Exit, Fail> {
    let reason = reason(&args.reason)?;
    person::only("to override a gate")?;
    let id = rest::meant(repo, args.run.as_deref())?;
    let word = args.gate.join(" ");
    // Asked twice: what is refused anyway does not even touch the lock.
    gates(repo, &rest::look(repo, &id)?, &word)?;
    let mut rest = Rest::hold(repo, &id)?;
    let run = rest.journal.run().clone();
    let gates = gates(repo, &run, &word)?;
    let tip = rest.journal.tip().clone();
    let artifact = signed(repo, (&run, &tip), &gates, &reason)?;
    let tree = run.tree.clone().unwrap_or_else(|| repo.no_tree());
    let events: Vec<_> = gates
        .iter()
        .map(|gate| {
            Event::GateOverridden(Box::new(GateOverride {
                gate: gate.clone(),
                commit: run.head.clone(),
                tree: tree.clone(),
                reason: reason.clone(),
                signed: artifact.as_ref().map(|artifact| format!("artifacts/{}", artifact.path)),
            }))
        })
        .collect();
    let mut artifacts: Vec<_> = artifact.into_iter().collect();
    for some in events.chunks(EVENTS_PER_APPEND_MAX) {
        rest.journal.append(some.to_vec(), &artifacts, clock::now())?;
        artifacts.clear();
    }
    answer(ui, rest.journal.run(), &gates)
}

fn reason(given: &str) -> Result<String, Fail> {
    let mut reason = secret::redact(sanitise(given).trim());
    if reason.trim().is_empty() {
        return Err(Fail::new(Exit::Usage, "an override needs a reason, and `--reason` is empty")
            .hint("git run override <gate> --reason 'why it may go without'"));
    }
    cut(&mut reason, REASON_BYTES_MAX);
    Ok(reason)
}

/// The open gates that the word means. The work tree must stand where the run does: whoever answers
/// for a commit has it before them.
fn gates(repo: &Repo, run: &Run, word: &str) -> Result<Vec<Gate>, Fail> {
    let charter = &run.charter;
    if !catalog::belongs(repo, run)?.is_here() {
        let worktree = run.worktree();
        let what = format!("run `{}` belongs to the work tree `{worktree}`", charter.run);
        return Err(Denial::new("commit", what).next(format!("cd '{worktree}'")).into());
    }
    let (branch, head) = (&charter.branch, repo.head()?.commit);
    let tip = repo.refs().read(&format!("refs/heads/{branch}"))?;
    for (what, stands) in [("the work tree", &head), ("the branch", &tip)] {
        if stands.as_ref() != Some(&run.head) || run.tree.is_none() {
            let at = stands.as_ref().map_or("nothing", |commit| commit.short());
            let what = format!("{what} stands at {at}, and the run at {}", run.head.short());
            let next = format!("git switch {branch}, or git run resume to have it judged");
            return Err(Denial::new("commit", what).next(next).into());
        }
    }
    let open = run.open_gates(Some(&run.head));
    let meant: Vec<_> = open.iter().filter(|gate| gate.is_meant_by(word)).cloned().collect();
    if !meant.is_empty() {
        return Ok(meant);
    }
    let what = format!("`{}` is no open gate", word.escape_debug());
    let mut fail = Fail::from(Denial::new("gate", what).next("git run status"));
    match open.is_empty() {
        true => fail.details.push("nothing is open".to_owned()),
        false => fail.details.extend(open.iter().map(|gate| format!("open: {gate}"))),
    }
    Err(fail)
}

/// The statement as a signed object, where git is told to sign.
fn signed(
    repo: &Repo,
    (run, tip): (&Run, &Oid),
    gates: &[Gate],
    reason: &str,
) -> Result<Option<Artifact>, Fail> {
    let Some(tree) = &run.tree else { return Ok(None) };
    let text = statement(&run.charter.run, gates, &run.head, tree, reason);
    rest::signed(repo, (tip, tree), &text, format!("overrides/{:04}.commit", run.seq + 1))
}

fn answer(ui: &mut Ui, run: &Run, gates: &[Gate]) -> Result<Exit, Fail> {
    let open = run.open_gates(Some(&run.head));
    let names = |gates: &[Gate]| gates.iter().map(ToString::to_string).collect::<Vec<_>>();
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/override/1",
            "run": run.charter.run.as_str(),
            "commit": run.head.as_str(),
            "overridden": names(gates),
            "open": names(&open),
            "signed": run.overrides.last().and_then(|one| one.signed.clone()),
        }))?;
        return Ok(Exit::Done);
    }
    let commit = run.head.short();
    for gate in gates {
        ui.say(&format!("{gate} is overridden for {commit}\n"))?;
    }
    ui.say(&match open.as_slice() {
        [] => "next: git run push  (every gate is open or answered for, as long as nothing is committed)\n".to_owned(),
        open => format!("still open: {}\n", names(open).join(", ")),
    })?;
    Ok(Exit::Done)
}
