//! Every fault that a draft can have, as a table.

use proptest::prelude::*;

use super::*;
use crate::domain::plan::Scope;

/// One line per fact: `sprint <id>`, `task <id>`, and under a task `after`, `writes`, `group`,
/// `title`, `accept`, `spec`, `step <stage>`. The line numbers are those of the text.
fn draft(text: &str) -> Draft {
    let mut draft = Draft {
        id: Located::new(1, "plan"),
        title: Located::new(1, "Plan"),
        sprints: Vec::new(),
        extra: Extra::new(),
    };
    for (line, said) in (1..).zip(text.lines()) {
        let (word, rest) = said.trim().split_once(' ').unwrap_or((said.trim(), ""));
        let value: Text = Located::new(line, rest);
        if word == "sprint" {
            draft.sprints.push(DraftSprint {
                id: value.clone(),
                title: Located::new(line, "Sprint"),
                goal: None,
                tasks: Vec::new(),
                extra: Extra::new(),
            });
            continue;
        }
        let Some(sprint) = draft.sprints.last_mut() else { continue };
        if word == "task" {
            sprint.tasks.push(DraftTask::bare(value, Located::new(line, "Task")));
            continue;
        }
        let Some(task) = sprint.tasks.last_mut() else {
            sprint.title = value;
            continue;
        };
        match word {
            "after" => task.depends_on.push(value),
            "writes" => task.writes.push(value),
            "group" => task.group = Some(value),
            "title" => task.title = value,
            "accept" => task.acceptance.push(DraftCriterion::plain(value)),
            "spec" => task.spec = Some(value),
            "step" => task.steps.push(DraftSteps { stage: value, commands: Vec::new() }),
            _ => panic!("{word}"),
        }
    }
    draft
}

fn faults(text: &str) -> Vec<(u32, String)> {
    let found = check(&draft(text)).err().unwrap_or_default();
    assert!(found.iter().all(|fault| !fault.fix.is_empty() && !fault.what.ends_with('.')));
    assert!(found.iter().all(|fault| !fault.what.contains('\n') && !fault.fix.contains('\n')));
    found.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

#[test]
fn a_sound_plan_comes_out_as_it_went_in() {
    let plan = check(&draft(
        "sprint s-1\ntask a\nwrites src/\ngroup g\ntask b\nwrites doc/\ngroup  g\nsprint s-2\ntask c\nafter a\nafter b",
    ))
    .unwrap();
    assert_eq!(plan.tasks().map(|(_, task)| task.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(plan.sprints[1].tasks[0].depends_on.len(), 2);
    assert_eq!(plan.sprints[0].tasks[0].writes, [Scope::parse("src/").unwrap()]);
}

#[test]
fn every_fault_is_named_with_its_line() {
    for (text, expected) in [
        ("", &[(1, "the plan has no sprints")][..]),
        ("sprint s", &[(1, "the sprint `s` has no tasks")]),
        (
            "sprint s\ntask a\nsprint s\ntask b\ntask B\nsprint t\ntask a\ntask S\ntask a/b",
            &[
                (3, "the sprint `s` is already there, on line 1"),
                (5, "the task `B` differs from `b` on line 4 by case alone"),
                (7, "the task `a` is already there, on line 2"),
                (8, "`S` names both a sprint (line 1) and a task"),
                (
                    9,
                    "`a/b` is no task name: letters, digits, `-`, `_` and inner dots only, a letter or digit first",
                ),
            ],
        ),
        (
            "sprint status\ntask Halt",
            &[
                (1, "the sprint `status` is named like a command of `git run`"),
                (2, "the task `Halt` is named like a command of `git run`"),
            ],
        ),
        (
            "sprint s\ntask T-001\ntask T-002\nafter T-01\nafter zebra\nafter T-002\nafter T-001\nafter T-001",
            &[
                (4, "`T-002` depends on `T-01`, which is no task of this plan"),
                (5, "`T-002` depends on `zebra`, which is no task of this plan"),
                (6, "`T-002` depends on itself"),
                (8, "`T-002` depends on `T-001` twice"),
            ],
        ),
        (
            "sprint s\ntask x\nafter b\ntask c\nafter a\ntask a\nafter b\ntask b\nafter c\ntask p\nafter q\ntask q\nafter p",
            &[
                (5, "dependencies go in a circle: `c → a → b → c`"),
                (11, "dependencies go in a circle: `p → q → p`"),
            ],
        ),
        (
            "sprint s\ntask a\nafter b\nsprint t\ntask b\nafter a",
            &[(3, "`a` depends on `b` of the later sprint `t`")],
        ),
        (
            "sprint s\ntask a\ngroup g\nwrites src/\ntask b\ngroup g\nwrites SRC/lib.rs\nafter a\ntask c\ngroup g\ntask d\nwrites src/",
            &[
                (7, "`b` and `a` of the parallel group `g` both write `SRC/lib.rs`"),
                (8, "`b` depends on `a` of its own parallel group `g`"),
                (9, "`c` is in the parallel group `g` and has no `writes`"),
            ],
        ),
        (
            "sprint s\ntask a\nwrites src/*.rs\nwrites x\nwrites x\nwrites ../y\nwrites a\u{202e}b\nwrites a\\b",
            &[
                (3, "`src/*.rs` is a glob; name the file, or the directory with a final `/`"),
                (5, "`a` writes `x` twice"),
                (6, "`../y` climbs out with `..`; say it relative to the top of the repository"),
                (7, "the path `a\\u{202e}b` of `a` holds an invisible character"),
                (8, "the path `a\\b` of `a` has a backslash"),
            ],
        ),
        (
            "sprint s\ntitle \ntask a\ntitle \u{202e}evil\naccept \ntask b\ntitle a\u{e0041}b\nspec 00\nstep x y\nstep z\nstep z",
            &[
                (2, "the title of the sprint `s` is empty"),
                (4, "the title of `a` holds the invisible character `\\u{202e}`"),
                (5, "an acceptance criterion of `a` is empty"),
                (7, "the title of `b` holds the invisible character `\\u{e0041}`"),
                (8, "`b` is not what its `spec` was made from"),
                (
                    9,
                    "`x y` is no stage name: letters, digits, `-`, `_` and inner dots only, a letter or digit first",
                ),
                (11, "the stage `z` of `b` is there twice"),
            ],
        ),
    ] {
        let expected: Vec<_> =
            expected.iter().map(|(line, what)| (*line, (*what).into())).collect();
        assert_eq!(faults(text), expected, "{text}");
    }
}

#[test]
fn a_name_that_is_nearly_right_is_suggested() {
    let said = draft("sprint s\ntask T-001\ntask other\nafter t-011\nafter zebra");
    let fixes: Vec<String> = check(&said).unwrap_err().into_iter().map(|f| f.fix).collect();
    assert_eq!(fixes, ["did you mean `T-001`?", "name a task of this plan, or remove it"]);
}

#[test]
fn what_is_absurdly_large_is_refused() {
    let many = |line: &str, count: usize| format!("{line}\n").repeat(count);
    for (text, what) in [
        (
            many("sprint s\ntask a", SPRINTS_MAX + 1),
            "the plan has 201 sprints, and 200 are the most",
        ),
        (
            format!("sprint s\n{}", many("task a", TASKS_MAX + 1)),
            "the plan has 2001 tasks, and 2000 are the most",
        ),
        (
            format!("sprint s\ntask a\n{}", many("accept x", ACCEPTANCE_MAX + 1)),
            "the task `a` has 101 acceptance criteria, and 100 are the most",
        ),
        (
            format!("sprint s\ntask a\ntitle {}", "x".repeat(TEXT_BYTES_MAX + 1)),
            "the title of `a` is longer than 16384 bytes",
        ),
        (
            format!("sprint s\ntask a\nwrites {}", "x/".repeat(SCOPE_BYTES_MAX)),
            "is longer than 1024 bytes",
        ),
    ] {
        assert!(faults(&text).iter().any(|(_, found)| found.contains(what)), "{what}");
    }
}

#[test]
fn the_spec_follows_what_is_asked_and_nothing_else() {
    let spec = |text: &str| {
        let plan = check(&draft(&format!("sprint s\ntask z\ntask a\n{text}"))).unwrap();
        plan.sprints[0].tasks[1].spec.clone()
    };
    assert_eq!(spec("title  Two   words "), spec("title Two words"));
    let different = [
        "",
        "title x",
        "accept x",
        "accept x\naccept y",
        "accept xy",
        "writes x",
        "group x\nwrites x",
        "after z",
        "step x",
    ];
    for (at, a) in different.iter().enumerate() {
        for b in &different[at + 1..] {
            assert_ne!(spec(a), spec(b), "{a:?} {b:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_maps_find_exactly_the_overlaps_that_comparing_all_pairs_finds(
        tasks in prop::collection::vec(prop::collection::vec("[aAb](/[aAb]){0,2}/?", 1..4), 2..6),
    ) {
        let mut text = String::from("sprint s\n");
        for (at, paths) in tasks.iter().enumerate() {
            text += &format!("task t{at}\ngroup g\n");
            paths.iter().for_each(|path| text += &format!("writes {path}\n"));
        }
        let mut expected = 0;
        for (at, own) in tasks.iter().enumerate() {
            for path in own {
                let path = Scope::parse(path).unwrap();
                let earlier = tasks[..at].iter().flatten();
                expected += usize::from(
                    earlier.map(|p| Scope::parse(p).unwrap()).any(|p| p.overlaps(&path)),
                );
            }
        }
        let found = faults(&text).iter().filter(|(_, what)| what.contains("both write")).count();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_circle_is_found_exactly_where_no_order_exists(
        edges in prop::collection::btree_set((0usize..7, 0usize..7), 0..14),
    ) {
        let edges: Vec<_> = edges.into_iter().filter(|(a, b)| a != b).collect();
        let mut text = String::from("sprint s\n");
        for task in 0..7 {
            text += &format!("task t{task}\n");
            for (_, to) in edges.iter().filter(|(from, _)| *from == task) {
                text += &format!("after t{to}\n");
            }
        }
        let mut left: Vec<usize> = (0..7).collect();
        while let Some(free) = left.iter().position(|task| {
            !edges.iter().any(|(from, to)| from == task && left.contains(to))
        }) {
            left.remove(free);
        }
        prop_assert_eq!(faults(&text).is_empty(), left.is_empty());
    }
}
