//! TASKS.md: what is understood, what is written, and what is a fault.

use std::collections::BTreeMap;

use crate::{
    config::plan_file::{Format, Statuses, read, read_as, to_actions, to_json, to_tasks, to_toml},
    domain::{id::TaskId, plan::Plan, plan_spec::plan_digest, queue::Status, source::Source},
};

const PAGE: &str = "\
# Shop

Some words for people.

| ID | Task | Status | Deps | Spec hash |
| --- | --- | --- | --- | --- |
| T-001 | Model the cart | done | - | sha256:ab12 |
| T-009 | Only a \\| row | skipped | none | |

## Area: Cart

Goal: Sell things.

### T-001: Model the cart

- **Status:** done
- **Depends on:** none
- Spec: `docs/spec.md#cart`
- Source: spec-derived
- Complexity: medium
- Files: `src/cart/`, `Cargo.toml`

It is the first one.

Acceptance criteria:
- [x] the sum is right
- [ ] an empty cart costs nothing

### T-001T: Test the cart
- Status: In Progress
- Deps: T-001

## Fix tasks
### F-001: Mend the sum
- status: Done (External)
- type: regression

```mermaid
### T-777: no task
```

## Session log
- 2026-11-20 began
* 2026-11-21 went on
";

fn lines(plan: &Plan) -> Vec<String> {
    let tasks = plan.tasks().map(|(sprint, task)| {
        let extra: Vec<String> =
            task.extra.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{} {} {} [{}]", sprint.id, task.id, task.title, extra.join(" "))
    });
    tasks.collect()
}

#[test]
fn s15_a_page_is_read_leniently() {
    let plan = read("docs/TASKS.md", PAGE).unwrap();
    assert_eq!(
        lines(&plan),
        [
            r#"sprint-1 T-009 Only a | row [status="skipped"]"#,
            r##"sprint-2 T-001 Model the cart [complexity="medium" notes="It is the first one." source="spec-derived" spec_hash="sha256:ab12" status="done"]"##,
            r#"sprint-2 T-001T Test the cart [status="in-progress"]"#,
            r#"sprint-3 F-001 Mend the sum [fix_type="regression" status="done (external)"]"#,
        ]
    );
    assert_eq!(plan.title, "Shop");
    assert_eq!(plan.extra["session_log"], r#"["2026-11-20 began","2026-11-21 went on"]"#);
    let sprint = &plan.sprints[1];
    assert_eq!(
        (sprint.title.as_str(), sprint.goal.as_deref()),
        ("Area: Cart", Some("Sell things."))
    );
    let task = &sprint.tasks[0];
    assert_eq!(task.from, [Source::parse("docs/spec.md#cart").unwrap()]);
    assert_eq!(task.acceptance.len(), 2);
    assert_eq!(
        task.writes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        ["src/cart/", "Cargo.toml"]
    );
    assert_eq!(sprint.tasks[1].depends_on, [TaskId::parse("T-001").unwrap()]);
}

#[test]
fn s15_a_page_is_written_stably_with_the_status_of_a_run() {
    let toml = r#"format = 1
id = "shop"
title = "Shop"
[[sprint]]
id = "s-1"
title = "Cart"
goal = "Sell."
[[sprint.task]]
id = "T-1"
title = "Model"
owner = "ann"
writes = ["src/cart/"]
acceptance = ["it holds", { statement = "it is\nfast", severity = "high" }]
steps = { implement = ["echo '-->'"] }
from = ["a.md#b"]
[[sprint.task]]
id = "build"
title = "Api"
depends_on = ["T-1"]
"#;
    let plan = read("shop.toml", toml).unwrap();
    let statuses: Statuses = BTreeMap::from([(TaskId::parse("T-1").unwrap(), Status::Done)]);
    let expected = r##"# Shop

<!-- git-run: {"id":"shop"} -->

## s-1: Cart

Goal: Sell.

### T-1: Model

- Status: done
- Spec: a.md#b
- Owner: ann
- Files: `src/cart/`

<!-- git-run: {"steps":{"implement":["echo '--\u003e'"]}} -->

Acceptance:
- [x] it holds
- [x] it is
  <!-- git-run: {"severity":"high","statement":"it is\nfast"} -->

### build: Api

<!-- git-run: {"id":"build","kind":"task","title":"Api"} -->
- Status: pending
- Depends on: T-1

## Dependency graph

```mermaid
flowchart LR
  subgraph s0["s-1: Cart"]
    t0["T-1: Model"]
    t1["build: Api"]
  end
  t0 --> t1
```
"##;
    assert_eq!(to_tasks(&plan, Some(&statuses)), expected);
    let back = read("TASKS.md", expected).unwrap();
    assert_eq!(plan_digest(&back), plan_digest(&plan));
    assert_eq!(back.sprints[0].tasks[0].extra["status"], r#""done""#);
    assert_eq!(read("TASKS.md", &to_tasks(&plan, None)), Ok(plan.clone()));
    assert_eq!(read("x.toml", &to_toml(&plan).unwrap()), Ok(plan));
}

#[test]
fn cl_what_cannot_be_believed_is_a_fault_with_its_line() {
    for (text, expected) in [
        ("", (1, "no task was found")),
        ("# x\n\nwords\n", (1, "no task was found")),
        ("### T-1: x\n- Status: finished\n", (2, "`finished` is no status")),
        ("### T-1: x\n- Status: done\n- Status: done\n", (3, "`status` of `T-1` is there twice")),
        ("### T-1: x\n### T-1: y\n", (2, "the task `T-1` is already there, on line 1")),
        (
            "### T-1: x\n- Depends on: T-2\n",
            (2, "`T-1` depends on `T-2`, which is no task of this plan"),
        ),
        (
            "### T-1: x\n- Files: src/*.rs\n",
            (2, "`src/*.rs` is a glob; name the file, or the directory with a final `/`"),
        ),
        (
            "### T-1: x\n<!-- git-run: {\"a\": -->\n",
            (2, "this comment is no JSON object in one line"),
        ),
        ("### T-1: x\n<!-- git-run: []\n", (2, "this comment is no JSON object in one line")),
        (
            "## Session log\n<!-- git-run: {\"a\":1} -->\n### T-1: x\n",
            (2, "this comment stands behind nothing that it could be about"),
        ),
        (
            "### T-1: x\n- [ ] y\n  <!-- git-run: {} -->\n  <!-- git-run: {} -->\n",
            (4, "this criterion has two comments"),
        ),
        (
            "### T-1: x\n- Status: done\n## Overview\n| Task | Status |\n|-|-|\n| T-1: x | pending |\n",
            (6, "`T-1` is `pending` here and `done` below"),
        ),
    ] {
        let faults = read("TASKS.md", text).unwrap_err();
        let found = faults.iter().any(|fault| (fault.line, fault.what.as_str()) == expected);
        assert!(found, "{text}: {faults:?}");
    }
}

#[test]
fn at_what_was_imported_can_be_exported() {
    let text = include_str!("../../../../tests/plans/actions.json");
    let plan = read("actions.json", text).unwrap();
    let back = read_as(Format::Actions, "actions", &to_actions(&plan).unwrap());
    assert_eq!(back.as_ref(), Ok(&plan));
    assert_eq!(read("TASKS.md", &to_tasks(&plan, None)).as_ref(), Ok(&plan));
    assert_eq!(read("a.toml", &to_toml(&plan).unwrap()).as_ref(), Ok(&plan));
}

#[test]
fn any_plan_can_be_exported_as_actions() {
    let toml = "format = 1\n[[sprint]]\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"x\"\nsteps = { implement = [\"make\"] }\nacceptance = [\"y\"]\n";
    let plan = read("p.toml", toml).unwrap();
    let back = read_as(Format::Actions, "p", &to_actions(&plan).unwrap()).unwrap();
    let task = &back.sprints[0].tasks[0];
    assert_eq!(task.steps, plan.sprints[0].tasks[0].steps);
    assert_eq!(task.acceptance[0].statement, "y");
    assert!(to_json(&back).contains("implementor"));
}

#[test]
fn what_is_absurd_is_refused_in_time() {
    let page = |count: usize, waits: fn(usize) -> usize| {
        let task =
            |at| format!("### T-{at}: x\n- Depends on: T-{}\n- Files: `a/{at}`\n", waits(at));
        (0..count).map(task).collect::<String>()
    };
    let long = page(10_000, |at| (at + 1) % 10_000);
    assert!(read("TASKS.md", &long).unwrap_err().iter().any(|f| f.what.contains("in a circle")));
    let tasks: Vec<String> = (0..10_000)
        .map(|at| format!(r#"{{"id":"T-{at}","owner":"implementor","summary":"x","depends_on":["T-{}"],"file_scope":{{"allow":["a"],"writes":["a/{at}"]}},"acceptance_criteria":[{{"id":"A","statement":"x"}}]}}"#, (at + 1) % 10_000))
        .collect();
    let ids: Vec<String> = (0..10_000).map(|at| format!("\"T-{at}\"")).collect();
    let actions = format!(
        r#"{{"version":1,"tasks":[{}],"parallel_execution":{{"enabled":true,"groups":[{{"group_id":"g","execution_order":1,"tasks":[{}]}}]}}}}"#,
        tasks.join(","),
        ids.join(",")
    );
    let faults = read("actions.json", &actions).unwrap_err();
    assert!(faults.iter().any(|fault| fault.what.contains("(9988 more)")), "{}", faults.len());
    for text in [
        format!("{{\"tasks\":{}", "[".repeat(100_000)),
        "### T-1: x\n".repeat(90_000),
        "|".repeat(900_000),
        "#".repeat(900_000),
        "### T-1: x\n- Depends on: ".to_owned() + &"T-2,".repeat(200_000),
        "<!-- git-run: ".to_owned() + &"[".repeat(900_000),
        "x".repeat(10_000_000),
    ] {
        assert!(read_as(Format::Tasks, "x", &text).is_err());
        assert!(read_as(Format::Actions, "x", &text).is_err());
    }
}
