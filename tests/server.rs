//! The hooks of a server: real pushes, over a path and over `file://`, of commits of runs and of people.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    io::Write as _,
    process::{Output, Stdio},
};

use support::{ONE_SPRINT, Ran, TestRepo, text};

/// A run that is complete, on its own branch, and a server that has `main` and our hooks.
struct Scene {
    repo: TestRepo,
    run: String,
    branch: String,
}

impl Scene {
    fn new() -> Self {
        Self::on(ONE_SPRINT)
    }

    fn on(plan: &str) -> Self {
        Self::with(&[], plan)
    }

    fn with(init: &[&str], plan: &str) -> Self {
        let repo = TestRepo::with(init);
        repo.plan(plan);
        let words = ["init", "--quiet", "--bare", "--initial-branch=main", "../remote.git"];
        repo.git(&[&words, init].concat());
        repo.git(&["remote", "add", "origin", "../remote.git"]);
        repo.git(&["push", "--quiet", "origin", "main"]);
        let ran = repo.run(&["sprint-1", "--local"]);
        assert!(matches!(ran.code, Some(0 | 4 | 5)), "{}", ran.err);
        let journal = repo.journal();
        let run = journal.split('/').nth(2).unwrap().to_owned();
        let branch = repo.git(&["branch", "--show-current"]);
        let scene = Self { repo, run, branch };
        let status = scene.on_server(&["hooks", "install"]).ends(0);
        assert_eq!(status.out.matches(" current ").count(), 2, "{}", status.out);
        scene
    }

    fn journal(&self) -> String {
        format!("refs/run/{}/journal", self.run)
    }

    fn on_server(&self, words: &[&str]) -> Ran {
        let mut command = self.repo.program();
        Ran::of(
            command.current_dir(self.repo.root().join("remote.git")).args(words).output().unwrap(),
        )
    }

    fn server(&self, words: &[&str]) -> String {
        self.repo.git(&[&["--git-dir=../remote.git"], words].concat())
    }

    fn push(&self, refspecs: &[&str]) -> Output {
        self.repo.try_git(&[&["push", "--quiet", "origin"], refspecs].concat())
    }

    #[track_caller]
    fn takes(&self, refspecs: &[&str]) {
        let out = self.push(refspecs);
        assert!(out.status.success(), "{refspecs:?}: {}", text(&out.stderr));
    }

    /// What was refused changed nothing.
    #[track_caller]
    fn refuses(&self, rule: &str, refspecs: &[&str]) {
        let before = self.server(&["for-each-ref"]);
        let out = self.push(refspecs);
        let said = text(&out.stderr);
        assert!(!out.status.success(), "{refspecs:?} went through");
        assert!(said.contains(&format!("[{rule}]")), "{refspecs:?}: {said}");
        assert_eq!(self.server(&["for-each-ref"]), before, "{refspecs:?}");
    }

    /// A commit with this message on the present branch.
    fn commit(&self, message: &str) {
        self.repo.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// Puts `git` to work on a branch that begins where the server's `main` is.
    fn at_main(&self, name: &str) {
        self.repo.git(&["fetch", "--quiet", "origin"]);
        self.repo.git(&["switch", "--quiet", "-c", name, "origin/main"]);
    }
}

fn trailers(run: &str) -> String {
    format!("feat: x\n\nRun: {run}\nRun-Item: sprint-1\n")
}

#[test]
fn work_of_a_run_lands_with_its_journal_and_not_without() {
    for url in ["../remote.git", "file://"] {
        let scene = Scene::new();
        if url == "file://" {
            let url = format!("file://{}", scene.repo.root().join("remote.git").display());
            scene.repo.git(&["remote", "set-url", "origin", &url]);
            // As one pack, and not object by object.
            scene.server(&["config", "receive.unpackLimit", "1"]);
        }
        scene.takes(&["HEAD:refs/heads/elsewhere"]);
        scene.refuses("journal", &["HEAD:main"]);
        // In the same push, where git keeps both in quarantine while it asks.
        scene.takes(&["HEAD:main", &scene.journal()]);
        // What was put on top bears the name of the run, and nobody judged it.
        scene.commit(&trailers(&scene.run));
        scene.refuses("unproven", &["HEAD:main"]);
        scene.repo.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "by a person"]);
        scene.takes(&["HEAD:main"]);
    }
}

#[test]
fn a_journal_that_is_there_already_serves_and_squashes_need_it_too() {
    let scene = Scene::new();
    scene.takes(&[&scene.journal()]);
    scene.at_main("squash");
    scene.repo.git(&["merge", "--quiet", "--squash", &scene.branch]);
    scene.repo.git(&["commit", "--quiet", "--no-edit"]);
    scene.takes(&["HEAD:main"]);
    scene.at_main("merged");
    scene.repo.git(&["merge", "--quiet", "--no-ff", "-m", &trailers(&scene.run), &scene.branch]);
    scene.takes(&["HEAD:main"]);
    let other = Scene::new();
    other.at_main("squash");
    other.repo.git(&["merge", "--quiet", "--squash", &other.branch]);
    other.repo.git(&["commit", "--quiet", "--no-edit"]);
    other.refuses("journal", &["HEAD:main"]);
}

#[test]
fn any_hash_and_any_store_of_refs_will_do() {
    for init in [&["--object-format=sha256"][..], &["--ref-format=reftable"]] {
        let scene = Scene::with(init, ONE_SPRINT);
        scene.refuses("journal", &["HEAD:main"]);
        scene.takes(&["HEAD:main", &scene.journal(), "refs/notes/run"]);
        scene.refuses("run-state", &[&format!(":{}", scene.journal())]);
        scene.refuses("force", &["+HEAD~1:main"]);
    }
}

#[test]
fn a_run_delivers_its_branch_to_such_a_server() {
    let scene = Scene::new();
    scene.repo.git(&["switch", "--quiet", "main"]);
    scene.repo.plan(&ONE_SPRINT.replace("echo done >", "echo again >>"));
    scene.repo.run(&["sprint-1"]).ends(0);
    assert!(scene.repo.remote_refs().contains(&format!("refs/heads/{}", scene.branch)));
}

#[test]
fn a_note_alone_tells_whose_work_it_is() {
    let scene = Scene::new();
    scene.at_main("noted");
    scene.commit("no trailer at all");
    let line = format!("{{\"v\":1,\"run\":\"{}\"}}", scene.run);
    scene.repo.git(&["notes", "--ref=run", "append", "-m", &line, "HEAD"]);
    scene.refuses("journal", &["HEAD:main", "refs/notes/run"]);
    scene.takes(&["refs/notes/run"]);
    scene.refuses("journal", &["HEAD:main"]);
    scene.takes(&["HEAD:main", &scene.journal()]);
}

#[test]
fn an_unfinished_run_lands_nowhere() {
    let never = ONE_SPRINT.replace("test -f done.txt", "false");
    let scene = Scene::on(&never);
    scene.takes(&[&scene.journal(), "HEAD:refs/heads/wip"]);
    scene.refuses("gate", &["HEAD:main"]);
    scene.refuses("gate", &["HEAD:refs/heads/release/1"]);
    assert!(scene.push(&["HEAD:refs/heads/also-wip"]).status.success());
}

#[test]
fn people_push_their_commits_and_protected_branches_stay() {
    let scene = Scene::new();
    scene.at_main("mine");
    scene.commit("docs: how\n\nRun: make test");
    scene.takes(&["HEAD:main", "HEAD:refs/heads/release/1", "HEAD:refs/heads/topic"]);
    scene.refuses("delete", &[":main"]);
    scene.refuses("delete", &[":release/1"]);
    scene.takes(&[":topic"]);
    scene.repo.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "again"]);
    scene.refuses("force", &["+HEAD:main"]);
    scene.refuses("force", &["+HEAD:release/1"]);
    scene.server(&["config", "run.protectedBranch", "keep/*"]);
    scene.takes(&["HEAD:refs/heads/keep/1"]);
    scene.refuses("delete", &[":keep/1"]);
    for name in ["Main", "MASTER", "m\u{430}in", "ma\u{200b}in", "refs/heads/main"] {
        scene.refuses("name", &[&format!("HEAD:refs/heads/{name}")]);
    }
    scene.refuses("name", &["HEAD:refs/tags/v\u{202e}1"]);
    scene.server(&["symbolic-ref", "refs/heads/alias", "refs/heads/main"]);
    scene.refuses("symref", &["+HEAD:alias"]);
    scene.refuses("symref", &[":alias"]);
    scene.server(&["config", "run.server.strict", "true"]);
    scene.at_main("more");
    scene.commit("more");
    scene.refuses("strict", &["HEAD:main"]);
    scene.takes(&["HEAD:refs/heads/topic"]);
    scene.server(&["config", "run.server.stirct", "true"]);
    scene.refuses("unknown", &["HEAD:refs/heads/topic2"]);
}

#[test]
fn journals_are_only_ever_added_to() {
    let scene = Scene::new();
    let journal = scene.journal();
    scene.takes(&[&journal]);
    scene.refuses("run-state", &[&format!(":{journal}")]);
    scene.refuses("run-state", &[&format!("+{journal}~1:{journal}")]);
    scene.refuses("run-state", &[&format!("+HEAD:{journal}")]);
    scene.refuses("run-state", &["HEAD:refs/run/20261121-035233-7f3a9c12d4/journal"]);
    // Whole, but another run's.
    scene.refuses("run-state", &[&format!("{journal}:refs/run/mine/journal")]);
    for name in ["refs/run/x", "refs/run/x/y/z", "refs/run/x/other"] {
        scene.refuses("run-state", &[&format!("HEAD:{name}")]);
    }
    for leaf in ["checkpoints", "lease", "transcripts"] {
        scene.refuses("run-state", &[&format!("HEAD:refs/run/x/{leaf}")]);
    }
    for name in ["refs/run/-x/journal", "refs/Run/x/journal", "refs/Heads/main", "refs/NOTES/run"] {
        scene.refuses("name", &[&format!("HEAD:{name}")]);
    }
    scene.refuses("place", &["HEAD:refs/worktree/run"]);
    let kept: Vec<String> =
        scene.repo.refs("refs/run/").into_iter().filter(|name| *name != journal).collect();
    assert!(kept.iter().any(|name| name.ends_with("/checkpoints")), "{kept:?}");
    scene.takes(&kept.iter().map(String::as_str).collect::<Vec<_>>());
    scene.refuses("run-state", &["HEAD:refs/notes/run"]);
    scene.takes(&["refs/notes/run"]);
    scene.refuses("run-state", &[":refs/notes/run"]);
    let orphan = scene.repo.git(&["commit-tree", "-m", "x", "HEAD^{tree}"]);
    scene.refuses("run-state", &[&format!("+{orphan}:refs/notes/run")]);
}

#[test]
fn a_journal_that_somebody_changed_is_none() {
    let scene = Scene::new();
    let tip = scene.repo.git(&["rev-parse", &scene.journal()]);
    let message = scene.repo.git(&["show", "-s", "--format=%B", &tip]);
    let (tree, parent) = (format!("{tip}^{{tree}}"), format!("{tip}^"));
    let forged = message.replace("READY", "ready").replace("\"seq\":", "\"seq\" :");
    let forged = scene.repo.git(&["commit-tree", "-p", &parent, "-m", &forged, &tree]);
    let forged =
        scene.repo.git(&["commit-tree", "-p", &forged, "-m", "x\n\nseq: 9999\nbase: 1", &tree]);
    scene.refuses("run-state", &[&format!("{forged}:{}", scene.journal())]);
    // Nor does it open the way to `main`.
    scene.refuses("journal", &["HEAD:main", &format!("{forged}:{}", scene.journal())]);
    scene.takes(&["HEAD:main", &scene.journal()]);
}

#[test]
fn what_a_newer_version_wrote_is_not_guessed_at() {
    let scene = Scene::new();
    let tip = scene.repo.git(&["rev-parse", &scene.journal()]);
    let message = scene.repo.git(&["show", "-s", "--format=%B", &tip]);
    let line = message.lines().rfind(|line| line.starts_with('{')).unwrap();
    let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
    let seq = event["seq"].as_u64().unwrap() + 1;
    (event["seq"], event["event"]) = (seq.into(), "of-a-time-to-come".into());
    let base = message.lines().find_map(|line| line.strip_prefix("base: ")).unwrap();
    let text = format!("x\n\n{event}\n\nseq: {seq}\nbase: {base}\n");
    let tree = format!("{tip}^{{tree}}");
    let newer = scene.repo.git(&["commit-tree", "-p", &tip, "-m", &text, &tree]);
    let journal = format!("{newer}:{}", scene.journal());
    scene.refuses("newer", &["HEAD:main", &journal]);
    scene.refuses("run-state", &[&journal]);
    // A tag of a journal is none, and neither is a merge of two.
    scene.repo.git(&["tag", "-a", "-m", "x", "t", &tip]);
    scene.refuses("run-state", &[&format!("refs/tags/t:{}", scene.journal())]);
    let merge = scene.repo.git(&["commit-tree", "-p", &tip, "-p", "HEAD", "-m", &message, &tree]);
    scene.refuses("run-state", &[&format!("{merge}:{}", scene.journal())]);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let scene = Scene::new();
    let push = |words: &[&str]| scene.repo.try_git(&[&["push", "--quiet"], words].concat());
    let program = "--receive-pack=git --namespace=x receive-pack";
    let out = push(&[program, "origin", "HEAD:refs/heads/x"]);
    assert!(text(&out.stderr).contains("namespace"), "{}", text(&out.stderr));
    // A history that was cut off on the way is not the server's to take for whole.
    let url = format!("file://{}", scene.repo.work.display());
    scene.repo.git(&["clone", "--quiet", "--depth=1", &url, "../cut"]);
    scene.server(&["config", "receive.shallowUpdate", "true"]);
    let words = ["-C", "../cut", "push", "../remote.git", "HEAD:refs/heads/release/1"];
    let out = scene.repo.try_git(&words);
    assert!(!out.status.success(), "{}", text(&out.stderr));
    // Objects that are put in the place of others, and graves of history, are for nobody here.
    scene.at_main("mine");
    scene.commit("mine");
    scene.takes(&["HEAD:main"]);
    let tree = scene.repo.git(&["rev-parse", "HEAD^{tree}"]);
    let other = scene.repo.git(&["commit-tree", "-m", "other", &tree]);
    scene.repo.git(&["switch", "--quiet", "--detach", &other]);
    scene.takes(&["HEAD:refs/heads/other"]);
    let main = scene.server(&["rev-parse", "main"]);
    scene.server(&["replace", "--graft", &other, &main]);
    let grafts = scene.repo.root().join("remote.git/info/grafts");
    fs::write(grafts, format!("{other} {main}\n")).unwrap();
    scene.refuses("force", &["+HEAD:main"]);
}

#[test]
fn there_is_an_end_to_what_is_looked_at() {
    let scene = Scene::new();
    scene.at_main("many");
    for at in 0..6 {
        scene.commit(&format!("{at}"));
    }
    scene.server(&["config", "run.server.maxCommits", "5"]);
    scene.refuses("limit", &["HEAD:main"]);
    scene.takes(&["HEAD~1:main"]);
    scene.takes(&["HEAD:main"]);
    scene.refuses("run-state", &[&scene.journal()]);
    scene.server(&["config", "run.server.maxCommits", "1000"]);
    let tip = scene.repo.git(&["rev-parse", &scene.journal()]);
    let many: String =
        (0..=500).map(|at| format!("create refs/run/r{at}/transcripts {tip}\n")).collect();
    let mut command = scene.repo.command("git");
    let mut child = command.args(["update-ref", "--stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(many.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    scene.refuses("limit", &["refs/run/*/transcripts:refs/run/*/transcripts"]);
}

#[test]
fn hooks_that_were_there_are_asked_as_well_and_stay_afterwards() {
    let scene = Scene::new();
    let hooks = scene.repo.root().join("remote.git/hooks");
    scene.on_server(&["hooks", "uninstall"]).ends(0);
    scene.on_server(&["hooks", "status"]).ends(1);
    let script = "#!/bin/sh\ncat >> told; [ ! -e no ]\n";
    scene.repo.script(&hooks.join("pre-receive"), script);
    scene.on_server(&["hooks", "install", "--server"]).ends(0);
    let status = scene.on_server(&["hooks", "status"]).ends(0);
    assert!(status.out.contains("pre-receive.before-git-run"), "{}", status.out);
    scene.refuses("journal", &["HEAD:main"]);
    assert!(!scene.repo.root().join("remote.git/told").exists());
    scene.takes(&["HEAD:refs/heads/x"]);
    let told = fs::read_to_string(scene.repo.root().join("remote.git/told")).unwrap();
    assert!(told.ends_with(" refs/heads/x\n"), "{told}");
    fs::write(scene.repo.root().join("remote.git/no"), "").unwrap();
    assert!(!scene.push(&["HEAD:refs/heads/y"]).status.success());
    scene.on_server(&["hooks", "uninstall"]).ends(0);
    assert_eq!(fs::read_to_string(hooks.join("pre-receive")).unwrap(), script);
    assert!(!hooks.join("update").exists());
}

#[test]
fn the_update_hook_stands_in_for_the_other() {
    let scene = Scene::new();
    fs::remove_file(scene.repo.root().join("remote.git/hooks/pre-receive")).unwrap();
    scene.server(&["config", "receive.denyDeleteCurrent", "ignore"]);
    scene.refuses("journal", &["HEAD:main"]);
    scene.refuses("delete", &[":main"]);
    scene.takes(&[&scene.journal()]);
    scene.takes(&["HEAD:main"]);
}

#[test]
fn a_repository_with_a_work_tree_can_be_a_server_too() {
    let scene = Scene::new();
    let status = scene.repo.run(&["hooks", "install", "--server"]).ends(0);
    assert!(status.out.contains("pre-receive"), "{}", status.out);
    scene.repo.run(&["hooks", "status"]).ends(0);
    scene.repo.git(&["clone", "--quiet", ".", "../second"]);
    let push = |to: &str| {
        let dir = scene.repo.root().join("second");
        scene.repo.command("git").current_dir(dir).args(["push", "origin", to]).output().unwrap()
    };
    let out = push("HEAD:refs/heads/x");
    assert!(out.status.success(), "{}", text(&out.stderr));
    let out = push(":main");
    assert!(text(&out.stderr).contains("[delete]"), "{}", text(&out.stderr));
    let out = push(&format!("+HEAD~1:refs/heads/{}", scene.branch));
    assert!(
        text(&out.stderr).contains("[force]"),
        "it is checked out there: {}",
        text(&out.stderr)
    );
    scene.repo.run(&["hooks", "uninstall"]).ends(0);
    assert!(!scene.repo.work.join(".git/hooks/pre-receive").exists());
}

#[test]
fn the_same_is_asked_without_a_hook() {
    let scene = Scene::new();
    let ask = |words: &[&str]| scene.repo.run(&[&["verify", "--push"], words].concat());
    ask(&["main..HEAD", "--onto", "main"]).ends(0);
    ask(&["main..HEAD", "--onto", "refs/heads/feature/y"]).ends(0);
    ask(&["main..HEAD"]).ends(2);
    ask(&["main", "--onto", "main"]).ends(2);
    ask(&["nowhere..HEAD", "--onto", "main"]).ends(1);
    scene.commit(&trailers(&scene.run));
    let said = ask(&["main..", "--onto", "main"]).ends(3);
    assert!(said.out.contains("[unproven]"), "{}", said.out);
    let json = ask(&["main..HEAD", "--onto", "main", "--json"]).ends(3).json();
    assert_eq!((&json["allowed"], &json["refs"][0]["rule"]), (&false.into(), &"unproven".into()));
    scene.repo.git(&["update-ref", "-d", &scene.journal()]);
    let said = ask(&["main..HEAD~1", "--onto", "main"]).ends(3);
    assert!(said.out.contains("[journal]"), "{}", said.out);

    let (main, head) =
        (scene.repo.git(&["rev-parse", "main"]), scene.repo.git(&["rev-parse", "HEAD~1"]));
    let lines = |input: &str| {
        let mut command = scene.repo.program();
        command.args(["verify", "--push"]).stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ran::of(child.wait_with_output().unwrap())
    };
    lines(&format!("{main} {head} refs/heads/main\n")).ends(3);
    lines(&format!("{main} {head} refs/heads/y\n")).ends(0);
    lines(&format!("{main} {} refs/heads/main\n", "0".repeat(40))).ends(3);
    lines("what?\n").ends(1);
    lines("").ends(0);
    // A history that is cut off says nothing.
    let url = format!("file://{}", scene.repo.work.display());
    scene.repo.git(&["clone", "--quiet", "--depth=2", &url, "../cut"]);
    let mut command = scene.repo.program();
    command.current_dir(scene.repo.root().join("cut"));
    let words = ["verify", "--push", "HEAD~1..HEAD", "--onto", "main"];
    Ran::of(command.args(words).output().unwrap()).ends(1);
}

#[test]
fn what_an_agent_pushes_past_its_fence_is_held_here() {
    let scene = Scene::new();
    let git = support::text(
        &scene.repo.command("sh").args(["-c", "command -v git"]).output().unwrap().stdout,
    );
    let git = git.trim();
    scene.takes(&["HEAD~1:refs/heads/teammate/y"]);
    let before = scene.server(&["for-each-ref"]);
    for line in [
        "commit --quiet --allow-empty -m mine; GIT send-pack ../remote.git HEAD:refs/heads/main",
        "send-pack ../remote.git :refs/heads/teammate/y",
        "send-pack ../remote.git +HEAD~2:refs/heads/teammate/y",
        "-c core.hooksPath=/dev/null -c url.x:.pushInsteadOf=nothing push --no-verify --receive-pack=git-receive-pack ../remote.git HEAD:main",
    ] {
        let line = format!("GIT {line}").replace("GIT", git);
        let ran = Ran::of(
            scene.repo.program().args(["ice", "exec", "--", "sh", "-c", &line]).output().unwrap(),
        );
        assert_eq!(scene.server(&["for-each-ref"]), before, "{line}\n{}{}", ran.out, ran.err);
    }
}
