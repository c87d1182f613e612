//! What the guard decided, as it is kept: what was refused and what had been tried, a receipt for
//! each push that was cleared, and where the refs of a remote were seen.

use super::judge::Who;
use crate::domain::{event::RefMove, id::Oid, time::Timestamp};

/// A command that was tried is kept as far as this.
pub const TRIED_BYTES_MAX: usize = 2000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// 1, 2, 3 … within its chain.
    pub number: u64,
    /// How many of the chain's entries are refusals, this one included.
    pub refusals: u64,
    pub at: Timestamp,
    pub who: Who,
    pub layer: Layer,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Refused {
        rule: String,
        reason: String,
        /// The command, as far as it is known.
        tried: String,
    },
    /// The receipt: these refs of the remote may move so.
    Cleared {
        url: String,
        moves: Vec<RefMove>,
    },
    /// A person says that these moves are right although nothing cleared them.
    Vouched {
        url: String,
        moves: Vec<RefMove>,
        reason: String,
    },
    Seen {
        url: String,
        how: Sight,
        refs: Vec<(String, Oid)>,
    },
}

/// Where it was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// This program's own push.
    Run,
    PrePush,
    Helper,
    Transaction,
    /// The hooks of commits, merges and rebases.
    Commit,
    /// A program on an agent's PATH.
    Program,
    /// What an agent asks before it uses a tool.
    Tool,
    /// `git run ice <verb>`.
    Verb,
    Audit,
}

impl Layer {
    pub const ALL: [Self; 9] = [
        Self::Run,
        Self::PrePush,
        Self::Helper,
        Self::Transaction,
        Self::Commit,
        Self::Program,
        Self::Tool,
        Self::Verb,
        Self::Audit,
    ];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::PrePush => "pre-push",
            Self::Helper => "push-helper",
            Self::Transaction => "reference-transaction",
            Self::Commit => "commit",
            Self::Program => "program",
            Self::Tool => "tool",
            Self::Verb => "verb",
            Self::Audit => "audit",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.word() == word)
    }

    /// The layer of a hook.
    #[must_use]
    pub fn of_hook(name: &str) -> Self {
        match name {
            "pre-push" => Self::PrePush,
            "reference-transaction" => Self::Transaction,
            _ => Self::Commit,
        }
    }
}

/// How the refs of a remote came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// As this clone fetched or pushed them last.
    Tracking,
    /// The remote was asked.
    Asked,
}

impl Sight {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Tracking => "tracking",
            Self::Asked => "asked",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Tracking, Self::Asked].into_iter().find(|sight| sight.word() == word)
    }
}

impl What {
    /// For the subject of its commit.
    #[must_use]
    pub fn sentence(&self) -> String {
        let moved = |moves: &[RefMove]| match moves {
            [one] => format!("`{}`", one.name),
            many => format!("{} refs", many.len()),
        };
        match self {
            Self::Refused { rule, .. } => format!("refused by `{rule}`"),
            Self::Cleared { moves, url } => format!("cleared {} of {url}", moved(moves)),
            Self::Vouched { moves, url, .. } => format!("vouched for {} of {url}", moved(moves)),
            Self::Seen { refs, url, .. } => format!("saw {} refs of {url}", refs.len()),
        }
    }
}

/// A URL without what opens doors, so that one place has one name.
#[must_use]
pub fn plain_url(url: &str) -> String {
    let url = url.strip_prefix("run::").unwrap_or(url);
    let bare = match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    };
    let bare = bare.trim_end_matches('/');
    bare.strip_suffix(".git").filter(|rest| !rest.ends_with('/')).unwrap_or(bare).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_kept_without_what_opens_doors() {
        for (url, plain) in [
            ("https://me:secret@host/a/b.git", "https://host/a/b"),
            ("run::https://host/a/b/", "https://host/a/b"),
            ("https://host", "https://host"),
            ("git@host:a/b.git", "git@host:a/b"),
            ("/srv/git/a.git", "/srv/git/a"),
            ("ssh://git@host:22/a@b.git", "ssh://host:22/a@b"),
            ("/srv/a/.git", "/srv/a/.git"),
        ] {
            assert_eq!(plain_url(url), plain, "{url}");
        }
    }

    #[test]
    fn every_layer_and_sight_has_one_word() {
        for layer in Layer::ALL {
            assert_eq!(Layer::parse(layer.word()), Some(layer));
        }
        assert_eq!(Sight::parse("asked"), Some(Sight::Asked));
        assert_eq!(Sight::parse("guessed"), None);
    }
}
