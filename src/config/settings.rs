//! `run.*` in git's configuration, read once and checked: an unknown key or a bad value is an error
//! that says where it stands, and never means "allow".

pub(super) mod gates;

use anyhow::{Context as _, bail};
use gix::bstr::ByteSlice as _;

use super::team::{self, Team};
use crate::{
    domain::{
        check::policy::Policy,
        event::PushMode,
        ice::server::COMMITS_MAX,
        id::StageId,
        lane::PARALLEL_MAX,
        limits::{CALLS_PER_HOUR_CEILING, Limits},
        reconcile::pattern::CommitPattern,
        retention::Keep,
        run::assumed::SCAN_EVERY,
        time::Span,
        workflow::Missing,
    },
    git::Repo,
};

#[derive(Debug, Clone)]
pub struct Settings {
    pub enabled: bool,
    pub plan: Option<String>,
    pub branch_prefix: String,
    pub base: Option<String>,
    /// Which subjects say that an item is finished.
    pub commit_pattern: CommitPattern,
    pub protected: Vec<String>,
    /// Agents may push tags that are new.
    pub new_tags: bool,
    pub push: PushMode,
    pub remote: Option<String>,
    pub limits: Limits,
    pub checkpoints: Checkpoints,
    /// What the team agreed on, taken in already.
    teams: Vec<Team>,
    pub server: Server,
    /// What is risky is not begun unseen, whatever the workflow says.
    pub high_risk_blocks: bool,
    /// The workflow where nobody names one.
    pub workflow: Option<String>,
    stage_settings: Vec<(String, StageSettings)>,
    pub gates: Policy,
    pub lanes: Lanes,
    /// After how many finished items all that was assumed is looked over.
    pub scan_every: u32,
    agents: Vec<(Option<String>, String)>,
    commands: Vec<(Option<String>, String)>,
}

/// How tasks of a group are built side by side.
#[derive(Debug, Clone, Default)]
pub struct Lanes {
    /// How many at once; nothing, or one, is one after the other.
    pub parallel: Option<u32>,
    /// Where their work trees are made.
    pub dir: Option<String>,
    /// Files and directories that no commit has and each of them needs.
    pub copy: Vec<String>,
    /// Commands that each of them begins with.
    pub setup: Vec<String>,
}

/// What `run.<stage>.*` says of a stage beside its agent.
#[derive(Debug, Clone, Default)]
pub struct StageSettings {
    /// Whether an optional stage is taken.
    pub enabled: Option<bool>,
    /// What happens where something that it needs is missing.
    pub missing: Option<Missing>,
    /// How often it may send back, at most.
    pub tries: Option<u32>,
    /// The files that it needs, instead of those that the workflow names.
    pub files: Vec<String>,
}

/// What a repository that takes pushes holds them to.
#[derive(Debug, Clone)]
pub struct Server {
    /// Nobody pushes to protected branches.
    pub strict: bool,
    /// Commits and appends that are looked at for one push.
    pub commits_max: u32,
}

/// What goes into checkpoints, and how many are kept.
#[derive(Debug, Clone)]
pub struct Checkpoints {
    pub file_bytes_max: u64,
    pub total_bytes_max: u64,
    /// Patterns of ignored files that go in all the same.
    pub include: Vec<String>,
    pub keep: Keep,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self {
            file_bytes_max: 50 * MIB,
            total_bytes_max: 1024 * MIB,
            include: Vec::new(),
            keep: Keep::default(),
        }
    }
}

const MIB: u64 = 1024 * 1024;

/// Keys of the section `run` itself; below them those of `run.breaker` and `run.budget`.
const KEYS: [&str; 20] = [
    "highrisk",
    "enabled",
    "parallel",
    "workflow",
    "plan",
    "agent",
    "command",
    "branchprefix",
    "basebranch",
    "commitpattern",
    "protectedbranch",
    "protectedpath",
    "newtags",
    "autopush",
    "remote",
    "maxcycles",
    "timeout",
    "stagetimeout",
    "silence",
    "callsperhour",
];
const BREAKER_KEYS: [&str; 4] = ["samefinding", "noprogress", "plateau", "failures"];
const CHECKPOINT_KEYS: [&str; 6] =
    ["maxfilesize", "maxtotalsize", "include", "keep", "maxage", "maxbytes"];
const SERVER_KEYS: [&str; 2] = ["strict", "maxcommits"];
/// Subsections that are no stages.
const SECTIONS: [&str; 6] = ["breaker", "budget", "checkpoint", "server", "lane", "assumptions"];
const LANE_KEYS: [&str; 3] = ["dir", "copy", "setup"];
const ASSUMPTION_KEYS: [&str; 1] = ["every"];
/// More finished items than this between two looks are none at all.
const SCAN_EVERY_MAX: u32 = 1000;
const BUDGET_KEYS: [&str; 2] = ["tokens", "cost"];
const STAGE_KEYS: [&str; 6] = ["agent", "command", "enabled", "missing", "tries", "file"];

/// The name of the agent that executes the steps of the tasks themselves.
pub use crate::domain::item::STEPS;
/// The name of the agent that is any program.
pub const COMMAND: &str = "command";

/// What to run for a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Agent {
    Steps,
    Command(Vec<String>),
}

impl Settings {
    /// What git's configuration says, and what the team agreed on.
    pub fn read(repo: &Repo) -> anyhow::Result<Self> {
        let mut settings = Self::configured(repo)?;
        if let Some(base) = settings.likely_base(repo)? {
            settings.tighten(repo, &base)?;
        }
        Ok(settings)
    }

    /// Takes in what the team agreed on as it stands on that branch.
    pub fn tighten(&mut self, repo: &Repo, base: &str) -> anyhow::Result<()> {
        let remote = self.remote.as_deref().unwrap_or("origin");
        for team in team::of_base(repo, remote, base)? {
            team.tighten(&mut self.limits);
            self.teams.push(team.clone());
            self.new_tags &= team.new_tags.unwrap_or(true);
            self.high_risk_blocks |= team.high_risk_blocks;
            team.gates.tighten(&mut self.gates);
            self.push = self.push.stricter(team.push.unwrap_or(PushMode::Auto));
            let news = team.protected.into_iter().filter(|name| !self.protected.contains(name));
            let news: Vec<String> = news.collect();
            self.protected.extend(news);
        }
        Ok(())
    }

    /// Limits that were said elsewhere, within what the team agreed on.
    pub fn within_team(&self, limits: &mut Limits) {
        self.teams.iter().for_each(|team| team.tighten(limits));
    }

    /// The branch that work builds on where nobody says another one.
    pub fn likely_base(&self, repo: &Repo) -> anyhow::Result<Option<String>> {
        if let Some(base) = &self.base {
            return Ok(Some(base.clone()));
        }
        let prefix = format!("refs/remotes/{}/", self.remote.as_deref().unwrap_or("origin"));
        let target = repo.refs().read_symbolic(&format!("{prefix}HEAD"))?;
        if let Some(base) = target.as_deref().and_then(|target| target.strip_prefix(&prefix)) {
            return Ok(Some(base.to_owned()));
        }
        for name in ["main", "master"] {
            for prefix in ["refs/heads/", &prefix] {
                if repo.refs().read(&format!("{prefix}{name}"))?.is_some() {
                    return Ok(Some(name.to_owned()));
                }
            }
        }
        Ok(None)
    }

    fn configured(repo: &Repo) -> anyhow::Result<Self> {
        let raw = Raw::collect(repo)?;
        let defaults = Limits::default();
        let limits = Limits {
            cycles_max: raw.number("run.maxCycles", defaults.cycles_max)?,
            failures_in_a_row_max: raw
                .number("run.breaker.failures", defaults.failures_in_a_row_max)?,
            same_finding_max: raw.number("run.breaker.sameFinding", defaults.same_finding_max)?,
            no_progress_max: raw.number("run.breaker.noProgress", defaults.no_progress_max)?,
            plateau_max: raw.number("run.breaker.plateau", defaults.plateau_max)?,
            run_time_max: raw.span("run.timeout", defaults.run_time_max)?,
            stage_time_max: raw.span("run.stageTimeout", defaults.stage_time_max)?,
            silence_max: raw.span("run.silence", defaults.silence_max)?,
            calls_per_hour_max: raw
                .number("run.callsPerHour", defaults.calls_per_hour_max)?
                .min(CALLS_PER_HOUR_CEILING),
            tokens_max: raw.optional("run.budget.tokens")?,
            cost_max: raw.cost("run.budget.cost")?,
        };
        Ok(Self {
            enabled: raw.flag(repo, "run.enabled")?.unwrap_or(false),
            plan: raw.last("run.plan"),
            branch_prefix: raw.last("run.branchPrefix").unwrap_or_else(|| "feature/".to_owned()),
            base: raw.last("run.baseBranch"),
            commit_pattern: raw.commit_pattern()?,
            protected: raw.every("run.protectedBranch"),
            new_tags: raw.flag(repo, "run.newTags")?.unwrap_or(false),
            push: raw.push(repo)?,
            remote: raw.last("run.remote"),
            limits,
            checkpoints: raw.checkpoints()?,
            teams: Vec::new(),
            server: Server {
                strict: raw.flag(repo, "run.server.strict")?.unwrap_or(false),
                commits_max: raw.number("run.server.maxCommits", COMMITS_MAX)?,
            },
            high_risk_blocks: raw.high_risk()?,
            workflow: raw.last("run.workflow"),
            stage_settings: raw.stages(repo)?,
            gates: gates::read(&raw, repo)?,
            scan_every: raw.up_to("run.assumptions.every", SCAN_EVERY_MAX)?.unwrap_or(SCAN_EVERY),
            lanes: Lanes {
                parallel: raw.up_to("run.parallel", PARALLEL_MAX)?,
                dir: raw.last("run.lane.dir"),
                copy: raw.every("run.lane.copy"),
                setup: raw.every("run.lane.setup"),
            },
            agents: raw.by_stage("agent"),
            commands: raw.by_stage("command"),
        })
    }

    /// What is set for a stage, but for its agent.
    #[must_use]
    pub fn stage(&self, stage: &StageId) -> StageSettings {
        let found = self.stage_settings.iter().find(|(name, _)| name == stage.as_str());
        found.map(|(_, settings)| settings.clone()).unwrap_or_default()
    }

    /// The stages that have an agent or a command of their own.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.agents.iter().chain(&self.commands).filter_map(|(stage, _)| stage.as_deref())
    }

    /// The agent of a stage: what the command line says, then the stage's own setting, then the common one.
    pub fn agent(
        &self,
        stage: &StageId,
        named: &[(Option<String>, String)],
    ) -> anyhow::Result<(String, Agent)> {
        // A command for this very stage says more than an agent for all of them.
        let own_command = of(&self.commands, Some(stage)).map(|_| COMMAND);
        let name = for_stage(named, stage)
            .or_else(|| of(&self.agents, Some(stage)))
            .or(own_command)
            .or_else(|| of(&self.agents, None))
            .unwrap_or(COMMAND);
        match name {
            STEPS => Ok((STEPS.to_owned(), Agent::Steps)),
            COMMAND => {
                let template = for_stage(&self.commands, stage).with_context(|| {
                    format!("no agent is set for `{stage}`: say `git config run.command '<program> <args>'`, or `git config run.agent steps`")
                })?;
                let words = shell_words::split(template)
                    .with_context(|| format!("`run.command` for `{stage}` has an open quote"))?;
                if words.is_empty() {
                    bail!("`run.command` for `{stage}` is empty");
                }
                Ok((words[0].clone(), Agent::Command(words)))
            }
            other => bail!(
                "there is no agent `{}`: the agents are `{COMMAND}` and `{STEPS}`",
                other.escape_debug()
            ),
        }
    }
}

fn for_stage<'a>(settings: &'a [(Option<String>, String)], stage: &StageId) -> Option<&'a str> {
    of(settings, Some(stage)).or_else(|| of(settings, None))
}

fn of<'a>(settings: &'a [(Option<String>, String)], stage: Option<&StageId>) -> Option<&'a str> {
    let stage = stage.map(StageId::as_str);
    settings.iter().rev().find(|(of, _)| of.as_deref() == stage).map(|(_, value)| value.as_str())
}

/// Every `run.*` setting in the order in which git reads them, with the place where it stands.
struct Raw(Vec<Setting>);

struct Setting {
    subsection: Option<String>,
    key: String,
    value: String,
    place: String,
}

impl Raw {
    fn collect(repo: &Repo) -> anyhow::Result<Self> {
        let config = repo.gix().config_snapshot();
        let mut found = Vec::new();
        for section in config.plumbing().sections_by_name("run").into_iter().flatten() {
            let subsection =
                section.header().subsection_name().map(|name| name.to_str_lossy().into_owned());
            let meta = section.meta();
            let place = match &meta.path {
                Some(path) => path.display().to_string(),
                None => format!("{:?}", meta.source).to_lowercase(),
            };
            let mut names: Vec<String> =
                section.value_names().map(|name| name.to_lowercase()).collect();
            names.sort();
            names.dedup();
            for key in names {
                check_key(subsection.as_deref(), &key, &place)?;
                for value in section.body().values(&key) {
                    let (value, subsection) =
                        (value.to_str_lossy().into_owned(), subsection.clone());
                    found.push(Setting {
                        subsection,
                        key: key.clone(),
                        value,
                        place: place.clone(),
                    });
                }
            }
        }
        Ok(Self(found))
    }

    fn all<'a>(&'a self, name: &str) -> impl DoubleEndedIterator<Item = &'a Setting> {
        let name = name.strip_prefix("run.").unwrap_or(name).to_lowercase();
        let (subsection, key) = match name.split_once('.') {
            Some((subsection, key)) => (Some(subsection.to_owned()), key.to_owned()),
            None => (None, name),
        };
        self.0.iter().filter(move |setting| setting.subsection == subsection && setting.key == key)
    }

    fn last(&self, name: &str) -> Option<String> {
        self.all(name).next_back().map(|setting| setting.value.clone())
    }

    fn every(&self, name: &str) -> Vec<String> {
        self.all(name).map(|setting| setting.value.clone()).collect()
    }

    fn commit_pattern(&self) -> anyhow::Result<CommitPattern> {
        let name = "run.commitPattern";
        let Some(setting) = self.all(name).next_back() else { return Ok(CommitPattern::default()) };
        CommitPattern::parse(&setting.value).map_err(|why| {
            let expected = format!(
                "a regular expression like `^feat\\((sprint-[0-9]+)\\)`, or `glob:feat({{item}})*`: {why}"
            );
            bad(name, setting, &expected)
        })
    }

    fn optional<T: std::str::FromStr>(&self, name: &str) -> anyhow::Result<Option<T>> {
        let Some(setting) = self.all(name).next_back() else { return Ok(None) };
        match setting.value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(bad(name, setting, "a whole number")),
        }
    }

    fn up_to(&self, name: &str, max: u32) -> anyhow::Result<Option<u32>> {
        let Some(setting) = self.all(name).next_back() else { return Ok(None) };
        let number = setting.value.parse().ok().filter(|n| (1..=max).contains(n));
        let expected = || bad(name, setting, &format!("a whole number from 1 to {max}"));
        number.map(Some).ok_or_else(expected)
    }

    fn number(&self, name: &str, default: u32) -> anyhow::Result<u32> {
        let Some(setting) = self.all(name).next_back() else { return Ok(default) };
        let number = setting.value.parse().ok().filter(|number| *number != 0);
        number.ok_or_else(|| bad(name, setting, "a whole number from 1 on"))
    }

    fn span(&self, name: &str, default: Span) -> anyhow::Result<Span> {
        let Some(setting) = self.all(name).next_back() else { return Ok(default) };
        Span::parse(&setting.value)
            .map_err(|_| bad(name, setting, "a length of time like `8h` or `90m`"))
    }

    /// Money as people write it, `12.50`, in millionths.
    fn cost(&self, name: &str) -> anyhow::Result<Option<u64>> {
        let Some(setting) = self.all(name).next_back() else { return Ok(None) };
        let micros = crate::domain::limits::micros(&setting.value);
        micros.map(Some).ok_or_else(|| bad(name, setting, "an amount like `12.50`"))
    }

    fn checkpoints(&self) -> anyhow::Result<Checkpoints> {
        let defaults = Checkpoints::default();
        let keep = Keep {
            count_max: self.number("run.checkpoint.keep", defaults.keep.count_max)?,
            age_max: self.span("run.checkpoint.maxAge", defaults.keep.age_max)?,
            bytes_max: self.size("run.checkpoint.maxBytes", defaults.keep.bytes_max)?,
        };
        Ok(Checkpoints {
            file_bytes_max: self.size("run.checkpoint.maxFileSize", defaults.file_bytes_max)?,
            total_bytes_max: self.size("run.checkpoint.maxTotalSize", defaults.total_bytes_max)?,
            include: self.every("run.checkpoint.include"),
            keep,
        })
    }

    /// Bytes as git writes them: `512k`, `50m`, `2g`.
    fn size(&self, name: &str, default: u64) -> anyhow::Result<u64> {
        let Some(setting) = self.all(name).next_back() else { return Ok(default) };
        let value = setting.value.to_lowercase();
        let (digits, unit) = match value.strip_suffix(['k', 'm', 'g']) {
            Some(digits) if value.ends_with('k') => (digits, 1024),
            Some(digits) if value.ends_with('m') => (digits, MIB),
            Some(digits) => (digits, 1024 * MIB),
            None => (value.as_str(), 1),
        };
        let size = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        size.ok_or_else(|| bad(name, setting, "a size like `512k`, `50m` or `2g`"))
    }

    fn flag(&self, repo: &Repo, name: &str) -> anyhow::Result<Option<bool>> {
        let Some(setting) = self.all(name).next_back() else { return Ok(None) };
        repo.setting_bool(name).map_err(|_| bad(name, setting, "`true` or `false`"))
    }

    fn push(&self, repo: &Repo) -> anyhow::Result<PushMode> {
        let name = "run.autoPush";
        let Some(setting) = self.all(name).next_back() else { return Ok(PushMode::Auto) };
        if setting.value.eq_ignore_ascii_case("prompt") {
            return Ok(PushMode::Prompt);
        }
        match repo.setting_bool(name) {
            Ok(Some(true)) => Ok(PushMode::Auto),
            Ok(Some(false) | None) => Ok(PushMode::Local),
            Err(_) => Err(bad(name, setting, "`true`, `false` or `prompt`")),
        }
    }

    fn high_risk(&self) -> anyhow::Result<bool> {
        let name = "run.highRisk";
        match self.all(name).next_back() {
            None => Ok(false),
            Some(setting) => match setting.value.as_str() {
                "block" => Ok(true),
                "warn" => Ok(false),
                _ => Err(bad(name, setting, "`block` or `warn`")),
            },
        }
    }

    fn stages(&self, repo: &Repo) -> anyhow::Result<Vec<(String, StageSettings)>> {
        let mut names: Vec<&str> =
            self.0.iter().filter_map(|setting| setting.subsection.as_deref()).collect();
        names.retain(|name| !SECTIONS.contains(name) && !is_of_gates(name));
        names.sort_unstable();
        names.dedup();
        let mut found = Vec::new();
        for name in names {
            let key = |key: &str| format!("run.{name}.{key}");
            let missing = key("missing");
            let missing = match self.all(&missing).next_back() {
                None => None,
                Some(setting) => Some(
                    Missing::parse(&setting.value)
                        .ok_or_else(|| bad(&missing, setting, "`halt` or `skip`"))?,
                ),
            };
            let settings = StageSettings {
                enabled: self.flag(repo, &key("enabled"))?,
                missing,
                tries: self.optional(&key("tries"))?,
                files: self.every(&key("file")),
            };
            found.push((name.to_owned(), settings));
        }
        Ok(found)
    }

    /// `run.agent` and `run.<stage>.agent`, and the same for `command`.
    fn by_stage(&self, key: &str) -> Vec<(Option<String>, String)> {
        let wanted = self.0.iter().filter(|setting| {
            let of_gate = setting.subsection.as_deref().is_some_and(is_of_gates);
            setting.key == key && !of_gate
        });
        wanted.map(|setting| (setting.subsection.clone(), setting.value.clone())).collect()
    }
}

/// `run.gate.tests.command` is no stage's.
fn is_of_gates(subsection: &str) -> bool {
    subsection == "gate" || subsection.starts_with("gate.")
}

fn bad(name: &str, setting: &Setting, expected: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "`{name}` is `{}` in {}; it takes {expected}",
        setting.value.escape_debug(),
        setting.place
    )
}

fn check_key(subsection: Option<&str>, key: &str, place: &str) -> anyhow::Result<()> {
    let known: &[&str] = match subsection {
        None => &KEYS,
        Some("breaker") => &BREAKER_KEYS,
        Some("budget") => &BUDGET_KEYS,
        Some("checkpoint") => &CHECKPOINT_KEYS,
        Some("server") => &SERVER_KEYS,
        Some("lane") => &LANE_KEYS,
        Some("assumptions") => &ASSUMPTION_KEYS,
        Some(other) => gates::keys(other).unwrap_or(&STAGE_KEYS),
    };
    if known.contains(&key) {
        return Ok(());
    }
    let name = subsection
        .map_or_else(|| format!("run.{key}"), |subsection| format!("run.{subsection}.{key}"));
    bail!("`{}` in {place} is no setting of git-run", name.escape_debug())
}
