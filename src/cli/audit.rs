//! `git run audit`: every movement of the remotes' refs that had no receipt.

use clap::Parser;

use super::{
    exit::{Exit, Fail},
    status::time,
    ui::Ui,
};
use crate::{
    domain::tale::counted,
    git::Repo,
    guard::{
        audit::{self, Ledger},
        person, scope,
    },
    report::{audit as report, sanitise::one_line},
};

#[derive(Debug, Parser)]
#[command(
    after_help = "Asks the remotes. Ends with 3 when something moved without a receipt, until a person vouches for it."
)]
pub(super) struct AuditArgs {
    /// The remote; else every one.
    pub remote: Option<String>,
    /// Say that every movement that had no receipt is right. For a person; needs a message.
    #[arg(long, requires = "message")]
    pub vouch: bool,
    /// Why it is right.
    #[arg(short, long, value_name = "TEXT", requires = "vouch")]
    pub message: Option<String>,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &AuditArgs) -> Result<Exit, Fail> {
    let reason = args.message.as_deref().unwrap_or_default().trim();
    if args.vouch && reason.is_empty() {
        return Err(Fail::new(Exit::Usage, "an empty message explains nothing"));
    }
    if args.vouch {
        person::only("to vouch for a movement")?;
    }
    repo.may_write()?;
    let all = scope::remotes(repo)?;
    let wanted = |(name, _): &&(String, String)| args.remote.as_ref().is_none_or(|one| one == name);
    let wanted: Vec<_> = all.iter().filter(wanted).collect();
    if let Some(remote) = args.remote.as_ref().filter(|_| wanted.is_empty()) {
        return Err(Fail::new(
            Exit::Usage,
            format!("there is no remote `{}`", remote.escape_debug()),
        )
        .hint("git remote"));
    }
    let ledger = Ledger::read(repo).map_err(|error| {
        Fail::new(Exit::Fault, format!("it cannot be told what was cleared: {error:#}"))
    })?;
    let refused: Vec<_> = ledger.refusals().collect();
    let (mut remotes, mut exit) = (Vec::new(), Exit::Done);
    for (name, url) in wanted {
        match audit::of_remote(repo, &ledger, name, url) {
            Ok(remote) => remotes.push(remote),
            // One that cannot be asked keeps nobody from the others.
            Err(error) => {
                ui.tell(&format!("error: {}: {}", one_line(name), one_line(&format!("{error:#}"))));
                exit = Exit::Failed;
            }
        }
    }
    let mut vouched = 0;
    if args.vouch {
        for remote in &remotes {
            vouched += audit::vouch(repo, remote, reason)?;
        }
    }
    let open = report::without(&remotes) - vouched;
    if ui.json {
        ui.say_json(&report::json(&remotes, &refused, vouched, &time))?;
    } else {
        for remote in &remotes {
            ui.say(&report::text(remote, &time))?;
        }
        if all.is_empty() {
            ui.say("there is no remote\n")?;
        }
        ui.say(&report::refusals(&refused, &time))?;
        if 0 < vouched {
            ui.say(&format!("vouched for {}\n", counted(vouched, "movement")))?;
        } else if 0 < open {
            ui.say("next: look at each; git run audit --vouch -m <why>  (when a person knows that they are right)\n")?;
        }
    }
    Ok(if 0 < open { Exit::Refused } else { exit })
}
