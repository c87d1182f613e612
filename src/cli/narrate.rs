//! A journal that tells on standard error what is written into it.

use std::io::{self, IsTerminal as _, Write as _};

use crate::{
    agents::call::Tail,
    domain::{event::Event, run::Run, tale, time::Timestamp},
    engine::drive::Log,
    report::sanitise::{one_line, sanitise},
    store::journal::{AppendError, Artifact, Journal},
};

pub(super) struct Narrated<'r> {
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
