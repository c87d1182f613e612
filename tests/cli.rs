//! The command line as people and scripts meet it: what it says, what it refuses, what it leaves untouched.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Output, Stdio},
};

use assert_fs::{TempDir, prelude::*};
use predicates::prelude::*;
use support::{ONE_SPRINT, PROGRAM, Ran, TestRepo, scripted::PLAN};

fn planned() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    repo
}

/// Runs the program and sees that nothing at all was written.
#[track_caller]
fn untouched(repo: &TestRepo, words: &[&str], code: i32) -> Ran {
    let before = repo.everything();
    let ran = repo.run(words).ends(code);
    let after = repo.everything();
    let changed: Vec<_> = after.iter().filter(|(k, v)| before.get(*k) != Some(v)).collect();
    assert!(before == after, "{words:?} wrote {changed:?}");
    ran
}

/// `git`, which finds the program as a subcommand.
fn through_git(repo: &TestRepo, dir: &str, words: &[&str]) -> Ran {
    let bin = repo.root().join("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        symlink(PROGRAM, bin.join("git-run")).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let output: Output =
        repo.command("git").args(words).env("PATH", path).current_dir(dir).output().unwrap();
    Ran::of(output)
}

#[test]
fn loa_34_without_runs_every_look_says_so_and_writes_nothing() {
    let repo = planned();
    for (words, part) in [
        (&[][..], "no run in this work tree"),
        (&["status"], "no run in this work tree"),
        (&["status", "--json"], "no_run_in_progress"),
        (&["status", "--porcelain"], "run -"),
        (&["list"], "no runs yet"),
        (&["list", "--json"], "\"runs\":[]"),
        (&["list", "--porcelain"], ""),
        (&["log"], "no run in this work tree"),
        (&["log", "--json"], ""),
        (&["show"], "no run in this work tree"),
        (&["verify"], "no runs yet"),
    ] {
        let ran = untouched(&repo, words, 0);
        assert!(ran.out.contains(part), "{words:?}: {}", ran.out);
    }
    for words in [&["halt"][..], &["resume"], &["status", "nonesuch"], &["show", "plan"]] {
        untouched(&repo, words, 1);
    }
}

#[test]
fn a_word_that_is_no_target_starts_nothing() {
    let repo = planned();
    for (words, part) in [
        (&["sprint-2"][..], "did you mean `sprint-1`"),
        (&["sprnt-1"], "did you mean `sprint-1`"),
        (&["start", "T-9"], "no sprint and no task `T-9`"),
        (&["sprint-plan", "sprnt-1"], "did you mean `sprint-1`"),
        (&["sprint-pln"], "did you mean `sprint-plan`"),
        (&["statsu"], "git run status"),
        (&["sprint-plan", "--from", "7"], "`--from 7` names no sprint"),
        (&["sprint-plan", "--skip", "1"], "no sprint is left"),
        (&["sprint-1", "--from", "1"], "go with `sprint-plan`"),
        (&["sprint-1", "--bogus"], "--bogus"),
        (&["sprint-1", "--max-cycles", "0"], "--max-cycles"),
        (&["sprint-1", "--timeout", "soon"], "--timeout"),
        (&["sprint-1", "--budget-cost", "lots"], "`--budget-cost lots`"),
        (&["sprint-1", "--workflow", "waterfall"], "there is no workflow `waterfall`"),
        (&["sprint-1", "--base", "nowhere"], "`nowhere` does not exist"),
        (&["sprint-1", "--local", "--confirm-push"], "cannot be used with"),
        (&["-z"], "-z"),
        (&["list", "-z"], "--porcelain"),
        (&[""], "no sprint and no task"),
        (&["sprint-1\u{1b}[31m"], "no sprint and no task"),
    ] {
        let ran = untouched(&repo, words, 2);
        assert!(ran.err.contains(part), "{words:?}: {}", ran.err);
        assert!(!ran.err.contains('\u{1b}'), "{words:?}");
        assert_eq!(ran.out, "", "{words:?}");
    }
}

#[test]
fn loa_113_a_missing_or_faulty_plan_starts_nothing() {
    let repo = TestRepo::new();
    let ran = untouched(&repo, &["sprint-1"], 1);
    assert!(ran.err.contains("hint: write `plan.toml`"), "{}", ran.err);
    untouched(&repo, &["plan", "show"], 1);
    repo.plan(&PLAN.replace("title = \"Make it\"", "titel = \"Make it\""));
    for words in [&["sprint-1"][..], &["plan", "check"], &["plan", "show"], &["plan", "graph"]] {
        let ran = untouched(&repo, words, 1);
        assert!(ran.err.contains("plan.toml:9: ") && ran.err.contains("    fix: "), "{}", ran.err);
        assert!(ran.err.contains("write `title`"), "{}", ran.err);
    }
    let fault = untouched(&repo, &["plan", "check", "--json"], 1).json();
    assert_eq!((&fault["ok"], &fault["faults"][1]["line"]), (&false.into(), &9.into()));
}

#[test]
fn a_plan_is_shown_in_every_shape_and_needs_no_repository() {
    let dir = TempDir::new().unwrap();
    dir.child("p.toml").write_str(ONE_SPRINT).unwrap();
    let run = |words: &[&str]| {
        let mut command = TestRepo::empty(&[]).command(PROGRAM);
        Ran::of(command.args(words).current_dir(dir.path()).output().unwrap())
    };
    for (words, part) in [
        (&["plan", "show", "p.toml"][..], "T-1  Make done.txt"),
        (&["plan", "show", "p.toml", "--json"], "\"id\":\"T-1\""),
        (&["plan", "check", "p.toml"], "sound: 1 sprint, 1 task"),
        (&["plan", "check", "p.toml", "--json"], "\"ok\":true"),
        (&["plan", "graph", "p.toml"], "T-1  Make done.txt"),
        (&["plan", "graph", "p.toml", "--format", "dot"], "digraph"),
        (&["plan", "graph", "p.toml", "--format", "mermaid"], "flowchart LR"),
        (&["plan", "graph", "p.toml", "--json"], "\"after\":[]"),
        (&["schema"], "\"$schema\""),
    ] {
        let ran = run(words).ends(0);
        assert!(ran.out.contains(part), "{words:?}: {}", ran.out);
    }
    for words in [
        &["plan", "show", "none.toml"][..],
        &["plan", "show"],
        &["status"],
        &[],
        &["sprint-1"],
        &["list"],
    ] {
        let ran = run(words).ends(1);
        let about = predicate::str::contains("not a git repository")
            .or(predicate::str::contains("none.toml"));
        assert!(about.eval(&ran.err), "{words:?}: {}", ran.err);
    }
}

#[test]
fn plans_of_other_tools_come_in_and_go_out() {
    let actions = include_str!("plans/actions.json");
    let repo = TestRepo::new();
    repo.write("actions.json", actions);
    repo.write("src/cart.rs", "// a cart\n\nfn total() {}\n");
    repo.run(&["plan", "import", "actions.json", "-o", "plan.toml"]).ends(0);
    let again = repo.run(&["plan", "import", "actions.json", "-o", "plan.toml"]).ends(1);
    assert!(again.err.contains("already there"), "{}", again.err);
    let frozen = repo.run(&["plan", "show", "actions.json", "--json"]).ends(0).json();
    let mut own = repo.run(&["plan", "show", "plan.toml", "--json"]).ends(0).json();
    assert_eq!(own, frozen);
    own["id"] = "TASKS".into();
    let page = repo.run(&["plan", "export", "plan.toml", "--format", "tasks"]).ends(0).out;
    repo.write("TASKS.md", &page);
    assert_eq!(repo.run(&["plan", "show", "TASKS.md", "--json"]).ends(0).json(), frozen);
    for format in ["actions", "toml", "json"] {
        let text = repo.run(&["plan", "export", "TASKS.md", "--format", format]).ends(0).out;
        repo.write(&format!("out.{format}"), &text);
        let name = format!("out.{format}");
        let back = if format == "actions" {
            repo.run(&["plan", "import", &name, "--format", "actions", "--json"]).ends(0).json()
        } else {
            repo.run(&["plan", "show", &name, "--json"]).ends(0).json()
        };
        assert_eq!(back["sprint"], frozen["sprint"], "{format}");
    }
    let context = repo.run(&["plan", "context", "impl-cart", "actions.json"]).ends(0).out;
    assert!(context.contains("     3  fn total() {}"), "{context}");
    let context =
        repo.run(&["plan", "context", "impl-cart", "actions.json", "--json"]).ends(0).json();
    assert_eq!(context["excerpts"][0]["first"], 1);
    repo.run(&["plan", "context", "ghost", "actions.json"]).ends(1);
    repo.write(
        "bad.json",
        &actions.replace("src/pay.rs", "src/*.rs").replace("impl-pay", "plan-1"),
    );
    let faults = repo.run(&["plan", "import", "bad.json"]).ends(1).err;
    for word in ["Globs are forbidden", "Duplicate task id", "tasks[3].file_scope.writes[0]"] {
        assert!(faults.contains(word), "{word}: {faults}");
    }
    repo.git(&["config", "run.plan", "actions.json"]);
    assert!(repo.run(&["plan", "check"]).ends(0).out.contains("sound: 2 sprints, 5 tasks"));
}

#[test]
fn the_page_of_a_run_tells_where_its_tasks_stand() {
    let repo = planned();
    let page = repo.run(&["plan", "export", "--format", "tasks"]).ends(0).out;
    assert!(page.contains("- Status: pending"), "{page}");
    repo.run(&["sprint-1"]).ends(0);
    let run = repo.run(&["list", "--porcelain"]).ends(0).out;
    let run = run.split_whitespace().next().unwrap().to_owned();
    let page = repo.run(&["plan", "export", "--format", "tasks", "--run", &run]).ends(0).out;
    assert!(page.contains("- Status: done"), "{page}");
}

#[test]
fn help_is_complete_for_every_command() {
    let repo = TestRepo::new();
    let top = repo.run(&["-h"]).ends(0).out;
    for command in [
        "start", "halt", "resume", "status", "list", "log", "show", "deleted", "verify", "plan",
        "schema", "demo",
    ] {
        assert!(top.contains(command), "{command}");
        let help = repo.run(&[command, "-h"]).ends(0).out;
        assert!(help.contains("Usage: git") && help.contains("--json"), "{command}: {help}");
    }
    assert!(repo.run(&["--version"]).ends(0).out.starts_with("git-run "));
}

#[test]
fn every_failure_is_json_where_that_was_asked_for() {
    let repo = planned();
    for (words, code) in [
        (&["sprint-9", "--json"][..], 2),
        (&["--json", "sprint-9"], 2),
        (&["status", "--bogus", "--json"], 2),
        (&["sprint-1", "--bogus", "--json"], 2),
        (&["status", "nonesuch", "--json"], 1),
        (&["halt", "--json"], 1),
        (&["sprint-1", "--branch", "main", "--json"], 3),
    ] {
        let value = untouched(&repo, words, code).json();
        assert_eq!((&value["schema"], &value["exit"]), (&"git-run/error/1".into(), &code.into()));
        assert!(!value["error"].as_str().unwrap().is_empty(), "{words:?}");
    }
}

#[test]
fn git_finds_it_as_a_subcommand() {
    let repo = planned();
    let work = repo.work.to_str().unwrap().to_owned();
    repo.write("sub/dir/file", "x\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "-qm", "sub"]);
    repo.git(&["config", "alias.go", "run status"]);
    repo.git(&["config", "alias.going", "!git run status"]);
    let (sub, git_dir) = (format!("{work}/sub/dir"), format!("--git-dir={work}/.git"));
    for (dir, words) in [
        (work.as_str(), &["run"][..]),
        (&work, &["run", "status"]),
        (&sub, &["run", "status"]),
        ("/", &["-C", &work, "run"]),
        ("/", &[&git_dir, "run"]),
        (&work, &["go"]),
        (&sub, &["going"]),
    ] {
        let ran = through_git(&repo, dir, words).ends(0);
        assert!(ran.out.contains("no run in this work tree"), "{dir} {words:?}: {}", ran.out);
    }
    through_git(&repo, "/", &["run"]).ends(1);
    let off = through_git(&repo, &work, &["-c", "run.enabled=false", "run", "sprint-1"]).ends(1);
    assert!(off.err.contains("not enabled"), "{}", off.err);
    through_git(&repo, &sub, &["-c", "run.maxCycles=7", "run", "sprint-1", "--local"]).ends(0);
    assert_eq!(repo.read("done.txt"), "done\n");
}

#[test]
fn a_run_is_found_by_a_part_of_its_name_and_by_its_target() {
    let repo = planned();
    repo.run(&["sprint-1", "--local"]).ends(0);
    let run = repo.status()["run"].as_str().unwrap().to_owned();
    for name in [&run, &run[..run.len() - 3], "sprint-1"] {
        for command in ["status", "log", "verify", "show"] {
            repo.run(&[command, name]).ends(0);
        }
    }
    for words in [&["show", "plan"][..], &["show", "policy"], &["show", "workflow"], &["show", "1"]]
    {
        assert_ne!(repo.run(words).ends(0).out, "");
    }
    for words in [
        &["show", "9999"][..],
        &["show", "../../etc/passwd"],
        &["status", "2"],
        &["halt"],
        &["resume"],
    ] {
        let code = if *words == ["status", "2"] { 0 } else { 1 };
        untouched(&repo, words, code);
    }
    let list = repo.run(&["list", "--porcelain", "-z"]).ends(0).out;
    assert_eq!(list, format!("{run}\tJACKED_OUT\t100\tsprint-1\tfeature/sprint-1\0"));
    // Two events, and as the last line the next command.
    assert_eq!(repo.run(&["log", "-n", "2"]).ends(0).out.lines().count(), 3);
}

#[test]
fn no_escape_sequence_of_a_stranger_reaches_the_terminal() {
    let repo = TestRepo::scripted(&[
        (
            "implement",
            "printf '\\033]0;evil\\007\\233'; printf '\\033[31m' >&2; echo work > work.txt",
        ),
        (
            "review",
            "report '{\"format\":1,\"verdict\":\"revise\",\"summary\":\"\\u001b[2J\",\"findings\":[{\"rule\":\"\\u001b[31m\",\"severity\":\"high\",\"path\":\"\\u009b\",\"message\":\"a\\u001b[2Jb\\u202ec\"}]}'",
        ),
    ]);
    let branch = "x\u{9b}31m\u{202e}y";
    let ran = repo.run(&["sprint-1", "--local", "--max-cycles", "1", "--branch", branch]).ends(4);
    let mut said = vec![ran.out, ran.err];
    for words in [
        &[][..],
        &["status", "-v"],
        &["status", "--porcelain"],
        &["status", "--for-agent"],
        &["log"],
        &["list"],
        &["list", "--porcelain"],
        &["show", "policy"],
        &["show", "artifacts/sprint-1/0002-review.json"],
    ] {
        said.push(repo.run(words).ends(0).out);
    }
    repo.run(&["halt", "--force"]).ends(0);
    said.push(repo.run(&["T-1", "-n", "--branch", branch]).ends(0).out);
    for text in said {
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}', '\u{7}']), "{text:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let repo = planned();
    repo.run(&["sprint-1", "--local"]).ends(0);
    for words in ["log", "log --json", "status -v", "-h", "plan show", "list"] {
        let script = format!("\"$0\" {words} | true; exit 0");
        let ran = Ran::of(repo.command("sh").args(["-c", &script, PROGRAM]).output().unwrap());
        assert_eq!(ran.ends(0).err, "", "{words}");
    }
}

#[test]
fn loa_34_a_setting_that_is_not_understood_never_means_allow() {
    for (key, value, part) in [
        ("run.enabled", "maybe", "it takes `true` or `false`"),
        ("run.enable", "true", "`run.enable` in"),
        ("run.breaker.sameFindings", "3", "`run.breaker.samefindings` in"),
        ("run.review.comand", "x", "`run.review.comand` in"),
        ("run.maxCycles", "0", "a whole number from 1 on"),
        ("run.maxCycles", "-1", "a whole number from 1 on"),
        ("run.timeout", "soon", "a length of time"),
        ("run.autoPush", "perhaps", "`true`, `false` or `prompt`"),
        ("run.budget.cost", "1e9", "an amount like `12.50`"),
        ("run.budget.tokens", "many", "a whole number"),
    ] {
        let repo = planned();
        repo.git(&["config", key, value]);
        let ran = untouched(&repo, &["sprint-1"], 1);
        assert!(ran.err.contains(part) && ran.err.contains(".git/config"), "{key}: {}", ran.err);
        untouched(&repo, &["status"], 0);
    }
}

#[test]
fn loa_113_a_dry_run_writes_nothing() {
    let repo = planned();
    for words in [
        &["sprint-1", "-n"][..],
        &["sprint-plan", "--dry-run", "--json"],
        &["T-1", "-n", "--branch", "x"],
    ] {
        let ran = untouched(&repo, words, 0);
        assert!(ran.out.contains("implement"), "{}", ran.out);
    }
}

/// Something that makes a repository unfit, and what the refusal says.
type Unfit = (&'static str, &'static [&'static str], i32, &'static str);

#[test]
fn loa_113_loa_34_what_is_not_fit_for_a_run_is_left_untouched() {
    let one = &["sprint-1"][..];
    let cases: &[Unfit] = &[
        ("git config run.enabled false", one, 1, "runs are not enabled"),
        (
            "git config --file ../gitconfig --unset run.enabled",
            one,
            1,
            "git config run.enabled true",
        ),
        ("", &["sprint-1", "--branch", "main"], 3, "protected branch"),
        ("", &["sprint-1", "--branch", "Main"], 3, "protected branch"),
        ("", &["sprint-1", "--branch", "release/1/x"], 3, "rule `release/*`"),
        ("git config run.protectedBranch 'Feature/*'", one, 3, "rule `Feature/*`"),
        ("git config run.branchPrefix release-", one, 3, "rule `release-*`"),
        ("", &["sprint-1", "--branch", "a..b"], 1, "no name for a branch"),
        ("", &["sprint-1", "--branch", "-f"], 2, "unexpected argument"),
        ("", &["sprint-1", "--branch=-f"], 1, "no name for a branch"),
        (
            "git branch x",
            &["sprint-1", "--branch", "x", "--base", "x"],
            3,
            "the base that the work builds on",
        ),
        (
            "git branch -m trunk; git update-ref refs/remotes/origin/trunk HEAD; git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk",
            &["sprint-1", "--branch", "trunk"],
            3,
            "the base that the work builds on",
        ),
        ("git branch feature", one, 1, "beside the branch `feature`"),
        ("git branch feature/sprint-1/x", one, 1, "beside the branch `feature/sprint-1/x`"),
        (
            "git worktree add -q ../other -b feature/sprint-1",
            one,
            1,
            "is checked out in the work tree",
        ),
        ("echo x >> README", one, 1, "`README` is not committed"),
        ("echo x >> README; git add README", one, 1, "`README` is not committed"),
        ("touch new", one, 1, "`new` is not committed"),
        ("touch \"$(printf 'a\\033b')\" c", one, 1, "2 paths are not committed"),
        (
            "git switch -qc a; echo a > README; git commit -qam a; git switch -q main; echo b > README; git commit -qam b; git merge -q a > /dev/null; git checkout -q --ours README; git add README",
            one,
            1,
            "a merge is in progress",
        ),
        (
            "git switch -qc a; echo a > README; git commit -qam a; git switch -q main; echo b > README; git commit -qam b; git cherry-pick a > /dev/null 2>&1",
            one,
            1,
            "a cherry-pick is in progress",
        ),
        (
            "git switch -qc a; echo a > README; git commit -qam a; git switch -q main; echo b > README; git commit -qam b; git switch -q a; git rebase main > /dev/null 2>&1",
            one,
            1,
            "a rebase is in progress",
        ),
        ("git bisect start > /dev/null", one, 1, "a bisect is in progress"),
        (
            "git config --file ../gitconfig --remove-section user; git config user.useConfigOnly true",
            one,
            1,
            "git does not know who you are",
        ),
        ("git config run.agent command", one, 1, "no agent is set for `implement`"),
        (
            "git config run.agent command; git config run.command nonesuch",
            one,
            1,
            "cannot be found: `nonesuch`",
        ),
        (
            "git config run.agent command; git config run.command ./nonesuch",
            one,
            1,
            "cannot be found",
        ),
        ("git config run.agent command; git config run.command \"'x\"", one, 1, "open quote"),
        ("", &["sprint-1", "--agent", "gpt"], 1, "there is no agent `gpt`"),
        ("git update-ref -d HEAD", one, 1, ""),
        ("git branch -m trunk; git checkout -q --detach", one, 2, "say `--base <branch>`"),
        ("git config core.bare true", one, 1, "bare"),
    ];
    for (script, words, code, part) in cases {
        let repo = planned();
        let out = repo.command("sh").args(["-c", script]).stdout(Stdio::null()).output().unwrap();
        let ran = untouched(&repo, words, *code);
        assert!(
            ran.err.contains(part),
            "{script} {words:?}: {}{}",
            ran.err,
            support::text(&out.stderr)
        );
        assert!(!ran.err.contains('\u{1b}'), "{script}");
    }
}

#[test]
fn loa_113_another_unfinished_run_is_not_pushed_aside() {
    let repo = TestRepo::scripted(&[("review", "revise no")]);
    repo.run(&["sprint-1", "--local", "--max-cycles", "1"]).ends(4);
    for words in [&["sprint-1"][..], &["T-1"], &["sprint-plan"]] {
        let ran = repo.run(words).ends(5);
        assert!(ran.err.contains("is HALTED") && ran.err.contains("git run resume"), "{}", ran.err);
    }
    assert_eq!(repo.refs("refs/run/").len(), 4);
}

#[test]
fn a_journal_that_is_no_journal_is_a_fault_of_its_own() {
    let repo = planned();
    repo.run(&["sprint-1", "--local"]).ends(0);
    let (run, journal) = (repo.status()["run"].as_str().unwrap().to_owned(), repo.journal());
    let main = repo.git(&["rev-parse", "main"]);
    repo.git(&["update-ref", &journal, &main]);
    for words in
        [&["status"][..], &[], &["log"], &["verify"], &["resume"], &["halt"], &["sprint-1"]]
    {
        let ran = untouched(&repo, words, 70);
        assert!(
            ran.err.contains(&run) || ran.out.contains(&run),
            "{words:?}: {}{}",
            ran.out,
            ran.err
        );
    }
    let list = untouched(&repo, &["list"], 0);
    assert!(list.err.contains(&run), "{}", list.err);
    let blob = repo.git(&["hash-object", "-w", "README"]);
    fs::write(repo.work.join(".git").join(&journal), format!("{blob}\n")).unwrap();
    untouched(&repo, &["status"], 70);
    untouched(&repo, &["verify"], 70);
}

#[test]
fn an_agent_may_be_a_path_from_the_top_of_the_work_tree() {
    let repo = planned();
    let script: PathBuf = repo.work.join("agent.sh");
    repo.script(&script, "#!/bin/sh\necho done > done.txt\n");
    repo.write("sub/x", "x\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "-qm", "agent"]);
    // The stage's own command says more than `run.agent`, which is `steps` here.
    repo.git(&["config", "run.implement.command", "./agent.sh"]);
    let output =
        repo.program().args(["sprint-1", "--local"]).current_dir(repo.work.join("sub")).output();
    Ran::of(output.unwrap()).ends(0);
    assert!(repo.told("text").join("\n").contains("implement by ./agent.sh"));
}

#[test]
fn options_of_a_start_may_come_first() {
    let repo = TestRepo::new();
    repo.plan(ONE_SPRINT);
    let first = repo.run(&["--local", "--dry-run", "--json", "sprint-1"]).ends(0).json();
    let last = repo.run(&["sprint-1", "--local", "--dry-run", "--json"]).ends(0).json();
    assert_eq!(first, last);
    let ran = repo.run(&["--json", "--bug", " "]).ends(2);
    assert!(ran.out.contains("the bug says nothing") || ran.err.contains("the bug says nothing"));
    repo.run(&["--no-such-option", "sprint-1"]).ends(2);
}
