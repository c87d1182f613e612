//! `git run deleted`: every file that a run deleted, and what became of it. Writes nothing.

use super::{
    args::DeletedArgs,
    exit::{Exit, Fail},
    resume::{frozen, wanted},
    ui::Ui,
};
use crate::{
    domain::checkpoint::LeftOut,
    engine::deletions,
    git::Repo,
    report::{checkpoint, deleted},
};

pub(super) fn run(ui: &mut Ui, repo: &Repo, args: &DeletedArgs) -> Result<Exit, Fail> {
    let id = wanted(repo, args.run.as_deref())?;
    let (plan, _) = frozen(repo, &id)?;
    let found = deletions::find(repo, &id, &plan)
        .map_err(|error| Fail::from(error).about(&format!("the deletions of run `{id}`")))?;
    if 0 < found.unseen {
        let seen = crate::git::deletions::RANGE_COMMITS_MAX;
        ui.tell(&format!(
            "only the newest {seen} commits were looked at, and {} were not",
            found.unseen
        ));
    }
    let files = &found.files;
    let unsaved = deletions::gone_unsaved(repo, &id)?;
    if ui.json {
        let mut value = deleted::json(&found.run, found.end.as_str(), files, found.unseen);
        let last_seen = |(number, left): &(u64, LeftOut)| {
            let mut value = checkpoint::left_out_json(left);
            value["checkpoint"] = (*number).into();
            value
        };
        value["gone_unsaved"] = unsaved.iter().map(last_seen).collect();
        ui.say_json(&value)?;
    } else if args.porcelain || args.zero {
        ui.say_bytes(&deleted::porcelain(files, args.zero))?;
    } else if args.tree {
        ui.say(&deleted::tree(&found.run, files))?;
    } else {
        ui.say(&deleted::text(files))?;
        for (number, left) in &unsaved {
            let line = checkpoint::left_out_line(left);
            ui.say(&format!("gone, and nobody has a copy; seen at checkpoint {number}, {line}\n"))?;
        }
        if !files.is_empty() {
            ui.say("next: git run restore <path>  (brings one back)\n")?;
        }
    }
    Ok(Exit::Done)
}
