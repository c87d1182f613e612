//! What the plan and its sections say after a run began: shown by every command that should, taken over
//! by a person alone. Real repositories, one test for each row of the table, and what documents can be.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, os::unix::fs::symlink};

use serde_json::Value;
use support::{Ran, TestRepo};

const SPEC: &str = "# Shop\n\n## Cart\n\nIt adds.\n\n### Totals\n\nThe sum.\n\n## Login\n\nIt lets in.\n\n## Search\n\nIt finds.\n";

/// Three sprints of a task each; the second one halts at its review until `go.txt` is there.
const PLAN: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make the cart"
acceptance = ["it adds"]
from = ["docs/spec.md#cart"]
[sprint.task.steps]
implement = ["echo 1 > one.txt"]
review = ["test -f one.txt"]
audit = ["true"]
[[sprint]]
id = "sprint-2"
title = "Two"
[[sprint.task]]
id = "T-2"
title = "Make the login"
from = ["docs/spec.md#login"]
[sprint.task.steps]
implement = ["echo 2 > two.txt"]
review = ["test -f go.txt"]
audit = ["true"]
[[sprint]]
id = "sprint-3"
title = "Three"
[[sprint.task]]
id = "T-3"
title = "Make the search"
from = ["docs/spec.md#Search"]
[sprint.task.steps]
implement = ["echo 3 > three.txt"]
review = ["test -f three.txt"]
audit = ["true"]
"#;

fn repo() -> TestRepo {
    let repo = TestRepo::new();
    repo.write("docs/spec.md", SPEC);
    repo.git(&["add", "docs"]);
    repo.plan(PLAN);
    repo
}

/// Sprint 1 is done, sprint 2 is at work, sprint 3 is pending, and the run is halted.
fn halfway() -> TestRepo {
    let repo = repo();
    repo.git(&["config", "run.breaker.failures", "1"]);
    repo.git(&["config", "run.maxCycles", "1"]);
    let ran = repo.run(&["sprint-plan", "--local", "--quiet"]);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    repo
}

fn spec(repo: &TestRepo, from: &str, to: &str) {
    let text = repo.read("docs/spec.md");
    assert!(text.contains(from), "{from}");
    repo.write("docs/spec.md", &text.replace(from, to));
}

fn sync(repo: &TestRepo) -> Value {
    let before = repo.refs("refs/");
    let value = repo.run(&["plan", "sync", "--json"]).ends(0).json();
    assert_eq!(value["schema"], "git-run/plan-sync/1");
    assert_eq!(repo.refs("refs/"), before, "looking writes nothing");
    value
}

/// `T-1 done changed re-verify` for each task that drifted.
fn rows(value: &Value) -> Vec<String> {
    let word = |task: &Value, key: &str| task[key].as_str().unwrap_or("-").to_owned();
    let row =
        |task: &Value| ["task", "status", "drift", "follows"].map(|key| word(task, key)).join(" ");
    value["tasks"].as_array().unwrap().iter().map(row).collect()
}

fn found(repo: &TestRepo) -> Vec<String> {
    rows(&sync(repo))
}

fn status(repo: &TestRepo) -> Value {
    repo.run(&["status", "--json"]).ends(0).json()
}

fn applied(repo: &TestRepo) -> Value {
    let value = repo.run(&["plan", "sync", "--apply", "--json"]).ends(0).json();
    repo.run(&["verify"]).ends(0);
    value
}

/// The frozen task, as the plan that counts has it.
fn task(repo: &TestRepo, id: &str) -> Value {
    let journal = repo.journal();
    let path = status(repo)["synced"]["plan"].as_str().unwrap_or("plan.json").to_owned();
    let plan: Value =
        serde_json::from_str(&repo.git(&["show", &format!("{journal}:{path}")])).unwrap();
    let sprints = plan["sprint"].as_array().unwrap().iter();
    let mut tasks = sprints.flat_map(|sprint| sprint["task"].as_array().unwrap().clone());
    tasks.find(|task| task["id"] == id).unwrap()
}

fn item(status: &Value, at: usize) -> &str {
    status["items"][at]["status"].as_str().unwrap()
}

#[test]
fn hashes_are_frozen_when_a_run_starts_and_nothing_is_said_while_nothing_changed() {
    let repo = halfway();
    let from = task(&repo, "T-1")["from"][0].as_str().unwrap().to_owned();
    assert!(from.starts_with("docs/spec.md#cart sha256:"), "{from}");
    assert_eq!(found(&repo), [""; 0]);
    let now = status(&repo);
    assert_eq!(now["drift"], Value::Null);
    assert_eq!((item(&now, 0), item(&now, 1), item(&now, 2)), ("done", "active", "pending"));
    assert!(!repo.run(&["status"]).ends(0).out.contains("drift"));
    // What a reader cannot see, and what is ticked off, is no drift.
    repo.write("docs/spec.md", &SPEC.replace('\n', "\r\n").replace("adds.", "adds.  "));
    repo.write("plan.toml", &format!("# a remark\n{}", PLAN.replace(" = ", "=")));
    assert_eq!(found(&repo), [""; 0]);
    assert_eq!(status(&repo)["drift"], Value::Null);
    let ran = repo.run(&["plan", "sync", "--apply"]).ends(0);
    assert!(ran.out.contains("say what they said"), "{}", ran.out);
    assert_eq!(status(&repo)["seq"], now["seq"], "nothing is written");
}

#[test]
fn s15_each_row_of_the_table_is_shown_with_its_hashes_and_never_applied_by_itself() {
    let repo = halfway();
    for (from, to) in [("The sum.", "The total."), ("lets in", "lets out"), ("finds", "seeks")] {
        spec(&repo, from, to);
    }
    let value = sync(&repo);
    assert_eq!(
        rows(&value),
        [
            "T-1 done changed re-verify",
            "T-2 in-progress changed flag",
            "T-3 pending changed update"
        ]
    );
    let source = &value["tasks"][0]["sources"][1];
    assert_eq!(source["source"], "docs/spec.md#cart");
    assert_ne!(source["old"], source["new"]);
    assert_eq!(source["new"].as_str().unwrap().len(), 64);
    let line = "3 tasks came from a section that changed since: git run plan sync";
    let now = repo.run(&["status"]).ends(0).out;
    assert_eq!(now.matches(line).count(), 1, "{now}");
    assert!(repo.run(&["status", "--for-agent"]).ends(0).out.contains(line));
    assert_eq!(status(&repo)["drift"]["tasks"], 3);
    assert!(repo.run(&["status", "--porcelain"]).ends(0).out.contains("drifted 3\n"));
    assert_eq!(task(&repo, "T-1")["acceptance"][0], "it adds");
    assert!(repo.run(&["plan", "sync"]).ends(0).out.contains("next: git run plan sync --apply"));
}

#[test]
fn s15_applying_is_one_event_that_takes_the_words_over_and_judges_again() {
    let repo = halfway();
    spec(&repo, "The sum.", "The total.");
    spec(&repo, "lets in", "lets out");
    repo.write(
        "plan.toml",
        &PLAN.replace("Make the search", "Make the quick search").replace("it adds", "it adds up"),
    );
    let before = status(&repo);
    let value = applied(&repo);
    assert_eq!(value["applied"], true);
    let log = repo.run(&["log", "--json"]).ends(0).out;
    assert_eq!(log.matches("\"event\":\"plan-synced\"").count(), 1, "{log}");
    let now = status(&repo);
    assert_eq!(now["synced"]["person"], "Tester");
    assert!(now["synced"]["at"].is_string());
    // What is at work stays, and is told of again; the finished one waits for it.
    assert_eq!(now["to_verify"][0], "sprint-1");
    assert_eq!(found(&repo), ["T-2 in-progress changed flag"]);
    assert_eq!(now["drift"]["tasks"], 1);
    assert_eq!(task(&repo, "T-1")["acceptance"][0], "it adds up");
    assert_eq!(task(&repo, "T-3")["title"], "Make the quick search");
    assert_eq!(now["calls"], before["calls"], "counters are never rebuilt");
    assert_eq!(now["usage"], before["usage"]);
    assert_eq!(now["breaker"], before["breaker"]);
    // And the first plan is kept as it was.
    let first = repo.git(&["show", &format!("{}:plan.json", repo.journal())]);
    assert!(first.contains("Make the search"));
    applied(&repo);
    assert_eq!(status(&repo)["seq"], now["seq"], "the same again is nothing new");
}

#[test]
fn finished_work_is_judged_again_by_the_new_words_and_by_them_alone() {
    let repo = repo();
    repo.write("plan.toml", &PLAN.replace("test -f go.txt", "true"));
    repo.git(&["commit", "--quiet", "-am", "go"]);
    let plan = repo.read("plan.toml").replace("test -f three.txt", "test -f go.txt");
    repo.write("plan.toml", &plan);
    repo.git(&["commit", "--quiet", "-am", "go"]);
    repo.git(&["config", "run.breaker.failures", "1"]);
    assert_eq!(repo.run(&["sprint-plan", "--local", "--quiet"]).code, Some(4));
    let now = status(&repo);
    assert_eq!((item(&now, 0), item(&now, 1), item(&now, 2)), ("done", "done", "active"));
    // Both finished ones change; the new review of the first asks for what is not there.
    let plan = plan.replace("test -f one.txt", "test -f one.txt && test -f more.txt");
    repo.write("plan.toml", &plan.replace("Make the login", "Make a login"));
    repo.git(&["add", "plan.toml"]);
    repo.git(&["commit", "--quiet", "-m", "docs: other words"]);
    applied(&repo);
    assert_eq!(status(&repo)["to_verify"].as_array().unwrap().len(), 2);
    repo.write("go.txt", "go\n");
    repo.git(&["add", "go.txt"]);
    repo.git(&["commit", "--quiet", "-m", "go"]);
    let ran = repo.run(&["resume", "--reset-ice", "--quiet"]);
    assert_eq!(ran.code, Some(4), "{} {}", ran.out, ran.err);
    let now = status(&repo);
    assert_eq!((item(&now, 0), item(&now, 1), item(&now, 2)), ("active", "done", "done"));
    assert_eq!(now["position"]["item"], "sprint-1");
    assert_eq!(now["to_verify"][0], "sprint-2", "one at a time");
    repo.write("more.txt", "more\n");
    repo.git(&["add", "more.txt"]);
    repo.git(&["commit", "--quiet", "-m", "more"]);
    let ran = repo.run(&["resume", "--reset-ice", "--quiet"]);
    let now = status(&repo);
    assert_eq!(ran.code, Some(0), "{} {}", ran.out, ran.err);
    assert_eq!(now["to_verify"].as_array().unwrap().len(), 0);
    assert_eq!(now["progress"]["done"], 3);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn what_showed_an_item_to_be_finished_shows_nothing_for_other_words() {
    let repo = repo();
    repo.write("plan.toml", &PLAN.replace("echo 1 > one.txt", "exit 1"));
    repo.git(&["commit", "--quiet", "-am", "docs: the plan"]);
    repo.git(&["config", "run.breaker.failures", "1"]);
    assert_eq!(repo.run(&["sprint-plan", "--local", "--quiet"]).code, Some(4));
    repo.write("one.txt", "1\n");
    repo.git(&["add", "one.txt"]);
    repo.git(&["commit", "--quiet", "-m", "feat(sprint-1): by hand"]);
    repo.run(&["reconcile", "--apply"]).ends(0);
    assert_eq!(item(&status(&repo), 0), "inferred");
    spec(&repo, "The sum.", "The total.");
    assert_eq!(found(&repo), ["T-1 done changed re-verify"]);
    applied(&repo);
    assert_eq!(item(&status(&repo), 0), "active");
    let found = repo.run(&["reconcile", "--apply", "--json"]).ends(0).json();
    assert_eq!(found["items"][0]["found"], "open", "{found}");
    assert_eq!(item(&status(&repo), 0), "active");
}

#[test]
fn a_section_that_is_gone_supersedes_what_is_open_and_one_that_was_renamed_does_not() {
    let repo = halfway();
    spec(&repo, "## Search\n\nIt finds.\n", "");
    assert_eq!(found(&repo), ["T-3 pending gone supersede"]);
    applied(&repo);
    let now = status(&repo);
    assert_eq!(now["items"][2]["evidence"], "superseded");
    assert_eq!(task(&repo, "T-3")["superseded"], true);
    assert_eq!(found(&repo), ["T-3 skipped gone nothing"]);
    assert_eq!(now["drift"], Value::Null);
    assert!(!now["gates"].to_string().contains("sprint-3"), "{}", now["gates"]);
    assert!(repo.run(&["status"]).ends(0).out.contains("[-] sprint-3  superseded"));

    let repo = halfway();
    spec(&repo, "## Search", "## Finding things");
    let value = sync(&repo);
    assert_eq!(rows(&value), ["T-3 pending moved rename"]);
    assert_eq!(value["tasks"][0]["sources"][1]["more"], "docs/spec.md#finding-things");
    assert_eq!(applied(&repo)["applied"], false);
    // Named anew in the plan it is the same again.
    repo.write("plan.toml", &PLAN.replace("spec.md#Search", "spec.md#finding-things"));
    assert_eq!(found(&repo), [""; 0]);
}

#[test]
fn tasks_that_went_came_or_moved_between_sections_are_told_apart() {
    let repo = halfway();
    let without = PLAN.split("[[sprint]]\nid = \"sprint-3\"").next().unwrap();
    repo.write("plan.toml", without);
    assert_eq!(found(&repo), ["T-3 pending gone supersede"]);
    let more = "[[sprint]]\nid = \"sprint-4\"\ntitle = \"4\"\n[[sprint.task]]\nid = \"T-4\"\ntitle = \"More\"\n";
    repo.write("plan.toml", &format!("{PLAN}{more}"));
    assert_eq!(found(&repo), ["T-4 added changed nothing"]);
    assert_eq!(status(&repo)["drift"], Value::Null);
    repo.write("plan.toml", &PLAN.replace("spec.md#Search", "spec.md#cart"));
    assert_eq!(found(&repo), ["T-3 pending changed update"]);
    // What builds on a task that the run does not have is refused as a whole.
    let plan = PLAN.replace("title = \"Make the search\"", "title = \"S\"\ndepends_on = [\"T-4\"]");
    let more = "[[sprint.task]]\nid = \"T-4\"\ntitle = \"More\"\n[[sprint]]\nid = \"sprint-2\"";
    repo.write("plan.toml", &plan.replace("[[sprint]]\nid = \"sprint-2\"", more));
    let seq = status(&repo)["seq"].clone();
    let ran = repo.run(&["plan", "sync", "--apply"]).ends(1);
    assert!(ran.err.contains("does not fit into the run"), "{}", ran.err);
    assert_eq!(status(&repo)["seq"], seq);
}

#[test]
fn what_cannot_be_read_is_unknown_and_nothing_follows() {
    let repo = halfway();
    let path = repo.work.join("docs/spec.md");
    let other = repo.root().join("outside.md");
    fs::write(&other, SPEC).unwrap();
    let set = |how: &str| {
        let _ = fs::remove_file(&path);
        let _ = fs::remove_dir(&path);
        match how {
            "missing" => {}
            "directory" => fs::create_dir(&path).unwrap(),
            "loop" => symlink("spec.md", &path).unwrap(),
            "outside" => symlink(&other, &path).unwrap(),
            "latin-1" => fs::write(&path, b"## Cart\n\n\xe9\n").unwrap(),
            "large" => fs::write(&path, vec![b'#'; 50 << 20]).unwrap(),
            "pipe" => {
                let ran = repo.command("mkfifo").arg(&path).output().unwrap();
                Ran::of(ran).ends(0);
            }
            other => panic!("{other}"),
        }
    };
    for (how, why) in [
        ("missing", "is not there"),
        ("directory", "is no file"),
        ("loop", "cannot be read"),
        ("outside", "leads out of the work tree"),
        ("latin-1", "is not UTF-8"),
        ("large", "has 52428800 bytes"),
        ("pipe", "is no file"),
    ] {
        set(how);
        let value = sync(&repo);
        assert_eq!(
            rows(&value),
            ["T-1 done unknown look", "T-2 in-progress unknown look", "T-3 pending unknown look"],
            "{how}"
        );
        let said = value["tasks"][0]["sources"][1]["more"].as_str().unwrap();
        assert!(said.contains(why), "{how}: {said}");
        let out = repo.run(&["status"]).ends(0).out;
        assert!(out.contains("of 3 tasks it cannot be told: git run plan sync"), "{how}: {out}");
        assert_eq!(applied(&repo)["applied"], false, "{how}");
    }
    set("missing");
    repo.write("docs/spec.md", SPEC);
    repo.write("plan.toml", "format = 1\nnonsense");
    assert_eq!(found(&repo).len(), 3);
    fs::remove_file(repo.work.join("plan.toml")).unwrap();
    assert_eq!(found(&repo)[0], "T-1 done unknown look");
}

#[test]
fn a_run_does_not_begin_with_a_source_that_is_not_there() {
    for (from, why) in [
        ("docs/spec.md#none", "there is no such section; there is `shop`, `cart`"),
        ("docs/none.md#cart", "`docs/none.md` is not there"),
        ("docs#cart", "is no file"),
        ("../spec.md#cart", "climbs out"),
        ("/etc/passwd", "is absolute"),
        ("docs/#cart", "is a directory"),
        ("docs/loop.md", "cannot be read"),
        ("docs/out.md", "leads out of the work tree"),
        (
            "docs/spec.md#cart sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "and not 9f86d081884c any more",
        ),
    ] {
        let repo = repo();
        symlink("loop.md", repo.work.join("docs/loop.md")).unwrap();
        symlink("/etc/passwd", repo.work.join("docs/out.md")).unwrap();
        repo.git(&["add", "docs"]);
        repo.plan(&PLAN.replace("docs/spec.md#cart", from));
        let refs = repo.refs("refs/");
        let ran = repo.run(&["sprint-plan", "--local", "--quiet"]).ends(1);
        assert!(ran.err.contains(why), "{from}: {}", ran.err);
        assert_eq!(repo.refs("refs/"), refs, "nothing was written");
    }
}

#[test]
fn no_file_says_that_a_task_is_asked_for_no_more() {
    let repo = repo();
    let sneaky = PLAN.replace("title = \"Make the search\"", "title = \"S\"\nsuperseded = true");
    repo.write("plan.toml", &sneaky.replace("title = \"S\"", "title = \"Make the search\""));
    repo.git(&["commit", "--quiet", "-am", "docs: the plan"]);
    repo.git(&["config", "run.breaker.failures", "1"]);
    assert_eq!(repo.run(&["sprint-plan", "--local", "--quiet"]).code, Some(4));
    assert_eq!(task(&repo, "T-3")["superseded"], Value::Null);
    assert_eq!(found(&repo), [""; 0]);
    repo.write("plan.toml", &sneaky);
    assert_eq!(found(&repo), ["T-3 pending changed update"]);
    applied(&repo);
    assert_eq!(task(&repo, "T-3")["title"], "S");
    assert_eq!(task(&repo, "T-3")["superseded"], Value::Null);
}

#[test]
fn duplicate_headings_and_other_people_s_sections_are_told_apart() {
    let repo = TestRepo::new();
    let spec = "# Shop\n\n## Cart\n\none\n\n```\n## Cart\n```\n\n## Cart\n\ntwo\n";
    repo.write("docs/spec.md", spec);
    repo.git(&["add", "docs"]);
    repo.plan(
        &PLAN.replace("spec.md#login", "spec.md#cart-1").replace("spec.md#Search", "spec.md"),
    );
    repo.git(&["config", "run.breaker.failures", "1"]);
    assert_eq!(repo.run(&["sprint-plan", "--local", "--quiet"]).code, Some(4));
    repo.write("docs/spec.md", &spec.replace("two", "three"));
    assert_eq!(found(&repo), ["T-2 in-progress changed flag", "T-3 pending changed update"]);
    repo.write("docs/spec.md", &spec.replace("```\n## Cart", "```\n## Other"));
    assert_eq!(found(&repo), ["T-1 done changed re-verify", "T-3 pending changed update"]);
    repo.write("docs/spec.md", &spec.replace("```\n## Cart\n```", "## Cart\n"));
    let now = found(&repo);
    assert_eq!(now[0], "T-1 done changed re-verify", "a heading more moves the numbers: {now:?}");
}

#[test]
fn an_agent_may_look_and_nobody_applies_where_nothing_stands_still() {
    let repo = halfway();
    spec(&repo, "finds", "seeks");
    let agent = |words: &[&str]| {
        let mut program = repo.program();
        program.env("GIT_RUN_AGENT", "1").args(words);
        Ran::of(program.output().unwrap())
    };
    agent(&["plan", "sync"]).ends(0);
    let ran = agent(&["plan", "sync", "--apply"]).ends(3);
    assert!(ran.err.contains("a person types git run plan sync --apply"), "{}", ran.err);
    // Another branch has other documents.
    repo.git(&["stash", "--quiet"]);
    repo.git(&["switch", "--quiet", "main"]);
    assert_eq!(status(&repo)["drift"], Value::Null);
    let ran = repo.run(&["plan", "sync", "--apply"]).ends(1);
    assert!(ran.err.contains("git switch feature/sprint-plan"), "{}", ran.err);
    repo.git(&["switch", "--quiet", "feature/sprint-plan"]);
    repo.git(&["stash", "pop", "--quiet"]);
    repo.run(&["halt", "--force"]);
    let ran = repo.run(&["plan", "sync", "--apply"]).ends(5);
    assert!(ran.err.contains("it is over"), "{}", ran.err);
    assert_eq!(status(&repo)["drift"], Value::Null, "of what is over nothing follows");
}

#[test]
fn what_an_agent_writes_into_the_documents_is_told_at_the_next_item_and_changes_nothing() {
    let repo = TestRepo::new();
    repo.write("docs/spec.md", SPEC);
    repo.git(&["add", "docs"]);
    let plan = PLAN
        .replace("test -f go.txt", "true")
        .replace("echo 1 > one.txt", "echo 1 > one.txt; sed -i s/finds/nothing/ docs/spec.md");
    repo.plan(&plan);
    let ran = repo.run(&["sprint-plan", "--local"]).ends(0);
    let line = "1 task came from a section that changed since: git run plan sync";
    assert_eq!(ran.err.matches(line).count(), 2, "once for each later item: {}", ran.err);
    let plan = repo.git(&["show", &format!("{}:plan.json", repo.journal())]);
    assert!(plan.contains("Make the search"));
}

#[test]
fn resuming_says_it_once_and_a_plan_in_markdown_names_sections_too() {
    let repo = TestRepo::new();
    repo.write("docs/spec.md", SPEC);
    let plan = "# P\n\n## Sprint 1: One\n\n- [ ] T-1: Make the cart\n  - Acceptance: it adds\n  - Spec: docs/spec.md#cart, docs/spec.md\n";
    repo.write("plan.md", plan);
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "-m", "docs: the plan"]);
    repo.git(&["config", "run.breaker.failures", "1"]);
    // No steps at all: the agent has nothing to do, and the run halts.
    let ran = repo.run(&["sprint-plan", "--local", "--quiet"]);
    assert_ne!(ran.code, Some(0), "{}", ran.out);
    assert_eq!(task(&repo, "T-1")["from"].as_array().unwrap().len(), 2);
    repo.write("plan.md", &plan.replace("[ ]", "[x]"));
    assert_eq!(found(&repo), [""; 0], "a box that is ticked asks for nothing else");
    repo.write("docs/spec.md", &SPEC.replace("It finds.", "It seeks."));
    assert_eq!(found(&repo), ["T-1 in-progress changed flag"]);
    let ran = repo.run(&["resume", "--reset-ice"]);
    let line = "1 task came from a section that changed since: git run plan sync";
    assert_eq!(ran.err.matches(line).count(), 1, "{}", ran.err);
}

#[test]
fn a_gate_goes_by_the_plan_that_a_person_took_over() {
    let repo = TestRepo::new();
    let plan = |scope: &str| {
        format!(
            "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n\
             [[sprint.task]]\nid = \"T-1\"\ntitle = \"A\"\nwrites = [\"a.txt\"]\n\
             [[sprint.task]]\nid = \"T-2\"\ntitle = \"B\"\nwrites = [\"{scope}\"]\n"
        )
    };
    repo.write("w.toml", "format = 2\nname = \"w\"\nunit = \"task\"\n[[stage]]\nid = \"implement\"\nduty = \"build\"\n[[stage]]\nid = \"scope\"\nduty = \"gate\"\nback_to = \"implement\"\ntries = 1\nchecks = [\"scope\"]\n[[stage]]\nid = \"seen\"\nduty = \"human\"\n");
    repo.write(".gitignore", "own.toml\n");
    repo.write("own.toml", &plan("c.txt"));
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    repo.git(&["config", "run.plan", "own.toml"]);
    repo.git(&["config", "run.agent", "command"]);
    repo.agent("implement", "[ $GIT_RUN_ITEM = T-1 ] && echo x > a.txt || echo x > b.txt");
    repo.run(&["sprint-1", "--local", "--workflow", "./w.toml"]).ends(5);
    // What the second task may write is another file by now.
    repo.write("own.toml", &plan("b.txt"));
    repo.run(&["plan", "sync", "--apply"]).ends(0);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(5);
    repo.run(&["approve", "--as", "Ada"]).ends(0);
    repo.run(&["resume"]).ends(0);
}
