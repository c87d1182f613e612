//! A journal that tells on standard error what is written into it.

use std::io::{self, IsTerminal as _, Write as _};

use super::status::drifted;
use crate::{
    agents::call::Tail,
    domain::{event::Event, run::Run, tale, time::Timestamp},
    engine::drive::Log,
    git::Repo,
    report::{
        drift::warning,
        sanitise::{one_line, sanitise},
    },
    store::journal::{AppendError, Artifact, Journal},
};

pub(super) struct Narrated<'r> {
    pub repo: &'r Repo,
    pub journal: Journal<'r>,
    pub quiet: bool,
}

impl Log for Narrated<'_> {
    fn run(&self) -> &Run {
        self.journal.run()
    }

    fn append(
        &mut self,
        events: Vec<Event>,
        artifacts: &[Artifact],
        now: Timestamp,
    ) -> Result<(), AppendError> {
        let told = events.clone();
        self.journal.append(events, artifacts, now)?;
        if !self.quiet {
            let begins = |event: &Event| matches!(event, Event::ItemStarted { .. });
            if told.iter().any(begins) {
                self.tell_drift();
            }
            for event in told.iter().filter(|event| !goes_without_saying(event)) {
                let _ = writeln!(
                    io::stderr(),
                    "{}",
                    one_line(&tale::sentence(event, self.journal.run()))
                );
            }
        }
        Ok(())
    }

    fn refresh(&mut self) -> Result<(), AppendError> {
        self.journal.refresh()
    }
}

impl Narrated<'_> {
    /// Before an item begins: nobody should find out when it is done that another thing was meant.
    fn tell_drift(&self) {
        let (run, tip) = (self.journal.run(), self.journal.tip());
        if let Some(drift) = drifted(self.repo, run, tip) {
            let _ = writeln!(io::stderr(), "{}", one_line(&warning(drift)));
        }
    }
}

/// Before each stage there is one.
fn goes_without_saying(event: &Event) -> bool {
    matches!(event, Event::CheckpointMade { why, .. } if why == "stage")
}

/// What agents say, as they say it: on a terminal only.
pub(super) fn tail(quiet: bool) -> Tail {
    let shown = !quiet && io::stderr().is_terminal();
    Box::new(move |bytes| {
        if shown {
            let _ = io::stderr().write_all(sanitise(&String::from_utf8_lossy(bytes)).as_bytes());
        }
    })
}
