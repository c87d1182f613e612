//! A clone and its remote, put back after whatever changed them.

use std::{collections::BTreeMap, fs, path::PathBuf, process::Stdio};

use git_run::domain::ice::name::Protection;

use super::{
    case::Case,
    support::{Ran, TestRepo, copy},
};

pub struct Toy {
    pub repo: TestRepo,
    /// The run's own branch, where one is at work.
    own: Option<String>,
    config: String,
    /// Every ref of the remote, as it was.
    before: BTreeMap<String, String>,
}

/// One sprint whose review never passes.
const STUCK: &str = "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n\
    [[sprint.task]]\nid = \"T-1\"\ntitle = \"Never\"\n[sprint.task.steps]\nimplement = [\"echo x >> x\"]\n\
    review = [\"false\"]\naudit = [\"true\"]\n";

impl Toy {
    /// `feature/x` one commit ahead of its remote, `other` beside it, `topic` on top of it; `main` ahead
    /// of the remote's, so that a push of it would move something.
    pub fn new(with_run: bool) -> Self {
        let repo = TestRepo::new();
        repo.remote();
        repo.git(&["tag", "v1"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "second"]);
        let there = ["main:release/1.0", "main:teammate/y", "main", "v1"];
        repo.git(&[&["push", "--quiet", "origin"], &there[..]].concat());
        repo.git(&["push", "--quiet", "origin", "main:refs/run/r/journal", "main:refs/notes/run"]);
        repo.git(&["fetch", "--quiet", "origin"]);
        repo.git(&["remote", "add", "up", "../remote.git"]);
        repo.git(&["switch", "--quiet", "-c", "feature/x"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "pushed"]);
        repo.git(&["push", "--quiet", "-u", "origin", "feature/x"]);
        repo.git(&["branch", "other", "HEAD~1"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "ahead"]);
        repo.git(&["switch", "--quiet", "-c", "topic"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "on top"]);
        repo.git(&["tag", "-a", "v2", "-m", "v2"]);
        repo.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
        repo.git(&["update-ref", "refs/heads/main", "topic"]);
        repo.git(&["notes", "add", "-m", "mine", "HEAD"]);
        repo.git(&["switch", "--quiet", "feature/x"]);
        let mut own = None;
        if with_run {
            repo.plan(STUCK);
            repo.git(&["config", "run.breaker.noProgress", "1"]);
            repo.git(&["config", "run.maxCycles", "1"]);
            let ran = repo.run(&["sprint-1", "--local"]);
            assert_ne!(ran.code, Some(0), "{}", ran.out);
            own = Some(repo.git(&["branch", "--show-current"]));
        }
        Self::of(repo, own)
    }

    /// The same with everything installed, and with a name at the remote that leads to `main`.
    pub fn fenced() -> Self {
        let toy = Self::new(false);
        let words =
            ["--git-dir=../remote.git", "symbolic-ref", "refs/heads/new", "refs/heads/main"];
        toy.repo.git(&words);
        toy.repo.run(&["hooks", "install"]).ends(0);
        Self::of(toy.repo, None)
    }

    fn of(repo: TestRepo, own: Option<String>) -> Self {
        let config = repo.read(".git/config");
        let mut toy = Self { repo, own, config, before: BTreeMap::new() };
        toy.before = toy.refs();
        for (kept, from) in [("kept.git", toy.remote()), ("kept", toy.repo.work.clone())] {
            let kept = toy.repo.root().join(kept);
            let _ = fs::remove_dir_all(&kept);
            copy(&from, &kept);
        }
        toy
    }

    fn remote(&self) -> PathBuf {
        self.repo.root().join("remote.git")
    }

    /// Name and commit of every ref of the remote.
    fn refs(&self) -> BTreeMap<String, String> {
        let words =
            ["--git-dir=../remote.git", "for-each-ref", "--format=%(refname) %(objectname)"];
        let out = self.repo.git(&words);
        let lines = out.lines().filter_map(|line| line.split_once(' '));
        lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
    }

    /// Configures and checks out what the case says. False where git itself does not allow it.
    pub fn set(&self, case: &Case) -> bool {
        let mut text = self.config.clone();
        for line in &case.config {
            let Some((key, value)) = line.split_once('=') else { return false };
            let (section, name) = key.rsplit_once('.').unwrap();
            let section = match section.split_once('.') {
                Some((section, sub)) => format!("{section} \"{sub}\""),
                None => section.to_owned(),
            };
            text.push_str(&format!("[{section}]\n\t{name} = \"{value}\"\n"));
        }
        self.repo.write(".git/config", &text);
        // Inside of a run, its own branch is the one that is checked out.
        match (&self.own, case.head.as_str()) {
            (Some(_), _) => true,
            (None, "--detach") => {
                let head = self.repo.git(&["rev-parse", "refs/heads/feature/x"]);
                self.repo.write(".git/HEAD", &format!("{head}\n"));
                true
            }
            (None, head) => {
                self.repo.write(".git/HEAD", &format!("ref: refs/heads/{head}\n"));
                true
            }
        }
    }

    /// Whether the judge clears the command line.
    pub fn is_cleared(&self, case: &Case) -> bool {
        let mut command = self.repo.program();
        command.args(["ice", "check", "--"]).args(case.line()).env("KIND", "matching");
        let ran = Ran::of(command.output().unwrap());
        assert!(matches!(ran.code, Some(0 | 3)), "{case:?}: {ran:?}");
        ran.code == Some(0)
    }

    /// The line with git as it is.
    pub fn replay(&self, case: &Case) {
        let mut command = self.repo.command("git");
        command.args(case.line()).env("KIND", "matching").stdin(Stdio::null());
        drop(command.output().unwrap());
    }

    /// The line as an agent would run it.
    pub fn replay_fenced(&self, case: &Case) {
        let mut command = self.repo.program();
        command.args(["ice", "exec", "--", "git"]).args(case.line());
        drop(command.env("KIND", "matching").stdin(Stdio::null()).output().unwrap());
    }

    /// What must not have happened to the remote; puts everything back where anything did.
    pub fn harm(&mut self) -> Option<String> {
        let after = self.refs();
        if after == self.before {
            return None;
        }
        let protection = Protection::default();
        let mut harm = None;
        for (name, id) in &after {
            let old = self.before.get(name);
            if old == Some(id) {
                continue;
            }
            let branch = name.strip_prefix("refs/heads/");
            let free = branch.is_some_and(|branch| protection.of(branch).is_none());
            let allowed = self.own.is_none() || branch == self.own.as_deref();
            let ahead = old.is_none_or(|old| {
                let words = ["--git-dir=../remote.git", "merge-base", "--is-ancestor", old, id];
                self.repo.try_git(&words).status.success()
            });
            if !free || !allowed || !ahead {
                harm = Some(format!("`{name}` moved from {old:?} to {id}"));
            }
        }
        if let Some(gone) = self.before.keys().find(|name| !after.contains_key(*name)) {
            harm = Some(format!("`{gone}` is gone"));
        }
        self.put_back();
        harm
    }

    fn put_back(&self) {
        for (kept, there) in [("kept.git", self.remote()), ("kept", self.repo.work.clone())] {
            fs::remove_dir_all(&there).unwrap();
            copy(&self.repo.root().join(kept), &there);
        }
    }
}
