//! `git run hook <agent> pre-tool-use`: asked with what the agents really send.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{fs, io::Write as _, os::unix::fs::symlink, process::Stdio};

use serde_json::{Value, json};
use support::{Ran, TestRepo};

fn toy() -> TestRepo {
    let repo = TestRepo::new();
    repo.remote();
    repo.git(&["switch", "--quiet", "-c", "feature/x"]);
    repo.git(&["config", "core.hooksPath", ".husky"]);
    fs::create_dir(repo.work.join(".husky")).unwrap();
    symlink(".git", repo.work.join("link")).unwrap();
    symlink(".git/hooks/new-hook", repo.work.join("later")).unwrap();
    symlink("nowhere", repo.work.join("loop")).unwrap();
    symlink("loop", repo.work.join("nowhere")).unwrap();
    repo
}

fn told(repo: &TestRepo, agent: &str, input: &[u8]) -> Ran {
    let mut command = repo.program();
    command.args(["hook", agent, "pre-tool-use"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may have said no before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input);
    Ran::of(child.wait_with_output().unwrap())
}

/// What Claude Code sends.
fn claude(repo: &TestRepo, tool: &str, input: Value) -> Ran {
    let call = json!({
        "session_id": "0679c82c", "transcript_path": "/t.jsonl", "cwd": repo.work,
        "permission_mode": "acceptEdits", "hook_event_name": "PreToolUse", "tool_name": tool,
        "tool_input": input, "tool_use_id": "toolu_1",
    });
    told(repo, "claude", call.to_string().as_bytes())
}

#[track_caller]
fn refused(ran: Ran, wanted: &str) {
    let answer = ran.ends(0).json();
    let output = &answer["hookSpecificOutput"];
    assert_eq!(
        (&output["hookEventName"], &output["permissionDecision"]),
        (&"PreToolUse".into(), &"deny".into())
    );
    let why = output["permissionDecisionReason"].as_str().unwrap();
    assert!(why.contains(wanted), "no `{wanted}` in {why}");
}

#[track_caller]
fn silent(ran: Ran) {
    let ran = ran.ends(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn a_command_line_is_judged_where_it_would_run() {
    let repo = toy();
    for line in
        ["ls -la && git status", "git push origin feature/x", "cargo test", "git commit -m 'x'"]
    {
        silent(claude(&repo, "Bash", json!({ "command": line, "description": "d" })));
    }
    for (line, rule) in [
        ("git push origin HEAD:main", "[protected]"),
        ("cd /tmp; git -C ~ push --mirror", "refused"),
        ("git push --force-with-lease origin feature/x", "refused"),
        ("rm -rf .git", "[git-dir]"),
        ("git clean -fdx", "[unsaved]"),
        ("sh -c 'git push origin :feature/x'", "refused"),
        (
            "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: .git/hooks/pre-push\n+x\n*** End Patch\nEOF",
            "[git-dir]",
        ),
    ] {
        refused(claude(&repo, "Bash", json!({ "command": line })), rule);
    }
    // It is the directory of the call that counts, and not that of the hook.
    repo.git(&["worktree", "add", "--quiet", "../main-tree", "main"]);
    let call = |cwd: &str| json!({ "cwd": repo.work.join(cwd), "tool_name": "Bash", "tool_input": { "command": "git commit -m x" } });
    silent(told(&repo, "claude", call(".").to_string().as_bytes()));
    refused(told(&repo, "claude", call("../main-tree").to_string().as_bytes()), "[protected]");
    let inside = json!({ "command": "git commit -m x", "workdir": "../main-tree" });
    refused(claude(&repo, "exec_command", inside), "[protected]");
    let inside = json!({ "command": "echo x > config", "workdir": ".git" });
    refused(claude(&repo, "bash", inside), "[git-dir]");
    let words = json!({ "command": ["bash", "-lc", "git push origin main"] });
    refused(claude(&repo, "shell", words), "[protected]");
}

#[test]
fn no_tool_writes_what_is_gits() {
    let repo = toy();
    let outside = repo.root().join("gitconfig");
    for path in [
        ".git/config",
        "./.git/hooks/pre-push",
        "src/../.git/config",
        "missing/../.git/config",
        ".GIT/config",
        ".husky/pre-push",
        "link/config",
        "link",
        "later",
        "loop",
        "../remote.git/config",
        outside.to_str().unwrap(),
        "file://.git/config",
        "",
    ] {
        refused(claude(&repo, "Write", json!({ "file_path": path, "content": "x" })), "ICE");
        refused(
            claude(&repo, "NotebookEdit", json!({ "notebook_path": path, "new_source": "" })),
            "ICE",
        );
    }
    let absolute = repo.work.join(".git/HEAD");
    refused(claude(&repo, "Edit", json!({ "file_path": absolute })), "[git-dir]");
    let twice = json!({ "file_path": "README", "path": ".git/config" });
    refused(claude(&repo, "Write", twice), "[git-dir]");
    refused(claude(&repo, "Write", json!({ "file_path": ["README", ".git/x"] })), "[git-dir]");
    refused(claude(&repo, "Write", json!({ "file_path": 7 })), "ICE");
    let several = json!({ "files": [{ "path": "a" }, { "path": ".git/config" }] });
    refused(claude(&repo, "mcp__files__edit_file", several), "[git-dir]");
    refused(
        claude(&repo, "move_file", json!({ "source": "a", "destination": ".git/x" })),
        "[git-dir]",
    );
    refused(claude(&repo, "Write", json!({ "content": "x" })), "ICE");
    for path in ["src/new/deep.rs", "README", ".gitignore", ".github/workflows/x.yml"] {
        silent(claude(
            &repo,
            "Write",
            json!({ "file_path": repo.work.join(path), "content": ".git/config" }),
        ));
    }
    // A repository's own directory by another name, and that of a linked work tree.
    repo.git(&["init", "--quiet", "--separate-git-dir=../elsewhere", "../apart"]);
    refused(
        claude(&repo, "Write", json!({ "file_path": "../elsewhere/hooks/pre-push" })),
        "[git-dir]",
    );
    // Reading is free, and so are tools that are no business of git's.
    for tool in ["Read", "Grep", "WebFetch", "mcp__x__query"] {
        silent(claude(&repo, tool, json!({ "file_path": ".git/config" })));
    }
}

#[test]
fn each_agent_says_it_in_its_own_way() {
    let repo = toy();
    let patch = "*** Begin Patch\n*** Update File: README\n@@\n+x\n*** Add File: .git/hooks/pre-push\n+x\n*** End Patch\n";
    let codex =
        json!({ "cwd": repo.work, "tool_name": "apply_patch", "tool_input": { "command": patch } });
    refused(told(&repo, "codex", codex.to_string().as_bytes()), ".git/hooks/pre-push");
    let fine = codex.to_string().replace(".git/hooks/pre-push", "new");
    silent(told(&repo, "codex", fine.as_bytes()));
    let garbled = json!({ "tool_name": "apply_patch", "tool_input": { "command": "what" } });
    refused(told(&repo, "codex", garbled.to_string().as_bytes()), "ICE");

    let gemini = json!({
        "cwd": repo.work, "hook_event_name": "BeforeTool", "tool_name": "run_shell_command",
        "tool_input": { "command": "git push origin main", "dir_path": "." },
    });
    let answer = told(&repo, "gemini", gemini.to_string().as_bytes()).ends(0).json();
    assert_eq!(answer["decision"], "deny");
    assert!(answer["reason"].as_str().unwrap().contains("[protected]"), "{answer}");
    let replace = json!({ "tool_name": "replace", "tool_input": { "file_path": "README" } });
    silent(told(&repo, "gemini", replace.to_string().as_bytes()));

    let opencode =
        |command: &str| json!({ "tool": "bash", "args": { "command": command } }).to_string();
    let ran = told(&repo, "opencode", opencode("git push origin main").as_bytes()).ends(2);
    assert!(ran.out.is_empty() && ran.err.contains("[protected]"), "{}", ran.err);
    silent(told(&repo, "opencode", opencode("git status").as_bytes()));
    let edit = json!({ "tool": "edit", "args": { "filePath": repo.work.join("link/config") } });
    told(&repo, "opencode", edit.to_string().as_bytes()).ends(2);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let repo = toy();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let many = vec![b' '; 16 * 1024 * 1024 + 2];
    for input in [
        &b""[..],
        b"nonsense",
        b"[]",
        b"{}",
        b"null",
        b"\xff\xfe",
        br#"{"tool_name":7}"#,
        br#"{"tool_name":"Bash"}"#,
        br#"{"tool_name":"Bash","tool_input":{}}"#,
        br#"{"tool_name":"Bash","tool_input":{"command":7}}"#,
        br#"{"tool_name":"Bash","tool_input":{"command":["a",7]}}"#,
        br#"{"tool_name":"Bash","tool_input":{"command":"ls"},"cwd":"/nowhere/at/all"}"#,
        br#"{"tool_name":"Bash","tool_input":{"command":"ls"},"cwd":["/"]}"#,
        br#"{"tool_name":"Write","tool_input":"x"}"#,
        br#"{"tool_name":"Bash","tool_input":{"command":"ls"}} trailing"#,
        deep.as_bytes(),
        &many,
    ] {
        refused(told(&repo, "claude", input), "ICE");
        told(&repo, "opencode", input).ends(2);
    }
    for name in ["cursor", "claude-code", "", "CLAUDE"] {
        let ran = told(&repo, name, b"{}").ends(2);
        assert!(ran.err.contains("claude, codex, gemini, opencode"), "{}", ran.err);
    }
    for words in
        [&["hook", "claude"][..], &["hook", "claude", "stops"], &["hook", "nonsense"], &["hook"]]
    {
        repo.run(words).ends(2);
    }
}

/// A remote may be called like the event; git's own hooks are asked first.
#[test]
fn gits_own_hooks_are_not_taken_for_agents() {
    let repo = toy();
    repo.git(&["remote", "rename", "origin", "pre-tool-use"]);
    repo.git(&["config", "--unset", "core.hooksPath"]);
    repo.git(&["config", "run.protectedBranch", "live"]);
    repo.run(&["hooks", "install"]).ends(0);
    repo.git(&["push", "--quiet", "pre-tool-use", "feature/x"]);
    assert!(!repo.try_git(&["push", "--quiet", "pre-tool-use", "feature/x:live"]).status.success());
}

/// Inside of a fence the agent's own hook is asked through our `git`.
#[test]
fn the_hook_is_asked_inside_of_a_fence_as_well() {
    let repo = toy();
    let ask = "echo '{\"tool_name\":\"Bash\",\"tool_input\":{\"command\":\"git push origin main\"}}' | git run hook claude pre-tool-use";
    let ran = repo.run(&["ice", "exec", "--", "sh", "-c", ask]);
    refused(ran, "[protected]");
}

#[test]
fn a_no_that_cannot_be_written_is_no_silence() {
    let repo = toy();
    let call = r#"{"tool_name":"Bash","tool_input":{"command":"git push origin main"}}"#;
    let line =
        format!("echo '{call}' | '{}' hook claude pre-tool-use > /dev/full", support::PROGRAM);
    Ran::of(repo.command("sh").args(["-c", &line]).output().unwrap()).ends(2);
}
