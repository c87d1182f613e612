//! What a plan looks like in each format, and that they mean the same.

use crate::{
    config::plan_file::{Format, read, to_json},
    domain::plan_spec::plan_digest,
};

const TOML: &str = r#"format = 1
title = "Checkout  rewrite"
budget = { max = 0x10, ratio = 0.5, until = 2026-11-21 }

[[sprint]]
title = "Cart"
goal = """
Sell
things."""

[[sprint.task]]
id = "T-001"
title = "Model"
acceptance = ["it \"holds\" items"]
writes = ["src/cart/", "Cargo.toml"]
owner = "ann"
group = "a"
steps = { implement = ["make", "make test"], fix = ["make fix"] }
priority = "high"

[[sprint.task]]
id = "T-002"
title = "Api"
depends_on = ["T-001"]

[[sprint]]
id = "late"
title = "Release"
[[sprint.task]]
id = "T-003"
title = "Ship"
"#;

const JSON: &str = r#"{
  "title": "Checkout rewrite", "format": 1,
  "budget": {"until": "2026-11-21", "ratio": 0.5, "max": 16},
  "sprint": [
    {"title": "Cart", "goal": "Sell\r\nthings.", "task": [
      {"id": "T-001", "title": " Model ", "priority": "high",
       "acceptance": ["it \"holds\" items"], "writes": ["src/cart/", "Cargo.toml"],
       "steps": {"fix": ["make fix"], "implement": ["make", "make test"]},
       "owner": "ann", "group": "a"},
      {"id": "T-002", "title": "Api", "depends_on": ["T-001"]}
    ]},
    {"id": "late", "title": "Release", "task": [{"id": "T-003", "title": "Ship"}]}
  ]
}"#;

#[test]
fn the_same_plan_in_toml_and_json_is_the_same_plan() {
    let (toml, json) = (read("checkout.toml", TOML).unwrap(), read("checkout.json", JSON).unwrap());
    assert_eq!(toml, json);
    assert_eq!(toml.id.as_str(), "checkout");
    assert_eq!(toml.sprints[0].id.as_str(), "sprint-1");
    assert_eq!(toml.extra["budget"], r#"{"max":16,"ratio":0.5,"until":"2026-11-21"}"#);
    assert_eq!(toml.sprints[0].tasks[0].extra["priority"], r#""high""#);
    assert_eq!(read("dir/checkout", TOML).as_ref(), Ok(&toml));
    assert_eq!(read("dir\\checkout", &format!("\u{feff}{JSON}")).as_ref(), Ok(&toml));
    assert_eq!(read("checkout.TOML", &TOML.replace('\n', "\r\n")), Ok(toml));
}

#[test]
fn a_frozen_plan_is_compact_sorted_and_names_the_spec_of_each_task() {
    let plan = read(
        "x.toml",
        "format = 1\nz = 1\n[[sprint]]\ntitle = \"S\"\na = [true]\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"One\"\nwrites = [\"a/\"]\n",
    );
    let plan = plan.unwrap();
    let spec = &plan.sprints[0].tasks[0].spec;
    assert_eq!(
        to_json(&plan),
        format!(
            r#"{{"format":1,"id":"x","sprint":[{{"a":[true],"id":"sprint-1","task":[{{"id":"T-1","spec":"{spec}","title":"One","writes":["a/"]}}],"title":"S"}}],"title":"x","z":1}}"#
        )
    );
    assert_eq!(read("other.json", &to_json(&plan)), Ok(plan));
}

#[test]
fn the_spec_of_a_task_is_kept_for_ever() {
    let plan = read("checkout.toml", TOML).unwrap();
    assert_eq!(
        plan.sprints[0].tasks[0].spec.as_str(),
        "1a373e19e74e653530866d853fe2875b73a5f5fdc6e130827aa55804918c7500"
    );
}

#[test]
fn the_digest_of_a_plan_follows_what_it_asks_for() {
    let digest = |text: &str| plan_digest(&read("checkout.toml", text).unwrap());
    assert_eq!(
        digest(TOML),
        digest(&TOML.replace("priority", "urgency").replace("  rewrite", " rewrite"))
    );
    for (from, to) in [
        ("make fix", "make fit"),
        ("\"late\"", "\"later\""),
        ("Release", "Released"),
        ("Sell", "Buy"),
        ("T-003", "T-004"),
    ] {
        assert_ne!(digest(TOML), digest(&TOML.replace(from, to)), "{from}");
    }
}

#[test]
fn a_touched_task_of_a_frozen_plan_is_noticed() {
    let frozen = to_json(&read("checkout.toml", TOML).unwrap());
    let touched = frozen.replace("make fix", "make fit");
    let faults = read("checkout.json", &touched).unwrap_err();
    assert_eq!(faults.len(), 1);
    assert_eq!(faults[0].what, "`T-001` is not what its `spec` was made from");
}

#[test]
fn the_format_is_known_by_the_ending_or_by_the_look() {
    for (name, text, expected) in [
        ("a.toml", "{", Format::Toml),
        ("a.JSON", "# x", Format::Json),
        ("a.md", "{", Format::Markdown),
        ("a.b/plan", " {", Format::Json),
        ("plan", "# note\nformat = 1", Format::Toml),
        ("plan.txt", "[[sprint]]", Format::Toml),
        ("-", "# Plan\n## Sprint 1", Format::Markdown),
    ] {
        assert_eq!(Format::of(name, text), expected, "{name}");
    }
}

#[test]
fn a_plan_without_a_name_is_named_after_its_file() {
    for (name, id) in [
        ("plans/checkout.toml", "checkout"),
        ("My Plan.toml", "My-Plan"),
        (".toml", "plan"),
        ("é.toml", "plan"),
        ("v1.2.toml", "v1-2"),
    ] {
        assert_eq!(read(name, TOML).unwrap().id.as_str(), id, "{name}");
    }
}
