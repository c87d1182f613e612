//! One call of an agent: brief in, process, output, report out. It never says what the end means.

mod lanes;

use std::{cell::RefCell, collections::BTreeMap, ffi::OsString, path::Path, time::Duration};

use anyhow::Context as _;

use super::report_file::{self, Handed, Report};
use crate::{
    domain::{
        event::{Event, StageStart},
        id::{ItemId, StageId},
        outcome::{Ending, Paper},
        run::Run,
        time::{Span, Timestamp},
        workflow::Paper as Made,
    },
    process::{
        agent::{self, How, Launch, STAGE_TOKEN, Stream},
        private,
        runtime::Runtime,
        stop::StopSignal,
        sweep,
    },
};

/// Of both streams, as it is kept in the transcript.
const TRANSCRIPT_BYTES_MAX: usize = 2 * 1024 * 1024;
const OUTPUT_BYTES_TOTAL_MAX: u64 = 256 * 1024 * 1024;

/// Variables that would make an agent's git work on something else than it sees.
const DROPPED: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_NAMESPACE",
    "GIT_CRASH",
];

/// Who does it.
pub enum Doer<'a> {
    /// A program of the user's, as a template.
    Command(&'a [String]),
    /// This program itself: the hidden subcommand, and its script, made for where the report goes.
    Own { verb: &'static str, script: &'a dyn Fn(&Path) -> String },
}

impl std::fmt::Debug for Doer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Command(words) => f.debug_tuple("Command").field(words).finish(),
            Self::Own { verb, .. } => f.debug_tuple("Own").field(verb).finish(),
        }
    }
}

/// Where papers lie that a stage needs, and where those go that it makes.
const INPUT: &str = "input";
const OUTPUT: &str = "output";
/// What gates say beside their report, by the name of its file.
pub const BESIDE: &str = "gates.json";

#[derive(Debug)]
pub struct Call<'a> {
    pub worktree: &'a Path,
    pub run: &'a Run,
    pub start: &'a StageStart,
    pub doer: Doer<'a>,
    pub brief: String,
    /// What the stage needs: papers by their names.
    pub input: Vec<(String, Vec<u8>)>,
    /// What is to be handed in, each with what is there at first.
    pub makes: &'a [Made],
    pub deadline: Span,
    /// The environment that agents get, before what this call adds to it.
    pub environment: Vec<(OsString, OsString)>,
    /// Where it is built ahead, beside others.
    pub lane: Option<LaneCall<'a>>,
}

/// What is different in a lane.
#[derive(Debug)]
pub struct LaneCall<'a> {
    /// A name that no other lane has.
    pub name: &'a str,
    /// What is done before the agent, as part of it.
    pub setup: &'a [String],
}

#[derive(Debug)]
pub struct Called {
    pub ending: Ending,
    pub took: Span,
    pub transcript: String,
    pub report: Option<Report>,
    /// What was handed in, by its name.
    pub papers: BTreeMap<String, String>,
    unreadable: Option<String>,
}

impl Called {
    /// What somebody did who was called by nobody.
    #[must_use]
    pub fn by_hand(report: Report, took: Span) -> Self {
        let (ending, transcript) = (Ending::Exited(0), String::new());
        let papers = report.papers.clone();
        Self { ending, took, transcript, report: Some(report), papers, unreadable: None }
    }

    #[must_use]
    pub fn paper(&self) -> Paper<'_> {
        match (&self.report, &self.unreadable) {
            (Some(report), _) => Paper::Read {
                verdict: report.verdict,
                findings: &report.findings,
                retry_at: report.retry_at,
                blocked: report.blocked.as_deref(),
            },
            (None, Some(why)) => Paper::Unreadable(why),
            (None, None) => Paper::Missing,
        }
    }
}

/// What an agent says while it works, for whoever looks on.
pub type Tail = Box<dyn FnMut(&[u8])>;

pub use lanes::{Pool, sweep as sweep_lane};

/// Calls agents, one at a time or side by side, and hears when somebody wants to stop.
pub struct Caller {
    runtime: Runtime,
    stop: StopSignal,
    tail: RefCell<Tail>,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").finish_non_exhaustive()
    }
}

impl Caller {
    pub fn new(stop: StopSignal, tail: Tail) -> anyhow::Result<Self> {
        let runtime = Runtime::new().context("cannot start the runtime for agents")?;
        Ok(Self { runtime, stop, tail: RefCell::new(tail) })
    }

    /// Whether a signal asked to stop. What the journal asks for is seen in the journal.
    pub fn interrupted(&mut self) -> bool {
        self.stop.beside(Box::new(|| None)).pending().is_some()
    }

    /// Runs the agent to its end. `started` writes the process down before the agent may do anything.
    pub fn call(
        &mut self,
        call: &Call<'_>,
        started: &mut dyn FnMut(Event) -> anyhow::Result<()>,
    ) -> anyhow::Result<Called> {
        let (dir, launch) = laid_out(call)?;
        let tail = &self.tail;
        let ended = self.runtime.wait_for(agent::run(
            launch,
            |mark| started(Event::ProcessStarted { mark }),
            &mut |_: Stream, bytes: &[u8]| (tail.borrow_mut())(bytes),
            &mut self.stop,
        ))?;
        called(&HandsIn::of(call), dir.path(), &ended)
    }

    /// Sleeps until then, or until somebody wants to stop.
    pub fn wait(&mut self, until: Timestamp) {
        self.runtime.wait_for(self.stop.sleep_until(until));
    }
}

/// A directory with all that the agent is given, and how it is started.
fn laid_out(call: &Call<'_>) -> anyhow::Result<(tempfile::TempDir, Launch)> {
    let dir = private::directory("stage").context("cannot make a directory for the brief")?;
    let brief = dir.path().join("brief.md");
    let report = dir.path().join("report.json");
    std::fs::write(&brief, &call.brief).context("cannot write the brief")?;
    lay_out(call, dir.path()).context("cannot lay out the papers")?;
    let launch = Launch {
        supervisor_exe: std::env::current_exe().context("cannot find this program itself")?,
        argv: argv(call, dir.path(), &brief, &report)?,
        env: environment(call, dir.path(), &brief, &report),
        cwd: call.worktree.to_owned(),
        stdin_file: brief,
        deadline: Some(Duration::from_millis(call.deadline.millis())),
        idle: duration(call.run.charter.limits.silence_max),
        grace: agent::GRACE,
        output_bytes_kept_max: TRANSCRIPT_BYTES_MAX / 2,
        output_bytes_total_max: OUTPUT_BYTES_TOTAL_MAX,
    };
    Ok((dir, launch))
}

/// What is looked for where an agent has ended.
struct HandsIn {
    /// What our own subcommands say beyond a report stands beside it.
    beside: bool,
    papers: Vec<String>,
}

impl HandsIn {
    fn of(call: &Call<'_>) -> Self {
        let papers = call.makes.iter().map(|paper| paper.name.clone()).collect();
        Self { beside: matches!(call.doer, Doer::Own { .. }), papers }
    }
}

/// What an agent that has ended said and left.
fn called(of: &HandsIn, dir: &Path, ended: &agent::Ended) -> anyhow::Result<Called> {
    let mut transcript = String::from_utf8_lossy(&ended.stdout.joined()).into_owned();
    let errors = ended.stderr.joined();
    if !errors.is_empty() {
        transcript.push_str("\n--- standard error ---\n");
        transcript.push_str(&String::from_utf8_lossy(&errors));
    }
    let (report, unreadable) = match report_file::read(&dir.join("report.json")) {
        Handed::Nothing => (None, None),
        Handed::Unreadable(why) => (None, Some(why)),
        Handed::Report(report) => (Some(*report), None),
    };
    let mut papers = report.as_ref().map(|report| report.papers.clone()).unwrap_or_default();
    if let (true, Some(text)) = (of.beside, report_file::paper(&dir.join(BESIDE))) {
        papers.insert(BESIDE.to_owned(), text);
    }
    for name in &of.papers {
        let path = dir.join(OUTPUT).join(name);
        if let (false, Some(text)) = (papers.contains_key(name), report_file::paper(&path)) {
            papers.insert(name.clone(), text);
        }
    }
    let took = Span::from_millis(u64::try_from(ended.took.as_millis()).unwrap_or(u64::MAX));
    if 0 < ended.survivors {
        anyhow::bail!("{} processes of the agent could not be ended", ended.survivors);
    }
    Ok(Called { ending: ending(&ended.how), took, transcript, report, papers, unreadable })
}

/// What the stage needs, and a place with the templates of what it makes.
fn lay_out(call: &Call<'_>, dir: &Path) -> std::io::Result<()> {
    for name in [INPUT, OUTPUT] {
        std::fs::create_dir(dir.join(name))?;
    }
    for (name, content) in &call.input {
        std::fs::write(dir.join(INPUT).join(name), content)?;
    }
    for paper in call.makes {
        if let Some(template) = &paper.template {
            std::fs::write(dir.join(OUTPUT).join(&paper.name), template)?;
        }
    }
    Ok(())
}

fn ending(how: &How) -> Ending {
    match how {
        How::Exited(code) => Ending::Exited(*code),
        How::Signaled(_) | How::Lost => Ending::Killed,
        How::TimedOut => Ending::TimedOut,
        How::Idle => Ending::Silent,
        How::OutputFlood => Ending::Flooded,
        How::Stopped => Ending::Stopped,
        How::CouldNotStart { .. } => Ending::CouldNotStart,
    }
}

fn duration(span: Span) -> Option<Duration> {
    (span != Span::ZERO).then(|| Duration::from_millis(span.millis()))
}

fn argv(call: &Call<'_>, dir: &Path, brief: &Path, report: &Path) -> anyhow::Result<Vec<OsString>> {
    let words = words(call, dir, brief, report)?;
    Ok(call.lane.as_ref().map_or(words.clone(), |lane| lanes::after_setup(lane.setup, words)))
}

fn words(
    call: &Call<'_>,
    dir: &Path,
    brief: &Path,
    report: &Path,
) -> anyhow::Result<Vec<OsString>> {
    match &call.doer {
        Doer::Own { verb, script } => {
            let file = dir.join("script.json");
            std::fs::write(&file, script(report)).context("cannot write the script")?;
            let own = std::env::current_exe().context("cannot find this program itself")?;
            Ok(vec![own.into(), verb.into(), file.into()])
        }
        Doer::Command(words) => {
            Ok(words.iter().map(|word| filled(word, call, brief, report)).collect())
        }
    }
}

/// A word of the user's template with its places filled in.
fn filled(word: &str, call: &Call<'_>, brief: &Path, report: &Path) -> OsString {
    let mut word = word.to_owned();
    for (place, value) in [
        ("{brief}", brief.to_string_lossy().into_owned()),
        ("{report}", report.to_string_lossy().into_owned()),
        ("{run}", call.run.charter.run.to_string()),
        ("{item}", call.start.item.to_string()),
        ("{stage}", call.start.stage.to_string()),
        ("{cycle}", call.start.cycle.to_string()),
    ] {
        word = word.replace(place, &value);
    }
    word.into()
}

/// The value of `GIT_RUN_STAGE_TOKEN`: derived, so that it is known after any crash what to look for.
/// A stage that is done again begins anew with attempt 1, so the number of the call is what is unique.
fn token(run: &Run, item: &ItemId, stage: &StageId) -> String {
    format!("{}.{item}.{stage}.{}", run.charter.run, run.calls_total)
}

/// Ends what a lost call left behind, known by its token; how many could not be ended.
#[must_use]
pub fn sweep_lost(run: &Run) -> usize {
    let Some((item, active)) = run.active_item().zip(run.active()) else { return 0 };
    let token = token(run, &item.id, &active.stage);
    sweep::abandoned(None, Some(format!("{STAGE_TOKEN}={token}").as_ref()))
}

fn environment(
    call: &Call<'_>,
    dir: &Path,
    brief: &Path,
    report: &Path,
) -> Vec<(OsString, OsString)> {
    let mut env: Vec<_> = call
        .environment
        .iter()
        .filter(|(name, _)| !DROPPED.iter().any(|dropped| name == dropped))
        .cloned()
        .collect();
    let start = call.start;
    let token = match &call.lane {
        Some(lane) => lanes::token(call.run, lane.name),
        None => token(call.run, &start.item, &start.stage),
    };
    let own: [(&str, OsString); 13] = [
        ("GIT_RUN_INPUT", dir.join(INPUT).into()),
        ("GIT_RUN_OUTPUT", dir.join(OUTPUT).into()),
        ("GIT_RUN_ID", call.run.charter.run.as_str().into()),
        ("GIT_RUN_ITEM", start.item.as_str().into()),
        ("GIT_RUN_STAGE", start.stage.as_str().into()),
        ("GIT_RUN_CYCLE", start.cycle.to_string().into()),
        ("GIT_RUN_ATTEMPT", start.attempt.to_string().into()),
        ("GIT_RUN_BRIEF", brief.into()),
        ("GIT_RUN_REPORT", report.into()),
        ("GIT_RUN_AGENT", "1".into()),
        (STAGE_TOKEN, token.into()),
        ("GIT_TERMINAL_PROMPT", "0".into()),
        ("GIT_EDITOR", ":".into()),
    ];
    env.extend(own.map(|(name, value)| (name.into(), value)));
    if let Some(lane) = &call.lane {
        env.push(("GIT_RUN_LANE".into(), lane.name.into()));
    }
    env
}
