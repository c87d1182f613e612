//! Whether a ref of a remote may move. What cannot be judged is refused to runs and agents; people
//! keep their git, but for what the team's policy says. Only the judge makes a `Clearance`.

use super::{
    denial::Denial,
    name::{Protection, unfit},
};
use crate::domain::id::Oid;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Person,
    /// A program that acts for a model, and a run itself.
    Agent,
}

impl Who {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Agent => "agent",
        }
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Person, Self::Agent].into_iter().find(|who| who.word() == word)
    }
}

/// The run to which the work tree or the branch belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum During<'a> {
    NoRun,
    Run {
        own_branch: &'a str,
        /// What its workflow still asks for.
        open_gates: &'a [String],
        /// The commit that the workflow proved.
        proven: Option<&'a Oid>,
    },
}

/// What the push would do to the remote's ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    Create,
    Forward,
    Rewrite,
    Delete,
    Unknown,
}

impl Motion {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Forward => "forward",
            Self::Rewrite => "rewrite",
            Self::Delete => "delete",
            Self::Unknown => "unknown",
        }
    }
}

/// One ref of a push.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// The full name at the remote.
    pub to: &'a str,
    /// What really moves when the remote's ref is a symbolic one.
    pub leads_to: Option<&'a str>,
    pub commit: Option<&'a Oid>,
    pub motion: Motion,
}

/// What holds where the question is asked.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    pub protection: &'a Protection,
    /// Agents may make tags that are new.
    pub new_tags: bool,
}

pub fn judge(who: Who, during: &During<'_>, step: &Move<'_>, rules: &Rules<'_>) -> Verdict {
    match who {
        Who::Person => person(during, step, rules),
        Who::Agent => agent(during, step, rules),
    }
}

pub type Verdict = Result<(), Denial>;

/// People are bound by the team's own patterns, and by the gates of the run whose branch they push.
fn person(during: &During<'_>, step: &Move<'_>, rules: &Rules<'_>) -> Verdict {
    for name in [Some(step.to), step.leads_to].into_iter().flatten() {
        if name.starts_with("refs/heads/")
            && let Some(found) = rules.protection.by_policy(name)
        {
            return Err(Denial::new("policy", format!("`{}` is {found}", shown(name)))
                .next("open a pull request"));
        }
    }
    match during {
        During::Run { own_branch, open_gates, .. }
            if step.to.strip_prefix("refs/heads/") == Some(own_branch) =>
        {
            gates(open_gates)
        }
        During::Run { .. } | During::NoRun => Ok(()),
    }
}

fn agent(during: &During<'_>, step: &Move<'_>, rules: &Rules<'_>) -> Verdict {
    place(step, rules)?;
    let Some(branch) = step.to.strip_prefix("refs/heads/") else { return Ok(()) };
    if let Some(target) = step.leads_to {
        let (branch, target) = (shown(branch), shown(target));
        return Err(Denial::new(
            "symref",
            format!("the remote's `{branch}` is another name of `{target}`"),
        ));
    }
    branch_is_free(branch, rules.protection)?;
    if let During::Run { own_branch, .. } = during
        && branch != *own_branch
    {
        let what = format!(
            "a run pushes its own branch `{own_branch}` and no other, not `{}`",
            shown(branch)
        );
        return Err(Denial::new("own-branch", what).next(format!("git push origin {own_branch}")));
    }
    motion(branch, step.motion)?;
    match during {
        During::NoRun => Ok(()),
        During::Run { open_gates, proven, .. } => {
            gates(open_gates)?;
            proof(step.commit, *proven)
        }
    }
}

/// Branches, and tags that are new where the policy allows them; nothing else is ever an agent's.
fn place(step: &Move<'_>, rules: &Rules<'_>) -> Verdict {
    if let Some(why) = unfit(step.to) {
        // Every other place has `refs/` in front of it, and that is no fault of its name.
        if step.to.starts_with("refs/heads/") || !step.to.starts_with("refs/") {
            return Err(Denial::new("name", format!("`{}` is no name: {why}", shown(step.to))));
        }
    }
    if step.to.starts_with("refs/heads/") {
        return Ok(());
    }
    if let Some(tag) = step.to.strip_prefix("refs/tags/") {
        return match step.motion {
            Motion::Create if rules.new_tags && unfit(tag).is_none() => Ok(()),
            Motion::Create
            | Motion::Forward
            | Motion::Rewrite
            | Motion::Delete
            | Motion::Unknown => Err(Denial::new(
                "tag",
                format!("tags start releases, and `{}` is one: a person pushes it", shown(tag)),
            )
            .next("push the branch alone, with `--no-follow-tags`")),
        };
    }
    Err(Denial::new(
        "place",
        format!("`{}` is no branch, and agents push nothing else", shown(step.to)),
    )
    .next("push the branch, and leave the rest to a person"))
}

/// No protected branch, in whatever spelling.
pub fn branch_is_free(branch: &str, protection: &Protection) -> Verdict {
    match protection.of(branch) {
        None => Ok(()),
        Some(found) => Err(Denial::new("protected", format!("`{}` is {found}", shown(branch)))
            .next("work on a branch of your own, and leave merging to a person")),
    }
}

fn motion(branch: &str, motion: Motion) -> Verdict {
    let branch = shown(branch);
    match motion {
        Motion::Create | Motion::Forward => Ok(()),
        Motion::Rewrite => Err(Denial::new(
            "force",
            format!("the remote's `{branch}` holds commits that this push would drop"),
        )
        .next("git fetch, rebase or merge onto it, and push without force")),
        Motion::Delete => {
            Err(Denial::new("delete", format!("`{branch}` would be deleted: a person does that")))
        }
        Motion::Unknown => Err(Denial::new(
            "unknown",
            format!("it cannot be told what the push would do to the remote's `{branch}`"),
        )
        .next("git fetch, and then the same again")),
    }
}

/// What is not passed yet holds up what is pushed.
pub fn gates(open: &[String]) -> Verdict {
    if open.is_empty() {
        return Ok(());
    }
    let first: Vec<&str> = open.iter().take(5).map(String::as_str).collect();
    Err(Denial::new("gate", format!("not passed yet: {}", first.join(", "))).next("git run status"))
}

fn proof(commit: Option<&Oid>, proven: Option<&Oid>) -> Verdict {
    match (commit, proven) {
        (Some(commit), Some(proven)) if commit == proven => Ok(()),
        (Some(commit), _) => Err(Denial::new(
            "unproven",
            format!("commit {} is not the one that the workflow proved", commit.short()),
        )),
        (None, _) => Err(Denial::new("unproven", "it cannot be told which commit is pushed")),
    }
}

/// A stranger's text, safe to print.
pub fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

/// A run's wish: one branch, at one commit, to one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    pub url: String,
    pub branch: String,
    pub commit: Oid,
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

/// Judges the wish of a run.
pub fn clear(
    wish: Wish,
    during: &During<'_>,
    motion: Motion,
    leads_to: Option<&str>,
    rules: &Rules<'_>,
) -> Result<Clearance, Denial> {
    let to = format!("refs/heads/{}", wish.branch);
    let step = Move { to: &to, leads_to, commit: Some(&wish.commit), motion };
    judge(Who::Agent, during, &step, rules)?;
    Ok(Clearance(wish))
}

#[cfg(test)]
mod tests;
