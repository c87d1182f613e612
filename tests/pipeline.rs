//! The workflow `pipeline`, with what the older tool promised and where it failed: each row of it by its
//! name, on real repositories, with real processes.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::fs;

use serde_json::Value;
use support::{Ran, TestRepo};

const PLAN: &str = r#"
format = 1
id = "p"
title = "P"
[[sprint]]
id = "sprint-1"
title = "One"
[[sprint.task]]
id = "T-1"
title = "Make done.txt"
acceptance = ["done.txt is there"]
"#;

/// The same for the built-in agent: each stage as shell steps.
const STEPS: &str = r##"
[sprint.task.steps]
gather = ["echo '# Facts' > $GIT_RUN_OUTPUT/gather.md"]
clarify = ["printf '# C\n## Decided\nx\n## Open\nnothing\n' > $GIT_RUN_OUTPUT/clarify.md"]
plan = ["printf '# P\n## Steps\n1\n## Files\ndone.txt\n## Risks\nnone\n## Evidence\nit is there\n' > $GIT_RUN_OUTPUT/plan.md"]
review-plan = ["grep -q done.txt $GIT_RUN_INPUT/plan.md"]
impl = ["grep -q done.txt $GIT_RUN_INPUT/plan.md", "echo done > done.txt"]
review-code = ["test -f done.txt"]
rework = ["echo simpler > done.txt"]
refactor = ["echo nothing > $GIT_RUN_OUTPUT/refactor.md", "test -f done.txt"]
retro = ["printf '## Went well\nall\n## Did not\nnothing\n## Next time\nthe same\n' > $GIT_RUN_OUTPUT/retro.md"]
"##;

const PLANNED: &str = r#"printf '# P\n## Steps\n1\n## Files\ndone.txt\n## Risks\nnone\n## Evidence\nit is there\n' > "$GIT_RUN_OUTPUT/plan.md""#;

const USUAL: [(&str, &str); 9] = [
    ("gather", r#"echo facts > "$GIT_RUN_OUTPUT/gather.md""#),
    ("clarify", r#"printf '## Decided\nx\n## Open\ny\n' > "$GIT_RUN_OUTPUT/clarify.md""#),
    ("plan", PLANNED),
    ("review-plan", "pass"),
    ("impl", "echo work $calls > done.txt"),
    ("review-code", "pass"),
    ("rework", "echo simpler $calls > done.txt"),
    ("refactor", r#"echo fine > "$GIT_RUN_OUTPUT/refactor.md"; pass"#),
    (
        "retro",
        r#"printf '## Went well\na\n## Did not\nb\n## Next time\nc\n' > "$GIT_RUN_OUTPUT/retro.md""#,
    ),
];

/// A repository whose agents are scripts; those that are not named do their work and pass.
fn scripted(stages: &[(&str, &str)]) -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(PLAN);
    repo.git(&["config", "run.agent", "command"]);
    repo.git(&["config", "run.workflow", "pipeline"]);
    for (stage, usual) in USUAL {
        let own = stages.iter().find(|(named, _)| *named == stage);
        repo.agent(stage, own.map_or(usual, |(_, script)| script));
    }
    repo
}

fn by_steps() -> TestRepo {
    let repo = TestRepo::new();
    repo.plan(&format!("{PLAN}{STEPS}"));
    repo.git(&["config", "run.workflow", "pipeline"]);
    repo
}

/// A run that waits at its first gate.
fn planned(stages: &[(&str, &str)]) -> TestRepo {
    let repo = scripted(stages);
    repo.run(&["sprint-1", "--local"]).ends(5);
    repo
}

fn approve(repo: &TestRepo, words: &[&str]) -> Ran {
    repo.run(&[&["approve", "--as", "Ada"], words].concat())
}

/// Says yes and goes on to where it rests again.
fn approved(repo: &TestRepo, code: i32) {
    approve(repo, &[]).ends(0);
    repo.run(&["resume"]).ends(code);
}

fn waits(repo: &TestRepo) -> Vec<String> {
    let waits = repo.status()["waits"].clone();
    let gate = |one: &Value| one["gate"].as_str().unwrap().to_owned();
    waits.as_array().unwrap().iter().map(gate).collect()
}

fn state(repo: &TestRepo) -> (String, String) {
    let status = repo.status();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    (text(&status["state"]), text(&status["halt"]["cause"]))
}

fn is(repo: &TestRepo, wanted: (&str, &str)) {
    let found = state(repo);
    assert_eq!((found.0.as_str(), found.1.as_str()), wanted, "{:#?}", repo.told("text"));
}

#[track_caller]
fn told(repo: &TestRepo, part: &str) {
    let all = repo.told("text").join("\n");
    assert!(all.contains(part), "`{part}` is not in\n{all}");
}

#[test]
fn cwf_all_stages_with_a_person_before_the_work_and_before_the_end() {
    let repo = by_steps();
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(waits(&repo), ["approve-plan of opening"]);
    assert!(!repo.work.join("done.txt").exists(), "nothing is built before a person said yes");
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    assert_eq!(repo.read("done.txt"), "done\n");
    approved(&repo, 0);
    is(&repo, ("JACKED_OUT", "-"));
    repo.run(&["verify"]).ends(0);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

#[test]
fn cwf_a_review_sends_back_once_and_then_a_person_decides() {
    let repo = planned(&[("review-code", "revise $calls")]);
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["review-code of sprint-1"]);
    assert_eq!((repo.calls("impl"), repo.calls("review-code")), (2, 2));
    is(&repo, ("HALTED", "approval"));
    // What a person lets pass goes on; it was no judge's pass, and is told so.
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    told(&repo, "sprint-1: review-code approved by a person");
}

#[test]
fn cwf_fail_is_a_hard_stop_and_never_tried_again_by_itself() {
    for (stage, gates) in [("review-plan", 0), ("review-code", 1), ("refactor", 1)] {
        let script = r#"report '{"format":1,"verdict":"fail","summary":"it cannot work"}'"#;
        let repo = scripted(&[(stage, script)]);
        repo.run(&["sprint-1", "--local"]).ends(5);
        (0..gates).for_each(|_| approved(&repo, 5));
        is(&repo, ("HALTED", "fail-verdict"));
        assert_eq!(repo.calls(stage), 1, "{stage}");
        told(&repo, ": it cannot work");
        // What it said can be read as `status` says.
        let status = repo.run(&["status"]).ends(0).out;
        let (_, read) = status.split_once("read      git run ").unwrap();
        let words: Vec<_> = read.lines().next().unwrap().split(' ').collect();
        assert!(repo.run(&words).ends(0).out.contains("it cannot work"), "{status}");
        // Only a person lets it go on, and then it is judged again.
        repo.run(&["sprint-1"]).ends(5);
        assert_eq!(repo.calls(stage), 1, "{stage}");
        repo.run(&["resume"]).ends(5);
        assert_eq!(repo.calls(stage), 2, "{stage}");
    }
}

#[test]
fn cwf_a_conditional_pass_goes_on() {
    let remark = r#"report '{"format":1,"verdict":"conditional","findings":[{"rule":"r","severity":"low","message":"a remark"}]}'"#;
    let repo = planned(&[("review-plan", remark), ("review-code", remark)]);
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    assert_eq!((repo.calls("plan"), repo.calls("impl")), (1, 1));
    told(&repo, "verdict conditional with 1 finding");
}

#[test]
fn cwf_revise_at_the_first_gate_arrives_in_the_next_brief() {
    let plan = format!("cp \"$GIT_RUN_BRIEF\" \"$HOME/brief.$calls\"; {PLANNED}");
    let repo = planned(&[("plan", &plan)]);
    repo.run(&["modify", "--as", "Ada", "-m", "name the tests, please"]).ends(0);
    repo.run(&["resume"]).ends(5);
    assert_eq!(repo.calls("plan"), 2);
    let brief = fs::read_to_string(repo.root().join("brief.2")).unwrap();
    assert!(brief.contains("name the tests, please"), "{brief}");
    // The new plan was reviewed before it is asked for again.
    assert_eq!(repo.calls("review-plan"), 2);
    assert_eq!(waits(&repo), ["approve-plan of opening"]);
}

#[test]
fn cwf_stop_is_a_persons_no_and_nothing_is_built() {
    let repo = planned(&[]);
    repo.run(&["reject", "--as", "Ada", "-m", "not this year"]).ends(0);
    is(&repo, ("HALTED", "rejected"));
    told(&repo, "approve-plan rejected by a person: not this year");
    // Whoever resumes is asked again.
    repo.run(&["resume"]).ends(5);
    is(&repo, ("HALTED", "approval"));
    repo.run(&["halt", "--force"]).ends(0);
    is(&repo, ("JACKED_OUT", "approval"));
    assert!(waits(&repo).is_empty(), "what is over waits for nobody");
    assert_eq!(repo.calls("impl"), 0);
}

fn provenance(repo: &TestRepo) -> Vec<Value> {
    let told = repo.run(&["show", "provenance", "--json"]).ends(0).json();
    assert_eq!(told["schema"], "git-run/provenance/1");
    told["rows"].as_array().unwrap().clone()
}

/// `stage outcome`, for each row.
fn outcomes(repo: &TestRepo) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    provenance(repo).iter().map(|row| text(&row["stage"]) + " " + &text(&row["outcome"])).collect()
}

#[test]
fn cwf_provenance_has_a_row_for_each_stage_that_was_done() {
    let repo = by_steps();
    repo.run(&["sprint-1", "--local"]).ends(5);
    approved(&repo, 5);
    approve(&repo, &["-m", "well done"]).ends(0);
    repo.run(&["resume"]).ends(0);
    assert_eq!(
        outcomes(&repo),
        [
            "gather done",
            "clarify done",
            "plan done",
            "review-plan pass",
            "approve-plan approved",
            "impl done",
            "review-code pass",
            "refactor pass",
            "retro done",
            "ship approved: well done",
        ]
    );
    for row in provenance(&repo) {
        for field in ["started", "finished", "took_ms", "commit"] {
            assert!(!row[field].is_null(), "{field}: {row}");
        }
        assert!(!row["by"].as_str().unwrap().is_empty(), "{row}");
    }
    let plan = &provenance(&repo)[2];
    assert!(plan["artifacts"][0].as_str().unwrap().ends_with("/plan.md"), "{plan}");
    assert_eq!(provenance(&repo)[4]["by"], "Ada");
    let table = repo.run(&["show", "provenance", "--md"]).ends(0).out;
    assert!(table.contains("| plan of opening | 1 | steps | "), "{table}");
    assert_eq!(table.lines().filter(|line| line.starts_with("| ")).count(), 12, "{table}");
    let text = repo.run(&["show", "provenance"]).ends(0).out;
    assert!(text.contains("/plan.md"), "{text}");
    repo.run(&["show", "plan", "--md"]).ends(2);
}

#[test]
fn cwf_provenance_is_there_for_every_early_stop() {
    // What was never come to has its row as well.
    let rejected = planned(&[]);
    rejected.run(&["reject", "--as", "Ada", "-m", "no"]).ends(0);
    let rows = outcomes(&rejected);
    assert!(rows.contains(&"approve-plan rejected: no".to_owned()), "{rows:?}");
    assert!(rows.contains(&"impl not reached: approve-plan was rejected".to_owned()), "{rows:?}");
    assert!(rows.contains(&"ship not reached: approve-plan was rejected".to_owned()), "{rows:?}");

    let failed = scripted(&[("review-plan", r#"report '{"format":1,"verdict":"fail"}'"#)]);
    failed.run(&["sprint-1", "--local"]).ends(5);
    let rows = outcomes(&failed);
    assert!(rows.contains(&"review-plan fail".to_owned()), "{rows:?}");
    assert!(rows.contains(&"impl not reached: review-plan said fail".to_owned()), "{rows:?}");

    let broken = scripted(&[("plan", "exit 3")]);
    broken.run(&["sprint-1", "--local"]).ends(4);
    let rows = outcomes(&broken);
    let no_result = "plan no result (exit): exit code 3";
    assert_eq!(rows.iter().filter(|row| *row == no_result).count(), 3, "{rows:?}");

    let killed = scripted(&[("impl", "kill -9 $PPID; sleep 60"), ("plan", PLANNED)]);
    killed.run(&["sprint-1", "--local"]).ends(5);
    approve(&killed, &[]).ends(0);
    let _ = killed.run(&["resume"]);
    let rows = outcomes(&killed);
    assert!(rows.iter().any(|row| row.starts_with("impl ")), "{rows:?}");
}

#[test]
fn cwf_status_says_what_waits_since_when_and_what_to_read() {
    let repo = planned(&[]);
    let status = repo.run(&["status"]).ends(0).out;
    for part in [
        "waits     approve-plan of opening for ",
        " since 20",
        "Shall it be built as `plan.md` says?",
        "read      git run show artifacts/opening/",
        "next: git run approve approve-plan",
    ] {
        assert!(status.contains(part), "`{part}`: {status}");
    }
    let waits = repo.status()["waits"][0].clone();
    assert_eq!(waits["stage"], "approve-plan");
    assert_eq!(waits["asks"], "Shall it be built as `plan.md` says?");
    assert!(!waits["since"].is_null() && waits["until"].is_null());
    let plan = waits["papers"][0]["path"].as_str().unwrap();
    assert!(repo.run(&["show", plan]).ends(0).out.contains("## Evidence"));
    let over = repo.run(&["status", "--for-agent"]).ends(0).out;
    assert!(over.contains("waits: approve-plan of opening for a person's word"), "{over}");
    let said = approve(&repo, &["-m", "go"]).ends(0).out;
    assert!(said.contains("asked: Shall it be built"), "{said}");
    assert!(said.contains(plan), "{said}");
    assert_eq!(repo.status()["waits"], serde_json::json!([]));
}

#[test]
fn cwf_a_person_who_lets_something_pass_may_leave_out_the_next_optional_stage() {
    let repo = planned(&[("refactor", "revise again")]);
    // What is no optional stage is not left out.
    let ran = approve(&repo, &["--skip-next"]).ends(3);
    assert!(ran.err.contains("`impl` comes next"), "{}", ran.err);
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["refactor of closing"]);
    approve(&repo, &["--skip-next"]).ends(0);
    repo.run(&["resume"]).ends(5);
    assert_eq!(repo.calls("retro"), 0);
    let rows = outcomes(&repo);
    assert!(rows.contains(&"retro left out by a person".to_owned()), "{rows:?}");
}

#[test]
fn cwf_skip_leaves_out_optional_stages_alone_and_says_so() {
    let repo = scripted(&[]);
    let ran = repo.run(&["sprint-1", "--local", "--skip-stage", "review-code"]).ends(2);
    assert!(ran.err.contains("`review-code` may not be left out"), "{}", ran.err);
    let ran = repo.run(&["sprint-1", "--local", "--skip-stage", "reveiw-code"]).ends(2);
    assert!(ran.err.contains("did you mean `review-code`"), "{}", ran.err);
    repo.run(&["sprint-1", "--local", "--skip-stage", "gather,clarify,retro"]).ends(5);
    assert_eq!((repo.calls("gather"), repo.calls("clarify"), repo.calls("plan")), (0, 0, 1));
    let rows = outcomes(&repo);
    assert!(rows.contains(&"gather left out: left out at the start".to_owned()), "{rows:?}");
}

#[test]
fn cwf_from_a_stage_needs_what_lies_before_it() {
    let repo = scripted(&[]);
    let from = |stage: &str, more: &[&str], code: i32| {
        repo.run(&[&["sprint-1", "--local", "--from-stage", stage], more].concat()).ends(code)
    };
    for (stage, part) in [
        ("impl", "`impl` needs `plan.md`, which no stage before it hands in"),
        ("review-plan", "`review-plan` needs `plan.md`"),
        ("review-code", "has no work beyond `main`"),
        ("refactor", "`review-code` lies before it and would not be passed"),
        ("retro", "`review-code` lies before it"),
        ("ship", "`review-code` lies before it"),
        ("nothing", "no stage `nothing`"),
    ] {
        let ran = from(stage, &[], 2);
        assert!(ran.err.contains(part), "{stage}: {}", ran.err);
    }
    assert!(repo.refs("refs/run/").is_empty(), "nothing was written");
    // A plan that is none does not do.
    for (text, part) in [("", "is empty"), ("# P\n## Steps\n1\n", "no sections `Files`, `Risks`")] {
        fs::write(repo.root().join("plan.md"), text).unwrap();
        let ran = from("impl", &["--input", "plan.md=../plan.md"], 2);
        assert!(ran.err.contains(part), "{}", ran.err);
    }
    let text = "# P\n## Steps\n1\n## Files\nf\n## Risks\nr\n## Evidence\ne\n";
    fs::write(repo.root().join("plan.md"), text).unwrap();
    from("impl", &["--input", "plan.md=../plan.md"], 5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    assert_eq!((repo.calls("plan"), repo.calls("impl")), (0, 1));
    let rows = outcomes(&repo);
    assert!(rows.contains(&"plan left out: begun at `impl`".to_owned()), "{rows:?}");
}

#[test]
fn cwf_from_review_code_judges_the_work_that_is_there() {
    let repo = scripted(&[
        (
            "review-code",
            "git diff --name-only \"$(sed -n 's/.*`git diff \\([0-9a-f]*\\) HEAD`.*/\\1/p' $GIT_RUN_BRIEF)\" HEAD > \"$HOME/seen\"; [ $calls = 1 ] && revise x || pass",
        ),
        ("impl", "echo more > more.txt"),
    ]);
    repo.git(&["switch", "-q", "-c", "feature/sprint-1"]);
    repo.write("done.txt", "by hand\n");
    let dirty = repo.run(&["sprint-1", "--local", "--from-stage", "review-code", "--base", "main"]);
    assert!(dirty.ends(1).err.contains("not committed"));
    repo.git(&["add", "done.txt"]);
    repo.git(&["commit", "-qm", "by hand"]);
    repo.run(&["sprint-1", "--local", "--from-stage", "review-code", "--base", "main"]).ends(5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    // It saw what was there, and what it found was sent back to be built.
    let seen = fs::read_to_string(repo.root().join("seen")).unwrap();
    assert_eq!(seen, "done.txt\nmore.txt\n");
    assert_eq!((repo.calls("impl"), repo.calls("review-code")), (1, 2));
}

#[test]
fn cwf_a_paper_that_says_nothing_is_none() {
    for (script, part) in [
        (":", "`plan.md` was not handed in"),
        (": > $GIT_RUN_OUTPUT/plan.md", "`plan.md` is empty"),
        ("echo text > $GIT_RUN_OUTPUT/plan.md", "`plan.md` has no sections `Steps`, `Files`"),
        (
            "printf '## Steps\\n## Files\\nx\\n## Risks\\nx\\n## Evidence\\nx\\n' > $GIT_RUN_OUTPUT/plan.md",
            "the section `Steps` of `plan.md` is empty",
        ),
    ] {
        let repo = scripted(&[("plan", script)]);
        repo.git(&["config", "run.breaker.failures", "1"]);
        repo.run(&["sprint-1", "--local"]).ends(4);
        told(&repo, &format!("(incomplete): {part}"));
        assert_eq!(repo.calls("review-plan"), 0);
        assert_eq!(repo.status()["waits"], serde_json::json!([]));
    }
}

#[test]
fn who_tries_again_is_told_why_nothing_came_of_it_before() {
    let script =
        format!("test $calls = 1 && exit 0; cp \"$GIT_RUN_BRIEF\" \"$HOME/brief\"; {PLANNED}");
    let repo = planned(&[("plan", &script)]);
    assert_eq!(repo.calls("plan"), 2);
    let brief = std::fs::read_to_string(repo.root().join("brief")).unwrap();
    let told =
        "## Last time\n\n- it was tried before, without a result: `plan.md` was not handed in";
    assert!(brief.contains(told), "{brief}");
}

#[test]
fn cwf_a_word_is_for_the_tree_that_it_was_asked_for() {
    let repo = planned(&[]);
    let asked = repo.status()["waits"][0]["commit"].clone();
    repo.write("later.txt", "later\n");
    repo.git(&["add", "later.txt"]);
    repo.git(&["commit", "-qm", "later"]);
    let ran = approve(&repo, &[]).ends(3);
    assert!(ran.err.contains("rule: commit") && ran.err.contains("git run resume"), "{}", ran.err);
    repo.run(&["resume"]).ends(5);
    assert_ne!(repo.status()["waits"][0]["commit"], asked);
    // The judges had judged another tree, and were asked again.
    assert_eq!(repo.calls("review-plan"), 2);
    approve(&repo, &[]).ends(0);
}

/// The pipeline as a team's own, with something said otherwise.
fn own(repo: &TestRepo, name: &str, from: &str, to: &str) {
    let text = repo.run(&["workflow", "show", "pipeline", "--toml"]).ends(0).out;
    assert!(text.contains(from));
    let text = text.replacen("name = \"pipeline\"", &format!("name = \"{name}\""), 1);
    repo.write(&format!(".gitrun/workflows/{name}.toml"), &text.replacen(from, to, 1));
    repo.git(&["add", ".gitrun"]);
    repo.git(&["commit", "-qm", "docs: our own way"]);
    repo.git(&["config", "run.workflow", name]);
}

const QUESTION: &str = "ask = \"Shall it be built as `plan.md` says?\"";

#[test]
fn cwf_an_answer_that_comes_too_late_is_asked_for_again() {
    let repo = scripted(&[]);
    own(&repo, "slow", QUESTION, "answer_within = \"1s\"");
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert!(!repo.status()["waits"][0]["until"].is_null());
    std::thread::sleep(std::time::Duration::from_millis(1200));
    let ran = approve(&repo, &[]).ends(3);
    assert!(ran.err.contains("the time for an answer is over"), "{}", ran.err);
    assert!(ran.err.contains("hint: git run resume\n"), "{}", ran.err);
    assert_eq!(repo.status()["next"]["command"], "git run resume");
    repo.run(&["resume"]).ends(5);
    approve(&repo, &[]).ends(0);
    let rows = outcomes(&repo);
    assert!(rows.contains(&"approve-plan not answered, and asked again".to_owned()), "{rows:?}");
}

#[test]
fn cwf_a_teams_own_workflow_is_what_the_base_branch_says() {
    let loose = "mkdir -p .gitrun/workflows; sed 's/duty = \"human\"/duty = \"write\"\\nmakes = [{name=\"x.md\"}]/' .gitrun/workflows/ours.toml > x; mv x .gitrun/workflows/ours.toml; echo work > done.txt";
    let repo = scripted(&[("impl", loose)]);
    own(&repo, "ours", QUESTION, "ask = \"Ours?\"");
    repo.run(&["sprint-1", "--local"]).ends(5);
    assert_eq!(repo.status()["waits"][0]["asks"], "Ours?");
    approved(&repo, 5);
    assert_eq!(
        waits(&repo),
        ["ship of closing"],
        "the work tree's copy was changed, and not looked at"
    );
    assert!(repo.git(&["show", "HEAD:.gitrun/workflows/ours.toml"]).contains("x.md"));
}

#[test]
fn cwf_a_flaw_of_a_workflow_is_told_with_file_and_line() {
    let repo = scripted(&[]);
    own(&repo, "ours", "needs = [\"plan.md\"]", "needs = [\"plans.md\"]");
    let ran = repo.run(&["workflow", "check", "ours"]).ends(1);
    assert!(ran.err.contains(".gitrun/workflows/ours.toml:"), "{}", ran.err);
    assert!(ran.err.contains("needs `plans.md`, which nobody has handed in"), "{}", ran.err);
    repo.write("w.toml", "format = 2\nname = \"w\"\n[[stage]]\nid = \"a\"\nduty = \"build\"\n");
    let ran = repo.run(&["workflow", "check", "./w.toml"]).ends(1);
    assert!(ran.err.contains("./w.toml:3: nothing judges what `a` builds"), "{}", ran.err);
    repo.run(&["workflow", "check", "pipeline"]).ends(0);
}

/// What the agent's commands ended with, one after the other.
const TRIES: &str = r#"
for words in "approve" "approve --as Eve" "reject -m x --as Eve" "modify -m x --as Eve" "reopen plan -m x" \
  "override review-code --reason x"; do
  git run $words > "$HOME/said" 2>&1; echo "$words $?" >> "$HOME/codes"
  git-run $words >> "$HOME/said" 2>&1; echo "$words $?" >> "$HOME/codes"
done
echo work > done.txt
"#;

#[test]
fn cwf_no_agent_answers_for_a_person() {
    let repo = planned(&[("impl", TRIES)]);
    let dir = std::path::Path::new(support::PROGRAM).parent().unwrap();
    let path = format!("{}:{}", dir.display(), std::env::var("PATH").unwrap());
    approve(&repo, &[]).ends(0);
    Ran::of(repo.program().env("PATH", path).args(["resume"]).output().unwrap()).ends(5);
    let codes = fs::read_to_string(repo.root().join("codes")).unwrap();
    assert_eq!(codes.lines().count(), 12, "{codes}");
    assert!(codes.lines().all(|line| line.ends_with(" 3")), "{codes}");
    assert_eq!(repo.events().iter().filter(|kind| *kind == "approval-given").count(), 1);
}

#[test]
fn cwf_36_cwf_a_script_that_answers_says_for_whom() {
    let repo = planned(&[]);
    let ran = repo.run(&["approve"]).ends(5);
    assert!(ran.err.contains("git run approve --as"), "{}", ran.err);
    repo.run(&["approve", "--as", " \t"]).ends(2);
    approve(&repo, &[]).ends(0);
    // The same again is said to nobody.
    let ran = approve(&repo, &[]).ends(3);
    assert!(ran.err.contains("nothing of run"), "{}", ran.err);
    assert_eq!(repo.events().iter().filter(|kind| *kind == "approval-given").count(), 1);
}

/// A run that waits before it ships, with a remote, and the hooks in place.
fn before_ship(stages: &[(&str, &str)]) -> TestRepo {
    let repo = scripted(stages);
    repo.remote();
    repo.run(&["hooks", "install"]).ends(0);
    repo.run(&["sprint-1"]).ends(5);
    approved(&repo, 5);
    assert_eq!(waits(&repo), ["ship of closing"]);
    repo
}

/// Refused to whoever asks, by every way out, and nothing left.
#[track_caller]
fn held_back(repo: &TestRepo, why: &str) {
    for words in [&["push"][..], &["pr"]] {
        let ran = repo.run(words);
        assert_eq!(ran.code, Some(3), "{why}: {words:?}: {}{}", ran.out, ran.err);
    }
    for words in [&["push", "origin", "feature/sprint-1"][..], &["push", "origin", "HEAD"]] {
        let ran = Ran::of(repo.try_git(words));
        assert_ne!(ran.code, Some(0), "{why}: {words:?}");
        assert!(ran.err.contains("ICE: "), "{why}: {}", ran.err);
    }
    assert_eq!(repo.remote_refs(), ["refs/heads/main"], "{why}");
}

#[test]
fn c1_the_gate_needs_no_other_program_to_be_read() {
    let repo = before_ship(&[]);
    // An `awk`, a `jq` and a `sed` that understand nothing open no gate.
    let bin = repo.root().join("bin");
    fs::create_dir_all(&bin).unwrap();
    for name in ["awk", "mawk", "gawk", "jq", "sed", "grep", "yq"] {
        repo.script(&bin.join(name), "#!/bin/sh\nexit 0\n");
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    Ran::of(repo.program().env("PATH", &path).args(["push"]).output().unwrap()).ends(3);
    let mut git = repo.command("git");
    let ran = Ran::of(git.env("PATH", &path).args(["push", "origin", "HEAD"]).output().unwrap());
    assert_ne!(ran.code, Some(0));
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
}

#[test]
fn c2_cwf_36_what_is_judged_is_the_command_and_not_what_is_said_about_it() {
    let pushes = r#"
echo 'do NOT git push yet, just explain: git push origin main, ship it' > note.txt
n=0
for line in 'git push origin HEAD' 'git -C . push origin HEAD:refs/heads/x' 'sh -c "git push origin HEAD"' \
  'env git push origin HEAD' 'command git push --no-verify origin HEAD:main' 'git-run push' 'git push origin HEAD.' ; do
  n=$((n + 1)); sh -c "$line" > "$HOME/out.$n" 2>&1; echo "$?" >> "$HOME/codes"
done
git commit -qam 'ship it' --allow-empty; echo work > done.txt"#;
    let repo = scripted(&[("impl", pushes)]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(5);
    approved(&repo, 5);
    assert_eq!(repo.calls("impl"), 1, "what was only said blocked nothing");
    let codes = fs::read_to_string(repo.root().join("codes")).unwrap();
    assert_eq!(codes.lines().count(), 7);
    assert!(codes.lines().all(|code| code != "0"), "{codes}");
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
    // The commits of the run's own branch are its own, whatever their message says.
    assert!(repo.git(&["log", "--format=%s"]).contains("ship it"));
}

#[test]
fn c3_cwf_36_nothing_but_the_gates_themselves_opens_them() {
    let repo = before_ship(&[]);
    held_back(&repo, "as it is");
    // Another session, another person, another home's words.
    for (name, value) in [
        ("CLAUDE_SESSION_ID", "another"),
        ("GIT_RUN_ID", "20200101-000000-0000000000"),
        ("GIT_RUN_STAGE", "ship"),
        ("USER", "root"),
    ] {
        let ran = Ran::of(repo.program().env(name, value).args(["push"]).output().unwrap());
        assert_eq!(ran.code, Some(3), "{name}: {}", ran.err);
    }
    // What can be written in the work tree and in the configuration.
    repo.write(".gitrun/workflows/pipeline.toml", "");
    repo.write(".gitrun.toml", "");
    held_back(&repo, "files");
    fs::remove_dir_all(repo.work.join(".gitrun")).unwrap();
    fs::remove_file(repo.work.join(".gitrun.toml")).unwrap();
    for (key, value) in [
        ("run.workflow", "sprint"),
        ("run.enabled", "false"),
        ("run.retro.enabled", "false"),
        ("run.refactor.enabled", "false"),
        ("run.ship.enabled", "false"),
        ("run.phase", "done"),
    ] {
        repo.git(&["config", key, value]);
        let ran = repo.run(&["push"]);
        assert_ne!(ran.code, Some(0), "{key}: {}", ran.err);
        let ran = Ran::of(repo.try_git(&["push", "origin", "feature/sprint-1"]));
        assert_ne!(ran.code, Some(0), "{key}");
        repo.git(&["config", "--unset", key]);
    }
    repo.git(&["config", "run.workflow", "pipeline"]);
    // The refs: without a journal, or with an emptied one, nothing is known, and nothing leaves.
    let journal = repo.journal();
    let tip = repo.git(&["rev-parse", &journal]);
    repo.git(&["update-ref", "-d", &journal]);
    let ran = Ran::of(repo.try_git(&["push", "origin", "feature/sprint-1"]));
    assert_ne!(ran.code, Some(0), "a journal that is gone");
    let empty = repo.git(&["commit-tree", "-m", "x", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"]);
    repo.git(&["update-ref", &journal, &empty]);
    let ran = Ran::of(repo.try_git(&["push", "origin", "feature/sprint-1"]));
    assert_ne!(ran.code, Some(0), "an emptied journal");
    repo.git(&["update-ref", &journal, &tip]);
    assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
    // Nor does a word that somebody makes up: a completion is a fold, not a field.
    repo.run(&["resume"]).ends(5);
    held_back(&repo, "resumed");
    approved(&repo, 0);
    assert_eq!(repo.status()["delivery"]["outcome"], "pushed");
}

#[test]
fn c5_cwf_of_twenty_words_at_once_one_counts() {
    let repo = planned(&[]);
    let all: Vec<_> =
        (0..20).map(|n| repo.begin(&["approve", "--as", &format!("Ada {n}")])).collect();
    let codes: Vec<_> = all.into_iter().map(|one| one.ended().code).collect();
    assert_eq!(codes.iter().filter(|code| **code == Some(0)).count(), 1, "{codes:?}");
    assert_eq!(repo.events().iter().filter(|kind| *kind == "approval-given").count(), 1);
    repo.run(&["verify"]).ends(0);
    repo.run(&["resume"]).ends(5);
}

#[test]
fn c6_cwf_36_whatever_deletes_a_file_it_is_told_afterwards() {
    for script in [
        "rm -- *.old",
        "find . -name '*.old' -delete",
        "rm \"a.old\" 'b.old'",
        "git rm -q a.old b.old",
        "python3 -c 'import os; os.remove(\"a.old\"); os.remove(\"b.old\")' || rm a.old b.old",
    ] {
        let repo = scripted(&[("impl", &format!("{script}; echo work >> done.txt"))]);
        repo.write("a.old", "one of the two files\n");
        repo.write("b.old", "the other of both of them\n");
        repo.git(&["add", "."]);
        repo.git(&["commit", "-qm", "old"]);
        repo.run(&["sprint-1", "--local"]).ends(5);
        approved(&repo, 5);
        let told = repo.run(&["deleted", "--json"]).ends(0).out;
        assert!(told.contains("b.old"), "{script}: {told}");
    }
}

#[test]
fn c7_cwf_without_a_terminal_nothing_waits_for_a_key() {
    let repo = scripted(&[]);
    repo.remote();
    let began = std::time::Instant::now();
    repo.begin(&["sprint-1", "--confirm-push"]).ended().ends(5);
    let ran = repo.begin(&["approve"]).ended().ends(5);
    assert!(ran.err.contains("there is no terminal"), "{}", ran.err);
    assert!(began.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn cwf_36_gate_rows_of_the_older_tools_own_tests() {
    let repo = before_ship(&[]);
    // A neutral command, and a commit in whatever language, while gates are open.
    repo.run(&["status"]).ends(0);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "커밋"]);
    held_back(&repo, "gates are open");
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    // An answer with a reason opens its gate, for this commit, and only a person gives it.
    repo.run(&["override", "ship", "--reason", "it is Friday"]).ends(0);
    let said = repo.run(&["status"]).ends(0).out;
    assert!(said.contains("it is Friday"), "{said}");
    repo.run(&["push"]).ends(0);
    assert_eq!(repo.remote_refs().len(), 2);
}

#[test]
fn cwf_reopen_opens_what_follows_and_what_was_approved_before_stays() {
    let repo = before_ship(&[]);
    repo.run(&["reopen", "impl", "-m", "one more thing"]).ends(0);
    repo.run(&["resume"]).ends(5);
    assert_eq!((repo.calls("plan"), repo.calls("impl"), repo.calls("review-code")), (1, 2, 2));
    assert_eq!((repo.calls("refactor"), repo.calls("retro")), (2, 2));
    assert_eq!(waits(&repo), ["ship of closing"]);
    // The plan again: all that was built by it is judged again, and asked for again.
    repo.run(&["reopen", "plan", "-m", "think again"]).ends(0);
    held_back(&repo, "reopened");
    repo.run(&["resume"]).ends(5);
    assert_eq!(waits(&repo), ["approve-plan of opening"]);
    assert_eq!((repo.calls("gather"), repo.calls("plan")), (1, 2));
    approved(&repo, 5);
    assert_eq!(repo.calls("review-code"), 3);
    assert_eq!(waits(&repo), ["ship of closing"]);
    approved(&repo, 0);
    repo.run(&["verify"]).ends(0);
}

#[test]
fn cwf_the_breaker_stops_what_comes_to_nothing() {
    let repo = scripted(&[("gather", ":")]);
    repo.run(&["sprint-1", "--local"]).ends(4);
    is(&repo, ("HALTED", "breaker"));
    assert_eq!(repo.calls("gather"), 3);
    let said = repo.run(&["status"]).ends(0).out;
    assert!(said.contains("`gather.md` was not handed in"), "{said}");
    repo.agent("gather", "echo facts > \"$GIT_RUN_OUTPUT/gather.md\"");
    repo.run(&["resume", "--reset-ice"]).ends(5);
    assert_eq!(waits(&repo), ["approve-plan of opening"]);
}

#[test]
fn cwf_a_word_is_signed_where_git_signs() {
    let repo = planned(&[]);
    let key = repo.root().join("key");
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "tester", "-f", key.to_str().unwrap()];
    assert!(std::process::Command::new("ssh-keygen").args(words).status().unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let allowed = repo.root().join("allowed");
    fs::write(&allowed, format!("tester@example.com {public}")).unwrap();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingKey", key.to_str().unwrap()),
        ("gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()),
        ("tag.gpgSign", "true"),
    ] {
        repo.git(&["config", name, value]);
    }
    let said = repo.run(&["approve", "--as", "Ada", "-m", "seen", "--json"]).ends(0).json();
    let raw = repo.run(&["show", said["signed"].as_str().unwrap()]).ends(0).out;
    assert!(raw.contains("gate approve-plan of opening") && raw.contains("SSH SIGNATURE"), "{raw}");
    let said = repo.run(&["verify"]).ends(0).out;
    assert!(said.contains("1 signature good"), "{said}");
    repo.run(&["resume"]).ends(5);
    // A word without a text, and one that leaves out more, are signed as they are.
    repo.run(&["modify", "--as", "Ada", "-m", "no\n\nby Eve"]).ends(0);
    let said = repo.run(&["verify"]).ends(0).out;
    assert!(said.contains("2 signatures good"), "{said}");
    repo.run(&["resume"]).ends(5);
    approve(&repo, &[]).ends(0);
    let said = repo.run(&["verify"]).ends(0).out;
    assert!(said.contains("3 signatures good"), "{said}");
    repo.run(&["reopen", "refactor", "-m", "again"]).ends(0);
    repo.run(&["resume"]).ends(5);
    fs::remove_file(&key).unwrap();
    let ran = approve(&repo, &[]).ends(3);
    assert!(ran.err.contains("rule: signature"), "{}", ran.err);
}

#[test]
fn cwf_36_before_anything_was_built_nothing_leaves_either() {
    let repo = scripted(&[]);
    repo.remote();
    repo.run(&["hooks", "install"]).ends(0);
    repo.run(&["sprint-1"]).ends(5);
    assert_eq!(waits(&repo), ["approve-plan of opening"]);
    held_back(&repo, "only the plan is open");
}
