//! Our trees against git's: edits of trees, and the tree of a work tree.

use std::{cell::OnceCell, collections::BTreeMap, fs, io::Write as _, path::Path, process::Stdio};

use git_run::{
    domain::id::Oid,
    git::{
        Repo,
        bulk::Bulk,
        objects::Entry,
        tree_edit::{self, Edits},
    },
};
use gix::objs::tree::{EntryKind, EntryMode};
use proptest::{collection::btree_map, option, prelude::*, sample::select};

use super::op::{self, Op, apply};
use crate::support::TestRepo;

const KINDS: [EntryKind; 4] =
    [EntryKind::Blob, EntryKind::BlobExecutable, EntryKind::Link, EntryKind::Commit];

type Paths = BTreeMap<String, Option<EntryKind>>;

/// What is there, and what is put in and taken out.
pub fn edits() -> impl Strategy<Value = (Paths, Paths)> {
    let kind = || option::weighted(0.6, select(&KINDS[..]));
    (btree_map(op::path(), kind(), 0..12), btree_map(op::path(), kind(), 0..8))
}

thread_local! {
    static REPO: OnceCell<TestRepo> = const { OnceCell::new() };
}

pub fn check_edits((base, edits): &(Paths, Paths)) -> Result<(), String> {
    REPO.with(|repo| {
        let repo = repo.get_or_init(TestRepo::new);
        let ids = [repo.git(&["rev-parse", "HEAD:README"]), repo.git(&["rev-parse", "HEAD"])];
        let index = repo.root().join("index");
        let _ = fs::remove_file(&index);
        let first = by_git(repo, &index, base, &ids);
        let theirs = by_git(repo, &index, edits, &ids);
        let ours = Repo::at(&repo.work.join(".git")).unwrap();
        let mut bulk = Bulk::new(&ours);
        let edits: Edits = edits
            .iter()
            .map(|(path, kind)| {
                let id = |kind| Oid::parse(&ids[usize::from(kind == EntryKind::Commit)]).unwrap();
                (path.clone().into_bytes(), kind.map(|kind| Entry { kind, id: id(kind) }))
            })
            .collect();
        let base = Oid::parse(&first).unwrap();
        let edited = tree_edit::edit(&mut bulk, Some(&base), &edits).unwrap();
        bulk.finish().unwrap();
        let show = |tree: &str| repo.git(&["ls-tree", "-r", "-t", tree]);
        if edited.as_str() == theirs {
            return Ok(());
        }
        Err(format!("ours:\n{}\ngit's:\n{}", show(edited.as_str()), show(&theirs)))
    })
}

fn by_git(repo: &TestRepo, index: &Path, paths: &Paths, ids: &[String; 2]) -> String {
    let mut lines = Vec::new();
    for (path, kind) in paths {
        let line = match kind {
            Some(kind) => {
                let mode: EntryMode = (*kind).into();
                let id = &ids[usize::from(*kind == EntryKind::Commit)];
                format!("{:06o} {id}\t{path}\0", mode.value())
            }
            None => format!("0 {}\t{path}\0", "0".repeat(40)),
        };
        lines.extend(line.into_bytes());
    }
    let git = |words: &[&str], stdin: &[u8]| {
        let mut child = repo
            .command("git")
            .env("GIT_INDEX_FILE", index)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(stdin).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {words:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["update-index", "--add", "--replace", "-z", "--index-info"], &lines);
    git(&["write-tree"], b"")
}

#[derive(Debug, Clone)]
pub struct Dirty {
    config: Option<&'static str>,
    attributes: Option<&'static str>,
    clean: Vec<Op>,
    /// `core.autocrlf` from here on, so that what is there is not as it should be.
    later: Option<&'static str>,
    dirt: Vec<Op>,
}

const ATTRIBUTES: [&str; 6] = [
    "* text=auto\n",
    "* text\n",
    "a* -text\n* text=auto eol=crlf\n",
    "* text=auto eol=lf\n",
    "d/** text\n",
    "*.o -text\nbuild binary\n",
];
const ENDS: [&str; 7] =
    ["", "one\n", "one\r\n", "one\r\ntwo\n", "one\ntwo\r\n\r\n", "a\0\r\n", "\r\n\r"];

pub fn dirty() -> impl Strategy<Value = Dirty> {
    let crlf = || option::of(select(&["true", "input", "false"][..]));
    let write =
        || (op::path(), select(&ENDS[..])).prop_map(|(path, text)| Op::Write { path, text });
    let step = move || prop_oneof![1 => write(), 1 => op::by_others()];
    let ops = move |count| proptest::collection::vec(step(), count);
    (crlf(), option::of(select(&ATTRIBUTES[..])), ops(0..12), crlf(), ops(1..12)).prop_map(
        |(config, attributes, clean, later, dirt)| Dirty { config, attributes, clean, later, dirt },
    )
}

pub fn check_dirty(dirty: &Dirty) -> Result<(), String> {
    let repo = TestRepo::new();
    let configure = |value: &Option<&str>| {
        if let Some(value) = value {
            repo.git(&["config", "core.autocrlf", value]);
        }
    };
    configure(&dirty.config);
    for op in &dirty.clean {
        apply(&repo, op);
    }
    if let Some(text) = dirty.attributes {
        fs::write(repo.work.join(".gitattributes"), text).unwrap();
    }
    configure(&dirty.later);
    for op in &dirty.dirt {
        apply(&repo, op);
    }
    // A checkpoint changes nothing, so git is asked in the same place, and knows the files as well.
    let ours =
        repo.run(&["checkpoint", "--json"]).ends(0).json()["tree"].as_str().unwrap().to_owned();
    repo.git(&["-c", "core.safecrlf=false", "add", "--all"]);
    let theirs = repo.git(&["write-tree"]);
    if ours == theirs {
        return Ok(());
    }
    let show = |tree: &str| repo.git(&["ls-tree", "-r", "-t", tree]);
    Err(format!("ours:\n{}\ngit's:\n{}", show(&ours), show(&theirs)))
}
