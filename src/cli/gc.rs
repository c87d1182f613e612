//! `git run gc`: drops checkpoints that have expired, and says which, why and how much.

use super::{
    args::GcArgs,
    exit::{Exit, Fail},
    status::time,
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    engine::{
        gc::{self, Dropped, Held},
        lanes::{self, Fate},
    },
    git::{Repo, lane::LaneTree},
    report::sanitise::one_line,
    store::checkpoints,
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &GcArgs) -> Result<Exit, Fail> {
    if !args.dry_run {
        repo.may_write()?;
    }
    let settings = Settings::read(repo)?.checkpoints;
    let keep = settings.keep.clone();
    // First, so that what is saved here is not dropped as something old.
    let lanes = lanes::clean_up(repo, &settings, args.dry_run);
    let mut all = Vec::new();
    let mut exit = Exit::Done;
    for (chain, _) in checkpoints::chains(repo)? {
        match gc::collect(repo, &chain, &keep, args.dry_run) {
            Ok(dropped) => all.push(dropped),
            // One chain that cannot be read keeps nobody from the others.
            Err(error) => {
                ui.tell(&format!("warning: {chain} is left as it is: {error:#}"));
                exit = Exit::Failed;
            }
        }
    }
    let swept = if args.dry_run { 0 } else { gc::sweep(repo) };
    if ui.json {
        ui.say_json(&serde_json::json!({
            "schema": "git-run/gc/1",
            "dry_run": args.dry_run,
            "chains": all.iter().map(json).collect::<Vec<_>>(),
            "swept": swept,
            "lanes": lanes.iter().map(lane).collect::<Vec<_>>(),
        }))?;
        return Ok(exit);
    }
    for (tree, fate) in &lanes {
        let (item, run, place) = (&tree.item, &tree.run, tree.worktree.display());
        let told = match fate {
            Fate::Removed => format!(
                "removed `{place}`, the lane of {item} of run {run}; all of it is in a checkpoint"
            ),
            Fate::Kept(why) => format!("the lane of {item} of run {run}: {why}"),
        };
        ui.say(&format!("{}\n", one_line(&told)))?;
    }
    let (mut count, mut bytes) = (0, 0);
    for dropped in &all {
        count += dropped.checkpoints.len();
        bytes += dropped.bytes;
        for (made, why, held) in &dropped.checkpoints {
            let where_else = match held {
                Held::Elsewhere => "its files are in the commit that it was made on",
                Held::Nowhere => "its uncommitted files are held by it alone",
            };
            let checkpoint = &made.checkpoint;
            ui.say(&format!(
                "{} {} of {} ({}): over the limit of {}; {where_else}\n",
                if args.dry_run { "would drop" } else { "dropped" },
                checkpoint.number,
                time(checkpoint.at),
                one_line(&checkpoint.sentence()),
                why.word(),
            ))?;
        }
    }
    let would = if args.dry_run { "would be" } else { "are" };
    let kept: usize = all.iter().map(|dropped| dropped.kept).sum();
    ui.say(&format!(
        "{count} checkpoints {would} dropped, {kept} kept; {bytes} bytes {would} free for git gc\n"
    ))?;
    Ok(exit)
}

fn lane((tree, fate): &(LaneTree, Fate)) -> serde_json::Value {
    let why = match fate {
        Fate::Removed => None,
        Fate::Kept(why) => Some(why),
    };
    serde_json::json!({
        "run": tree.run.as_str(),
        "item": tree.item.as_str(),
        "worktree": tree.worktree.to_string_lossy(),
        "kept": why,
    })
}

fn json(dropped: &Dropped) -> serde_json::Value {
    let one = |(made, why, held): &(_, _, Held)| {
        let made: &crate::domain::checkpoint::Made = made;
        let why: &crate::domain::retention::Expired = why;
        serde_json::json!({
            "number": made.checkpoint.number,
            "commit": made.commit.as_str(),
            "why": why.word(),
            "held_elsewhere": *held == Held::Elsewhere,
        })
    };
    serde_json::json!({
        "chain": dropped.chain,
        "kept": dropped.kept,
        "dropped": dropped.checkpoints.iter().map(one).collect::<Vec<_>>(),
        "bytes": dropped.bytes,
    })
}
