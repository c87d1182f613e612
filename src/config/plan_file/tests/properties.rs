//! What must hold for every text and every plan.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::{
    config::plan_file::{Format, read, read_as, to_actions, to_json, to_tasks, to_toml},
    domain::{plan_graph, plan_spec::plan_digest},
};

/// Pieces of all three formats, so that arbitrary texts get past the first character.
fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "format = 1\n",
        "[[sprint]]\n",
        "[[sprint.task]]\n",
        "id = \"T-1\"\n",
        "title",
        " = ",
        "\"",
        "\"\"\"",
        "'",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
        "\r\n",
        "\t",
        "    ",
        "\\",
        "\\u00",
        "1e9",
        "{\"format\":1,",
        "\"sprint\":[",
        "\"task\":[{",
        "null",
        "## Sprint 1: x\n",
        "# ",
        "- [ ] ",
        "- [x] T-1: ",
        "  - ",
        "**",
        "`",
        "```\n",
        "> ",
        "Files: ",
        "### Acceptance criteria\n",
        "é",
        "\u{202e}",
        "\0",
        "a.b.c",
        "<!--",
        "[x](y)",
        "|",
        "&amp;",
        "1. ",
        "***",
        "==\n",
    ]);
    let piece = prop_oneof![8 => words.prop_map(str::to_owned), 1 => ".{0,8}"];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Pieces of TASKS.md and of `actions.json`.
fn foreign() -> impl Strategy<Value = String> {
    let page = prop::sample::select(vec![
        "# Plan\n",
        "## Cart\n",
        "## s-1: Cart\n",
        "## Sprint 2: Pay\n",
        "## T-9: x\n",
        "## Session log\n",
        "### T-001: Model\n",
        "### T-002T: Test\n",
        "### F-001: Mend\n",
        "### other: x\n",
        "#### Acceptance\n",
        "- [ ] it holds\n",
        "- [x] it is tested\n",
        "- Status: done\n",
        "- Status: in progress\n",
        "- **Depends on**: T-001\n",
        "- Files: `a.rs`, `b/`\n",
        "- Spec: `a.md#b`\n",
        "- Owner: ann\n",
        "> note\n",
        "Goal: sell\n",
        "| ID | Task | Status |\n",
        "|---|---|---|\n",
        "| T-001 | Model | done |\n",
        "| T-003 | x \\| y | pending |\n",
        "<!-- git-run: {\"kind\":\"task\",\"id\":\"x\",\"title\":\"y\"} -->\n",
        "  <!-- git-run: {\"severity\":\"low\"} -->\n",
        "<!-- git-run: {\"a\":[1,{}]} -->\n",
        "<!-- git-run: {\"kind\":\"sprint\",\"id\":\"q\"} -->\n",
        "<!-- git-run: ",
        "```\n",
        "\r\n",
        "\n",
        "  ",
        "é\u{202e}",
        "\0",
    ]);
    let page = prop::collection::vec(
        prop_oneof![12 => page.prop_map(str::to_owned), 1 => ".{0,8}"],
        0..24,
    )
    .prop_map(|pieces| pieces.concat());
    prop_oneof![page, broken_actions(), pieces()]
}

/// The sound file with a few values that are none.
fn broken_actions() -> impl Strategy<Value = String> {
    let sound = include_str!("../../../../tests/plans/actions.json");
    let values = prop::sample::select(vec![
        "1",
        "0",
        "-1",
        "1e9",
        "99999999999999999999",
        "null",
        "true",
        "[]",
        "{}",
        "\"x\"",
        "\"impl-cart\"",
        "[\"src/\"]",
        "[[[]]]",
    ]);
    prop::collection::vec((any::<prop::sample::Index>(), values), 1..4).prop_map(|changes| {
        let mut root: Value = serde_json::from_str(sound).unwrap();
        for (place, value) in changes {
            let mut all = Vec::new();
            pointers(&root, String::new(), &mut all);
            let at = place.get(&all).clone();
            if let Some(found) = root.pointer_mut(&at) {
                *found = serde_json::from_str(value).unwrap_or(Value::Null);
            }
        }
        root.to_string()
    })
}

fn pointers(value: &Value, at: String, all: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                pointers(item, format!("{at}/{nth}"), all);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                pointers(item, format!("{at}/{key}"), all);
            }
        }
        _ => {}
    }
    all.push(at);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,5}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Fields that no version knows, and that look like none which one does.
fn extra() -> impl Strategy<Value = Map<String, Value>> {
    let key = "zzz_[a-zé \"]{1,6}_zzz";
    prop::collection::btree_map(key, any_json(), 0..3).prop_map(|map| map.into_iter().collect())
}

fn verification() -> impl Strategy<Value = Value> {
    let path = || "[a-zé]{1,4}(/[a-z]{1,4})?";
    prop_oneof![
        path().prop_map(|path| json!({"type": "file", "path": path})),
        (path(), "[a-z.]{1,6}[*+$]?")
            .prop_map(|(path, pattern)| json!({"type": "grep", "path": path, "pattern": pattern})),
        ("[a-z]( ?[a-z\"$]){0,9}", any::<bool>(), 1..9_999_999u64).prop_map(
            |(command, must_succeed, time)| json!({"type": "command", "command": command,
                "must_succeed": must_succeed, "timeout": format!("{time}ms")})
        ),
        (any_json(), any_json()).prop_map(
            |(path, more)| json!({"type": "lsp", "path": path, "zzz": more, "skip": "no server"})
        ),
    ]
}

/// Texts, and tables that say more.
fn criterion() -> impl Strategy<Value = Value> {
    let statement = || "[a-zé]( ?[a-z\"\\\\,:-]){0,10}";
    let severity = prop::sample::select(vec!["critical", "high", "medium", "low"]);
    let table = (statement(), severity, prop::collection::vec(verification(), 0..3), extra());
    prop_oneof![
        statement().prop_map(Value::from),
        table.prop_map(|(statement, severity, checks, mut fields)| {
            fields.insert("statement".into(), json!(statement));
            fields.insert("severity".into(), json!(severity));
            fields.insert("verifications".into(), json!(checks));
            Value::Object(fields)
        }),
    ]
}

fn task() -> impl Strategy<Value = Map<String, Value>> {
    let text = || "[a-zA-Zé\"'\\\\{}#=<-]( ?[a-z\"\\\\,:-]){0,10}";
    let texts = move || prop::collection::vec(text(), 0..3);
    let paths = prop::collection::btree_set("[a-z]{1,3}(/[a-zé .]{1,3}x){0,2}/?", 0..3);
    let steps = prop::collection::btree_map("[a-z]{1,5}", texts(), 0..3);
    let label = || prop::option::of(text());
    let acceptance = prop::collection::vec(criterion(), 0..3);
    (text(), acceptance, paths, label(), label(), steps, extra()).prop_map(
        |(title, acceptance, writes, owner, group, steps, mut fields)| {
            fields.insert("title".into(), json!(title));
            fields.insert("acceptance".into(), json!(acceptance));
            fields.insert("steps".into(), json!(steps));
            if let Some(owner) = owner {
                fields.insert("owner".into(), json!(owner));
            }
            if let (Some(group), false) = (group, writes.is_empty()) {
                fields.insert("group".into(), json!(group));
            }
            fields.insert("writes".into(), json!(writes));
            fields
        },
    )
}

/// A sound plan in JSON: each task waits for some of the one before its own group.
fn plan() -> impl Strategy<Value = Value> {
    let sprint = (prop::collection::vec(task(), 1..4), extra());
    (prop::collection::vec(sprint, 1..4), extra()).prop_map(|(sprints, mut fields)| {
        let mut earlier: Vec<String> = Vec::new();
        let mut said = Vec::new();
        for (at, (tasks, mut sprint)) in sprints.into_iter().enumerate() {
            let before = earlier.clone();
            let mut own = Vec::new();
            for mut task in tasks {
                let id = format!("T-{}", earlier.len());
                task.insert("id".into(), json!(id));
                task.insert("depends_on".into(), json!(before));
                earlier.push(id);
                own.push(task);
            }
            sprint.insert("title".into(), json!(format!("Sprint {at}")));
            sprint.insert("task".into(), json!(own));
            said.push(sprint);
        }
        fields.insert("format".into(), json!(1));
        fields.insert("sprint".into(), json!(said));
        Value::Object(fields)
    })
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![pieces(), any::<String>()]) {
        for name in ["p.toml", "p.json", "p.md", "p"] {
            match read(name, &text) {
                Ok(plan) => prop_assert_eq!(read("p.json", &to_json(&plan)), Ok(plan)),
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
    }

    #[test]
    fn what_is_exported_comes_back_as_the_same_plan(said in plan()) {
        let plan = read("p.json", &said.to_string()).unwrap();
        let page = to_tasks(&plan, None);
        let back = read("TASKS.md", &page).unwrap_or_else(|faults| panic!("{faults:#?}\n{page}"));
        prop_assert_eq!(&back, &plan, "{}", page);
        prop_assert_eq!(to_tasks(&back, None), page.clone());
        let windows = page.replace('\n', "\r\n");
        prop_assert_eq!(&read("tasks.md", &windows).unwrap(), &plan);
        if let Some(toml) = to_toml(&plan) {
            prop_assert_eq!(&read_as(Format::Toml, "p", &toml).unwrap(), &plan);
        } else {
            let odd = to_json(&plan);
            prop_assert!(odd.contains("null") || odd.contains(['e', 'E', '.', '-']), "{odd}");
        }
        let _ = to_actions(&plan).map(|text| read_as(Format::Actions, "p", &text));
    }

    #[test]
    fn no_text_of_another_tool_breaks_a_reader(text in foreign()) {
        for format in [Format::Actions, Format::Tasks] {
            if let Ok(plan) = read_as(format, "x", &text) {
                prop_assert_eq!(&read("p.json", &to_json(&plan)).unwrap(), &plan);
                let page = to_tasks(&plan, None);
                prop_assert_eq!(&read_as(Format::Tasks, "p", &page).unwrap(), &plan);
            }
        }
    }

    #[test]
    fn a_frozen_plan_thaws_to_the_same_plan(said in plan()) {
        let Ok(plan) = read("p.json", &said.to_string()) else {
            // Only by chance do two tasks of one group write the same path.
            let faults = read("p.json", &said.to_string()).unwrap_err();
            prop_assert!(faults.iter().all(|f| f.what.contains("both write")), "{faults:?}");
            return Ok(());
        };
        let frozen = to_json(&plan);
        let thawed = read("p.json", &frozen).unwrap();
        prop_assert_eq!(&thawed, &plan);
        prop_assert_eq!(to_json(&thawed), frozen);
        prop_assert_eq!(plan_digest(&thawed), plan_digest(&plan));
        for picture in [plan_graph::dot(&plan), plan_graph::mermaid(&plan), plan_graph::text(&plan)] {
            prop_assert!(plan.tasks().all(|(_, task)| picture.contains(task.id.as_str())));
        }
    }
}
