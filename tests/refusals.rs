//! What a person may type and a run cannot take now ends with a documented code, and never as a fault of
//! this program. The table is the documentation.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which start processes")]

mod support;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Child, Stdio},
};

use support::{Ran, TestRepo, copy};

/// It is built and judged.
const WORKFLOW: &str = r#"
format = 2
name = "asked"
[[stage]]
id = "implement"
duty = "build"
[[stage]]
id = "review"
duty = "judge"
back_to = "implement"
"#;
/// And then a person is asked.
const SIGN_OFF: &str = r#"
[[stage]]
id = "sign-off"
duty = "human"
back_to = "implement"
ask = "Is it what was asked for?"
"#;

const COMMANDS: [&[&str]; 21] = [
    &["approve", "--as", "Ada"],
    &["reject", "-m", "no", "--as", "Ada"],
    &["modify", "-m", "other", "--as", "Ada"],
    &["reopen", "review", "-m", "look again"],
    &["reopen", "implement", "-m", "do it again"],
    &["fix", "sprint-1", "-m", "it is wrong"],
    &["override", "review", "--reason", "it may"],
    &["halt"],
    &["halt", "--force"],
    &["resume"],
    &["resume", "--reset-ice"],
    &["reconcile", "--apply"],
    &["reconcile", "--answer", "sprint-1=trust"],
    &["reconcile", "--answer", "sprint-1=re-verify"],
    &["plan", "sync", "--apply"],
    &["rollback"],
    &["next"],
    &["report", "--file", "../report.json"],
    &["-C", "../other", "adopt", "2"],
    &["-C", "../other", "adopt", "2", "--force", "--reason", "it is needed"],
    &["push"],
];

/// What each ends with: 0 done, 1 failed, 2 usage, 3 refused, 4 stopped, 5 a person is needed, 6 held.
const TABLE: &str = "
                                                  ready jack-in moving running working built announced delivering at-work handed halted waiting rejected complete for-hitl jacked-out merged given-up
approve --as Ada                                  3     3       3      3       3       3     3         3          3       3      3      0       0        3        3        3          3      3
reject -m no --as Ada                             3     3       3      3       3       3     3         3          3       3      3      0       0        3        3        3          3      3
modify -m other --as Ada                          3     3       3      3       3       3     3         3          3       3      3      0       0        3        3        3          3      3
reopen review -m look again                       3     3       3      3       3       3     3         3          6       3      0      0       0        0        0        0          3      3
reopen implement -m do it again                   3     3       3      3       3       3     3         3          6       3      0      0       0        0        0        0          3      3
fix sprint-1 -m it is wrong                       3     3       3      3       3       3     3         3          3       3      3      3       3        0        0        0          3      3
override review --reason it may                   3     3       3      3       3       3     3         3          6       3      0      3       3        3        3        3          3      0
halt                                              0     0       0      0       0       0     0         1          0       0      0      0       0        1        1        1          1      1
halt --force                                      0     0       0      0       0       0     0         0          0       0      0      0       0        0        1        1          1      1
resume                                            0     0       0      0       0       0     0         0          6       5      4      5       5        1        1        1          1      1
resume --reset-ice                                0     0       0      0       0       0     0         0          6       5      4      5       5        1        1        1          1      1
reconcile --apply                                 5     5       5      0       5       0     5         0          6       5      0      0       0        0        0        0          0      0
reconcile --answer sprint-1=trust                 5     5       5      0       5       0     5         0          6       5      0      0       0        0        0        0          0      0
reconcile --answer sprint-1=re-verify             5     5       5      0       5       0     5         0          6       5      0      0       0        0        5        5          5      5
plan sync --apply                                 5     5       5      0       5       0     5         0          6       5      0      0       0        0        5        5          5      5
rollback                                          0     0       6      1       0       0     0         0          6       0      0      0       0        0        0        0          0      0
next                                              0     0       0      0       0       0     0         0          6       0      5      5       5        5        2        2          2      2
report --file ../report.json                      3     3       3      3       3       3     3         3          3       0      3      3       3        3        3        3          3      3
-C ../other adopt 2                               6     6       6      6       6       6     6         6          6       6      6      6       6        6        6        6          6      6
-C ../other adopt 2 --force --reason it is needed 0     0       0      0       0       0     0         0          6       0      0      0       0        0        0        0          0      0
push                                              3     3       3      3       3       3     3         0          6       3      3      3       3        1        0        1          1      3
";

/// States in which a process died, and the last thing that it wrote.
const DIED: [(&str, &str); 8] = [
    ("ready", "run-created"),
    ("jack-in", "jack-in-began"),
    ("moving", "intent-declared"),
    ("running", "run-started"),
    ("working", "process-started"),
    ("built", "stage-ended"),
    ("announced", "commit-announced"),
    ("delivering", "delivery-started"),
];
/// States that are made in another way.
const MADE: [&str; 10] = [
    "at-work",
    "handed",
    "halted",
    "waiting",
    "rejected",
    "complete",
    "for-hitl",
    "jacked-out",
    "merged",
    "given-up",
];
const CRASH_POINTS_MAX: usize = 400;
/// What is kept beside it: a remote may be there, or not.
const BOTH: [&str; 2] = ["work", "remote.git"];

struct Made {
    repo: TestRepo,
    /// Who is at work in it.
    work: Option<Child>,
}

impl Drop for Made {
    fn drop(&mut self) {
        if let Some(work) = &mut self.work {
            let _ = work.kill();
            let _ = work.wait();
        }
    }
}

fn scripted(asked: bool, stages: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::scripted(stages);
    repo.git(&["config", "--unset-all", "run.audit.command"]);
    let text = if asked { format!("{WORKFLOW}{SIGN_OFF}") } else { WORKFLOW.to_owned() };
    repo.write("w.toml", &text);
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    repo.run(&["checkpoint"]).ends(0);
    fs::write(repo.root().join("report.json"), r#"{"format":1,"verdict":"pass"}"#).unwrap();
    repo
}

fn start(repo: &TestRepo, more: &[&str]) -> Ran {
    repo.run(&[&["start", "sprint-1", "--workflow", "./w.toml"], more].concat())
}

/// Runs that died right after an event of each of these kinds.
fn died() -> Vec<(&'static str, Made)> {
    let repo = local();
    let kept = repo.root().join("kept");
    keep(repo.root(), &kept);
    let mut points = BTreeMap::new();
    for point in 1..CRASH_POINTS_MAX {
        restore(repo.root(), &kept);
        if dying(&repo, point) {
            let began = repo.run(&["status", "--json"]).code == Some(0);
            let last = if began { repo.events().pop() } else { None };
            let found = DIED.iter().find(|(_, kind)| Some(*kind) == last.as_deref());
            if let Some((state, _)) = found {
                points.entry(*state).or_insert(point);
            }
        }
        if points.len() == DIED.len() {
            break;
        }
    }
    assert_eq!(points.len(), DIED.len(), "{points:?}");
    let again = |(state, point)| {
        let repo = local();
        assert!(dying(&repo, point));
        (state, Made { repo, work: None })
    };
    points.into_iter().map(again).collect()
}

fn local() -> TestRepo {
    let repo = scripted(false, &[]);
    repo.remote();
    repo
}

/// Whether the start of a run died at this point.
fn dying(repo: &TestRepo, point: usize) -> bool {
    let mut command = repo.program();
    command.args(["start", "sprint-1", "--workflow", "./w.toml"]);
    !command.env("GIT_RUN_CRASH_AT", point.to_string()).output().unwrap().status.success()
}

/// All that a command could change is put beside it.
fn keep(root: &Path, kept: &Path) {
    for name in BOTH.into_iter().filter(|name| root.join(name).exists()) {
        copy(&root.join(name), &kept.join(name));
    }
}

fn restore(root: &Path, kept: &Path) {
    for name in BOTH.into_iter().filter(|name| root.join(name).exists()) {
        fs::remove_dir_all(root.join(name)).unwrap();
    }
    keep(kept, root);
}

fn made(state: &str) -> Made {
    let quiet = |repo| Made { repo, work: None };
    match state {
        "at-work" => {
            let repo = scripted(false, &[("implement", "touch $HOME/began; sleep 600")]);
            let mut command = repo.program();
            command.args(["start", "sprint-1", "--workflow", "./w.toml", "--local"]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let work = Some(command.spawn().unwrap());
            repo.await_file("began");
            Made { repo, work }
        }
        "handed" => {
            let repo = scripted(false, &[]);
            let words = ["next", "sprint-1", "--workflow", "./w.toml", "--local"];
            repo.run(&words).ends(0);
            quiet(repo)
        }
        "halted" => {
            let repo = scripted(false, &[("review", "exit 1")]);
            repo.git(&["config", "run.breaker.failures", "1"]);
            start(&repo, &["--local"]).ends(4);
            quiet(repo)
        }
        "waiting" => {
            let repo = scripted(true, &[]);
            start(&repo, &["--local"]).ends(5);
            quiet(repo)
        }
        "rejected" => {
            let repo = scripted(true, &[]);
            start(&repo, &["--local"]).ends(5);
            repo.run(&["reject", "-m", "no", "--as", "Ada"]).ends(0);
            quiet(repo)
        }
        "complete" => {
            let repo = scripted(false, &[]);
            repo.remote();
            fs::remove_dir_all(repo.root().join("remote.git")).unwrap();
            start(&repo, &[]).ends(1);
            assert_eq!(repo.status()["state"], "COMPLETE");
            quiet(repo)
        }
        "for-hitl" => {
            let repo = scripted(false, &[]);
            repo.remote();
            start(&repo, &[]).ends(0);
            assert_eq!(repo.status()["state"], "READY_FOR_HITL");
            quiet(repo)
        }
        "jacked-out" => {
            let repo = scripted(false, &[]);
            start(&repo, &["--local"]).ends(0);
            quiet(repo)
        }
        "merged" => {
            let repo = scripted(false, &[]);
            start(&repo, &["--local"]).ends(0);
            repo.git(&["branch", "--quiet", "--force", "main", "feature/sprint-1"]);
            quiet(repo)
        }
        "given-up" => {
            let repo = scripted(false, &[("review", "exit 1")]);
            repo.git(&["config", "run.breaker.failures", "1"]);
            start(&repo, &["--local"]).ends(4);
            repo.run(&["halt", "--force"]).ends(0);
            quiet(repo)
        }
        other => unreachable!("{other}"),
    }
}

/// What each command ends with, each in the same run as it was.
fn column(state: &str, mut made: Made) -> Vec<String> {
    otherwise(&made.repo);
    let root = made.repo.root().to_owned();
    let kept = root.join("kept");
    keep(&root, &kept);
    let mut column = Vec::new();
    for words in COMMANDS {
        let ran = made.repo.run(words);
        let code = ran.code.unwrap_or_default();
        assert!(code != 70 && code != 101, "{state}: {words:?} ends with {code}: {}", ran.err);
        let is_said = ran.err.contains("error: ") && ran.err.contains("hint: ");
        assert!(
            is_said || matches!(code, 0 | 1 | 4 | 5),
            "{state}: {words:?}: {code}: {}",
            ran.err
        );
        column.push(code.to_string());
        // Nobody puts back the work tree of somebody who is at work in it.
        if made.work.is_some() {
            made = self::made(state);
            otherwise(&made.repo);
        } else {
            restore(&root, &kept);
        }
    }
    column
}

/// The plan says another thing by now, and there is a second work tree.
fn otherwise(repo: &TestRepo) {
    repo.git(&["worktree", "add", "--quiet", "--detach", "../other", "main"]);
    let plan = repo.read("plan.toml").replace("title = \"Make it\"", "title = \"Make it well\"");
    repo.write("plan.toml", &plan);
}

#[test]
fn nothing_that_a_person_types_ends_as_a_fault_in_any_state() {
    let died = died().into_iter();
    let mut columns: BTreeMap<_, _> =
        died.map(|(state, made)| (state, column(state, made))).collect();
    for state in MADE {
        columns.insert(state, column(state, made(state)));
    }
    let states = DIED.iter().map(|(name, _)| *name).chain(MADE);
    let states: Vec<_> = states.collect();
    let mut found = format!("\n{:50}{}\n", "", states.join(" "));
    for (row, words) in COMMANDS.iter().enumerate() {
        let mut line = format!("{:50}", words.join(" "));
        for state in &states {
            line.push_str(&format!("{:width$} ", columns[state][row], width = state.len()));
        }
        found.push_str(&format!("{}\n", line.trim_end()));
    }
    assert_eq!(found, TABLE, "{found}");
}
