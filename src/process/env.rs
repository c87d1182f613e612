//! The environment: the one place that reads variables and the machine's name.
//!
//! It never sets a variable, and never prints a value.

#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::ffi::OsString;

/// The longest name of a machine that is kept.
pub const HOST_NAME_BYTES_MAX: usize = 64;

/// What a machine without a usable name is called.
const NAMELESS: &str = "unknown-host";

#[must_use]
pub fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Every variable, for choosing what a child may see.
#[must_use]
pub fn vars() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The machine's name: bounded, and safe to join into a journal, a path or a message.
#[must_use]
pub fn host_name() -> String {
    let raw = std::fs::read("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read("/etc/hostname"))
        .ok()
        .or_else(|| var("HOSTNAME").map(OsString::into_encoded_bytes))
        .unwrap_or_default();
    tidy(&raw)
}

/// A variable that is text and not empty.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    var(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

/// Where people's own settings stand.
#[must_use]
pub fn config_home() -> Option<std::path::PathBuf> {
    let said = var("XDG_CONFIG_HOME").filter(|value| !value.is_empty());
    said.map(Into::into).or_else(|| Some(std::path::PathBuf::from(var("HOME")?).join(".config")))
}

/// Where things are kept that can be made again.
#[must_use]
pub fn cache_home() -> Option<std::path::PathBuf> {
    let said = var("XDG_CACHE_HOME").filter(|value| !value.is_empty());
    said.map(Into::into).or_else(|| Some(std::path::PathBuf::from(var("HOME")?).join(".cache")))
}

/// Set where our own program stands on the PATH under the names of others.
pub const FENCE: &str = "GIT_RUN_FENCE";

/// A program of this name on the PATH that is not ours under its name.
#[must_use]
pub fn foreign_program(name: &str) -> Option<std::path::PathBuf> {
    let own = own_program().and_then(|own| own.canonicalize()).ok();
    let path = var("PATH")?;
    std::env::split_paths(&path)
        .map(|dir| dir.join(name))
        .find(|file| is_executable(file) && file.canonicalize().ok() != own)
}

/// The real `git`: inside of a fence, the first one on the PATH is ours, whatever variables are left.
/// Ours would ask itself, for ever.
#[must_use]
pub fn git() -> OsString {
    static GIT: std::sync::OnceLock<OsString> = std::sync::OnceLock::new();
    GIT.get_or_init(|| foreign_program("git").map_or_else(|| "git".into(), Into::into)).clone()
}

/// Whether anything is left of what a fence sets.
#[must_use]
pub fn is_fenced() -> bool {
    [FENCE, "GIT_RUN_FENCED", "GIT_RUN_AGENT"].into_iter().any(|name| var(name).is_some())
}

/// This program's own file.
pub fn own_program() -> std::io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// Whether a word can be started: a path to an executable file, or a name found on the PATH.
#[must_use]
pub fn is_program(word: &str) -> bool {
    if word.contains('/') {
        return is_executable(std::path::Path::new(word));
    }
    let Some(path) = var("PATH") else { return false };
    std::env::split_paths(&path).any(|dir| is_executable(&dir.join(word)))
}

#[cfg(unix)]
fn is_executable(path: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &std::path::Path) -> bool {
    path.is_file()
}

fn tidy(raw: &[u8]) -> String {
    let name: String = raw
        .trim_ascii()
        .iter()
        .take(HOST_NAME_BYTES_MAX)
        .map(|b| if b.is_ascii_alphanumeric() || b"-_.".contains(b) { char::from(*b) } else { '-' })
        .collect();
    if name.bytes().any(|b| b.is_ascii_alphanumeric()) { name } else { NAMELESS.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_name_is_short_and_plain_whatever_the_machine_says() {
        for (raw, expected) in [
            (&b"box-1.example.org\n"[..], "box-1.example.org"),
            (b"", NAMELESS),
            (b" \n", NAMELESS),
            (b"...", NAMELESS),
            (b"a\x1b]0;x\x07/b", "a--0-x--b"),
            (b"\xff\xfe9", "--9"),
        ] {
            assert_eq!(tidy(raw), expected, "{raw:?}");
        }
        assert_eq!(tidy(&[b'x'; 1000]).len(), HOST_NAME_BYTES_MAX);
        assert!(!host_name().is_empty());
    }
}
