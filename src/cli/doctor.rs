//! `git run doctor`: which layers of the guard are in force here, and what remains open.

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    git::{OpenError, Repo},
    guard::doctor::examine,
    report::doctor,
};

pub(super) fn run(ui: &mut Ui, opened: &Result<Repo, OpenError>) -> Result<Exit, Fail> {
    let layers = examine(opened);
    if ui.json {
        ui.say_json(&doctor::json(&layers))?;
    } else {
        ui.say(&doctor::text(&layers))?;
    }
    Ok(if doctor::is_sound(&layers) { Exit::Done } else { Exit::Failed })
}
