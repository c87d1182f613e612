//! `git run ice <verb>`: what the wrapper that it replaces promised, and every hole that one had.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::fs;

use support::{Ran, TestRepo};

/// A repository on `feature/test`, one commit ahead of its remote, with `main` and more there.
fn toy() -> TestRepo {
    let repo = TestRepo::new();
    repo.remote();
    repo.git(&["push", "--quiet", "origin", "main:release/1.0", "main:teammate/y"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    repo.git(&["branch", "feature/other"]);
    repo.git(&["branch", "feature/existing"]);
    repo.git(&["switch", "--quiet", "-c", "feature/test"]);
    repo.git(&["push", "--quiet", "origin", "feature/test"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "ahead"]);
    repo
}

fn remote(repo: &TestRepo) -> String {
    let words = ["--git-dir=../remote.git", "for-each-ref", "--format=%(refname) %(objectname)"];
    repo.git(&words)
}

fn verb(repo: &TestRepo, words: &[&str]) -> Ran {
    let ran = repo.run(&[&["ice"], words].concat());
    assert!(!ran.err.contains("panicked"), "{words:?}: {}", ran.err);
    ran
}

/// One line for each case: words, `|`, exit code, `|`, what the output must contain, with commas.
/// A word `_` is an empty one.
#[track_caller]
fn table(repo: &TestRepo, text: &str) {
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let [words, code, wanted] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            unreachable!("{line}")
        };
        let words: Vec<&str> =
            words.split_whitespace().map(|word| if word == "_" { "" } else { word }).collect();
        let ran = verb(repo, &words);
        let all = format!("{}{}", ran.out, ran.err);
        assert_eq!(ran.code.map(|code| code.to_string()).as_deref(), Some(code), "{line}\n{all}");
        for part in wanted.split(',').filter(|part| !part.is_empty()) {
            assert!(all.contains(part), "{line}: no `{part}` in\n{all}");
        }
    }
}

#[test]
fn loa_111_loa_31_i13_what_is_protected_is_said_in_one_word() {
    let repo = toy();
    repo.git(&["config", "--add", "run.protectedBranch", "live/*"]);
    repo.git(&["symbolic-ref", "refs/heads/feature/alias", "refs/heads/main"]);
    let rows = "
        main true | master true | staging true | develop true | development true | production true
        prod true | release/v1.0.0 true | release-2.0 true | hotfix/security-patch true
        hotfix-urgent true | live/eu true | feature/alias true
        feature/new-feature false | bugfix/fix-123 false | chore/update-deps false
        my-random-branch false | release false | refs/heads/feature/x false
        Main true | refs/heads/main true | heads/main true | origin/main true | mаin true
        remotes/origin/main true | refs/remotes/origin/main true | HEAD true | @ true
        feature/x:main true | +feature/x true | --all true | . true | refs/tags/v1 true
    ";
    for row in rows.split(['|', '\n']).map(str::trim).filter(|row| !row.is_empty()) {
        let (name, said) = row.split_once(' ').unwrap();
        let ran = verb(&repo, &["is-protected", name]);
        assert_eq!(ran.out, format!("{said}\n"), "{row}");
        assert_eq!(ran.code, Some(i32::from(said == "false")), "{row}");
    }
}

#[test]
fn i17_what_cannot_be_told_is_protected_and_is_not_pushed() {
    let repo = toy();
    for (key, value) in [("run.autoPush", "garbage"), ("run.nonsense", "1")] {
        repo.git(&["config", key, value]);
        assert_eq!(verb(&repo, &["is-protected", "feature/x"]).ends(0).out, "true\n");
        assert_eq!(verb(&repo, &["should-push"]).ends(0).out, "LOCAL\n");
        let before = remote(&repo);
        verb(&repo, &["push"]).ends(1);
        assert_eq!(remote(&repo), before);
        repo.git(&["config", "--unset", key]);
    }
    // Where there is no repository, what is built in holds all the same.
    let nowhere = |words: &[&str]| {
        let mut command = repo.program();
        Ran::of(command.current_dir(repo.root()).arg("ice").args(words).output().unwrap())
    };
    assert_eq!(nowhere(&["is-protected", "origin/main"]).ends(0).out, "true\n");
    assert_eq!(nowhere(&["is-protected", "feature/x"]).ends(1).out, "false\n");
    nowhere(&["validate"]).ends(1);
    nowhere(&["merge"]).ends(1);
    assert_eq!(nowhere(&["should-push"]).ends(0).out, "LOCAL\n");
}

#[test]
fn loa_111_loa_31_the_words_and_codes_of_the_wrapper_are_kept() {
    let repo = toy();
    repo.git(&["push", "--quiet", "origin", "feature/test:feature/theirs"]);
    repo.git(&["fetch", "--quiet", "origin"]);
    let before = remote(&repo);
    table(
        &repo,
        "
        validate                      | 0 | OK,feature/test
        checkout feature/other        | 0 |
        checkout refs/heads/feature/test | 0 | feature/test
        checkout feature/theirs       | 0 | feature/theirs
        push-upstream origin HEAD     | 0 | feature/theirs
        checkout feature/test         | 0 | feature/test
        checkout feature/nowhere      | 1 |
        checkout main                 | 1 | ICE,protected branch
        checkout master               | 1 | ICE
        checkout release/v1.0         | 1 | ICE
        push origin main              | 1 | ICE,protected branch
        push origin master            | 1 | ICE
        push origin production        | 1 | ICE
        push origin release/v2.0      | 1 | ICE
        merge                         | 1 | BLOCKED,Human intervention
        pr-merge                      | 1 | BLOCKED,Human intervention
        branch-delete feature/test    | 1 | BLOCKED,Human intervention
        branch-delete                 | 1 | BLOCKED,Human intervention
        force-push                    | 1 | BLOCKED,dangerous,Force push
        force-push origin feature/test | 1 | BLOCKED
        ensure-branch sprint-5        | 0 | feature/sprint-5
        ensure-branch sprint-5        | 0 | Already on
        ensure-branch existing        | 0 | existing
        ensure-branch 7 fix/          | 0 | fix/7
        ensure-branch 1.0 release/    | 1 | ICE,protected branch
        ensure-branch main _          | 1 | ICE,protected branch
        ensure-branch x -b            | 1 | ICE
        --help                        | 0 | ICE,Commands,push-upstream
        -h                            | 0 | ICE,Commands
        help                          | 0 | ICE,Commands
        push -h                       | 0 | Usage
                                      | 2 |
        ",
    );
    table(
        &repo,
        "
        unknown-command               | 2 | Unknown command
        is-protected                  | 2 | Usage
        is-protected _                | 2 | Usage
        checkout                      | 2 | Usage
        checkout _                    | 2 | Usage
        ensure-branch                 | 2 | Usage
        ensure-branch _               | 2 | Usage
        push-upstream origin          | 2 | Usage
        push origin _                 | 2 | Usage
        pr-create T                   | 2 | Usage
        should-push maybe             | 2 | Usage
        ",
    );
    verb(&repo, &[]).ends(2);
    assert!(repo.refs("refs/heads/feature/").contains(&"refs/heads/feature/sprint-5".to_owned()));
    repo.git(&["switch", "--quiet", "main"]);
    table(&repo, "validate | 1 | ICE,protected branch\n push | 1 | ICE,protected branch");
    assert_eq!(remote(&repo), before);
    // Beside them, the guard's own commands are as they were.
    repo.run(&["ice", "check", "--", "push", "origin", "main"]).ends(3);
    repo.run(&["ice", "check", "--", "status"]).ends(0);
    repo.run(&["ice", "exec", "--", "true"]).ends(0);
}

/// Nothing moved at the remote, the branch is the same, and what was not committed is still there.
#[track_caller]
fn untouched(rows: &str) {
    let repo = toy();
    let (before, files) = (remote(&repo), repo.read("README"));
    repo.write("README", "not committed\n");
    table(&repo, rows);
    assert_eq!(remote(&repo), before);
    assert_eq!(repo.git(&["symbolic-ref", "HEAD"]), "refs/heads/feature/test");
    assert_ne!(repo.read("README"), files, "nothing is discarded");
    assert_eq!(repo.try_git(&["config", "branch.feature/test.remote"]).status.code(), Some(1));
}

#[test]
fn i1_i2_i3_i4_a_refspec_leads_to_nothing_that_is_protected() {
    untouched(
        "
        push origin feature/test:main                 | 1 | ICE
        push origin HEAD:refs/heads/main              | 1 | ICE
        push-upstream origin feature/test:main        | 1 | ICE
        push origin refs/heads/main                   | 1 | ICE,protected branch
        push origin heads/main                        | 1 | ICE,protected branch
        push origin refs/heads/feature/test:refs/heads/main | 1 | ICE
        push origin origin/main                       | 1 | ICE,protected branch
        push origin refs/remotes/origin/main          | 1 | ICE
        push origin Main                              | 1 | ICE
        push origin mаin                              | 1 | ICE
        ",
    );
}

#[test]
fn i6_i7_nothing_is_deleted_and_no_option_stands_for_a_branch() {
    untouched(
        "
        push origin :feature/test                     | 1 | ICE
        push origin +feature/test                     | 1 | ICE
        push origin +refs/heads/feature/test          | 1 | ICE
        push origin refs/heads/*                      | 1 | ICE
        push origin ^main                             | 1 | ICE
        push origin --all                             | 1 | ICE
        push origin --mirror                          | 1 | ICE
        push --all                                    | 1 | ICE
        push --force origin                           | 1 | ICE
        push origin --delete                          | 1 | ICE
        push origin refs/tags/v1                      | 1 | ICE
        push origin HEAD~1                            | 1 | ICE
        push ../remote.git feature/test               | 1 | ICE
        push -f feature/test                          | 1 | ICE
        push origin missing                           | 1 | no branch
        push-upstream --force feature/test            | 1 | ICE
        ",
    );
}

#[test]
fn i9_i10_only_a_branch_is_checked_out_and_nothing_is_discarded() {
    untouched(
        "
        checkout refs/heads/main                      | 1 | ICE,protected branch
        checkout origin/main                          | 1 | ICE,protected branch
        checkout origin/teammate/y                    | 1 | ICE
        checkout HEAD~1                               | 1 | ICE
        checkout HEAD                                 | 1 | ICE
        checkout -f                                   | 1 | ICE
        checkout .                                    | 1 | ICE
        checkout README                               | 1 |
        checkout --                                   | 1 | ICE
        checkout -                                    | 1 | ICE
        checkout @{-1}                                | 1 | ICE
        ",
    );
}

#[test]
fn i11_a_detached_head_is_no_safe_branch() {
    let repo = toy();
    let before = remote(&repo);
    repo.git(&["checkout", "--quiet", "--detach"]);
    table(&repo, "validate | 1 | ICE,detached\n push | 1 | ICE\n push origin HEAD | 1 | ICE");
    assert_eq!(remote(&repo), before);
}

#[test]
fn i18_no_other_program_is_needed_to_read_what_is_set() {
    let repo = toy();
    repo.git(&["config", "run.autoPush", "false"]);
    let bin = repo.root().join("bin");
    fs::create_dir(&bin).unwrap();
    for name in ["yq", "jq", "awk", "sed", "bash", "python3"] {
        repo.script(&bin.join(name), "#!/bin/sh\nexit 1\n");
    }
    let git = repo.command("sh").args(["-c", "command -v git"]).output().unwrap();
    std::os::unix::fs::symlink(support::text(&git.stdout).trim(), bin.join("git")).unwrap();
    for (words, said) in [(["ice", "should-push"], "LOCAL\n"), (["ice", "validate"], "OK")] {
        let ran = repo.program().env("PATH", &bin).args(words).output().unwrap();
        let ran = Ran::of(ran).ends(0);
        assert!(ran.out.starts_with(said), "{words:?}: {}", ran.out);
    }
}

#[test]
fn a_branch_is_pushed_to_its_own_name_and_by_nothing_else() {
    let repo = toy();
    let at = |name: &str| repo.git(&["rev-parse", name]);
    let there = |name: &str| repo.git(&["--git-dir=../remote.git", "rev-parse", name]);
    // What is configured would send it elsewhere, or by force.
    repo.git(&["config", "push.default", "upstream"]);
    repo.git(&["config", "branch.feature/test.merge", "refs/heads/main"]);
    repo.git(&["config", "branch.feature/test.remote", "origin"]);
    repo.git(&["config", "remote.origin.push", "+HEAD:refs/heads/main"]);
    repo.git(&["tag", "feature/test", "HEAD~1"]);
    let main = there("main");
    verb(&repo, &["push"]).ends(0);
    assert_eq!(there("refs/heads/feature/test"), at("refs/heads/feature/test"));
    assert_eq!(at("refs/remotes/origin/feature/test"), at("refs/heads/feature/test"));
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "more"]);
    verb(&repo, &["push-upstream", "origin", "feature/test"]).ends(0);
    assert_eq!(there("refs/heads/feature/test"), at("refs/heads/feature/test"));
    assert_eq!(repo.git(&["config", "branch.feature/test.merge"]), "refs/heads/feature/test");
    verb(&repo, &["push", "origin", "refs/heads/feature/other"]).ends(0);
    assert_eq!(there("feature/other"), at("refs/heads/feature/other"));
    assert_eq!(there("main"), main);
    assert!(repo.remote_refs().iter().all(|name| !name.starts_with("refs/tags/")));
}

#[test]
fn what_others_pushed_and_what_the_remote_protects_stays() {
    let repo = toy();
    repo.git(&[
        "--git-dir=../remote.git",
        "symbolic-ref",
        "refs/heads/feature/alias",
        "refs/heads/main",
    ]);
    repo.git(&["branch", "feature/alias"]);
    repo.git(&["branch", "feature/default"]);
    repo.git(&["push", "--quiet", "origin", "feature/default"]);
    repo.git(&["--git-dir=../remote.git", "symbolic-ref", "HEAD", "refs/heads/feature/default"]);
    repo.git(&["push", "--quiet", "origin", "feature/test:feature/ours"]);
    repo.git(&["branch", "feature/ours", "HEAD~1"]);
    repo.git(&["symbolic-ref", "refs/heads/feature/local", "refs/heads/main"]);
    let before = remote(&repo);
    table(
        &repo,
        "
        push origin feature/local   | 1 | ICE
        checkout feature/local      | 1 | ICE
        ensure-branch local         | 1 | ICE
        push origin feature/alias   | 1 | ICE
        push origin feature/default | 1 | ICE,default branch
        push origin feature/ours    | 1 | ICE
        ",
    );
    assert_eq!(remote(&repo), before);
}

#[test]
fn hooks_of_the_repository_are_asked_and_inside_of_a_fence_nothing_differs() {
    let repo = toy();
    repo.hook("pre-push", "exit 1");
    let before = remote(&repo);
    verb(&repo, &["push"]).ends(1);
    assert_eq!(remote(&repo), before);
    repo.hook("pre-push", "cat > \"$HOME/pushed\"");
    let inside =
        |words: &[&str]| repo.run(&[&["ice", "exec", "--", "git-run", "ice"], words].concat());
    inside(&["push", "origin", "feature/test:main"]).ends(1);
    inside(&["push", "origin", "main"]).ends(1);
    assert_eq!(remote(&repo), before);
    inside(&["push"]).ends(0);
    assert_ne!(remote(&repo), before);
    assert!(repo.root().join("pushed").exists());
}

#[test]
fn loa_111_i15_a_pull_request_is_a_draft_whatever_is_said() {
    let repo = toy();
    let bin = repo.root().join("bin");
    fs::create_dir(&bin).unwrap();
    let path = std::env::var("PATH").unwrap();
    let with_gh = |words: &[&str]| {
        let mut command = repo.program();
        command.env("PATH", format!("{}:{path}", bin.display())).args(["ice", "pr-create"]);
        Ran::of(command.args(words).output().unwrap())
    };
    let told = || fs::read_to_string(repo.root().join("gh")).unwrap_or_default();
    repo.script(&bin.join("gh"), "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$HOME/gh\"\n");
    let asked = |base: &str| {
        format!(
            "pr\ncreate\n--draft\n--title\nT $(x) \"q\"\n--body\n-B\n--base\n{base}\n--head\nfeature/test\n"
        )
    };
    for (words, base) in [
        (&["T $(x) \"q\"", "--draft", "--", "-B"][..], "main"),
        (&["--base", "feature/other", "T $(x) \"q\"", "--", "-B"], "feature/other"),
        (&["--draft", "--", "T $(x) \"q\"", "-B", "release/1.0", "feature/test"], "release/1.0"),
    ] {
        with_gh(words).ends(0);
        assert_eq!(told(), asked(base), "{words:?}");
        fs::remove_file(repo.root().join("gh")).unwrap();
    }
    for (words, code) in [
        (&["T", "B", "main", "main"][..], 1),
        (&["T", "B", "main", "other:feature/test"], 1),
        (&["T", "B", "--web"], 2),
        (&["T", "B", "--draft=false"], 2),
        (&["T", "B", "-main"], 2),
        (&["T"], 2),
        (&["", "B"], 2),
    ] {
        with_gh(words).ends(code);
        assert_eq!(told(), "", "{words:?}");
    }
    repo.script(&bin.join("gh"), "#!/bin/sh\nexit 4\n");
    with_gh(&["T", "B"]).ends(1);
}

#[test]
fn without_a_forge_client_it_is_told_how_to_do_it_by_hand() {
    let repo = toy();
    let bin = repo.root().join("bin");
    fs::create_dir(&bin).unwrap();
    let git = repo.command("sh").args(["-c", "command -v git"]).output().unwrap();
    std::os::unix::fs::symlink(support::text(&git.stdout).trim(), bin.join("git")).unwrap();
    let mut command = repo.program();
    command.env("PATH", &bin).args(["ice", "pr-create", "T", "B"]);
    let ran = Ran::of(command.output().unwrap()).ends(1);
    assert!(ran.err.contains("gh") && ran.err.contains("feature/test"), "{}", ran.err);
}

#[test]
fn loa_111_i16_i17_what_is_asked_for_goes_before_what_is_configured() {
    let repo = toy();
    for (value, said) in [
        (None, "AUTO"),
        (Some("true"), "AUTO"),
        (Some("false"), "LOCAL"),
        (Some("no"), "LOCAL"),
        (Some("prompt"), "PROMPT"),
        (Some("Prompt"), "PROMPT"),
        (Some("garbage"), "LOCAL"),
        (Some(""), "LOCAL"),
        (Some("maybe yes"), "LOCAL"),
    ] {
        if let Some(value) = value {
            repo.git(&["config", "run.autoPush", value]);
        }
        for (flag, expected) in [(&[][..], said), (&["local"], "LOCAL"), (&["prompt"], "PROMPT")] {
            let ran = verb(&repo, &[&["should-push"], flag].concat()).ends(0);
            assert_eq!(ran.out, format!("{expected}\n"), "{value:?} {flag:?}");
        }
    }
}

#[test]
fn loa_111_i14_a_block_is_written_down_with_its_words_and_nothing_in_the_work_tree() {
    let repo = toy();
    let name = "a\"b\\c:main";
    verb(&repo, &["push", "origin", name]).ends(1);
    verb(&repo, &["merge"]).ends(1);
    verb(&repo, &["validate"]).ends(0);
    assert!(!repo.work.join(".run").exists());
    let audit = repo.run(&["audit", "--json"]).ends(0).json();
    let tried: Vec<_> =
        audit["refusals"].as_array().unwrap().iter().map(|one| &one["tried"]).collect();
    assert_eq!(tried, [&format!("git run ice push origin {name}"), "git run ice merge"]);
    let answer = repo.run(&["--json", "ice", "push", "origin", name]).ends(1).json();
    assert!(answer["error"].as_str().unwrap().contains("ICE"), "{answer}");
}

/// What the hook says of the run's branch, the wrapper says too, and whoever asks.
#[test]
fn a_run_whose_judges_have_not_passed_is_not_pushed() {
    let repo = TestRepo::scripted(&[("audit", "revise no")]);
    repo.remote();
    let _ = repo.run(&["sprint-1", "--local", "--max-cycles", "1"]);
    let before = remote(&repo);
    let branch = repo.git(&["symbolic-ref", "--short", "HEAD"]);
    repo.git(&["branch", "feature/another"]);
    table(
        &repo,
        &format!(
            "push origin {branch} | 1 | ICE,not passed yet
             push-upstream origin {branch} | 1 | ICE
             push origin feature/another | 1 | ICE,own branch"
        ),
    );
    assert_eq!(remote(&repo), before);
}

/// Without the wrapper, an agent meets the same judge.
#[test]
fn i19_what_goes_past_the_wrapper_does_not_go_past_the_guard() {
    let repo = toy();
    repo.git(&["push", "--quiet", "origin", "feature/test"]);
    let all = || (remote(&repo), repo.git(&["rev-parse", "main"]));
    let before = all();
    for line in [
        "git push origin main feature/test:main",
        "git push origin HEAD:main",
        "git push origin +HEAD:main",
        "git push --mirror",
        "git push origin --delete main",
        "git push --force-with-lease origin HEAD:main",
        "git push --no-verify origin HEAD:main",
        "git switch -q main && git merge --no-edit feature/test",
        "git update-ref refs/heads/main HEAD",
        "gh pr merge 1",
        "git run ice push origin feature/test:main",
        "git run ice force-push",
    ] {
        let ran = repo.run(&["ice", "exec", "--", "sh", "-c", line]);
        assert_ne!(ran.code, Some(0), "{line}");
        repo.git(&["switch", "--quiet", "feature/test"]);
        assert_eq!(all(), before, "{line}");
    }
}

#[test]
fn a_name_that_is_no_text_is_none() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    let repo = toy();
    let before = remote(&repo);
    for (verb, code) in [("is-protected", 0), ("checkout", 1), ("push", 1)] {
        let mut command = repo.program();
        command.args(["ice", verb]);
        if verb == "push" {
            command.arg("origin");
        }
        let ran = Ran::of(command.arg(OsStr::from_bytes(b"x\xff")).output().unwrap()).ends(code);
        assert_eq!(ran.out, if verb == "is-protected" { "true\n" } else { "" });
    }
    assert_eq!(remote(&repo), before);
}

#[test]
fn an_answer_that_cannot_be_written_allows_nothing() {
    let repo = toy();
    let mut command = repo.command("sh");
    let line = format!("'{}' ice is-protected main > /dev/full", support::PROGRAM);
    Ran::of(command.args(["-c", &line]).output().unwrap()).ends(0);
}
