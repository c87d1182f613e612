//! What may happen in a work tree: by hand, by git, and by the program under test.

use std::{fs, os::unix::ffi::OsStrExt as _, path::Path, path::PathBuf};

use proptest::{
    collection::vec, option, prelude::*, sample::select, strategy::BoxedStrategy, strategy::Union,
};

use crate::support::TestRepo;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    Write {
        path: String,
        text: &'static str,
    },
    Executable {
        path: String,
        yes: bool,
    },
    Delete {
        path: String,
    },
    Rename {
        path: String,
        to: String,
    },
    Link {
        path: String,
        to: &'static str,
    },
    /// `.gitignore` of a directory; nothing removes it.
    Rules {
        directory: &'static str,
        text: Option<&'static str>,
    },
    Stage {
        path: String,
        force: bool,
    },
    StageAll,
    Unstage {
        path: String,
    },
    Later {
        path: String,
    },
    Commit {
        amend: bool,
    },
    Reset {
        how: &'static str,
        to: &'static str,
    },
    Checkpoint,
    /// To one of the checkpoints that there are; and at once to what was saved before it.
    Rollback {
        which: usize,
        keep_files: bool,
        and_back: bool,
    },
    Restore {
        path: String,
        which: usize,
    },
    Undo,
    Redo,
}

/// One sequence: what is committed first, or nothing; and what happens then.
#[derive(Debug, Clone)]
pub struct Sequence {
    pub born: bool,
    pub ops: Vec<Op>,
}

const NAMES: [&str; 9] = ["a", "b c", "é", "n\nl", "-x", ":x", "d", "t.o", "build"];
const TEXTS: [&str; 6] = ["", "1\n", "2\n", "three\n", "a\0b\n", "x\r\ny"];
const TARGETS: [&str; 4] = ["a", "d", "../b c", "nowhere/é"];
const RULES: [&str; 7] =
    ["*.o\n", "build/\n", "build\n", "/d/*\n!/d/a\n", "d\n", "\\:x\n-x\n", "\n"];

pub fn path() -> impl Strategy<Value = String> {
    // Few names, so that what is a file here is a directory there.
    prop_oneof![4 => vec(select(&NAMES[..]), 1), 4 => vec(select(&NAMES[..]), 2), 1 => vec(select(&NAMES[..]), 3)]
        .prop_map(|parts| parts.join("/"))
}

/// What is done by hand and by git.
pub fn by_others() -> BoxedStrategy<Op> {
    let rules = (select(&["", "d/", "build/"][..]), option::weighted(0.8, select(&RULES[..])));
    let resets = (select(&["--soft", "--mixed"][..]), select(&["HEAD", "HEAD~1"][..]));
    Union::new_weighted(vec![
        (
            12,
            (path(), select(&TEXTS[..])).prop_map(|(path, text)| Op::Write { path, text }).boxed(),
        ),
        (3, (path(), any::<bool>()).prop_map(|(path, yes)| Op::Executable { path, yes }).boxed()),
        (4, path().prop_map(|path| Op::Delete { path }).boxed()),
        (3, (path(), path()).prop_map(|(path, to)| Op::Rename { path, to }).boxed()),
        (3, (path(), select(&TARGETS[..])).prop_map(|(path, to)| Op::Link { path, to }).boxed()),
        (5, rules.prop_map(|(directory, text)| Op::Rules { directory, text }).boxed()),
        (3, (path(), any::<bool>()).prop_map(|(path, force)| Op::Stage { path, force }).boxed()),
        (3, Just(Op::StageAll).boxed()),
        (2, path().prop_map(|path| Op::Unstage { path }).boxed()),
        (3, path().prop_map(|path| Op::Later { path }).boxed()),
        (4, any::<bool>().prop_map(|amend| Op::Commit { amend }).boxed()),
        (2, resets.prop_map(|(how, to)| Op::Reset { how, to }).boxed()),
    ])
    .boxed()
}

fn by_us() -> BoxedStrategy<Op> {
    let rollback = (any::<usize>(), proptest::bool::weighted(0.1), proptest::bool::weighted(0.25));
    Union::new_weighted(vec![
        (6, Just(Op::Checkpoint).boxed()),
        (
            7,
            rollback
                .prop_map(|(which, keep_files, and_back)| Op::Rollback {
                    which,
                    keep_files,
                    and_back,
                })
                .boxed(),
        ),
        (3, (path(), any::<usize>()).prop_map(|(path, which)| Op::Restore { path, which }).boxed()),
        (5, Just(Op::Undo).boxed()),
        (3, Just(Op::Redo).boxed()),
    ])
    .boxed()
}

pub fn sequence() -> impl Strategy<Value = Sequence> {
    let write = (path(), select(&TEXTS[..])).prop_map(|(path, text)| Op::Write { path, text });
    let first = (proptest::bool::weighted(0.9), vec(write, 0..8));
    let then = vec(prop_oneof![3 => by_others(), 1 => by_us()], 6..36);
    (first, then).prop_map(|((born, mut ops), then)| {
        if born {
            ops.extend([Op::StageAll, Op::Commit { amend: false }]);
        }
        ops.extend(then);
        Sequence { born, ops }
    })
}

/// Does what others do. What git refuses was not done, and that is as good.
pub fn apply(repo: &TestRepo, op: &Op) {
    let full = |path: &str| repo.work.join(path);
    match op {
        Op::Write { path, text } => {
            make_room(repo, path);
            fs::write(full(path), text).unwrap();
        }
        Op::Link { path, to } => {
            make_room(repo, path);
            std::os::unix::fs::symlink(to, full(path)).unwrap();
        }
        Op::Executable { path, yes } => executable(&full(path), *yes),
        Op::Delete { path } => remove(&full(path)),
        Op::Rename { path, to } => {
            let (from, inside) = (full(path), to.starts_with(&format!("{path}/")));
            let above = path.starts_with(&format!("{to}/"));
            if !inside && !above && path != to && is_there(repo, path) {
                make_room(repo, to);
                if from.symlink_metadata().is_ok() {
                    fs::rename(from, full(to)).unwrap();
                }
            }
        }
        Op::Rules { directory, text: Some(text) } => {
            let path = format!("{directory}.gitignore");
            make_room(repo, &path);
            fs::write(full(&path), text).unwrap();
        }
        Op::Rules { directory, text: None } => remove(&full(&format!("{directory}.gitignore"))),
        Op::Stage { path, force: true } => git(repo, &["add", "--force", "--", path]),
        Op::Stage { path, force: false } => git(repo, &["add", "--", path]),
        Op::StageAll => git(repo, &["add", "--all"]),
        Op::Unstage { path } => git(repo, &["reset", "--quiet", "--", path]),
        Op::Later { path } => git(repo, &["add", "--intent-to-add", "--", path]),
        Op::Commit { amend: false } => git(repo, &["commit", "--quiet", "-m", "one more"]),
        Op::Commit { amend: true } => git(repo, &["commit", "--quiet", "--amend", "-m", "again"]),
        Op::Reset { how, to } => git(repo, &["reset", "--quiet", how, to]),
        Op::Checkpoint | Op::Rollback { .. } | Op::Restore { .. } | Op::Undo | Op::Redo => {}
    }
}

fn git(repo: &TestRepo, words: &[&str]) {
    let output =
        repo.command("git").env("GIT_LITERAL_PATHSPECS", "1").args(words).output().unwrap();
    assert!(output.status.code().is_some_and(|code| code < 129), "git {words:?}: {output:?}");
}

/// Not behind a link.
fn is_there(repo: &TestRepo, path: &str) -> bool {
    let full = repo.work.join(path);
    full.symlink_metadata().is_ok()
        && full.ancestors().skip(1).take_while(|up| **up != *repo.work).all(|up| !up.is_symlink())
}

/// Directories above it, and nothing at it.
fn make_room(repo: &TestRepo, path: &str) {
    let full = repo.work.join(path);
    let mut above: Vec<&Path> =
        full.ancestors().skip(1).take_while(|up| **up != *repo.work).collect();
    above.reverse();
    for up in above {
        if up.symlink_metadata().is_ok_and(|about| !about.is_dir()) {
            fs::remove_file(up).unwrap();
        }
        if up.symlink_metadata().is_err() {
            fs::create_dir(up).unwrap();
        }
    }
    remove(&full);
}

fn remove(path: &PathBuf) {
    let behind = path.parent().is_some_and(|up| up.canonicalize().is_ok_and(|real| real != up));
    match path.symlink_metadata() {
        Ok(_) if behind => {}
        Ok(about) if about.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

fn executable(path: &PathBuf, yes: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    if path.symlink_metadata().is_ok_and(|about| about.is_file()) {
        let mode = if yes { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
}

/// Bytes of a path as git says them.
pub fn bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_bytes().to_vec()
}
