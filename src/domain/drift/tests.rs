//! The table, as a table.

use super::*;

#[test]
fn s15_what_follows_is_this_table() {
    let mut table = String::from("            ");
    Drift::ALL.iter().for_each(|drift| table.push_str(&format!("{:<11}", drift.word())));
    for status in Status::ALL {
        table = format!("{}\n{:<12}", table.trim_end(), status.word());
        for drift in Drift::ALL {
            table.push_str(&format!("{:<11}", follows(status, drift).word()));
        }
    }
    let expected = "            same       changed    moved      gone       unknown
pending     nothing    update     rename     supersede  look
in-progress nothing    flag       rename     flag       look
done        nothing    re-verify  rename     supersede  look
external    nothing    nothing    nothing    nothing    nothing
skipped     nothing    nothing    nothing    nothing    nothing
added       nothing    nothing    nothing    nothing    nothing";
    assert_eq!(table.trim_end(), expected);
    assert!(include_str!("../../../docs/RECONCILE.md").contains("| in-progress |"));
}

#[test]
fn a_task_is_gone_only_with_its_text_or_with_all_of_its_sections() {
    let (same, changed, gone) = (Seen::Same, Seen::Changed, Seen::Gone);
    let moved = Seen::Moved { to: "x".into() };
    let unknown = Seen::Unknown { why: "x".into() };
    for (own, sections, expected) in [
        (&same, vec![], Drift::Same),
        (&changed, vec![], Drift::Changed),
        (&gone, vec![], Drift::Gone),
        (&gone, vec![&same], Drift::Gone),
        (&same, vec![&gone], Drift::Gone),
        (&same, vec![&gone, &gone], Drift::Gone),
        (&same, vec![&gone, &same], Drift::Changed),
        (&same, vec![&moved, &same], Drift::Moved),
        (&same, vec![&moved, &gone], Drift::Changed),
        (&changed, vec![&moved], Drift::Changed),
        (&gone, vec![&unknown], Drift::Unknown),
        (&unknown, vec![&changed], Drift::Unknown),
    ] {
        let sections: Vec<Seen> = sections.into_iter().cloned().collect();
        assert_eq!(of_task(own, &sections), expected, "{own:?} {sections:?}");
    }
}

#[test]
fn a_document_with_something_open_is_told_of_again() {
    let of = |path: &str, text: &[u8]| Document { path: path.into(), hash: Digest::of(text) };
    let then = [of("plan.md", b"1"), of("a.md", b"1"), of("b.md", b"1"), of("gone.md", b"1")];
    let now = [of("plan.md", b"2"), of("a.md", b"2"), of("b.md", b"2"), of("new.md", b"2")];
    let part = |path: &str, seen: Seen| {
        let (name, path) = (path.to_owned(), path.to_owned());
        Part { name, path, old: None, new: None, seen }
    };
    let finding = |follows: Follows, parts: Vec<Part>| Finding {
        task: TaskId::parse("T-1").unwrap(),
        item: None,
        status: Status::Pending,
        drift: Drift::Changed,
        follows,
        parts,
    };
    let findings = [
        finding(Follows::Flag, vec![part("a.md", Seen::Changed), part("plan.md", Seen::Same)]),
        finding(Follows::Update, vec![part("b.md", Seen::Changed)]),
    ];
    let expected =
        [now[0].clone(), then[1].clone(), now[2].clone(), then[3].clone(), now[3].clone()];
    assert_eq!(settled(&then, &now, &findings), expected);
}
