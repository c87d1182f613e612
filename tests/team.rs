//! `.gitrun.toml`: what a team agreed on, attacked by whoever works in the tree.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use support::{ONE_SPRINT, Ran, TestRepo};

fn agreed(text: &str) -> TestRepo {
    let repo = TestRepo::new();
    repo.write(".gitrun.toml", text);
    repo.git(&["add", ".gitrun.toml"]);
    repo.git(&["commit", "--quiet", "-m", "agreed"]);
    repo.remote();
    repo.git(&["fetch", "--quiet", "origin"]);
    repo
}

fn as_agent(repo: &TestRepo, line: &str) -> Ran {
    Ran::of(repo.program().args(["ice", "exec", "--", "sh", "-c", line]).output().unwrap())
}

const DEPLOY: &str = "format = 1\n[run]\nprotectedBranch = [\"deploy/*\"]\n";

#[test]
fn what_is_on_the_base_branch_binds_people_and_agents() {
    let repo = agreed(DEPLOY);
    repo.run(&["hooks", "install"]).ends(0);
    for line in ["git push origin HEAD:deploy/x", "git push origin HEAD:DEPLOY/x"] {
        let ran = as_agent(&repo, line);
        assert!(ran.code != Some(0) && ran.err.contains("deploy/*"), "{line}: {}", ran.err);
    }
    let person = repo.try_git(&["push", "origin", "HEAD:deploy/x"]);
    assert!(!person.status.success());
    assert!(repo.git(&["ls-remote", "origin", "deploy/*"]).is_empty());
    repo.git(&["push", "--quiet", "origin", "HEAD:feature/x"]);
}

#[test]
fn what_a_branch_or_the_work_tree_holds_of_it_counts_for_nothing() {
    let repo = agreed(DEPLOY);
    repo.git(&["switch", "--quiet", "-c", "feature/x"]);
    for line in [
        "echo 'format = 1' > .gitrun.toml",
        "git rm -q .gitrun.toml",
        "git commit -q -a -m 'without' --allow-empty",
        "git config run.newTags true",
    ] {
        as_agent(&repo, line);
        let ran = as_agent(&repo, "git push origin HEAD:deploy/x");
        assert!(ran.code != Some(0) && ran.err.contains("deploy/*"), "{line}: {}", ran.err);
    }
    // Nor does what the remote's branch said before it was fetched.
    repo.git(&["update-ref", "refs/heads/main", "main~1"]);
    let ran = as_agent(&repo, "git push origin HEAD:deploy/x");
    assert!(ran.err.contains("deploy/*"), "{}", ran.err);
}

#[test]
fn a_run_is_held_to_it() {
    let repo = agreed(
        "format = 1\n[run]\nprotectedBranch = [\"feature/sprint-*\"]\nautoPush = false\nmaxCycles = 2\n",
    );
    repo.plan(ONE_SPRINT);
    let ran = repo.run(&["sprint-1"]).ends(3);
    assert!(ran.err.contains("feature/sprint-*"), "{}", ran.err);
    let words = ["sprint-1", "--branch", "work/x", "--max-cycles", "9", "--dry-run", "--json"];
    assert_eq!(repo.run(&words).ends(0).json()["push"], "local");
    repo.run(&["sprint-1", "--branch", "work/x", "--max-cycles", "9"]).ends(0);
    let policy = repo.run(&["show", "policy"]).ends(0).json();
    assert_eq!(policy["limits"]["cycles_max"], 2, "{policy}");
    assert!(repo.git(&["ls-remote", "origin", "work/*"]).is_empty());
    let asking = ["sprint-1", "--branch", "work/x", "--confirm-push", "--dry-run", "--json"];
    assert_eq!(repo.run(&asking).ends(0).json()["push"], "local");
}

#[test]
fn gates_ask_for_what_the_team_asks_for_and_never_for_less() {
    let repo = agreed(
        "format = 1\n[run]\nprotectedPath = [\"ci/\"]\nhighRisk = \"block\"\n[run.gate.diff-size]\nmaxFiles = 1\n",
    );
    repo.git(&["config", "run.gate.diff-size.maxFiles", "100"]);
    repo.git(&["switch", "--quiet", "-c", "feature/x"]);
    // What the branch says of it counts for nothing.
    repo.write(".gitrun.toml", "format = 1\n");
    repo.write("ci/x", "x\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "--quiet", "-m", "x"]);
    for gate in ["protected-paths", "diff-size"] {
        repo.run(&["gate", gate]).ends(3);
    }
    // A run is held to it from its start, by the policy that it froze.
    let repo =
        agreed("format = 1\n[run]\nhighRisk = \"block\"\n[run.gate.diff-size]\nmaxFiles = 1\n");
    repo.plan(ONE_SPRINT);
    repo.run(&["sprint-1"]).ends(0);
    let policy = repo.run(&["show", "policy"]).ends(0).json();
    assert_eq!(policy["gates"]["files_max"], 1, "{policy}");
    let risky = agreed("format = 1\n[run]\nhighRisk = \"block\"\n");
    risky.plan(&ONE_SPRINT.replace("title = \"", "title = \"Password billing "));
    let ran = risky.run(&["sprint-1"]).ends(3);
    assert!(ran.err.contains("risk"), "{}", ran.err);
}

#[test]
fn one_that_is_not_understood_never_means_allow() {
    let repo = agreed("format = 1\n[run]\nprotectedbranch = [\"deploy/*\"]\n");
    repo.plan(ONE_SPRINT);
    let ran = repo.run(&["sprint-1"]).ends(1);
    assert!(ran.err.contains(".gitrun.toml") && ran.err.contains("line 3"), "{}", ran.err);
    let ran = as_agent(&repo, "git push origin HEAD:feature/x");
    assert_ne!(ran.code, Some(0), "{}", ran.err);
    assert!(repo.git(&["ls-remote", "origin", "feature/*"]).is_empty());
}
