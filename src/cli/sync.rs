//! `git run sync`: runs between machines. Fetches beside one's own, sends by compare-and-swap, and says how
//! each run stands.

use std::collections::BTreeSet;

use clap::Parser;

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        id::{RemoteId, RunId},
        share::Stand,
        tale::counted,
    },
    git::Repo,
    guard::{
        person,
        push::remote_name,
        share::{self, Find, NotSent},
    },
    report::sanitise::one_line,
    sync::{
        fetch::{self, Fetched, News, Wanted},
        push::{self, Outcome, Pushed},
        stand::{self, Standing},
    },
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Both,
    Fetch,
    Push,
    Status,
}

#[derive(Debug, Parser)]
#[command(
    override_usage = "git run sync [push|fetch|status] [REMOTE]",
    after_help = "`sync` alone fetches, sends, and shows; `status` asks nobody.\n\
        What is fetched stands in refs/run-remote/<remote>/ and is never taken for your own; what does not\n\
        verify is put aside. What is sent is looked through for secrets first: docs/SHARING.md."
)]
pub(super) struct SyncArgs {
    /// push, fetch or status; and the remote, else `run.remote`, `origin` or the only one.
    #[arg(value_name = "WHAT")]
    pub words: Vec<String>,
    /// This run alone, by its full name, and no notes.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Checkpoints too: whole work trees, with the commits that they stand on.
    #[arg(long)]
    pub checkpoints: bool,
    /// What agents said, too.
    #[arg(long)]
    pub transcripts: bool,
    /// A person says that what a refusal names so is no secret.
    #[arg(long, value_name = "NAME")]
    pub allow_secret: Vec<String>,
}

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &SyncArgs) -> Result<Exit, Fail> {
    let (act, named) = act(&args.words)?;
    let remote = remote(repo, named)?;
    let wanted = wanted(args)?;
    let allowed: BTreeSet<String> = args.allow_secret.iter().cloned().collect();
    if !allowed.is_empty() {
        person::only("to say that something is no secret")?;
    }
    if act != Act::Status {
        share::may_share()?;
        repo.may_write()?;
    }
    let mut said = Said { exit: Exit::Done, value: serde_json::Map::new() };
    if matches!(act, Act::Both | Act::Fetch) {
        let fetched = fetch::fetch(repo, &remote, &wanted)?;
        said.fetched(ui, &remote, &fetched)?;
    }
    if matches!(act, Act::Both | Act::Push) {
        let pushed = push::push(repo, &remote, &wanted, &allowed).map_err(not_sent)?;
        for fetched in &pushed.fetched {
            said.fetched(ui, &remote, fetched)?;
        }
        said.pushed(ui, &remote, &pushed)?;
    }
    said.status(ui, repo, &remote, &wanted, act)?;
    Ok(said.exit)
}

fn act(words: &[String]) -> Result<(Act, Option<&str>), Fail> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let known = |word: &str| match word {
        "push" => Some(Act::Push),
        "fetch" => Some(Act::Fetch),
        "status" => Some(Act::Status),
        _ => None,
    };
    match words.as_slice() {
        [] => Ok((Act::Both, None)),
        [one] => Ok(known(one).map_or((Act::Both, Some(*one)), |act| (act, None))),
        [one, remote] => match known(one) {
            Some(act) => Ok((act, Some(*remote))),
            None => Err(usage(&format!("`{}` is not push, fetch or status", one.escape_debug()))),
        },
        _ => Err(usage("there is one remote at most")),
    }
}

fn usage(what: &str) -> Fail {
    Fail::new(Exit::Usage, what).hint("git run sync [push|fetch|status] [<remote>]")
}

/// The remote that was named, or the one that runs push to.
pub(super) fn remote(repo: &Repo, named: Option<&str>) -> Result<RemoteId, Fail> {
    let name = match named {
        Some(named) => {
            let out = repo.git().output(&["remote"])?;
            let known = String::from_utf8_lossy(&out).lines().any(|name| name == named);
            if !known {
                let what = format!("there is no remote `{}`", named.escape_debug());
                return Err(Fail::new(Exit::Usage, what).hint("git remote"));
            }
            named.to_owned()
        }
        None => {
            let settings = Settings::read(repo)?;
            remote_name(repo, settings.remote.as_deref())?.ok_or_else(|| {
                Fail::new(Exit::Failed, "there is no remote that is the only one, or `origin`")
                    .hint("git run sync <remote>, or git config run.remote <remote>")
            })?
        }
    };
    RemoteId::parse(&name).map_err(|error| {
        Fail::new(Exit::Failed, format!("{error}, and runs are kept by it"))
            .hint("git remote rename gives it another name")
    })
}

fn wanted(args: &SyncArgs) -> Result<Wanted, Fail> {
    let run = args.run.as_deref().map(RunId::parse).transpose();
    let run = run.map_err(|error| usage(&error.to_string()))?;
    Ok(Wanted { run, checkpoints: args.checkpoints, transcripts: args.transcripts })
}

fn not_sent(not: NotSent) -> Fail {
    match not {
        NotSent::Denied(denial) => denial.into(),
        NotSent::Other(error) => error.into(),
        NotSent::Secrets(ref finds) => Fail {
            details: finds.iter().map(find).collect(),
            ..Fail::new(Exit::Refused, not.to_string())
        }
        .hint("nothing was sent; a person who looked says git run sync push --allow-secret <name>"),
    }
}

fn find(find: &Find) -> String {
    format!("{}: {}: {} [{}]", find.name, find.place, find.kind.says(), find.digest)
}

/// What is told along the way, and how it ends.
struct Said {
    exit: Exit,
    value: serde_json::Map<String, serde_json::Value>,
}

impl Said {
    fn worse(&mut self, exit: Exit) {
        if self.exit == Exit::Done {
            self.exit = exit;
        }
    }

    fn fetched(&mut self, ui: &mut Ui, remote: &RemoteId, fetched: &Fetched) -> Result<(), Fail> {
        let mut values = Vec::new();
        for (run, news) in &fetched.runs {
            let line = news_line(remote, news);
            match news {
                News::Quarantined { .. } | News::Rewritten { .. } => self.worse(Exit::Failed),
                _ => {}
            }
            values.push(serde_json::json!({
                "run": run.as_str(), "news": news.word(), "says": line,
            }));
            if !ui.json {
                ui.say(&format!("fetched  {run}  {}\n", one_line(&line)))?;
            }
        }
        let mut notes = Vec::new();
        if let Some(merged) = fetched.notes {
            notes.push(format!("notes: {} came in", counted(merged.added, "line")));
            if 0 < merged.left_out {
                notes.push(format!("{} left out: no notes of runs", merged.left_out));
            }
        }
        if let Some(why) = &fetched.notes_left {
            self.worse(Exit::Failed);
            notes.push(format!("the notes of {remote} were not merged: {why}"));
        }
        if 0 < fetched.more {
            notes.push(format!("{} more are new there: git run sync fetch {remote}", fetched.more));
        }
        if fetched.flooded {
            self.worse(Exit::Failed);
            notes.push(format!("too many journals of {remote} do not verify: only runs that are known here were fetched, and others by --run"));
        }
        if 0 < fetched.passed_over {
            notes.push(format!("{} there are none of ours", counted(fetched.passed_over, "name")));
        }
        for note in &notes {
            ui.tell(&one_line(note));
        }
        let before = self.value.remove("fetched");
        let mut all = before.and_then(|value| value.as_array().cloned()).unwrap_or_default();
        all.extend(values);
        self.value.insert("fetched".to_owned(), all.into());
        Ok(())
    }

    fn pushed(&mut self, ui: &mut Ui, remote: &RemoteId, pushed: &Pushed) -> Result<(), Fail> {
        let mut values = Vec::new();
        for (name, outcome) in &pushed.refs {
            match outcome {
                Outcome::Sent | Outcome::There => {}
                Outcome::Left(_) | Outcome::Lost(_) => self.worse(Exit::Held),
                Outcome::Refused(_) => self.worse(Exit::Failed),
                Outcome::NotWhole(_) => self.worse(Exit::Fault),
            }
            values.push(serde_json::json!({
                "ref": name, "outcome": outcome.word(), "why": outcome.why(),
            }));
            if !ui.json && *outcome != Outcome::There {
                let why = outcome.why().map(|why| format!(": {why}")).unwrap_or_default();
                let line = format!("{:<8} {name} to {remote}{why}", outcome.word());
                ui.say(&format!("{}\n", one_line(&line)))?;
            }
        }
        self.value.insert("pushed".to_owned(), values.into());
        Ok(())
    }

    fn status(
        &mut self,
        ui: &mut Ui,
        repo: &Repo,
        remote: &RemoteId,
        wanted: &Wanted,
        act: Act,
    ) -> Result<(), Fail> {
        let mut all = stand::all(repo, remote)?;
        all.retain(|one| wanted.run.as_ref().is_none_or(|run| *run == one.run));
        if ui.json {
            let runs: Vec<_> = all.iter().map(json).collect();
            self.value.insert("schema".to_owned(), "git-run/sync/1".into());
            self.value.insert("remote".to_owned(), remote.as_str().into());
            self.value.insert("runs".to_owned(), runs.into());
            for absent in ["fetched", "pushed"] {
                self.value.entry(absent).or_insert_with(|| serde_json::Value::Array(Vec::new()));
            }
            return ui.say_json(&serde_json::Value::Object(std::mem::take(&mut self.value)));
        }
        if matches!(act, Act::Fetch | Act::Push) {
            return Ok(());
        }
        for one in &all {
            ui.say(&format!("{}  {}\n", one.run, one_line(&stand_line(one))))?;
            for kept in &one.rewritten {
                ui.say(&format!("    replaced there; kept as {kept}\n"))?;
            }
        }
        if all.is_empty() {
            ui.say(&format!("no runs here, and none of {remote} were fetched\nnext: git run sync fetch {remote}\n"))?;
        }
        Ok(())
    }
}

fn news_line(remote: &RemoteId, news: &News) -> String {
    match news {
        News::New => format!("is new; git run list --remote {remote} shows it"),
        News::Forward => format!("went forward at {remote}"),
        News::Taken(count) => format!("went forward here: {}", counted_appends(*count)),
        News::Behind { count, why } => {
            format!("is {} ahead at {remote}, and was left: {why}", counted_appends(*count))
        }
        News::Diverged { here, there } => {
            let (here, there) = (here.short(), there.short());
            format!("diverged: {here} here, {there} at {remote}; both are left alone")
        }
        News::Rewritten { kept } => {
            format!("was REWRITTEN at {remote}; what was there before is kept as {kept}")
        }
        News::Quarantined { why } => format!("does not verify, and is not used: {why}"),
    }
}

fn counted_appends(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "append")
}

fn stand_line(one: &Standing) -> String {
    match &one.stand {
        Stand::OnlyHere => "only here".to_owned(),
        Stand::OnlyThere => "only there".to_owned(),
        Stand::Same => "same".to_owned(),
        Stand::Ahead(count) => format!("ahead {count}"),
        Stand::Behind(count) => format!("behind {count}"),
        Stand::Diverged { here, there } => {
            let short = |id: &Option<crate::domain::id::Oid>| {
                id.as_ref().map_or("-".to_owned(), |id| id.short().to_owned())
            };
            let (own, theirs) = (short(&one.here), short(&one.there));
            format!("diverged: {here} here ({own}), {there} there ({theirs})")
        }
        Stand::Quarantined(why) => format!("quarantined: {why}"),
    }
}

fn json(one: &Standing) -> serde_json::Value {
    let (here, there) = match &one.stand {
        Stand::Ahead(count) => (*count, 0),
        Stand::Behind(count) => (0, *count),
        Stand::Diverged { here, there } => (*here, *there),
        _ => (0, 0),
    };
    serde_json::json!({
        "run": one.run.as_str(),
        "stand": one.stand.word(),
        "ahead": here,
        "behind": there,
        "here": one.here.as_ref().map(|id| id.as_str()),
        "there": one.there.as_ref().map(|id| id.as_str()),
        "rewritten": one.rewritten,
    })
}
