//! Tasks of a group side by side, each in a work tree of its own: they overlap, they are brought in one
//! after the other, and nothing that any of them left is lost.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use support::{
    Ran, TestRepo,
    scripted::{eventually, works},
};

const WORKFLOW: &str = "format = 2\nname = \"w\"\nunit = \"task\"\n\
    [[stage]]\nid = \"implement\"\nduty = \"build\"\nask = \"Build it.\"\n\
    [[stage]]\nid = \"review\"\nduty = \"judge\"\nback_to = \"implement\"\nask = \"Look.\"\n";

/// What every script may use: whether it is a lane, and waiting for a file beside the work tree.
const HELP: &str = r#"
lane() { [ -n "$GIT_RUN_LANE" ]; }
until_there() {
  n=0
  until [ -e "$HOME/$1" ]; do n=$((n + 1)); [ $n -lt 400 ] || exit 9; sleep 0.05; done
}
echo "$GIT_RUN_ITEM ${GIT_RUN_LANE:+lane}" >> "$HOME/built"
"#;

/// A plan of one sprint: tasks with what they may write, all in the group `g`.
fn plan(tasks: &[(&str, &str)]) -> String {
    let mut text =
        "format = 1\nid = \"p\"\ntitle = \"P\"\n[[sprint]]\nid = \"sprint-1\"\ntitle = \"One\"\n"
            .to_owned();
    for (id, writes) in tasks {
        write!(
            text,
            "[[sprint.task]]\nid = \"{id}\"\ntitle = \"Make {id}\"\ngroup = \"g\"\nwrites = [\"{writes}\"]\n"
        )
        .unwrap();
    }
    text
}

const TWO: [(&str, &str); 2] = [("A", "a/"), ("B", "b/")];

fn prepared(repo: TestRepo, tasks: &[(&str, &str)], script: &str) -> TestRepo {
    repo.plan(&plan(tasks));
    repo.git(&["config", "run.agent", "command"]);
    repo.agent("implement", &format!("{HELP}{script}"));
    repo.agent("review", "pass");
    fs::write(repo.root().join("w.toml"), WORKFLOW).unwrap();
    repo
}

fn scene(tasks: &[(&str, &str)], script: &str) -> TestRepo {
    prepared(TestRepo::new(), tasks, script)
}

/// Each task leaves one file in its directory.
const PLAIN: &str =
    "d=$(echo $GIT_RUN_ITEM | tr A-Z a-z); mkdir -p $d; echo $GIT_RUN_ITEM > $d/made";

fn words(repo: &TestRepo, parallel: u32) -> Vec<String> {
    let file = repo.root().join("w.toml");
    let parallel = parallel.to_string();
    ["sprint-1", "--local", "--workflow", file.to_str().unwrap(), "--parallel", &parallel]
        .map(str::to_owned)
        .to_vec()
}

fn go(repo: &TestRepo, parallel: u32, code: i32) -> Ran {
    let words = words(repo, parallel);
    let ran = repo.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ends(code);
    repo.run(&["verify"]).ends(0);
    repo.git(&["fsck", "--strict", "--no-dangling"]);
    ran
}

/// The lanes by what has become of them: `A:joined B:dropped`.
fn lanes(repo: &TestRepo) -> String {
    let status = repo.status();
    let all = status["lanes"].as_array().unwrap().iter();
    let mut told: Vec<_> = all
        .map(|lane| {
            format!("{}:{}", lane["item"].as_str().unwrap(), lane["state"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told.join(" ")
}

/// Who was called, in the order of the calls: with `lane` behind those that were built ahead.
fn built(repo: &TestRepo) -> Vec<String> {
    let text = fs::read_to_string(repo.root().join("built")).unwrap_or_default();
    text.lines().map(|line| line.trim().to_owned()).collect()
}

fn home(repo: &TestRepo) -> PathBuf {
    repo.root().join(".cache/git-run/lanes")
}

/// The work trees of lanes that are there.
fn trees(repo: &TestRepo) -> Vec<PathBuf> {
    let list = repo.git(&["worktree", "list", "--porcelain"]);
    let all = list.lines().filter_map(|line| line.strip_prefix("worktree "));
    all.filter(|path| path.contains("/lanes/")).map(PathBuf::from).collect()
}

#[test]
fn two_lanes_work_at_the_same_time_and_their_work_becomes_two_commits() {
    // Each waits for the other: one after the other, they would never end.
    let script = format!(
        "other=$(echo $GIT_RUN_ITEM | tr AB BA)\ntouch \"$HOME/here.$GIT_RUN_ITEM\"\n\
         until_there here.$other\ntouch \"$HOME/met.$GIT_RUN_ITEM\"; until_there met.$other\n{PLAIN}"
    );
    let repo = scene(&TWO, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:joined");
    let mut built = built(&repo);
    built.sort();
    assert_eq!(built, ["A lane", "B lane"]);
    let log = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    assert_eq!(log, "feat(A): implement A\nfeat(B): implement B");
    let trailers = repo.git(&["log", "--format=%(trailers:key=Run-Item,valueonly)", "main.."]);
    assert_eq!(trailers.split_whitespace().collect::<Vec<_>>(), ["B", "A"]);
    assert_eq!((repo.read("a/made"), repo.read("b/made")), ("A\n".into(), "B\n".into()));
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(trees(&repo), Vec::<PathBuf>::new());
    assert_eq!(repo.calls("review"), 2, "judges look at it as always");
    assert_eq!(repo.status()["calls"], 4);
}

#[test]
fn s15_no_more_work_at_once_than_were_asked_for() {
    let tasks = [("A", "a/"), ("B", "b/"), ("C", "c/"), ("D", "d/"), ("E", "e/")];
    let script = format!(
        "mkdir -p \"$HOME/now\"; touch \"$HOME/now/$GIT_RUN_ITEM\"; sleep 0.2\n\
         ls \"$HOME/now\" | wc -l >> \"$HOME/counts\"; rm \"$HOME/now/$GIT_RUN_ITEM\"\n{PLAIN}"
    );
    let repo = scene(&tasks, &script);
    go(&repo, 2, 0);
    let counts = fs::read_to_string(repo.root().join("counts")).unwrap();
    let most = counts.lines().map(|line| line.trim().parse::<u32>().unwrap()).max();
    assert_eq!(most, Some(2), "{counts}");
    // The last one is alone, and so no lane.
    assert_eq!(lanes(&repo), "A:joined B:joined C:joined D:joined");
    assert_eq!(built(&repo).last().unwrap(), "E");
}

#[test]
fn one_at_a_time_is_as_it_always_was() {
    let repo = scene(&TWO, PLAIN);
    go(&repo, 1, 0);
    assert_eq!(built(&repo), ["A", "B"]);
    assert!(!home(&repo).exists() && lanes(&repo).is_empty());
}

#[test]
fn the_result_is_the_same_whichever_ends_first() {
    let mut found = Vec::new();
    for last in ["A", "B"] {
        let script = format!("[ $GIT_RUN_ITEM = {last} ] && sleep 0.5\n{PLAIN}");
        let repo = scene(&TWO, &script);
        go(&repo, 2, 0);
        let log = repo.git(&["log", "--reverse", "--format=%s %T", "main.."]);
        found.push(log);
    }
    assert_eq!(found[0], found[1]);
}

#[test]
fn what_a_lane_may_not_change_sends_its_item_to_its_agent() {
    let stray = "lane && [ $GIT_RUN_ITEM = B ] && { mkdir -p a; echo b > a/stray; }";
    let script = format!("{PLAIN}\n{stray}\ncp \"$GIT_RUN_BRIEF\" \"$HOME/brief.$GIT_RUN_ITEM\"");
    let repo = scene(&TWO, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:dropped");
    assert_eq!(built(&repo).last().unwrap(), "B");
    let brief = fs::read_to_string(repo.root().join("brief.B")).unwrap();
    assert!(brief.contains("lane-scope a/stray"), "{brief}");
    assert!(!repo.work.join("a/stray").exists());
    // What it built is kept, and said where.
    let number = repo.status()["lanes"][1]["checkpoint"].as_u64().unwrap();
    let chain = repo.journal().replace("/journal", "/checkpoints");
    let all = repo.git(&["log", "--format=%H %s", &chain]);
    let line = all.lines().find(|line| line.contains(&format!("checkpoint {number}: "))).unwrap();
    let commit = line.split(' ').next().unwrap();
    assert_eq!(repo.git(&["show", &format!("{commit}:a/stray")]), "b");
    assert!(repo.run(&["status"]).ends(0).out.contains("lane      B not taken"));
}

#[test]
fn s15_a_file_that_two_lanes_changed_is_a_finding_on_the_later_one() {
    let script = format!(
        "{PLAIN}\nlane && [ $GIT_RUN_ITEM = B ] && {{ mkdir -p a; echo b > a/made; }}; true"
    );
    let repo = scene(&TWO, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:dropped");
    let told = repo.told("text").join("\n");
    assert!(told.contains("lane-same-file") && told.contains("lane-scope"), "{told}");
    assert_eq!(repo.read("a/made"), "A\n");
}

#[test]
fn what_does_not_fit_the_branch_is_built_again() {
    // The review of A, which comes first, changes a file of B on the branch.
    let script = "if lane; then mkdir -p b a; echo lane > b/made; echo x > a/made\n\
        [ $GIT_RUN_ITEM = A ] && rm -r b; [ $GIT_RUN_ITEM = B ] && rm -r a; true\n\
        else cp \"$GIT_RUN_BRIEF\" \"$HOME/brief\"; echo again >> b/made; fi";
    let repo = scene(&TWO, script);
    let once = "[ -e b/made ] || { mkdir -p b; echo other > b/made; git add b; git commit -qm other; }; pass";
    repo.agent("review", once);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:dropped");
    assert_eq!(repo.read("b/made"), "other\nagain\n");
    let brief = fs::read_to_string(repo.root().join("brief")).unwrap();
    assert!(brief.contains("lane-conflict b/made"), "{brief}");
}

#[test]
fn an_ignored_file_of_a_person_is_not_written_over() {
    let script = format!("{PLAIN}\nlane && [ $GIT_RUN_ITEM = B ] && git add -f b/made; true");
    let repo = scene(&TWO, &script);
    fs::write(repo.work.join(".git/info/exclude"), "b/\n").unwrap();
    repo.write("b/made", "mine\n");
    let words = words(&repo, 2);
    repo.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(lanes(&repo).contains("B:dropped"), "{}", lanes(&repo));
    let told = repo.told("text").join("\n");
    assert!(
        told.contains("(lane-conflict): files that git does not track are in the way"),
        "{told}"
    );
}

#[test]
fn a_lane_that_fails_does_not_lose_the_others() {
    for (script, told) in [
        ("lane && exit 3", "(exit)"),
        ("lane && kill -9 $PPID", ""),
        ("lane && sleep 60", "(timed-out)"),
        ("lane && exit 0", "(no-change)"),
    ] {
        let script = format!("if [ $GIT_RUN_ITEM = A ]; then {script}; fi\n{PLAIN}");
        let repo = scene(&TWO, &script);
        repo.git(&["config", "run.stageTimeout", "3s"]);
        go(&repo, 2, 0);
        assert_eq!(lanes(&repo), "A:dropped B:joined", "{script}");
        let log = repo.told("text").join("\n");
        assert!(log.contains("A: lane no result") && log.contains(told), "{log}");
        assert_eq!(built(&repo).last().unwrap(), "A");
        assert_eq!(trees(&repo), Vec::<PathBuf>::new(), "{script}");
    }
}

#[test]
fn whatever_a_lane_leaves_is_brought_in() {
    for leaves in [
        ":",
        "git add .",
        "git add . && git commit -qm mine",
        "git add . && git commit -qm mine && echo more > $d/more && git add $d/more && echo x > $d/un",
        "git add . && git commit -qm mine && git reset -q --soft HEAD~1",
    ] {
        let repo = scene(&TWO, &format!("{PLAIN}; lane && {{ {leaves}; }}; true"));
        go(&repo, 2, 0);
        assert_eq!(lanes(&repo), "A:joined B:joined", "{leaves}");
        assert_eq!(repo.git(&["rev-list", "--count", "main.."]), "2", "{leaves}");
        assert_eq!((repo.read("a/made"), repo.read("b/made")), ("A\n".into(), "B\n".into()));
        if leaves.contains("more") {
            assert_eq!((repo.read("a/more"), repo.read("b/un")), ("more\n".into(), "x\n".into()));
        }
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
        assert_eq!(trees(&repo), Vec::<PathBuf>::new(), "{leaves}");
    }
}

#[test]
fn what_no_checkpoint_takes_stays_where_it_is() {
    let repo = scene(&TWO, &format!("{PLAIN}; lane && echo S=1 > .env; true"));
    let ran = go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:joined");
    let left = trees(&repo);
    assert_eq!(left.len(), 2, "{left:?} {}", ran.err);
    for tree in &left {
        assert_eq!(fs::read_to_string(tree.join(".env")).unwrap(), "S=1\n");
    }
    assert!(!repo.work.join(".env").exists(), "secrets do not travel");
    // Named, and never taken away by itself.
    let told = repo.run(&["gc"]).ends(0).out;
    assert!(told.contains(".env") && trees(&repo).len() == 2, "{told}");
    assert!(repo.run(&["doctor"]).out.contains("2 left over"), "a doctor names them");
    assert!(repo.run(&["status"]).ends(0).out.contains(left[0].to_str().unwrap()));
    fs::remove_file(left[0].join(".env")).unwrap();
    repo.run(&["gc"]).ends(0);
    assert_eq!(trees(&repo), left[1..]);
}

#[test]
fn what_each_lane_needs_is_copied_and_set_up() {
    let script = format!(
        "{PLAIN}; lane && {{ cat deps/x exact.env ready; ls deps; }} > \"$HOME/seen.$GIT_RUN_ITEM\"; true"
    );
    let repo = scene(&TWO, &script);
    fs::write(repo.work.join(".git/info/exclude"), "deps/\n*.env\nready\n.env\nseen\n").unwrap();
    for (path, text) in [("deps/x", "dep\n"), ("deps/.env", "S=1\n"), ("exact.env", "E=1\n")] {
        repo.write(path, text);
    }
    repo.git(&["config", "--add", "run.lane.copy", "deps"]);
    repo.git(&["config", "--add", "run.lane.copy", "exact.env"]);
    repo.git(&["config", "--add", "run.lane.setup", "echo \"it's $GIT_RUN_ITEM\" > ready"]);
    go(&repo, 2, 0);
    for item in ["A", "B"] {
        let seen = fs::read_to_string(repo.root().join(format!("seen.{item}"))).unwrap();
        assert_eq!(seen, format!("dep\nE=1\nit's {item}\nx\n"));
    }
    let failing = scene(&TWO, PLAIN);
    failing.git(&["config", "--add", "run.lane.setup", "[ $GIT_RUN_ITEM = B ]"]);
    go(&failing, 2, 0);
    assert_eq!(lanes(&failing), "A:dropped B:joined");
}

#[test]
fn lanes_are_made_outside_of_the_repository() {
    let repo = scene(&TWO, PLAIN);
    let inside = repo.work.join("lanes");
    repo.git(&["config", "run.lane.dir", inside.to_str().unwrap()]);
    let words = words(&repo, 2);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = repo.run(&words).ends(2);
    assert!(told.err.contains("inside of the repository"), "{}", told.err);
    assert_eq!(repo.refs("refs/run/"), Vec::<String>::new());
    let outside = repo.root().join("elsewhere");
    repo.git(&["config", "run.lane.dir", outside.to_str().unwrap()]);
    repo.agent("implement", &format!("{HELP}pwd >> \"$HOME/places\"; {PLAIN}"));
    repo.run(&words).ends(0);
    let places = fs::read_to_string(repo.root().join("places")).unwrap();
    assert!(places.lines().all(|place| place.contains("/elsewhere/")), "{places}");
}

#[test]
fn the_guard_holds_in_a_lane() {
    let script = format!(
        "{PLAIN}; git add .; git commit -qm mine\n\
         for to in main feature/sprint-1 other; do\n\
         git push origin $(git rev-parse HEAD):refs/heads/$to > \"$HOME/said.$GIT_RUN_ITEM.${{GIT_RUN_LANE:+lane}}.$(basename $to)\" 2>&1 && touch \"$HOME/pushed\"\n\
         done; git run status --json > \"$HOME/status.$GIT_RUN_ITEM\"\n\
         git run sprint-1 > \"$HOME/start.$GIT_RUN_ITEM\" 2>&1 && touch \"$HOME/started\"; true"
    );
    let rule = |repo: &TestRepo, place: &str| {
        let text = fs::read_to_string(repo.root().join(place)).unwrap();
        let named =
            text.lines().find_map(|line| line.split_once("rule ").map(|(_, rule)| rule.trim()));
        let hooked = || text.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        named.or_else(|| hooked().map(|(rule, _)| rule)).unwrap_or(&text).to_owned()
    };
    let mut rules = Vec::new();
    for (parallel, lane) in [(2, "lane"), (1, "")] {
        let repo = scene(&TWO, &script);
        repo.remote();
        // From another directory a relative path leads elsewhere.
        let remote = repo.root().canonicalize().unwrap().join("remote.git");
        repo.git(&["remote", "set-url", "origin", remote.to_str().unwrap()]);
        go(&repo, parallel, 0);
        assert!(!repo.root().join("pushed").exists(), "{:?}", repo.remote_refs());
        assert!(!repo.root().join("started").exists());
        assert_eq!(repo.remote_refs(), ["refs/heads/main"]);
        let run = repo.status()["run"].clone();
        let seen = fs::read_to_string(repo.root().join("status.A")).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&seen).unwrap()["run"], run);
        rules.push(
            ["main", "sprint-1", "other"].map(|to| rule(&repo, &format!("said.A.{lane}.{to}"))),
        );
    }
    assert_eq!(rules[0], ["protected", "gate", "rename"]);
    assert_eq!(rules[0], rules[1], "a lane is judged as the main work tree is");
}

#[test]
fn somebody_who_stops_it_ends_all_lanes_and_loses_nothing() {
    let script = "echo $$ > \"$HOME/pid.$GIT_RUN_ITEM\"; mkdir -p a b; d=$(echo $GIT_RUN_ITEM | tr A-Z a-z)\n\
        echo half > $d/made; touch \"$HOME/at.$GIT_RUN_ITEM\"\n\
        [ -e \"$HOME/go\" ] || { sleep 60 & wait; }; echo whole > $d/made";
    for signal in ["-INT", "-TERM"] {
        let repo = scene(&TWO, script);
        let words = words(&repo, 2);
        let working = repo.begin(&words.iter().map(String::as_str).collect::<Vec<_>>());
        repo.await_file("at.A");
        repo.await_file("at.B");
        let began = Instant::now();
        working.signal(signal);
        let ran = working.ended();
        assert!(began.elapsed() < Duration::from_secs(20), "{}", ran.err);
        assert_eq!(repo.status()["state"], "HALTED", "{}", ran.err);
        assert_eq!(lanes(&repo), "A:stopped B:stopped");
        for item in ["A", "B"] {
            let pid = fs::read_to_string(repo.root().join(format!("pid.{item}"))).unwrap();
            assert!(!works(&pid), "the agent of {item} goes on");
        }
        assert_eq!(trees(&repo), Vec::<PathBuf>::new());
        holds(&repo, "a/made", "half");
        holds(&repo, "b/made", "half");
        fs::write(repo.root().join("go"), "").unwrap();
        repo.run(&["resume"]).ends(0);
        assert_eq!(lanes(&repo), "A:joined B:joined");
        assert_eq!(
            (repo.read("a/made"), repo.read("b/made")),
            ("whole\n".into(), "whole\n".into())
        );
    }
}

/// Some checkpoint of the run has this file with this line.
fn holds(repo: &TestRepo, path: &str, line: &str) {
    let chain = repo.journal().replace("/journal", "/checkpoints");
    let all = repo.git(&["rev-list", "--first-parent", &chain]);
    let has = |commit: &str| {
        let out = repo.try_git(&["show", &format!("{commit}:{path}")]).stdout;
        support::text(&out).trim() == line
    };
    assert!(all.lines().any(has), "no checkpoint has `{path}` as `{line}`");
}

#[test]
fn a_runner_that_is_killed_loses_nothing_and_leaves_nobody() {
    let script = "echo $$ > \"$HOME/pid.$GIT_RUN_ITEM\"; d=$(echo $GIT_RUN_ITEM | tr A-Z a-z); mkdir -p $d\n\
        if lane; then echo half > $d/made; echo un > $d/un; git add $d/made\n\
        touch \"$HOME/at.$GIT_RUN_ITEM\"; sleep 60; fi; echo whole > $d/made";
    let repo = scene(&TWO, script);
    let words = words(&repo, 2);
    let working = repo.begin(&words.iter().map(String::as_str).collect::<Vec<_>>());
    repo.await_file("at.A");
    repo.await_file("at.B");
    working.signal("-KILL");
    let _ = working.ended();
    let gone = |item: &str| {
        let pid = fs::read_to_string(repo.root().join(format!("pid.{item}"))).unwrap();
        eventually("the end of an agent", || !works(&pid));
    };
    gone("A");
    gone("B");
    let left = trees(&repo);
    assert_eq!(left.len(), 2);
    let told = repo.run(&["status"]).ends(0).out;
    assert!(told.contains("lane      A in doubt"), "{told}");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    // The supervisors may need a moment to see that nobody is there any more.
    eventually("a run that goes on", || {
        let ran = repo.run(&words);
        assert!(ran.code == Some(0) || ran.err.contains("still at work"), "{}", ran.err);
        ran.code == Some(0)
    });
    assert_eq!(lanes(&repo), "A:dropped B:dropped");
    for (path, line) in [("a/made", "half"), ("b/made", "half"), ("a/un", "un"), ("b/un", "un")] {
        holds(&repo, path, line);
    }
    assert_eq!(trees(&repo), Vec::<PathBuf>::new());
    assert_eq!((repo.read("a/made"), repo.read("b/made")), ("whole\n".into(), "whole\n".into()));
    repo.run(&["verify"]).ends(0);
}

#[test]
fn a_runner_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    let counted = scene(&TWO, PLAIN);
    let log = counted.root().join("points");
    let words_of = |repo: &TestRepo| words(repo, 2);
    let out = counted
        .program()
        .args(words_of(&counted))
        .env("GIT_RUN_CRASH_AT", "0")
        .env("GIT_RUN_CRASH_LOG", &log)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", support::text(&out.stderr));
    let names = fs::read_to_string(&log).unwrap();
    let points = names.lines().count();
    for name in ["lane-made", "lane-removed", "before-bring-in", "after-bring-in"] {
        assert!(names.contains(name), "{name} was not reached");
    }
    let step = if support::long() { 1 } else { points.div_ceil(24) };
    for at in (1..=points).step_by(step) {
        let repo = scene(&TWO, PLAIN);
        let crash = repo
            .program()
            .args(words_of(&repo))
            .env("GIT_RUN_CRASH_AT", at.to_string())
            .output()
            .unwrap();
        let own = words_of(&repo);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        if !crash.status.success() {
            eventually("a run that goes on", || {
                let ran = repo.run(&own);
                let waits = ran.err.contains("still at work") || ran.err.contains("is at work");
                assert!(ran.code == Some(0) || waits, "point {at}: {}", ran.err);
                ran.code == Some(0)
            });
        }
        assert_eq!(repo.status()["state"], "JACKED_OUT", "point {at}");
        assert_eq!(
            (repo.read("a/made"), repo.read("b/made")),
            ("A\n".into(), "B\n".into()),
            "{at}"
        );
        let log = repo.git(&["log", "--reverse", "--format=%s", "main..feature/sprint-1"]);
        assert_eq!(log, "feat(A): implement A\nfeat(B): implement B", "point {at}");
        assert_eq!(repo.git(&["status", "--porcelain"]), "", "point {at}");
        repo.run(&["verify"]).ends(0);
        repo.run(&["gc"]).ends(0);
        assert_eq!(trees(&repo), Vec::<PathBuf>::new(), "point {at}");
        repo.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

#[test]
fn lanes_of_a_linked_work_tree_and_of_other_kinds_of_repositories() {
    for init in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        let repo = prepared(TestRepo::with(init), &TWO, PLAIN);
        go(&repo, 2, 0);
        assert_eq!(lanes(&repo), "A:joined B:joined", "{init:?}");
        assert_eq!(trees(&repo), Vec::<PathBuf>::new());
    }
    let repo = scene(&TWO, PLAIN);
    let linked = repo.root().join("linked");
    repo.git(&["worktree", "add", "--quiet", "--detach", linked.to_str().unwrap(), "main"]);
    let at = |dir: &Path, words: &[String]| {
        Ran::of(repo.program().current_dir(dir).args(words).output().unwrap())
    };
    at(&linked, &words(&repo, 2)).ends(0);
    let status = at(&linked, &["status".to_owned(), "--json".to_owned()]).ends(0).json();
    assert_eq!(status["lanes"][1]["state"], "joined", "{status}");
    assert_eq!(fs::read_to_string(linked.join("b/made")).unwrap(), "B\n");
    assert!(repo.run(&["status"]).ends(0).out.contains("no run in this work tree"));
}

#[test]
fn what_would_be_built_side_by_side_is_said_before() {
    let repo = scene(&TWO, PLAIN);
    let mut words = words(&repo, 2);
    words.push("--dry-run".to_owned());
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = repo.run(&words).ends(0).out;
    assert!(told.contains("lanes   A, B (2 at once)"), "{told}");
    let told = repo.run(&["sprint-1", "--local", "--parallel", "2"]).ends(2).err;
    assert!(told.contains("sprint by sprint"), "{told}");
    for bad in ["0", "9", "x"] {
        repo.run(&["sprint-1", "--local", "--parallel", bad]).ends(2);
        repo.git(&["config", "run.parallel", bad]);
        assert!(repo.run(&words).err.contains("from 1 to 8"), "{bad}");
        repo.git(&["config", "--unset", "run.parallel"]);
    }
    let shared = plan(&[("A", "a/"), ("B", "a/x")]);
    repo.plan(&shared);
    assert!(repo.run(&words).err.contains("both write"));
}

#[test]
fn whoever_drives_by_hand_does_one_after_the_other() {
    let repo = scene(&TWO, PLAIN);
    repo.git(&["config", "run.parallel", "2"]);
    let file = repo.root().join("w.toml");
    let words = ["next", "sprint-1", "--local", "--workflow", file.to_str().unwrap(), "--json"];
    let step = repo.run(&words).ends(0).json();
    assert_eq!(step["step"]["item"], "A", "{step}");
    assert!(lanes(&repo).is_empty());
}
