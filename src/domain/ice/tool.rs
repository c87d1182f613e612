//! A tool that an agent is about to use: what kind it is, and whether it may write where it wants to.
//! The names are those of several agents; what none of them calls a shell or a writer is let pass.

use super::{denial::Denial, name::is_invisible};

/// The event at which agents ask.
pub const PRE_TOOL_USE: &str = "pre-tool-use";
/// The event at which they are about to forget.
pub const PRE_COMPACT: &str = "pre-compact";
/// The event at which they are about to stop.
pub const STOP: &str = "stop";
/// What a path may be made of; more is no path.
pub const PATH_BYTES_MAX: usize = 4096;
/// More files than that are not changed by one use of a tool.
pub const PATHS_MAX: usize = 1000;

/// An agent that asks before it uses a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    Claude,
    Codex,
    Gemini,
    Opencode,
}

impl Client {
    pub const ALL: [Self; 4] = [Self::Claude, Self::Codex, Self::Gemini, Self::Opencode];

    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
        }
    }

    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client| client.word() == word)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It runs a command line.
    Shell,
    /// It writes files that it names.
    Files,
    /// It takes a patch, which names them.
    Patch,
    Other,
}

const SHELLS: [&str; 14] = [
    "bash",
    "shell",
    "localshell",
    "exec",
    "execcommand",
    "executecommand",
    "runcommand",
    "runshellcommand",
    "shellcommand",
    "runterminalcmd",
    "runinterminal",
    "terminal",
    "powershell",
    "monitor",
];
const WRITERS: [&str; 24] = [
    "write",
    "edit",
    "multiedit",
    "notebookedit",
    "writefile",
    "editfile",
    "createfile",
    "deletefile",
    "removefile",
    "movefile",
    "renamefile",
    "copyfile",
    "createdirectory",
    "writetofile",
    "appendtofile",
    "replaceinfile",
    "insertintofile",
    "replace",
    "create",
    "strreplace",
    "strreplaceeditor",
    "strreplacebasededittool",
    "searchreplace",
    "savefile",
];
const PATCHERS: [&str; 2] = ["applypatch", "patch"];

/// `Bash`, `run_shell_command`, `functions.exec_command` and `mcp__files__write_file` are all read.
#[must_use]
pub fn kind(tool: &str) -> Kind {
    let last = tool.rsplit("__").next().unwrap_or(tool);
    let last = last.rsplit(['.', '/', ':']).next().unwrap_or(last);
    let plain: String =
        last.chars().filter(char::is_ascii_alphanumeric).flat_map(char::to_lowercase).collect();
    let is = |names: &[&str]| names.contains(&plain.as_str());
    if is(&SHELLS) {
        Kind::Shell
    } else if is(&WRITERS) {
        Kind::Files
    } else if is(&PATCHERS) {
        Kind::Patch
    } else {
        Kind::Other
    }
}

/// How such a patch begins, also in the middle of a command line.
pub const PATCH_BEGINS: &str = "*** Begin Patch";

const PATCHED: [&str; 4] =
    ["*** Add File:", "*** Update File:", "*** Delete File:", "*** Move to:"];

/// The files that a patch names, in the format of agents or in that of `diff`.
#[must_use]
pub fn patched(text: &str) -> Vec<String> {
    let of_agents = |line: &str| {
        let line = line.trim_start();
        PATCHED.iter().find_map(|head| line.strip_prefix(head)).map(|path| path.trim().to_owned())
    };
    let of_diff = |line: &str| {
        let heads = ["+++ ", "--- ", "rename to ", "rename from ", "copy to "];
        let path = heads.iter().find_map(|head| line.strip_prefix(head))?;
        let path = path.split('\t').next().unwrap_or(path).trim().trim_matches('"');
        let bare = path.strip_prefix("a/").or_else(|| path.strip_prefix("b/")).unwrap_or(path);
        (bare != "/dev/null").then(|| bare.to_owned())
    };
    if text.contains(PATCH_BEGINS) {
        text.lines().filter_map(of_agents).collect()
    } else {
        text.lines().filter_map(|line| of_agents(line).or_else(|| of_diff(line))).collect()
    }
}

/// A file that a tool would write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As the tool was told.
    pub said: String,
    /// Every place that it may mean, absolute: what is written, and where links lead. None of them
    /// where it cannot be told.
    pub places: Vec<String>,
    /// One of those is in a directory that is built like a repository's own.
    pub in_repository: bool,
}

/// No repository's own directory, no hook and nothing that configures git is a place for files.
pub fn may_write(target: &Target, kept: &[String]) -> Result<(), Denial> {
    let said: String = target.said.chars().take(200).flat_map(char::escape_debug).collect();
    if target.places.is_empty() {
        return Err(Denial::new("unclear", format!("it cannot be told where `{said}` is"))
            .next("name the file by its path from the top of the work tree"));
    }
    let is_kept = |place: &String| {
        place.split(['/', '\\']).any(is_gits)
            || place.to_lowercase().contains("/.config/git/")
            || kept.iter().any(|kept| {
                place == kept
                    || place.strip_prefix(kept.as_str()).is_some_and(|rest| rest.starts_with('/'))
            })
    };
    if target.in_repository || target.places.iter().any(is_kept) {
        let what =
            format!("`{said}` is in a repository's own directory, is a hook, or configures git");
        return Err(
            Denial::new("git-dir", what).next("let git do it: git config, git switch, git branch")
        );
    }
    Ok(())
}

/// `.git` in whatever spelling a file system takes for it, and what else is git's by its name.
fn is_gits(part: &str) -> bool {
    let seen: String =
        part.chars().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase).collect();
    let seen = seen.split(':').next().unwrap_or_default().trim_end_matches([' ', '.']);
    seen.ends_with(".git") || seen.starts_with("git~") || seen == ".gitconfig"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_known_by_what_several_agents_call_them() {
        for (tool, expected) in [
            ("Bash", Kind::Shell),
            ("bash", Kind::Shell),
            ("run_shell_command", Kind::Shell),
            ("functions.exec_command", Kind::Shell),
            ("mcp__box__execute_command", Kind::Shell),
            ("PowerShell", Kind::Shell),
            ("Write", Kind::Files),
            ("MultiEdit", Kind::Files),
            ("NotebookEdit", Kind::Files),
            ("write_file", Kind::Files),
            ("replace", Kind::Files),
            ("mcp__files__move_file", Kind::Files),
            ("apply_patch", Kind::Patch),
            ("ApplyPatch", Kind::Patch),
            ("Read", Kind::Other),
            ("BashOutput", Kind::Other),
            ("Grep", Kind::Other),
            ("", Kind::Other),
        ] {
            assert_eq!(kind(tool), expected, "{tool}");
        }
    }

    #[test]
    fn a_patch_names_its_files_in_either_format() {
        let agents = "*** Begin Patch\n*** Update File: a b\n*** Move to: .git/x\n@@\n--- c\n\
             *** Add File: d\n*** Delete File: e\n*** End Patch\n";
        assert_eq!(patched(agents), ["a b", ".git/x", "d", "e"]);
        let diff = "--- a/x\t2026\n+++ b/.git/hooks/x\n@@ -1 +1 @@\n-a\n+b\nrename to \"y\"\n";
        assert_eq!(patched(diff), ["x", ".git/hooks/x", "y"]);
        assert_eq!(patched("--- /dev/null\n+++ b/n\n"), ["n"]);
        assert_eq!(patched("nothing\n"), Vec::<String>::new());
    }

    #[test]
    fn what_is_gits_is_known_in_every_spelling() {
        let asked = |place: &str| {
            let target = Target {
                said: place.to_owned(),
                places: vec![place.to_owned()],
                in_repository: false,
            };
            may_write(&target, &["/w/.husky".to_owned(), "/w/tool".to_owned()])
        };
        for place in [
            "/w/.git/config",
            "/w/.git",
            "/w/.GIT/config",
            "/w/GIT~1/config",
            "/w/.g\u{200c}it/config",
            "/w/.git. /config",
            "/w/.git::$INDEX_ALLOCATION/config",
            "/w/a\\.git\\config",
            "/w/remote.git/hooks/x",
            "/h/.gitconfig",
            "/h/.config/git/config",
            "/w/.husky/pre-push",
            "/w/.husky",
            "/w/tool",
        ] {
            assert!(asked(place).is_err(), "{place}");
        }
        for place in ["/w/src/git.rs", "/w/.gitignore", "/w/.github/x.yml", "/w/.husky2/x", "/w/t"]
        {
            assert!(asked(place).is_ok(), "{place}");
        }
        let nowhere = Target { said: "x".into(), places: Vec::new(), in_repository: false };
        assert_eq!(may_write(&nowhere, &[]).unwrap_err().rule, "unclear");
    }
}
