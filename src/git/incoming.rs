//! The objects of a push that git has received and not yet taken in: they lie in a quarantine, and a
//! hook that judges them has to see both.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, ensure};

use super::Repo;
use crate::process::env;

/// Where git tells its hooks that the new objects are.
const QUARANTINE: &str = "GIT_QUARANTINE_PATH";
const ALTERNATES: &str = "GIT_ALTERNATE_OBJECT_DIRECTORIES";

impl Repo {
    /// This repository with what lies in quarantine, where this process is a hook that judges it. For
    /// reading only: what is written through it is gone with it.
    pub fn with_incoming(mut self) -> anyhow::Result<Self> {
        let Some(quarantine) = env::var(QUARANTINE).filter(|path| !path.is_empty()) else {
            return Ok(self);
        };
        let objects = self.objects_dir().canonicalize().context("cannot find the objects")?;
        let mut places = vec![PathBuf::from(quarantine).canonicalize().context("the quarantine")?];
        ensure!(
            places[0].starts_with(&objects),
            "the quarantine `{}` is not this repository's",
            places[0].display()
        );
        places.push(objects);
        // Hosts lend objects to forks this way. A path in quotes is one that nobody has.
        let lent = env::text(ALTERNATES).filter(|list| !list.contains('"')).unwrap_or_default();
        places.extend(lent.split(':').filter(|path| !path.is_empty()).map(PathBuf::from));
        // No environment reaches every reader, but a list of alternates does.
        let view = tempfile::tempdir().context("cannot make a temporary directory")?;
        let mut list = String::new();
        for place in places {
            let line = place.to_str().filter(|path| path.starts_with('/') && !path.contains('\n'));
            list.push_str(line.context("a directory of objects has a name that cannot be told")?);
            list.push('\n');
        }
        fs::create_dir(view.path().join("info"))?;
        fs::create_dir(view.path().join("pack"))?;
        fs::write(view.path().join("info").join("alternates"), list)?;
        self.look_through(view)?;
        Ok(self)
    }
}
