//! Workflows as files: what is drawn in the documentation, whose word counts, and what a fault says.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use git_run::{config::workflow_file, report::workflow};
use support::TestRepo;

const DOCS: &str = include_str!("../docs/WORKFLOWS.md");

/// A workflow of one build and one judge, of this name.
fn short(name: &str, judge: &str) -> String {
    format!(
        "format = 2\nname = \"{name}\"\n[[stage]]\nid = \"implement\"\nduty = \"build\"\n[[stage]]\nid = \"{judge}\"\nduty = \"judge\"\nback_to = \"implement\"\n"
    )
}

#[test]
fn each_built_in_workflow_is_drawn_as_it_is() {
    for name in workflow_file::BUILT_IN {
        let read = workflow_file::read(workflow_file::built_in(name).unwrap()).unwrap();
        let drawn = workflow::mermaid(&read);
        assert!(DOCS.contains(&format!("### {name}\n")), "{name}");
        assert!(DOCS.contains(&drawn), "git run workflow show {name} --mermaid\n{drawn}");
    }
}

#[test]
fn a_teams_own_counts_as_it_stands_on_the_base_branch() {
    let repo = TestRepo::scripted(&[]);
    repo.agent("look", "pass");
    repo.write(".gitrun/workflows/ours.toml", &short("ours", "look"));
    let unknown = repo.run(&["workflow", "show", "ours"]).ends(2);
    assert!(unknown.err.contains("on `main`"), "{}", unknown.err);
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=ours"]);
    let list = repo.run(&["workflow", "list", "--json"]).ends(0).json();
    let last = list["workflows"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["name"].as_str(), last["from"].as_str()), (Some("ours"), Some("team")));
    // An agent that writes another one changes nothing, and the run keeps what it began with.
    repo.agent(
        "implement",
        "echo work > work.txt; sed -i 's/judge/gate/' .gitrun/workflows/ours.toml",
    );
    repo.run(&["sprint-1", "--local", "--workflow", "ours"]).ends(0);
    let kept = repo.run(&["show", "workflow"]).ends(0).out;
    assert!(kept.contains("judge"), "{kept}");
    let frozen = repo.run(&["show", "workflow", "--json"]).ends(0).json();
    assert_eq!(frozen["schema"], "git-run/workflow/1");
    let now = repo.run(&["workflow", "show", "ours", "--toml"]).ends(0).out;
    assert!(now.contains("judge"), "{now}");
    repo.run(&["verify"]).ends(0);
}

#[test]
fn a_built_in_name_means_the_built_in_one() {
    let repo = TestRepo::scripted(&[]);
    repo.write(".gitrun/workflows/sprint.toml", &short("sprint", "look"));
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=theirs"]);
    repo.run(&["sprint-1", "--local"]).ends(0);
    let stages: Vec<_> =
        repo.recorded("stage-started").iter().map(|s| s["stage"].clone()).collect();
    assert_eq!(stages, ["implement", "review", "audit"]);
}

#[test]
fn what_no_run_could_go_by_is_refused_before_one_begins() {
    let repo = TestRepo::scripted(&[]);
    let top = |key: &str| short("w", "look").replacen('\n', &format!("\n{key}\n"), 1);
    let gate = |check: &str| {
        format!(
            "{}[[stage]]\nid = \"g\"\nduty = \"gate\"\nchecks = [{check}]\n",
            short("w", "look")
        )
    };
    let judge = |key: &str| format!("{}{key}\n", short("w", "look"));
    for (text, says) in [
        (top("cycles = 0"), "0 `cycles`"),
        (top("branch_prefix = \"../x y/\""), "no branch begins with `../x y/`"),
        (top("branch_prefix = \"-x/\""), "no branch begins with"),
        (top("branch_prefix = \"refs/heads/\""), "no branch begins with"),
        (top("flows = [\"a\", \"a\"]"), "the flow `a` is there twice"),
        (top("flows = [\"a b\"]"), "`a b` is no name for a flow"),
        (gate("\"Nope!\""), "`g` checks `Nope!`, which is no name of a gate"),
        (gate("\"\""), "which is no name of a gate"),
        (gate("\"scope\", \"scope\""), "`g` checks `scope` twice"),
        (gate("{ gate = \"scope\", must_fail = true }"), "`must_fail` of `scope`"),
        (judge("agent = \" \""), "`look` names an empty `agent`"),
        (judge("needs_files = [\"../x\"]"), "`look` cannot need a file"),
        (judge("needs_files = [\"/etc/passwd\"]"), "`look` cannot need a file"),
    ] {
        repo.write("w.toml", &text);
        for words in
            [&["workflow", "check", "./w.toml"][..], &["sprint-1", "--workflow", "./w.toml"]]
        {
            let ran = repo.run(words).ends(1);
            assert!(ran.err.contains("w.toml:") && ran.err.contains(says), "{says}: {}", ran.err);
            assert!(ran.err.contains("fix: "), "{}", ran.err);
        }
        assert!(repo.refs("refs/run/").is_empty());
    }
    for (text, says) in
        [(short("w", "look"), "2 stages, 1 way through"), (gate("\"tests\""), "3 stages")]
    {
        repo.write("w.toml", &text);
        let ran = repo.run(&["workflow", "check", "./w.toml"]).ends(0);
        assert!(ran.out.contains(says), "{}", ran.out);
    }
}

#[test]
fn one_bad_workflow_of_a_team_hides_none_of_the_others() {
    let repo = TestRepo::scripted(&[]);
    repo.write(".gitrun/workflows/bad.toml", "format = 2\nname = \"bad\"\n");
    repo.write(".gitrun/workflows/ours.toml", &short("ours", "look"));
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=both"]);
    let ran = repo.run(&["workflow", "list"]).ends(0);
    assert!(ran.out.contains("ours ") && ran.out.contains("queue "), "{}", ran.out);
    assert!(
        ran.out.contains("cannot be used") && ran.out.contains("workflow check bad"),
        "{}",
        ran.out
    );
    let list = repo.run(&["workflow", "list", "--json"]).ends(0).json();
    let row = |name: &str| {
        let mut rows = list["workflows"].as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap().clone()
    };
    assert!(row("bad")["fault"].is_string() && row("bad")["about"].is_null());
    assert!(row("ours")["fault"].is_null() && row("ours")["about"].is_string());
    repo.run(&["workflow", "check", "bad"]).ends(1);
}

#[test]
fn each_fault_names_file_and_line() {
    let repo = TestRepo::new();
    for (text, line, says) in [
        (short("w", "look").replace("back_to", "bakc_to"), 9, "unknown field `bakc_to`"),
        (short("w", "look").replace("back_to = \"implement\"\n", ""), 6, "needs `back_to`"),
        (short("w", "look").replace("\"judge\"", "\"juge\""), 8, "is not one of build"),
        (short("w", "look") + "tries = 0\n", 6, "has 0 `tries`"),
        (short("w", "implement"), 6, "is there twice"),
        ("format = 2\nname = \"w\"\n".into(), 1, "at least one stage"),
        ("format = [".into(), 1, ""),
        (short("w", "look").replace("format = 2", "format = 9"), 1, "format 9"),
    ] {
        repo.write("w.toml", &text);
        let ran = repo.run(&["workflow", "check", "./w.toml"]).ends(1);
        assert!(ran.err.contains(&format!("w.toml:{line}:")), "{line} {}", ran.err);
        assert!(ran.err.contains(says), "{says}: {}", ran.err);
    }
    repo.write("w.toml", &short("w", "look"));
    let ran = repo.run(&["workflow", "check", "./w.toml"]).ends(0);
    assert!(ran.out.contains("sound: 2 stages"), "{}", ran.out);
    repo.run(&["workflow", "check", "./nothing.toml"]).ends(2);
    repo.run(&["workflow", "check"]).ends(0);
}

#[test]
fn only_what_is_optional_can_be_left_out_and_it_is_written_down() {
    let repo = TestRepo::scripted(&[]);
    let text = short("w", "look")
        + "[[stage]]\nid = \"audit\"\nduty = \"judge\"\nback_to = \"implement\"\noptional = true\non = true\n";
    repo.write("w.toml", &text);
    repo.agent("look", "pass");
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    let start = |words: &[&str]| {
        repo.run(&[&["sprint-1", "--local", "--workflow", "./w.toml"], words].concat())
    };
    for (words, says) in [
        (&["--skip-stage", "look"][..], "may not be left out"),
        (&["--skip-stage", "loko"], "did you mean `look`"),
        (&["--from-stage", "audit"], "would not be passed"),
        (&["--flow", "deep"], "no flows"),
        (&["--input", "x=y"], "takes no `x`"),
        (&["--input", "x"], "NAME=FILE"),
    ] {
        let ran = start(words).ends(2);
        assert!(ran.err.contains(says), "{words:?}: {}", ran.err);
    }
    start(&["--skip-stage", "audit"]).ends(0);
    let created = &repo.recorded("run-created")[0]["stages"];
    assert_eq!(created[2]["skipped"], "left out at the start");
    assert_eq!(repo.run(&["status", "--json"]).ends(0).json()["gates"], serde_json::json!([]));
}

/// What a file may say is what the page explains: a key that nobody can look up is one that nobody uses.
#[test]
fn every_key_of_a_workflow_is_explained() {
    const READER: &str = include_str!("../src/config/workflow_file.rs");
    let mut keys = 0;
    for part in READER.split("struct ").skip(1).filter(|part| {
        ["WorkflowDoc", "SizeDoc", "InputDoc", "StageDoc", "FullCheckDoc"]
            .iter()
            .any(|name| part.starts_with(&format!("{name} {{")))
    }) {
        let body = &part[..part.find("\n}").unwrap()];
        let fields = body.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        for (key, _) in
            fields.filter(|(key, _)| key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        {
            keys += 1;
            let ways = [
                format!("`{key}`"),
                format!("`[[{key}]]`"),
                format!("`{key} = "),
                format!("{key} = true"),
            ];
            assert!(ways.iter().any(|way| DOCS.contains(way)), "docs/WORKFLOWS.md: `{key}`");
        }
    }
    assert!(30 < keys, "{keys}");
}
