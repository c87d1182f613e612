//! The terminal: data on standard output, everything else on standard error, colour only where asked for.

use std::io::{self, IsTerminal as _, Write as _};

use super::exit::{Exit, Fail};
use crate::{process::env, report::sanitise::sanitise};

pub(super) struct Ui {
    pub json: bool,
    colour: bool,
    colour_out: bool,
}

impl Ui {
    pub(super) fn new() -> Self {
        let wanted =
            env::text("NO_COLOR").is_none() && env::text("TERM").is_none_or(|term| term != "dumb");
        Self {
            json: false,
            colour: wanted && io::stderr().is_terminal(),
            colour_out: wanted && io::stdout().is_terminal(),
        }
    }

    pub(super) fn colours_output(&self) -> bool {
        self.colour_out
    }

    /// Data. A reader that went away has seen enough: that is no failure.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Fail> {
        self.say_bytes(text.as_bytes())
    }

    /// The same for what need be no text.
    pub(super) fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), Fail> {
        let mut out = io::stdout().lock();
        match out.write_all(bytes).and_then(|()| out.flush()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Fail::shown(Exit::Done)),
            Err(error) => Err(Fail::new(Exit::Failed, format!("cannot write the answer: {error}"))),
        }
    }

    pub(super) fn say_json(&mut self, value: &serde_json::Value) -> Result<(), Fail> {
        self.say(&format!("{value}\n"))
    }

    /// Something for the eyes of whoever looks on. Nobody looking on is no failure.
    pub(super) fn tell(&mut self, line: &str) {
        let _ = writeln!(io::stderr(), "{}", sanitise(line));
    }

    pub(super) fn fail(&mut self, fail: &Fail) -> Exit {
        if fail.shown {
            return fail.exit;
        }
        if self.json {
            let value = serde_json::json!({
                "schema": "git-run/error/1",
                "error": fail.message,
                "details": fail.details,
                "hint": fail.hint,
                "exit": fail.exit.code(),
            });
            let _ = writeln!(io::stdout(), "{value}");
        }
        let error = self.painted("31", "error:");
        self.tell_raw(&format!("{error} {}", sanitise(&fail.message)));
        for line in &fail.details {
            self.tell(line);
        }
        if let Some(hint) = &fail.hint {
            let word = self.painted("33", "hint:");
            self.tell_raw(&format!("{word} {}", sanitise(hint)));
        }
        fail.exit
    }

    /// What clap has to say: help and version are answers, everything else is a mistake.
    pub(super) fn usage(&mut self, error: &clap::Error) -> Exit {
        if error.use_stderr() && self.json {
            let message = error.render().to_string();
            let message = message.trim_start_matches("error: ");
            let first = message.split("\n\n").next().unwrap_or_default();
            return self.fail(&Fail::new(Exit::Usage, first.trim()).hint("git run -h"));
        }
        let _ = error.print();
        if error.use_stderr() { Exit::Usage } else { Exit::Done }
    }

    fn painted(&self, code: &str, word: &str) -> String {
        if self.colour { format!("\x1b[1;{code}m{word}\x1b[0m") } else { word.to_owned() }
    }

    fn tell_raw(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Asks a person; where nobody is, the answer is no.
    pub(super) fn ask(question: &str) -> bool {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return false;
        }
        let _ = write!(io::stderr(), "{} [y/N] ", sanitise(question));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
    }
}
