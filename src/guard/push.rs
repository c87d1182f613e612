//! Finding out what a push would do, and doing it exactly as it was cleared.

use anyhow::Context as _;

use super::{
    bound::{self, claimed},
    judged::{Cleared, clear_for_agents, motion_between},
    ledger,
};
use crate::{
    domain::{
        event::Delivery,
        ice::{
            denial::Denial,
            judge::{Clearance, During, Rules, Wish, clear},
            ledger::Layer,
            name::Protection,
            push_line::PushLine,
        },
        id::Oid,
        run::Run,
        secret,
    },
    git::Repo,
    process::fault,
    store::{catalog, history, wire::policy},
};

/// Where a run's branch goes, and what the remote says of it.
#[derive(Debug)]
pub struct Remote {
    pub name: String,
    url: String,
    default: Option<String>,
    branch: Option<Oid>,
    /// What the remote's branch is another name of.
    leads_to: Option<String>,
}

impl Remote {
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where the branch stands there.
    #[must_use]
    pub fn branch(&self) -> Option<&Oid> {
        self.branch.as_ref()
    }
}

const POLICY_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The remote that a run pushes to: the configured one, `origin`, or the only one.
pub fn remote_name(repo: &Repo, wanted: Option<&str>) -> anyhow::Result<Option<String>> {
    let out = repo.git().output(&["remote"])?;
    let names: Vec<String> = String::from_utf8_lossy(&out).lines().map(str::to_owned).collect();
    if let Some(wanted) = wanted {
        anyhow::ensure!(
            names.iter().any(|name| name == wanted),
            "`run.remote` is `{wanted}`, and there is no such remote"
        );
        return Ok(Some(wanted.to_owned()));
    }
    let origin = names.iter().find(|name| *name == "origin");
    Ok(origin.or(names.first().filter(|_| names.len() == 1)).cloned())
}

/// The place that a run of now would push to, as it is pinned for all of the run.
pub fn place(repo: &Repo, wanted: Option<&str>) -> anyhow::Result<Option<String>> {
    let Some(name) = remote_name(repo, wanted)? else { return Ok(None) };
    Ok(push_url(repo, &name).ok().map(|url| ledger::place(repo, &url)))
}

fn push_url(repo: &Repo, name: &str) -> anyhow::Result<String> {
    let urls = repo.git().output(&["remote", "get-url", "--push", "--all", name])?;
    let urls = String::from_utf8_lossy(&urls).into_owned();
    let mut urls = urls.lines();
    let url = urls.next().context("the remote has no URL")?.to_owned();
    anyhow::ensure!(
        urls.next().is_none(),
        "the remote `{name}` pushes to several URLs, and a run pushes to one"
    );
    Ok(url)
}

/// Asks the remote where its HEAD and the branch are.
pub fn ask(repo: &Repo, name: &str, branch: &str) -> anyhow::Result<Remote> {
    let url = push_url(repo, name)?;
    let wanted = format!("refs/heads/{branch}");
    bends_no_further(repo, &url)?;
    let listed = repo.list_there(&url, &["HEAD", &wanted]);
    let listed = listed.with_context(|| format!("`{name}`"))?;
    let (mut default, mut found, mut leads_to) = (None, None, None);
    for line in listed.lines() {
        match line.split_once('\t') {
            Some((target, "HEAD")) => {
                let target = target.strip_prefix("ref: refs/heads/");
                default = default.or(target.map(str::to_owned));
            }
            Some((id, name)) if *name == *wanted => match id.strip_prefix("ref: ") {
                Some(target) => leads_to = Some(target.to_owned()),
                None => found = Oid::parse(id).ok(),
            },
            Some(_) | None => {}
        }
    }
    Ok(Remote { name: name.to_owned(), url, default, branch: found, leads_to })
}

/// `git remote get-url` has applied every rule for rewriting URLs once; git would apply them again to
/// what it said, and would take a remote of that very name for it.
pub fn bends_no_further(repo: &Repo, url: &str) -> anyhow::Result<()> {
    let rules =
        repo.git().plumbing(&["config", "--null", "--get-regexp", r"^(url|remote)\..*\."])?;
    for entry in String::from_utf8_lossy(&rules.stdout).split('\0') {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, ""));
        let Some((section, name)) = key.rsplit_once('.') else { continue };
        let bent = match section.split_once('.') {
            Some(("remote", remote)) => remote == url,
            Some(("url", base)) if matches!(name, "insteadof" | "pushinsteadof") => {
                url.strip_prefix(value).is_some_and(|rest| format!("{base}{rest}") != url)
            }
            Some(_) | None => false,
        };
        anyhow::ensure!(
            !bent,
            "git would send what is meant for `{url}` to somewhere else, because of `{key}`"
        );
    }
    Ok(())
}

/// Judges the push and, when it is cleared, does it. A refusal is an outcome and not an error.
pub fn push(
    repo: &Repo,
    remote: &Remote,
    run: &Run,
    protected: &[String],
    commit: &Oid,
) -> Delivery {
    match clear_run(repo, remote, run, protected, commit) {
        Ok(clearance) => send(repo, remote, &clearance),
        Err(denial) => Delivery::Refused { why: denial.to_string() },
    }
}

/// The permission to push a run's branch at this commit, where there is one.
pub fn clear_run(
    repo: &Repo,
    remote: &Remote,
    run: &Run,
    protected: &[String],
    commit: &Oid,
) -> Result<Clearance, Denial> {
    let charter = &run.charter;
    if !run.is_at_home(repo.clone_name().as_deref()) {
        return Err(bound::away(run));
    }
    alone(repo, run)?;
    pinned(repo, remote, run)?;
    let motion = motion_between(repo, remote.branch.as_ref(), Some(commit));
    let protection = Protection {
        configured: protected.to_vec(),
        base: Some(charter.base.clone()),
        remote_defaults: remote.default.iter().cloned().collect(),
    };
    let open: Vec<_> = run.open_gates(Some(commit)).iter().map(ToString::to_string).collect();
    let proven = if run.may_leave(commit) { Some(commit) } else { None };
    let during = During::Run { own_branch: &charter.branch, open_gates: &open, proven };
    let rules = Rules { protection: &protection, new_tags: false };
    let wish =
        Wish { url: remote.url.clone(), branch: charter.branch.clone(), commit: commit.clone() };
    clear(wish, &during, motion, remote.leads_to.as_deref(), &rules)
}

/// An agent can write the repository's configuration, and a run follows it nowhere.
fn pinned(repo: &Repo, remote: &Remote, run: &Run) -> Result<(), Denial> {
    let id = &run.charter.run;
    let read = || -> anyhow::Result<Option<String>> {
        let text = history::read_file(repo, id, "policy.json", POLICY_BYTES_MAX)?;
        Ok(policy::remote(&text.context("the journal has no policy")?)?)
    };
    let then = read().map_err(|error| {
        Denial::new("journal", format!("{error:#}")).next(format!("git run verify {id}"))
    })?;
    let now = ledger::place(repo, &remote.url);
    match then {
        Some(then) if then != now => Err(Denial::new(
            "remote",
            format!(
                "the run pushes to `{then}`, as it was when it began, and `{}` is `{now}` now",
                remote.name
            ),
        )
        .next(format!("set it back, or push it yourself: git push <url> {}", run.charter.branch))),
        Some(_) | None => Ok(()),
    }
}

/// Nobody else's run works on the same branch.
pub fn alone(repo: &Repo, run: &Run) -> Result<(), Denial> {
    let (id, branch) = (&run.charter.run, &run.charter.branch);
    let all = catalog::claiming(repo, &[branch.as_str()].into())
        .map_err(|error| Denial::new("unknown", format!("{error:#}")).next("git run list"))?;
    match all.iter().find(|other| other.charter.run != *id) {
        Some(other) => Err(claimed(branch, id, &other.charter.run)),
        None => Ok(()),
    }
}

/// Nothing that is configured bends it, and nothing but what is named goes along.
const SURE: [&str; 10] = [
    "-c",
    "push.pushOption=",
    "push",
    "--porcelain",
    "--atomic",
    "--no-follow-tags",
    "--no-signed",
    "--recurse-submodules=no",
    "--no-force",
    "--receive-pack=git-receive-pack",
];

/// Sends what an agent's git asked for, as it was cleared: by object id. The hooks have been asked.
pub fn forward(repo: &Repo, cleared: &Cleared) -> anyhow::Result<()> {
    deliver(repo, cleared, &[], &["-c", "core.hooksPath=/dev/null"]).map_err(|error| {
        // The helper answers in one line.
        let said = error.to_string();
        anyhow::anyhow!("{}", said.lines().last().unwrap_or("the push failed"))
    })
}

fn deliver(
    repo: &Repo,
    cleared: &Cleared,
    options: &[&str],
    settings: &[&str],
) -> anyhow::Result<()> {
    let mut refspecs = Vec::new();
    for line in cleared.lines() {
        let new = line.new.as_ref().context("nothing is deleted here")?;
        refspecs.push(format!("{new}:{}", line.remote));
    }
    let mut words = [settings, &SURE, options, &["--end-of-options", cleared.url()]].concat();
    words.extend(refspecs.iter().map(String::as_str));
    let sent = repo.git().network(&words)?;
    if sent.status.success() {
        return Ok(());
    }
    let mut why = String::from_utf8_lossy(&sent.stderr).trim().to_owned();
    if why.is_empty() {
        why = format!("git push ended with {:?}", sent.status);
    }
    crate::domain::finding::cut(&mut why, 2000);
    Err(anyhow::anyhow!(why))
}

/// Pushes a branch to its own name, judged as an agent's push whoever asks. The repository's hooks are
/// asked as well. A refusal is a `Denial` in the error.
pub fn branch(repo: &Repo, remote: &str, branch: &str, commit: &Oid) -> anyhow::Result<()> {
    let there = ask(repo, remote, branch)?;
    let name = format!("refs/heads/{branch}");
    let line = PushLine {
        local: name.clone(),
        new: Some(commit.clone()),
        remote: name,
        old: there.branch,
    };
    let cleared = clear_for_agents(repo, remote, &there.url, vec![line])?;
    deliver(repo, &cleared, &["--verify"], &[])
}

/// Where the remote's branch is now, as git would have noted it: only where it keeps such notes in the
/// usual place. That it is not noted is no failure of the push.
pub fn seen(repo: &Repo, remote: &str, branch: &str, commit: &Oid) {
    let usual = format!("+refs/heads/*:refs/remotes/{remote}/*");
    if repo.setting(&format!("remote.{remote}.fetch")) == Some(usual) {
        let name = format!("refs/remotes/{remote}/{branch}");
        let _ = repo.git().plumbing(&["update-ref", "--no-deref", &name, commit.as_str()]);
    }
}

/// The branch pulls from its own name at the remote, and from no other.
pub fn track(repo: &Repo, remote: &str, branch: &str) -> anyhow::Result<()> {
    let merge = format!("refs/heads/{branch}");
    for (key, value) in [("remote", remote), ("merge", &merge)] {
        let key = format!("branch.{branch}.{key}");
        repo.git().output(&["config", "--local", "--replace-all", &key, value])?;
    }
    Ok(())
}

fn receipt(repo: &Repo, remote: &Remote, clearance: &Clearance) -> Result<(), Denial> {
    let Wish { url, branch, commit } = clearance.wish();
    let line = PushLine {
        local: commit.to_string(),
        new: Some(commit.clone()),
        remote: format!("refs/heads/{branch}"),
        old: remote.branch.clone(),
    };
    ledger::cleared(repo, Layer::Run, url, &[line])
}

/// By URL, by object id, by full name: nothing of what is configured for the remote can bend it.
pub fn send(repo: &Repo, remote: &Remote, clearance: &Clearance) -> Delivery {
    if let Err(denial) = receipt(repo, remote, clearance) {
        return Delivery::Refused { why: denial.to_string() };
    }
    let Wish { url, branch, commit } = clearance.wish();
    fault::point("before-push");
    let refspec = format!("{commit}:refs/heads/{branch}");
    let sent =
        repo.git().network(&[&SURE[..], &["--verify", "--end-of-options", url, &refspec]].concat());
    fault::point("after-push");
    match sent {
        Ok(finished) if finished.status.success() => Delivery::Pushed {
            remote: remote.name.clone(),
            branch: branch.clone(),
            commit: commit.clone(),
        },
        Ok(finished) => {
            let mut why = String::from_utf8_lossy(&finished.stderr).trim().to_owned();
            if why.is_empty() {
                why = format!("git push ended with {:?}", finished.status);
            }
            crate::domain::finding::cut(&mut why, 2000);
            Delivery::Failed { why: secret::redact(&why) }
        }
        Err(error) => Delivery::Failed { why: format!("{error:#}") },
    }
}
