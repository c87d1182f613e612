//! One bug as a plan of its own: its number, its words, and what it may not tell.

use anyhow::Context as _;

use super::start::NotStarted;
use crate::{
    config::plan_file,
    domain::{plan::Plan, secret},
    git::{Repo, refs::RefError},
};

/// Where the last number is kept. It is given out by compare-and-swap.
const COUNTER: &str = "refs/run/ids/bug";
const COUNTER_BYTES_MAX: u64 = 100;
/// What a description may hold.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
const TITLE_CHARS_MAX: usize = 72;
/// How often a number is asked for that somebody else took meanwhile.
const TRIES_MAX: u32 = 200;

/// What is to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bug {
    /// `bug-7`.
    pub id: String,
    pub text: String,
    pub issue: Option<u64>,
}

/// The next number: behind the counter and behind every number that a branch has, here or on a remote.
/// What is only mentioned somewhere counts for nothing.
pub fn peek(repo: &Repo) -> anyhow::Result<u64> {
    Ok(last(repo)?.0 + 1)
}

fn last(repo: &Repo) -> anyhow::Result<(u64, Option<crate::domain::id::Oid>)> {
    let kept = repo.refs().read(COUNTER)?;
    let mut highest = match &kept {
        None => 0,
        Some(id) => {
            let text = repo.read_blob(id, COUNTER_BYTES_MAX)?;
            let text = String::from_utf8_lossy(&text);
            text.trim().parse().with_context(|| format!("`{COUNTER}` holds no number"))?
        }
    };
    for prefix in ["refs/heads/", "refs/remotes/"] {
        for (name, _) in repo.refs().list(prefix)? {
            let number = name.rsplit_once("bugfix/bug-").and_then(|(_, n)| n.parse().ok());
            highest = highest.max(number.unwrap_or(0));
        }
    }
    Ok((highest, kept))
}

/// Takes the next number. Nobody else gets it in this repository.
pub fn take(repo: &Repo) -> anyhow::Result<u64> {
    for _ in 0..TRIES_MAX {
        let (highest, kept) = last(repo)?;
        let number = highest.checked_add(1).context("there are no more numbers for bugs")?;
        let new = repo.write_blob(format!("{number}\n").as_bytes())?;
        match repo.refs().compare_and_swap(COUNTER, kept.as_ref(), Some(&new)) {
            Ok(()) => return Ok(number),
            Err(RefError::Stale { .. } | RefError::Locked { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    anyhow::bail!("no number for the bug could be had: `{COUNTER}` is moved all the time")
}

/// Its plan: one item with one task. What could tell who somebody is stays out of it.
pub fn plan(bug: &Bug) -> Result<Plan, NotStarted> {
    let text = without_persons(&secret::redact(bug.text.trim()));
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let Some(first) = lines.next() else {
        return Err(NotStarted::Usage("the bug says nothing; describe what goes wrong".into()));
    };
    let mut title: String = first.chars().take(TITLE_CHARS_MAX).collect();
    if title.len() < first.len() {
        title.push('…');
    }
    let from = bug.issue.map_or(String::new(), |number| format!(" (issue {number})"));
    let json = serde_json::json!({
        "format": 1,
        "id": bug.id,
        "title": format!("{title}{from}"),
        "sprint": [{
            "id": bug.id,
            "title": title,
            "goal": text,
            "task": [{
                "id": format!("{}-fix", bug.id),
                "title": format!("Mend: {title}"),
                "acceptance": ["a test that failed because of it passes", "nothing else changes"],
            }],
        }],
    });
    plan_file::read("bug.json", &json.to_string())
        .map_err(|faults| NotStarted::BadPlan { name: bug.id.clone(), faults })
}

/// Addresses of people and machines.
fn without_persons(text: &str) -> String {
    let mail = |word: &str| {
        word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
    };
    let address = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_digit());
        word.split('.').count() == 4 && word.split('.').all(|part| part.parse::<u8>().is_ok())
    };
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if 0 < at {
            out.push('\n');
        }
        for (at, word) in line.split(' ').enumerate() {
            if 0 < at {
                out.push(' ');
            }
            match (mail(word), address(word)) {
                (true, _) => out.push_str("[address]"),
                (_, true) => out.push_str("[machine]"),
                (false, false) => out.push_str(word),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_somebody_is_stays_out_of_a_plan() {
        let text = "ada@example.com sees 500 from 10.0.0.7, version 1.2.3 @home";
        assert_eq!(without_persons(text), "[address] sees 500 from [machine] version 1.2.3 @home");
    }

    #[test]
    fn a_bug_is_a_plan_of_one_task() {
        let bug = |text: &str| Bug { id: "bug-7".into(), text: text.into(), issue: Some(3) };
        let plan = plan(&bug("It crashes\n\nwhen the list is empty")).unwrap();
        assert_eq!(plan.sprints[0].id.as_str(), "bug-7");
        assert_eq!(plan.title, "It crashes (issue 3)");
        assert!(plan.sprints[0].goal.as_deref().unwrap().contains("when the list is empty"));
        assert!(super::plan(&bug(" \n ")).is_err());
    }
}
