//! `docs/CONFORMANCE.md` says of each row of the older tools which tests hold it: they are there, no row is
//! named twice, and none is missing.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read is a failure")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

const PAGE: &str = include_str!("../docs/CONFORMANCE.md");

/// The faults of §2: the letter of a tool, and its numbers.
const FAULTS: [(&str, &[u32]); 6] = [
    ("I", &[1, 2, 3, 4, 6, 7, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19]),
    ("S", &[1, 3, 4, 6, 7, 8, 9, 10, 11, 12]),
    ("D", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("A", &[1, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("C", &[1, 2, 3, 5, 6, 7]),
    ("F", &[1, 2, 3, 4]),
];

/// The parts of §1 and §3, and how many rows each has.
const ROWS: [(&str, u32); 20] = [
    ("loa_111", 7),
    ("loa_112", 3),
    ("loa_113", 18),
    ("loa_114", 8),
    ("loa_115", 8),
    ("loa_116", 3),
    ("loa_117", 3),
    ("loa_118", 5),
    ("loa_31", 8),
    ("loa_32", 6),
    ("loa_33", 9),
    ("loa_34", 7),
    ("loa_35", 11),
    ("loa_35b", 8),
    ("s12", 26),
    ("s37", 4),
    ("cwf", 18),
    ("cwf_36", 9),
    ("aura", 15),
    ("s15", 15),
];

/// What a row without a test has to say for itself.
const EXCUSES: [&str; 3] = ["Otherwise: ", "no matter here: ", "not held: "];

struct Row<'p> {
    id: &'p str,
    ours: &'p str,
    /// File and function.
    tests: Vec<(&'p str, &'p str)>,
}

/// The rows of all tables; anything that looks like one and is none is a failure.
fn rows(page: &str) -> Vec<Row<'_>> {
    let lines = page.lines().filter(|line| line.starts_with('|'));
    let lines = lines.filter(|line| !line.starts_with("| id |") && !line.starts_with("| --- |"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" |").map(str::trim).collect();
            let [id, theirs, ours, tests] = cells[..] else { unreachable!("{line}") };
            assert!(!theirs.is_empty() && !ours.is_empty(), "{line}");
            let named = tests.split(", ").filter(|word| !word.is_empty());
            let named = named.map(|word| {
                let inner = word.strip_prefix('`').and_then(|word| word.strip_suffix('`'));
                inner.and_then(|word| word.split_once("::")).unwrap_or_else(|| {
                    unreachable!("`{word}` of {id} is no `file::test`");
                })
            });
            Row { id, ours, tests: named.collect() }
        })
        .collect()
}

/// The functions of a file that cargo calls as tests.
fn tests_of(file: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| unreachable!("{file}: {error}"));
    let mut found = BTreeSet::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().unwrap();
            if std::mem::take(&mut is_test) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

/// What of an id stands in the name of a test: `I7` as `i7`, `loa_113.4` as `loa_113`.
fn part(id: &str) -> String {
    id.split('.').next().unwrap().to_lowercase()
}

#[test]
fn every_test_that_is_named_is_there() {
    let mut files: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut gone = Vec::new();
    for row in rows(PAGE) {
        for (file, test) in row.tests {
            if !files.entry(file).or_insert_with(|| tests_of(file)).contains(test) {
                gone.push(format!("{}: there is no test `{test}` in {file}", row.id));
            }
        }
    }
    assert!(gone.is_empty(), "{}", gone.join("\n"));
    assert!(20 < files.len(), "{:?}", files.keys());
}

#[test]
fn an_id_stands_in_the_name_of_a_test_that_holds_its_row() {
    let mut nameless = Vec::new();
    for row in rows(PAGE) {
        let part = format!("_{}_", part(row.id));
        let named = row.tests.iter().any(|(_, test)| format!("_{test}_").contains(&part));
        if !named && !EXCUSES.iter().any(|excuse| row.ours.contains(excuse)) {
            nameless.push(format!("{}: {:?}", row.id, row.tests));
        }
    }
    assert!(nameless.is_empty(), "{}", nameless.join("\n"));
}

#[test]
fn no_row_is_missing_and_none_is_named_twice() {
    let faults = FAULTS.iter().flat_map(|(letter, numbers)| {
        numbers.iter().map(move |number| format!("{letter}{number}"))
    });
    let parts =
        ROWS.iter().flat_map(|(name, most)| (1..=*most).map(move |n| format!("{name}.{n}")));
    let expected: BTreeSet<String> = faults.chain(parts).collect();
    let mut found = BTreeSet::new();
    for row in rows(PAGE) {
        assert!(found.insert(row.id.to_owned()), "{} is there twice", row.id);
    }
    let missing: Vec<_> = expected.difference(&found).collect();
    let unknown: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing {missing:?}, unknown {unknown:?}");
}

#[test]
fn what_the_page_gets_wrong_would_be_noticed() {
    for bad in ["| I1 | a | b |", "| I1 | a | b | tests/wrapper.rs |", "| I1 | | b | `x::y` |"] {
        assert!(std::panic::catch_unwind(|| rows(bad).len()).is_err(), "{bad}");
    }
    assert!(!tests_of("tests/conformance.rs").contains("rows"), "what is no test is none");
    assert!(std::panic::catch_unwind(|| tests_of("tests/nowhere.rs")).is_err());
}
