//! Whether a run may push. What cannot be judged is refused; only the judge makes a `Clearance`.

use super::{id::Oid, protected};

/// A run's wish: one branch, at one commit, to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub url: String,
    pub branch: String,
    pub commit: Oid,
}

/// What was found out about the wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'a> {
    /// The branch that the run's charter names.
    pub own_branch: &'a str,
    /// The commit that the workflow proved.
    pub proven: &'a Oid,
    /// More protected names and globs than the built-in ones.
    pub protected: &'a [String],
    /// The branch to which the remote's HEAD points.
    pub remote_default: Option<&'a str>,
    pub base: &'a str,
    pub motion: Motion,
}

/// What the push would do to the remote's branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    Create,
    Forward,
    Rewrite,
    Unknown,
}

/// The permission to push exactly this. Nobody else can make one.
#[derive(Debug)]
pub struct Clearance(Wish);

impl Clearance {
    #[must_use]
    pub fn wish(&self) -> &Wish {
        &self.0
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    #[error("a run pushes its own branch `{own}` and no other, not `{asked}`")]
    NotItsOwn { own: String, asked: String },
    #[error("`{branch}` is protected (rule `{rule}`)")]
    Protected { branch: String, rule: String },
    #[error("`{branch}` is the default branch of the remote")]
    RemoteDefault { branch: String },
    #[error("`{branch}` is the base that the run was asked to build on")]
    Base { branch: String },
    #[error("commit {} is not the one that the workflow proved", .commit.short())]
    Unproven { commit: Oid },
    #[error("the remote's `{branch}` holds commits that this push would drop")]
    Rewrite { branch: String },
    #[error("it cannot be told what the push would do to the remote's `{branch}`")]
    CannotTell { branch: String },
}

pub fn judge(wish: Wish, facts: &Facts<'_>) -> Result<Clearance, Denial> {
    let branch = wish.branch.clone();
    let same = |other: &str| other.to_lowercase() == branch.to_lowercase();
    if branch != facts.own_branch {
        return Err(Denial::NotItsOwn { own: facts.own_branch.to_owned(), asked: branch });
    }
    if let Some(rule) = protected::rule_for(&branch, facts.protected) {
        return Err(Denial::Protected { branch, rule: rule.to_owned() });
    }
    if facts.remote_default.is_some_and(same) {
        return Err(Denial::RemoteDefault { branch });
    }
    if same(facts.base) {
        return Err(Denial::Base { branch });
    }
    if wish.commit != *facts.proven {
        return Err(Denial::Unproven { commit: wish.commit });
    }
    match facts.motion {
        Motion::Create | Motion::Forward => Ok(Clearance(wish)),
        Motion::Rewrite => Err(Denial::Rewrite { branch }),
        Motion::Unknown => Err(Denial::CannotTell { branch }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_branch_at_the_proven_commit_goes_forward() {
        let (a, b) = (Oid::parse(&"a".repeat(40)).unwrap(), Oid::parse(&"b".repeat(40)).unwrap());
        let more = ["deploy/*".to_owned()];
        for (own, asked, commit, motion, ok) in [
            ("feature/x", "feature/x", &a, Motion::Create, true),
            ("feature/x", "feature/x", &a, Motion::Forward, true),
            ("feature/x", "feature/x", &a, Motion::Rewrite, false),
            ("feature/x", "feature/x", &a, Motion::Unknown, false),
            ("feature/x", "feature/x", &b, Motion::Forward, false),
            ("feature/x", "feature/y", &a, Motion::Forward, false),
            ("main", "main", &a, Motion::Forward, false),
            ("Main", "Main", &a, Motion::Forward, false),
            ("deploy/x", "deploy/x", &a, Motion::Forward, false),
            ("trunk", "trunk", &a, Motion::Forward, false),
            ("topic", "topic", &a, Motion::Forward, false),
        ] {
            let facts = Facts {
                own_branch: own,
                proven: &a,
                protected: &more,
                remote_default: Some("Trunk"),
                base: "topic",
                motion,
            };
            let wish = Wish { url: "u".into(), branch: asked.into(), commit: commit.clone() };
            assert_eq!(judge(wish, &facts).is_ok(), ok, "{own} {asked} {motion:?}");
        }
    }
}
