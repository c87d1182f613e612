//! Names and kinds of files that somebody's tool once took for something else.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, fs::symlink, net::UnixListener},
    path::Path,
};

use crate::{
    fixture::{checkpoint, commit, files, path, put, rollback, sound, state, to_and_fro},
    support::{Ran, TestRepo},
};

fn odd() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "é",
        "e\u{301}",
        "a\nb",
        "a|b",
        "-f",
        "--",
        "--help",
        ":",
        ":x",
        ":(glob)x",
        ":d/x",
        "a\tb",
        "\"q\"",
        "'q'",
        "back\\slash",
        "trailing ",
        " leading",
        "a@3",
        "@",
        "@{0}",
        "HEAD",
        "*",
        "?",
        "[a]",
        "!x",
        "#x",
        "~",
        "A",
        "a",
        "dir/-f",
        "dir/a b/:(top)y",
        "$(touch pwned)",
        "`id`",
        "con",
        "nul.txt",
        "a:b",
        "x.",
        "...",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push(b"\xff\xfe-bytes".to_vec());
    names.push(b"dir-\xc3/\xc3".to_vec());
    names.push("n".repeat(255).into_bytes());
    names.push(vec!["deep".repeat(40); 18].join("/").into_bytes());
    names
}

#[test]
fn every_name_is_saved_removed_changed_and_brought_back() {
    let repo = TestRepo::new();
    for (number, name) in odd().iter().enumerate() {
        put(&repo, name, b"1\n");
        if number % 2 == 0 {
            repo.command("git")
                .args(["--literal-pathspecs", "add", "--"])
                .arg(OsStr::from_bytes(name))
                .output()
                .unwrap();
        }
    }
    repo.git(&["commit", "--quiet", "-m", "names"]);
    to_and_fro(&repo, || {
        for (number, name) in odd().iter().enumerate() {
            match number % 3 {
                0 => fs::remove_file(path(&repo, name)).unwrap(),
                1 => put(&repo, name, b"2\n"),
                _ => {}
            }
        }
        commit(&repo, "changed");
        put(&repo, b"later\n-|", b"3\n");
    });
    assert!(!repo.work.join("pwned").exists());
    for words in [
        &["checkpoint", "list"][..],
        &["checkpoint", "show", "1"],
        &["checkpoint", "diff", "1"],
        &["checkpoint", "diff", "1", "--json"],
    ] {
        repo.run(words).ends(0);
    }
}

#[test]
fn every_name_can_be_brought_back_by_itself() {
    let repo = TestRepo::new();
    for name in odd() {
        put(&repo, &name, b"1\n");
    }
    checkpoint(&repo);
    let then = files(&repo.work);
    let again = |name: &[u8], from: bool| {
        let mut program = repo.program();
        program.arg("restore");
        if from {
            program.args(["--from", "1", "--"]).arg(OsStr::from_bytes(name));
        } else {
            program.arg("--").arg(OsStr::from_bytes(&[name, b"@1"].concat()));
        }
        Ran::of(program.output().unwrap())
    };
    for (number, name) in odd().into_iter().enumerate() {
        // Two ways, two kinds of loss; a sample of them, because each takes a moment.
        if number % 2 == 0 {
            fs::remove_file(path(&repo, &name)).unwrap();
        } else {
            put(&repo, &name, b"2\n");
        }
        again(&name, number % 3 == 0).ends(0);
        assert_eq!(files(&repo.work), then, "{}", name.escape_ascii());
    }
}

#[test]
fn a_link_to_a_directory_outside_is_never_written_through() {
    let repo = TestRepo::new();
    let outside = repo.root().join("outside");
    fs::create_dir_all(outside.join("sub")).unwrap();
    for name in ["same", "sub/deep", "other"] {
        fs::write(outside.join(name), "outside\n").unwrap();
    }
    for (name, content) in
        [("dir/same", "1\n"), ("dir/sub/deep", "1\n"), ("new/same", "1\n"), ("etc", "1\n")]
    {
        put(&repo, name.as_bytes(), content.as_bytes());
    }
    repo.git(&["add", "dir", "etc"]);
    repo.git(&["commit", "--quiet", "-m", "more"]);
    let then = files(&outside);
    to_and_fro(&repo, || {
        for name in ["dir", "new"] {
            fs::remove_dir_all(repo.work.join(name)).unwrap();
            symlink(&outside, repo.work.join(name)).unwrap();
        }
        fs::remove_file(repo.work.join("etc")).unwrap();
        symlink("/etc", repo.work.join("etc")).unwrap();
    });
    assert_eq!(files(&outside), then);
    // A single file below the link does not go through it.
    let ran = repo.run(&["restore", "dir/same@1"]);
    assert_eq!(files(&outside), then, "{ran:?}");
    // And back: the link again where the directory is.
    let number = checkpoint(&repo);
    for name in ["dir", "new", "etc"] {
        let _ = fs::remove_dir_all(repo.work.join(name))
            .or_else(|_| fs::remove_file(repo.work.join(name)));
        put(&repo, format!("{name}/same").as_bytes(), b"3\n");
    }
    rollback(&repo, number);
    assert!(repo.work.join("new").is_symlink());
    assert_eq!(files(&outside), then);
}

#[test]
fn a_tracked_file_that_git_does_not_look_at_is_not_read_through_a_link() {
    let repo = TestRepo::new();
    put(&repo, b"dir/hidden", b"1\n");
    commit(&repo, "more");
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        repo.git(&["update-index", flag, "dir/hidden"]);
        let outside = repo.root().join("outside");
        fs::create_dir_all(&outside).unwrap();
        fs::write(outside.join("hidden"), "secret outside\n").unwrap();
        fs::remove_dir_all(repo.work.join("dir")).unwrap();
        symlink(&outside, repo.work.join("dir")).unwrap();
        let now = files(&repo.work);
        let number = checkpoint(&repo);
        assert!(!crate::fixture::is_stored(&repo, b"secret outside\n"), "{flag}");
        fs::remove_file(repo.work.join("dir")).unwrap();
        put(&repo, b"dir/hidden", b"2\n");
        rollback(&repo, number);
        assert_eq!(files(&repo.work), now, "{flag}");
        fs::remove_file(repo.work.join("dir")).unwrap();
        put(&repo, b"dir/hidden", b"1\n");
        repo.git(&["update-index", "--no-assume-unchanged", "--no-skip-worktree", "dir/hidden"]);
        repo.git(&["reset", "--quiet", "--hard"]);
    }
}

#[test]
fn pipes_and_sockets_are_neither_waited_for_nor_touched() {
    let repo = TestRepo::new();
    put(&repo, b"tracked", b"1\n");
    put(&repo, b"plain", b"1\n");
    commit(&repo, "more");
    let number = checkpoint(&repo);
    let fifo = |name: &str| {
        assert!(repo.command("mkfifo").arg(name).output().unwrap().status.success());
    };
    fifo("pipe");
    let _socket = UnixListener::bind(repo.work.join("socket")).unwrap();
    fs::remove_file(repo.work.join("tracked")).unwrap();
    fifo("tracked");
    put(&repo, b"plain", b"2\n");
    let before = files(&repo.work);
    let with_pipes = checkpoint(&repo);
    assert_eq!(files(&repo.work), before);
    rollback(&repo, number);
    assert_eq!(repo.read("plain"), "1\n");
    for name in ["pipe", "socket", "tracked"] {
        let about = fs::symlink_metadata(repo.work.join(name)).unwrap();
        assert!(!about.is_file() && !about.is_symlink(), "{name} was replaced");
    }
    repo.run(&["undo"]).ends(0);
    assert_eq!(files(&repo.work), before);
    rollback(&repo, with_pipes);
}

#[test]
fn modes_links_empty_files_and_hard_links_come_back() {
    let repo = TestRepo::new();
    let mode = |name: &str, mode: u32| {
        fs::set_permissions(repo.work.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    for name in ["plain", "program", "new-program", "empty", "linked"] {
        put(&repo, name.as_bytes(), if name == "empty" { b"" } else { b"1\n" });
    }
    mode("program", 0o755);
    symlink("plain", repo.work.join("link")).unwrap();
    symlink("nowhere", repo.work.join("dangling")).unwrap();
    repo.git(&["add", "plain", "program", "link", "linked"]);
    repo.git(&["commit", "--quiet", "-m", "more"]);
    mode("new-program", 0o755);
    let other = repo.root().join("other-name");
    fs::hard_link(repo.work.join("linked"), &other).unwrap();
    to_and_fro(&repo, || {
        mode("plain", 0o755);
        mode("program", 0o644);
        mode("new-program", 0o644);
        fs::remove_file(repo.work.join("link")).unwrap();
        put(&repo, b"link", b"a file\n");
        fs::remove_file(repo.work.join("dangling")).unwrap();
        symlink("elsewhere", repo.work.join("dangling")).unwrap();
        put(&repo, b"empty", b"not\n");
        fs::remove_file(repo.work.join("plain")).unwrap();
        symlink(Path::new("program"), repo.work.join("plain")).unwrap();
    });
    assert_eq!(fs::read_to_string(&other).unwrap(), "1\n");
    // Written through one name, both change; going back gives the work tree a file of its own.
    fs::write(&other, "2\n").unwrap();
    rollback(&repo, 1);
    assert_eq!(
        (repo.read("linked"), fs::read_to_string(&other).unwrap()),
        ("1\n".into(), "2\n".into())
    );
}

#[test]
fn names_that_no_git_takes_stay_out_and_keep_nobody_from_the_rest() {
    let repo = TestRepo::new();
    put(&repo, b"plain", b"1\n");
    let names = ["git~1", "sub/GIT~1", "sub/.GIT/config", ".git\u{200c}", "sub/.git ", "sub/.git."];
    for name in names {
        put(&repo, name.as_bytes(), b"odd\n");
    }
    let before = state(&repo);
    let ran = repo.run(&["checkpoint"]).ends(0);
    for name in ["git~1", "sub/GIT~1", "sub/.GIT/config"] {
        assert!(ran.err.contains(name), "{name} is not named: {ran:?}");
    }
    put(&repo, b"plain", b"2\n");
    rollback(&repo, 1);
    assert_eq!(state(&repo), before);
    sound(&repo);
}
