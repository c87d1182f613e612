//! What counts as work in a Markdown file.

use crate::{
    config::plan_file::{read, to_json},
    domain::plan::Plan,
};

const FULL: &str = "\
# Checkout _rewrite_

- [ ] not in a sprint

## Sprint 1: Cart & `Basket`

Let people
collect things.

### Tasks

- [ ] T-001: Model the [cart](https://x.example)
  - Files: `src/cart/`, Cargo.toml
  - **Owner:** ann
  - Group: a
  - it holds items
- [x] **T-002** Api that is
  so long
  Depends on: T-001, Task 1.9
  AC: answers
- [ ] Task 1.9: Numbered
  - Depends on: none
  - Acceptance:
    - one
    - two
  - Files:
    - `a/b.rs`

  A note.
- [ ] Plain words: no name
- a remark

### Acceptance Criteria

- [ ] all tests pass
- no warnings

```
## Sprint 9: Example
- [ ] T-900: example
```
> ## Sprint 8: Quoted
> - [ ] T-800: quoted

## Notes

- [ ] T-003: not in a sprint

## Sprint 2 - Release
**Acceptance criteria:**
- shipped

**Tasks**
1. Backend
   - [ ] Ship it
2. [ ] [T-010] Tell

## Sprint 3
- [ ] T-011 - Dashed
";

fn told(plan: &Plan) -> String {
    let mut out = String::new();
    for sprint in &plan.sprints {
        let goal = sprint.goal.as_deref().unwrap_or("-");
        out += &format!("{} | {} | {goal}\n", sprint.id, sprint.title);
        for task in &sprint.tasks {
            out += &format!("  {} | {}", task.id, task.title);
            let scopes = task.writes.iter().map(|scope| scope.as_str().to_owned()).collect();
            let waits = task.depends_on.iter().map(ToString::to_string).collect();
            let labels = task.owner.iter().chain(&task.group).cloned().collect();
            let extra = task.extra.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let lists: [(&str, Vec<String>); 5] = [
                ("ac", task.acceptance.iter().map(|said| said.statement.clone()).collect()),
                ("writes", scopes),
                ("after", waits),
                ("labels", labels),
                ("extra", extra),
            ];
            for (name, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
                out += &format!(" | {name}: {}", list.join("; "));
            }
            out.push('\n');
        }
    }
    out
}

#[test]
fn loa_113_a_document_is_read_as_people_write_it() {
    let plan = read("sprint.md", FULL).unwrap();
    assert_eq!((plan.id.as_str(), plan.title.as_str()), ("sprint", "Checkout rewrite"));
    let expected = "\
sprint-1 | Cart & Basket | Let people collect things.
  T-001 | Model the cart | ac: it holds items | writes: src/cart/; Cargo.toml | labels: ann; a
  T-002 | Api that is so long | ac: answers | after: T-001; 1.9 | extra: checked=true
  1.9 | Numbered | ac: one; two | writes: a/b.rs | extra: notes=\"A note.\"
  sprint-1-t4 | Plain words: no name | ac: all tests pass; no warnings
sprint-2 | Release | -
  sprint-2-t1 | Ship it | ac: shipped
  T-010 | Tell | ac: shipped
sprint-3 | Sprint 3 | -
  T-011 | Dashed
";
    assert_eq!(told(&plan), expected);
    assert_eq!(read("sprint.json", &to_json(&plan)).as_ref(), Ok(&plan));
    assert_eq!(read("sprint.md", &FULL.replace('\n', "\r\n")), Ok(plan));
}

#[test]
fn a_task_is_named_by_what_its_line_begins_with() {
    for (said, id, title) in [
        ("T-001: x", "T-001", "x"),
        ("**T-001** x", "T-001", "x"),
        ("**T-001:** x", "T-001", "x"),
        ("**T-001: x** y", "T-001", "x y"),
        ("`T-001` — x", "T-001", "x"),
        ("[T-001] x", "T-001", "x"),
        ("T-001 – x", "T-001", "x"),
        ("T-001 x", "T-001", "x"),
        ("Task 1.2: x", "1.2", "x"),
        ("**Task 1.2**: x", "1.2", "x"),
        ("1.2.3: x", "1.2.3", "x"),
        ("Note: x", "sprint-1-t1", "Note: x"),
        ("**Important** x", "sprint-1-t1", "Important x"),
        ("10:30 meeting", "sprint-1-t1", "10:30 meeting"),
        ("3 retries", "sprint-1-t1", "3 retries"),
        ("sha256 of all", "sprint-1-t1", "sha256 of all"),
        ("T-001", "sprint-1-t1", "T-001"),
        ("a/1: x", "sprint-1-t1", "a/1: x"),
    ] {
        let plan = read("p.md", &format!("## Sprint 1\n- [ ] {said}\n")).expect(said);
        let task = &plan.sprints[0].tasks[0];
        assert_eq!((task.id.as_str(), task.title.as_str()), (id, title), "{said}");
    }
}

#[test]
fn a_heading_that_nobody_can_place_is_a_fault() {
    for (heading, expected) in [
        ("## Sprint 1: x", None),
        ("## **sprint 01:** x", None),
        ("## SPRINT 1 — x", None),
        ("## Sprint 1", None),
        ("Sprint 1: x\n---", None),
        ("## Sprint 1 Overview", Some("the heading `Sprint 1 Overview` is nearly one of a sprint")),
        ("## Sprint 1-2: x", Some("the heading `Sprint 1-2: x` is nearly one of a sprint")),
        ("## Sprint 1.5: x", Some("the heading `Sprint 1.5: x` is nearly one of a sprint")),
        (
            "## Sprint99999999999: x",
            Some("the heading `Sprint99999999999: x` is nearly one of a sprint"),
        ),
        ("### Sprint 1: x", Some("no sprint heading was found")),
        ("# Sprint 1: x", Some("no sprint heading was found")),
        ("## Sprints", Some("no sprint heading was found")),
        ("    ## Sprint 1: x", Some("no sprint heading was found")),
    ] {
        let found = read("p.md", &format!("text\n\n{heading}\n- [ ] T-1: x\n"));
        let found = found.err().map(|faults| {
            assert_eq!(faults.len(), 1, "{faults:?}");
            (faults[0].line, faults[0].what.clone())
        });
        let at = if heading.starts_with(' ') || heading.contains("Sprints") { 1 } else { 3 };
        assert_eq!(found, expected.map(|what| (at, what.to_owned())), "{heading}");
    }
}

#[test]
fn a_fault_in_markdown_has_its_line() {
    let text = "\
## Sprint 1: x

- [ ] T-1: x
  Files: a,
    ../b
  - Depends on: T-9
  - Owner: ann
  - Owner: bob
- [ ] T-1: y

## Sprint 1: again
";
    let faults = read("p.md", text).unwrap_err();
    let found: Vec<_> = faults.iter().map(|f| (f.line, f.what.as_str())).collect();
    assert_eq!(
        found,
        [
            (4, "`../b` climbs out with `..`; say it relative to the top of the repository"),
            (6, "`T-1` depends on `T-9`, which is no task of this plan"),
            (8, "`Owner` is there twice for one task"),
            (9, "the task `T-1` is already there, on line 3"),
            (11, "the sprint `sprint-1` has no tasks"),
            (11, "the sprint `sprint-1` is already there, on line 1"),
        ]
    );
}
