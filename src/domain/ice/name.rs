//! Which branch names nobody but a person moves, in whatever spelling they come.

use unicode_normalization::UnicodeNormalization as _;
use unicode_security::confusable_detection::skeleton;

/// Names and globs that nobody can take away; configuration only adds to them. A `*` crosses `/`.
pub const BUILT_IN: [&str; 11] = [
    "main",
    "master",
    "staging",
    "develop",
    "development",
    "production",
    "prod",
    "release/*",
    "release-*",
    "hotfix/*",
    "hotfix-*",
];

/// Names that git reads as something else than the branch that they would be.
const SPECIAL: [&str; 5] = ["HEAD", "@", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD"];

/// No file system and no forge keeps a longer name.
pub const NAME_BYTES_MAX: usize = 1024;

/// Everything that is protected where a question is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Protection {
    /// More names and globs than the built-in ones.
    pub configured: Vec<String>,
    /// The branch that the run builds on.
    pub base: Option<String>,
    /// The branches to which the HEADs of remotes point.
    pub remote_defaults: Vec<String>,
}

/// Why a name is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protected {
    pub source: Source,
    /// The name or glob that matched.
    pub rule: String,
    /// It is equal only after case, width, invisible and confusable characters are folded away.
    pub look_alike: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    BuiltIn,
    Configured,
    Base,
    RemoteDefault,
    Special,
}

impl std::fmt::Display for Protected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rule = self.rule.escape_debug();
        if self.look_alike {
            write!(f, "a look-alike of `{rule}`, which is ")?;
        }
        match self.source {
            Source::BuiltIn | Source::Configured => write!(f, "a protected branch (rule `{rule}`)"),
            Source::Base => f.write_str("the base that the run was asked to build on"),
            Source::RemoteDefault => f.write_str("the default branch of the remote"),
            Source::Special => f.write_str("a name that git reads as something else"),
        }
    }
}

impl Protection {
    #[must_use]
    pub fn configured(more: &[String]) -> Self {
        Self { configured: more.to_vec(), ..Self::default() }
    }

    /// What protects a branch, whether it comes as a full ref or as it was typed.
    #[must_use]
    pub fn of(&self, branch: &str) -> Option<Protected> {
        let name = short(branch);
        self.exactly(name).or_else(|| self.look_alike(name))
    }

    /// What the team's policy alone says: nothing that is built in.
    #[must_use]
    pub fn by_policy(&self, branch: &str) -> Option<Protected> {
        let only = |rule: &(Source, &str)| rule.0 == Source::Configured;
        let name = short(branch);
        self.found(name, false, only).or_else(|| self.found(name, true, only))
    }

    fn exactly(&self, name: &str) -> Option<Protected> {
        self.found(name, false, |_| true)
    }

    fn look_alike(&self, name: &str) -> Option<Protected> {
        self.found(name, true, |_| true)
    }

    fn found(
        &self,
        name: &str,
        look_alike: bool,
        only: impl Fn(&(Source, &str)) -> bool,
    ) -> Option<Protected> {
        let folded = if look_alike { [fold(name), skeleton_of(name)] } else { Default::default() };
        let matched = |rule: &str| {
            if look_alike {
                matches(&fold(rule), &folded[0]) || matches(&skeleton_of(rule), &folded[1])
            } else {
                matches(rule, name)
            }
        };
        let rules = self.rules().filter(only);
        let (source, rule) = rules.map(|(s, r)| (s, short(r))).find(|(_, rule)| matched(rule))?;
        Some(Protected { source, rule: rule.to_owned(), look_alike })
    }

    fn rules(&self) -> impl Iterator<Item = (Source, &str)> {
        BUILT_IN
            .into_iter()
            .map(|rule| (Source::BuiltIn, rule))
            .chain(self.configured.iter().map(|rule| (Source::Configured, rule.as_str())))
            .chain(self.base.iter().map(|rule| (Source::Base, rule.as_str())))
            .chain(self.remote_defaults.iter().map(|rule| (Source::RemoteDefault, rule.as_str())))
            .chain(SPECIAL.into_iter().map(|rule| (Source::Special, rule)))
    }
}

/// The branch's own name: without `refs/heads/` and `heads/`, however often they stand there.
#[must_use]
pub fn short(name: &str) -> &str {
    let mut name = name;
    loop {
        let cut = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("heads/"));
        match cut {
            Some(rest) if !rest.is_empty() => name = rest,
            Some(_) | None => return name,
        }
    }
}

/// Why no run and no agent makes or moves a branch of this name, although git might.
#[must_use]
pub fn unfit(name: &str) -> Option<&'static str> {
    let own = name.strip_prefix("refs/heads/").unwrap_or(name);
    if own.is_empty() {
        Some("it is empty")
    } else if NAME_BYTES_MAX < name.len() {
        Some("it is too long")
    } else if own.chars().any(|c| c.is_control() || is_invisible(c) || c == '\u{fffd}') {
        Some("it holds characters that nobody sees")
    } else if own.chars().any(char::is_whitespace) {
        Some("it holds white space")
    } else if own.split('/').any(|part| part.starts_with('-')) {
        Some("a part of it begins with `-`")
    } else if own.starts_with("refs/") || own.starts_with("heads/") {
        Some("it reads like a ref of another place")
    } else if own.contains("..")
        || own.contains("//")
        || own.contains("@{")
        || own.ends_with('/')
        || own.ends_with('.')
        || own.contains(['~', '^', ':', '?', '*', '[', '\\'])
        || own.split('/').any(|part| part.is_empty() || part.starts_with('.'))
        || own.split('/').any(|part| part.to_ascii_lowercase().ends_with(".lock"))
    {
        Some("git allows no such name")
    } else {
        None
    }
}

/// Whether a ref is read as one below `place` by whoever does not look closely, and is none.
#[must_use]
pub fn pretends(name: &str, place: &str) -> bool {
    let seen = name.chars().filter(|c| !is_invisible(*c) && !c.is_control());
    let folded: String =
        seen.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    !name.starts_with(place) && folded.starts_with(place)
}

/// Case, width and composition away, and everything that is not seen.
fn fold(name: &str) -> String {
    let seen = name.chars().filter(|c| !is_invisible(*c) && !c.is_control());
    // Up and down again: `ſ`, `ß` and the Kelvin sign fold only so.
    let folded: String =
        seen.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect();
    short(&folded).to_owned()
}

/// What a name looks like to a person, as UTS #39 has it.
fn skeleton_of(name: &str) -> String {
    let folded = fold(name);
    if folded.is_ascii() && !folded.bytes().any(|byte| byte.is_ascii_digit()) {
        return folded.replace("rn", "m");
    }
    let bones: String = skeleton(&folded).flat_map(char::to_lowercase).collect();
    bones.replace("rn", "m")
}

/// Default-ignorable and bidirectional control characters.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// A glob with `*` alone, against the whole name. There is no going back further than one star.
#[must_use]
pub fn matches<'a>(pattern: &'a str, name: &'a str) -> bool {
    let cut = |text: &'a str| &text.as_bytes()[..text.len().min(4 * NAME_BYTES_MAX)];
    let (pattern, name) = (cut(pattern), cut(name));
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, from)) = star {
            (p, n, star) = (at + 1, from + 1, Some((at, from + 1)));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protection() -> Protection {
        Protection {
            configured: vec!["deploy/*".into(), "refs/heads/live".into()],
            base: Some("topic".into()),
            remote_defaults: vec!["trunk".into()],
        }
    }

    #[test]
    fn protected_names_are_known_in_every_spelling() {
        let table = "
            main                            exact      main
            staging                         exact      staging
            release/v1.0.0                  exact      release/*
            release/1/hot                   exact      release/*
            hotfix-urgent                   exact      hotfix-*
            refs/heads/main                 exact      main
            heads/main                      exact      main
            refs/heads/refs/heads/main      exact      main
            deploy/x                        exact      deploy/*
            live                            exact      live
            topic                           exact      topic
            trunk                           exact      trunk
            HEAD                            exact      HEAD
            Main                            look-alike main
            refs/heads/MAIN                 look-alike main
            m\u{430}in                      look-alike main
            \u{ff4d}\u{ff41}\u{ff49}\u{ff4e} look-alike main
            ma\u{200b}in                    look-alike main
            rnain                           look-alike main
            ma\u{131}n                      look-alike main
            ma1n                            -          -
            pr\u{43e}d                      look-alike prod
            relea\u{17f}e/1                 look-alike release/*
            Trun\u{212a}                    look-alike trunk
            feature/main                    -          -
            maintenance                     -          -
            mainline                        -          -
            users/a/master-plan             -          -
            release                         -          -
            releases/1.0                    -          -
            feature/sprint-1                -          -
            bugfix/fix-123                  -          -
            my-random-branch                -          -
        ";
        for line in table.lines().filter(|line| !line.trim().is_empty()) {
            let [name, how, rule] = line.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let name = unescaped(name);
            let found = protection().of(&name);
            let said = found.map_or(("-", "-".to_owned()), |found| {
                (if found.look_alike { "look-alike" } else { "exact" }, found.rule)
            });
            assert_eq!((said.0, said.1.as_str()), (how, rule), "{name}");
        }
    }

    fn unescaped(text: &str) -> String {
        let mut parts = text.split("\\u{");
        let mut out = parts.next().unwrap().to_owned();
        for part in parts {
            let (hex, rest) = part.split_once('}').unwrap();
            out.push(char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap());
            out.push_str(rest);
        }
        out
    }

    #[test]
    fn names_that_trick_eyes_or_programs_are_unfit() {
        for bad in [
            "refs/heads/-f",
            "a/-b",
            "x\u{9b}31m",
            "x\u{202e}y",
            "a b",
            "refs/heads/refs/heads/x",
            "a..b",
            "a.lock",
            "/a",
            "a//b",
            "",
            "refs/heads/",
            "@{-1}",
        ] {
            assert!(unfit(bad).is_some(), "{bad:?}");
        }
        assert!(unfit(&"a".repeat(NAME_BYTES_MAX + 1)).is_some());
        for good in ["feature/x", "Feature/Y", "refs/heads/feature/é", "a-b", "1"] {
            assert!(unfit(good).is_none(), "{good:?}");
        }
    }

    #[test]
    fn people_are_bound_by_what_the_team_says_alone() {
        assert!(protection().by_policy("main").is_none());
        assert!(protection().by_policy("refs/heads/Deploy/x").is_some());
    }
}
