//! `git run demo`: a scratch repository with a bare remote, and a three-sprint plan run in it for
//! real: findings, second cycles, a halt, a resume, a push. No step of it is faked.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use super::{
    args::DemoArgs,
    exit::{Exit, Fail},
    ui::Ui,
};
use crate::process::command::{ExitStatus, Finished, Group, Invocation, run as run_program};

const PLAN: &str = include_str!("../../assets/demo-plan.toml");
const DEADLINE: Duration = Duration::from_secs(300);
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn run(ui: &mut Ui, args: &DemoArgs) -> Result<Exit, Fail> {
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new()
            .prefix("git-run-demo-")
            .tempdir()
            .context("no scratch directory")?
            .keep(),
    };
    if dir.join("work").exists() {
        return Err(Fail::new(
            Exit::Failed,
            format!("`{}` is there already", dir.join("work").display()),
        )
        .hint("name a directory that does not exist"));
    }
    let stage =
        Stage { own: std::env::current_exe().context("cannot find this program itself")?, dir };
    stage.set_up(ui)?;
    stage.play(ui)?;
    Ok(Exit::Done)
}

/// Where the demo is played.
struct Stage {
    own: PathBuf,
    dir: PathBuf,
}

impl Stage {
    fn work(&self) -> PathBuf {
        self.dir.join("work")
    }

    fn set_up(&self, ui: &mut Ui) -> Result<(), Fail> {
        std::fs::create_dir_all(self.work()).context("cannot make the scratch repository")?;
        ui.say(&format!(
            "1. a scratch repository with a bare remote, in {}\n\n",
            self.dir.display()
        ))?;
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", "../remote.git"])?;
        self.git(&["init", "--quiet", "--initial-branch=main"])?;
        for (key, value) in [
            ("user.name", "Demo"),
            ("user.email", "demo@example.com"),
            ("commit.gpgSign", "false"),
            ("run.enabled", "true"),
            ("run.agent", "steps"),
        ] {
            self.git(&["config", key, value])?;
        }
        std::fs::write(self.work().join("plan.toml"), PLAN).context("cannot write the plan")?;
        self.git(&["add", "plan.toml"])?;
        self.git(&["commit", "--quiet", "-m", "docs: the plan"])?;
        self.git(&["remote", "add", "origin", "../remote.git"])?;
        self.git(&["push", "--quiet", "origin", "main"])?;
        Ok(())
    }

    fn play(&self, ui: &mut Ui) -> Result<(), Fail> {
        self.show(ui, "2. the plan is checked", &["plan", "check"], Exit::Done)?;
        self.show(
            ui,
            "3. it is run, with two cycles for an item at most: sprint-1 needs both, and sprint-2 trips the breaker",
            &["sprint-plan", "--max-cycles", "2"],
            Exit::Stopped,
        )?;
        self.show(
            ui,
            "4. what an agent would see that lost its context",
            &["status", "--for-agent"],
            Exit::Done,
        )?;
        self.show(ui, "5. without a person it does not go on", &["resume"], Exit::Stopped)?;
        self.show(
            ui,
            "6. a person resets the breaker: one more cycle is tried, it goes through, and the branch is pushed",
            &["resume", "--reset-ice"],
            Exit::Done,
        )?;
        self.show(ui, "7. where it stands", &["status", "--verbose"], Exit::Done)?;
        self.show(
            ui,
            "8. the journal is replayed against every state that it recorded",
            &["verify"],
            Exit::Done,
        )?;
        // A push by URL leaves the tracking branch alone, so the remote itself is asked.
        let log = self.git(&[
            "--git-dir=../remote.git",
            "log",
            "--oneline",
            "--graph",
            "feature/sprint-plan",
        ])?;
        ui.say(&format!("9. the work, as it was pushed\n\n{}\n", indented(&log)))?;
        let work = self.work();
        ui.say(&format!(
            "look around:  cd {}\n              git run log\n              git log refs/run/*/journal\n              git notes --ref=run show feature/sprint-plan\n",
            work.display()
        ))
    }

    /// Runs this program itself, shows what it said, and insists on how it ended.
    fn show(&self, ui: &mut Ui, title: &str, words: &[&str], expected: Exit) -> Result<(), Fail> {
        ui.say(&format!("{title}\n\n    $ git run {}\n", words.join(" ")))?;
        let finished = self.execute(self.own.as_os_str(), words)?;
        ui.say(&format!("{}{}\n", indented(&finished.stderr), indented(&finished.stdout)))?;
        let expected = expected.code();
        if finished.status == ExitStatus::Code(i32::from(expected)) {
            return Ok(());
        }
        let (words, dir) = (words.join(" "), self.dir.display());
        Err(Fail::new(
            Exit::Fault,
            format!(
                "`git run {words}` ended with {:?}, not {expected}; see {dir}",
                finished.status
            ),
        ))
    }

    fn git(&self, words: &[&str]) -> Result<Vec<u8>, Fail> {
        let finished = self.execute(OsStr::new("git"), words)?;
        if finished.status.success() {
            return Ok(finished.stdout);
        }
        let said = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
        Err(Fail::new(Exit::Failed, format!("git {}: {said}", words.join(" "))))
    }

    fn execute(&self, program: &OsStr, words: &[&str]) -> Result<Finished, Fail> {
        let own = [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_PREFIX",
            "GIT_CONFIG_PARAMETERS",
            "GIT_CONFIG_COUNT",
        ];
        let finished = run_program(&Invocation {
            program: program.to_owned(),
            args: words.iter().map(Into::into).collect(),
            env_set: Vec::new(),
            env_remove: own.iter().map(Into::into).collect(),
            env_clear: false,
            cwd: Some(work_dir(&self.work())),
            stdin: Vec::new(),
            deadline: DEADLINE,
            stdout_bytes_max: OUTPUT_BYTES_MAX,
            group: Group::Ours,
        });
        finished.map_err(|error| Fail::new(Exit::Failed, error.to_string()))
    }
}

fn work_dir(dir: &Path) -> PathBuf {
    dir.canonicalize().unwrap_or_else(|_| dir.to_owned())
}

fn indented(bytes: &[u8]) -> String {
    let text = crate::report::sanitise::sanitise(&String::from_utf8_lossy(bytes));
    text.lines().map(|line| format!("    {line}\n")).collect()
}
