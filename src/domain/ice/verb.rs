//! The words of the wrapper that `git run ice <verb>` stands in for: what they ask, and which branch a
//! name in them means. An option, a path or a refspec is never taken for a name.

use super::{
    denial::Denial,
    judge::branch_is_free,
    name::{Protection, unfit},
};
use crate::domain::event::PushMode;

/// Every verb, and what it takes.
pub const VERBS: [(&str, &str); 12] = [
    ("is-protected", "<branch>"),
    ("validate", ""),
    ("ensure-branch", "<name> [<prefix>]"),
    ("checkout", "<branch>"),
    ("push", "[<remote>] [<branch>]"),
    ("push-upstream", "<remote> <branch>"),
    ("merge", ""),
    ("pr-merge", ""),
    ("branch-delete", "[<branch>]"),
    ("force-push", ""),
    ("pr-create", "<title> <body> [<base>] [<head>] [--draft]"),
    ("should-push", "[local|prompt]"),
];

const PREFIX: &str = "feature/";
const REMOTE: &str = "origin";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    IsProtected(String),
    Validate,
    /// The whole name, the prefix included.
    EnsureBranch(String),
    Checkout(String),
    /// Without a branch it is the one that is checked out.
    Push {
        remote: String,
        branch: Option<String>,
        upstream: bool,
    },
    Never(Never),
    PrCreate(Proposal),
    ShouldPush(Option<PushMode>),
}

/// What only people do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Never {
    Merge,
    PrMerge,
    BranchDelete,
    ForcePush,
}

/// A draft, to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    pub title: String,
    pub body: String,
    pub base: Option<String>,
    pub head: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    #[error("Unknown command: `{}`", .0.escape_debug())]
    Unknown(String),
    #[error("Usage: git run ice {verb} {takes}")]
    Usage { verb: &'static str, takes: &'static str },
}

pub fn parse(words: &[String]) -> Result<Verb, Misuse> {
    let Some((verb, args)) = words.split_first() else {
        return Err(Misuse::Unknown(String::new()));
    };
    let Some((verb, takes)) = VERBS.into_iter().find(|(known, _)| known == verb) else {
        return Err(Misuse::Unknown(verb.clone()));
    };
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    read(verb, &args).ok_or(Misuse::Usage { verb, takes })
}

fn read(verb: &str, args: &[&str]) -> Option<Verb> {
    let given = args.iter().all(|arg| !arg.is_empty());
    let push = |remote: &str, branch: Option<&str>, upstream| {
        let (remote, branch) = (remote.to_owned(), branch.map(str::to_owned));
        given.then_some(Verb::Push { remote, branch, upstream })
    };
    match (verb, args) {
        ("is-protected", [name]) => given.then(|| Verb::IsProtected((*name).to_owned())),
        ("validate", []) => Some(Verb::Validate),
        ("ensure-branch", [name]) => given.then(|| Verb::EnsureBranch(format!("{PREFIX}{name}"))),
        ("ensure-branch", [name, prefix]) => {
            (!name.is_empty()).then(|| Verb::EnsureBranch(format!("{prefix}{name}")))
        }
        ("checkout", [name]) => given.then(|| Verb::Checkout((*name).to_owned())),
        ("push", []) => push(REMOTE, None, false),
        ("push", [remote]) => push(remote, None, false),
        ("push", [remote, branch]) => push(remote, Some(branch), false),
        ("push-upstream", [remote, branch]) => push(remote, Some(branch), true),
        // Whatever follows them, the answer is the same.
        ("merge", _) => Some(Verb::Never(Never::Merge)),
        ("pr-merge", _) => Some(Verb::Never(Never::PrMerge)),
        ("branch-delete", _) => Some(Verb::Never(Never::BranchDelete)),
        ("force-push", _) => Some(Verb::Never(Never::ForcePush)),
        ("pr-create", args) => proposal(args).map(Verb::PrCreate),
        ("should-push", []) => Some(Verb::ShouldPush(None)),
        ("should-push", ["local" | "--local"]) => Some(Verb::ShouldPush(Some(PushMode::Local))),
        ("should-push", ["prompt" | "--prompt"]) => Some(Verb::ShouldPush(Some(PushMode::Prompt))),
        (_, _) => None,
    }
}

/// Options may stand anywhere; after `--` there is none any more. It is a draft with or without saying so.
fn proposal(args: &[&str]) -> Option<Proposal> {
    let (mut operands, mut base, mut head, mut rest) = (Vec::new(), None, None, args.iter());
    while let Some(arg) = rest.next() {
        match *arg {
            "--draft" | "-d" => {}
            "--base" | "-B" => base = Some(rest.next()?.to_string()),
            "--head" | "-H" => head = Some(rest.next()?.to_string()),
            "--" => operands.extend(rest.by_ref().map(ToString::to_string)),
            option if option.starts_with("--base=") => base = Some(option[7..].to_owned()),
            option if option.starts_with("--head=") => head = Some(option[7..].to_owned()),
            option if option.starts_with('-') && option.len() > 1 => return None,
            operand => operands.push(operand.to_owned()),
        }
    }
    let mut operands = operands.into_iter();
    let (title, body) = (operands.next()?, operands.next()?);
    // Said twice is said badly.
    for (place, operand) in [(&mut base, operands.next()), (&mut head, operands.next())] {
        match (&place, operand) {
            (None, Some(operand)) => *place = Some(operand),
            (_, None) => {}
            (Some(_), Some(_)) => return None,
        }
    }
    let empty = |name: &Option<String>| name.as_deref() == Some("");
    let sound =
        operands.next().is_none() && !title.trim().is_empty() && !empty(&base) && !empty(&head);
    sound.then_some(Proposal { title, body, base, head })
}

/// The branch that a name means, when it may be worked on.
pub fn branch(name: &str, protection: &Protection, remotes: &[String]) -> Result<String, Denial> {
    let own = name.strip_prefix("refs/heads/").unwrap_or(name);
    branch_is_free(own, protection)?;
    if let Some(theirs) = of_remote(own, remotes) {
        branch_is_free(theirs, protection)?;
    }
    target(own)?;
    Ok(own.to_owned())
}

/// A branch that is only named, as the base of a pull request is: a protected one will do.
pub fn target(name: &str) -> Result<(), Denial> {
    let why = if name.starts_with('+') { Some("it begins with `+`") } else { unfit(name) };
    match why {
        None => Ok(()),
        Some(why) => {
            let what = format!("`{}` is no name of a branch: {why}", shown(name));
            Err(Denial::new("name", what).next("the branch's own name, and nothing around it"))
        }
    }
}

/// What a name like `origin/main` is called at the remote.
#[must_use]
pub fn of_remote<'a>(name: &'a str, remotes: &[String]) -> Option<&'a str> {
    let name = name.strip_prefix("refs/").unwrap_or(name);
    let name = name.strip_prefix("remotes/").unwrap_or(name);
    remotes.iter().find_map(|remote| name.strip_prefix(remote.as_str())?.strip_prefix('/'))
}

impl Never {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::PrMerge => "pr-merge",
            Self::BranchDelete => "branch-delete",
            Self::ForcePush => "force-push",
        }
    }

    #[must_use]
    pub fn denial(self) -> Denial {
        match self {
            Self::Merge | Self::PrMerge => Denial::new(
                "merge",
                "merging is BLOCKED. Human intervention is required: people merge pull requests",
            )
            .next("git run ice pr-create <title> <body>"),
            Self::BranchDelete => Denial::new(
                "delete",
                "deleting branches is BLOCKED. Human intervention is required: people delete branches",
            ),
            Self::ForcePush => Denial::new(
                "force",
                "Force push is BLOCKED: it is dangerous, because it drops what others have pushed",
            )
            .next("git fetch, rebase or merge onto it, and push without force"),
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Verb, Misuse> {
        parse(&line.split(' ').map(|word| word.replace('_', " ")).collect::<Vec<_>>())
    }

    #[test]
    fn flags_of_a_pull_request_stand_anywhere() {
        let want = |base: Option<&str>, head: Option<&str>| {
            Ok(Verb::PrCreate(Proposal {
                title: "T".into(),
                body: "B".into(),
                base: base.map(str::to_owned),
                head: head.map(str::to_owned),
            }))
        };
        for (line, base, head) in [
            ("pr-create T B", None, None),
            ("pr-create T B --draft", None, None),
            ("pr-create --draft T -d B main", Some("main"), None),
            ("pr-create T B main feature/x --draft", Some("main"), Some("feature/x")),
            ("pr-create T B --base main --head=feature/x", Some("main"), Some("feature/x")),
            ("pr-create T B --head feature/x main", Some("main"), Some("feature/x")),
            ("pr-create --draft -- T B", None, None),
        ] {
            assert_eq!(parsed(line), want(base, head), "{line}");
        }
        for line in [
            "pr-create T",
            "pr-create T --draft",
            "pr-create  B",
            "pr-create _ B",
            "pr-create T B --base",
            "pr-create T B --base main main",
            "pr-create T B a b c",
            "pr-create T B --web",
            "pr-create T B --draft=false",
            "pr-create T B --no-draft",
            "pr-create T B --base=",
            "pr-create T B -Rother/repo",
        ] {
            assert!(matches!(parsed(line), Err(Misuse::Usage { .. })), "{line}");
        }
    }

    #[test]
    fn what_is_missing_or_too_much_is_a_mistake() {
        for line in [
            "is-protected",
            "is-protected ",
            "is-protected a b",
            "validate x",
            "ensure-branch",
            "ensure-branch ",
            "ensure-branch  fix/",
            "checkout",
            "checkout ",
            "push ",
            "push origin ",
            "push origin a b",
            "push-upstream",
            "push-upstream origin",
            "should-push auto",
            "should-push LOCAL",
        ] {
            assert!(matches!(parsed(line), Err(Misuse::Usage { .. })), "{line:?}");
        }
        for line in ["", "nonsense", "Push", "--push"] {
            assert!(matches!(parsed(line), Err(Misuse::Unknown(_))), "{line:?}");
        }
        assert!(matches!(parse(&[]), Err(Misuse::Unknown(_))));
    }

    #[test]
    fn only_a_name_is_a_name() {
        let remotes = ["origin".to_owned()];
        let asked = |name: &str| branch(name, &Protection::default(), &remotes);
        for (name, own) in [
            ("feature/x", "feature/x"),
            ("refs/heads/feature/x", "feature/x"),
            ("feature/c++", "feature/c++"),
            ("origin/x", "origin/x"),
        ] {
            assert_eq!(asked(name).as_deref(), Ok(own), "{name}");
        }
        for (name, rule) in [
            ("main", "protected"),
            ("Main", "protected"),
            ("ma\u{200b}in", "protected"),
            ("refs/heads/main", "protected"),
            ("heads/main", "protected"),
            ("refs/heads/heads/main", "protected"),
            ("origin/main", "protected"),
            ("origin/release/1", "protected"),
            ("remotes/origin/main", "protected"),
            ("refs/remotes/origin/main", "protected"),
            ("refs/remotes/origin/x", "name"),
            ("origin/HEAD", "protected"),
            ("HEAD", "protected"),
            ("@", "protected"),
            ("HEAD~1", "name"),
            ("feature/x:main", "name"),
            ("HEAD:refs/heads/main", "name"),
            (":feature/x", "name"),
            ("+feature/x", "name"),
            ("^main", "name"),
            ("refs/heads/*", "name"),
            ("refs/tags/v1", "name"),
            ("--all", "name"),
            ("-f", "name"),
            (".", "name"),
            ("@{-1}", "name"),
            ("-", "name"),
            ("a b", "name"),
            ("\u{9b}", "name"),
        ] {
            assert_eq!(asked(name).map_err(|denial| denial.rule), Err(rule), "{name:?}");
        }
    }
}
