//! Who started us, and who started them: what an environment forgot, its ancestors' may still say.

use std::{ffi::OsString, fs, os::unix::ffi::OsStringExt as _};

use super::table;

/// Further up nobody is asked.
const GENERATIONS_MAX: usize = 64;

/// How this program is called where it starts agents.
const STARTERS: [&[&str]; 2] = [&["supervise"], &["ice", "exec"]];

/// Whether this process or one above it was started with one of these variables, or by this program as
/// an agent. Where the system does not tell, nobody was.
#[must_use]
pub fn is_below(names: &[&str]) -> bool {
    if names.iter().any(|name| super::env::var(name).is_some()) {
        return true;
    }
    let wanted: Vec<Vec<u8>> = names.iter().map(|name| format!("{name}=").into_bytes()).collect();
    let is_wanted = |variable: &[u8]| wanted.iter().any(|name| variable.starts_with(name));
    let mut pid = std::process::id();
    for _ in 0..GENERATIONS_MAX {
        let Some(entry) = i32::try_from(pid).ok().and_then(table::entry) else { return false };
        let Ok(parent) = u32::try_from(entry.parent) else { return false };
        if parent <= 1 {
            return false;
        }
        let environment = fs::read(format!("/proc/{parent}/environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(is_wanted)
            || starts_agents(&fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default())
        {
            return true;
        }
        pid = parent;
    }
    false
}

/// What the variable was for the first one above us that had it: whoever is below may have changed it.
#[must_use]
pub fn outermost(name: &str) -> Option<OsString> {
    let wanted = format!("{name}=").into_bytes();
    let mut found = super::env::var(name);
    let mut pid = std::process::id();
    for _ in 0..GENERATIONS_MAX {
        let Some(entry) = i32::try_from(pid).ok().and_then(table::entry) else { break };
        let Ok(parent) = u32::try_from(entry.parent) else { break };
        if parent <= 1 {
            break;
        }
        let environment = fs::read(format!("/proc/{parent}/environ")).unwrap_or_default();
        let value = environment
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(wanted.as_slice()));
        found = value.map(|value| OsString::from_vec(value.to_vec())).or(found);
        pid = parent;
    }
    found
}

/// How the process that started us was called, as far as the system tells.
#[must_use]
pub fn parent_words() -> Vec<String> {
    let parent = rustix::process::getppid().map_or(0, |pid| pid.as_raw_pid());
    let line = fs::read(format!("/proc/{parent}/cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn starts_agents(command_line: &[u8]) -> bool {
    let words: Vec<_> = command_line.split(|byte| *byte == 0).collect();
    let ours = words.first().is_some_and(|program| program.ends_with(b"git-run"));
    ours && STARTERS.iter().any(|starter| {
        let starter: Vec<&[u8]> = starter.iter().map(|word| word.as_bytes()).collect();
        words.windows(starter.len()).take(4).any(|window| window == starter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_that_starts_agents_is_known_by_its_words() {
        for (line, expected) in [
            ("/x/git-run\0supervise\0a", true),
            ("git-run\0ice\0exec\0--\0sh", true),
            ("git-run\0-C\0d\0ice\0exec\0--\0sh", true),
            ("git-run\0status", false),
            ("sh\0-c\0git-run ice exec", false),
            ("", false),
        ] {
            assert_eq!(starts_agents(line.as_bytes()), expected, "{line:?}");
        }
    }
}
