//! What opens doors and lies where an agent, who is the same user, finds it. Named, and never read out.

use std::path::{Path, PathBuf};

use crate::{
    domain::layer::{Layer, credential},
    git::Repo,
    process::env,
};

const APART: &str = "run agents as another user, or in a container";
const ENTRIES_MAX: usize = 200;
/// Variables that hold a token.
const TOKENS: [&str; 8] = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
    "GITLAB_TOKEN",
    "GL_TOKEN",
    "BITBUCKET_TOKEN",
    "GITEA_TOKEN",
];

pub(super) fn all(repo: Option<&Repo>) -> Vec<Layer> {
    let home = env::var("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let at_home = |names: &[&str]| -> Vec<String> {
        let there = |name: &&&str| home.as_ref().is_some_and(|home| home.join(name).is_file());
        names.iter().filter(there).map(|name| format!("~/{name}")).collect()
    };
    let tokens: Vec<String> = TOKENS
        .into_iter()
        .filter(|name| env::var(name).is_some_and(|value| !value.is_empty()))
        .map(str::to_owned)
        .collect();
    vec![
        credential("ssh-agent", &socket(), &format!("ssh-add -D; or {APART}")),
        credential(
            "ssh-keys",
            &keys(home.as_deref()),
            &format!("ssh-keygen -p -f <key>; or {APART}"),
        ),
        credential("forge-login", &forge(), &format!("gh auth logout; or {APART}")),
        credential("tokens", &tokens, "unset them, and start agents by git run ice exec"),
        credential("netrc", &at_home(&[".netrc", "_netrc"]), &format!("move it away; or {APART}")),
        credential(
            "credential-helper",
            &[helpers(repo), at_home(&[".git-credentials"])].concat(),
            &format!("git config --global --unset-all credential.helper; or {APART}"),
        ),
    ]
}

fn socket() -> Vec<String> {
    let socket = env::var("SSH_AUTH_SOCK").filter(|path| Path::new(path).exists());
    socket.map(|_| "the socket in SSH_AUTH_SOCK".to_owned()).into_iter().collect()
}

/// Files that begin as private keys do.
fn keys(home: Option<&Path>) -> Vec<String> {
    let Some(entries) = home.and_then(|home| home.join(".ssh").read_dir().ok()) else {
        return Vec::new();
    };
    let mut found: Vec<String> = entries
        .flatten()
        .take(ENTRIES_MAX)
        .filter(|entry| entry.path().is_file() && is_key(&entry.path()))
        .map(|entry| format!("~/.ssh/{}", entry.file_name().to_string_lossy()))
        .collect();
    found.sort();
    found
}

fn is_key(path: &Path) -> bool {
    use std::io::Read as _;
    let mut begin = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(64).read_to_end(&mut begin));
    let text = String::from_utf8_lossy(&begin);
    read.is_ok() && text.starts_with("-----BEGIN") && text.contains("PRIVATE KEY")
}

fn forge() -> Vec<String> {
    let gh = env::var("GH_CONFIG_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let gh = gh.or_else(|| Some(env::config_home()?.join("gh"))).map(|dir| dir.join("hosts.yml"));
    let glab = env::config_home().map(|dir| dir.join("glab-cli/config.yml"));
    [(gh, "gh"), (glab, "glab")]
        .into_iter()
        .filter(|(path, _)| path.as_ref().is_some_and(|path| path.is_file()))
        .map(|(_, name)| format!("the login of {name}"))
        .collect()
}

/// An empty helper forgets those before it.
fn helpers(repo: Option<&Repo>) -> Vec<String> {
    let Some(repo) = repo else { return Vec::new() };
    let words = ["config", "--null", "--get-regexp", r"^credential\.(.*\.)?helper$"];
    let Ok(finished) = repo.git().plumbing(&words) else { return Vec::new() };
    let mut found: Vec<(String, String)> = Vec::new();
    for entry in String::from_utf8_lossy(&finished.stdout).split('\0') {
        let Some((key, helper)) = entry.split_once('\n') else { continue };
        if helper.is_empty() {
            found.retain(|(known, _)| known != key);
        } else {
            let word = helper.split_whitespace().next().unwrap_or_default();
            let word = word.rsplit('/').next().unwrap_or_default().trim_start_matches('!');
            found.push((key.to_owned(), format!("the helper `{}`", word.escape_debug())));
        }
    }
    let mut names: Vec<String> = found.into_iter().map(|(_, name)| name).collect();
    names.dedup();
    names
}

/// `https://user:password@host/`.
pub(super) fn holds_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .and_then(|(user, _)| user.split_once(':'))
        .is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_seen() {
        for (url, expected) in [
            ("https://u:p@h/x", true),
            ("https://u:p@q@h/x", true),
            ("run::https://u:p@h/x", true),
            ("https://u@h/x", false),
            ("https://u:@h/x", false),
            ("https://h:443/a:b@c", false),
            ("git@h:x", false),
            ("../remote.git", false),
        ] {
            assert_eq!(holds_password(url), expected, "{url}");
        }
    }
}
