//! A person's word that is not theirs: stripped of its signature, under another's key, over another text,
//! written into the journal or sent by somebody else. It is found, and no run goes by it.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, path::PathBuf};

use support::{Ran, TestRepo, text};

const WORKFLOW: &str = r#"
format = 2
name = "asked"
[[stage]]
id = "agree"
duty = "human"
momentary = true
[[stage]]
id = "implement"
duty = "build"
[[stage]]
id = "review"
duty = "judge"
back_to = "implement"
"#;

fn key(repo: &TestRepo, name: &str) -> PathBuf {
    let key = repo.root().join(name);
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key.to_str().unwrap()];
    assert!(std::process::Command::new("ssh-keygen").args(words).status().unwrap().success());
    key
}

/// Git signs here, believes one key, and a run waits for a word.
fn waiting() -> TestRepo {
    let repo = TestRepo::scripted(&[]);
    let own = key(&repo, "key");
    key(&repo, "stranger");
    let public = fs::read_to_string(own.with_extension("pub")).unwrap();
    fs::write(repo.root().join("allowed"), format!("tester@example.com {public}")).unwrap();
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingKey", own.to_str().unwrap()),
        ("gpg.ssh.allowedSignersFile", repo.root().join("allowed").to_str().unwrap()),
        ("commit.gpgSign", "true"),
        ("run.workflow", "./w.toml"),
    ] {
        repo.git(&["config", name, value]);
    }
    repo.git(&["config", "--unset-all", "run.audit.command"]);
    repo.write("w.toml", WORKFLOW);
    repo.git(&["add", "."]);
    repo.git(&["commit", "--quiet", "--message=w"]);
    repo.run(&["start", "sprint-1", "--local", "--workflow", "./w.toml"]).ends(5);
    assert_eq!(repo.calls("implement"), 0);
    repo
}

fn approve(repo: &TestRepo) -> String {
    let said = repo.run(&["approve", "--as", "Ada", "--json"]).ends(0).json();
    said["signed"].as_str().unwrap_or_default().to_owned()
}

/// The tip of the journal once more, with another line in its message and in the segment of its tree,
/// and with another text at a path of that tree.
fn rewrite(repo: &TestRepo, line: &dyn Fn(String) -> String, file: Option<(&str, &[u8])>) {
    let journal = repo.journal();
    let raw = repo.git(&["log", "-1", "--format=%B", &journal]);
    let parent = repo.git(&["rev-parse", &format!("{journal}^")]);
    let listed = repo.git(&["ls-tree", "-r", "--name-only", &journal, "events/"]);
    let segment = listed.lines().last().unwrap().to_owned();
    let events = repo.git(&["cat-file", "blob", &format!("{journal}:{segment}")]);
    let mut files = vec![(segment, format!("{}\n", line(events)).into_bytes())];
    files.extend(file.map(|(path, content)| (path.to_owned(), content.to_vec())));
    let mut script = format!(
        "export GIT_INDEX_FILE=\"$HOME/index\"; rm -f \"$HOME/index\"; git read-tree {journal}"
    );
    for (path, content) in files {
        fs::write(repo.root().join("content"), content).unwrap();
        let blob = repo.git(&["hash-object", "-w", "../content"]);
        script.push_str(&format!(" && git update-index --add --cacheinfo 100644,{blob},{path}"));
    }
    let out = repo.command("sh").args(["-c", &format!("{script} && git write-tree")]).output();
    let tree = text(&out.unwrap().stdout).trim().to_owned();
    fs::write(repo.root().join("message"), format!("{}\n", line(raw))).unwrap();
    let words =
        ["-c", "commit.gpgSign=false", "commit-tree", &tree, "-p", &parent, "-F", "../message"];
    let forged = repo.git(&words);
    repo.git(&["update-ref", &journal, &forged]);
}

/// Takes the name of the signature out of the event.
fn unnamed(path: &str) -> impl Fn(String) -> String + use<> {
    let named = format!("\"signed\":\"{path}\"");
    move |line| line.replace(&format!(",{named}"), "").replace(&format!("{named},"), "")
}

/// The statement of a path, signed anew by this key, under a text that this makes of it.
fn signed_by(repo: &TestRepo, path: &str, key: &str, of: &dyn Fn(&str) -> String) -> Vec<u8> {
    let raw = repo.run(&["show", path]).ends(0).out;
    let (head, said) = raw.split_once("\n\n").unwrap();
    let tree = head.lines().next().unwrap().strip_prefix("tree ").unwrap();
    fs::write(repo.root().join("statement"), of(said)).unwrap();
    let key = format!("user.signingKey={}", repo.root().join(key).display());
    let commit = repo.git(&["-c", &key, "commit-tree", "--gpg-sign", tree, "-F", "../statement"]);
    repo.try_git(&["cat-file", "commit", &commit]).stdout
}

#[track_caller]
fn nobody_goes_by_it(repo: &TestRepo, what: &str) {
    let journal = repo.git(&["rev-parse", &repo.journal()]);
    let ran = repo.run(&["verify"]);
    assert!(matches!(ran.code, Some(1 | 70)), "{what}: {}{}", ran.out, ran.err);
    for words in [&["resume"][..], &["next", "--resume"]] {
        let ran = repo.run(words).ends(3);
        assert!(ran.err.contains("rule: signature"), "{what}: {}", ran.err);
    }
    assert_eq!(repo.calls("implement"), 0, "{what}");
    assert_eq!(repo.git(&["rev-parse", &repo.journal()]), journal, "{what}: nothing is written");
    // An agent insists for nothing.
    let insisted = repo.program().env("GIT_RUN_AGENT", "1").args(["resume", "--force"]).output();
    assert_eq!(Ran::of(insisted.unwrap()).code, Some(3), "{what}");
}

#[test]
fn cwf_a_forged_word_is_found_and_no_run_goes_by_it() {
    let repo = waiting();
    let path = approve(&repo);
    let genuine = repo.git(&["rev-parse", &repo.journal()]);
    let whole = fs::read(repo.work.join(".git/HEAD")).unwrap();
    let same = |message: String| message;
    for what in [
        "no signature is named",
        "another person is named",
        "another's key",
        "another text",
        "the signature is taken off",
    ] {
        match what {
            "no signature is named" => rewrite(&repo, &unnamed(&path), None),
            "another person is named" => {
                rewrite(&repo, &|line| line.replace("\"Ada\"", "\"Eve\""), None);
            }
            "another's key" => {
                let forged = signed_by(&repo, &path, "stranger", &str::to_owned);
                rewrite(&repo, &same, Some((&path, &forged)));
            }
            "another text" => {
                let other = |said: &str| said.replace("approve", "modify");
                let forged = signed_by(&repo, &path, "key", &other);
                rewrite(&repo, &same, Some((&path, &forged)));
            }
            _ => {
                let raw = repo.run(&["show", &path]).ends(0).out;
                let at = raw.find("gpgsig ").unwrap();
                let (_, rest) = raw.split_once("-----END SSH SIGNATURE-----\n").unwrap();
                let bare = format!("{}{rest}", &raw[..at]);
                rewrite(&repo, &same, Some((&path, bare.as_bytes())));
            }
        }
        assert_ne!(repo.git(&["rev-parse", &repo.journal()]), genuine, "{what}");
        nobody_goes_by_it(&repo, what);
        repo.git(&["update-ref", &repo.journal(), &genuine]);
    }
    assert_eq!(fs::read(repo.work.join(".git/HEAD")).unwrap(), whole);
    // The genuine one is vouched for, and goes on.
    assert!(repo.run(&["verify"]).ends(0).out.contains("1 signature good"));
    repo.run(&["resume"]).ends(0);
    assert_eq!(repo.calls("implement"), 1);
}

/// Answered for by a person, and then by somebody else in their name: by no way out does it leave.
#[test]
fn cwf_nothing_leaves_by_a_forged_word() {
    let repo = waiting();
    let path = approve(&repo);
    repo.agent("review", r#"report '{"format":1,"verdict":"fail"}'"#);
    repo.run(&["resume"]).ends(5);
    repo.run(&["override", "review", "--reason", "it is Friday"]).ends(0);
    let genuine = repo.git(&["rev-parse", &repo.journal()]);
    repo.remote();
    repo.run(&["hooks", "install"]).ends(0);
    repo.run(&["push", "--dry-run"]).ends(0);
    for what in ["the word", "the override"] {
        let of = repo.recorded("gate-overridden")[0]["signed"].as_str().unwrap().to_owned();
        let forged = if what == "the word" { path.clone() } else { of };
        rewrite(&repo, &|line| line, Some((&forged, b"tree x\n\nforged\n")));
        for words in [&["push"][..], &["push", "--dry-run"]] {
            let ran = repo.run(words).ends(3);
            assert!(ran.err.contains("rule: signature"), "{what}: {words:?}: {}", ran.err);
        }
        for refspec in ["feature/sprint-1", "HEAD:refs/heads/elsewhere"] {
            let pushed = Ran::of(repo.try_git(&["push", "origin", refspec]));
            assert!(pushed.code != Some(0) && pushed.err.contains("[signature]"), "{}", pushed.err);
        }
        assert_eq!(repo.remote_refs(), ["refs/heads/main"], "{what}");
        repo.git(&["update-ref", &repo.journal(), &genuine]);
    }
    repo.git(&["push", "--quiet", "origin", "feature/sprint-1"]);
    assert_eq!(repo.remote_refs().len(), 2);
}

#[test]
fn cwf_a_person_may_go_on_all_the_same_and_what_cannot_be_read_is_no_yes() {
    let repo = waiting();
    let path = approve(&repo);
    rewrite(&repo, &unnamed(&path), None);
    repo.run(&["resume"]).ends(3);
    repo.run(&["resume", "--force"]).ends(0);
    assert_eq!(repo.calls("implement"), 1);
    // Taking the demand out of the policy as well helps nobody.
    let repo = waiting();
    let path = approve(&repo);
    let policy = repo.run(&["show", "policy"]).ends(0).out;
    assert!(policy.contains("\"signs\": true") || policy.contains("\"signs\":true"), "{policy}");
    let bare = policy.replace("\"signs\"", "\"other\"");
    rewrite(&repo, &unnamed(&path), Some(("policy.json", bare.as_bytes())));
    assert_eq!(repo.run(&["resume"]).code, Some(3));
    assert_eq!(repo.calls("implement"), 0);
    // A policy that nobody can read asks for signatures.
    let repo = waiting();
    let path = approve(&repo);
    rewrite(&repo, &unnamed(&path), Some(("policy.json", b"{}garbled")));
    assert_ne!(repo.run(&["resume"]).code, Some(0));
    assert_eq!(repo.calls("implement"), 0);
    // So does a setting that is neither yes nor no, before anything begins.
    let repo = TestRepo::scripted(&[]);
    repo.git(&["config", "tag.gpgSign", "perhaps"]);
    let ran = repo.run(&["sprint-1", "--local"]).ends(1);
    assert!(ran.err.contains("tag.gpgSign") && repo.refs("refs/run/").is_empty(), "{}", ran.err);
}

#[test]
fn cwf_who_was_to_sign_does_not_say_it_without() {
    let repo = waiting();
    repo.git(&["config", "commit.gpgSign", "false"]);
    let ran = repo.run(&["approve", "--as", "Ada"]).ends(3);
    assert!(ran.err.contains("rule: signature") && ran.err.contains("gpgSign"), "{}", ran.err);
    assert!(repo.recorded("approval-given").is_empty());
    // Where git cannot tell whose a signature is, that there is one has to do; verify says what is open.
    repo.git(&["config", "commit.gpgSign", "true"]);
    repo.git(&["config", "--unset", "gpg.ssh.allowedSignersFile"]);
    approve(&repo);
    assert!(repo.run(&["verify"]).ends(1).out.contains("NOT VOUCHED FOR"));
    repo.run(&["resume"]).ends(0);
}

#[test]
fn cwf_an_unsigned_word_from_elsewhere_is_not_taken_in() {
    let repo = waiting();
    repo.remote();
    repo.run(&["sync", "push", "origin"]).ends(0);
    let run = repo.journal().split('/').nth(2).unwrap().to_owned();
    let genuine = repo.git(&["rev-parse", &repo.journal()]);
    // Whoever may push there writes a word by hand: it is what the remote has, and was fetched.
    let path = approve(&repo);
    rewrite(&repo, &unnamed(&path), None);
    let forged = repo.git(&["rev-parse", &repo.journal()]);
    repo.git(&["--git-dir=../remote.git", "fetch", "--quiet", "../work", &forged]);
    let there = format!("refs/run/{run}/journal");
    repo.git(&["--git-dir=../remote.git", "update-ref", &there, &forged]);
    repo.git(&["update-ref", &repo.journal(), &genuine]);
    repo.run(&["sync", "fetch", "origin"]).ends(0);
    let ran = repo.run(&["resume"]).ends(5);
    assert!(ran.err.contains("is not taken in"), "{}", ran.err);
    assert_eq!(repo.calls("implement"), 0);
    repo.run(&["verify"]).ends(0);
}
