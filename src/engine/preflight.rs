//! Everything that must hold before a run begins. Nothing is written while this looks.

use crate::{
    config::{
        settings::{Agent, Settings},
        workflow_file,
    },
    domain::{
        check::name::Check,
        ice::name::Protection,
        secret,
        workflow::{Duty, StageShape, Workflow},
    },
    git::Repo,
    process::env,
};

/// Why a run does not begin, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Unfit {
    pub what: String,
    pub hint: String,
    /// A rule said no, and not the surroundings.
    pub refused: bool,
}

fn unfit(what: impl Into<String>, hint: impl Into<String>) -> Unfit {
    Unfit { what: what.into(), hint: hint.into(), refused: false }
}

/// What is asked about, besides the repository itself.
#[derive(Debug)]
pub struct Wish<'a> {
    pub branch: &'a str,
    pub stages: &'a [StageShape],
    pub workflow: &'a Workflow,
    pub agents: &'a [(Option<String>, String)],
}

pub fn check(
    repo: &Repo,
    settings: &Settings,
    wish: &Wish<'_>,
) -> anyhow::Result<Result<(), Unfit>> {
    for look in [opted_in, safe_branch, free_branch, nothing_in_progress, identity, agents, gates] {
        if let Err(unfit) = look(repo, settings, wish)? {
            return Ok(Err(unfit));
        }
    }
    clean(repo)
}

type Found = anyhow::Result<Result<(), Unfit>>;

fn opted_in(_: &Repo, settings: &Settings, _: &Wish<'_>) -> Found {
    Ok(if settings.enabled {
        Ok(())
    } else {
        Err(unfit("runs are not enabled in this repository", "git config run.enabled true"))
    })
}

fn safe_branch(repo: &Repo, settings: &Settings, wish: &Wish<'_>) -> Found {
    if !repo.is_branch_name(wish.branch)? {
        return Ok(Err(unfit(
            format!("`{}` is no name for a branch", wish.branch.escape_debug()),
            "say another one with `--branch`",
        )));
    }
    Ok(unprotected(settings, wish.branch))
}

pub fn unprotected(settings: &Settings, branch: &str) -> Result<(), Unfit> {
    match Protection::configured(&settings.protected).of(branch) {
        None => Ok(()),
        Some(found) => Err(Unfit {
            what: format!("`{branch}` is {found}: a run never works on such a branch"),
            hint: "leave `--branch` away, or name a branch of its own".into(),
            refused: true,
        }),
    }
}

/// What the work builds on is never what the run works on, whatever it is called.
pub fn apart(branch: &str, base: &str) -> Result<(), Unfit> {
    if branch.to_lowercase() != base.to_lowercase() {
        return Ok(());
    }
    Err(Unfit {
        what: format!(
            "`{branch}` is the base that the work builds on, and a run never works on it"
        ),
        hint: "name another branch with `--branch`, or another base with `--base`".into(),
        refused: true,
    })
}

/// A branch that git can make, or that nobody else stands on.
fn free_branch(repo: &Repo, _: &Settings, wish: &Wish<'_>) -> Found {
    let full = format!("refs/heads/{}", wish.branch);
    let in_the_way = if repo.refs().read(&full)?.is_some() {
        None
    } else {
        above(&full, repo)?.or(repo
            .refs()
            .list(&format!("{full}/"))?
            .into_iter()
            .next()
            .map(|f| f.0))
    };
    if let Some(other) = in_the_way {
        let other = other.strip_prefix("refs/heads/").unwrap_or(&other).to_owned();
        return Ok(Err(unfit(
            format!("git cannot have a branch `{}` beside the branch `{other}`", wish.branch),
            "say another one with `--branch`, or set `run.branchPrefix`",
        )));
    }
    let elsewhere = repo.stands_elsewhere(&full)?;
    Ok(elsewhere.map_or(Ok(()), |dir| {
        Err(unfit(
            format!("`{}` is checked out in the work tree `{dir}`", wish.branch),
            "go there, or say another branch with `--branch`",
        ))
    }))
}

/// The branch whose name is a directory of this one's.
fn above(full: &str, repo: &Repo) -> anyhow::Result<Option<String>> {
    for (at, _) in full.match_indices('/').skip(2) {
        if repo.refs().read(&full[..at])?.is_some() {
            return Ok(Some(full[..at].to_owned()));
        }
    }
    Ok(None)
}

fn nothing_in_progress(repo: &Repo, _: &Settings, _: &Wish<'_>) -> Found {
    let dir = repo.git_dir();
    for (file, what, end) in [
        ("MERGE_HEAD", "a merge", "git merge --abort"),
        ("rebase-merge", "a rebase", "git rebase --abort"),
        ("rebase-apply", "a rebase", "git rebase --abort"),
        ("CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --abort"),
        ("REVERT_HEAD", "a revert", "git revert --abort"),
        ("BISECT_LOG", "a bisect", "git bisect reset"),
    ] {
        if dir.join(file).exists() {
            return Ok(Err(unfit(
                format!("{what} is in progress here"),
                format!("finish it, or `{end}`"),
            )));
        }
    }
    Ok(Ok(()))
}

fn identity(repo: &Repo, _: &Settings, _: &Wish<'_>) -> Found {
    Ok(match repo.identity_problem()? {
        None => Ok(()),
        Some(_) => Err(unfit(
            "git does not know who you are, so no commit could be made",
            "git config user.name 'Your Name' && git config user.email you@example.com",
        )),
    })
}

fn agents(repo: &Repo, settings: &Settings, wish: &Wish<'_>) -> Found {
    let called = || wish.stages.iter().filter(|stage| stage.is_taken() && stage.duty.calls());
    let stages: Vec<_> = wish.stages.iter().map(|stage| stage.id.as_str()).collect();
    let named = wish.agents.iter().filter_map(|(stage, _)| stage.as_deref());
    // What is set for a stage of another workflow is no mistake.
    let elsewhere = settings.stages().filter(|stage| !workflow_file::has_stage(stage));
    if let Some(unknown) = elsewhere.chain(named).find(|named| !stages.contains(named)) {
        let what = format!(
            "an agent is set for `{}`, and the workflow has no such stage",
            unknown.escape_debug()
        );
        return Ok(Err(unfit(what, format!("its stages are {}", stages.join(", ")))));
    }
    for stage in called() {
        let agent = match settings.agent(&stage.id, wish.agents) {
            Ok((_, agent)) => agent,
            Err(error) => return Ok(Err(unfit(format!("{error:#}"), "git run start -h"))),
        };
        if let Agent::Command(words) = agent
            && !can_start(repo, &words[0])
        {
            let what = format!("the agent of `{}` cannot be found: `{}`", stage.id, words[0]);
            return Ok(Err(unfit(
                what,
                "install it, or set another one with `git config run.command`",
            )));
        }
    }
    for apart in called().filter(|stage| stage.apart) {
        let builders = called().filter(|stage| stage.duty == Duty::Build);
        if let Some(same) =
            builders.into_iter().find(|builder| is_same(settings, wish, builder, apart))
        {
            let what = format!(
                "`{}` may not be done by whoever builds, and `{}` has the same agent",
                apart.id, same.id
            );
            let hint = format!("git config run.{}.command '<another program or model>'", apart.id);
            return Ok(Err(unfit(what, hint)));
        }
    }
    Ok(Ok(()))
}

/// A gate that needs a command of the user's has one. Without it no item would ever pass.
fn gates(_: &Repo, settings: &Settings, wish: &Wish<'_>) -> Found {
    let taken = wish.workflow.stages().iter().zip(wish.stages);
    let taken = taken.filter(|(_, shape)| shape.is_taken() && shape.duty == Duty::Gate);
    for (stage, shape) in taken {
        for check in &stage.checks {
            let Some(known) = Check::parse(&check.gate) else {
                let what = format!("`{}` of `{}` is no gate", check.gate.escape_debug(), shape.id);
                return Ok(Err(unfit(what, "git run gate --list")));
            };
            let lacks =
                known.takes_command() && !settings.gates.commands.contains_key(known.name());
            let what = format!("the stage `{}` checks `{known}`, and nothing says how", shape.id);
            if lacks {
                let hint = format!("git config run.gate.{known}.command '<program> <args>'");
                return Ok(Err(unfit(what, hint)));
            }
            if known == Check::Quality && settings.gates.quality.is_empty() {
                let hint = "git config --add run.gate.quality.command 'lint=<program> <args>'";
                return Ok(Err(unfit(what, hint)));
            }
        }
    }
    Ok(Ok(()))
}

fn is_same(settings: &Settings, wish: &Wish<'_>, one: &StageShape, other: &StageShape) -> bool {
    let words = |stage: &StageShape| match settings.agent(&stage.id, wish.agents) {
        Ok((_, Agent::Command(words))) => Some(words),
        Ok((_, Agent::Steps)) | Err(_) => None,
    };
    words(one).is_some_and(|words_of_one| words(other) == Some(words_of_one))
}

/// A path is meant from the top of the work tree, where agents are started.
fn can_start(repo: &Repo, word: &str) -> bool {
    match repo.worktree().filter(|_| word.contains('/')) {
        Some(top) => env::is_program(&top.join(word).to_string_lossy()),
        None => env::is_program(word),
    }
}

fn clean(repo: &Repo) -> Found {
    let changed = repo.uncommitted(secret::is_secret_path)?;
    let Some(first) = changed.first() else { return Ok(Ok(())) };
    let first = String::from_utf8_lossy(first).escape_debug().to_string();
    let what = match changed.len() {
        1 => format!("`{first}` is not committed, and a run would commit it as its own"),
        n => format!(
            "{n} paths are not committed (`{first}`, …), and a run would commit them as its own"
        ),
    };
    Ok(Err(unfit(what, "commit them, or `git stash --include-untracked`")))
}
