//! Tasks of a group side by side, each in a work tree of its own: they overlap, they are brought in one
//! after the other, and nothing that any of them left is lost.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use support::{
    Ran, TestRepo,
    lanes::{
        FOUR, HELP, PLAIN, TWO, built, go, holds, home, lanes, plan, prepared, scene, trees, words,
    },
    scripted::works,
};

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
    assert_eq!(lanes(&repo), "A:joined B:joined C:joined D:joined E:joined");
    assert!(built(&repo).iter().all(|call| call.ends_with(" lane")));
}

#[test]
fn as_soon_as_one_ends_the_next_begins() {
    // A ends only when all others have ended, which work beside it one after the other.
    let script = format!(
        "lane && case $GIT_RUN_ITEM in\n\
         A) until_there ended.D ;;\n\
         C) until_there ended.B ;;\n\
         D) until_there ended.C ;;\nesac\n\
         git rev-parse HEAD >> \"$HOME/bases\"\n{PLAIN}\ntouch \"$HOME/ended.$GIT_RUN_ITEM\""
    );
    let repo = scene(&FOUR, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:joined C:joined D:joined");
    assert_eq!(built(&repo), ["A lane", "B lane", "C lane", "D lane"]);
    let log = repo.git(&["log", "--reverse", "--format=%s", "main.."]);
    let expected = ["A", "B", "C", "D"].map(|item| format!("feat({item}): implement {item}"));
    assert_eq!(log, expected.join("\n"));
    // All of them begin where the first one did, so that it does not matter who ends first.
    let bases = fs::read_to_string(repo.root().join("bases")).unwrap();
    assert_eq!(bases, format!("{}\n", repo.git(&["rev-parse", "main"])).repeat(4));
    assert_eq!(trees(&repo), Vec::<PathBuf>::new());
}

#[test]
fn one_that_fails_makes_room_for_the_next_and_loses_nobody() {
    let script = format!(
        "lane && case $GIT_RUN_ITEM in A) until_there ended.D ;; B) exit 3 ;; C) kill -9 $PPID ;; esac\n\
         {PLAIN}\ntouch \"$HOME/ended.$GIT_RUN_ITEM\""
    );
    let repo = scene(&FOUR, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:dropped C:dropped D:joined");
    let built = built(&repo);
    assert_eq!(built[..4], ["A lane", "B lane", "C lane", "D lane"]);
    assert_eq!(built[4..], ["B", "C"]);
    assert_eq!(trees(&repo), Vec::<PathBuf>::new());
}

#[test]
fn provenance_tells_who_built_what_ahead_and_what_became_of_it() {
    let script = format!("{PLAIN}\nlane && [ $GIT_RUN_ITEM = C ] && exit 3; true");
    let repo = scene(&FOUR[..3], &script);
    go(&repo, 2, 0);
    let told = repo.run(&["show", "provenance", "--json"]).ends(0).json();
    let rows = told["rows"].as_array().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines: Vec<_> = rows
        .iter()
        .map(|row| {
            let lane = if row["lane"] == true { " lane" } else { "" };
            format!(
                "{} {}{lane} {}",
                text(&row["item"]),
                text(&row["stage"]),
                text(&row["outcome"])
            )
        })
        .collect();
    for line in [
        "A implement lane done, and brought in",
        "B implement lane done, and brought in",
        "C implement lane no result (exit): exit code 3",
        "A review pass",
        "B review pass",
        "C implement done",
        "C review pass",
    ] {
        assert_eq!(lines.iter().filter(|known| *known == line).count(), 1, "{line}: {lines:?}");
    }
    assert_eq!(lines.len(), 7, "{lines:?}");
    let lane = rows.iter().find(|row| row["lane"] == true && row["item"] == "A").unwrap();
    let stage =
        rows.iter().find(|row| row["stage"] == "implement" && row["lane"] == false).unwrap();
    assert_eq!((&lane["by"], &lane["cycle"]), (&stage["by"], &1.into()));
    assert_eq!(lane["commit"].as_str().unwrap(), repo.git(&["rev-parse", "HEAD~2"]));
    assert!(lane["took_ms"].as_u64().is_some() && !lane["finished"].is_null(), "{lane}");
    let told = repo.run(&["show", "provenance"]).ends(0).out;
    assert!(told.contains("implement of A (lane)"), "{told}");
}

#[test]
fn nothing_more_begins_when_somebody_asks_to_stop() {
    let script = format!(
        "lane && {{ touch \"$HOME/at.$GIT_RUN_ITEM\"; until_there \"go.$GIT_RUN_ITEM\"; }}\n{PLAIN}"
    );
    for signal in [true, false] {
        let repo = scene(&FOUR, &script);
        let words = words(&repo, 2);
        let working = repo.begin(&words.iter().map(String::as_str).collect::<Vec<_>>());
        repo.await_file("at.A");
        repo.await_file("at.B");
        if signal {
            working.signal("-INT");
        } else {
            repo.run(&["halt"]).ends(0);
            // Who is at work may end; nobody follows.
            fs::write(repo.root().join("go.A"), "").unwrap();
            fs::write(repo.root().join("go.B"), "").unwrap();
        }
        working.ended();
        let word = if signal { "stopped" } else { "built" };
        assert_eq!(lanes(&repo), format!("A:{word} B:{word}"));
        assert_eq!(repo.status()["state"], "HALTED");
        assert_eq!(trees(&repo), Vec::<PathBuf>::new());
        for item in ["A", "B", "C", "D"] {
            fs::write(repo.root().join(format!("go.{item}")), "").unwrap();
        }
        repo.run(&["resume"]).ends(0);
        assert_eq!(lanes(&repo), "A:joined B:joined C:joined D:joined");
        assert_eq!(repo.git(&["status", "--porcelain"]), "");
    }
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
    for last in ["A", "B", "C"] {
        let script = format!("[ $GIT_RUN_ITEM = {last} ] && sleep 0.5\n{PLAIN}");
        let repo = scene(&FOUR, &script);
        go(&repo, 2, 0);
        assert!(built(&repo).iter().all(|call| call.ends_with(" lane")));
        let log = repo.git(&["log", "--reverse", "--format=%s %T", "main.."]);
        found.push(log);
    }
    assert_eq!([&found[1], &found[2]], [&found[0]; 2]);
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
fn what_was_not_taken_of_one_is_in_nobodys_way() {
    // A strays into the file that B is there for; B keeps to its own.
    let script = format!(
        "{PLAIN}\nlane && [ $GIT_RUN_ITEM = A ] && {{ mkdir -p b; echo a > b/made; }}; true"
    );
    let repo = scene(&TWO, &script);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:dropped B:joined");
    assert_eq!((repo.read("a/made"), repo.read("b/made")), ("A\n".into(), "B\n".into()));
}

#[test]
fn five_assumptions_in_lanes_are_a_question_as_they_are_on_the_branch() {
    let gap = r#"{"level":"L1","kind":"error-format","text":"plain text"}"#;
    let script = format!("{PLAIN}\nreport '{{\"format\":1,\"gaps\":[{gap},{gap}]}}'");
    let repo = scene(&FOUR, &script);
    go(&repo, 2, 5);
    let status = repo.status();
    let halt = status["halt"].to_string();
    assert!(halt.contains("error-format") && halt.contains("5 times"), "{halt}");
    // The third is one too many, and the fourth was at work by then or did not begin.
    assert!(lanes(&repo).starts_with("A:built B:built C:built"), "{}", lanes(&repo));
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.status()["assumed"]["error-format"], 8);
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
fn an_ignored_file_on_the_way_or_in_a_directory_of_that_name_is_not_lost() {
    for (mine, made) in [("b", "b/made"), ("b/made/deep/mine", "b/made")] {
        let script = format!(
            "if [ $GIT_RUN_ITEM = B ]; then lane && {{ mkdir -p b; echo B > {made}; git add -f {made}; }}; true\n\
             else {PLAIN}; fi"
        );
        let repo = scene(&TWO, &script);
        fs::write(repo.work.join(".git/info/exclude"), "b\n").unwrap();
        repo.write(mine, "mine\n");
        let words = words(&repo, 2);
        repo.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(repo.read(mine), "mine\n");
        assert_eq!(lanes(&repo), "A:joined B:dropped", "{mine}");
        assert!(
            repo.told("text").join("\n").contains("files that git does not track are in the way")
        );
    }
}

#[test]
fn a_directory_of_the_commits_that_becomes_a_file_is_in_nobodys_way() {
    let script = format!(
        "if lane && [ $GIT_RUN_ITEM = B ]; then rm -r b/old; echo B > b/old; else {PLAIN}; fi"
    );
    let repo = scene(&TWO, &script);
    repo.write("b/old/deep/file", "x\n");
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-qm", "docs: something"]);
    go(&repo, 2, 0);
    assert_eq!(lanes(&repo), "A:joined B:joined");
    assert_eq!(repo.read("b/old"), "B\n");
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
    // What cannot be copied leaves no work tree behind.
    let broken = scene(&TWO, PLAIN);
    broken.write("deps", "");
    broken.git(&["config", "--add", "run.lane.copy", "../deps"]);
    go(&broken, 2, 0);
    assert_eq!(lanes(&broken), "A:dropped B:dropped");
    assert_eq!(
        (trees(&broken), built(&broken)),
        (Vec::new(), vec!["A".to_owned(), "B".to_owned()])
    );
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
