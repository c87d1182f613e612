//! What once went wrong, each as short as it gets.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use super::{
    op::{Op, Sequence},
    steps,
};
use crate::support::TestRepo;

fn write(path: &str, text: &'static str) -> Op {
    Op::Write { path: path.into(), text }
}

fn rules(text: &'static str) -> Op {
    Op::Rules { directory: "", text: Some(text) }
}

fn back_to(which: usize) -> Op {
    Op::Rollback { which, keep_files: false, and_back: true }
}

/// By name, so that a failure says which.
type Named = Vec<(&'static str, Vec<Op>)>;

fn without_rules() -> Named {
    vec![
        (
            "a directory that became a link",
            vec![
                write("d/a", "1\n"),
                Op::StageAll,
                Op::Link { path: "d".into(), to: "a" },
                Op::Checkpoint,
                write("a", "2\n"),
                back_to(0),
            ],
        ),
        (
            "a tracked file that was written again with what it had",
            vec![
                write("a", "1\n"),
                Op::Checkpoint,
                write("d", "1\n"),
                Op::StageAll,
                write("a", "1\n"),
                back_to(0),
            ],
        ),
        (
            "an undo of nothing but what is to be added later",
            vec![
                write("a", "1\n"),
                Op::Later { path: "a".into() },
                Op::Checkpoint,
                Op::Unstage { path: "a".into() },
                Op::Rollback { which: 0, keep_files: false, and_back: false },
                Op::Undo,
                Op::Redo,
            ],
        ),
    ]
}

fn with_rules() -> Named {
    vec![
        (
            "an ignored file that was committed",
            vec![
                rules("*.o\n"),
                write("t.o", "mine\n"),
                Op::Checkpoint,
                Op::Stage { path: "t.o".into(), force: true },
                Op::Commit { amend: false },
                back_to(0),
                rules("\n"),
                Op::StageAll,
                Op::Commit { amend: false },
                back_to(0),
            ],
        ),
        (
            "an ignored file of the name of a directory of the index",
            vec![
                write("t.o/a", "1\n"),
                Op::StageAll,
                write("t.o", "2\n"),
                rules("*.o\n"),
                Op::Checkpoint,
                rules("\n"),
                back_to(0),
            ],
        ),
        (
            "a tracked file that was gone, of a name that is ignored",
            vec![
                write("t.o", "1\n"),
                Op::StageAll,
                Op::Commit { amend: false },
                rules("*.o\n"),
                Op::Delete { path: "t.o".into() },
                Op::Checkpoint,
                write("t.o", "1\n"),
                back_to(0),
            ],
        ),
        (
            "a tracked file behind an ignored link to itself",
            vec![
                write("d/a", "1\n"),
                Op::StageAll,
                Op::Commit { amend: false },
                Op::Checkpoint,
                Op::Link { path: "d".into(), to: "d" },
                rules("d\n"),
                write("a", "2\n"),
                back_to(0),
            ],
        ),
        (
            "a file where a directory holds what was ignored then",
            vec![
                rules("*.o\n"),
                write("d", "1\n"),
                Op::Checkpoint,
                write("d/t.o", "2\n"),
                rules("\n"),
                back_to(0),
            ],
        ),
    ]
}

#[test]
fn what_once_went_wrong_goes_well() {
    for (name, ops) in without_rules().into_iter().chain(with_rules()) {
        let done = steps::check(&Sequence { born: true, ops });
        assert_eq!(done, Ok(()), "{name}");
    }
}

/// A file that changed in the moment in which the index was written is known by its bytes alone.
#[test]
fn a_file_as_old_as_the_index_is_looked_into() {
    let repo = TestRepo::new();
    repo.git(&["config", "core.trustctime", "false"]);
    let then = SystemTime::now() - Duration::from_secs(10);
    let write = |path: &str, text: &str| {
        repo.write(path, text);
        let file = fs::File::options().append(true).open(repo.work.join(path)).unwrap();
        file.set_modified(then).unwrap();
    };
    write("a", "1\n");
    repo.git(&["add", "a"]);
    let index = fs::File::options().append(true).open(repo.work.join(".git/index")).unwrap();
    index.set_modified(then).unwrap();
    write("a", "2\n");
    repo.run(&["checkpoint"]).ends(0);
    repo.write("b", "3\n");
    repo.run(&["rollback", "--to", "1"]).ends(0);
    assert_eq!(repo.read("a"), "2\n");
    assert_eq!(repo.git(&["status", "--porcelain"]), "AM a");
}
