//! What stands between a runner and one agent, in a process of its own, so that no orphan survives either.
//!
//! It starts nothing before the runner said so, and it never ends before the agent's whole tree did
//! (or the bound for that passed). Everything that the agent leaves behind becomes the supervisor's child,
//! so "no children" means that nothing is left. Only Linux has that; elsewhere it is the process group.
//!
//! Its exit code is the agent's, or 128 + signal; 127: no such program; 126: it may not be executed;
//! 125: it could not be started for another reason, or was not released.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{
        Pid, Resource, Rlimit, Signal, WaitOptions, getrlimit, kill_process_group, setrlimit,
        setsid, test_kill_process_group, wait,
    },
};
use tokio::{
    signal::unix::{Signal as Signals, SignalKind, signal},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::{
    clock,
    command::ExitStatus,
    control::{GO, KILL, NOT_EXECUTABLE, NOT_FOUND, NOT_STARTED, Report},
    sweep,
    table::{self, Entry},
};

/// Between TERM and KILL when the flag says nothing.
const GRACE: Duration = Duration::from_secs(5);
/// Patience beyond this is no longer an order to stop.
pub const GRACE_MAX: Duration = Duration::from_secs(600);
/// Between TERM and KILL for what an agent left behind after it ended.
pub(super) const LEFTOVERS_GRACE: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// `--stdin FILE [--grace-ms N] -- PROGRAM [ARG...]`
struct Args {
    stdin: PathBuf,
    grace: Duration,
    program: OsString,
    args: Vec<OsString>,
}

/// The hidden subcommand, with the arguments after its name.
#[must_use]
pub fn main(args: Vec<OsString>) -> u8 {
    let report = |report: Report, control: Option<File>| {
        // Without a listener the exit code has to do.
        let _ = control.map(|mut control| control.write_all(report.line().as_bytes()));
        report.code()
    };
    let mut control = match control() {
        Ok(control) => control,
        Err(why) => return report(not_started(format!("no control socket: {why}")), None),
    };
    let outcome = (|| {
        let args = Args::parse(args)?;
        detach()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|why| not_started(format!("no runtime: {why}")))?;
        if !released(&mut control) {
            return Err(not_started("it was not released".to_owned()));
        }
        runtime.block_on(supervise(&args, &control))
    })();
    report(outcome.unwrap_or_else(|report| report), Some(control))
}

fn not_started(why: String) -> Report {
    Report::NotStarted { code: NOT_STARTED, why }
}

impl Args {
    fn parse(args: Vec<OsString>) -> Result<Self, Report> {
        let mut args = args.into_iter();
        let (mut stdin, mut grace) = (None, GRACE);
        while let Some(flag) = args.next() {
            match flag.to_str() {
                Some("--stdin") => stdin = args.next().map(PathBuf::from),
                Some("--grace-ms") => {
                    let millis = args.next().and_then(|n| n.to_str()?.parse().ok());
                    let millis = millis.ok_or_else(|| not_started("a bad grace".to_owned()))?;
                    grace = Duration::from_millis(millis).min(GRACE_MAX);
                }
                Some("--") => break,
                _ => return Err(not_started(format!("unknown argument {flag:?}"))),
            }
        }
        let stdin = stdin.ok_or_else(|| not_started("`--stdin` is missing".to_owned()))?;
        let program =
            args.next().ok_or_else(|| not_started("the program is missing".to_owned()))?;
        Ok(Self { stdin, grace, program, args: args.collect() })
    }
}

/// Our input, without the buffer that the standard library puts around it.
fn control() -> io::Result<File> {
    Ok(File::from(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?))
}

/// Out of the terminal's reach, parent of all orphans below, and without core dumps.
fn detach() -> Result<(), Report> {
    // Fails for the leader of a group, which is out of the terminal's reach already.
    let _ = setsid();
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|why| not_started(format!("orphans could not be kept: {why}")))?;
    let core = getrlimit(Resource::Core);
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: core.maximum });
    Ok(())
}

/// Waits for the first word. Anything but "go" means that nothing may start.
fn released(control: &mut File) -> bool {
    let mut word = [0];
    loop {
        match control.read(&mut word) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Ok(1) => return word == [GO],
            Ok(_) | Err(_) => return false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Stop,
    Kill,
}

/// Passes on what the runner says. Its death, and what is not understood, mean stop.
fn listen(mut control: File, orders: &UnboundedSender<Order>) {
    let mut word = [0];
    loop {
        let order = match control.read(&mut word) {
            Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
            Ok(1) if word == [GO] => continue,
            Ok(1) if word == [KILL] => Order::Kill,
            Ok(1) => Order::Stop,
            Ok(_) | Err(_) => {
                let _ = orders.send(Order::Stop);
                return;
            }
        };
        if orders.send(order).is_err() {
            return;
        }
    }
}

async fn supervise(args: &Args, control: &File) -> Result<Report, Report> {
    let signals = |kind| signal(kind).map_err(|why| not_started(format!("no signals: {why}")));
    let mut world = World {
        child_changed: signals(SignalKind::child())?,
        asked_to_end: [
            signals(SignalKind::terminate())?,
            signals(SignalKind::interrupt())?,
            signals(SignalKind::hangup())?,
        ],
        orders: hear(control)?,
    };
    let mut tree = Tree { agent: start(args)?, ended: None, childless: false };
    let mut asked = false;
    let mut kill_at: Option<Instant> = None;
    tree.reap();
    while tree.ended.is_none() && kill_at.is_none_or(|at| clock::monotonic() < at) {
        let now = clock::monotonic();
        match world.next(kill_at.map_or(Duration::MAX, |at| at - now)).await {
            None => {}
            Some(Order::Stop) if kill_at.is_none() => {
                asked = true;
                kill_at = Some(now + args.grace);
                tree.ask_group();
            }
            Some(Order::Stop) => {}
            Some(Order::Kill) => {
                asked = true;
                kill_at = Some(now);
            }
        }
        tree.reap();
    }
    let killed_at_once = tree.ended.is_none();
    let survivors = tree.clear(&mut world, killed_at_once).await;
    let status = tree.ended.unwrap_or(ExitStatus::Signal(Signal::KILL.as_raw()));
    Ok(Report::Ended { status, asked, survivors })
}

fn hear(control: &File) -> Result<UnboundedReceiver<Order>, Report> {
    let control = control.try_clone().map_err(|why| not_started(why.to_string()))?;
    let (sender, orders) = unbounded_channel();
    thread::Builder::new()
        .spawn(move || listen(control, &sender))
        .map_err(|why| not_started(format!("no thread: {why}")))?;
    Ok(orders)
}

fn start(args: &Args) -> Result<Pid, Report> {
    let stdin = File::open(&args.stdin)
        .map_err(|why| not_started(format!("its input `{}`: {why}", args.stdin.display())))?;
    #[expect(clippy::disallowed_methods, reason = "the one place that starts agents")]
    let mut command = Command::new(&args.program);
    command.args(&args.args).stdin(Stdio::from(stdin)).process_group(0);
    let child = command.spawn().map_err(|why| {
        let code = match why.kind() {
            io::ErrorKind::NotFound => NOT_FOUND,
            io::ErrorKind::PermissionDenied => NOT_EXECUTABLE,
            _ if why.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => NOT_EXECUTABLE,
            _ => NOT_STARTED,
        };
        Report::NotStarted { code, why: format!("`{}`: {why}", args.program.to_string_lossy()) }
    })?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| not_started("its process id is out of range".to_owned()))
}

/// What can happen to a supervisor.
struct World {
    child_changed: Signals,
    asked_to_end: [Signals; 3],
    orders: UnboundedReceiver<Order>,
}

impl World {
    /// Waits until a child may have ended, an order came or the time is over.
    async fn next(&mut self, patience: Duration) -> Option<Order> {
        let [term, int, hup] = &mut self.asked_to_end;
        tokio::select! {
            _ = self.child_changed.recv() => None,
            Some(order) = self.orders.recv() => Some(order),
            _ = term.recv() => Some(Order::Stop),
            _ = int.recv() => Some(Order::Stop),
            _ = hup.recv() => Some(Order::Stop),
            () = tokio::time::sleep(patience) => None,
        }
    }
}

/// The agent and everything below it.
struct Tree {
    agent: Pid,
    ended: Option<ExitStatus>,
    childless: bool,
}

impl Tree {
    /// Collects whoever died.
    fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.agent => {
                    self.ended = Some(match status.exit_status() {
                        Some(code) => ExitStatus::Code(code),
                        None => ExitStatus::Signal(status.terminating_signal().unwrap_or(0)),
                    });
                }
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    self.childless = true;
                    return;
                }
            }
        }
    }

    /// Asks the agent's group. Only while the agent is not collected: its number is then still its own.
    fn ask_group(&self) {
        if self.ended.is_none() {
            let _ = kill_process_group(self.agent, Signal::TERM);
            // A stopped process hears nothing else.
            let _ = kill_process_group(self.agent, Signal::CONT);
        }
    }

    fn gone(&self) -> bool {
        self.childless
            && (cfg!(target_os = "linux") || test_kill_process_group(self.agent).is_err())
    }

    /// Ends what is left. Returns how many could not be ended.
    async fn clear(&mut self, world: &mut World, at_once: bool) -> usize {
        if !at_once && !self.gone() {
            self.tell(Signal::TERM);
            self.tell(Signal::CONT);
            let kill_at = clock::monotonic() + LEFTOVERS_GRACE;
            while !self.gone() && clock::monotonic() < kill_at {
                let patience = kill_at - clock::monotonic();
                if world.next(patience).await == Some(Order::Kill) {
                    break;
                }
                self.reap();
            }
        }
        let give_up = clock::monotonic() + sweep::SWEEP_MAX;
        while !self.gone() && clock::monotonic() < give_up {
            if cfg!(target_os = "linux") {
                sweep::freeze_and_kill(below_us);
            } else {
                self.tell(Signal::KILL);
            }
            world.next(LOOK_EVERY).await;
            self.reap();
        }
        if self.gone() { 0 } else { below_us().len().max(1) }
    }

    fn tell(&self, signal: Signal) {
        if cfg!(target_os = "linux") {
            sweep::signal_all(&below_us(), signal);
        } else {
            let _ = kill_process_group(self.agent, signal);
        }
    }
}

fn below_us() -> Vec<Entry> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    table::descendants(own, &table::all())
}
