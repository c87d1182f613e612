use super::*;

fn oid(digit: &str) -> Oid {
    Oid::parse(&digit.repeat(40)).unwrap()
}

fn protection() -> Protection {
    Protection {
        configured: vec!["deploy/*".into()],
        base: Some("topic".into()),
        remote_defaults: vec!["Trunk".into()],
    }
}

/// The rule that says no, or `ok`.
fn said(
    who: Who,
    run: Option<&[String]>,
    to: &str,
    motion: Motion,
    new_tags: bool,
) -> &'static str {
    let (a, protection) = (oid("a"), protection());
    let during = match run {
        None => During::NoRun,
        Some(open_gates) => During::Run { own_branch: "feature/x", open_gates, proven: Some(&a) },
    };
    let step = Move { to, leads_to: None, commit: Some(&a), motion };
    let rules = Rules { protection: &protection, new_tags };
    judge(who, &during, &step, &rules).err().map_or("ok", |denial| denial.rule)
}

const MOTIONS: [Motion; 5] =
    [Motion::Create, Motion::Forward, Motion::Rewrite, Motion::Delete, Motion::Unknown];

type Asker<'a> = (&'static str, Who, Option<&'a [String]>);

fn askers(gates: &[String]) -> [Asker<'_>; 5] {
    [
        ("person", Who::Person, None),
        ("person, gates open", Who::Person, Some(gates)),
        ("agent", Who::Agent, None),
        ("run, gates open", Who::Agent, Some(gates)),
        ("run, gates passed", Who::Agent, Some(&[])),
    ]
}

/// The table for people is what the judge says, cell by cell.
#[test]
fn the_decision_table_of_the_documentation_is_the_judges() {
    let gates = ["review".to_owned()];
    let mut table = String::new();
    for (to, what) in [
        ("refs/heads/feature/x", "`feature/x`, the branch of the run"),
        ("refs/heads/feature/y", "`feature/y`, any other branch"),
        ("refs/heads/main", "`main`, protected by its name"),
        ("refs/heads/Main", "`Main`, which looks like it"),
        ("refs/heads/deploy/1", "`deploy/1`, which the team protects"),
        ("refs/heads/trunk", "`trunk`, the remote's default branch"),
        ("refs/heads/topic", "`topic`, the base of the run"),
        ("refs/heads/-f", "`-f`, which is no name"),
        ("refs/tags/v1", "`refs/tags/v1`"),
        ("refs/run/r/journal", "`refs/run/r/journal`"),
        ("refs/notes/run", "`refs/notes/run`"),
        ("refs/for/main", "`refs/for/main`, a review"),
    ] {
        let cells = |motion: &Motion| {
            let said =
                askers(&gates).map(|(_, who, run)| match said(who, run, to, *motion, false) {
                    "ok" => "yes".to_owned(),
                    rule => format!("`{rule}`"),
                });
            said.join(" | ")
        };
        let mut rest = MOTIONS.to_vec();
        while let Some(first) = rest.first().map(cells) {
            let (same, others): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|motion| cells(motion) == first);
            let words: Vec<_> = same.iter().map(|motion| motion.word()).collect();
            let words = if same.len() == MOTIONS.len() { "any".into() } else { words.join(", ") };
            table.push_str(&format!("| {what} | {words} | {first} |\n"));
            rest = others;
        }
    }
    let page = include_str!("../../../../docs/ICE.md");
    assert!(page.contains(&table), "docs/ICE.md should have\n{table}");
}

#[test]
fn the_table_of_the_judge() {
    let gates = ["review".to_owned()];
    let mut table = String::new();
    for (title, who, run) in askers(&gates) {
        table
            .push_str(&format!("{title:<22}create     forward    rewrite    delete     unknown\n"));
        for to in [
            "refs/heads/feature/x",
            "refs/heads/feature/y",
            "refs/heads/main",
            "refs/heads/Main",
            "refs/heads/deploy/1",
            "refs/heads/trunk",
            "refs/heads/topic",
            "refs/heads/-f",
            "refs/tags/v1",
            "refs/run/r/journal",
            "refs/notes/run",
            "refs/for/main",
        ] {
            let row: Vec<String> = MOTIONS
                .iter()
                .map(|motion| format!("{:<11}", said(who, run, to, *motion, false)))
                .collect();
            table.push_str(&format!("  {:<20}{}\n", &to[5..], row.concat().trim_end()));
        }
    }
    assert_eq!(table.trim(), include_str!("table.txt").trim(), "\n{table}");
}

#[test]
fn a_symbolic_ref_at_the_remote_is_what_it_leads_to() {
    let (a, protection) = (oid("a"), protection());
    let rules = Rules { protection: &protection, new_tags: false };
    for (who, target, rule) in [
        (Who::Agent, "refs/heads/main", "symref"),
        (Who::Agent, "refs/heads/feature/y", "symref"),
        (Who::Person, "refs/heads/deploy/1", "policy"),
    ] {
        let step = Move {
            to: "refs/heads/alias",
            leads_to: Some(target),
            commit: Some(&a),
            motion: Motion::Forward,
        };
        let verdict = judge(who, &During::NoRun, &step, &rules);
        assert_eq!(verdict.unwrap_err().rule, rule);
    }
}

#[test]
fn a_new_tag_is_an_agents_only_where_the_policy_says_so() {
    for (motion, rule) in
        [(Motion::Create, "ok"), (Motion::Forward, "tag"), (Motion::Delete, "tag")]
    {
        assert_eq!(said(Who::Agent, None, "refs/tags/v1", motion, true), rule);
    }
    assert_eq!(said(Who::Agent, None, "refs/tags/v1", Motion::Create, false), "tag");
}

#[test]
fn only_the_own_branch_at_the_proven_commit_goes_forward() {
    let (a, b, protection) = (oid("a"), oid("b"), protection());
    let rules = Rules { protection: &protection, new_tags: false };
    let during = During::Run { own_branch: "feature/x", open_gates: &[], proven: Some(&a) };
    for (branch, commit, motion, rule) in [
        ("feature/x", &a, Motion::Forward, "ok"),
        ("feature/x", &b, Motion::Forward, "unproven"),
        ("feature/x", &a, Motion::Rewrite, "force"),
        ("feature/y", &a, Motion::Forward, "own-branch"),
    ] {
        let wish = Wish { url: "u".into(), branch: branch.into(), commit: commit.clone() };
        let cleared = clear(wish, &during, motion, None, &rules);
        assert_eq!(cleared.err().map_or("ok", |denial| denial.rule), rule, "{branch}");
    }
}

#[test]
fn what_was_never_proven_is_not_pushed() {
    let (a, protection) = (oid("a"), protection());
    let rules = Rules { protection: &protection, new_tags: false };
    let during = During::Run { own_branch: "x", open_gates: &[], proven: None };
    for commit in [Some(&a), None] {
        let step = Move { to: "refs/heads/x", leads_to: None, commit, motion: Motion::Forward };
        assert_eq!(judge(Who::Agent, &during, &step, &rules).unwrap_err().rule, "unproven");
    }
}
