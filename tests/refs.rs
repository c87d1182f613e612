//! One suite for both ways to write refs, on every kind of repository that git makes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant, SystemTime},
};

use git_run::{
    domain::id::Oid,
    git::{
        program::Git,
        refs::{FileRefs, HookedRefs, ProgramRefs, RefError, RefStore},
    },
};
use support::TestRepo;

const JOURNAL: &str = "refs/run/x/journal";

/// Who writes, and what `git init` is told.
const KINDS: [(&str, Writer, &[&str]); 7] = [
    ("own writer, files", Writer::Own, &[]),
    ("git, files", Writer::Git, &[]),
    ("git for a hook, files", Writer::Hooked, &[]),
    ("git, reftable", Writer::Git, &["--ref-format=reftable"]),
    ("own writer, sha256", Writer::Own, &["--object-format=sha256"]),
    ("git, sha256", Writer::Git, &["--object-format=sha256"]),
    ("git, sha256, reftable", Writer::Git, &["--object-format=sha256", "--ref-format=reftable"]),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writer {
    Own,
    Git,
    /// Our reader, and git as the writer.
    Hooked,
}

impl Writer {
    fn open(self, git_dir: &Path) -> Box<dyn RefStore> {
        match self {
            Self::Own => Box::new(files(git_dir)),
            Self::Git => Box::new(ProgramRefs::new(Git::at(git_dir, None))),
            Self::Hooked => {
                Box::new(HookedRefs::new(files(git_dir), ProgramRefs::new(Git::at(git_dir, None))))
            }
        }
    }
}

fn files(git_dir: &Path) -> FileRefs {
    let common = git_dir.ancestors().find(|dir| dir.ends_with(".git")).unwrap();
    FileRefs::new(common.to_owned(), git_dir.to_owned())
}

#[test]
fn one_leaf_of_each_is_listed_packed_or_not() {
    everywhere(|label, repo, refs, commits| {
        let names = [
            "refs/run/a/journal",
            "refs/run/a/lease",
            "refs/run/b/journal",
            "refs/run/c/d/journal",
        ];
        for (name, id) in names.into_iter().zip(commits) {
            refs.compare_and_swap(name, None, Some(id)).unwrap();
        }
        let listed = || refs.list_leaf("refs/run/", "journal").unwrap();
        let expected = [
            ("refs/run/a/journal".to_owned(), commits[0].clone()),
            ("refs/run/b/journal".to_owned(), commits[2].clone()),
        ];
        assert_eq!(listed(), expected, "{label}");
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(listed(), expected, "{label}, packed");
        refs.compare_and_swap("refs/run/b/journal", Some(&commits[2]), Some(&commits[3])).unwrap();
        assert_eq!(listed()[1].1, commits[3], "{label}, both");
        assert_eq!(refs.list_leaf("refs/none/", "journal").unwrap(), [], "{label}");
    });
}

/// Runs the same case in every kind of repository. `commits` are four that are there.
fn everywhere(case: impl Fn(&str, &TestRepo, &dyn RefStore, &[Oid])) {
    for (label, writer, init) in KINDS {
        let repo = TestRepo::with(init);
        let commits = commits(&repo, 4);
        case(label, &repo, &*writer.open(&git_dir(&repo)), &commits);
        repo.git(&["fsck", "--strict"]);
    }
}

fn git_dir(repo: &TestRepo) -> PathBuf {
    repo.work.join(".git")
}

fn commits(repo: &TestRepo, count: usize) -> Vec<Oid> {
    let commit = |n| repo.git(&["commit-tree", "HEAD^{tree}", "-m", &format!("commit {n}")]);
    (0..count).map(|n| Oid::parse(&commit(n)).unwrap()).collect()
}

fn stale(result: &Result<(), RefError>) -> Option<Option<Oid>> {
    match result {
        Err(RefError::Stale { found, .. }) => Some(found.clone()),
        _ => None,
    }
}

#[test]
fn a_ref_moves_only_from_where_it_is_expected() {
    everywhere(|label, repo, refs, c| {
        let swap = |expected, new| refs.compare_and_swap(JOURNAL, expected, new);
        assert_eq!(refs.read(JOURNAL).unwrap(), None, "{label}");
        // While it is missing.
        assert_eq!(stale(&swap(Some(&c[0]), Some(&c[1]))), Some(None), "{label}");
        assert_eq!(stale(&swap(Some(&c[0]), None)), Some(None), "{label}");
        swap(None, None).unwrap();
        swap(None, Some(&c[0])).unwrap();
        assert_eq!(refs.read(JOURNAL).unwrap().as_ref(), Some(&c[0]), "{label}");
        // Once it is there. That it stands at the new place already is no success of this caller's.
        for (expected, new) in [
            (None, Some(&c[1])),
            (None, Some(&c[0])),
            (Some(&c[1]), Some(&c[2])),
            (Some(&c[1]), None),
        ] {
            assert_eq!(stale(&swap(expected, new)), Some(Some(c[0].clone())), "{label}");
        }
        assert_eq!(stale(&swap(Some(&c[1]), Some(&c[0]))), Some(Some(c[0].clone())), "{label}");
        swap(Some(&c[0]), Some(&c[0])).unwrap();
        swap(Some(&c[0]), Some(&c[3])).unwrap();
        assert_eq!(repo.git(&["rev-parse", JOURNAL]), c[3].as_str(), "{label}");
        swap(Some(&c[3]), None).unwrap();
        assert_eq!(refs.read(JOURNAL).unwrap(), None, "{label}");
        assert_eq!(repo.refs("refs/run/"), Vec::<String>::new(), "{label}");
    });
}

#[test]
fn a_packed_ref_is_read_moved_and_deleted_like_any_other() {
    everywhere(|label, repo, refs, c| {
        refs.compare_and_swap(JOURNAL, None, Some(&c[0])).unwrap();
        repo.git(&["tag", "-a", "-m", "an annotated one has a peeled line", "v1"]);
        repo.git(&["pack-refs", "--all", "--prune"]);
        assert_eq!(refs.read(JOURNAL).unwrap().as_ref(), Some(&c[0]), "{label}");
        let again = refs.compare_and_swap(JOURNAL, None, Some(&c[1]));
        assert_eq!(stale(&again), Some(Some(c[0].clone())), "{label}");
        refs.compare_and_swap(JOURNAL, Some(&c[0]), Some(&c[1])).unwrap();
        // The loose one hides the packed one.
        assert_eq!(refs.read(JOURNAL).unwrap().as_ref(), Some(&c[1]), "{label}");
        assert_eq!(refs.list("refs/run/").unwrap(), [(JOURNAL.into(), c[1].clone())], "{label}");
        refs.compare_and_swap(JOURNAL, Some(&c[1]), None).unwrap();
        assert_eq!(refs.read(JOURNAL).unwrap(), None, "{label}: the packed one came back");
        refs.compare_and_swap(JOURNAL, None, Some(&c[2])).unwrap();
    });
}

#[test]
fn refs_are_listed_by_name_below_a_prefix_and_nowhere_else() {
    everywhere(|label, repo, refs, c| {
        assert_eq!(refs.list("refs/run/").unwrap(), [], "{label}");
        for name in ["refs/run/b/journal", "refs/run/a/lease", "refs/run/a/journal"] {
            refs.compare_and_swap(name, None, Some(&c[0])).unwrap();
        }
        repo.git(&["pack-refs", "--all"]);
        refs.compare_and_swap("refs/run/c/journal", None, Some(&c[1])).unwrap();
        refs.compare_and_swap("refs/runs/other", None, Some(&c[1])).unwrap();
        let names: Vec<_> =
            refs.list("refs/run/").unwrap().into_iter().map(|(name, _)| name).collect();
        let expected =
            ["refs/run/a/journal", "refs/run/a/lease", "refs/run/b/journal", "refs/run/c/journal"];
        assert_eq!(names, expected, "{label}");
    });
}

#[test]
fn symbolic_refs_are_followed_when_read_and_never_written_through() {
    everywhere(|label, repo, refs, c| {
        assert_eq!(refs.read_symbolic("refs/run/x/pointer").unwrap(), None, "{label}");
        repo.git(&["symbolic-ref", "refs/run/x/pointer", JOURNAL]);
        assert_eq!(
            refs.read_symbolic("refs/run/x/pointer").unwrap().as_deref(),
            Some(JOURNAL),
            "{label}"
        );
        assert_eq!(refs.read("refs/run/x/pointer").unwrap(), None, "{label}: it leads nowhere");
        refs.compare_and_swap(JOURNAL, None, Some(&c[0])).unwrap();
        assert_eq!(refs.read("refs/run/x/pointer").unwrap().as_ref(), Some(&c[0]), "{label}");
        assert_eq!(refs.read_symbolic(JOURNAL).unwrap(), None, "{label}: it is not symbolic");
        repo.git(&["symbolic-ref", "refs/run/x/pointer", "refs/heads/main"]);
        let main = refs.read("refs/heads/main").unwrap().unwrap();
        assert_eq!(refs.read("HEAD").unwrap().as_ref(), Some(&main), "{label}");
        assert_eq!(refs.read_symbolic("HEAD").unwrap().as_deref(), Some("refs/heads/main"));
        // A journal that somebody made a pointer to a branch must not move that branch.
        refs.compare_and_swap("refs/run/x/pointer", Some(&main), Some(&c[1])).unwrap();
        assert_eq!(refs.read("refs/heads/main").unwrap(), Some(main), "{label}");
        assert_eq!(repo.git(&["rev-parse", "refs/run/x/pointer"]), c[1].as_str(), "{label}");
    });
}

#[test]
fn every_work_tree_has_its_own_pointer() {
    for (label, writer, init) in KINDS {
        let repo = TestRepo::with(init);
        let c = commits(&repo, 1);
        repo.git(&["worktree", "add", "--quiet", "-b", "other", "../other"]);
        let main = writer.open(&git_dir(&repo));
        let other = writer.open(&git_dir(&repo).join("worktrees/other"));
        main.compare_and_swap(JOURNAL, None, Some(&c[0])).unwrap();
        assert_eq!(
            other.read(JOURNAL).unwrap().as_ref(),
            Some(&c[0]),
            "{label}: journals are shared"
        );
        repo.git(&["symbolic-ref", "refs/worktree/run", JOURNAL]);
        assert_eq!(other.read_symbolic("refs/worktree/run").unwrap(), None, "{label}");
        repo.git(&["-C", "../other", "symbolic-ref", "refs/worktree/run", "refs/run/y/journal"]);
        let pointer = |refs: &dyn RefStore| refs.read_symbolic("refs/worktree/run").unwrap();
        assert_eq!(pointer(&*main).as_deref(), Some(JOURNAL), "{label}");
        assert_eq!(pointer(&*other).as_deref(), Some("refs/run/y/journal"), "{label}");
        let from_git = repo.git(&["symbolic-ref", "refs/worktree/run"]);
        assert_eq!(from_git, JOURNAL, "{label}: git reads the same");
        assert_eq!(other.read_symbolic("HEAD").unwrap().as_deref(), Some("refs/heads/other"));
    }
}

/// Every writer makes commits that hold its predecessor, so that a lost update leaves a gap.
#[test]
fn four_writers_lose_nothing_while_refs_are_packed() {
    let each = if support::long() { 100 } else { 8 };
    for (label, writer, init) in KINDS {
        let repo = TestRepo::with(init);
        let over = AtomicBool::new(false);
        let packs = thread::scope(|scope| {
            let packer = scope.spawn(|| {
                let mut packs = 0;
                while !over.load(Ordering::Relaxed) {
                    packs += u32::from(repo.try_git(&["pack-refs", "--all"]).status.success());
                    thread::sleep(Duration::from_millis(20));
                }
                packs
            });
            let repo = &repo;
            let writers: Vec<_> =
                (0..4).map(|n| scope.spawn(move || append_all(repo, writer, n, each))).collect();
            let ended: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
            // Also where one of them failed: else nobody would hear of it.
            over.store(true, Ordering::Relaxed);
            ended.into_iter().for_each(Result::unwrap);
            packer.join().unwrap()
        });
        let count = repo.git(&["rev-list", "--count", JOURNAL]);
        assert_eq!(count, (4 * each).to_string(), "{label}: {packs} packs");
        assert!(0 < packs, "{label}: refs were packed meanwhile");
    }
}

fn append_all(repo: &TestRepo, writer: Writer, n: usize, each: usize) {
    let refs = writer.open(&git_dir(repo));
    let tree = repo.git(&["rev-parse", "HEAD^{tree}"]);
    for k in 0..each {
        loop {
            let old = refs.read(JOURNAL).unwrap();
            let message = format!("writer {n}, commit {k}");
            let mut words = vec!["commit-tree", &tree, "-m", &message];
            if let Some(old) = &old {
                words.extend(["-p", old.as_str()]);
            }
            let new = Oid::parse(&repo.git(&words)).unwrap();
            match refs.compare_and_swap(JOURNAL, old.as_ref(), Some(&new)) {
                Ok(()) => break,
                Err(RefError::Stale { .. }) => {}
                Err(error) => panic!("{writer:?}, {n}: {error}"),
            }
        }
    }
}

fn lock_of(repo: &TestRepo, name: &str, age: Duration) -> PathBuf {
    let path = git_dir(repo).join(format!("{name}.lock"));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = File::create(&path).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
    path
}

const LONG_AGO: Duration = Duration::from_secs(60);

#[test]
fn the_lock_of_a_dead_writer_is_mended_below_refs_run_and_reported_elsewhere() {
    let repo = TestRepo::new();
    let c = commits(&repo, 2);
    let refs = Writer::Own.open(&git_dir(&repo));
    for name in [JOURNAL, "refs/worktree/run", "refs/notes/run"] {
        let lock = lock_of(&repo, name, LONG_AGO);
        let begun = Instant::now();
        refs.compare_and_swap(name, None, Some(&c[0])).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(1), "{name}: it was old enough at once");
        assert!(!lock.exists(), "{name}");
    }
    for name in ["refs/heads/theirs", "refs/notes/other", "refs/worktree/other"] {
        let lock = lock_of(&repo, name, LONG_AGO);
        match refs.compare_and_swap(name, None, Some(&c[0])) {
            Err(RefError::Locked { name: said, lock: path }) => {
                assert_eq!((said.as_str(), Path::new(&path)), (name, lock.as_path()));
            }
            other => panic!("{name}: {other:?}"),
        }
        assert!(lock.exists(), "{name}: it is not ours to remove");
    }
}

#[test]
fn git_reports_a_lock_that_it_cannot_take() {
    for (label, init, name, lock) in [
        ("files", &[][..], JOURNAL, "refs/run/x/journal"),
        ("reftable", &["--ref-format=reftable"][..], JOURNAL, "reftable/tables.list"),
    ] {
        let repo = TestRepo::with(init);
        let c = commits(&repo, 1);
        let lock = lock_of(&repo, lock, LONG_AGO);
        let refs = Writer::Git.open(&git_dir(&repo));
        let refused = refs.compare_and_swap(name, None, Some(&c[0]));
        assert!(matches!(refused, Err(RefError::Locked { .. })), "{label}: {refused:?}");
        assert!(lock.exists(), "{label}");
        fs::remove_file(lock).unwrap();
        refs.compare_and_swap(name, None, Some(&c[0])).unwrap();
    }
}

#[test]
fn the_lock_of_a_live_writer_is_never_removed() {
    let repo = TestRepo::new();
    let c = commits(&repo, 1);
    let lock = lock_of(&repo, JOURNAL, LONG_AGO);
    let holder = File::open(&lock).unwrap();
    holder.lock().unwrap();
    let refs = Writer::Own.open(&git_dir(&repo));
    let refused = refs.compare_and_swap(JOURNAL, None, Some(&c[0]));
    assert!(matches!(refused, Err(RefError::Locked { .. })), "{refused:?}");
    assert!(lock.exists());
    drop(holder);
    refs.compare_and_swap(JOURNAL, None, Some(&c[0])).unwrap();
}

#[test]
fn a_young_lock_is_waited_for() {
    let repo = TestRepo::new();
    let c = commits(&repo, 2);
    let refs = Writer::Own.open(&git_dir(&repo));
    // Its writer goes on after a moment: nothing is taken away from it.
    let lock = lock_of(&repo, JOURNAL, Duration::ZERO);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(300));
            fs::write(&lock, format!("{}\n", c[0])).unwrap();
            fs::rename(&lock, git_dir(&repo).join(JOURNAL)).unwrap();
        });
        let late = refs.compare_and_swap(JOURNAL, None, Some(&c[1]));
        assert_eq!(stale(&late), Some(Some(c[0].clone())));
    });
    // Its writer is dead: a second later it is mended.
    let lock = lock_of(&repo, JOURNAL, Duration::ZERO);
    let begun = Instant::now();
    refs.compare_and_swap(JOURNAL, Some(&c[0]), Some(&c[1])).unwrap();
    assert!(Duration::from_millis(800) < begun.elapsed() && !lock.exists());
}

#[test]
fn a_ref_that_holds_garbage_is_an_error_that_names_it() {
    let repo = TestRepo::new();
    let refs = Writer::Own.open(&git_dir(&repo));
    fs::create_dir_all(git_dir(&repo).join("refs/run/x")).unwrap();
    for garbage in [&b""[..], b"\n", b"hello\n", b"ref: ../../../etc/passwd\n", b"\xff\xfe\n"] {
        fs::write(git_dir(&repo).join(JOURNAL), garbage).unwrap();
        let error = format!("{:#}", refs.read(JOURNAL).unwrap_err());
        assert!(error.contains(JOURNAL), "{error}");
    }
    // A circle ends.
    fs::write(git_dir(&repo).join(JOURNAL), "ref: refs/run/x/lease\n").unwrap();
    fs::write(git_dir(&repo).join("refs/run/x/lease"), format!("ref: {JOURNAL}\n")).unwrap();
    assert!(refs.read(JOURNAL).is_err());
}

#[test]
fn a_git_that_cannot_answer_is_not_taken_for_a_missing_ref() {
    let repo = TestRepo::with(&["--ref-format=reftable"]);
    let refs = Writer::Git.open(&git_dir(&repo));
    fs::write(git_dir(&repo).join("HEAD"), "garbage").unwrap();
    fs::remove_file(git_dir(&repo).join("config")).unwrap();
    fs::create_dir(git_dir(&repo).join("config")).unwrap();
    assert!(refs.read("refs/heads/main").is_err());
    assert!(refs.read_symbolic("refs/heads/main").is_err());
}
