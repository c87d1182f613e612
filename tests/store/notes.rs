//! Notes: written by this program, read by git, and the other way round.

use std::thread;

use git_run::{domain::id::Oid, store::notes};

use crate::{
    fixture::{now, open},
    support::{TestRepo, long},
};

fn commits(repo: &TestRepo, count: usize) -> Vec<Oid> {
    let commit = |n| repo.git(&["commit-tree", "HEAD^{tree}", "-m", &format!("commit {n}")]);
    (0..count).map(|n| Oid::parse(&commit(n)).unwrap()).collect()
}

#[test]
fn eight_writers_of_notes_lose_no_line() {
    let each = if long() { 50 } else { 12 };
    for init in [&[][..], &["--object-format=sha256"]] {
        let test = TestRepo::with(init);
        let commits = commits(&test, 5);
        thread::scope(|scope| {
            for writer in 0..8 {
                let (test, commits) = (&test, &commits);
                scope.spawn(move || {
                    let repo = open(test);
                    for n in 0..each {
                        let line = format!("{{\"writer\":{writer},\"n\":{n}}}");
                        notes::add_line(&repo, &commits[n % 5], &line, now()).unwrap();
                        // A line that is there is not written twice.
                        notes::add_line(&repo, &commits[n % 5], &line, now()).unwrap();
                    }
                });
            }
        });
        let repo = open(&test);
        let mut lines = 0;
        for commit in &commits {
            let note = notes::read(&repo, commit).unwrap().unwrap();
            assert_eq!(test.git(&["notes", "--ref=run", "show", commit.as_str()]), note.trim());
            lines += note.lines().count();
        }
        assert_eq!(lines, 8 * each);
        assert_eq!(test.git(&["rev-list", "--count", "refs/notes/run"]), (8 * each).to_string());
        test.git(&["fsck", "--strict"]);
    }
}

#[test]
fn git_shows_the_notes_in_its_log() {
    let test = TestRepo::new();
    let head = Oid::parse(&test.git(&["rev-parse", "HEAD"])).unwrap();
    notes::add_line(&open(&test), &head, "{\"run\":\"x\"}", now()).unwrap();
    let log = test.git(&["log", "--notes=run", "-1"]);
    assert!(log.contains("Notes (run):") && log.contains("{\"run\":\"x\"}"), "{log}");
}

/// `git fast-import` fans out by the number of notes, so trees of each depth are made by hand.
#[test]
fn trees_of_every_fan_out_are_read_and_added_to() {
    for depth in 0..=2 {
        let test = TestRepo::new();
        let commits = commits(&test, 3);
        let blob = test.work.join("note");
        std::fs::write(&blob, "{\"old\":1}\n").unwrap();
        let blob = test.git(&["hash-object", "-w", "note"]);
        for commit in &commits[..2] {
            let mut path = commit.to_string();
            for level in 0..depth {
                path.insert(2 + 3 * level, '/');
            }
            let info = format!("100644,{blob},{path}");
            test.git(&["update-index", "--add", "--cacheinfo", &info]);
        }
        test.git(&["rm", "--cached", "--quiet", "README"]);
        let tree = test.git(&["write-tree"]);
        let commit = test.git(&["commit-tree", "-m", "notes", &tree]);
        test.git(&["update-ref", "refs/notes/run", &commit]);
        test.git(&["reset", "--quiet"]);
        let repo = open(&test);
        assert_eq!(notes::read(&repo, &commits[0]).unwrap().as_deref(), Some("{\"old\":1}\n"));
        for commit in [&commits[0], &commits[2]] {
            notes::add_line(&repo, commit, "{\"new\":1}", now()).unwrap();
        }
        for (commit, expected) in
            commits.iter().zip(["{\"old\":1}\n{\"new\":1}", "{\"old\":1}", "{\"new\":1}"])
        {
            let shown = test.git(&["notes", "--ref=run", "show", commit.as_str()]);
            assert_eq!(shown, expected, "depth {depth}");
        }
        assert_eq!(test.git(&["notes", "--ref=run", "list"]).lines().count(), 3, "depth {depth}");
        // What git writes next to it is read as well.
        test.git(&["notes", "--ref=run", "append", "-m", "{\"git\":1}", commits[2].as_str()]);
        let note = notes::read(&open(&test), &commits[2]).unwrap().unwrap();
        assert!(note.contains("new") && note.contains("git"), "{note}");
        test.git(&["fsck", "--strict"]);
    }
}

#[test]
fn a_note_that_grew_too_long_is_an_error_and_stays_as_it_is() {
    let test = TestRepo::new();
    let head = Oid::parse(&test.git(&["rev-parse", "HEAD"])).unwrap();
    std::fs::write(test.work.join("big"), "x\n".repeat(200_000)).unwrap();
    test.git(&["notes", "--ref=run", "add", "-F", "big", "HEAD"]);
    let before = test.git(&["rev-parse", "refs/notes/run"]);
    assert!(notes::add_line(&open(&test), &head, "{}", now()).is_err());
    assert_eq!(test.git(&["rev-parse", "refs/notes/run"]), before);
}
