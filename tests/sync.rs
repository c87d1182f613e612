//! Runs between clones and remotes: fetched beside one's own, sent by compare-and-swap, never trusted.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{ONE_SPRINT, Ran, TestRepo, text};

/// A repository with a run that is complete, a remote, and other clones of it.
struct Scene {
    repo: TestRepo,
    run: String,
}

impl Scene {
    fn new() -> Self {
        Self::with(&[], ONE_SPRINT, "../remote.git")
    }

    fn with(init: &[&str], plan: &str, url: &str) -> Self {
        let repo = TestRepo::with(init);
        repo.plan(plan);
        let words = ["init", "--quiet", "--bare", "--initial-branch=main", "../remote.git"];
        repo.git(&[&words, init].concat());
        let url = url.replace("ROOT", &repo.root().canonicalize().unwrap().display().to_string());
        repo.git(&["remote", "add", "origin", &url]);
        repo.git(&["push", "--quiet", "origin", "main"]);
        let ran = repo.run(&["sprint-1", "--local"]);
        assert!(matches!(ran.code, Some(0 | 4 | 5)), "{}", ran.err);
        let run = repo.journal().split('/').nth(2).unwrap().to_owned();
        Self { repo, run }
    }

    fn journal(&self) -> String {
        format!("refs/run/{}/journal", self.run)
    }

    fn fetched(&self) -> String {
        format!("refs/run-remote/origin/{}/journal", self.run)
    }

    /// Another clone of the remote, by its directory.
    fn clone(&self, name: &str) -> Clone<'_> {
        let url = self.repo.git(&["remote", "get-url", "origin"]);
        let dir = self.repo.work.parent().unwrap().join(name);
        self.repo.git(&["clone", "--quiet", &url, dir.to_str().unwrap()]);
        Clone { scene: self, dir }
    }

    fn server(&self, words: &[&str]) -> String {
        self.repo.git(&[&["--git-dir=../remote.git"], words].concat())
    }

    /// The server's notes and journal go forward.
    fn tip_after_a_note(&self, n: u32) -> String {
        let head = self.repo.git(&["rev-parse", "main"]);
        let line = format!("{{\"run\":\"s-{n}\"}}");
        self.repo.git(&["notes", "--ref=run", "append", "-m", &line, &head]);
        remark(self, &self.repo.work);
        self.repo.run(&["sync"]).ends(0);
        self.server(&["rev-parse", "refs/notes/run"])
    }

    fn server_tip(&self) -> String {
        self.server(&["rev-parse", &self.journal()])
    }
}

struct Clone<'s> {
    scene: &'s Scene,
    dir: PathBuf,
}

impl Clone<'_> {
    fn in_it(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = self.scene.repo.command(program);
        command.current_dir(&self.dir);
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(self.in_it(support::PROGRAM).args(words).output().unwrap())
    }

    fn git(&self, words: &[&str]) -> String {
        let out = self.in_it("git").args(words).output().unwrap();
        assert!(out.status.success(), "git {words:?}: {}", text(&out.stderr));
        text(&out.stdout).trim().to_owned()
    }

    fn refs(&self, prefix: &str) -> Vec<String> {
        let out = self.git(&["for-each-ref", "--format=%(refname)", prefix]);
        out.lines().map(str::to_owned).collect()
    }
}

fn stands(ran: &Ran) -> Vec<String> {
    let runs = ran.json()["runs"].as_array().unwrap().clone();
    runs.iter().map(|run| run["stand"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_run_travels_from_clone_to_clone_by_path_and_by_url_with_and_without_hooks() {
    for (url, hooks, init) in [
        ("../remote.git", false, &[][..]),
        ("file://ROOT/remote.git", true, &[]),
        ("../remote.git", true, &["--ref-format=reftable"]),
        ("file://ROOT/remote.git", false, &["--object-format=sha256"]),
    ] {
        let scene = Scene::with(init, ONE_SPRINT, url);
        if hooks {
            let mut command = scene.repo.program();
            command.current_dir(scene.repo.root().join("remote.git"));
            Ran::of(command.args(["hooks", "install"]).output().unwrap()).ends(0);
        }
        let sent = scene.repo.run(&["sync", "--json"]).ends(0);
        assert_eq!(stands(&sent), ["same"]);
        assert_eq!(scene.server_tip(), scene.repo.git(&["rev-parse", &scene.journal()]));
        assert_eq!(stands(&scene.repo.run(&["sync", "--json"]).ends(0)), ["same"]);
        let there =
            scene.server(&["for-each-ref", "--format=%(refname)", "refs/run", "refs/notes"]);
        let lease = format!("refs/run/{}/lease", scene.run);
        assert_eq!(there, format!("refs/notes/run\n{}\n{lease}", scene.journal()));
        let other = scene.clone("other");
        assert_eq!(stands(&other.run(&["sync", "fetch", "--json"]).ends(0)), ["only-there"]);
        assert!(other.refs("refs/run/").iter().all(|name| name.ends_with("/verdicts")));
        assert_eq!(other.git(&["rev-parse", &scene.fetched()]), scene.server_tip());
        assert_eq!(
            other.git(&["rev-parse", "refs/notes/run"]),
            scene.repo.git(&["rev-parse", "refs/notes/run"])
        );
        assert!(!other.dir.join(".git/FETCH_HEAD").exists());
        scene.repo.run(&["audit"]).ends(0);
    }
}

#[test]
fn notes_of_two_clones_are_joined_on_both_sides() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    other.run(&["sync"]).ends(0);
    let head = scene.repo.git(&["rev-parse", "main"]);
    let line = |n: u32| format!("{{\"run\":\"r-{n}\"}}");
    scene.repo.git(&["notes", "--ref=run", "append", "-m", &line(1), &head]);
    other.git(&["notes", "--ref=run", "append", "-m", &line(2), "-m", "junk", &head]);
    scene.repo.run(&["sync"]).ends(0);
    other.run(&["sync"]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    let note = scene.repo.git(&["notes", "--ref=run", "show", &head]);
    assert_eq!(note, format!("{}\n{}", line(1), line(2)), "junk of others does not come in");
    assert!(other.git(&["notes", "--ref=run", "show", &head]).contains("junk"));
    let tips = ["refs/notes/run"].map(|name| scene.server(&["rev-parse", name]));
    assert_eq!(tips[0], scene.repo.git(&["rev-parse", "refs/notes/run"]));
}

/// A journal of one more event that says nothing of the work.
fn remark(scene: &Scene, at: &Path) {
    let ran = |words: &[&str]| {
        Ran::of(scene.repo.program().current_dir(at).args(words).output().unwrap())
    };
    ran(&["checkpoint", "-m", "x"]).ends(0);
}

#[test]
fn a_journal_that_is_behind_goes_forward_only_where_that_opens_nothing() {
    let scene = Scene::new();
    let before = scene.repo.git(&["rev-parse", &scene.journal()]);
    scene.repo.run(&["pr", "--body-only"]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    let after = scene.server_tip();
    // As if a backup had been restored.
    scene.repo.git(&["update-ref", &scene.journal(), &before]);
    let told = scene.repo.run(&["sync", "fetch"]).ends(0);
    assert!(told.out.contains("ahead at origin, and was left"), "{}", told.out);
    assert_eq!(scene.repo.git(&["rev-parse", &scene.journal()]), before);
    let left = scene.repo.run(&["sync", "push"]).ends(6);
    assert!(left.out.contains("left "), "{}", left.out);
    assert_eq!(scene.server_tip(), after);
    // A remark or a checkpoint opens nothing.
    scene.repo.git(&["update-ref", &scene.journal(), &after]);
    remark(&scene, &scene.repo.work);
    let newest = scene.repo.git(&["rev-parse", &scene.journal()]);
    if newest != after {
        scene.repo.run(&["sync"]).ends(0);
        scene.repo.git(&["update-ref", &scene.journal(), &after]);
        let told = scene.repo.run(&["sync", "fetch"]).ends(0);
        assert!(told.out.contains("went forward here"), "{}", told.out);
        assert_eq!(scene.repo.git(&["rev-parse", &scene.journal()]), newest);
    }
}

#[test]
fn diverged_journals_are_told_with_both_tips_and_left_alone() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let base = scene.server_tip();
    scene.repo.run(&["pr", "--body-only"]).ends(0);
    let own = scene.repo.git(&["rev-parse", &scene.journal()]);
    scene.repo.git(&["update-ref", &scene.journal(), &base]);
    scene.repo.write("other.txt", "x");
    scene.repo.run(&["pr", "--body-only", "--title", "another"]);
    let mut theirs = scene.repo.git(&["rev-parse", &scene.journal()]);
    if theirs == base {
        std::thread::sleep(std::time::Duration::from_millis(1100));
        scene.repo.run(&["pr", "--body-only"]).ends(0);
        theirs = scene.repo.git(&["rev-parse", &scene.journal()]);
    }
    assert_ne!(own, theirs);
    scene.repo.run(&["sync", "push"]).ends(0);
    scene.repo.git(&["update-ref", &scene.journal(), &own]);
    let told = scene.repo.run(&["sync", "fetch"]).ends(0);
    assert!(told.out.contains(&own[..10]) && told.out.contains(&theirs[..10]), "{}", told.out);
    assert_eq!(scene.repo.git(&["rev-parse", &scene.journal()]), own);
    scene.repo.run(&["sync", "push"]).ends(6);
    assert_eq!(scene.server_tip(), theirs);
    assert_eq!(stands(&scene.repo.run(&["sync", "status", "--json"]).ends(0)), ["diverged"]);
}

#[test]
fn a_remote_that_rewrites_a_journal_is_named_and_what_it_had_stays() {
    let scene = Scene::new();
    scene.repo.run(&["pr", "--body-only"]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    other.run(&["sync", "fetch"]).ends(0);
    let old = scene.server_tip();
    scene.server(&["update-ref", &scene.journal(), &format!("{old}~1")]);
    let told = other.run(&["sync", "fetch"]).ends(1);
    let kept = format!("refs/run-remote/origin/{}/rewritten-{old}", scene.run);
    assert!(told.out.contains("REWRITTEN") && told.out.contains(&kept), "{}", told.out);
    assert_eq!(other.git(&["rev-parse", &kept]), old);
    assert_eq!(other.git(&["rev-parse", &scene.fetched()]), scene.server_tip());
    other.run(&["sync", "fetch"]).ends(0);
}

#[test]
fn what_does_not_verify_is_put_aside_and_used_for_nothing() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let good = scene.server_tip();
    let tree = scene.server(&["rev-parse", "main^{tree}"]);
    let forged = scene.server(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@x",
        "commit-tree",
        "-m",
        "x",
        &tree,
    ]);
    for bad in [forged.as_str(), tree.as_str()] {
        scene.server(&["update-ref", &scene.journal(), bad]);
        let told = scene.repo.run(&["sync", "fetch"]).ends(1);
        assert!(told.out.contains("does not verify"), "{}", told.out);
        assert_eq!(scene.repo.git(&["rev-parse", &scene.journal()]), good);
        assert_eq!(scene.repo.git(&["rev-parse", &scene.fetched()]), good);
        scene.repo.run(&["status"]).ends(0);
        assert_eq!(stands(&scene.repo.run(&["sync", "status", "--json"]).ends(0)), ["quarantined"]);
    }
    scene.server(&["update-ref", &scene.journal(), &good]);
    scene.repo.run(&["sync", "fetch"]).ends(0);
    assert_eq!(stands(&scene.repo.run(&["sync", "status", "--json"]).ends(0)), ["same"]);
}

#[test]
fn one_crafted_tree_keeps_no_other_run_from_coming() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let blob = scene.server(&["rev-parse", "main:README"]);
    let mut child = Command::new("git")
        .args(["--git-dir=../remote.git", "mktree"])
        .current_dir(&scene.repo.work)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    use std::io::Write as _;
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("100644 blob {blob}\t.git\n").as_bytes())
        .unwrap();
    let tree = text(&child.wait_with_output().unwrap().stdout).trim().to_owned();
    let forged = scene.server(&[
        "-c",
        "user.name=x",
        "-c",
        "user.email=x@x",
        "commit-tree",
        "-m",
        "x",
        &tree,
    ]);
    scene.server(&["update-ref", "refs/run/20990101-000000-0000000000/journal", &forged]);
    let other = scene.clone("other");
    other.git(&["config", "fetch.fsckObjects", "false"]);
    other.git(&["config", "fetch.fsck.hasDotgit", "ignore"]);
    let told = other.run(&["sync", "fetch"]).ends(1);
    assert!(told.out.contains("does not verify") && told.out.contains("is new"), "{}", told.out);
    assert_eq!(other.git(&["rev-parse", &scene.fetched()]), scene.server_tip());
}

#[test]
fn a_flood_of_refs_costs_no_more_than_a_bounded_fetch() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let tip = scene.server(&["rev-parse", "main"]);
    let mut packed = fs::read_to_string(scene.repo.root().join("remote.git/packed-refs"))
        .unwrap_or_else(|_| "# pack-refs with: peeled fully-peeled sorted \n".to_owned());
    for n in 0..50_000 {
        packed.push_str(&format!("{tip} refs/run/19990101-000000-{n:010}/journal\n"));
    }
    fs::write(scene.repo.root().join("remote.git/packed-refs"), packed).unwrap();
    let other = scene.clone("other");
    let told = other.run(&["sync", "fetch", "--run", &scene.run]).ends(0);
    assert_eq!(other.refs("refs/run-remote/").len(), 2, "{}", told.out);
    let began = std::time::Instant::now();
    let told = other.run(&["sync", "fetch"]).ends(1);
    assert!(told.err.contains("48000 more are new there"), "{}", told.err);
    assert!(other.refs("refs/run-remote/").len() <= 2002);
    assert!(began.elapsed().as_secs() < 60, "{:?}", began.elapsed());
    let told = other.run(&["sync", "fetch"]).ends(1);
    let told = if told.err.contains("only runs that are known") {
        told
    } else {
        other.run(&["sync", "fetch"]).ends(1)
    };
    assert!(told.err.contains("only runs that are known"), "{}", told.err);
    assert!(other.refs("refs/run-remote/").len() <= 4002);
    scene.repo.run(&["checkpoint", "-m", "x"]).ends(0);
    scene.repo.run(&["pr", "--body-only"]).ends(0);
    scene.repo.run(&["sync", "push", "--run", &scene.run]).ends(0);
    other.run(&["sync", "fetch"]).ends(1);
    assert_eq!(other.git(&["rev-parse", &scene.fetched()]), scene.server_tip());
}

#[test]
fn names_that_lead_elsewhere_are_not_sent_to() {
    let scene = Scene::new();
    scene.server(&["symbolic-ref", &scene.journal(), "refs/heads/main"]);
    let main = scene.server(&["rev-parse", "main"]);
    let told = scene.repo.run(&["sync"]).ends(1);
    assert!(told.out.contains("another name of something else"), "{}", told.out);
    assert_eq!(scene.server(&["rev-parse", "main"]), main);
    assert_eq!(scene.repo.git(&["for-each-ref", &scene.fetched()]), "");
}

#[test]
fn a_secret_stops_the_push_and_is_named_without_being_told() {
    let secret = "ghp_abcDEF0123456789abcdefg";
    let plan = ONE_SPRINT.replace("Make done.txt", &format!("Use {secret}"));
    let scene = Scene::with(&[], &plan, "../remote.git");
    let told = scene.repo.run(&["sync", "push"]).ends(3);
    assert!(told.err.contains("a token") && told.err.contains("plan.json"), "{}", told.err);
    assert!(!told.err.contains(secret) && !told.out.contains(secret));
    assert_eq!(scene.server(&["for-each-ref", "refs/run/", "refs/notes/"]), "");
    let names: Vec<_> = told
        .err
        .lines()
        .filter_map(|line| Some(line.rsplit_once('[')?.1.strip_suffix(']')?.to_owned()))
        .collect();
    let words: Vec<&str> =
        names.iter().flat_map(|name| ["--allow-secret", name.as_str()]).collect();
    let agent = {
        let mut command = scene.repo.program();
        command.env("CLAUDECODE", "1");
        Ran::of(command.args(["sync", "push"]).args(&words).output().unwrap())
    };
    agent.ends(3);
    scene.repo.run(&[&["sync", "push"], &words[..]].concat()).ends(0);
}

#[test]
fn agents_of_a_run_share_nothing_either_way() {
    let scene = Scene::new();
    for (word, code) in [("push", 3), ("fetch", 3), ("status", 0)] {
        let mut command = scene.repo.program();
        command.env("GIT_RUN_AGENT", "1").args(["sync", word]);
        let told = Ran::of(command.output().unwrap()).ends(code);
        assert_eq!(told.err.contains("agents of a run"), code == 3, "{}", told.err);
    }
    assert_eq!(scene.server(&["for-each-ref", "refs/run/"]), "");
}

#[test]
fn the_hooks_of_this_repository_let_a_person_share() {
    let scene = Scene::new();
    scene.repo.run(&["hooks", "install"]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    assert_eq!(scene.server_tip(), scene.repo.git(&["rev-parse", &scene.journal()]));
    scene.repo.run(&["sync", "--checkpoints", "--transcripts"]).ends(0);
    let there = scene.server(&["for-each-ref", "--format=%(refname)", "refs/run/"]);
    assert!(there.contains("/checkpoints") && !there.contains("/verdicts"), "{there}");
}

#[test]
fn killed_anywhere_a_run_is_adopted_or_it_is_not() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    scene.repo.run(&["sync"]).ends(0);
    for crash_at in 1.. {
        let other = scene.clone(&format!("other-{crash_at}"));
        other.run(&["sync", "fetch"]).ends(0);
        let mut dying = other.in_it(support::PROGRAM);
        dying.env("GIT_RUN_CRASH_AT", crash_at.to_string()).args(["adopt", &scene.run]);
        if dying.output().unwrap().status.success() {
            assert!(5 < crash_at, "{crash_at}");
            return;
        }
        if other.git(&["for-each-ref", &scene.journal()]).is_empty() {
            other.run(&["adopt", &scene.run]).ends(0);
        }
        other.run(&["verify"]).ends(0);
        let status = other.run(&["status", "--json"]).ends(0).json();
        assert_eq!(status["run"], scene.run.as_str(), "crash at {crash_at}");
        assert_eq!(status["worktree"], other.dir.to_str().unwrap(), "crash at {crash_at}");
    }
}

#[test]
fn configuration_has_no_say_in_what_is_fetched_or_sent() {
    let scene = Scene::new();
    for (key, value) in [
        ("remote.origin.mirror", "true"),
        ("remote.origin.push", "+refs/*:refs/*"),
        ("remote.origin.uploadpack", "false"),
        ("remote.origin.receivepack", "false"),
        ("remote.origin.prune", "true"),
        ("fetch.prune", "true"),
        ("push.followTags", "true"),
        ("push.gpgSign", "if-asked"),
        ("fetch.recurseSubmodules", "true"),
        ("push.recurseSubmodules", "check"),
    ] {
        scene.repo.git(&["config", key, value]);
    }
    scene.repo.git(&["tag", "-a", "-m", "x", "v1"]);
    scene.repo.run(&["sync"]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    let there = scene.server(&["for-each-ref", "--format=%(refname)"]);
    let lease = format!("refs/run/{}/lease", scene.run);
    assert_eq!(there, format!("refs/heads/main\nrefs/notes/run\n{}\n{lease}", scene.journal()));
}

#[test]
fn a_server_that_refuses_one_run_takes_the_others() {
    let scene = Scene::new();
    scene.repo.git(&["switch", "--quiet", "main"]);
    scene.repo.run(&["sprint-1", "--local", "--branch", "again"]).ends(0);
    let hook = scene.repo.root().join("remote.git/hooks/update");
    fs::write(&hook, format!("#!/bin/sh\ncase $1 in *{}*) exit 1;; esac\n", scene.run)).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let told = scene.repo.run(&["sync", "push"]).ends(1);
    assert!(told.out.contains("refused "), "{}", told.out);
    let there = scene.server(&["for-each-ref", "--format=%(refname)", "refs/run/*/journal"]);
    assert_eq!(there.lines().count(), 1, "{there}");
    assert_ne!(there, scene.journal());
}

#[test]
fn a_push_that_loses_the_race_is_run_again_on_what_the_winner_left() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    other.run(&["sync"]).ends(0);
    let head = scene.repo.git(&["rev-parse", "main"]);
    scene.repo.git(&["notes", "--ref=run", "append", "-m", "{\"run\":\"r-1\"}", &head]);
    other.git(&["notes", "--ref=run", "append", "-m", "{\"run\":\"r-2\"}", &head]);
    // The other clone pushes after the names were listed: a hook of this one does it.
    let hook = scene.repo.work.join(".git/hooks/pre-push");
    let dir = other.dir.display();
    let once = scene.repo.root().join("once");
    let script = format!(
        "#!/bin/sh\ntest -e {0} && exit 0\n: > {0}\nunset $(git rev-parse --local-env-vars)\n\
         cd {dir} && git push --quiet origin refs/notes/run >/dev/null 2>&1\nexit 0\n",
        once.display()
    );
    fs::write(&hook, script).unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let told = scene.repo.run(&["sync", "push"]).ends(0);
    assert!(once.exists(), "{}", told.out);
    let note = scene.server(&["notes", "--ref=run", "show", &head]);
    assert_eq!(note.lines().filter(|line| !line.is_empty()).count(), 2, "{note}");
}

#[test]
fn killed_anywhere_the_next_one_does_the_rest() {
    let scene = Scene::new();
    let sync = |at: &Path, crash: Option<u32>| {
        let mut command = scene.repo.program();
        command.current_dir(at).args(["sync"]);
        crash.map(|n| command.env("GIT_RUN_CRASH_AT", n.to_string()));
        command.output().unwrap()
    };
    let head = scene.repo.git(&["rev-parse", "main"]);
    let other = scene.clone("other");
    let mut reached = 0;
    for crash_at in 1.. {
        // Something to send and something to fetch, each time.
        let line = format!("{{\"run\":\"r-{crash_at}\"}}");
        scene.repo.git(&["notes", "--ref=run", "append", "-m", &line, &head]);
        remark(&scene, &scene.repo.work);
        if sync(&scene.repo.work, Some(crash_at)).status.success() {
            break;
        }
        reached = crash_at;
        assert_eq!(text(&sync(&scene.repo.work, None).stderr), "");
        assert_eq!(scene.server_tip(), scene.repo.git(&["rev-parse", &scene.journal()]));
    }
    assert!(7 < reached, "{reached}");
    let mut reached = 0;
    for crash_at in 1.. {
        let new = Scene::tip_after_a_note(&scene, crash_at);
        if sync(&other.dir, Some(crash_at)).status.success() {
            break;
        }
        reached = crash_at;
        let ran = other.run(&["sync"]).ends(0);
        assert!(!ran.out.contains("quarantined"), "{}", ran.out);
        assert_eq!(other.git(&["rev-parse", "refs/notes/run"]), new);
        assert_eq!(other.git(&["rev-parse", &scene.fetched()]), scene.server_tip());
    }
    assert!(2 < reached, "{reached}");
}

/// A plan whose review never passes: the run halts, and can be gone on with.
fn never_done() -> String {
    ONE_SPRINT.replace("test -f done.txt", "test -f never.txt")
}

#[test]
fn a_fetched_run_is_read_and_never_written_until_it_is_adopted() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    let branch = scene.repo.git(&["branch", "--show-current"]);
    scene.repo.git(&["push", "--quiet", "origin", &branch]);
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    let before = other.run(&["status"]).ends(0);
    assert!(before.err.contains("git run sync fetch origin"), "{}", before.err);
    other.run(&["sync", "fetch"]).ends(0);
    let listed = other.run(&["list", "--remote", "origin"]).ends(0);
    assert!(listed.out.contains(&scene.run), "{}", listed.out);
    assert!(!other.run(&["list"]).ends(0).out.contains(&scene.run));
    let status = other.run(&["status", &scene.run]).ends(0);
    assert!(
        status.out.contains("FETCHED") && status.out.contains("git run adopt"),
        "{}",
        status.out
    );
    assert_eq!(other.run(&["status", &scene.run, "--json"]).ends(0).json()["from"], "origin");
    let log = other.run(&["log", &scene.run]).ends(0);
    assert!(log.err.contains("fetched from origin"), "{}", log.err);
    other.run(&["show", "plan", "--run", &scene.run]).ends(0);
    for words in [
        &["resume", &scene.run][..],
        &["halt", &scene.run],
        &["push", &scene.run],
        &["override", "review", "--reason", "x", "--run", &scene.run],
    ] {
        let told = other.run(words);
        assert_ne!(told.code, Some(0), "{words:?}: {}", told.out);
    }
    assert!(other.refs("refs/run/").iter().all(|name| !name.ends_with("/journal")));

    let mut agent = other.in_it(support::PROGRAM);
    agent.env("CLAUDECODE", "1").args(["adopt", &scene.run]);
    Ran::of(agent.output().unwrap()).ends(3);
    let dry = other.run(&["adopt", &scene.run, "--dry-run"]).ends(0);
    assert!(dry.out.contains("plan p") && dry.out.contains("nothing was written"), "{}", dry.out);
    assert!(other.refs("refs/run/").iter().all(|name| !name.ends_with("/journal")));
    let adopted = other.run(&["adopt", &scene.run, "--from", "origin", "--json"]).ends(0).json();
    assert_eq!(adopted["outcome"], "adopted");
    other.git(&["switch", "--quiet", &branch]);
    let status = other.run(&["status", "--json"]).ends(0).json();
    assert_eq!(status["run"], scene.run.as_str());
    assert_eq!(status["from"], serde_json::Value::Null);
    assert_eq!(status["worktree"], other.dir.to_str().unwrap());
    other.run(&["verify"]).ends(0);
    other.run(&["adopt", &scene.run]).ends(1);

    // It is sent, and the clone that had it knows, and opens nothing any more.
    other.run(&["sync"]).ends(0);
    let told = scene.repo.run(&["sync"]).ends(0);
    assert!(told.out.contains("went forward here"), "{}", told.out);
    let note = scene.repo.run(&["status"]).ends(0);
    assert!(note.err.contains("taken over by another clone"), "{}", note.err);
    scene.repo.run(&["resume", "--reset-ice"]).ends(6);
    scene.repo.run(&["resume", "--reset-ice", "--force"]).ends(6);
    let refused = scene.repo.run(&["override", "review", "--reason", "x"]).ends(3);
    assert!(refused.err.contains("away"), "{}", refused.err);
    scene.repo.run(&["push"]).ends(3);
    scene.repo.run(&["halt", "--force"]).ends(6);
    scene.repo.run(&["checkpoint", "-m", "x"]).ends(0);
    // What the other one does is followed.
    other.run(&["pr", "--body-only"]).ends(0);
    other.run(&["sync"]).ends(0);
    let told = scene.repo.run(&["sync"]).ends(0);
    assert!(told.out.contains("went forward here"), "{}", told.out);
    scene.repo.run(&["adopt", &scene.run]).ends(0);
    scene.repo.run(&["sync"]).ends(0);
    let told = other.run(&["sync"]).ends(0);
    assert!(told.out.contains("went forward here"), "{}", told.out);
}

#[test]
fn a_forged_journal_opens_no_gate_before_a_person_adopts_it() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    scene.repo.run(&["sync"]).ends(0);
    let own = scene.repo.git(&["rev-parse", &scene.journal()]);
    // Somebody goes on with the journal in the name of this clone, and has it sent.
    scene.repo.run(&["override", "review", "--reason", "forged"]).ends(0);
    scene.repo.run(&["override", "audit", "--reason", "forged"]);
    scene.repo.run(&["sync", "push"]).ends(0);
    scene.repo.git(&["update-ref", &scene.journal(), &own]);
    let told = scene.repo.run(&["sync", "fetch"]).ends(0);
    assert!(told.out.contains("was left"), "{}", told.out);
    assert_eq!(scene.repo.git(&["rev-parse", &scene.journal()]), own);
    scene.repo.run(&["push"]).ends(3);
}

#[test]
fn a_live_lease_of_another_machine_keeps_a_run_from_being_adopted() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    let lease = format!("refs/run/{}/lease", scene.run);
    let tree = scene.repo.git(&["rev-parse", &format!("{lease}^{{tree}}")]);
    let line = format!(
        "{{\"generation\":9,\"holder\":{{\"boot\":\"b\",\"host\":\"elsewhere\",\"pid\":1,\"start\":1}},\
         \"nonce\":\"00\",\"run\":\"{}\",\"until\":\"2099-01-01T00:00:00.000Z\",\"v\":4}}",
        scene.run
    );
    let commit =
        scene.repo.git(&["commit-tree", "-p", &lease, "-m", "lease 9", "-m", &line, &tree]);
    scene.repo.git(&["update-ref", &lease, &commit]);
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    other.run(&["sync", "fetch"]).ends(0);
    let told = other.run(&["adopt", &scene.run]).ends(6);
    assert!(told.err.contains("held by `elsewhere`"), "{}", told.err);
    other.run(&["adopt", &scene.run, "--force"]).ends(2);
    other.run(&["adopt", &scene.run, "--force", "--reason", "it burned down"]).ends(0);
    assert!(other.run(&["log"]).ends(0).out.contains("it burned down"));
}

#[test]
fn a_clone_says_whose_commits_it_has_and_how_to_get_their_journal() {
    let scene = Scene::new();
    let branch = scene.repo.git(&["branch", "--show-current"]);
    scene.repo.git(&["push", "--quiet", "origin", &format!("{branch}:main")]);
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    let told = other.run(&["status"]).ends(0);
    assert!(told.err.contains(&format!("commits here are of run {}", scene.run)), "{}", told.err);
    fs::rename(scene.repo.root().join("remote.git"), scene.repo.root().join("gone.git")).unwrap();
    other.run(&["status"]).ends(0);
    fs::rename(scene.repo.root().join("gone.git"), scene.repo.root().join("remote.git")).unwrap();
    other.run(&["sync", "fetch"]).ends(0);
    let told = other.run(&["status"]).ends(0);
    assert!(told.err.contains("git run list --remote origin"), "{}", told.err);
}

#[test]
fn clones_that_share_at_once_lose_nothing_of_each_other() {
    let scene = Scene::new();
    scene.repo.run(&["sync"]).ends(0);
    let clones: Vec<_> = (0..3).map(|n| scene.clone(&format!("clone-{n}"))).collect();
    let head = scene.repo.git(&["rev-parse", "main"]);
    clones.iter().for_each(|clone| drop(clone.run(&["sync"]).ends(0)));
    std::thread::scope(|scope| {
        for (n, clone) in clones.iter().enumerate() {
            let head = &head;
            scope.spawn(move || {
                for round in 0..4 {
                    let line = format!("{{\"run\":\"r-{n}-{round}\"}}");
                    clone.git(&["notes", "--ref=run", "append", "-m", &line, head]);
                    // A race that was lost four times is told, and then tried by whoever wants to.
                    while clone.run(&["sync"]).code != Some(0) {}
                }
            });
        }
    });
    let note = scene.server(&["notes", "--ref=run", "show", &head]);
    // `git notes append` puts empty lines in between.
    let lines: std::collections::BTreeSet<_> = note.lines().filter(|l| !l.is_empty()).collect();
    assert_eq!(lines.len(), 12, "{note}");
}

#[test]
fn a_run_that_would_work_on_a_protected_branch_is_not_adopted() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    scene.repo.run(&["sync"]).ends(0);
    let other = scene.clone("other");
    other.run(&["sync", "fetch"]).ends(0);
    let branch = scene.repo.git(&["branch", "--show-current"]);
    other.git(&["config", "run.protectedBranch", &branch]);
    let told = other.run(&["adopt", &scene.run]).ends(3);
    assert!(told.err.contains("would work on"), "{}", told.err);
    assert!(other.refs("refs/run/").iter().all(|name| !name.ends_with("/journal")));
}

#[test]
fn the_answers_have_the_documented_fields() {
    let scene = Scene::with(&[], &never_done(), "../remote.git");
    let sync = scene.repo.run(&["sync", "--json"]).ends(0).json();
    let other = scene.clone("other");
    other.run(&["sync", "fetch"]).ends(0);
    let adopt = other.run(&["adopt", &scene.run, "--json"]).ends(0).json();
    let format = include_str!("../docs/FORMAT.md");
    for answer in [sync, adopt] {
        let head = format!("| `{}` |", answer["schema"].as_str().unwrap());
        let row = format.lines().find(|line| line.starts_with(&head)).unwrap();
        for key in answer.as_object().unwrap().keys().filter(|key| *key != "schema") {
            assert!(row.contains(&format!("`{key}`")), "{key}: {row}");
        }
    }
}
