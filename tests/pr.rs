//! Pull requests: their text, and drafts of them through a `gh` that remembers what it was told.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::fs;

use support::{Ran, TestRepo};

/// It behaves as the real one does: JSON, exit codes, and the text on standard input.
const GH: &str = r#"#!/bin/sh
there="$HOME/forge"
mkdir -p "$there"
printf '%s\n' "$*" >> "$there/calls"
test "$GH_PROMPT_DISABLED" = 1 || { echo "it would ask" >&2; exit 1; }
test -e "$there/logged-out" && { echo "To get started with GitHub CLI, please run: gh auth login" >&2; exit 4; }
text() { sed 's/\\/\\\\/g; s/"/\\"/g' "$1" | awk '{printf "%s\\n", $0}'; }
option() { for word in "$@"; do case $word in "$name"=*) printf %s "${word#*=}";; esac; done; }
case "$1 $2" in
"pr list")
  state=$(cat "$there/state" 2>/dev/null || echo OPEN)
  case "$state $*" in OPEN*|*" --state all "*) shown=yes;; *) shown=;; esac
  if test -e "$there/body" && test "$shown"; then
    printf '[{"number":7,"url":"https://forge.example/o/r/pull/7","title":"%s","body":"%s","isDraft":%s,"headRefName":"%s","isCrossRepository":%s,"state":"%s"}]\n' \
      "$(cat "$there/title")" "$(text "$there/body")" "$(cat "$there/draft")" "$(cat "$there/head")" "$(cat "$there/cross" 2>/dev/null || echo false)" "$state"
  else echo '[]'; fi ;;
"pr create")
  case " $* " in *" --draft "*) ;; *) echo "not a draft" >&2; exit 1;; esac
  cat > "$there/body"; echo true > "$there/draft"
  name=--title; option "$@" > "$there/title"
  name=--head; option "$@" > "$there/head"
  name=--base; option "$@" > "$there/base"
  echo "Creating draft pull request" >&2
  test -e "$there/crash" && kill -9 $PPID
  test -e "$there/mute" || echo "https://forge.example/o/r/pull/7" ;;
"pr edit")
  test "$3" = 7 || { echo "no pull request found" >&2; exit 1; }
  cat > "$there/body"; name=--title; option "$@" > "$there/title"
  echo "https://forge.example/o/r/pull/7" ;;
*) echo "unknown command" >&2; exit 1 ;;
esac
"#;

struct Forge(TestRepo);

impl Forge {
    fn around(repo: TestRepo) -> Self {
        fs::create_dir_all(repo.root().join("bin")).unwrap();
        repo.script(&repo.root().join("bin/gh"), GH);
        Self(repo)
    }

    fn run(&self, words: &[&str]) -> Ran {
        let path =
            format!("{}:{}", self.0.root().join("bin").display(), std::env::var("PATH").unwrap());
        Ran::of(self.0.program().args(words).env("PATH", path).output().unwrap())
    }

    fn says(&self, file: &str) -> String {
        fs::read_to_string(self.0.root().join("forge").join(file)).unwrap_or_default()
    }

    fn set(&self, file: &str, text: &str) {
        fs::create_dir_all(self.0.root().join("forge")).unwrap();
        fs::write(self.0.root().join("forge").join(file), text).unwrap();
    }
}

const DELETES: &str = "git rm -q --cached README; rm -f README; echo work > work.txt";

fn pushed() -> Forge {
    let repo = TestRepo::scripted(&[("implement", DELETES)]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(0);
    Forge::around(repo)
}

#[track_caller]
fn refused_by_rule(ran: &Ran, rule: &str) {
    assert!(ran.err.contains(&format!("rule: {rule}\n")), "{}", ran.err);
    assert!(ran.err.contains("hint: "), "{}", ran.err);
}

#[test]
fn loa_113_a_draft_is_opened_once_and_brought_up_to_date_afterwards() {
    let forge = pushed();
    let would = forge.run(&["pr", "--dry-run", "--json"]).ends(0).json();
    assert_eq!((&would["outcome"], forge.says("calls").as_str()), (&"would-open".into(), ""));
    let opened = forge.run(&["pr", "--json"]).ends(0).json();
    assert_eq!(opened["outcome"], "opened");
    assert_eq!(opened["url"], "https://forge.example/o/r/pull/7");
    assert_eq!(
        (forge.says("base"), forge.says("head")),
        ("main".into(), "feature/sprint-1".into())
    );
    let body = forge.says("body");
    assert_eq!(forge.0.run(&["show", "artifacts/pull-request.md"]).ends(0).out, body);
    let place = |part: &str| body.find(part).unwrap_or_else(|| unreachable!("{part}: {body}"));
    assert!(place("DELETED FILES") < place("## What"), "{body}");
    assert!(place("README") < place("## What"), "{body}");
    assert!(body.contains("| `sprint-1` | `One` | done | 1 | 2 |"), "{body}");
    assert!(body.contains("review of sprint-1: passed"), "{body}");
    assert!(body.contains("**sprint-1**\n\n- "), "{body}");
    for (words, part) in
        [(&["status"][..], "request   https://"), (&["log"], "draft pull request opened: https://")]
    {
        let said = forge.run(words).ends(0).out;
        assert!(said.contains(part), "{words:?}: {said}");
    }
    assert_eq!(forge.0.status()["pull_request"]["url"], opened["url"]);
    // A person wrote around it, and says that it is no draft any more.
    forge.set("body", &format!("please read\n\n{body}\nthanks\n"));
    forge.set("draft", "false");
    let again = forge.run(&["pr", "--title", "better", "--json"]).ends(0).json();
    assert_eq!(again["outcome"], "updated");
    let now = forge.says("body");
    assert!(now.starts_with("please read\n\n<!-- git-run: ") && now.trim_end().ends_with("thanks"));
    assert_eq!((forge.says("title"), now.matches("## What").count()), ("better".into(), 1));
    let calls = forge.says("calls");
    assert_eq!(calls.matches("pr create").count(), 1, "{calls}");
    for bad in ["ready", "merge", "close", "review"] {
        assert!(!calls.contains(bad), "{calls}");
    }
    forge.run(&["pr", "--title", "better"]).ends(0);
    let written = |repo: &TestRepo| {
        repo.events().iter().filter(|kind| *kind == "pull-request-written").count()
    };
    assert_eq!(written(&forge.0), 2, "the same text is kept once");
    forge.run(&["verify"]).ends(0);
}

#[test]
fn a_request_that_was_made_by_hand_keeps_its_title_and_words_and_that_of_a_fork_is_not_ours() {
    let forge = pushed();
    for (file, text) in
        [("body", "mine\n"), ("title", "my title"), ("draft", "true"), ("head", "feature/sprint-1")]
    {
        forge.set(file, text);
    }
    forge.run(&["pr"]).ends(0);
    assert_eq!(forge.says("title"), "my title");
    assert!(forge.says("body").starts_with("mine\n\n<!-- git-run: "));
    forge.set("cross", "true");
    forge.run(&["pr"]).ends(0);
    assert!(forge.says("calls").contains("pr create"));
}

#[test]
fn without_a_forge_the_text_is_kept_and_it_is_said_how_to_go_on() {
    let forge = pushed();
    // Without gh.
    let bare = forge.0.root().join("bare");
    fs::create_dir(&bare).unwrap();
    for name in ["git", "sh"] {
        let found = std::env::var("PATH").unwrap();
        let found = found.split(':').map(|dir| format!("{dir}/{name}"));
        let found = found.into_iter().find(|file| fs::metadata(file).is_ok()).unwrap();
        std::os::unix::fs::symlink(found, bare.join(name)).unwrap();
    }
    let without = |words: &[&str]| {
        Ran::of(forge.0.program().args(words).env("PATH", &bare).output().unwrap())
    };
    let ran = without(&["pr"]).ends(1);
    assert!(
        ran.err.contains("`gh` is not on the PATH") && ran.err.contains("text is kept"),
        "{}",
        ran.err
    );
    let text = without(&["pr", "--body-only"]).ends(0).out;
    assert!(text.starts_with("<!-- git-run: "), "{text}");
    assert_eq!(forge.0.run(&["show", "artifacts/pull-request.md"]).ends(0).out, text);
    assert_eq!(forge.0.status()["pull_request"]["url"], serde_json::Value::Null);
    // Not logged in, and an answer without an address.
    forge.set("logged-out", "");
    let ran = forge.run(&["pr"]).ends(1);
    assert!(ran.err.contains("gh auth login"), "{}", ran.err);
    fs::remove_file(forge.0.root().join("forge/logged-out")).unwrap();
    forge.set("mute", "");
    // It was made all the same: it is found, and not made again.
    forge.run(&["pr"]).ends(0);
    assert_eq!(forge.run(&["pr", "--json"]).ends(0).json()["outcome"], "updated");
    assert_eq!(forge.says("calls").matches("pr create").count(), 1);
}

#[test]
fn one_that_was_opened_before_a_crash_is_found_and_never_opened_again() {
    for (state, outcome) in [("OPEN", "updated"), ("CLOSED", "there"), ("MERGED", "there")] {
        let forge = pushed();
        forge.set("crash", "");
        let ran = forge.run(&["pr"]);
        assert_eq!(ran.code, None, "killed between the announcement and the outcome: {}", ran.err);
        fs::remove_file(forge.0.root().join("forge/crash")).unwrap();
        assert_eq!(forge.0.status()["pull_request"]["url"], serde_json::Value::Null);
        forge.set("state", state);
        let found = forge.run(&["pr", "--json"]).ends(0).json();
        assert_eq!(found["outcome"], outcome, "{state}");
        assert_eq!(found["url"], "https://forge.example/o/r/pull/7");
        assert_eq!(forge.0.status()["pull_request"]["url"], found["url"]);
        let calls = forge.says("calls");
        assert_eq!(calls.matches("pr create").count(), 1, "{state}: {calls}");
        assert_eq!(calls.matches("pr edit").count(), usize::from(state == "OPEN"), "{calls}");
        forge.run(&["verify"]).ends(0);
    }
}

#[test]
fn what_cannot_be_looked_up_after_a_crash_is_not_opened_again() {
    let forge = pushed();
    forge.set("crash", "");
    assert_eq!(forge.run(&["pr"]).code, None);
    fs::remove_file(forge.0.root().join("forge/crash")).unwrap();
    forge.set("logged-out", "");
    forge.run(&["pr"]).ends(1);
    fs::remove_file(forge.0.root().join("forge/logged-out")).unwrap();
    assert_eq!(forge.run(&["pr", "--json"]).ends(0).json()["outcome"], "updated");
    assert_eq!(forge.says("calls").matches("pr create").count(), 1);
}

#[test]
fn loa_113_nothing_is_opened_before_the_gates_and_the_push() {
    let repo = TestRepo::scripted(&[("review", r#"report '{"format":1,"verdict":"fail"}'"#)]);
    repo.remote();
    repo.run(&["sprint-1"]).ends(5);
    let forge = Forge::around(repo);
    refused_by_rule(&forge.run(&["pr"]).ends(3), "gate");
    refused_by_rule(&forge.run(&["pr", "--dry-run"]).ends(3), "gate");
    for gate in ["review", "audit"] {
        forge.run(&["override", gate, "--reason", "@team <b>seen</b>"]).ends(0);
    }
    refused_by_rule(&forge.run(&["pr"]).ends(3), "push");
    forge.run(&["push"]).ends(0);
    forge.run(&["pr"]).ends(0);
    assert!(forge.says("title").starts_with("[INCOMPLETE] sprint-1: "), "{}", forge.says("title"));
    let body = forge.says("body");
    let line = body.lines().find(|line| line.contains("overridden")).unwrap();
    assert!(line.contains("by `Tester`") && line.contains("`@team <b>seen</b>`"), "{line}");
    assert_eq!(forge.says("calls").matches("pr create").count(), 1);
    // Somebody pushed something else since.
    let tip = forge.0.git(&["commit-tree", "-m", "theirs", "-p", "HEAD", "HEAD^{tree}"]);
    forge.0.git(&["push", "--quiet", "origin", &format!("{tip}:feature/sprint-1")]);
    refused_by_rule(&forge.run(&["pr"]).ends(3), "push");
    // What goes on and is done says so no longer.
    let bare = |words: &[&str]| forge.0.git(&[&["--git-dir=../remote.git"], words].concat());
    bare(&["update-ref", "-d", "refs/heads/feature/sprint-1"]);
    forge.0.agent("review", "pass");
    forge.run(&["resume"]).ends(0);
    assert!(forge.0.status()["next"]["command"].as_str().unwrap().starts_with("git run pr "));
    forge.run(&["pr"]).ends(0);
    assert!(forge.says("title").starts_with("sprint-1: "), "{}", forge.says("title"));
    assert!(forge.0.status()["next"]["command"].as_str().unwrap().starts_with("git log "));
}

#[test]
fn a_local_run_opens_nothing_and_one_that_asks_is_asked() {
    for (words, code, rule) in
        [(&["sprint-1", "--local"][..], 3, "rule: local"), (&["sprint-1", "--confirm-push"], 5, "")]
    {
        let repo = TestRepo::scripted(&[]);
        repo.remote();
        repo.run(words).ends(0);
        let forge = Forge::around(repo);
        forge.run(&["push"]).ends(0);
        let ran = forge.run(&["pr"]).ends(code);
        assert!(ran.err.contains(rule), "{}", ran.err);
        forge.run(&["pr", "--body-only"]).ends(0);
        assert_eq!(forge.says("calls"), "");
    }
}

#[test]
fn d9_commits_of_an_older_run_with_the_same_words_are_not_listed() {
    let repo = TestRepo::new();
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "feat(sprint-1): of long ago"]);
    repo.plan(support::ONE_SPRINT);
    repo.remote();
    repo.run(&["sprint-1"]).ends(0);
    let body = repo.run(&["pr", "--body-only"]).ends(0).out;
    assert!(!body.contains("of long ago"), "{body}");
    assert!(body.contains("`feat(sprint-1): implement sprint-1`"), "{body}");
    assert!(body.contains("No files deleted during this run."), "{body}");
}

const CONDITIONAL: &str = r#"report '{"verdict":"conditional","findings":[{"rule":"name","severity":"low","message":"rename it"}]}'"#;

#[test]
fn what_no_judge_passed_is_not_called_passed_and_its_findings_are_told() {
    let repo = TestRepo::scripted(&[("audit", CONDITIONAL)]);
    repo.agent("red-team", "cp \"$GIT_RUN_BRIEF\" \"$HOME/brief\"; revise broken");
    repo.agent("repair", "echo $calls > repaired");
    repo.remote();
    repo.git(&["config", "run.red-team.enabled", "true"]);
    repo.write("docs/design.md", "# Design\n");
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=design"]);
    repo.run(&["sprint-1"]).ends(0);
    let body = repo.run(&["pr", "--body-only"]).ends(0).out;
    // Whoever looks once looks at all of the work.
    let brief = fs::read_to_string(repo.root().join("brief")).unwrap();
    let start = repo.git(&["rev-parse", "main"]);
    let range = format!("the work of this run so far: `git diff {} HEAD`", start.trim());
    assert!(brief.contains(&range), "{brief}");
    assert!(body.contains("- [x] review of sprint-1: passed\n"), "{body}");
    assert!(
        body.contains("- [ ] red-team of closing: **not passed**, and gone on with 1 finding open"),
        "{body}"
    );
    assert!(body.contains("- [x] audit of sprint-1: passed with 1 finding open"), "{body}");
    let (_, findings) = body.split_once("## Open findings").unwrap();
    assert!(findings.contains("(red-team of closing)"), "{body}");
    assert!(findings.contains("`rename it` (audit of sprint-1)"), "{body}");
    // The text stands in the journal, and hinders no gate.
    let gates = repo.run(&["gate", "secrets", "deletions"]).ends(0).out;
    assert!(gates.contains("secrets"), "{gates}");
}
