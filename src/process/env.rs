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
