//! `gh`, as it stands on the PATH: explicit words, the text on standard input, never a shell, never a
//! question, and an end.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::{
    domain::finding::cut,
    process::{
        command::{ExitStatus, Invocation, run},
        env,
    },
};

/// A forge that says nothing for so long hangs.
const DEADLINE: Duration = Duration::from_secs(120);
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Pull requests of one branch that are looked at.
const LISTED_MAX: &str = "30";
const WHY_BYTES_MAX: usize = 500;
const FIELDS: &str = "number,url,title,body,isDraft,headRefName,isCrossRepository,state";

#[derive(Debug)]
pub struct Gh {
    program: PathBuf,
    /// Where it is called: without `repository`, it looks at the remotes of what is here.
    directory: PathBuf,
    repository: Option<String>,
}

/// A pull request that there is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Existing {
    pub number: u64,
    pub url: String,
    pub title: String,
    #[serde(default)]
    pub body: String,
    pub is_draft: bool,
    head_ref_name: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    is_cross_repository: bool,
}

/// What is to stand in a pull request.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    pub title: &'a str,
    pub body: &'a str,
}

impl Existing {
    /// Whether it can still be changed into what is asked for.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "" | "OPEN")
    }
}

impl Gh {
    /// The program, where there is one that is not ours under its name.
    #[must_use]
    pub fn found(directory: &Path, url: &str) -> Option<Self> {
        // A PATH with an empty entry would find one in whatever is checked out.
        let program = env::foreign_program("gh").filter(|found| found.is_absolute())?;
        Some(Self { program, directory: directory.to_owned(), repository: repository(url) })
    }

    /// The open pull request of a branch of this repository: the one that bears the mark, or the first.
    pub fn existing(&self, branch: &str, marker: &str) -> anyhow::Result<Option<Existing>> {
        let mut own = self.of_branch(branch, "open")?;
        let marked = own.iter().position(|one| one.body.contains(marker)).unwrap_or(0);
        Ok((marked < own.len()).then(|| own.swap_remove(marked)))
    }

    /// The one that bears the mark, also when somebody closed or merged it meanwhile.
    pub fn marked(&self, branch: &str, marker: &str) -> anyhow::Result<Option<Existing>> {
        let own = self.of_branch(branch, "all")?;
        Ok(own.into_iter().find(|one| one.body.contains(marker)))
    }

    fn of_branch(&self, branch: &str, state: &str) -> anyhow::Result<Vec<Existing>> {
        let words = ["pr", "list", "--state", state, "--limit", LISTED_MAX, "--json", FIELDS];
        let head = format!("--head={branch}");
        let out = self.call(&[&words[..], &[&head]].concat(), "")?;
        let found: Vec<Existing> =
            serde_json::from_str(&out).context("gh pr list gives no list that can be read")?;
        // A fork may have a branch of the same name.
        let own = found.into_iter();
        let own = own.filter(|one| one.head_ref_name == branch && !one.is_cross_repository);
        let own: Vec<_> = own.collect();
        ensure!(
            own.iter().all(|one| address(&one.url).as_ref() == Some(&one.url)),
            "gh pr list names a pull request without an address"
        );
        Ok(own)
    }

    /// Opens a draft; its address.
    pub fn create(&self, base: &str, branch: &str, text: Text<'_>) -> anyhow::Result<String> {
        let [base, head] = [format!("--base={base}"), format!("--head={branch}")];
        let title = format!("--title={}", text.title);
        let words = ["pr", "create", "--draft", &base, &head, &title, "--body-file=-"];
        let out = self.call(&words, text.body)?;
        address(&out).context("gh pr create gives no address")
    }

    /// Brings title and text up to date; the rest is as it was.
    pub fn edit(&self, number: u64, text: Text<'_>) -> anyhow::Result<()> {
        let (number, title) = (number.to_string(), format!("--title={}", text.title));
        self.call(&["pr", "edit", &number, &title, "--body-file=-"], text.body).map(drop)
    }

    /// What an issue says: its title, and its text below.
    pub fn issue(&self, number: u64) -> anyhow::Result<String> {
        #[derive(Deserialize)]
        struct IssueDoc {
            title: String,
            #[serde(default)]
            body: String,
        }
        let number = number.to_string();
        let out = self.call(&["issue", "view", &number, "--json", "title,body"], "")?;
        let doc: IssueDoc =
            serde_json::from_str(&out).context("gh issue view gives no issue that can be read")?;
        Ok(format!("{}\n\n{}", doc.title, doc.body))
    }

    fn call(&self, words: &[&str], stdin: &str) -> anyhow::Result<String> {
        let what = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
        let repository = self.repository.iter().map(|name| format!("--repo={name}"));
        let all = words.iter().map(|word| (*word).to_owned()).chain(repository);
        let mut invocation = Invocation::new(&self.program, all);
        invocation.cwd = Some(self.directory.clone());
        invocation.deadline = DEADLINE;
        invocation.stdout_bytes_max = ANSWER_BYTES_MAX;
        invocation.stdin = stdin.as_bytes().to_vec();
        invocation.env_set = [
            ("GH_PROMPT_DISABLED", "1"),
            ("GH_NO_UPDATE_NOTIFIER", "1"),
            ("GH_PAGER", "cat"),
            ("NO_COLOR", "1"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
        let others = ["GH_REPO", "GH_FORCE_TTY", "GH_DEBUG", "CLICOLOR_FORCE", "GIT_DIR"];
        invocation.env_remove = others.map(Into::into).to_vec();
        let finished = run(&invocation).with_context(|| format!("gh {what}"))?;
        if !finished.status.success() {
            let mut why = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
            cut(&mut why, WHY_BYTES_MAX);
            let why = if why.is_empty() { "it did not say why".to_owned() } else { why };
            match finished.status {
                ExitStatus::Code(code) => anyhow::bail!("gh {what} ended with {code}: {why}"),
                ExitStatus::Signal(signal) => {
                    anyhow::bail!("gh {what} was ended by signal {signal}: {why}")
                }
            }
        }
        String::from_utf8(finished.stdout).with_context(|| format!("gh {what} answers no text"))
    }
}

/// The last address that is said.
fn address(out: &str) -> Option<String> {
    let is_address = |line: &&str| {
        (line.starts_with("https://") || line.starts_with("http://"))
            && line.chars().all(|c| c.is_ascii_graphic())
    };
    out.lines().map(str::trim).rfind(is_address).map(str::to_owned)
}

/// `host/owner/name` of a URL that is one of a forge; nothing for a path or for what is deeper.
#[must_use]
pub fn repository(url: &str) -> Option<String> {
    let (host, path) = match url.split_once("://") {
        Some(("file", _)) => return None,
        Some((_, rest)) => rest.split_once('/')?,
        None => url.split_once(':').filter(|(host, _)| !host.contains('/'))?,
    };
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let path = path.trim_matches('/');
    let (owner, name) = path.strip_suffix(".git").unwrap_or(path).split_once('/')?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with(['-', '.'])
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    [host, owner, name].into_iter().all(plain).then(|| format!("{host}/{owner}/{name}"))
}

/// Whether a forge takes a text of this length: what it would cut is not known.
pub fn fits(text: Text<'_>, characters_max: usize) -> anyhow::Result<()> {
    let found = text.body.chars().count();
    ensure!(
        found <= characters_max,
        "the text would be {found} characters long, and a forge takes {characters_max}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_of_a_url_is_named_or_none_is() {
        for (url, expected) in [
            ("https://github.com/ada/project.git", Some("github.com/ada/project")),
            ("https://ada:token@github.com/ada/project", Some("github.com/ada/project")),
            ("git@github.com:ada/project.git", Some("github.com/ada/project")),
            ("ssh://git@forge.example:2222/ada/p.q_r.git/", Some("forge.example/ada/p.q_r")),
            ("github.com:ada/project", Some("github.com/ada/project")),
            ("../remote.git", None),
            ("/srv/git/remote.git", None),
            ("file:///srv/git/remote", None),
            ("https://gitlab.example/a/b/c.git", None),
            ("https://github.com/-R/x", None),
            ("https://github.com/a b/c", None),
            ("https://github.com/a", None),
            ("ext::sh -c x/y", None),
            ("", None),
        ] {
            assert_eq!(repository(url).as_deref(), expected, "{url}");
        }
    }

    #[test]
    fn loa_32_an_address_is_the_last_line_that_is_one() {
        for (out, expected) in [
            ("https://forge.example/a/b/pull/7\n", Some("https://forge.example/a/b/pull/7")),
            ("Creating draft\nhttps://x/1\n\n", Some("https://x/1")),
            ("https://x/1\nhttps://x/2 and more\n", Some("https://x/1")),
            ("https://x/\u{1b}[31m", None),
            ("created", None),
        ] {
            assert_eq!(address(out).as_deref(), expected, "{out:?}");
        }
    }
}
