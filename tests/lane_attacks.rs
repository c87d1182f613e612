//! Agents that do in their lanes what nobody expects: the others are not lost by it, the run goes on, and
//! what cannot be saved is not taken away.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::fs;

use support::lanes::{FOUR, PLAIN, TWO, built, go, lanes, plan, scene, trees, words};

/// What the lane of A does, whether its work is taken then, and how many work trees stay.
const ODD: [(&str, &str, &str, usize); 10] = [
    ("its directory is gone", "rm -rf \"$PWD\"", "dropped", 1),
    ("git's link is gone", "rm .git", "joined", 1),
    ("git's link leads elsewhere", "echo 'gitdir: /nowhere' > .git", "joined", 1),
    ("it is locked", "git worktree lock .", "joined", 1),
    ("a repository inside", "git init -q a/inner; echo x > a/inner/file", "joined", 1),
    ("a branch of its own", "git checkout -q -b mine; git add .; git commit -qm mine", "joined", 0),
    ("a name of odd bytes", "printf x > \"a/$(printf 'o\\nd\\377d')\"", "joined", 0),
    (
        "a merge that is not done",
        "git add .; git commit -qm mine; echo $(git rev-parse HEAD~1) > $(git rev-parse --git-dir)/MERGE_HEAD",
        "joined",
        0,
    ),
    ("a link out of it", "ln -s /etc/passwd a/link; ln -s ../../.. a/up", "joined", 0),
    ("a file that is a directory's", "rm -rf a; echo x > a", "dropped", 0),
];

#[test]
fn what_one_agent_does_in_its_lane_is_nobody_elses_loss() {
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (what, script, becomes, left) in ODD {
        let script = format!("{PLAIN}\nif lane && [ $GIT_RUN_ITEM = A ]; then {script}; fi; true");
        let repo = scene(&TWO, &script);
        go(&repo, 2, 0);
        found.push(format!("{what}: {}, {} left", lanes(&repo), trees(&repo).len()));
        expected.push(format!("{what}: A:{becomes} B:joined, {left} left"));
        assert_eq!(
            (repo.read("a/made"), repo.read("b/made")),
            ("A\n".into(), "B\n".into()),
            "{what}"
        );
        assert_eq!(repo.git(&["status", "--porcelain"]), "", "{what}");
    }
    assert_eq!(found, expected);
}

#[test]
fn one_that_takes_away_anothers_work_tree_gains_nothing() {
    let script = format!(
        "{PLAIN}\nlane && case $GIT_RUN_ITEM in\n\
         A) until_there at.B; git worktree list --porcelain | sed -n 's/^worktree //p' | grep /B- | while read tree; do\n\
         rm -rf \"$tree\"; done; touch \"$HOME/gone\" ;;\n\
         B) touch \"$HOME/at.B\"; until_there gone ;; esac; true"
    );
    let repo = scene(&TWO, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:dropped");
    assert_eq!((repo.read("b/made"), built(&repo).last().unwrap().as_str()), ("B\n".into(), "B"));
}

#[test]
fn a_group_beyond_the_calls_of_an_hour_begins_no_more_than_may_be_called() {
    let repo = scene(&FOUR, PLAIN);
    repo.git(&["config", "run.callsPerHour", "3"]);
    repo.git(&["config", "run.timeout", "4s"]);
    let words = words(&repo, 2);
    let ran = repo.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    assert!(built(&repo).len() <= 3, "{:?}", built(&repo));
    assert!(lanes(&repo).contains("A:joined"), "{}", lanes(&repo));
}

#[test]
fn a_place_for_lanes_inside_of_the_main_work_tree_is_refused_from_a_linked_one_too() {
    let repo = scene(&TWO, PLAIN);
    let linked = repo.root().join("linked");
    repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "main"]);
    fs::create_dir_all(repo.root().join("places")).unwrap();
    std::os::unix::fs::symlink(&repo.work, repo.root().join("places/sly")).unwrap();
    for place in [repo.work.join("lanes"), repo.root().join("places/sly/lanes"), linked.join("x")] {
        repo.git(&["config", "run.lane.dir", place.to_str().unwrap()]);
        let out = repo.program().current_dir(&linked).args(words(&repo, 2)).output().unwrap();
        let said = support::text(&out.stderr);
        assert!(said.contains("inside of the repository"), "{}: {said}", place.display());
    }
}

#[test]
fn names_that_look_like_options_or_like_each_other_are_names() {
    let tasks = [("T-1", "a/"), ("T-1-1", "b/"), ("T", "c/"), ("T-1-10", "d/")];
    let script = "d=$(case $GIT_RUN_ITEM in T-1) echo a;; T-1-1) echo b;; T) echo c;; *) echo d;; esac)\n\
        mkdir -p $d; echo $GIT_RUN_ITEM > $d/made";
    let repo = scene(&tasks, script);
    assert!(plan(&tasks).contains("T-1-10"));
    go(&repo, 4, 0);
    assert_eq!(lanes(&repo), "T-1-10:joined T-1-1:joined T-1:joined T:joined");
    assert_eq!(repo.read("d/made"), "T-1-10\n");
}
