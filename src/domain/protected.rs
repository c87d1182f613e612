//! The branches that a run never works on.

/// Names and globs that nobody can take away; configuration only adds to them. A `*` crosses `/`.
const BUILT_IN: [&str; 11] = [
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

/// The rule that protects a branch, compared without its prefix and without case.
#[must_use]
pub fn rule_for<'a>(branch: &str, more: &'a [String]) -> Option<&'a str>
where
    'static: 'a,
{
    let name = branch.strip_prefix("refs/heads/").unwrap_or(branch);
    let name = name.strip_prefix("heads/").unwrap_or(name).to_lowercase();
    BUILT_IN
        .into_iter()
        .chain(more.iter().map(String::as_str))
        .find(|rule| matches(&rule.to_lowercase(), &name))
}

/// A glob with `*` alone, against the whole name. Linear: there is no going back further than one star.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
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

    #[test]
    fn protected_names_are_known_in_every_spelling() {
        let more = ["deploy/*".to_owned()];
        for name in [
            "main",
            "Main",
            "refs/heads/main",
            "heads/main",
            "release/1.0",
            "release/1/hot",
            "hotfix-2",
            "deploy/x",
        ] {
            assert!(rule_for(name, &more).is_some(), "{name}");
        }
        for name in [
            "feature/main",
            "maintenance",
            "release",
            "releases/1.0",
            "domain",
            "feature/sprint-1",
            "",
        ] {
            assert!(rule_for(name, &more).is_none(), "{name}");
        }
    }
}
