//! `git run ice check`: what the guard would say to a command line of an agent. Does nothing of it.

use std::{ffi::OsString, io::Read as _};

use super::{
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    domain::ice::shell::{self, lex::LINE_BYTES_MAX},
    guard::facts,
    report::verdict,
};

pub(super) fn check(ui: &mut Ui, shell: Option<&str>, words: &[OsString]) -> Result<Exit, Fail> {
    let steps = match shell {
        Some(line) => {
            let line = if line == "-" { standard_input()? } else { line.to_owned() };
            shell::line(&line, &mut |directory| facts::gather(directory, &line))
        }
        None if words.is_empty() => {
            return Err(Fail::new(Exit::Usage, "there is nothing to check")
                .hint("git run ice check -- push origin <branch>"));
        }
        None => {
            let words: Vec<String> =
                words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            let line = words.join(" ");
            shell::git_words(&words, &mut |directory| facts::gather(directory, &line))
        }
    };
    if ui.json {
        ui.say_json(&verdict::json(&steps))?;
    } else {
        ui.say(&verdict::text(&steps))?;
    }
    Ok(if verdict::is_allowed(&steps) { Exit::Done } else { Exit::Refused })
}

/// One byte more than a line may have is enough to know that it is too long.
fn standard_input() -> Result<String, Fail> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX) + 1;
    std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|error| {
        Fail::new(Exit::Failed, format!("cannot read the command line: {error}"))
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
