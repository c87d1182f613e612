use super::*;

fn oid(letter: char) -> Oid {
    Oid::parse(&letter.to_string().repeat(40)).unwrap()
}

/// `main a-b`: from a to b; a dot is nothing.
fn moved(text: &str) -> RefMove {
    let (name, ends) = text.split_once(' ').unwrap();
    let end = |at: usize| ends.chars().nth(at).filter(|c| *c != '.').map(oid);
    RefMove { name: name.to_owned(), old: end(0), new: end(2) }
}

/// `main a, x b`
fn seen(at: i64, text: &str, whole: bool) -> Sighting {
    let refs = text.split(", ").filter(|entry| !entry.is_empty()).map(|entry| {
        let (name, id) = entry.split_once(' ').unwrap();
        (name.to_owned(), oid(id.chars().next().unwrap()))
    });
    Sighting { at: Timestamp::from_millis(at), refs: refs.collect(), whole }
}

fn noted(at: i64, text: &str, pushed: bool) -> Noted {
    Noted { moved: moved(text), at: Timestamp::from_millis(at), pushed }
}

fn told(evidence: &Evidence) -> Vec<String> {
    let end =
        |end: &Option<Oid>| end.as_ref().map_or('.', |id| id.as_str().chars().next().unwrap());
    movements(evidence)
        .iter()
        .map(|found| {
            let (old, new) = (end(&found.moved.old), end(&found.moved.new));
            let receipt = if found.receipt { "" } else { " no receipt" };
            let pushed = if found.pushed_here { " pushed here" } else { "" };
            format!("{} {old}-{new}{receipt}{pushed}", found.moved.name)
        })
        .collect()
}

fn evidence(sightings: &[Sighting], receipts: &[&str], noted: &[Noted]) -> Evidence {
    Evidence {
        sightings: sightings.to_vec(),
        receipts: receipts.iter().map(|text| moved(text)).collect(),
        noted: noted.to_vec(),
    }
}

#[test]
fn what_was_cleared_has_a_receipt_step_by_step() {
    let sightings = [seen(1, "main a, x a", true), seen(9, "main a, x d, y b", true)];
    let found = evidence(&sightings, &["x a-b", "x b-c", "x c-d", "y .-b"], &[]);
    assert_eq!(told(&found), ["x a-d", "y .-b"]);
}

#[test]
fn what_had_none_is_named_whoever_did_it() {
    let sightings = [seen(1, "main a, x a, z a", true), seen(9, "main b, x c", true)];
    let found = evidence(&sightings, &["x a-b"], &[]);
    assert_eq!(told(&found), ["main a-b no receipt", "x a-c no receipt", "z a-. no receipt"]);
}

#[test]
fn a_receipt_is_for_one_ref_and_one_direction() {
    let sightings = [seen(1, "main a, x b", true), seen(9, "main b, x a", true)];
    let found = evidence(&sightings, &["x a-b", "y a-b"], &[]);
    assert_eq!(told(&found), ["main a-b no receipt", "x b-a no receipt"]);
}

#[test]
fn there_and_back_again_is_seen_where_the_clone_wrote_it_down() {
    let sightings = [seen(1, "main a", true), seen(9, "main a", true)];
    let steps =
        [noted(3, "main a-b", true), noted(4, "main b-a", true), noted(0, "main c-a", true)];
    let found = evidence(&sightings, &[], &steps);
    assert_eq!(
        told(&found),
        ["main a-b no receipt pushed here", "main b-a no receipt pushed here"]
    );
}

#[test]
fn known_steps_are_judged_one_by_one() {
    let sightings = [seen(1, "x a", true), seen(9, "x c", true)];
    let steps = [noted(3, "x a-b", true), noted(5, "x b-c", false)];
    let found = evidence(&sightings, &["x a-b"], &steps);
    assert_eq!(told(&found), ["x a-b pushed here", "x b-c no receipt"]);
}

#[test]
fn what_a_clone_does_not_remember_may_have_been_there() {
    let sightings =
        [seen(1, "main a", false), seen(9, "main a, old b", true), seen(10, "main a", false)];
    assert_eq!(told(&evidence(&sightings, &[], &[])), Vec::<String>::new());
    let later = [seen(1, "main a", true), seen(9, "main a, new b", true)];
    assert_eq!(told(&evidence(&later, &[], &[])), ["new .-b no receipt"]);
}

#[test]
fn one_bypass_is_named_once_however_often_it_is_looked_at() {
    let sightings = [seen(1, "main a", true), seen(5, "main b", true), seen(9, "main b", true)];
    let steps = [noted(3, "main a-b", true)];
    let found = evidence(&sightings, &[], &steps);
    assert_eq!(told(&found), ["main a-b no receipt pushed here"]);
    assert!(movements(&Evidence::default()).is_empty());
}
