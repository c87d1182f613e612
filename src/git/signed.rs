//! Statements that a person signs with git's own means: a commit object whose message is the statement.

use super::Repo;
use crate::domain::{finding::cut, id::Oid};

/// The most of what git complains about that is passed on.
const WHY_BYTES_MAX: usize = 500;

/// How the making or the checking of a signature ended. A no is an answer.
pub type Signing<T> = Result<T, String>;

impl Repo {
    /// Whether git is told to sign what people make here. A value that cannot be read is an error.
    pub fn signs(&self) -> anyhow::Result<bool> {
        let flag = |key: &str| {
            self.setting_bool(key).map_err(|value| {
                anyhow::anyhow!("`{key}` is `{}`, and is true or false", value.escape_debug())
            })
        };
        let commits = flag("commit.gpgSign")?.unwrap_or(false);
        let tags = flag("tag.gpgSign")?.unwrap_or(false);
        Ok(commits || tags && self.setting("user.signingKey").is_some())
    }

    /// Whether git can tell here whose a signature is: by ssh only where it was told whom to believe.
    #[must_use]
    pub fn can_vouch(&self) -> bool {
        self.setting("gpg.format").as_deref() != Some("ssh")
            || self.setting("gpg.ssh.allowedSignersFile").is_some_and(|file| !file.is_empty())
    }

    /// The statement as a signed commit of this tree, as it is written.
    pub fn sign(&self, tree: &Oid, statement: &str) -> anyhow::Result<Signing<Vec<u8>>> {
        let words = ["-c", "i18n.commitEncoding=UTF-8", "commit-tree", "--gpg-sign", tree.as_str()];
        let made = self.git().porcelain(&words, statement.as_bytes())?;
        if !made.status.success() {
            return Ok(Err(said(&made.stderr)));
        }
        let id = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        let raw = self.git().output(&["cat-file", "commit", &id])?;
        // Looked at: a git that is told of no key may make a commit without a signature.
        Ok(if is_signed(&raw) { Ok(raw) } else { Err("git signed nothing".to_owned()) })
    }

    /// Who signed this commit, as `git verify-commit` says; it is put into a store of its own first.
    pub fn verify_signed(&self, raw: &[u8]) -> anyhow::Result<Signing<()>> {
        let scratch = self.private_dir()?;
        let git = self.git().writing_into(scratch.path(), &self.objects_dir());
        let written = git.answer(&["hash-object", "-t", "commit", "-w", "--stdin"], raw)?;
        let id = String::from_utf8_lossy(&written).trim().to_owned();
        let checked = git.plumbing(&["verify-commit", &id])?;
        Ok(if checked.status.success() && is_signed(raw) {
            Ok(())
        } else {
            Err(said(&checked.stderr))
        })
    }
}

fn is_signed(raw: &[u8]) -> bool {
    let text = String::from_utf8_lossy(raw);
    let head = text.split_once("\n\n").map_or(text.as_ref(), |(head, _)| head);
    head.lines().any(|line| line.starts_with("gpgsig"))
}

/// The message of a commit as it is written.
#[must_use]
pub fn message(raw: &[u8]) -> Option<String> {
    // The names above it may be in any encoding.
    let at = raw.windows(2).position(|two| two == b"\n\n")?;
    std::str::from_utf8(&raw[at + 2..]).ok().map(str::to_owned)
}

fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let mut why = text.trim().lines().last().unwrap_or_default().to_owned();
    if why.is_empty() {
        why = "git does not say why".to_owned();
    }
    cut(&mut why, WHY_BYTES_MAX);
    why
}
