//! `git run schema`: the JSON schema of what an agent hands in.

use super::{
    args::SchemaArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::agents::report_file;

pub(super) fn run(ui: &mut Ui, args: &SchemaArgs) -> Result<Exit, Fail> {
    match args.name.as_str() {
        "report" => ui.say(report_file::SCHEMA)?,
        other => {
            return Err(Fail::new(
                Exit::Usage,
                format!("there is no schema `{}`", other.escape_debug()),
            ));
        }
    }
    Ok(Exit::Done)
}
