//! The guard's verdicts on command lines: the table in `tests/ice/commands.tsv`, every parser under
//! arbitrary input, and the command that explains.

use std::{collections::BTreeSet, fs, path::Path};

use assert_cmd::Command;
use git_run::domain::ice::{
    facts::{Facts, Head, PushSettings, Remote, Unsaved},
    name::{Protection, unfit},
    push_line::{parse_push, parse_transaction},
    refspec,
    shell::{Step, git_words, lex::lex, line},
    tool, verb,
};
use proptest::prelude::*;

/// A clone on `feature/x` at `/t/clone`, clean, with the remotes `origin` and `prod`.
fn scene(directory: &str) -> Facts {
    let names =
        |names: &[&str]| -> BTreeSet<String> { names.iter().map(ToString::to_string).collect() };
    let line_directory = "/t/clone".to_owned();
    let elsewhere = Facts {
        directory: format!("/t/clone/{directory}"),
        line_directory: line_directory.clone(),
        head: Head::Nowhere,
        ..Facts::default()
    };
    let inside = matches!(directory, "" | "sub" | ".git");
    if !inside {
        return elsewhere;
    }
    let remote = |name: &str| Remote {
        name: name.into(),
        differing: vec!["feature/x".into()],
        ..Remote::default()
    };
    Facts {
        protection: Protection {
            remote_defaults: vec!["main".into()],
            // `alias` is another name of a branch, and counts as protected for that.
            ..Protection::configured(&["live".into(), "alias".into()])
        },
        head: Head::Branch("feature/x".into()),
        kept: vec!["/t/clone".into(), "/t/clone/.git".into(), "/t/clone/.git".into()],
        branches: names(&["feature/x", "main", "alias"]),
        tags: names(&["v1"]),
        tracking: names(&["origin/main", "origin/feature/x"]),
        remotes: vec![remote("origin"), remote("prod")],
        push: PushSettings {
            remote: Some("origin".into()),
            upstream: Some(("origin".into(), "refs/heads/feature/x".into())),
            ..PushSettings::default()
        },
        unsaved: Unsaved::Nothing,
        ..elsewhere
    }
}

fn rule(steps: &[Step]) -> &'static str {
    let denied = steps.iter().find_map(|step| step.verdict.as_ref().err());
    denied.map_or("-", |denial| denial.rule)
}

fn judged(text: &str, facts: impl Fn(&str) -> Facts) -> &'static str {
    rule(&line(text, &mut |directory| facts(directory)))
}

#[test]
fn the_table_of_command_lines() {
    let mut wrong = Vec::new();
    for row in include_str!("ice/commands.tsv").lines().skip(1) {
        let [command, verdict, expected] = row.split('\t').collect::<Vec<_>>()[..] else {
            unreachable!("{row}")
        };
        let said = judged(&command.replace("\\n", "\n"), scene);
        if said != expected || (said == "-") != (verdict == "allowed") {
            wrong.push(format!("{command}\t{verdict}\t{expected}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_nothing_holds_is_not_discarded_until_a_checkpoint_has_it() {
    for command in [
        "git reset --hard",
        "git checkout .",
        "git checkout -f",
        "git checkout -- f",
        "git checkout f",
        "git restore f",
        "git switch --discard-changes main",
        "git rm -f f",
    ] {
        for (unsaved, expected) in
            [(Unsaved::Something, "unsaved"), (Unsaved::Held, "-"), (Unsaved::Nothing, "-")]
        {
            let said = judged(command, |directory| Facts { unsaved, ..scene(directory) });
            assert_eq!(said, expected, "{command} {unsaved:?}");
        }
    }
}

#[test]
fn during_a_run_its_own_branch_alone_is_pushed() {
    let run = |directory: &str| Facts { own_branch: Some("feature/x".into()), ..scene(directory) };
    assert_eq!(judged("git push origin feature/x", run), "-");
    assert_eq!(judged("git switch -c feature/y && git push origin feature/y", run), "own-branch");
    assert_eq!(judged("git push origin main", run), "protected");
}

#[test]
fn what_is_configured_bends_no_push() {
    let with = |change: fn(&mut Facts)| {
        move |directory: &str| {
            let mut facts = scene(directory);
            change(&mut facts);
            facts
        }
    };
    let upstream = with(|facts| {
        facts.push.default = Some("upstream".into());
        facts.push.upstream = Some(("origin".into(), "refs/heads/main".into()));
    });
    assert_eq!(judged("git push", upstream), "protected");
    assert_eq!(judged("git push origin feature/x", upstream), "setting");
    assert_eq!(judged("git push origin feature/x:refs/heads/feature/x", upstream), "-");
    let mapped = with(|facts| facts.remotes[0].push = vec!["HEAD:refs/heads/main".into()]);
    assert_eq!(judged("git push", mapped), "unclear");
    assert_eq!(judged("git push origin feature/x", mapped), "setting");
    let matching = with(|facts| {
        facts.push.default = Some("matching".into());
        facts.remotes[0].differing.push("main".into());
    });
    assert_eq!(judged("git push", matching), "protected");
    let options = with(|facts| facts.push.options = true);
    assert_eq!(judged("git push", options), "setting");
    let mirror = with(|facts| facts.remotes[0].mirror = true);
    assert_eq!(judged("git push origin feature/x", mirror), "setting");
    let tags = with(|facts| facts.new_tags = true);
    assert_eq!(judged("git push --follow-tags origin feature/x", tags), "-");
}

#[test]
fn scripts_in_scripts_come_to_an_end() {
    let mut nested = "git status".to_owned();
    for _ in 0..12 {
        nested = format!("echo $({nested})");
    }
    assert_eq!(judged(&nested, scene), "unclear");
    assert_eq!(judged(&"git status;".repeat(20_000), scene), "unclear");
    assert_eq!(judged(&"git switch a || git switch b || ".repeat(200), scene), "-");
}

#[test]
fn the_command_explains_its_verdict() {
    let dir = assert_fs::TempDir::new().unwrap();
    let ask = |args: &[&str], input: &str| {
        let mut command = Command::cargo_bin("git-run").unwrap();
        let out = command
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .args(["ice", "check"])
            .args(args)
            .write_stdin(input.to_owned())
            .output()
            .unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap())
    };
    let (code, out) = ask(&["--", "push", "origin", "main"], "");
    assert_eq!(code, Some(3));
    assert!(out.contains("denied") && out.contains("rule") && out.contains("next"), "{out}");
    assert_eq!(ask(&["--shell", "-"], "ls && git status").0, Some(0));
    assert_eq!(ask(&["--shell", "git update-ref a b"], "").0, Some(3));
    assert_eq!(ask(&[], "").0, Some(2));
    let (_, out) = ask(&["--json", "--", "clean", "-fd"], "");
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(value["schema"], "git-run/verdict/1");
    assert_eq!(
        (&value["allowed"], &value["commands"][0]["rule"]),
        (&false.into(), &"unsaved".into())
    );
}

/// Pieces of which a line that means harm could be made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "git ", "push ", "origin ", "main ", "HEAD:", "+", ":", "^", "$(", ")", "`", "'", "\"",
        "\\", "{", "}", ",", "<<", "X", "\n", ";", "&&", "||", "|", "&", ">", "<", "(", "sh -c ",
        "eval ", "$g", "${", "$'", "env ", "-", "--", "=", "*", "[", "~", " ", "find ", "-exec ",
        "xargs ", "cd ", "switch ", "-c ", "\u{430}", "#",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_line_breaks_the_judge(text in pieces()) {
        let _ = lex(&text);
        let _ = line(&text, &mut scene);
    }

    #[test]
    fn no_text_breaks_the_judge(text in "\\PC{0,80}") {
        let _ = line(&text, &mut scene);
        let _ = Protection::configured(std::slice::from_ref(&text)).of(&text);
        let _ = unfit(&text);
        let _ = refspec::parse(&text);
        let _ = (tool::kind(&text), tool::patched(&text), verb::target(&text));
        for verb in ["pr-create", "push", "ensure-branch", "nothing"] {
            let words: Vec<String> = [verb].into_iter().chain(text.split(' ')).map(str::to_owned).collect();
            let _ = verb::parse(&words);
        }
        let _ = git_words(&text.split(' ').map(str::to_owned).collect::<Vec<_>>(), &mut scene);
    }

    #[test]
    fn no_bytes_break_what_hooks_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_push(&bytes);
        let _ = parse_transaction(&bytes);
    }

    /// However a name is spelled, the wrapper's words mean no protected branch by it.
    #[test]
    fn no_spelling_of_a_name_is_worked_on(
        before in prop::sample::select(vec!["", "+", "HEAD:", "feature/x:", ":", "^", "-", "./"]),
        place in prop::sample::select(vec!["", "heads/", "refs/heads/", "refs/remotes/origin/", "remotes/origin/", "origin/", "refs/heads/heads/"]),
        name in prop::sample::select(vec!["main", "MAIN", "ma\u{131}n", "release/1/x", "live", "hotfix-1", "ma\u{200b}in", "HEAD", "@"]),
    ) {
        let protection = Protection::configured(&["live".into()]);
        let typed = format!("{before}{place}{name}");
        prop_assert!(verb::branch(&typed, &protection, &["origin".into()]).is_err(), "{}", typed);
    }

    /// However the destination is spelled, `main` stays where it is.
    #[test]
    fn no_spelling_of_a_push_moves_a_protected_branch(
        before in prop::sample::select(vec!["", "-q ", "-u ", "--atomic ", "--porcelain ", "-- "]),
        force in prop::sample::select(vec!["", "+"]),
        from in prop::sample::select(vec!["HEAD:", "feature/x:", "@:", ":", "main:", ""]),
        place in prop::sample::select(vec!["", "heads/", "refs/heads/", "refs/heads/refs/heads/"]),
        name in prop::sample::select(vec!["main", "MAIN", "ma\u{131}n", "release/1/x", "live", "hotfix-1", "ma\u{200b}in"]),
    ) {
        let words = format!("push {before}origin {force}{from}{place}{name}");
        let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        prop_assert_ne!(rule(&git_words(&words, &mut scene)), "-");
    }
}

/// Every word that a refusal may be known by is one that people can look up.
#[test]
fn every_rule_is_documented() {
    fn sources(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut all = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let page = include_str!("../docs/ICE.md");
    let mut count = 0;
    for text in &all {
        for maker in ["Denial::new(", "never("] {
            for call in text.split(maker).skip(1) {
                let Some(rest) = call.trim_start().strip_prefix('"') else { continue };
                let (rule, _) = rest.split_once('"').unwrap();
                assert!(
                    page.contains(&format!("`{rule}`")),
                    "docs/ICE.md does not explain `{rule}`"
                );
                count += 1;
            }
        }
    }
    assert!(100 < count, "{count}");
}
