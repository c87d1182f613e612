//! `.gitrun.toml`: what a team agreed on, as it stands on the base branch. It only ever tightens what
//! the configuration of git says, and what a work tree holds of it counts for nothing.

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::{plan_file, settings::gates::below_the_top};
use crate::{
    domain::{
        check::{
            coverage::{self, Hundredths},
            policy::Policy,
        },
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
const PATHS_MAX: usize = 1000;

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
    pub high_risk_blocks: bool,
    pub gates: Gates,
}

/// What the team asks of gates. Commands are not among it: what is run here is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gates {
    pub protected: Vec<String>,
    pub files_max: Option<u32>,
    pub lines_max: Option<u32>,
    pub strict: bool,
    pub docs: Vec<String>,
    pub docs_registry: Option<String>,
    pub coverage_min: Option<Hundredths>,
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
    high_risk: Option<String>,
    protected_path: Vec<String>,
    gate: GatesDoc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct GatesDoc {
    diff_size: DiffSizeDoc,
    plan: PlanDoc,
    docs: DocsDoc,
    coverage: CoverageDoc,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct DiffSizeDoc {
    max_files: Option<u32>,
    max_lines: Option<u32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PlanDoc {
    strict: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DocsDoc {
    dir: Vec<String>,
    registry: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct CoverageDoc {
    min: Option<String>,
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
    let high_risk_blocks = match run.high_risk.as_deref() {
        None | Some("warn") => false,
        Some("block") => true,
        Some(word) => {
            let word = word.escape_debug();
            return Err(format!("`highRisk` is `{word}`, and takes \"block\" or \"warn\""));
        }
    };
    Ok(Team {
        high_risk_blocks,
        gates: gates(run.gate, run.protected_path)?,
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

fn gates(doc: GatesDoc, protected: Vec<String>) -> Result<Gates, String> {
    let path = |key: &str, path: String| {
        below_the_top(&path).map(str::to_owned).ok_or_else(|| {
            let path = path.escape_debug();
            format!("`{key}` has `{path}`, and takes files and directories below the top, and no patterns")
        })
    };
    let paths = |key: &str, all: Vec<String>| -> Result<Vec<String>, String> {
        if PATHS_MAX < all.len() {
            return Err(format!("`{key}` has more than {PATHS_MAX} paths"));
        }
        all.into_iter().map(|one| path(key, one)).collect()
    };
    let min = |text: String| {
        let least = coverage::parse(text.trim_end_matches('%').trim_end());
        least.ok_or_else(|| {
            format!("`min` is `{}`, and no percentage like \"82.5\"", text.escape_debug())
        })
    };
    Ok(Gates {
        protected: paths("protectedPath", protected)?,
        files_max: doc.diff_size.max_files,
        lines_max: doc.diff_size.max_lines,
        strict: doc.plan.strict,
        docs: paths("dir", doc.docs.dir)?,
        docs_registry: doc.docs.registry.map(|one| path("registry", one)).transpose()?,
        coverage_min: doc.coverage.min.map(min).transpose()?,
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

impl Gates {
    /// What is asked here and there, and of two bounds the stricter one. Of two registries the team's.
    pub fn tighten(&self, policy: &mut Policy) {
        let add = |all: &mut Vec<String>, more: &[String]| {
            let news: Vec<_> = more.iter().filter(|one| !all.contains(one)).cloned().collect();
            all.extend(news);
        };
        add(&mut policy.protected, &self.protected);
        add(&mut policy.docs, &self.docs);
        for (bound, other) in
            [(&mut policy.files_max, self.files_max), (&mut policy.lines_max, self.lines_max)]
        {
            *bound = (*bound).into_iter().chain(other).min();
        }
        policy.strict |= self.strict;
        policy.coverage_min = policy.coverage_min.max(self.coverage_min.unwrap_or(0));
        if self.docs_registry.is_some() {
            policy.docs_registry.clone_from(&self.docs_registry);
        }
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
        let more = "[run.gate.diff-size]\nmaxFiles = 7\n[run.gate.plan]\nstrict = true\n\
            [run.gate.docs]\ndir = [\"docs/\"]\nregistry = \"docs/r.json\"\n[run.gate.coverage]\nmin = \"82.5%\"\n";
        let above =
            text.replace("[run]\n", "[run]\nhighRisk = \"block\"\nprotectedPath = [\"ci/\"]\n");
        let strict = parse(&format!("{above}{more}")).unwrap();
        assert!(strict.high_risk_blocks);
        assert_eq!(
            strict.gates,
            Gates {
                protected: vec!["ci/".into()],
                files_max: Some(7),
                lines_max: None,
                strict: true,
                docs: vec!["docs/".into()],
                docs_registry: Some("docs/r.json".into()),
                coverage_min: Some(8250),
            }
        );
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
    fn of_gates_it_asks_for_more_and_never_for_less() {
        let own = Policy {
            protected: vec!["a".into()],
            files_max: Some(5),
            strict: true,
            coverage_min: 9000,
            ..Policy::default()
        };
        let (mut policy, loose) =
            (own.clone(), Gates { files_max: Some(50), coverage_min: Some(1), ..Gates::default() });
        loose.tighten(&mut policy);
        assert_eq!(policy, own);
        let gates = Gates {
            protected: vec!["a".into(), "b".into()],
            files_max: Some(2),
            lines_max: Some(9),
            coverage_min: Some(9500),
            ..Gates::default()
        };
        gates.tighten(&mut policy);
        let all = vec!["a".to_owned(), "b".to_owned()];
        let (files_max, lines_max) = (Some(2), Some(9));
        assert_eq!(
            policy,
            Policy { protected: all, files_max, lines_max, coverage_min: 9500, ..own }
        );
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
            ("format = 1\n[run]\nhighRisk = \"maybe\"", "highRisk"),
            ("format = 1\n[run]\nprotectedPath = [\"../x\"]", "protectedPath"),
            ("format = 1\n[run]\nprotectedPath = [\"*.rs\"]", "protectedPath"),
            ("format = 1\n[run.gate.tests]\ncommand = \"true\"", "line 2"),
            ("format = 1\n[run.gate.coverage]\nmin = \"lots\"", "min"),
            ("format = 1\n[run.gate.docs]\nregistry = \"\"", "registry"),
            ("format = 1\n[run.gate.diff-size]\nmaxfiles = 1", "line 3"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
