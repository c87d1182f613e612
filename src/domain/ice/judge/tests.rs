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

#[test]
fn the_table_of_the_judge() {
    let gates = ["review".to_owned()];
    let mut table = String::new();
    let askers: [(&str, Who, Option<&[String]>); 5] = [
        ("person", Who::Person, None),
        ("person, gates open", Who::Person, Some(&gates)),
        ("agent", Who::Agent, None),
        ("run, gates open", Who::Agent, Some(&gates)),
        ("run, gates passed", Who::Agent, Some(&[])),
    ];
    for (title, who, run) in askers {
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
