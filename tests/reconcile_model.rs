//! The property: whatever is done to the branch of a finished plan, reconcile reports exactly the sprints
//! whose content is in it. Each sprint writes lines that nobody else writes, and the oracle looks for those.
//!
//! `GIT_RUN_TESTS=long` tries more histories; the seed of a history that fails is in the message.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests start processes, and may panic"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use support::{TestRepo, copy, long, text};

const SPRINTS: usize = 4;
const BRANCH: &str = "feature/sprint-plan";
/// Lines of its own file, of `shared.txt`, and those of the first sprint that the last one takes away.
const LINES: usize = 12;
const SHARED: usize = 3;
const SUPERSEDED: usize = 4;

fn plan() -> String {
    let mut text = "format = 1\nid = \"p\"\ntitle = \"P\"\n".to_owned();
    for n in 1..=SPRINTS {
        let own: String = (0..LINES).map(|line| format!("own{n}x{line}\\\\n")).collect();
        let shared: String = (0..SHARED).map(|line| format!("shared{n}x{line}\\\\n")).collect();
        // Apart from each other, so that git can take one back without the rest.
        let insert =
            format!("printf '{shared}' > part; sed -i '/^anchor{n}$/r part' shared.txt; rm part");
        let mut steps = format!("printf '{own}' > f{n}.txt; {insert}");
        if n == SPRINTS {
            steps.push_str(&format!("; sed -i '1,{SUPERSEDED}d' f1.txt"));
        }
        text.push_str(&format!(
            "[[sprint]]\nid = \"sprint-{n}\"\ntitle = \"S\"\n[[sprint.task]]\nid = \"T-{n}\"\ntitle = \"t\"\n\
             [sprint.task.steps]\nimplement = [\"{steps}\"]\nreview = [\"true\"]\naudit = [\"true\"]\n"
        ));
    }
    text
}

/// Numbers that are the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

const OPERATIONS: [&str; 20] = [
    "amend-message",
    "amend-date",
    "rebase",
    "drop",
    "merge-main-in",
    "merge-fast",
    "merge-commit",
    "merge-squash",
    "squash",
    "pick-anew",
    "revert",
    "revert-last",
    "delete-file",
    "delete-shared",
    "move-file",
    "append",
    "change-a-line",
    "restore-file",
    "mislead",
    "strip-messages",
];

/// The shell for an operation on sprint `n`. What git refuses is taken back as a whole.
fn script(operation: &str, n: usize, unique: usize) -> String {
    let commit_of = format!("$(git log --format=%H --grep '^feat(sprint-{n})' -1 HEAD)");
    let aside = format!(
        "git switch -q main; echo {unique} > main{unique}; git add -A; git commit -qm m{unique}; git switch -q {BRANCH}"
    );
    match operation {
        "amend-message" => "git commit -q --amend -m amended".into(),
        "amend-date" => "git commit -q --amend --no-edit --date=2020-01-01T00:00:00".into(),
        "rebase" => format!("{aside}; git rebase -q main"),
        "drop" => format!("c={commit_of}; test -n \"$c\"; git rebase -q --onto $c^ $c"),
        "merge-main-in" => format!("{aside}; git merge -q --no-edit main"),
        "merge-fast" => {
            format!("git switch -q main; git merge -q --ff {BRANCH}; git switch -q {BRANCH}")
        }
        "merge-commit" => format!(
            "git switch -q main; git merge -q --no-ff --no-edit {BRANCH}; git switch -q {BRANCH}"
        ),
        "merge-squash" => format!(
            "git switch -q main; git merge -q --squash {BRANCH}; git commit -q -m squashed; git switch -q {BRANCH}"
        ),
        "squash" => {
            "git reset -q --soft $(git merge-base main HEAD); git commit -qm 'feat: sprint 1 to 3'"
                .into()
        }
        "pick-anew" => format!(
            "old=$(git rev-parse HEAD); {aside}; git reset -q --hard main; git cherry-pick main..$old >/dev/null"
        ),
        "revert" => format!("c={commit_of}; test -n \"$c\"; git revert --no-edit $c >/dev/null"),
        "revert-last" => "git revert --no-edit HEAD >/dev/null".into(),
        "delete-file" => format!("git rm -q f{n}.txt; git commit -qm 'no more of it'"),
        "delete-shared" => "git rm -q shared.txt; git commit -qm 'no more of it'".into(),
        "move-file" => {
            format!("mkdir -p d{unique}; git mv f{n}.txt d{unique}/f{n}.txt; git commit -qm moved")
        }
        "append" => {
            format!("test -f f{n}.txt; echo more{unique} >> f{n}.txt; git commit -qam more")
        }
        "change-a-line" => format!(
            "test -f f{n}.txt; sed -i '6s/.*/changed{unique}/' f{n}.txt; git commit -qam 'a line'"
        ),
        "restore-file" => {
            format!("git checkout -q finished -- f{n}.txt; git commit -qm 'there again'")
        }
        "mislead" => format!(
            "echo x{unique} > x{unique}; git add -A; git commit -qm 'feat(sprint-9): x' -m 'This reverts commit 0123456789.' -m 'Run: 20200101-000000-0000000000\nRun-Item: sprint-{n}'"
        ),
        "strip-messages" => {
            let base = "p=$(git merge-base main HEAD)";
            let list = "$(git rev-list --reverse --first-parent $p..HEAD)";
            format!(
                "{base}; for c in {list}; do p=$(git commit-tree $c^{{tree}} -p $p -m plain); done; git reset -q --soft $p"
            )
        }
        other => panic!("{other}"),
    }
}

fn tip(repo: &TestRepo) -> &'static str {
    if repo.try_git(&["rev-parse", "--verify", "--quiet", BRANCH]).status.success() {
        BRANCH
    } else {
        "main"
    }
}

/// The sprints of whose lines more than half is there, by looking for the lines themselves.
fn oracle(repo: &TestRepo) -> BTreeSet<String> {
    let out =
        repo.try_git(&["grep", "-h", "-I", "-E", "^(own|shared)[0-9]+x[0-9]+$", tip(repo), "--"]);
    let there: BTreeSet<String> = text(&out.stdout).lines().map(str::to_owned).collect();
    let mut left = BTreeMap::new();
    for n in 1..=SPRINTS {
        let first = if n == 1 { SUPERSEDED } else { 0 };
        let own = (first..LINES).map(|line| format!("own{n}x{line}"));
        let all: Vec<_> = own.chain((0..SHARED).map(|line| format!("shared{n}x{line}"))).collect();
        left.insert(n, (all.iter().filter(|line| there.contains(*line)).count(), all.len()));
    }
    let more_than_half = left.iter().filter(|(_, (there, all))| *all < 2 * there);
    more_than_half.map(|(n, _)| format!("sprint-{n}")).collect()
}

fn reported(repo: &TestRepo) -> BTreeSet<String> {
    let value = repo.run(&["reconcile", "--json"]).ends(0).json();
    let items = value["items"].as_array().unwrap();
    let is_in = items.iter().filter(|item| item["found"] == "in");
    is_in.map(|item| item["item"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn exactly_the_sprints_whose_content_is_in_the_branch_are_reported() {
    let template = TestRepo::new();
    let between = "filler\n".repeat(6);
    let shared: String = (1..=SPRINTS).map(|n| format!("{between}anchor{n}\n{between}")).collect();
    template.write("shared.txt", &shared);
    template.git(&["add", "shared.txt"]);
    template.plan(&plan());
    template.run(&["sprint-plan", "--local", "--quiet"]).ends(0);
    template.git(&["tag", "finished"]);
    let (histories, steps) = if long() { (400, 12) } else { (20, 10) };
    let first: u64 = std::env::var("GIT_RUN_SEED").map_or(1, |seed| seed.parse().unwrap());
    let (mut looked, mut partly, mut done) = (0_u64, 0_u64, BTreeSet::new());
    for seed in first..first + histories {
        let repo = TestRepo::empty(&[]);
        fs::remove_dir_all(&repo.work).unwrap();
        copy(&template.work, &repo.work);
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut history = Vec::new();
        for step in 0..steps {
            let (operation, n) = (OPERATIONS[dice.roll(OPERATIONS.len())], 1 + dice.roll(SPRINTS));
            let before = (repo.git(&["rev-parse", BRANCH]), repo.git(&["rev-parse", "main"]));
            let script = format!("set -e\n{}", script(operation, n, step));
            let worked =
                repo.command("sh").args(["-c", &script]).output().unwrap().status.success();
            if !worked {
                for verb in ["rebase", "merge", "revert", "cherry-pick"] {
                    repo.try_git(&[verb, "--abort"]);
                }
                repo.git(&["switch", "--quiet", "--discard-changes", "-C", "main", &before.1]);
                repo.git(&["switch", "--quiet", "--discard-changes", "-C", BRANCH, &before.0]);
                repo.git(&["clean", "-fdq"]);
                continue;
            }
            history.push(format!("{operation} {n}"));
            done.insert(operation);
            let (expected, reported) = (oracle(&repo), reported(&repo));
            assert_eq!(reported, expected, "GIT_RUN_SEED={seed}: {}", history.join(", "));
            looked += 1;
            partly += u64::from(expected.len() < SPRINTS);
        }
        // Merged, and the branch deleted: the base has it.
        if dice.roll(2) == 0 {
            let merge = ["--ff", "--no-ff", "--squash"][dice.roll(3)];
            let script = format!(
                "set -e\ngit switch -q main; git merge -q --no-edit {merge} {BRANCH}; git commit -qm merged || true; git branch -qD {BRANCH}"
            );
            if repo.command("sh").args(["-c", &script]).output().unwrap().status.success() {
                history.push(format!("gone {merge}"));
                assert_eq!(
                    reported(&repo),
                    oracle(&repo),
                    "GIT_RUN_SEED={seed}: {}",
                    history.join(", ")
                );
            }
        }
    }
    assert!(histories * 3 < looked, "too few operations worked: {looked}");
    assert!(looked / 10 < partly, "too little was taken away: {partly} of {looked}");
    assert_eq!(done.len(), OPERATIONS.len(), "{done:?}");
}
