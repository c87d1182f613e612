//! `run.gate.<name>.*` and `run.protectedPath`: what the gates are set to.

use anyhow::bail;

use super::{Raw, Setting, bad};
use crate::{
    domain::{
        check::{
            command::Expect,
            coverage::{self, DEFAULT_MIN},
            name::Check,
            policy::{Command, Policy, Suite, TIMEOUT, VERIFY_TIMEOUT},
        },
        time::Span,
    },
    git::Repo,
};

const PREFIX: &str = "gate.";
/// Of one gate.
const COMMANDS_MAX: usize = 100;

/// The keys that a gate has; nothing where this is no gate's section.
pub(super) fn keys(subsection: &str) -> Option<&'static [&'static str]> {
    let name = subsection.strip_prefix(PREFIX)?;
    Some(match Check::parse(name) {
        Some(Check::DiffSize) => &["maxfiles", "maxlines"],
        Some(Check::Plan) => &["strict", "timeout"],
        Some(Check::Secrets) => &["allow"],
        Some(Check::Docs) => &["dir", "registry"],
        Some(Check::Quality) => &["command", "requiresenv", "requiresfile", "timeout"],
        Some(Check::Coverage) => &["command", "timeout", "version", "min"],
        Some(Check::Tests | Check::Own(_)) => &["command", "timeout", "version", "expect"],
        Some(_) | None => &[],
    })
}

pub(super) fn read(raw: &Raw, repo: &Repo) -> anyhow::Result<Policy> {
    let policy = Policy {
        protected: paths(raw.all("run.protectedPath"), "run.protectedPath")?,
        files_max: bound(raw, "diff-size", "maxFiles")?,
        lines_max: bound(raw, "diff-size", "maxLines")?,
        strict: strict(raw, repo)?,
        verify_timeout: span(raw, "plan", VERIFY_TIMEOUT)?,
        docs: paths(of(raw, "docs", "dir"), "run.gate.docs.dir")?,
        docs_registry: registry(raw)?,
        secrets_allowed: allowed(raw)?,
        coverage_min: coverage_min(raw)?,
        quality: suite(raw)?,
        quality_timeout: span(raw, "quality", TIMEOUT)?,
        commands: commands(raw)?,
    };
    Ok(policy)
}

/// The settings of a gate, the last one the one that counts.
fn of<'a>(
    raw: &'a Raw,
    gate: &'a str,
    key: &'a str,
) -> impl DoubleEndedIterator<Item = &'a Setting> {
    raw.0.iter().filter(move |setting| {
        let own = setting.subsection.as_deref().and_then(|section| section.strip_prefix(PREFIX));
        own == Some(gate) && setting.key.eq_ignore_ascii_case(key)
    })
}

fn name(gate: &str, key: &str) -> String {
    format!("run.gate.{gate}.{key}")
}

fn bound(raw: &Raw, gate: &str, key: &str) -> anyhow::Result<Option<u32>> {
    let Some(setting) = of(raw, gate, key).next_back() else { return Ok(None) };
    let number = setting.value.parse();
    number.map(Some).map_err(|_| bad(&name(gate, key), setting, "a whole number"))
}

fn span(raw: &Raw, gate: &str, default: Span) -> anyhow::Result<Span> {
    let Some(setting) = of(raw, gate, "timeout").next_back() else { return Ok(default) };
    let span = Span::parse(&setting.value).ok().filter(|span| *span != Span::ZERO);
    span.ok_or_else(|| bad(&name(gate, "timeout"), setting, "a length of time like `10m`"))
}

fn strict(raw: &Raw, repo: &Repo) -> anyhow::Result<bool> {
    let Some(setting) = of(raw, "plan", "strict").next_back() else { return Ok(false) };
    let name = name("plan", "strict");
    match repo.setting_bool(&name) {
        Ok(strict) => Ok(strict.unwrap_or(false)),
        Err(_) => Err(bad(&name, setting, "`true` or `false`")),
    }
}

fn coverage_min(raw: &Raw) -> anyhow::Result<coverage::Hundredths> {
    let Some(setting) = of(raw, "coverage", "min").next_back() else { return Ok(DEFAULT_MIN) };
    let value = setting.value.trim_end_matches('%').trim_end();
    let min = coverage::parse(value);
    min.ok_or_else(|| bad(&name("coverage", "min"), setting, "a percentage like `80` or `82.5`"))
}

/// Paths relative to the top, as a person would name them.
fn paths<'a>(all: impl Iterator<Item = &'a Setting>, name: &str) -> anyhow::Result<Vec<String>> {
    all.map(|setting| {
        let path = below_the_top(&setting.value).map(str::to_owned);
        path.ok_or_else(|| bad(name, setting, "a file or directory below the top, and no pattern"))
    })
    .collect()
}

/// A path without a pattern in it that does not lead out of the work tree.
pub(in crate::config) fn below_the_top(path: &str) -> Option<&str> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let inner = path.strip_suffix('/').unwrap_or(path);
    let odd = inner.split('/').any(|part| matches!(part, "" | ".."));
    (!odd && !path.contains(['*', '?', '[', '\\'])).then_some(path)
}

/// The one file that names the documents: the last setting counts, and a bad one never means none.
fn registry(raw: &Raw) -> anyhow::Result<Option<String>> {
    let name = name("docs", "registry");
    let Some(setting) = of(raw, "docs", "registry").next_back() else { return Ok(None) };
    let found = paths(std::iter::once(setting), &name)?.into_iter().next();
    let file = found.filter(|path| !path.ends_with('/') && path != ".");
    file.map(Some).ok_or_else(|| bad(&name, setting, "a file below the top"))
}

/// Where a secret is none. All of the repository would be no gate at all.
fn allowed(raw: &Raw) -> anyhow::Result<Vec<String>> {
    let name = name("secrets", "allow");
    let all: Vec<_> = of(raw, "secrets", "allow").collect();
    if let Some(setting) =
        all.iter().find(|setting| setting.value.trim_matches(['.', '/']).is_empty())
    {
        return Err(bad(&name, setting, "a file or directory below the top, and not all of it"));
    }
    paths(all.into_iter(), &name)
}

/// `id=value`, where the id is as a gate's name.
fn pair<'s>(setting: &'s Setting, key: &str, expected: &str) -> anyhow::Result<(&'s str, &'s str)> {
    let pair = setting.value.split_once('=').map(|(id, value)| (id.trim(), value.trim()));
    let sound = |(id, value): &(&str, &str)| Check::parse(id).is_some() && !value.is_empty();
    pair.filter(sound).ok_or_else(|| bad(&name("quality", key), setting, expected))
}

fn suite(raw: &Raw) -> anyhow::Result<Vec<Suite>> {
    let mut found: Vec<Suite> = Vec::new();
    for setting in of(raw, "quality", "command") {
        let (id, command) =
            pair(setting, "command", "`<id>=<command>`, as in `lint=cargo clippy`")?;
        let suite = Suite {
            id: id.to_owned(),
            command: command.to_owned(),
            needs_env: Vec::new(),
            needs_files: Vec::new(),
        };
        // What is said last of an id is what counts, as with git's own settings.
        match found.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = suite,
            None => found.push(suite),
        }
        if COMMANDS_MAX < found.len() {
            bail!("`run.gate.quality.command` has more than {COMMANDS_MAX} commands");
        }
    }
    for key in ["requiresEnv", "requiresFile"] {
        for setting in of(raw, "quality", key) {
            let expected = "`<id>=<name>`, where the id is that of a command";
            let (id, value) = pair(setting, key, expected)?;
            let known = found.iter_mut().find(|known| known.id == id);
            let known = known.ok_or_else(|| bad(&name("quality", key), setting, expected))?;
            let list =
                if key == "requiresEnv" { &mut known.needs_env } else { &mut known.needs_files };
            list.push(value.to_owned());
        }
    }
    Ok(found)
}

fn commands(raw: &Raw) -> anyhow::Result<std::collections::BTreeMap<String, Command>> {
    let gates =
        raw.0.iter().filter_map(|setting| setting.subsection.as_deref()?.strip_prefix(PREFIX));
    let mut found = std::collections::BTreeMap::new();
    for gate in gates {
        if found.contains_key(gate)
            || !Check::parse(gate).is_some_and(|check| check.takes_command())
        {
            continue;
        }
        let Some(setting) = of(raw, gate, "command").next_back() else {
            if gate == "coverage" {
                continue;
            }
            bail!("`run.gate.{gate}` has settings and no `run.gate.{gate}.command`");
        };
        if setting.value.trim().is_empty() {
            return Err(bad(&name(gate, "command"), setting, "a command"));
        }
        let expect = match of(raw, gate, "expect").next_back() {
            None => Expect::Pass,
            Some(setting) => Expect::parse(&setting.value)
                .ok_or_else(|| bad(&name(gate, "expect"), setting, "`pass` or `fail`"))?,
        };
        let command = Command {
            command: setting.value.clone(),
            timeout: span(raw, gate, TIMEOUT)?,
            expect,
            versions: of(raw, gate, "version").map(|setting| setting.value.clone()).collect(),
        };
        found.insert(gate.to_owned(), command);
    }
    Ok(found)
}
