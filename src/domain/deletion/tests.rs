use super::*;
use crate::domain::testing::{item, oid, stage};

fn deletion(path: &str, blob: u64, commit: u64) -> Deletion {
    Deletion {
        path: path.into(),
        mode: Mode(0o100_644),
        oid: oid(blob),
        size: Some(1),
        commit: Some(oid(commit)),
        place: None,
    }
}

fn place(cycle: u32) -> Option<Scene> {
    Some(Scene { item: item("s"), sprint: None, task: None, stage: stage("build"), cycle })
}

fn names(all: &[Deletion]) -> Vec<&str> {
    all.iter().map(|of| std::str::from_utf8(&of.path).unwrap()).collect()
}

#[test]
fn what_an_event_holds_is_bounded_in_number_and_in_bytes() {
    let few = Deleted::bounded(vec![deletion("a", 1, 1)]);
    assert_eq!((few.kept.len(), few.more), (1, 0));
    let many = Deleted::bounded(vec![deletion("a", 1, 1); DELETED_KEPT_MAX + 7]);
    assert_eq!((many.kept.len(), many.more, many.total()), (DELETED_KEPT_MAX, 7, 207));
    let long = "a".repeat(DELETED_PATH_BYTES_MAX / 2);
    let long = Deleted::bounded(vec![deletion(&long, 1, 1); 3]);
    assert_eq!((long.kept.len(), long.more), (2, 1));
}

#[test]
fn a_commit_belongs_to_the_next_event_that_tells_of_one() {
    let mark = |seq| Mark { seq, place: place(u32::try_from(seq).unwrap()) };
    let chain = [1, 2, 3, 4, 5].map(oid);
    let marks = HashMap::from([(oid(2), mark(10)), (oid(4), mark(20)), (oid(99), mark(30))]);
    let now = Mark { seq: u64::MAX, place: None };
    let found: Vec<_> = attributed(&chain, &marks, &now).iter().map(|mark| mark.seq).collect();
    assert_eq!(found, [10, 10, 20, 20, u64::MAX]);
}

#[test]
fn each_path_and_commit_is_listed_once_and_the_newest_is_last() {
    let recorded = vec![
        (5, Deletion { place: place(1), ..deletion("a", 1, 2) }),
        // Of a commit that was amended away: once as `b` in commit 4, and once as what only it had.
        (7, deletion("b", 2, 3)),
        (7, deletion("only-there", 9, 3)),
    ];
    let computed = vec![
        (5, deletion("a", 1, 2)),
        (9, deletion("b", 2, 4)),
        (u64::MAX, deletion("a", 1, 5)),
        (u64::MAX, deletion("a", 1, 5)),
    ];
    let uncommitted = vec![Deletion { commit: None, ..deletion("c", 3, 0) }];
    let all = gathered(recorded, computed, uncommitted);
    assert_eq!(names(&all), ["a", "only-there", "b", "a", "c"]);
    assert_eq!((all[0].place.clone(), all[2].commit.clone()), (place(1), Some(oid(4))));
}

#[test]
fn the_tree_shows_what_is_gone_and_counts_the_rest() {
    let traced = |path: &str, commit, fate| Traced { deletion: deletion(path, 1, commit), fate };
    let all = [
        traced("src/a/x", 1, Fate::Gone),
        traced("y", 1, Fate::Gone),
        traced("src/a/x", 2, Fate::Gone),
        traced("back", 1, Fate::CameBack),
        traced("old", 1, Fate::of(false, Some(b"new"))),
        traced("src/a/w", 1, Fate::Gone),
    ];
    let tree = tree(&all);
    assert_eq!(tree.tally, Tally { gone: 3, came_back: 1, moved: 1 });
    let dirs: Vec<_> = tree
        .dirs
        .iter()
        .map(|(dir, files)| (*dir, files.iter().map(|(name, _)| *name).collect::<Vec<_>>()))
        .collect();
    assert_eq!(dirs, [(&b""[..], vec![&b"y"[..]]), (b"src/a/", vec![b"w", b"x"])]);
    assert_eq!(tree.dirs[&b"src/a/"[..]][1].1.commit, Some(oid(2)));
}

#[test]
fn what_is_there_again_came_back_wherever_it_was_moved() {
    assert_eq!(Fate::of(true, Some(b"x")), Fate::CameBack);
    assert_eq!(Fate::of(false, None), Fate::Gone);
    assert!(Mode::parse("+100").is_none() && Mode::parse("8").is_none());
    assert_eq!(Mode::parse("100644").map(|mode| mode.to_string()).as_deref(), Some("100644"));
}
