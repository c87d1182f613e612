//! A random command line that pushes, and what is configured where it runs.

/// Numbers that are the same for the same seed.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % most as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn rarely(&mut self) -> bool {
        self.below(4) == 0
    }
}

#[derive(Debug, Clone, Default)]
pub struct Case {
    /// Lines of `git config --add`, as `key=value`.
    pub config: Vec<String>,
    /// What is checked out.
    pub head: String,
    /// Everything after `git`, in groups that belong together.
    pub words: Vec<Vec<String>>,
}

const CONFIG: [&str; 38] = [
    "push.default=nothing",
    "push.default=matching",
    "push.default=current",
    "push.default=upstream",
    "push.default=tracking",
    "push.default=simple",
    "remote.origin.push=HEAD:refs/heads/main",
    "remote.origin.push=refs/heads/*:refs/heads/*",
    "remote.origin.push=+refs/heads/*:refs/heads/*",
    "remote.origin.push=:",
    "remote.origin.push=HEAD",
    "remote.origin.push=feature/x",
    "remote.origin.push=refs/heads/feature/x:refs/heads/main",
    "remote.origin.push=refs/heads/feature/*:refs/heads/release/*",
    "remote.up.push=HEAD:main",
    "remote.origin.mirror=true",
    "remote.up.mirror=yes",
    "branch.feature/x.merge=refs/heads/main",
    "branch.feature/x.merge=refs/heads/release/1.0",
    "branch.feature/x.remote=up",
    "branch.feature/x.remote=.",
    "branch.feature/x.pushRemote=up",
    "branch.topic.remote=origin",
    "branch.topic.merge=refs/heads/main",
    "remote.pushDefault=up",
    "push.followTags=true",
    "push.autoSetupRemote=true",
    "push.useForceIfIncludes=true",
    "remote.origin.pushurl=../remote.git",
    "url.../remote.git.insteadOf=r:",
    "url.../remote.git.pushInsteadOf=../else.git",
    "remote.origin.prune=true",
    "push.negotiate=true",
    "alias.p=push",
    "alias.p=push origin HEAD:main",
    "alias.p=!git push origin HEAD:main",
    "push.recurseSubmodules=on-demand",
    "remotes.all=origin up",
];

const HEADS: [&str; 6] = ["feature/x", "feature/x", "topic", "main", "--detach", "alias"];

const BEFORE: [&[&str]; 12] = [
    &["-c", "push.default=matching"],
    &["-c", "push.default=upstream"],
    &["-c", "push.default=current"],
    &["-c", "remote.origin.push=HEAD:main"],
    &["-c", "remote.origin.mirror=true"],
    &["-c", "branch.feature/x.merge=refs/heads/main"],
    &["-c", "alias.push=push origin HEAD:main"],
    &["-C", "."],
    &["--git-dir=.git"],
    &["--no-pager"],
    &["--no-replace-objects"],
    &["--config-env=push.default=KIND"],
];

const OPTIONS: [&[&str]; 46] = [
    &["-f"],
    &["--force"],
    &["--forc"],
    &["--force-with-lease"],
    &["--force-with-lease=main"],
    &["--force-if-includes"],
    &["--no-force"],
    &["--no-force-with-lease"],
    &["--all"],
    &["--branches"],
    &["--mirror"],
    &["--mirr"],
    &["--no-mirror"],
    &["--tags"],
    &["--follow-tags"],
    &["--no-follow-tags"],
    &["--prune"],
    &["--delete"],
    &["--del"],
    &["-d"],
    &["-u"],
    &["--set-upstream"],
    &["-fu"],
    &["-uf"],
    &["-dq"],
    &["--atomic"],
    &["-n"],
    &["--dry-run"],
    &["--no-dry-run"],
    &["--no-verify"],
    &["--porcelain"],
    &["-q"],
    &["--quiet"],
    &["--thin"],
    &["-o", "x"],
    &["--push-option=ci.skip"],
    &["--repo=origin"],
    &["--repo=up"],
    &["--repo", "up"],
    &["--receive-pack=git-receive-pack"],
    &["--signed=if-asked"],
    &["--recurse-submodules=no"],
    &["--recurse-submodules=only"],
    &["--no-thin"],
    &["--progress"],
    &["--"],
];

const REMOTES: [&str; 12] = [
    "origin",
    "origin",
    "origin",
    "up",
    "../remote.git",
    "./../remote.git/",
    "r:",
    ".",
    "all",
    "--repo=origin",
    "../else.git",
    "file:///nowhere/../../remote.git",
];

const FROM: [&str; 22] = [
    "feature/x",
    "feature/x",
    "HEAD",
    "@",
    "main",
    "topic",
    "other",
    "v1",
    "v2",
    "tags/v2",
    "tag",
    "refs/heads/feature/x",
    "heads/topic",
    "HEAD~1",
    "feature/x~2",
    "alias",
    "refs/heads/*",
    "refs/heads/feature/*",
    "refs/notes/*",
    "main^{commit}",
    ":/pushed",
    "@{u}",
];

const TO: [&str; 32] = [
    "feature/x",
    "refs/heads/feature/x",
    "feature/new",
    "refs/heads/feature/new",
    "new",
    "topic",
    "main",
    "Main",
    "MASTER",
    "heads/main",
    "refs/heads/main",
    "refs/heads/refs/heads/main",
    "refs/heads/heads/main",
    "release/1.0",
    "refs/heads/release/2.0",
    "hotfix-1",
    "teammate/y",
    "refs/heads/teammate/y",
    "v1",
    "tags/v1",
    "refs/tags/v9",
    "refs/run/r/journal",
    "refs/notes/run",
    "refs/notes/commits",
    "refs/for/main",
    "refs/remotes/origin/main",
    "refs/heads/*",
    "refs/heads/release/*",
    "HEAD",
    "m\u{430}in",
    "refs/heads/feature/x/",
    "",
];

const WHOLE: [&str; 10] = [
    ":",
    "+:",
    "tag v1",
    "tag v2",
    "^refs/heads/main",
    "^main",
    "refs/heads/feature/*",
    "+refs/heads/*:refs/heads/*",
    "refs/heads/*ain:refs/heads/*ain",
    "refs/*:refs/*",
];

impl Case {
    pub fn of(seed: u64) -> Self {
        let chance = &mut Chance::new(seed);
        let mut case = Self { head: chance.one(&HEADS).to_owned(), ..Self::default() };
        while chance.below(3) == 0 {
            case.config.push(chance.one(&CONFIG).to_owned());
        }
        let add = |case: &mut Self, words: &[&str]| {
            case.words.push(words.iter().map(ToString::to_string).collect());
        };
        if chance.rarely() {
            let at = chance.below(BEFORE.len());
            add(&mut case, BEFORE[at]);
        }
        let aliased = case.config.iter().any(|line| line.starts_with("alias."));
        add(&mut case, &[if aliased && chance.rarely() { "p" } else { "push" }]);
        let option = |chance: &mut Chance, case: &mut Self| {
            while chance.below(5) == 0 {
                let at = chance.below(OPTIONS.len());
                add(case, OPTIONS[at]);
            }
        };
        option(chance, &mut case);
        if chance.below(5) != 0 {
            add(&mut case, &[chance.one(&REMOTES)]);
            option(chance, &mut case);
            while chance.below(2) == 0 {
                let spec = refspec(chance);
                add(&mut case, &spec.split(' ').collect::<Vec<_>>());
            }
        }
        option(chance, &mut case);
        case
    }

    pub fn typed(head: &str, config: &str, line: &str) -> Self {
        let config = Some(config.to_owned()).filter(|line| !line.is_empty());
        let words = line.split(' ').map(|word| vec![word.to_owned()]);
        Self { config: config.into_iter().collect(), head: head.to_owned(), words: words.collect() }
    }

    pub fn line(&self) -> Vec<String> {
        self.words.concat()
    }

    /// The same with one part less, in every way.
    pub fn shorter(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for at in 0..self.words.len() {
            let mut less = self.clone();
            less.words.remove(at);
            found.push(less);
        }
        for at in 0..self.config.len() {
            let mut less = self.clone();
            less.config.remove(at);
            found.push(less);
        }
        found
    }
}

fn refspec(chance: &mut Chance) -> String {
    // What is cleared is done: the rest is cheap, and more of it finds less.
    if chance.below(3) == 0 {
        let branch = chance.one(&["feature/x", "topic", "other", "alias", "main"]);
        let to = if chance.below(2) == 0 { String::new() } else { format!(":refs/heads/{branch}") };
        return format!("{branch}{to}");
    }
    if chance.below(6) == 0 {
        return chance.one(&WHOLE).to_owned();
    }
    let force = if chance.below(5) == 0 { "+" } else { "" };
    let from = if chance.below(8) == 0 { "" } else { chance.one(&FROM) };
    if !from.is_empty() && chance.below(2) == 0 {
        return format!("{force}{from}");
    }
    format!("{force}{from}:{}", chance.one(&TO))
}
