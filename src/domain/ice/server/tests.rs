use super::*;

const MOTIONS: [Motion; 5] =
    [Motion::Create, Motion::Forward, Motion::Rewrite, Motion::Delete, Motion::Unknown];

fn oid(digit: &str) -> Oid {
    Oid::parse(&digit.repeat(40)).unwrap()
}

fn policy() -> Policy {
    let protection = Protection {
        configured: vec!["deploy/*".into()],
        base: None,
        remote_defaults: vec!["Trunk".into()],
    };
    Policy { protection, ..Policy::default() }
}

/// The rule that says no, or `ok`.
fn said(policy: &Policy, name: &str, motion: Motion, found: Found) -> &'static str {
    let a = oid("a");
    let arrival = Arrival { name, leads_to: None, commit: Some(&a), motion, found };
    judge(&arrival, policy).err().map_or("ok", |denial| denial.rule)
}

/// What is found where everything is as it should be.
fn fine(name: &str, policy: &Policy) -> Found {
    match place(name, policy) {
        Ok(Place::Protected(_)) => Found::Work(Vec::new()),
        Ok(Place::Journal(_) | Place::Kept(..) | Place::Notes) => Found::Sound,
        Ok(Place::Free) | Err(_) => Found::Nothing,
    }
}

#[test]
fn the_table_of_the_server() {
    let mut table = String::new();
    let plain = policy();
    let policies = [
        ("anybody", plain.clone()),
        ("strict", Policy { strict: true, ..plain.clone() }),
        ("agent", Policy { agent: true, ..plain }),
    ];
    for (title, policy) in policies {
        table
            .push_str(&format!("{title:<22}create     forward    rewrite    delete     unknown\n"));
        for name in [
            "refs/heads/feature/x",
            "refs/heads/main",
            "refs/heads/release/1",
            "refs/heads/deploy/1",
            "refs/heads/Trunk",
            "refs/heads/MAIN",
            "refs/heads/ma\u{200b}in",
            "refs/heads/-f",
            "refs/heads/HEAD",
            "refs/heads/refs/heads/x",
            "refs/Heads/main",
            "refs/tags/v1",
            "refs/tags/\u{202e}v1",
            "refs/run/r/journal",
            "refs/run/r/checkpoints",
            "refs/run/r/else",
            "refs/run/r/journal/x",
            "refs/run/journal",
            "refs/run/-r/journal",
            "refs/Run/r/journal",
            "refs/notes/run",
            "refs/notes/run-x",
            "refs/notes/commits",
            "refs/notes/runner",
            "refs/worktree/run",
            "refs/for/main",
        ] {
            let mut row =
                format!("  {:<20}", name.trim_start_matches("refs/").escape_default().to_string());
            for motion in MOTIONS {
                row.push_str(&format!("{:<11}", said(&policy, name, motion, fine(name, &policy))));
            }
            table.push_str(row.trim_end());
            table.push('\n');
        }
    }
    assert_eq!(table, include_str!("table.txt"), "\n{table}");
}

#[test]
fn the_table_of_what_a_commit_of_a_run_needs() {
    let mut table = format!("{:<12}proven     after\n", "journal");
    for (title, journal) in [
        ("complete", Journal::Complete),
        ("missing", Journal::Missing),
        ("unreadable", Journal::Unreadable("x".into())),
        ("newer", Journal::Newer),
        ("halted", Journal::Unfinished(State::Halted)),
        ("running", Journal::Unfinished(State::Running)),
    ] {
        let mut row = format!("{title:<12}");
        for tie in [Tie::Proven, Tie::After] {
            let run = Some(RunId::parse("r").unwrap());
            let claim = Claim { commit: oid("a"), run, journal: journal.clone(), tie };
            let found = Found::Work(vec![claim]);
            let rule = said(&policy(), "refs/heads/main", Motion::Forward, found);
            row.push_str(&format!("{rule:<11}"));
        }
        table.push_str(row.trim_end());
        table.push('\n');
    }
    let expected = "journal     proven     after\n\
        complete    ok         unproven\n\
        missing     journal    journal\n\
        unreadable  journal    journal\n\
        newer       newer      newer\n\
        halted      gate       gate\n\
        running     gate       gate\n";
    assert_eq!(table, expected, "\n{table}");
}

#[test]
fn what_was_not_looked_at_is_not_taken() {
    for (name, found, rule) in [
        ("refs/heads/main", Found::Nothing, "unknown"),
        ("refs/heads/main", Found::Sound, "unknown"),
        ("refs/heads/main", Found::TooMuch { most: 1 }, "limit"),
        ("refs/run/r/journal", Found::Nothing, "unknown"),
        ("refs/run/r/journal", Found::Unsound("x".into()), "run-state"),
        ("refs/run/r/journal", Found::TooMuch { most: 1 }, "limit"),
        ("refs/run/r/lease", Found::Unsound("x".into()), "run-state"),
        ("refs/notes/run", Found::Nothing, "unknown"),
        ("refs/heads/feature/x", Found::Nothing, "ok"),
    ] {
        assert_eq!(said(&policy(), name, Motion::Forward, found), rule, "{name}");
    }
    let nameless =
        Claim { commit: oid("a"), run: None, journal: Journal::Complete, tie: Tie::Proven };
    let found = Found::Work(vec![nameless]);
    assert_eq!(said(&policy(), "refs/heads/main", Motion::Forward, found), "run");
}

#[test]
fn another_name_of_a_branch_is_no_way_to_it() {
    let a = oid("a");
    let arrival = Arrival {
        name: "refs/heads/alias",
        leads_to: Some("refs/heads/main"),
        commit: Some(&a),
        motion: Motion::Forward,
        found: Found::Nothing,
    };
    assert_eq!(judge(&arrival, &policy()).unwrap_err().rule, "symref");
}

#[test]
fn one_push_moves_so_many_refs_of_runs_and_no_more() {
    assert!(judge_number(RUN_REFS_MAX).is_ok());
    assert_eq!(judge_number(RUN_REFS_MAX + 1).unwrap_err().rule, "limit");
}
