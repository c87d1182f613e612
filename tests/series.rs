//! A pull request for each sprint: a run, a branch and a draft for each, one behind the other.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{collections::BTreeSet, fs};

use serde_json::Value;
use support::{Ran, TestRepo};

/// Three sprints of a task each.
const PLAN: &str = "format = 1\nid = \"p\"\ntitle = \"P\"\n\
    [[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"Make 1\"\n\
    [[sprint]]\nid = \"sprint-2\"\ntitle = \"Two\"\n[[sprint.task]]\nid = \"T-2\"\ntitle = \"Make 2\"\n\
    [[sprint]]\nid = \"sprint-3\"\ntitle = \"Three\"\n[[sprint.task]]\nid = \"T-3\"\ntitle = \"Make 3\"\n";
const BUILDS: &str = "echo $calls > $GIT_RUN_ITEM.txt";
const SERIES: [&str; 2] = ["sprint-plan", "--no-consolidate"];

/// A forge with as many drafts as there are branches.
const GH: &str = r#"#!/bin/sh
there="$HOME/forge"
mkdir -p "$there"
printf '%s\n' "$*" >> "$there/calls"
text() { sed 's/\\/\\\\/g; s/"/\\"/g' "$1" | awk '{printf "%s\\n", $0}'; }
option() { for word in "$@"; do case $word in "$name"=*) printf %s "${word#*=}";; esac; done; }
name=--head; head=$(option "$@"); pull="$there/$(echo "$head" | tr / _)"
case "$1 $2" in
"pr list")
  if test -e "$pull"; then
    printf '[{"number":7,"url":"https://forge.example/o/r/pull/7","title":"t","body":"%s","isDraft":true,"headRefName":"%s","state":"OPEN"}]\n' \
      "$(text "$pull")" "$head"
  else echo '[]'; fi ;;
"pr create")
  cat > "$pull"; name=--base; option "$@" > "$pull.base"
  test -e "$there/crash" && kill -9 $PPID
  echo "https://forge.example/o/r/pull/7" ;;
"pr edit") cat > /dev/null; echo "https://forge.example/o/r/pull/7" ;;
*) exit 1 ;;
esac
"#;

struct Series(TestRepo);

impl Series {
    fn new(stages: &[(&str, &str)]) -> Self {
        let repo = TestRepo::scripted(&[stages, &[("implement", BUILDS)]].concat());
        repo.plan(PLAN);
        repo.remote();
        fs::create_dir_all(repo.root().join("bin")).unwrap();
        repo.script(&repo.root().join("bin/gh"), GH);
        Self(repo)
    }

    fn run(&self, words: &[&str]) -> Ran {
        let path =
            format!("{}:{}", self.0.root().join("bin").display(), std::env::var("PATH").unwrap());
        Ran::of(self.0.program().args(words).env("PATH", path).output().unwrap())
    }

    /// The series, to where it rests.
    fn go(&self, more: &[&str], code: i32) -> Value {
        self.run(&[&SERIES[..], &["--json"], more].concat()).ends(code).json()
    }

    fn forge(&self, file: &str) -> String {
        fs::read_to_string(self.0.root().join("forge").join(file)).unwrap_or_default()
    }

    fn tip(&self, branch: &str) -> String {
        self.0.git(&["rev-parse", branch])
    }

    /// The subjects of what one branch has and another one has not.
    fn between(&self, from: &str, to: &str) -> String {
        self.0.git(&["log", "--format=%s", &format!("{from}..{to}")])
    }
}

fn states(found: &Value) -> Vec<String> {
    let sprints = found["sprints"].as_array().unwrap().iter();
    let word = |one: &Value| one["state"].as_str().unwrap_or("-").to_owned();
    sprints.map(word).collect()
}

fn branch(number: u32) -> String {
    format!("feature/sprint-{number}")
}

#[test]
fn loa_113_each_sprint_is_a_run_on_its_own_branch_behind_the_one_before() {
    let series = Series::new(&[]);
    let found = series.go(&[], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 3]);
    assert_eq!((&found["done"], &found["base"]), (&true.into(), &"main".into()));
    let fields: BTreeSet<_> = found["sprints"][0].as_object().unwrap().keys().cloned().collect();
    let documented = ["item", "done", "run", "state", "branch", "onto", "head", "pull_request"];
    assert_eq!(fields, documented.iter().map(|word| (*word).to_owned()).collect());
    let onto: Vec<_> =
        found["sprints"].as_array().unwrap().iter().map(|one| &one["onto"]).collect();
    assert_eq!(onto, [&Value::Null, &branch(1).into(), &branch(2).into()]);
    // Each brings its own and nothing else, behind what was proven before it.
    for (from, to) in [("main".to_owned(), 1), (branch(1), 2), (branch(2), 3)] {
        let subject = format!("feat(sprint-{to}): implement sprint-{to}");
        assert_eq!(series.between(&from, &branch(to)), subject);
        let there = ["--git-dir=../remote.git", "rev-parse", &branch(to)];
        assert_eq!(series.0.git(&there), series.tip(&branch(to)));
    }
    // Retyped, it has nothing to do, and says what comes next.
    let again = series.go(&[], 0);
    assert_eq!(again["sprints"], found["sprints"]);
    assert_eq!(series.0.calls("implement"), 3);
    let first = found["sprints"][0]["run"].as_str().unwrap();
    assert_eq!(again["next"]["command"], format!("git run pr {first}"));
    series.run(&["verify"]).ends(0);
}

#[test]
fn loa_113_each_draft_goes_into_the_branch_before_it_and_into_the_base_when_that_is_merged() {
    let series = Series::new(&[]);
    let found = series.go(&[], 0);
    let run = |at: usize| found["sprints"][at]["run"].as_str().unwrap().to_owned();
    series.run(&["pr", &run(1)]).ends(0);
    assert_eq!(series.forge("feature_sprint-2.base"), branch(1));
    let body = series.forge("feature_sprint-2");
    assert!(body.contains("It builds on `feature/sprint-1`, which is merged before it."), "{body}");
    assert!(!body.contains("implement sprint-1"), "{body}");
    // Killed between the announcement and the outcome, it is found again and not opened twice.
    fs::write(series.0.root().join("forge/crash"), "").unwrap();
    assert_eq!(series.run(&["pr", &run(0)]).code, None);
    fs::remove_file(series.0.root().join("forge/crash")).unwrap();
    assert_eq!(series.run(&["pr", &run(0), "--json"]).ends(0).json()["outcome"], "updated");
    assert_eq!(series.forge("calls").matches("pr create").count(), 2);
    assert_eq!(series.forge("feature_sprint-1.base"), "main");
    // The second was merged, and with it the first; what is behind it goes into the base.
    let tip = series.tip(&branch(2));
    series.0.git(&["push", "--quiet", "origin", &format!("{tip}:refs/heads/main")]);
    series.0.git(&["fetch", "--quiet", "origin"]);
    series.run(&["pr", &run(2)]).ends(0);
    assert_eq!(series.forge("feature_sprint-3.base"), "main");
    let next = series.go(&[], 0)["next"]["command"].clone();
    assert_eq!(next, "git run list", "every one is proposed");
}

#[test]
fn loa_113_one_that_halts_keeps_the_later_ones_from_beginning() {
    let twice = "test $GIT_RUN_ITEM = sprint-2 && test ! -e $HOME/on && exit 1; pass";
    let series = Series::new(&[("review", twice)]);
    series.0.git(&["config", "run.breaker.failures", "1"]);
    let found = series.go(&[], 4);
    assert_eq!(states(&found), ["READY_FOR_HITL", "HALTED", "-"]);
    assert_eq!(found["next"]["command"], "git run resume --reset-ice");
    assert_eq!(series.0.remote_refs(), ["refs/heads/feature/sprint-1", "refs/heads/main"]);
    // The present one is the one that is meant.
    assert_eq!(series.0.status()["target"], "sprint-2");
    assert_eq!(series.0.status()["onto"], branch(1));
    let ran = series.run(&SERIES).ends(5);
    assert!(ran.err.contains("is HALTED") && ran.err.contains("git run resume"), "{}", ran.err);
    fs::write(series.0.root().join("on"), "").unwrap();
    series.run(&["resume", "--reset-ice"]).ends(0);
    // From wherever it is typed.
    series.0.git(&["checkout", "--quiet", "main"]);
    let found = series.go(&[], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 3]);
    assert_eq!(found["base"], "main");
    assert_eq!(series.between(&branch(2), &branch(3)), "feat(sprint-3): implement sprint-3");
}

#[test]
fn loa_113_one_that_was_given_up_is_begun_anew_and_one_that_is_merged_is_left() {
    let series = Series::new(&[]);
    series.go(&["--to", "1"], 0);
    series.0.git(&["checkout", "--quiet", "main"]);
    series.0.git(&["merge", "--quiet", "--no-ff", "-m", "merge it", &branch(1)]);
    series.0.git(&["branch", "--quiet", "-d", &branch(1)]);
    series.0.agent("implement", "exit 1");
    series.0.git(&["config", "run.breaker.failures", "1"]);
    assert_eq!(states(&series.go(&[], 4)), ["READY_FOR_HITL", "HALTED", "-"]);
    series.run(&["halt", "--force"]).ends(0);
    series.0.agent("implement", BUILDS);
    let found = series.go(&["--skip", "3"], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 2]);
    assert_eq!(found["sprints"][1]["onto"], Value::Null, "the base has all of what is before it");
    assert_eq!(series.tip(&format!("{}^", branch(2))), series.tip("main"));
}

#[test]
fn loa_113_a_dry_run_of_a_series_writes_nothing_and_a_killed_one_is_gone_on_with() {
    let series = Series::new(&[]);
    let before = series.0.everything();
    let found = series.go(&["--dry-run", "--from", "2"], 0);
    assert_eq!(states(&found), ["-", "-"]);
    assert_eq!(found["sprints"][0]["item"], "sprint-2");
    let said = series.run(&[&SERIES[..], &["--dry-run"]].concat()).ends(0).out;
    let last = "sprint-3  not begun, would be `feature/sprint-3`\nnothing was written";
    assert!(said.contains(last), "{said}");
    assert_eq!(series.0.everything(), before);
    // The machine died while the second was built.
    series.0.agent(
        "implement",
        &format!("test $GIT_RUN_ITEM = sprint-2 && touch $HOME/began && sleep 600\n{BUILDS}"),
    );
    let at_work = series.0.begin(&SERIES);
    series.0.await_file("began");
    at_work.signal("-KILL");
    drop(at_work);
    series.0.agent("implement", BUILDS);
    let found = series.go(&["--dry-run"], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL", "RUNNING", "-"]);
    let found = series.go(&[], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 3]);
    assert_eq!(series.between(&branch(1), &branch(2)), "feat(sprint-2): implement sprint-2");
}

#[test]
fn loa_113_what_was_proven_is_built_on_and_nothing_that_came_after_it() {
    let series = Series::new(&[]);
    series.go(&["--to", "1"], 0);
    let proven = series.tip(&branch(1));
    series.0.git(&["commit", "--quiet", "--allow-empty", "-m", "by hand"]);
    series.go(&["--to", "2"], 0);
    assert_eq!(series.tip(&format!("{}^", branch(2))), proven);
    // A branch that is there, and of something else, is not taken.
    series.0.git(&["branch", "--quiet", &branch(3), "main"]);
    let ran = series.run(&SERIES).ends(1);
    assert!(ran.err.contains("`feature/sprint-3` is there, and does not hold"), "{}", ran.err);
    assert!(ran.err.contains("git branch -m feature/sprint-3"), "{}", ran.err);
    // What was proven is gone.
    series.0.git(&["checkout", "--quiet", "main"]);
    series.0.git(&["branch", "--quiet", "-D", &branch(2)]);
    let ran = series.run(&SERIES).ends(1);
    assert!(ran.err.contains("which does not have it"), "{}", ran.err);
}

#[test]
fn loa_113_what_somebody_laid_onto_the_next_branch_is_judged_with_it() {
    // Whoever reviews the first one prepares the second one's branch.
    let lays = "if test $GIT_RUN_ITEM = sprint-1; then git branch feature/sprint-2 $(git commit-tree -m laid -p HEAD HEAD^{tree}); fi; pass";
    let series = Series::new(&[("review", lays)]);
    let found = series.go(&["--to", "2"], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 2]);
    let laid = "feat(sprint-2): implement sprint-2\nlaid";
    assert_eq!(series.between(&branch(1), &branch(2)), laid);
    assert_eq!(series.0.status()["start"], series.tip(&branch(1)).as_str());
    let text = series.run(&["pr", "--body-only"]).ends(0).out;
    assert!(text.contains("`laid`"), "{text}");
}

#[test]
fn loa_113_sprints_that_change_nothing_are_passed_over() {
    let series = Series::new(&[]);
    let only = "format = 2\nname = \"looks\"\n[[stage]]\nid = \"sign\"\nduty = \"human\"\n";
    series.0.write("w.toml", only);
    series.0.git(&["add", "."]);
    series.0.git(&["commit", "--quiet", "--message=w"]);
    for done in 0..3 {
        let found = series.go(&["--workflow", "./w.toml"], 5);
        let mut expected = vec!["JACKED_OUT"; done];
        expected.extend(["HALTED", "-", "-", "-"]);
        assert_eq!(states(&found), expected[..3]);
        series.run(&["approve", "--as", "Ada"]).ends(0);
        series.run(&["resume"]).ends(0);
    }
    let found = series.go(&["--workflow", "./w.toml"], 0);
    assert_eq!(states(&found), ["JACKED_OUT"; 3]);
    assert_eq!(
        (&found["sprints"][2]["onto"], &found["next"]["command"]),
        (&Value::Null, &"git run list".into())
    );
    assert_eq!(series.0.remote_refs(), ["refs/heads/main"]);
}

#[test]
fn loa_113_one_that_was_built_elsewhere_is_no_part_and_one_that_went_on_is() {
    let series = Series::new(&[]);
    series.go(&["--to", "2"], 0);
    let run = series.go(&["--to", "1"], 0)["sprints"][0]["run"].as_str().unwrap().to_owned();
    series.run(&["fix", "sprint-1", "-m", "it is wrong", "--run", &run]).ends(0);
    series.0.git(&["checkout", "--quiet", &branch(1)]);
    // It is open again, and so nothing comes behind it.
    series.run(&SERIES).ends(5);
    series.run(&["resume"]).ends(0);
    let ran = series.run(&SERIES).ends(0);
    assert!(ran.err.contains("which went on since; merging brings it"), "{}", ran.err);

    let series = Series::new(&[]);
    series.run(&["sprint-2"]).ends(0);
    series.0.git(&["checkout", "--quiet", "main"]);
    series.go(&["--to", "1"], 0);
    let ran = series.run(&SERIES).ends(5);
    assert!(ran.err.contains("built `sprint-2` elsewhere"), "{}", ran.err);
}

#[test]
fn loa_113_one_that_cannot_be_pushed_holds_up_what_comes_behind_it() {
    let series = Series::new(&[]);
    let hooks = series.0.root().join("remote.git/hooks");
    fs::create_dir_all(&hooks).unwrap();
    series.0.script(&hooks.join("pre-receive"), "#!/bin/sh\nexit 1\n");
    let found = series.go(&[], 1);
    assert_eq!(states(&found), ["COMPLETE", "-", "-"]);
    assert_eq!(found["next"]["command"], "git run resume");
    series.run(&SERIES).ends(5);
    fs::remove_file(hooks.join("pre-receive")).unwrap();
    series.run(&["resume"]).ends(0);
    assert_eq!(states(&series.go(&["--local"], 0)), ["READY_FOR_HITL", "JACKED_OUT", "JACKED_OUT"]);
}

#[test]
fn loa_113_who_interrupts_one_interrupts_the_series() {
    let slow = "test $GIT_RUN_ITEM = sprint-2 && touch $HOME/began && sleep 600\n";
    let series = Series::new(&[("implement", &format!("{slow}{BUILDS}"))]);
    let at_work = series.0.begin(&SERIES);
    series.0.await_file("began");
    // Nobody else begins it meanwhile.
    series.run(&SERIES).ends(6);
    at_work.signal("-INT");
    let ran = at_work.ended().ends(130);
    assert!(ran.out.contains("sprint-3  not begun"), "{}", ran.out);
    series.0.agent("implement", BUILDS);
    series.run(&["resume"]).ends(0);
    assert_eq!(states(&series.go(&[], 0)), ["READY_FOR_HITL"; 3]);
}

#[test]
fn loa_113_rules_come_from_the_base_and_the_plan_is_read_once() {
    // The first one asks for less of the next one, in its own branch.
    let writes = "cat > .gitrun.toml <<'E'\nformat = 1\n[limits]\ncycles = 1\nE\n\
        test $GIT_RUN_ITEM = sprint-1 && sed -i 's/Make 2/Make nothing/' plan.toml\n";
    let series = Series::new(&[("implement", &format!("{writes}{BUILDS}"))]);
    let found = series.go(&["--to", "2"], 0);
    assert_eq!(states(&found), ["READY_FOR_HITL"; 2]);
    for (file, part) in [("plan.toml", "Make nothing"), (".gitrun.toml", "cycles = 1")] {
        let written = series.0.git(&["show", &format!("{}:{file}", branch(1))]);
        assert!(written.contains(part), "{written}");
    }
    let shown = series.run(&["show", "plan"]).ends(0).out;
    assert!(shown.contains("Make 2"), "{shown}");
    let status = series.0.status();
    assert_eq!((&status["base"], &status["onto"]), (&"main".into(), &branch(1).into()));
    assert_eq!(series.0.recorded("run-created")[0]["limits"]["cycles_max"], 20);
    // What is finished is not what is asked for any more: a person says what becomes of it.
    series.0.git(&["checkout", "--quiet", "main"]);
    let plan = series.0.read("plan.toml").replace("Make 1", "Make 1 well");
    series.0.plan(&plan);
    let ran = series.run(&SERIES).ends(5);
    assert!(ran.err.contains("the plan says another thing of it now"), "{}", ran.err);
}

#[test]
fn loa_113_what_cannot_be_a_series_is_a_mistake_of_usage() {
    let series = Series::new(&[]);
    for words in [
        &["sprint-1", "--no-consolidate"][..],
        &["sprint-plan", "sprint-1", "--no-consolidate"],
        &["sprint-plan", "--no-consolidate", "--branch", "x"],
        &["sprint-plan", "--no-consolidate", "--again"],
        &["--bug", "it", "--no-consolidate"],
        &["sprint-plan", "--no-consolidate", "--from", "9"],
    ] {
        series.run(words).ends(2);
    }
    assert!(series.0.refs("refs/run/").is_empty());
}
