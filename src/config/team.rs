//! `.gitrun.toml`: what a team agreed on, as it stands on the base branch. It only ever tightens what
//! the configuration of git says, and what a work tree holds of it counts for nothing.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::plan_file;
use crate::{
    domain::{
        event::PushMode,
        id::Oid,
        limits::{Limits, Micros, micros},
        time::Span,
    },
    git::{Repo, worktree::COMMIT_BYTES_MAX},
};

pub const NAME: &str = ".gitrun.toml";
pub const TEAM_BYTES_MAX: usize = 64 * 1024;
const TREE_BYTES_MAX: u64 = 16 * 1024 * 1024;
const PROTECTED_MAX: usize = 1000;

/// What is set; the rest is left as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    pub protected: Vec<String>,
    pub new_tags: Option<bool>,
    pub push: Option<PushMode>,
    pub cycles_max: Option<u32>,
    pub run_time_max: Option<Span>,
    pub stage_time_max: Option<Span>,
    pub calls_per_hour_max: Option<u32>,
    pub tokens_max: Option<u64>,
    pub cost_max: Option<Micros>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamDoc {
    format: u32,
    #[serde(default)]
    run: RunDoc,
}

/// The names are those of git's configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct RunDoc {
    protected_branch: Vec<String>,
    new_tags: Option<bool>,
    auto_push: Option<PushDoc>,
    max_cycles: Option<u32>,
    timeout: Option<String>,
    stage_timeout: Option<String>,
    calls_per_hour: Option<u32>,
    budget: BudgetDoc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct BudgetDoc {
    tokens: Option<u64>,
    cost: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PushDoc {
    Whether(bool),
    How(String),
}

pub fn parse(text: &str) -> Result<Team, String> {
    if TEAM_BYTES_MAX < text.len() {
        return Err(format!("it is longer than {TEAM_BYTES_MAX} bytes"));
    }
    if plan_file::toml::long_key(text).is_some() {
        return Err("a key has too many parts".to_owned());
    }
    let doc: TeamDoc = toml::from_str(text).map_err(|error| error.to_string())?;
    if doc.format != 1 {
        return Err(format!("it is of format {}, and this version knows 1", doc.format));
    }
    let run = doc.run;
    if PROTECTED_MAX < run.protected_branch.len() {
        return Err(format!("`protectedBranch` has more than {PROTECTED_MAX} names"));
    }
    let span = |key: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => Span::parse(&text)
            .map(Some)
            .map_err(|_| format!("`{key}` is `{}`, and no time like `8h`", text.escape_debug())),
    };
    let count = |key: &str, number: Option<u32>| match number {
        Some(0) => Err(format!("`{key}` is 0, and takes a number from 1 on")),
        other => Ok(other),
    };
    Ok(Team {
        protected: run.protected_branch,
        new_tags: run.new_tags,
        push: run.auto_push.map(push).transpose()?,
        cycles_max: count("maxCycles", run.max_cycles)?,
        run_time_max: span("timeout", run.timeout)?,
        stage_time_max: span("stageTimeout", run.stage_timeout)?,
        calls_per_hour_max: count("callsPerHour", run.calls_per_hour)?,
        tokens_max: run.budget.tokens,
        cost_max: match run.budget.cost {
            None => None,
            Some(text) => Some(micros(&text).ok_or_else(|| {
                format!("`cost` is `{}`, and no amount like `12.50`", text.escape_debug())
            })?),
        },
    })
}

fn push(doc: PushDoc) -> Result<PushMode, String> {
    match doc {
        PushDoc::Whether(true) => Ok(PushMode::Auto),
        PushDoc::Whether(false) => Ok(PushMode::Local),
        PushDoc::How(word) if word == "prompt" => Ok(PushMode::Prompt),
        PushDoc::How(word) => Err(format!(
            "`autoPush` is `{}`, and takes `true`, `false` or \"prompt\"",
            word.escape_debug()
        )),
    }
}

impl Team {
    /// The stricter of both, for everything.
    pub fn tighten(&self, limits: &mut Limits) {
        fn least<T: Ord + Copy>(limit: &mut T, other: Option<T>) {
            *limit = other.map_or(*limit, |other| (*limit).min(other));
        }
        least(&mut limits.cycles_max, self.cycles_max);
        least(&mut limits.run_time_max, self.run_time_max);
        least(&mut limits.stage_time_max, self.stage_time_max);
        least(&mut limits.calls_per_hour_max, self.calls_per_hour_max);
        for (limit, other) in
            [(&mut limits.tokens_max, self.tokens_max), (&mut limits.cost_max, self.cost_max)]
        {
            *limit = (*limit).into_iter().chain(other).min();
        }
    }
}

/// What the team agreed on: here on the base branch, and there as it was fetched last.
pub fn of_base(repo: &Repo, remote: &str, base: &str) -> anyhow::Result<Vec<Team>> {
    let mut seen: Vec<Oid> = Vec::new();
    let mut found = Vec::new();
    for name in [format!("refs/heads/{base}"), format!("refs/remotes/{remote}/{base}")] {
        let Some(tip) = repo.refs().read(&name)? else { continue };
        let mut read = || -> anyhow::Result<Option<Team>> {
            let tree = repo.read_commit(&tip, COMMIT_BYTES_MAX)?.tree;
            let mut entries = repo.read_tree(&tree, TREE_BYTES_MAX)?;
            let Some(entry) = entries.remove(NAME.as_bytes()) else { return Ok(None) };
            if seen.contains(&entry.id) {
                return Ok(None);
            }
            seen.push(entry.id.clone());
            let text = repo.read_blob(&entry.id, TEAM_BYTES_MAX as u64)?;
            let text = std::str::from_utf8(&text).context("it is not UTF-8")?;
            match parse(text) {
                Ok(team) => Ok(Some(team)),
                Err(why) => bail!("{}", why.trim_end()),
            }
        };
        found.extend(read().with_context(|| format!("`{NAME}` of `{name}`"))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_read_and_the_rest_is_left_as_it_is() {
        let text = "format = 1\n[run]\nprotectedBranch = [\"deploy/*\"]\nnewTags = false\n\
            autoPush = \"prompt\"\nmaxCycles = 3\ntimeout = \"2h\"\nstageTimeout = \"10m\"\n\
            callsPerHour = 20\n[run.budget]\ntokens = 1000\ncost = \"1.50\"\n";
        let team = parse(text).unwrap();
        assert_eq!((team.push, team.cycles_max), (Some(PushMode::Prompt), Some(3)));
        assert_eq!((team.tokens_max, team.cost_max), (Some(1000), Some(1_500_000)));
        assert_eq!(team.protected, ["deploy/*"]);
        assert_eq!(parse("format = 1\n"), Ok(Team::default()));
    }

    #[test]
    fn it_only_tightens() {
        let mut limits = Limits { tokens_max: Some(10), ..Limits::default() };
        let before = limits.clone();
        let team = Team {
            cycles_max: Some(u32::MAX),
            tokens_max: Some(1000),
            cost_max: Some(5),
            ..Team::default()
        };
        team.tighten(&mut limits);
        assert_eq!(limits, Limits { cost_max: Some(5), ..before });
    }

    #[test]
    fn what_is_not_understood_is_an_error_that_says_where() {
        for (text, why) in [
            ("", "format"),
            ("format = 2", "format 2"),
            ("format = 1\n[run]\nprotected = []", "line 3"),
            ("format = 1\n[run]\nautoPush = \"no\"", "autoPush"),
            ("format = 1\n[run]\nmaxCycles = 0", "maxCycles"),
            ("format = 1\n[run]\ntimeout = \"soon\"", "timeout"),
            ("format = 1\n[run", "line 2"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
