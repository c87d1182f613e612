//! What a workflow says that no run could go by, though every way through it is sound. It is asked before a
//! run begins, and never of what a run was begun with: that stays readable, whatever is added here.

use std::collections::BTreeSet;

use super::{Flaw, Need, Stage, Workflow};
use crate::domain::{check::name::Check, id::StageId, plan::Scope};

const BRANCH_PREFIX_BYTES_MAX: usize = 100;

impl Workflow {
    #[must_use]
    pub fn unusable(&self) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let mut say = |stage: Option<usize>, what: String, fix: &str| {
            flaws.push(Flaw { stage, what, fix: fix.to_owned() });
        };
        if self.cycles_max == Some(0) {
            say(None, "no item may go through 0 `cycles`".into(), "1 is the least");
        }
        if let Some(prefix) = self.branch_prefix.as_ref().filter(|prefix| !begins_branch(prefix)) {
            let what = format!("no branch begins with `{}`", prefix.escape_debug());
            say(None, what, "write a `branch_prefix` like `work/`");
        }
        let mut seen = BTreeSet::new();
        for flow in &self.flows {
            if StageId::parse(flow).is_err() {
                let what = format!("`{}` is no name for a flow", flow.escape_debug());
                say(None, what, "letters, digits, `-`, `_` and inner dots only");
            } else if !seen.insert(flow) {
                say(None, format!("the flow `{flow}` is there twice"), "leave out one of both");
            }
        }
        for (at, stage) in self.stages().iter().enumerate() {
            for (what, fix) in stage.unusable() {
                say(Some(at), format!("`{}` {what}", stage.id()), fix);
            }
        }
        flaws
    }
}

impl Stage {
    fn unusable(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        if self.agent.as_ref().is_some_and(|agent| agent.trim().is_empty()) {
            found.push(("names an empty `agent`".to_owned(), "name one, or leave out `agent`"));
        }
        let mut seen = BTreeSet::new();
        for check in &self.checks {
            let name = check.gate.escape_debug();
            let must_fail = check.must_fail;
            match Check::parse(&check.gate) {
                None => found.push((
                    format!("checks `{name}`, which is no name of a gate"),
                    "small letters, digits and `-`: see `git run gate --list`",
                )),
                Some(known) if must_fail && !known.takes_command() => found.push((
                    format!("says `must_fail` of `{name}`, which is no command of yours"),
                    "only of commands it can be asked that they fail",
                )),
                Some(_) if !seen.insert(&check.gate) => {
                    found.push((format!("checks `{name}` twice"), "leave out one of both"));
                }
                Some(_) => {}
            }
        }
        for need in &self.shape.needs {
            if let Need::File(path) = need
                && let Err(bad) = Scope::parse(path)
            {
                found.push((format!("cannot need a file like this: {bad}"), "see `needs_files`"));
            }
        }
        found
    }
}

/// Whether a branch can be made by putting a plain name behind it.
fn begins_branch(prefix: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fits = |part: &str| {
        let ends = part.starts_with(['-', '.']) || part.ends_with('.');
        let odd = part.contains("..") || part.to_ascii_lowercase().ends_with(".lock");
        !part.is_empty() && !ends && !odd && part.chars().all(plain)
    };
    let mut parts: Vec<&str> = prefix.split('/').collect();
    // Behind a final `/` the name follows.
    if parts.last() == Some(&"") {
        parts.pop();
    }
    let is_full = parts.first().is_some_and(|first| first.eq_ignore_ascii_case("refs"));
    let short = prefix.len() <= BRANCH_PREFIX_BYTES_MAX;
    short && !is_full && !parts.is_empty() && parts.into_iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::begins_branch;

    #[test]
    fn a_branch_begins_with_what_git_takes_for_a_name() {
        for good in ["work/", "work", "bugfix/", "a/b-", "größe/", "v1.2/"] {
            assert!(begins_branch(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "//",
            "../x/",
            "-x/",
            "x y/",
            "refs/heads/",
            "a..b/",
            ".a/",
            "x.lock/",
            "a~",
            "@{",
        ] {
            assert!(!begins_branch(bad), "{bad}");
        }
        assert!(!begins_branch(&"x".repeat(101)));
    }
}
