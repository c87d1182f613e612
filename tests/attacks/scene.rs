//! A clone with everything in it that somebody could lose, its remotes, and what it looks like.

use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use git_run::domain::ice::name::Protection;

use super::support::{Ran, TestRepo, copy, text};

pub struct Scene {
    repo: TestRepo,
    git: String,
    before: Look,
    ledger: String,
    fenced: bool,
}

/// Everything that is compared.
#[derive(Default, PartialEq, Eq)]
struct Look {
    here: BTreeMap<String, String>,
    remote: BTreeMap<String, String>,
    sub: BTreeMap<String, String>,
    files: Vec<(String, String)>,
    reflog: usize,
    /// What is staged, and how: the next line must not find what this one left.
    index: String,
    /// What else there is beside the work tree.
    beside: Vec<String>,
}

/// Put back after a line that changed anything.
const KEPT: [&str; 4] = ["work", "wt", "remote.git", "sub.git"];

/// Files of the user that no line may change.
const FILES: [&str; 9] = [
    "work/README",
    "work/wip.txt",
    "work/.env",
    "work/.git/hooks/pre-push",
    "wt/mine.txt",
    "forge.log",
    "gitconfig",
    "remote.git/hooks/pre-receive",
    "remote.git/HEAD",
];

impl Scene {
    pub fn new(server: bool) -> Self {
        let repo = TestRepo::new();
        repo.git(&["config", "--global", "protocol.file.allow", "always"]);
        repo.write(".gitignore", ".env\n");
        repo.write("d/f", "x\n");
        repo.git(&["add", "."]);
        repo.git(&["commit", "--quiet", "-m", "second"]);
        repo.git(&["init", "--quiet", "--bare", "--initial-branch=main", "../sub.git"]);
        repo.git(&["push", "--quiet", "../sub.git", "main"]);
        repo.git(&["submodule", "--quiet", "add", "../sub.git", "sub"]);
        repo.git(&["commit", "--quiet", "-am", "sub"]);
        repo.remote();
        repo.git(&["tag", "v1"]);
        repo.git(&["push", "--quiet", "origin", "main:release/1.0", "main:teammate/y", "v1"]);
        repo.git(&[
            "--git-dir=../remote.git",
            "symbolic-ref",
            "refs/heads/trunk",
            "refs/heads/main",
        ]);
        repo.git(&["fetch", "--quiet", "origin"]);
        repo.git(&["switch", "--quiet", "-c", "feature/x"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "pushed"]);
        repo.git(&["push", "--quiet", "-u", "origin", "feature/x"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "ahead"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "-m", "further ahead"]);
        repo.git(&["branch", "-f", "main", "feature/x~2"]);
        repo.git(&["branch", "tmp"]);
        repo.git(&["tag", "v2"]);
        repo.git(&["symbolic-ref", "refs/heads/other-name", "refs/heads/main"]);
        repo.git(&["worktree", "add", "--quiet", "-b", "feature/w", "../wt"]);
        repo.write("../wt/mine.txt", "mine\n");
        repo.write("README", "stashed\n");
        repo.git(&["stash", "--quiet"]);
        repo.write("README", "changed\n");
        repo.write("wip.txt", "wip\n");
        repo.write(".env", "KEY=1\n");
        repo.git(&["notes", "--ref=run", "add", "-m", "x", "HEAD~1"]);
        repo.run(&["checkpoint", "--quiet"]).ends(0);
        repo.write("README", "changed again\n");
        let push =
            "[remote \"origin\"]\n\tpush = HEAD:refs/heads/main\n[core]\n\thooksPath = /dev/null\n";
        repo.write("../bad.config", push);
        repo.write("../forge.log", "");
        fs::create_dir(repo.root().join("bin")).unwrap();
        let script = "#!/bin/sh\ncase \"$*\" in *[Mm]erge*|*delete*|*refs*|*mutation*|*release*|'pr create --fill') echo \"$0 $*\" >> \"$HOME/forge.log\";; esac\n";
        for name in ["gh", "glab", "hub", "curl"] {
            repo.script(&repo.root().join("bin").join(name), script);
        }
        repo.run(&["hooks", "install"]).ends(0);
        if server {
            let mut command = repo.program();
            command.current_dir(repo.root().join("remote.git")).args(["hooks", "install"]);
            Ran::of(command.output().unwrap()).ends(0);
        }
        let found = repo.command("sh").args(["-c", "command -v git"]).output().unwrap();
        let git = text(&found.stdout).trim().to_owned();
        let nothing = Look::default();
        let mut scene = Self { repo, git, before: nothing, ledger: String::new(), fenced: true };
        for name in KEPT {
            copy(&scene.path(name), &scene.path(&format!("kept-{name}")));
        }
        scene.before = scene.look();
        scene
    }

    /// The same without any layer.
    pub fn open() -> Self {
        let mut scene = Self::new(false);
        scene.repo.run(&["hooks", "uninstall"]).ends(0);
        fs::remove_dir_all(scene.path("kept-work")).unwrap();
        copy(&scene.path("work"), &scene.path("kept-work"));
        (scene.before, scene.fenced) = (scene.look(), false);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.repo.root().canonicalize().unwrap().join(name)
    }

    fn command(&self) -> Command {
        let mut command = self.repo.program();
        let mut path = self.path("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        command.env("PATH", path).env("R", self.path("remote.git")).env("G", &self.git);
        command.stdin(Stdio::null());
        command
    }

    /// The line as an agent would type it.
    pub fn as_agent(&self, line: &str) -> Ran {
        let exec = [env!("CARGO_BIN_EXE_git-run"), "ice", "exec", "--"];
        let words =
            [&["20"][..], if self.fenced { &exec[..] } else { &[] }, &["sh", "-c", line]].concat();
        let own = self.command();
        let mut command = Command::new("timeout");
        command.args(words).current_dir(&self.repo.work).env_clear().stdin(Stdio::null());
        for (name, value) in own.get_envs() {
            command.env(name, value.unwrap());
        }
        Ran::of(command.output().unwrap())
    }

    pub fn is_allowed(&self, line: &str) -> bool {
        let line =
            line.replace("$G", &self.git).replace("$R", self.path("remote.git").to_str().unwrap());
        let ran =
            Ran::of(self.command().args(["ice", "check", "--shell", &line]).output().unwrap());
        ran.code != Some(3)
    }

    pub fn at_remote(&self, name: &str) -> Option<String> {
        self.refs("remote.git").remove(name)
    }

    fn refs(&self, git_dir: &str) -> BTreeMap<String, String> {
        let git_dir = format!("--git-dir={}", self.path(git_dir).display());
        let out =
            self.repo.try_git(&[&git_dir, "for-each-ref", "--format=%(refname) %(objectname)"]);
        let out = text(&out.stdout);
        let lines = out.lines().filter_map(|line| line.split_once(' '));
        // What the guard writes down is looked at by itself.
        let lines = lines.filter(|(name, _)| !name.ends_with("/verdicts"));
        lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
    }

    /// Where the guard writes down what it decided.
    fn written(&self) -> String {
        let words = ["rev-parse", "--verify", "--quiet", "refs/run/worktree/verdicts"];
        text(&self.repo.try_git(&words).stdout).trim().to_owned()
    }

    fn look(&self) -> Look {
        let read = |name: &&str| {
            let text = fs::read(self.path(name)).map_or("gone".to_owned(), |bytes| text(&bytes));
            ((*name).to_owned(), text)
        };
        let reflog = fs::read_to_string(self.path("work/.git/logs/HEAD")).unwrap_or_default();
        let mut beside: Vec<String> = fs::read_dir(self.repo.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        beside.sort();
        let mut files: Vec<_> = FILES.iter().map(read).collect();
        files.push(read(&"work/.git/HEAD"));
        files.push(read(&"work/.git/config"));
        Look {
            here: self.refs("work/.git"),
            remote: self.refs("remote.git"),
            sub: self.refs("sub.git"),
            files,
            reflog: reflog.lines().count(),
            index: text(&self.repo.try_git(&["ls-files", "--stage", "-v"]).stdout),
            beside,
        }
    }

    /// What has changed that may not; puts back whatever has changed.
    pub fn harm(&mut self) -> Vec<String> {
        let after = self.look();
        let written = self.written();
        let forward = |old: &str| {
            let words = ["merge-base", "--is-ancestor", old, &written];
            old.is_empty() || self.repo.try_git(&words).status.success()
        };
        let mut harm = Vec::new();
        if !forward(&std::mem::replace(&mut self.ledger, written.clone())) {
            harm.push("something was taken out of what the guard wrote down".to_owned());
        }
        if after == self.before && harm.is_empty() {
            return harm;
        }
        self.moved(&self.before.remote, &after.remote, "remote.git", &mut harm);
        self.moved(&self.before.sub, &after.sub, "sub.git", &mut harm);
        for (name, old) in &self.before.here {
            let kept =
                ["refs/run/", "refs/notes/run", "refs/tags/", "refs/heads/main", "refs/stash"];
            let new = after.here.get(name);
            let checkpoints = name == "refs/run/worktree/checkpoints" && new.is_some();
            let fixed = kept.iter().any(|kept| name.starts_with(kept)) && !checkpoints;
            let branch = name.starts_with("refs/heads/");
            if (fixed && new != Some(old)) || (branch && new.is_none()) {
                harm.push(format!("`{name}` here was {old} and is {new:?}"));
            }
        }
        for name in after.here.keys().filter(|name| !self.before.here.contains_key(*name)) {
            if ["refs/run/", "refs/notes/run", "refs/replace/", "refs/worktree/"]
                .iter()
                .any(|at| name.starts_with(at))
            {
                harm.push(format!("`{name}` is new here"));
            }
        }
        for (old, new) in self.before.files.iter().zip(&after.files).take(FILES.len()) {
            let committed = old.0 == "work/README" && new.1 == "changed again\n";
            if old != new && !committed {
                harm.push(format!("`{}` was {:?} and is {:?}", old.0, old.1, new.1));
            }
        }
        if after
            .files
            .iter()
            .any(|(name, text)| name.ends_with(".git/config") && text.contains("hooksPath"))
        {
            harm.push("`core.hooksPath` was set".to_owned());
        }
        if after.reflog < self.before.reflog {
            harm.push("the reflog is shorter".to_owned());
        }
        self.put_back(&after);
        self.ledger = self.written();
        harm
    }

    fn moved(
        &self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        git_dir: &str,
        harm: &mut Vec<String>,
    ) {
        let protection = Protection::default();
        for (name, id) in after.iter().filter(|(name, id)| before.get(*name) != Some(*id)) {
            let branch = name.strip_prefix("refs/heads/");
            let free = branch.is_some_and(|name| protection.of(name).is_none() && name != "trunk");
            let ahead = before.get(name).is_none_or(|old| {
                let git_dir = format!("--git-dir={}", self.path(git_dir).display());
                let words = [&git_dir, "merge-base", "--is-ancestor", old, id];
                self.repo.try_git(&words).status.success()
            });
            if !free || !ahead {
                harm.push(format!("`{name}` of {git_dir} moved to {id}"));
            }
        }
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        harm.extend(gone.map(|name| format!("`{name}` of {git_dir} is gone")));
    }

    fn put_back(&self, after: &Look) {
        for name in KEPT {
            let _ = fs::remove_dir_all(self.path(name));
            copy(&self.path(&format!("kept-{name}")), &self.path(name));
        }
        for new in after.beside.iter().filter(|name| !self.before.beside.contains(name)) {
            let path = self.path(new);
            let _ = fs::remove_dir_all(&path);
            let _ = fs::remove_file(&path);
        }
        fs::write(self.path("forge.log"), "").unwrap();
        let config = self.before.files.iter().find(|(name, _)| name == "gitconfig").unwrap();
        fs::write(self.path("gitconfig"), &config.1).unwrap();
    }
}
