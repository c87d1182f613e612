//! `git run ice <verb>`: the words and exit codes of the wrapper that it stands in for. What they do is
//! judged as if an agent asked, whoever does.

use std::{ffi::OsString, path::Path};

use super::{
    args,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::{
    config::settings::Settings,
    domain::{
        event::PushMode,
        ice::{
            denial::Denial,
            facts::{Facts, Head},
            ledger::Layer,
            name::Protection,
            shell::{self, Step},
            verb::{self, Misuse, Proposal, Verb},
        },
    },
    git::{OpenError, Repo},
    guard::{facts, ledger, push},
    process::{
        env,
        replace::{Successor, wait_for},
    },
};

/// Remotes that a name may be meant for where no repository says which there are.
const USUAL_REMOTES: [&str; 2] = ["origin", "upstream"];

/// Why a verb was not done.
enum No {
    Blocked(Denial),
    Failed(Fail),
}

type Done<T = ()> = Result<T, No>;

/// Ends with 0, 1 or 2 and nothing else.
pub(super) fn run(ui: &mut Ui, git_dir: Option<&Path>, words: &[OsString]) -> Result<Exit, Fail> {
    // What is no text holds a character then that no name may hold.
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let name = words.first().cloned().unwrap_or_default();
    if let [_, help] = &words[..]
        && matches!(help.as_str(), "-h" | "--help")
        && let Some((verb, takes)) = verb::VERBS.into_iter().find(|(known, _)| *known == name)
    {
        ui.say(&format!("Usage: git run ice {verb} {takes}\n"))?;
        return Ok(Exit::Done);
    }
    if name == "help" {
        ui.say(&args::help_of("ice"))?;
        return Ok(Exit::Done);
    }
    let verb = verb::parse(&words).map_err(|misuse| misused(&misuse))?;
    let opened = super::look(git_dir);
    let blocked = match perform(ui, &opened, verb) {
        Ok(exit) => return Ok(exit),
        // It is done, and nobody listens any more.
        Err(No::Failed(fail)) if fail.shown && fail.exit == Exit::Done => return Err(fail),
        Err(No::Failed(fail)) => return Err(Fail { exit: Exit::Failed, ..fail }),
        Err(No::Blocked(denial)) => denial,
    };
    if let Ok(repo) = &opened {
        ledger::refused(repo, Layer::Verb, &blocked, &format!("git run ice {}", words.join(" ")));
    }
    let message = format!("ICE: {name} refused: {} [{}]", blocked.reason, blocked.rule);
    Err(Fail { hint: blocked.next, ..Fail::new(Exit::Failed, message) })
}

fn misused(misuse: &Misuse) -> Fail {
    let hint = match misuse {
        Misuse::Unknown(_) => "git run ice help".to_owned(),
        Misuse::Usage { verb, .. } => format!("git run ice {verb} -h"),
    };
    Fail::new(Exit::Usage, misuse.to_string()).hint(hint)
}

fn perform(ui: &mut Ui, opened: &Result<Repo, OpenError>, verb: Verb) -> Done<Exit> {
    match verb {
        Verb::IsProtected(name) => return is_protected(ui, opened, &name),
        Verb::ShouldPush(asked) => return should_push(ui, opened, asked),
        Verb::Never(never) => return Err(No::Blocked(never.denial())),
        Verb::Validate
        | Verb::EnsureBranch(_)
        | Verb::Checkout(_)
        | Verb::Push { .. }
        | Verb::PrCreate(_) => {}
    }
    let repo = opened.as_ref().map_err(|error| {
        No::Failed(Fail::new(Exit::Failed, error.to_string()).hint("git run doctor"))
    })?;
    let here = Here { repo, facts: facts::of(repo, "switch")? };
    if verb != Verb::Validate {
        repo.may_write().map_err(|error| No::Failed(error.into()))?;
    }
    match verb {
        Verb::Validate => {
            let branch = here.current()?;
            ui.say(&format!("OK: On safe branch '{branch}'\n"))?;
        }
        Verb::EnsureBranch(name) => here.ensure(ui, &name)?,
        Verb::Checkout(name) => here.checkout(ui, &name)?,
        Verb::Push { remote, branch, upstream } => {
            here.push(ui, &remote, branch.as_deref(), upstream)?;
        }
        Verb::PrCreate(proposal) => here.propose(ui, &proposal)?,
        Verb::IsProtected(_) | Verb::ShouldPush(_) | Verb::Never(_) => {}
    }
    Ok(Exit::Done)
}

/// Whatever cannot be told is protected: a script asks this before it writes.
fn is_protected(ui: &mut Ui, opened: &Result<Repo, OpenError>, name: &str) -> Done<Exit> {
    let asked = match opened {
        Ok(repo) => facts::of(repo, "")
            .map_err(No::from)
            .and_then(|facts| Here { repo, facts }.branch(name)),
        Err(OpenError::NotARepository(_)) => {
            let remotes = USUAL_REMOTES.map(str::to_owned);
            verb::branch(name, &Protection::default(), &remotes).map_err(No::from)
        }
        Err(error) => Err(Fail::new(Exit::Failed, error.to_string()).into()),
    };
    let why = match asked {
        Ok(_) => {
            ui.say("false\n")?;
            return Ok(Exit::Failed);
        }
        Err(No::Blocked(denial)) => denial.reason,
        Err(No::Failed(fail)) => fail.message,
    };
    ui.tell(&format!("ICE: {why}"));
    // Whether or not anybody can read it: the code says the same.
    let _ = ui.say("true\n");
    Ok(Exit::Done)
}

/// A setting that is none, and settings that cannot be read, push nothing.
fn should_push(
    ui: &mut Ui,
    opened: &Result<Repo, OpenError>,
    asked: Option<PushMode>,
) -> Done<Exit> {
    let mode = match (asked, opened) {
        (Some(mode), _) => mode,
        (None, Err(error)) => {
            ui.tell(&format!("ICE: nothing is pushed: {error}"));
            PushMode::Local
        }
        (None, Ok(repo)) => Settings::read(repo).map_or_else(
            |error| {
                ui.tell(&format!("ICE: nothing is pushed: {error:#}"));
                PushMode::Local
            },
            |settings| settings.push,
        ),
    };
    ui.say(&format!("{}\n", mode.word().to_uppercase()))?;
    Ok(Exit::Done)
}

/// The repository, and what is known of it.
struct Here<'a> {
    repo: &'a Repo,
    facts: Facts,
}

impl Here<'_> {
    /// A name that a person typed, when it is one and may be worked on.
    fn branch(&self, name: &str) -> Done<String> {
        let own = verb::branch(name, &self.facts.protection, &remotes(&self.facts))?;
        match self.repo.refs().read_symbolic(&format!("refs/heads/{own}"))? {
            None => Ok(own),
            // Whoever works on it works on the other one.
            Some(target) => {
                let what = format!("`{own}` is another name of `{}`", target.escape_debug());
                Err(Denial::new("symref", what).into())
            }
        }
    }

    fn current(&self) -> Done<String> {
        match &self.facts.head {
            Head::Branch(branch) => self.branch(branch),
            Head::Fresh => match self.repo.head()?.branch {
                Some(branch) => self.branch(&branch),
                None => Err(detached().into()),
            },
            Head::Detached | Head::Nowhere | Head::Unknown => Err(detached().into()),
        }
    }

    fn is_current(&self, name: &str) -> Done<bool> {
        Ok(self.repo.head()?.branch.as_deref() == Some(name))
    }

    fn exists(&self, name: &str) -> bool {
        self.facts.branches.contains(name)
    }

    fn ensure(&self, ui: &mut Ui, name: &str) -> Done {
        let name = self.branch(name)?;
        if self.is_current(&name)? {
            ui.say(&format!("Already on branch '{name}'\n"))?;
        } else if self.exists(&name) {
            self.switch(&["--no-guess", &name])?;
            ui.say(&format!("Switched to existing branch '{name}'\n"))?;
        } else {
            self.switch(&["--no-track", "-c", &name])?;
            ui.say(&format!("Made branch '{name}'\n"))?;
        }
        Ok(())
    }

    fn checkout(&self, ui: &mut Ui, name: &str) -> Done {
        let name = self.branch(name)?;
        if !self.exists(&name)
            && let Some(own) = verb::of_remote(&name, &remotes(&self.facts))
        {
            let what = format!("`{name}` is a branch of a remote, and no commit is made on it");
            return Err(Denial::new("remote", what)
                .next(format!("git run ice checkout {own}"))
                .into());
        }
        self.switch(&[if self.exists(&name) { "--no-guess" } else { "--guess" }, &name])?;
        ui.say(&format!("Switched to branch '{name}'\n"))?;
        Ok(())
    }

    fn switch(&self, words: &[&str]) -> Done {
        let words = [&["switch", "--no-overwrite-ignore"], words].concat();
        let all: Vec<String> = words.iter().map(ToString::to_string).collect();
        allowed(&shell::git_words(&all, &mut |_| self.facts.clone()))?;
        let done = self.repo.git().porcelain(&words, &[])?;
        if done.status.success() {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&done.stderr).trim().to_owned();
        Err(Fail::new(Exit::Failed, why).into())
    }

    fn push(&self, ui: &mut Ui, remote: &str, branch: Option<&str>, upstream: bool) -> Done {
        let branch = match branch {
            None | Some("HEAD" | "@") => self.current()?,
            Some(name) => self.branch(name)?,
        };
        if self.facts.remote(remote).is_none() {
            let what = format!("there is no remote `{}`", remote.escape_debug());
            return Err(Denial::new("remote", what).next("git remote -v").into());
        }
        let Some(commit) = self.repo.refs().read(&format!("refs/heads/{branch}"))? else {
            let what = format!("there is no branch `{branch}` here");
            return Err(Fail::new(Exit::Failed, what).hint("git branch --list").into());
        };
        push::branch(self.repo, remote, &branch, &commit)?;
        push::seen(self.repo, remote, &branch, &commit);
        if upstream {
            push::track(self.repo, remote, &branch)?;
        }
        let where_to = if upstream { ", and pulls from there" } else { "" };
        ui.say(&format!("Pushed {} to '{branch}' of '{remote}'{where_to}\n", commit.short()))?;
        Ok(())
    }

    fn propose(&self, ui: &mut Ui, proposal: &Proposal) -> Done {
        let head = match proposal.head.as_deref() {
            None | Some("HEAD" | "@") => self.current()?,
            Some(head) => self.branch(head)?,
        };
        let defaults = &self.facts.protection;
        let base = proposal.base.as_ref().or(defaults.base.as_ref());
        let base = base.or(defaults.remote_defaults.first()).map_or("main", String::as_str);
        verb::target(base)?;
        let words = [
            "pr",
            "create",
            "--draft",
            "--title",
            &proposal.title,
            "--body",
            &proposal.body,
            "--base",
            base,
            "--head",
            &head,
        ];
        let line = shell_words::join(std::iter::once("gh").chain(words));
        allowed(&shell::line(&line, &mut |_| self.facts.clone()))?;
        let Some(gh) = env::foreign_program("gh") else {
            return Err(Fail::new(
                Exit::Failed,
                "`gh` is not on the PATH, and nobody else opens a draft",
            )
            .hint(format!("open a draft from `{head}` to `{base}` at your forge, or install gh"))
            .into());
        };
        ui.tell(&format!("opening a draft from `{head}` to `{base}`"));
        forge_client(&gh, &words)
    }
}

/// With our own terminal, but it asks nobody anything.
fn forge_client(gh: &Path, words: &[&str]) -> Done {
    let args: Vec<OsString> = words.iter().map(OsString::from).collect();
    let mut environment = env::vars();
    environment.push(("GH_PROMPT_DISABLED".into(), "1".into()));
    let successor =
        Successor { program: gh, called: None, args: &args, env: Some(environment), stdin: None };
    match wait_for(successor) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Fail::new(Exit::Failed, format!("gh ended with {code}")).into()),
        Err(error) => Err(Fail::new(Exit::Failed, format!("cannot run gh: {error}")).into()),
    }
}

fn allowed(steps: &[Step]) -> Done {
    match steps.iter().find_map(|step| step.verdict.as_ref().err()) {
        None => Ok(()),
        Some(denial) => Err(denial.clone().into()),
    }
}

fn remotes(facts: &Facts) -> Vec<String> {
    facts.remotes.iter().map(|remote| remote.name.clone()).collect()
}

fn detached() -> Denial {
    Denial::new("detached", "HEAD is detached: no branch is checked out, so none is safe")
        .next("git run ice ensure-branch <name>")
}

impl From<Denial> for No {
    fn from(denial: Denial) -> Self {
        Self::Blocked(denial)
    }
}

impl From<Fail> for No {
    fn from(fail: Fail) -> Self {
        Self::Failed(fail)
    }
}

impl From<anyhow::Error> for No {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Denial>() {
            Ok(denial) => Self::Blocked(denial),
            Err(error) => Self::Failed(error.into()),
        }
    }
}
