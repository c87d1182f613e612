//! The only place that reads the environment.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::ffi::OsString;

#[must_use]
pub fn var(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A variable that is text and not empty.
#[must_use]
pub fn text(name: &str) -> Option<String> {
    var(name).and_then(|value| value.into_string().ok()).filter(|value| !value.is_empty())
}

#[must_use]
pub fn all() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}

/// The machine's name, fit for a message: at most 64 plain characters.
#[must_use]
pub fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name: String = name.chars().filter(plain).take(64).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
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
