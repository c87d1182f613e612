//! `actions.json`: what becomes of a sound one, and every fault of one that is not. The ids are
//! those of the gates that it comes from.

use serde_json::{Value, json};

use crate::{
    config::plan_file::{read, to_json},
    domain::plan::Plan,
};

const SOUND: &str = include_str!("../../../../tests/plans/actions.json");

fn sound() -> Value {
    serde_json::from_str(SOUND).unwrap()
}

/// The faults of the sound file with one thing changed.
fn faults(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut said = sound();
    change(&mut said);
    let text = serde_json::to_string_pretty(&said).unwrap();
    let faults = read("actions.json", &text).err().unwrap_or_default();
    assert!(faults.is_sorted_by_key(|fault| fault.line), "{faults:?}");
    for fault in &faults {
        assert!(!fault.fix.is_empty() && !fault.what.contains('\n'), "{fault:?}");
    }
    faults.into_iter().map(|fault| fault.what).collect()
}

fn set(path: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |root| {
        let (parent, key) = path.rsplit_once('/').unwrap();
        let at = root.pointer_mut(parent).unwrap();
        match at.as_array_mut() {
            Some(list) if key == "-" => list.push(value),
            Some(list) => list[key.parse::<usize>().unwrap()] = value,
            None => drop(at.as_object_mut().unwrap().insert(key.to_owned(), value)),
        }
    }
}

fn drop_field(path: &'static str) -> impl FnOnce(&mut Value) {
    move |root| {
        let (parent, key) = path.rsplit_once('/').unwrap();
        root.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    }
}

fn outline(plan: &Plan) -> Vec<String> {
    let tasks = plan.tasks().map(|(sprint, task)| {
        let group = task.group.as_deref().unwrap_or("-");
        format!("{} {} {group}", sprint.id, task.id)
    });
    tasks.collect()
}

#[test]
fn at_valid_actions_become_waves_of_groups() {
    let plan = read("actions.json", SOUND).unwrap();
    assert_eq!(
        outline(&plan),
        [
            "sprint-1 plan-1 -",
            "sprint-1 impl-cart first",
            "sprint-1 tests-cart first",
            "sprint-2 impl-pay second",
            "sprint-2 gate-1 -",
        ]
    );
    assert_eq!(plan.sprints[1].title, "Wave 2: second");
    let cart = &plan.sprints[0].tasks[1];
    assert_eq!(cart.acceptance[0].verifications.len(), 3);
    assert_eq!(cart.extra["description"], r#""As one sum.""#);
    assert_eq!(cart.extra["file_scope"], r#"{"allow":["src/"],"deny":["src/secret/"]}"#);
    assert!(cart.extra["context"].contains("code_pointers"));
    assert!(plan.extra["prerequisites"].contains("CARGO_HOME"));
    let thawed = read("p.json", &to_json(&plan)).unwrap();
    assert_eq!(thawed, plan);
}

#[test]
fn s37_valid_minimal_is_one_sprint() {
    let text = r#"{"version":1,"tasks":[{"id":"T1","owner":"implementor","summary":"x",
        "file_scope":{"allow":["src/"]},"acceptance_criteria":[{"id":"A","statement":"x"}]}],
        "parallel_execution":{"enabled":false}}"#;
    assert_eq!(outline(&read("anything.json", text).unwrap()), ["sprint-1 T1 -"]);
    assert_eq!(outline(&read("no-ending", text).unwrap()), ["sprint-1 T1 -"]);
}

#[test]
fn s12_what_a_file_must_say() {
    for (change, expected) in [
        (
            Box::new(set("/version", json!(2))) as Box<dyn FnOnce(&mut Value)>,
            "`version`: it is not 1",
        ),
        (Box::new(set("/workflow", json!("ship"))), "`workflow`: there is no such workflow"),
        (Box::new(set("/tasks", json!([]))), "`tasks`: there are none"),
        (Box::new(set("/tasks", json!("x"))), "`tasks`: it is a text, not a list"),
        (Box::new(drop_field("/parallel_execution")), "`parallel_execution`: it is missing"),
        (
            Box::new(drop_field("/parallel_execution/enabled")),
            "`parallel_execution.enabled`: it is missing",
        ),
        (
            Box::new(drop_field("/parallel_execution/groups")),
            "`parallel_execution.groups`: parallel execution is on, and there are no groups",
        ),
        (
            Box::new(set("/tasks/3/id", json!("impl-cart"))),
            "`tasks[3].id`: Duplicate task id `impl-cart`: `tasks[1]` has it",
        ),
        (
            Box::new(set("/tasks/1/owner", json!("implementer"))),
            "`tasks[1].owner`: `implementer` is no owner",
        ),
        (Box::new(drop_field("/tasks/1/file_scope")), "`tasks[1].file_scope`: it is missing"),
        (
            Box::new(drop_field("/tasks/1/file_scope/allow")),
            "`tasks[1].file_scope.allow`: there is nothing",
        ),
        (
            Box::new(set("/tasks/0/file_scope", json!({"reads": ["a"]}))),
            "`tasks[0].file_scope.reads`: `reads` is no field here",
        ),
        (
            Box::new(drop_field("/tasks/1/acceptance_criteria")),
            "`tasks[1].acceptance_criteria`: there are none",
        ),
        (
            Box::new(drop_field("/tasks/1/acceptance_criteria/0/id")),
            "`tasks[1].acceptance_criteria[0].id`: it is missing",
        ),
        (
            Box::new(set("/tasks/1/acceptance_criteria/0/severity", json!("bad"))),
            "`tasks[1].acceptance_criteria[0].severity`: there is no such severity",
        ),
        (
            Box::new(set("/tasks/1/depends_on", json!(["plan-2"]))),
            "`tasks[1].depends_on[0]`: there is no task `plan-2`",
        ),
        (
            Box::new(set("/tasks/1/context/code_pointers/0/path", json!("../x"))),
            "`tasks[1].context.code_pointers[0].path`: `../x` climbs out with `..`; say it relative to the top of the repository",
        ),
    ] {
        let found = faults(change);
        assert!(found.iter().any(|what| what == expected), "{expected}: {found:#?}");
    }
    let found = faults(|root| {
        let task = root["tasks"][1].as_object_mut().unwrap();
        let summary = task.remove("summary").unwrap();
        task.insert("title".to_owned(), summary);
    });
    assert_eq!(found, ["`tasks[1].title`: `title` is no field here"]);
}

#[test]
fn s12_s37_writes_are_files_and_directories() {
    let place = "/tasks/1/file_scope/writes";
    for (value, expected) in [
        (
            json!(["src/*.rs"]),
            "`tasks[1].file_scope.writes[0]`: Globs are forbidden in writes: `src/*.rs`",
        ),
        (
            json!(["/etc/x"]),
            "`tasks[1].file_scope.writes[0]`: `/etc/x` is absolute; say it relative to the top of the repository",
        ),
        (
            json!(["~/x"]),
            "`tasks[1].file_scope.writes[0]`: `~/x` is absolute; say it relative to the top of the repository",
        ),
        (
            json!(["a/../b"]),
            "`tasks[1].file_scope.writes[0]`: `a/../b` climbs out with `..`; say it relative to the top of the repository",
        ),
        (json!(["a", "a"]), "`tasks[1].file_scope.writes[1]`: Duplicate write scope `a`"),
        (
            json!([]),
            "`tasks[1].file_scope.writes`: a code task has no `writes`, and parallel execution is on",
        ),
        (json!([3]), "`tasks[1].file_scope.writes[0]`: it is a number, not a text"),
    ] {
        let found = faults(set(place, value));
        assert!(found.iter().any(|what| what == expected), "{expected}: {found:#?}");
    }
}

#[test]
fn s12_a9_verifications_have_what_their_type_needs() {
    let at = "`tasks[1].acceptance_criteria[0].verifications[0]`: ";
    for (value, expected) in [
        (json!({"type": "file"}), "a `file` verification of `impl-cart` has no `path`"),
        (
            json!({"type": "grep", "path": "a"}),
            "a `grep` verification of `impl-cart` has no `pattern`",
        ),
        (
            json!({"type": "grep", "path": "a", "pattern": "("}),
            "the pattern `(`: it is no regular expression: found open group without closing ')'",
        ),
        (json!({"type": "command"}), "a `command` verification of `impl-cart` has no `command`"),
        (json!({"type": "psychic"}), "`psychic` is no kind of verification"),
        (
            json!({"type": "lsp", "symbol": "x"}),
            "a `lsp` verification of `impl-cart` cannot be checked: no language server is asked",
        ),
    ] {
        let found = faults(set("/tasks/1/acceptance_criteria/0/verifications/0", value));
        assert_eq!(found, [format!("{at}{expected}")]);
    }
    for skip in [json!({"skip": true}), json!({"mode": "skip"}), json!({"skip": "none here"})] {
        let mut said = json!({"type": "lsp", "symbol": "x"});
        said.as_object_mut().unwrap().extend(skip.as_object().unwrap().clone());
        let found = faults(set("/tasks/1/acceptance_criteria/0/verifications/0", said));
        assert_eq!(found, Vec::<String>::new(), "{skip}");
    }
}

#[test]
fn s12_s37_groups_hold_each_code_task_once() {
    let groups = "/parallel_execution/groups";
    for (change, expected) in [
        (
            Box::new(set("/parallel_execution/groups/1/tasks", json!([])))
                as Box<dyn FnOnce(&mut Value)>,
            "`tasks[3]`: the code task `impl-pay` is in no group",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/tasks/-", json!("impl-cart"))),
            "`parallel_execution.groups[1].tasks[1]`: `impl-cart` is already in the group `first`",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/tasks/-", json!("ghost"))),
            "`parallel_execution.groups[1].tasks[1]`: there is no task `ghost`",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/tasks/-", json!("gate-1"))),
            "`parallel_execution.groups[1].tasks[1]`: `gate-1` is no code task: its owner is `quality-gate`",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/execution_order", json!(0))),
            "`parallel_execution.groups[1].execution_order`: it is a number, not a whole number from 1 on",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/execution_order", json!(1))),
            "`parallel_execution.groups[1].depends_on_groups[0]`: `first` has the execution_order 1, and must have less than 1",
        ),
        (
            Box::new(set("/parallel_execution/groups/0/execution_order", json!(3))),
            "`tasks[3].depends_on[0]`: `impl-cart` is in the group `first` with the execution_order 3, which is not before 2 of `second`",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/depends_on_groups", json!(["third"]))),
            "`parallel_execution.groups[1].depends_on_groups[0]`: there is no group `third`",
        ),
        (
            Box::new(set("/parallel_execution/groups/1/group_id", json!("first"))),
            "`parallel_execution.groups[1].group_id`: `parallel_execution.groups[0]` has the same name",
        ),
        (
            Box::new(set("/tasks/2/depends_on", json!(["impl-cart"]))),
            "`tasks[2].depends_on[0]`: `impl-cart` is in the same group `first`",
        ),
    ] {
        let found = faults(change);
        assert!(found.iter().any(|what| what == expected), "{groups} {expected}: {found:#?}");
    }
}

#[test]
fn s12_no_two_tasks_of_a_group_write_the_same_file() {
    for (writes, overlaps) in [
        (json!(["src/cart.rs"]), true),
        (json!(["src/"]), true),
        (json!(["SRC/Cart.rs"]), true),
        (json!(["src/cart.rs/"]), true),
        (json!(["src/cart2.rs"]), false),
        (json!(["srcs/"]), false),
    ] {
        let found = faults(set("/tasks/2/file_scope/writes", writes.clone()));
        let told = found.iter().any(|what| what.contains("overlaps with what `impl-cart` writes"));
        assert_eq!(told, overlaps, "{writes}: {found:?}");
        assert_eq!(found.len(), usize::from(overlaps), "{writes}: {found:?}");
    }
}

#[test]
fn a6_a_circle_of_dependencies_is_refused() {
    let found = faults(set("/tasks/0/depends_on", json!(["impl-cart"])));
    assert_eq!(
        found,
        [
            "`tasks[0].depends_on[0]`: dependencies go in a circle: `plan-1` → `impl-cart` → `plan-1`"
        ]
    );
    let found = faults(set("/tasks/0/depends_on", json!(["plan-1"])));
    assert_eq!(
        found,
        ["`tasks[0].depends_on[0]`: dependencies go in a circle: `plan-1` → `plan-1`"]
    );
}

#[test]
fn s12_strategy_tdd_wants_tests_first() {
    let strict = |root: &mut Value| root["strategy"] = json!("tdd");
    let found = faults(strict);
    for expected in [
        "`tasks[1].depends_on`: strategy=tdd: an implementor depends on no tests task",
        "`tasks[3].depends_on`: strategy=tdd: an implementor depends on no tests task",
        "`parallel_execution.groups[0].tasks`: strategy=tdd: tests and implementation are mixed in one group",
    ] {
        assert!(found.iter().any(|what| what == expected), "{expected}: {found:#?}");
    }
    let beside = faults(|root| root["parallel_execution"]["strategy"] = json!("tdd"));
    assert_eq!(beside, found, "it counts in both places");
    let found = faults(|root| {
        strict(root);
        root["tasks"][1]["depends_on"] = json!(["tests-cart"]);
        root["tasks"][3]["depends_on"] = json!(["tests-cart", "impl-cart"]);
        root["parallel_execution"]["groups"] = json!([
            {"group_id": "t", "execution_order": 1, "tasks": ["tests-cart"]},
            {"group_id": "i", "execution_order": 2, "tasks": ["impl-cart"]},
            {"group_id": "p", "execution_order": 3, "tasks": ["impl-pay"]},
        ]);
    });
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn s12_a_stricter_plan_wants_verifications_and_stories() {
    let found = faults(|root| {
        root["require_verifications_for_code_tasks"] = json!(true);
        root["require_user_stories"] = json!(true);
        root["tasks"][1]["user_story_ids"] = json!(["US-1"]);
    });
    assert_eq!(
        found,
        [
            "`tasks[2].acceptance_criteria`: a code task has no verification",
            "`tasks[2].user_story_ids`: a code task names no user story",
            "`tasks[3].acceptance_criteria`: a code task has no verification",
            "`tasks[3].user_story_ids`: a code task names no user story",
        ]
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let found = faults(|root| {
        root["version"] = json!("one");
        root["tasks"][0]["id"] = json!("a b");
        root["tasks"][1]["owner"] = json!("nobody");
        root["tasks"][2]["file_scope"]["writes"] = json!(["*"]);
        root["tasks"][3]["summary"] = json!("");
        root["parallel_execution"]["groups"][1]["tasks"] = json!(["x"]);
    });
    for part in [
        "`version`",
        "`a b`",
        "nobody",
        "Globs are forbidden",
        "the title of `impl-pay` is empty",
        "no task `x`",
    ] {
        assert!(found.iter().any(|what| what.contains(part)), "{part}: {found:#?}");
    }
}
