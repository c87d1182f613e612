//! The queue as tables. The ids are the rows of the behaviour that it takes over (§1.5).

use super::*;
use crate::domain::plan_check::{Draft, DraftSprint, DraftTask, Located, check};

/// One task a line: `id < waits,for > files,it,writes`.
fn plan(text: &str) -> Plan {
    let list = |text: &str| -> Vec<_> {
        let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
        words.map(|word| Located::new(1, word)).collect()
    };
    let task = |line: &str| {
        let (head, writes) = line.split_once('>').unwrap_or((line, ""));
        let (id, waits) = head.split_once('<').unwrap_or((head, ""));
        DraftTask {
            depends_on: list(waits),
            writes: list(writes),
            ..DraftTask::bare(Located::new(1, id.trim()), Located::new(1, "x"))
        }
    };
    let sprint = DraftSprint {
        id: Located::new(1, "s"),
        title: Located::new(1, "s"),
        goal: None,
        tasks: text.lines().map(str::trim).filter(|l| !l.is_empty()).map(task).collect(),
        extra: BTreeMap::new(),
    };
    let (id, title) = (Located::new(1, "p"), Located::new(1, "p"));
    check(&Draft { id, title, sprints: vec![sprint], extra: BTreeMap::new() }).unwrap()
}

fn id(text: &str) -> TaskId {
    TaskId::parse(text).unwrap()
}

/// `T-1 done, T-2 blocked`.
fn states(text: &str) -> States {
    let pairs = text.split(',').filter_map(|pair| pair.trim().split_once(' '));
    pairs.map(|(name, status)| (id(name), Status::parse(status).unwrap())).collect()
}

fn names(ids: &[TaskId]) -> String {
    ids.iter().map(TaskId::as_str).collect::<Vec<_>>().join(" ")
}

const SHOP: &str = "
    T-1            > src/money.rs
    T-2  < T-1     > src/cart/
    T-2T < T-2     > tests/cart.rs
    T-3            > src/cart/total.rs
    T-4  < T-2,T-3 > src/pay.rs
    T-5            > README.md
    F-1  < T-3     > src/money.rs
";

#[test]
fn q1_fix_tasks_come_first_and_the_rest_front_to_back() {
    let plan = plan(SHOP);
    for (said, expected) in [
        ("", "T-3 F-1 T-1 T-2 T-2T T-4 T-5"),
        ("T-3 done", "F-1 T-1 T-2 T-2T T-4 T-5"),
        ("F-1 done", "T-1 T-2 T-2T T-3 T-4 T-5"),
        ("T-1 done, T-3 done, F-1 done", "T-2 T-2T T-4 T-5"),
        ("T-1 done, T-2 needs-re-verification, F-1 skipped", "T-2 T-2T T-3 T-4 T-5"),
    ] {
        assert_eq!(names(&order(&plan, &states(said))), expected, "{said}");
    }
}

#[test]
fn q2_what_is_paused_holds_up_what_waits_for_it_and_nothing_else() {
    let plan = plan(SHOP);
    for (said, expected) in [
        ("F-1 done, T-1 blocked", "T-3 T-5"),
        ("F-1 done, T-1 externally-managed", "T-3 T-5"),
        ("F-1 done, T-3 blocked", "T-1 T-2 T-2T T-5"),
        ("T-3 blocked", "T-1 T-2 T-2T T-5"),
        ("F-1 done, T-1 satisfied-externally, T-3 superseded", "T-2 T-2T T-4 T-5"),
        ("F-1 done, T-1 done (external), T-3 skipped", "T-2 T-2T T-4 T-5"),
    ] {
        assert_eq!(names(&order(&plan, &states(said))), expected, "{said}");
    }
}

#[test]
fn s15_q3_a_cascade_is_overlap_and_followers_each_once_in_the_order_of_the_plan() {
    let plan = plan(SHOP);
    for (changed, expected) in [
        ("T-1", "T-2 T-2T T-4 F-1"),
        ("T-2", "T-2T T-3 T-4 F-1"),
        ("F-1", "T-1 T-2 T-2T T-4"),
        ("T-5", ""),
        ("T-9", ""),
    ] {
        assert_eq!(names(&cascade(&plan, Changed::Task(&id(changed)))), expected, "{changed}");
    }
    for (files, expected) in [
        (&["src/cart/total.rs"][..], "T-2 T-2T T-3 T-4 F-1"),
        (&["src/cart/a[1]*.rs"], "T-2 T-2T T-4"),
        (&["README.md", "README.md"], "T-5"),
        (&["LICENSE"], ""),
        (&[], ""),
    ] {
        let files: Vec<String> = files.iter().map(|file| (*file).to_owned()).collect();
        assert_eq!(names(&cascade(&plan, Changed::Files(&files))), expected, "{files:?}");
    }
}

#[test]
fn q4_a_spot_check_looks_at_finished_tasks_with_the_same_files() {
    let plan = plan(SHOP);
    for (task, said, expected) in [
        ("F-1", "T-1 done, T-2 done", "T-1"),
        ("F-1", "T-1 pending, T-2 done", ""),
        ("F-1", "T-1 done (external)", ""),
        ("T-3", "T-2 done, T-3 done", "T-2"),
        ("T-9", "T-2 done", ""),
    ] {
        assert_eq!(names(&spot_check(&plan, &states(said), &id(task))), expected, "{task} {said}");
    }
}

#[test]
fn q5_a_gap_of_the_second_level_pauses_its_task_alone() {
    let plan = plan(SHOP);
    let gap = |task: &str, level, kind: &str| Gap { task: id(task), level, kind: kind.into() };
    let mut found = vec![gap("T-5", Level::L2, "licence"), gap("T-1", Level::L0, "typo")];
    found.extend((0..4).map(|_| gap("T-1", Level::L1, "errors")));
    found.extend((0..5).map(|_| gap("T-2", Level::L1, "names")));
    let gaps = gaps(&found);
    assert_eq!(gaps.paused, BTreeSet::from([id("T-5")]));
    assert_eq!(gaps.promoted, BTreeSet::from(["names".to_owned()]));
    let said = paused(&states("F-1 done"), &gaps);
    assert_eq!(names(&order(&plan, &said)), "T-1 T-2 T-2T T-3 T-4");
    assert_eq!(paused(&states("T-5 done"), &gaps), states("T-5 done"));
}

#[test]
fn s15_q6_every_status_has_one_word_and_one_meaning() {
    let table: Vec<String> = Status::ALL
        .iter()
        .map(|status| format!("{status}: {:?}", status.stand()).to_lowercase())
        .collect();
    assert_eq!(
        table,
        [
            "pending: open",
            "in-progress: open",
            "done: closed",
            "done (external): closed",
            "skipped: closed",
            "blocked: paused",
            "externally-managed: paused",
            "satisfied-externally: closed",
            "needs-re-verification: open",
            "superseded: closed",
        ]
    );
    for status in Status::ALL {
        assert_eq!(Status::parse(&status.word().to_uppercase()), Some(status));
    }
    for (text, expected) in [
        ("In Progress", Some(Status::InProgress)),
        ("done(external)", Some(Status::DoneExternal)),
        ("needs re-verification", Some(Status::NeedsReVerification)),
        ("finished", None),
        ("", None),
    ] {
        assert_eq!(Status::parse(text), expected, "{text}");
    }
}

#[test]
fn s15_q7_a_name_tells_what_a_task_is_for() {
    for (name, kind) in [
        ("F-012", Kind::Fix),
        ("T-012T", Kind::Test),
        ("T-012", Kind::Work),
        ("F-1a", Kind::Work),
        ("T-T", Kind::Work),
        ("build", Kind::Work),
    ] {
        assert_eq!(Kind::of(&id(name)), kind, "{name}");
    }
}
