//! The house rules that a compiler does not hold: who may enter whom, and what a file must say.
#![expect(clippy::unwrap_used, reason = "a file that cannot be read is a failure")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Each room, and the rooms that it may use.
const ROOMS: [(&str, &[&str]); 13] = [
    ("domain", &[]),
    ("report", &["domain"]),
    ("process", &["domain"]),
    ("git", &["domain", "process"]),
    ("forge", &["domain", "process"]),
    ("store", &["domain", "process", "git"]),
    ("config", &["domain", "process", "git"]),
    ("agents", &["domain", "process", "git", "config"]),
    ("gates", &["domain", "process", "git", "store", "config", "agents", "report"]),
    ("guard", &["domain", "process", "git", "store", "config"]),
    (
        "engine",
        &["domain", "process", "git", "store", "config", "agents", "gates", "guard", "report"],
    ),
    ("sync", &["domain", "process", "git", "store", "guard"]),
    (
        "cli",
        &[
            "domain", "process", "git", "forge", "store", "config", "agents", "gates", "guard",
            "report", "engine", "sync",
        ],
    ),
];

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn sources() -> Vec<(String, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let name = |path: &Path| path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
    files(&top).into_iter().map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

/// The rooms that a text names after `crate::`, in a `use` or in passing, groups included.
fn entered(text: &str) -> Vec<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut rooms = Vec::new();
    for rest in code.split("crate::").skip(1) {
        if let Some(group) = rest.strip_prefix('{') {
            rooms.extend(heads(group));
        } else {
            rooms.push(rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    rooms
}

/// The first words of a group's members: `domain::{a, b}, git::Repo}` gives `domain` and `git`.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut word, mut words, mut fresh) = (0, String::new(), Vec::new(), true);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => fresh = true,
            _ => {}
        }
        if depth == 0 && fresh && (c.is_alphanumeric() || c == '_') {
            word.push(c);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
            fresh = false;
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

#[test]
fn nobody_enters_a_room_that_is_not_below() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        let Some((room, _)) = file.split_once('/') else { continue };
        let (_, allowed) = ROOMS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| unreachable!("`src/{room}` is no room of the table"));
        for entered in entered(&text) {
            let is_room = ROOMS.iter().any(|(name, _)| *name == entered);
            if is_room && entered != room && !allowed.contains(&entered.as_str()) {
                wrong.push(format!("src/{file} enters `{entered}`"));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_table_of_rooms_would_notice_a_wrong_door() {
    let text = "use crate::{\n    domain::{event::Event, run::Run},\n    git::Repo,\n};\nfn f() { crate::cli::main() }";
    assert_eq!(entered(text), ["domain", "git", "cli"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(file, text)| !file.ends_with("/tests.rs") && !text.starts_with("//! "))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn no_file_and_no_name_is_a_drawer_for_odds_and_ends() {
    for (file, _) in sources() {
        let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(
            !["util", "utils", "helper", "helpers", "misc", "common"].contains(&stem.as_str()),
            "src/{file}"
        );
    }
}

#[test]
fn what_is_asynchronous_stays_in_its_room() {
    for (file, text) in sources().into_iter().filter(|(file, _)| !file.starts_with("process/")) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert_eq!(code.filter(|line| line.contains("tokio")).count(), 0, "src/{file} knows tokio");
    }
}

#[test]
fn the_domain_keeps_itself_pure() {
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("domain/")) {
        for foreign in [
            "std::fs",
            "std::env",
            "std::process",
            "std::net",
            "SystemTime",
            "Instant",
            "gix",
            "serde",
            "tokio",
            "rustix",
            "jiff",
        ] {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let used = code.filter(|line| {
                line.contains(&format!("{foreign}::")) || line.contains(&format!("use {foreign}"))
            });
            let tests = text.contains("proptest") && foreign == "serde";
            assert!(tests || used.count() == 0, "src/{file} knows `{foreign}`");
        }
    }
}
