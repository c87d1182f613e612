//! `git-remote-run`: git's own push, to whatever URL, comes through here where an agent works. Each ref
//! is judged, also after `--no-verify`, and is then pushed by object id, by this program.

use std::{
    ffi::OsString,
    io::{self, BufRead as _, Write as _},
};

use super::{exit::Exit, ui::Ui};
use crate::{
    domain::{
        ice::{ledger::Layer, push_line::PushLine},
        id::Oid,
    },
    git::Repo,
    guard::{judged, ledger, push},
};

/// More of git's lines than that are no push.
const LINES_MAX: usize = 100_000;

/// What is known of the remote's refs, by name.
type Refs = Vec<(String, Oid)>;

pub(super) fn main(ui: &mut Ui, repo: &Repo, args: &[OsString]) -> Exit {
    let word = |at: usize| args.get(at).map(|word| word.to_string_lossy().into_owned());
    let remote = word(0).unwrap_or_default();
    let url = word(1).unwrap_or_else(|| remote.clone());
    let url = url.strip_prefix("run::").unwrap_or(&url).to_owned();
    match converse(repo, &remote, &url) {
        Ok(()) => Exit::Done,
        Err(error) => {
            ui.tell(&format!("ICE: {error:#}"));
            Exit::Failed
        }
    }
}

fn converse(repo: &Repo, remote: &str, url: &str) -> anyhow::Result<()> {
    let mut input = io::stdin().lock();
    let mut out = io::stdout().lock();
    let mut wishes: Vec<String> = Vec::new();
    let (mut refs, mut dry_run) = (Refs::new(), false);
    for _ in 0..LINES_MAX {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end_matches('\n');
        match line.split_once(' ') {
            Some(("push", refspec)) => wishes.push(refspec.to_owned()),
            Some(("option", option)) => {
                let known = match option.split_once(' ') {
                    Some(("dry-run", value)) => {
                        dry_run = value == "true";
                        true
                    }
                    Some(("verbosity" | "progress" | "atomic", _)) => true,
                    Some(_) | None => false,
                };
                out.write_all(if known { b"ok\n" } else { b"unsupported\n" })?;
            }
            Some(("list", "for-push")) => {
                refs = list(repo, url)?;
                for (name, id) in &refs {
                    writeln!(out, "{id} {name}")?;
                }
                out.write_all(b"\n")?;
            }
            None if line == "capabilities" => out.write_all(b"push\noption\n\n")?,
            None if line.is_empty() && wishes.is_empty() => return Ok(()),
            None if line.is_empty() => {
                for answer in push(repo, remote, url, &refs, &wishes, dry_run) {
                    out.write_all(answer.as_bytes())?;
                }
                out.write_all(b"\n")?;
                wishes.clear();
            }
            Some(_) | None => {
                anyhow::bail!("git asks for `{}`, which only a push may", line.escape_debug())
            }
        }
        out.flush()?;
    }
    anyhow::bail!("git asks too much")
}

fn list(repo: &Repo, url: &str) -> anyhow::Result<Refs> {
    let answer = repo.git().network(&["ls-remote", "--refs", "--end-of-options", url])?;
    anyhow::ensure!(
        answer.status.success(),
        "the remote cannot be asked: {}",
        String::from_utf8_lossy(&answer.stderr).trim()
    );
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    let lines = text.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.filter_map(|(id, name)| Some((name.to_owned(), Oid::parse(id).ok()?))).collect())
}

/// All of them or none: what one line would do is not known apart from the others.
fn push(
    repo: &Repo,
    remote: &str,
    url: &str,
    refs: &Refs,
    wishes: &[String],
    dry_run: bool,
) -> Vec<String> {
    let lines: Vec<Option<PushLine>> = wishes.iter().map(|wish| line(repo, refs, wish)).collect();
    let to = |wish: &String| wish.rsplit_once(':').map_or(wish.clone(), |(_, to)| to.to_owned());
    let refused = |why: &str| {
        wishes.iter().map(|wish| format!("error {} {why}\n", to(wish))).collect::<Vec<_>>()
    };
    let Some(lines) = lines.into_iter().collect::<Option<Vec<_>>>() else {
        return refused("ICE: it cannot be told what would be pushed");
    };
    let cleared = match judged::clear(repo, remote, url, lines) {
        Ok(cleared) => cleared,
        Err(denial) => {
            ledger::refused(repo, Layer::Helper, &denial, &ledger::asked_of_parent());
            let reason = denial.reason.replace('\n', " ");
            return refused(&format!("ICE: {reason} [{}]", denial.rule));
        }
    };
    let sent = if dry_run { Ok(()) } else { push::forward(repo, &cleared) };
    match sent {
        Ok(()) => cleared.lines().iter().map(|line| format!("ok {}\n", line.remote)).collect(),
        Err(error) => refused(&format!("{error:#}").replace('\n', " ")),
    }
}

/// `+src:dst`, where `src` may be anything that names a commit.
fn line(repo: &Repo, refs: &Refs, wish: &str) -> Option<PushLine> {
    let (from, to) = wish.strip_prefix('+').unwrap_or(wish).rsplit_once(':')?;
    let old = refs.iter().find(|(name, _)| name == to).map(|(_, id)| id.clone());
    let new = match from {
        "" => None,
        from => {
            let asked =
                repo.git().output(&["rev-parse", "--verify", "--end-of-options", from]).ok()?;
            let text = String::from_utf8(asked).ok()?;
            Some(Oid::parse(text.lines().last()?.trim()).ok()?)
        }
    };
    let local = if from.is_empty() { "(delete)".to_owned() } else { from.to_owned() };
    Some(PushLine { local, new, remote: to.to_owned(), old })
}
