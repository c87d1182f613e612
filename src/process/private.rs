//! Directories that are for one process alone, below the system's temporary one. They go when it does;
//! what a process that was killed left there goes a day later.

use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    time::Duration,
};

use super::alive::{self, Standing};
use crate::domain::event::ProcessMark;

const PREFIX: &str = "git-run-";
/// Who made it, so that others know when it is nobody's any more.
const OWNER: &str = ".owner";
const OWNER_BYTES_MAX: u64 = 4096;
/// An agent may go on a while although everybody who watched over it was killed, and a fence that is
/// taken away holds nobody.
const LEFT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// So many are looked at in one go.
const LOOKED_MAX: usize = 10_000;

/// A new one, and a word of what it is for in its name.
pub fn directory(what: &str) -> io::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new()
        .prefix(&format!("{PREFIX}{what}-"))
        .permissions(Permissions::from_mode(0o700))
        .tempdir()?;
    let ProcessMark { pid, start, boot, host } = alive::own_mark();
    fs::write(dir.path().join(OWNER), format!("{pid}\n{start}\n{boot}\n{host}\n"))?;
    Ok(dir)
}

/// Takes away what processes left that were killed a day ago. What cannot be told stays.
pub fn sweep() {
    sweep_in(&std::env::temp_dir(), LEFT_FOR);
}

fn sweep_in(place: &Path, left_for: Duration) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.take(LOOKED_MAX).flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && is_left(&entry.path(), left_for).unwrap_or(false)
        {
            // Somebody else may do the same at this moment.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_left(dir: &Path, left_for: Duration) -> io::Result<bool> {
    let about = fs::symlink_metadata(dir)?;
    let owner = dir.join(OWNER);
    let written = fs::symlink_metadata(&owner)?;
    let own = about.is_dir() && about.uid() == rustix::process::geteuid().as_raw();
    let is_old = written.modified()?.elapsed().is_ok_and(|age| left_for <= age);
    if !own || !is_old || !written.is_file() || OWNER_BYTES_MAX < written.len() {
        return Ok(false);
    }
    let mark = read(&fs::read_to_string(owner)?);
    Ok(mark.is_some_and(|mark| alive::standing(&mark) == Standing::Gone))
}

fn read(text: &str) -> Option<ProcessMark> {
    let mut lines = text.lines();
    let (pid, start) = (lines.next()?.parse().ok()?, lines.next()?.parse().ok()?);
    Some(ProcessMark { pid, start, boot: lines.next()?.to_owned(), host: lines.next()?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_dead_process_of_this_machine_left_long_ago_is_taken_away() {
        let place = tempfile::tempdir().unwrap();
        let own = alive::own_mark();
        let gone = ProcessMark { start: own.start + 1, ..own.clone() };
        let elsewhere = ProcessMark { host: "another".to_owned(), ..gone.clone() };
        let make = |name: &str, mark: &ProcessMark| {
            let dir = place.path().join(name);
            fs::create_dir(&dir).unwrap();
            let ProcessMark { pid, start, boot, host } = mark;
            fs::write(dir.join(OWNER), format!("{pid}\n{start}\n{boot}\n{host}\n")).unwrap();
        };
        make("git-run-dead", &gone);
        make("git-run-live", &own);
        make("git-run-elsewhere", &elsewhere);
        make("others-dead", &gone);
        fs::create_dir(place.path().join("git-run-nobodys")).unwrap();
        std::os::unix::fs::symlink(
            place.path().join("others-dead"),
            place.path().join("git-run-link"),
        )
        .unwrap();
        let there = || {
            let names = fs::read_dir(place.path()).unwrap();
            let mut names: Vec<_> =
                names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names.join(" ")
        };
        let all = there();
        sweep_in(place.path(), Duration::from_secs(60));
        assert_eq!(there(), all, "it is not long ago");
        sweep_in(place.path(), Duration::ZERO);
        assert_eq!(there(), all.replace("git-run-dead ", ""));
        assert!(place.path().join("others-dead").join(OWNER).exists());
    }

    #[test]
    fn one_that_is_made_is_ours_alone_and_says_whose_it_is() {
        let dir = directory("test").unwrap();
        let mode = fs::metadata(dir.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let mark = read(&fs::read_to_string(dir.path().join(OWNER)).unwrap()).unwrap();
        assert_eq!(mark, alive::own_mark());
        for text in ["", "1", "1\n2\nb", "x\n2\nb\nh"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}
