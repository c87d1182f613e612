use std::collections::BTreeMap;

use super::*;
use crate::domain::{
    id::{Digest, PlanId, TaskId},
    plan::{Sprint, Task},
};

fn plan() -> Plan {
    let task = |id: &&str| Task {
        id: TaskId::parse(id).unwrap(),
        title: String::new(),
        acceptance: Vec::new(),
        writes: Vec::new(),
        depends_on: Vec::new(),
        from: Vec::new(),
        owner: None,
        group: None,
        steps: BTreeMap::new(),
        spec: Digest::of(b""),
        extra: BTreeMap::new(),
    };
    let sprint = |id: &str, tasks: &[&str]| Sprint {
        id: ItemId::parse(id).unwrap(),
        title: String::new(),
        goal: None,
        tasks: tasks.iter().map(task).collect(),
        extra: BTreeMap::new(),
    };
    Plan {
        id: PlanId::parse("p").unwrap(),
        title: String::new(),
        sprints: vec![
            sprint("sprint-1", &["T-001", "T-002"]),
            sprint("sprint-2", &["T-003"]),
            sprint("sprint-3", &["T-004"]),
            sprint("cleanup", &["T-005"]),
        ],
        extra: BTreeMap::new(),
    }
}

fn said(targets: &str, range: &Range) -> String {
    let targets: Vec<String> = targets.split_whitespace().map(str::to_owned).collect();
    match items(&plan(), &targets, range) {
        Ok(items) => items.iter().map(ItemId::as_str).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_target_is_a_sprint_or_a_task_of_the_plan_and_nothing_else_starts_anything() {
    for (targets, expected) in [
        ("sprint-1", "sprint-1"),
        ("T-003", "T-003"),
        ("T-004 sprint-1", "sprint-1 T-004"),
        ("sprint-2 sprint-2", "sprint-2"),
        ("T-001 sprint-1", "sprint-1"),
        ("sprint-plan", "sprint-1 sprint-2 sprint-3 cleanup"),
        ("sprint-plan sprint-1", "sprint-1 sprint-2 sprint-3 cleanup"),
        ("sprnt-1", "the plan has no sprint and no task `sprnt-1`; did you mean `sprint-1`?"),
        ("Sprint-2", "the plan has no sprint and no task `Sprint-2`; did you mean `sprint-2`?"),
        ("t003", "the plan has no sprint and no task `t003`; did you mean `T-003`?"),
        ("clean-up", "the plan has no sprint and no task `clean-up`; did you mean `cleanup`?"),
        ("resume-everything", "the plan has no sprint and no task `resume-everything`"),
        ("2", "the plan has no sprint and no task `2`"),
        ("\u{1b}[2J", "the plan has no sprint and no task `\\u{1b}[2J`"),
        ("sprint-1 nonsense", "the plan has no sprint and no task `nonsense`"),
        ("sprint-plan nonsense", "the plan has no sprint and no task `nonsense`"),
        ("", "say what to run: a sprint, a task or `sprint-plan`"),
    ] {
        assert_eq!(said(targets, &Range::default()), expected, "{targets:?}");
    }
}

#[test]
fn loa_113_a_range_of_the_plan_is_inclusive_and_takes_numbers_for_sprints() {
    let all = "sprint-1 sprint-2 sprint-3 cleanup";
    for (from, to, skip, expected) in [
        ("", "", "", all),
        ("2", "", "", "sprint-2 sprint-3 cleanup"),
        ("", "2", "", "sprint-1 sprint-2"),
        ("sprint-2", "3", "", "sprint-2 sprint-3"),
        ("2", "2", "", "sprint-2"),
        ("", "", "1 cleanup", "sprint-2 sprint-3"),
        ("2", "3", "1", "sprint-2 sprint-3"),
        ("3", "2", "", "no sprint is left between `--from`, `--to` and `--skip`"),
        ("2", "2", "2", "no sprint is left between `--from`, `--to` and `--skip`"),
        ("4", "", "", &format!("`--from 4` names no sprint of the plan{STAGES}")),
        ("", "0", "", &format!("`--to 0` names no sprint of the plan{STAGES}")),
        ("", "", "T-001", &format!("`--skip T-001` names no sprint of the plan{STAGES}")),
        ("02", "", "", &format!("`--from 02` names no sprint of the plan{STAGES}")),
    ] {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let skip = skip.split_whitespace().map(str::to_owned).collect();
        let range = Range { from: some(from), to: some(to), skip };
        assert_eq!(said("sprint-plan", &range), expected, "{range:?}");
    }
}

#[test]
fn a_range_goes_with_the_whole_plan_alone() {
    let range = Range { from: Some("1".into()), ..Range::default() };
    let expected = format!("`--from`, `--to` and `--skip` go with `sprint-plan`{STAGES}");
    assert_eq!(said("sprint-1", &range), expected);
}
