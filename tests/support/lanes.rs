//! Tasks of one group, built side by side by agents that are shell scripts.

use std::{fmt::Write as _, fs, path::PathBuf};

use super::{Ran, TestRepo, text};

pub const WORKFLOW: &str = "format = 2\nname = \"w\"\nunit = \"task\"\n\
    [[stage]]\nid = \"implement\"\nduty = \"build\"\nask = \"Build it.\"\n\
    [[stage]]\nid = \"review\"\nduty = \"judge\"\nback_to = \"implement\"\nask = \"Look.\"\n";

/// What every script may use: whether it is a lane, and waiting for a file beside the work tree.
pub const HELP: &str = r#"
lane() { [ -n "$GIT_RUN_LANE" ]; }
until_there() {
  n=0
  until [ -e "$HOME/$1" ]; do n=$((n + 1)); [ $n -lt 400 ] || exit 9; sleep 0.05; done
}
echo "$GIT_RUN_ITEM ${GIT_RUN_LANE:+lane}" >> "$HOME/built"
"#;

/// A plan of one sprint: tasks with what they may write, all in the group `g`.
pub fn plan(tasks: &[(&str, &str)]) -> String {
    let mut text =
        "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n"
            .to_owned();
    for (id, writes) in tasks {
        write!(
            text,
            "[[sprint.task]]\nid = \"{id}\"\ntitle = \"Make {id}\"\ngroup = \"g\"\nwrites = [\"{writes}\"]\n"
        )
        .unwrap();
    }
    text
}

pub const TWO: [(&str, &str); 2] = [("A", "a/"), ("B", "b/")];
pub const FOUR: [(&str, &str); 4] = [("A", "a/"), ("B", "b/"), ("C", "c/"), ("D", "d/")];

pub fn prepared(repo: TestRepo, tasks: &[(&str, &str)], script: &str) -> TestRepo {
    repo.plan(&plan(tasks));
    repo.git(&["config", "run.agent", "command"]);
    repo.agent("implement", &format!("{HELP}{script}"));
    repo.agent("review", "pass");
    fs::write(repo.root().join("w.toml"), WORKFLOW).unwrap();
    repo
}

pub fn scene(tasks: &[(&str, &str)], script: &str) -> TestRepo {
    prepared(TestRepo::new(), tasks, script)
}

/// Each task leaves one file in its directory.
pub const PLAIN: &str =
    "d=$(echo $GIT_RUN_ITEM | tr A-Z a-z); mkdir -p $d; echo $GIT_RUN_ITEM > $d/made";

pub fn words(repo: &TestRepo, parallel: u32) -> Vec<String> {
    let file = repo.root().join("w.toml");
    let parallel = parallel.to_string();
    ["sprint-1", "--local", "--workflow", file.to_str().unwrap(), "--parallel", &parallel]
        .map(str::to_owned)
        .to_vec()
}

pub fn go(repo: &TestRepo, parallel: u32, code: i32) -> Ran {
    let words = words(repo, parallel);
    let ran = repo.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ends(code);
    repo.run(&["verify"]).ends(0);
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    ran
}

/// The lanes by what has become of them: `A:joined B:dropped`.
pub fn lanes(repo: &TestRepo) -> String {
    let status = repo.status();
    let all = status["lanes"].as_array().unwrap().iter();
    let mut told: Vec<_> = all
        .map(|lane| {
            format!("{}:{}", lane["item"].as_str().unwrap(), lane["state"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told.join(" ")
}

/// Who was called, in the order of the calls: with `lane` behind those that were built ahead.
pub fn built(repo: &TestRepo) -> Vec<String> {
    let text = fs::read_to_string(repo.root().join("built")).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

pub fn home(repo: &TestRepo) -> PathBuf {
    repo.root().join(".cache/git-run/lanes")
}

/// The work trees of lanes that are there.
pub fn trees(repo: &TestRepo) -> Vec<PathBuf> {
    let list = repo.git(&["worktree", "list", "--porcelain"]);
    let all = list.lines().filter_map(|line| line.strip_prefix("worktree "));
    all.filter(|path| path.contains("/lanes/")).map(PathBuf::from).collect()
}

/// Some checkpoint of the run has this file with this line.
pub fn holds(repo: &TestRepo, path: &str, line: &str) {
    let chain = repo.journal().replace("/journal", "/checkpoints");
    let all = repo.git(&["rev-list", "--first-parent", &chain]);
    let has = |commit: &str| {
        let out = repo.try_git(&["show", &format!("{commit}:{path}")]).stdout;
        text(&out).trim() == line
    };
    assert!(all.lines().any(has), "no checkpoint has `{path}` as `{line}`");
}
