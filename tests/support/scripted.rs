//! Agents as shell scripts, one for each stage, and looking at everything that a run could touch.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Ran, TestRepo, text};

/// One sprint of one task, for agents that are programs.
pub const PLAN: &str = "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n\
    [[sprint.task]]\nid = \"T-1\"\ntitle = \"Make it\"\n";

/// What every script may use; `$calls` counts the calls of its stage.
const PRELUDE: &str = r#"#!/bin/sh
report() { printf '%s\n' "$1" > "$GIT_RUN_REPORT"; }
pass() { report '{"format":1,"verdict":"pass"}'; }
revise() {
  report '{"format":1,"verdict":"revise","findings":[{"rule":"r","severity":"high","path":"a","message":"'"$1"'"}]}'
}
calls=$(($(cat "$HOME/calls.$GIT_RUN_STAGE" 2>/dev/null || echo 0) + 1))
echo $calls > "$HOME/calls.$GIT_RUN_STAGE"
"#;

/// How long anything that a test waits for may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl TestRepo {
    /// A repository with [`PLAN`], in which these scripts are the agents. The stages that are not
    /// named do their work and pass.
    pub fn scripted(stages: &[(&str, &str)]) -> Self {
        let repo = Self::new();
        repo.plan(PLAN);
        repo.git(&["config", "run.agent", "command"]);
        for (stage, usual) in
            [("implement", "echo work > work.txt"), ("review", "pass"), ("audit", "pass")]
        {
            let own = stages.iter().find(|(named, _)| *named == stage);
            repo.agent(stage, own.map_or(usual, |(_, script)| script));
        }
        repo
    }

    /// The script of one stage.
    pub fn agent(&self, stage: &str, script: &str) {
        let path = self.root().join(format!("agent-{stage}"));
        self.script(&path, &format!("{PRELUDE}{script}\n"));
        self.git(&["config", &format!("run.{stage}.command"), path.to_str().unwrap()]);
    }

    pub fn hook(&self, name: &str, script: &str) {
        let hooks = self.work.join(".git/hooks");
        fs::create_dir_all(&hooks).unwrap();
        self.script(&hooks.join(name), &format!("#!/bin/sh\n{script}\n"));
    }

    pub fn script(&self, path: &Path, text: &str) {
        // Written beside and moved there: a file that is open for writing cannot be executed.
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(&new, path).unwrap();
    }

    /// A bare repository beside the work tree, as `origin`, with `main` in it.
    pub fn remote(&self) {
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", "../remote.git"]);
        self.git(&["remote", "add", "origin", "../remote.git"]);
        self.git(&["push", "--quiet", "origin", "main"]);
    }

    /// What the remote has, as `name commit` lines.
    pub fn remote_refs(&self) -> Vec<String> {
        let words = ["--git-dir=../remote.git", "for-each-ref", "--format=%(refname)"];
        self.git(&words).lines().map(str::to_owned).collect()
    }

    /// How often a stage's agent was called.
    pub fn calls(&self, stage: &str) -> u32 {
        let file = self.root().join(format!("calls.{stage}"));
        fs::read_to_string(file).map_or(0, |text| text.trim().parse().unwrap())
    }

    pub fn status(&self) -> Value {
        self.run(&["status", "--json"]).ends(0).json()
    }

    /// The kinds of all events so far.
    pub fn events(&self) -> Vec<String> {
        self.told("event")
    }

    /// Every event as a sentence.
    pub fn told(&self, field: &str) -> Vec<String> {
        let log = self.run(&["log", "--json"]).ends(0).out;
        let of = |line: &str| serde_json::from_str::<Value>(line).unwrap()[field].clone();
        log.lines().map(|line| of(line).as_str().unwrap().to_owned()).collect()
    }

    /// Everything below the repository's root: kinds, modes, contents. Equal means untouched.
    pub fn everything(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        collect(self.root(), self.root(), &mut found);
        found
    }

    /// The program at work, with nothing in its hands.
    pub fn begin(&self, words: &[&str]) -> Working {
        let mut command = self.program();
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Working(Some(command.spawn().unwrap()))
    }

    /// The same as the leader of a group of its own, as a shell would start it.
    pub fn begin_group(&self, words: &[&str]) -> Working {
        let mut command = self.program();
        command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Working(Some(command.process_group(0).spawn().unwrap()))
    }

    /// Waits until a file beside the work tree is there.
    #[track_caller]
    pub fn await_file(&self, name: &str) {
        let path = self.root().join(name);
        eventually(&format!("`{name}`"), || path.exists());
    }
}

/// A started program; a test that fails does not leave it behind.
pub struct Working(Option<Child>);

impl Working {
    pub fn pid(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    pub fn signal_group(&self, signal: &str) {
        let group = format!("-{}", self.pid());
        assert!(Command::new("kill").args([signal, "--", &group]).status().unwrap().success());
    }

    pub fn ended(mut self) -> Ran {
        Ran::of(self.0.take().unwrap().wait_with_output().unwrap())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[track_caller]
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "{what} did not come");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process with this id, which a script wrote down, still works.
pub fn works(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(" Z"))
}

fn collect(top: &Path, dir: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let about = fs::symlink_metadata(&path).unwrap();
        let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
        let content = if about.is_dir() {
            collect(top, &path, found);
            "a directory".to_owned()
        } else if about.is_file() {
            text(&fs::read(&path).unwrap())
        } else {
            format!("{:?}", about.file_type())
        };
        found.insert(name, format!("{:o} {content}", about.mode()));
    }
}
