use super::*;

fn oid(digit: u64) -> Oid {
    Oid::parse(&format!("{digit:040x}")).unwrap()
}

fn made(number: u64, why: Why) -> Made {
    let checkpoint = Checkpoint {
        number,
        at: Timestamp::from_millis(0),
        why,
        message: None,
        worktree: "/w".into(),
        head: None,
        branch: None,
        index: oid(0),
        tree: oid(0),
        previous: None,
        record: None,
        place: None,
        counts: Counts::default(),
        was: None,
    };
    Made { commit: oid(number), checkpoint }
}

fn staged(number: u64, item: &str, stage: &str, cycle: u32) -> Made {
    let at = StagePlace {
        item: ItemId::parse(item).unwrap(),
        stage: StageId::parse(stage).unwrap(),
        cycle,
    };
    let place =
        RunPlace { run: RunId::parse("r").unwrap(), seq: number, at: Some(at), done: false };
    let mut made = made(number, Why::Stage);
    made.checkpoint.place = Some(place);
    made
}

fn operation(number: u64, kind: OperationKind, to: u64) -> Made {
    let operation = Operation { kind, to, target: oid(to), keep_files: false, path: None };
    made(number, Why::Operation(operation))
}

#[test]
fn undo_and_redo_walk_along_the_operations_and_a_new_one_forgets_what_was_undone() {
    use OperationKind::{Redo, Restore, Rollback, Undo};
    let mut chain = vec![made(1, Why::Asked)];
    let mut expect = |made: Made, undo: &[u64], redo: &[u64]| {
        chain.push(made);
        let all = undoable(&chain);
        assert_eq!((all.undo.as_slice(), all.redo.as_slice()), (undo, redo));
    };
    expect(operation(2, Rollback, 1), &[2], &[]);
    expect(operation(3, Restore, 1), &[2, 3], &[]);
    expect(operation(4, Undo, 3), &[2], &[4]);
    expect(operation(5, Undo, 2), &[], &[4, 5]);
    expect(operation(6, Redo, 5), &[6], &[4]);
    expect(made(7, Why::Continued { operation: 6 }), &[6], &[4]);
    expect(operation(8, Redo, 4), &[6, 8], &[]);
    expect(operation(9, Undo, 6), &[], &[9]);
    expect(operation(10, Rollback, 1), &[10], &[]);
}

#[test]
fn a_checkpoint_is_found_by_number_stage_and_cycle() {
    let chain = [
        made(1, Why::Asked),
        staged(2, "sprint-1", "implement", 1),
        staged(3, "sprint-1", "review", 1),
        staged(4, "sprint-2", "implement", 1),
        staged(5, "sprint-2", "review", 1),
        staged(6, "sprint-2", "implement", 2),
        made(7, Why::Asked),
        operation(8, OperationKind::Rollback, 3),
    ];
    for (wanted, expected) in [
        (Wanted::Newest, Some(7)),
        (Wanted::Number(3), Some(3)),
        (Wanted::Number(9), None),
        (Wanted::Stage("review".into()), Some(5)),
        (Wanted::Stage("audit".into()), None),
        (Wanted::Cycle(1), Some(4)),
        (Wanted::Cycle(2), Some(6)),
        (Wanted::Cycle(3), None),
    ] {
        assert_eq!(
            pick(&chain, &wanted).map(|made| made.checkpoint.number),
            expected,
            "{wanted:?}"
        );
    }
    assert_eq!(pick(&[], &Wanted::Newest), None);
    assert_eq!(pick(&chain[7..], &Wanted::Newest), Some(&chain[7]));
}
