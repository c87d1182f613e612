use super::*;

fn file(mode: u32) -> Option<File> {
    Some(File { mode, id: Oid::parse(&"a".repeat(40)).unwrap() })
}

#[test]
fn what_is_not_saved_elsewhere_is_never_touched() {
    let change = |path: &str, now, then| Change { path: path.into(), now, then };
    let changes = [
        change("modified", file(0o100644), file(0o100755)),
        change("new", file(0o100644), None),
        change("gone", None, file(0o100644)),
        change("large", file(0o100644), file(0o100644)),
        change("large-gone", file(0o100644), None),
        change("was-large", file(0o100644), None),
        change("data/x", file(0o100644), None),
        change("build/out", None, file(0o100644)),
        change("sub", file(SUBMODULE), None),
    ];
    let set = |paths: &[&str]| paths.iter().map(|path| path.as_bytes().to_vec()).collect();
    let facts = Facts {
        unsaved: set(&["large", "large-gone"]),
        unknown_then: set(&["was-large"]),
        ignored_then: set(&["data/x"]),
        in_the_way: [(b"build/out".to_vec(), b"build".to_vec())].into(),
    };
    let plan = plan(&changes, &facts);
    let names = |paths: Vec<&Vec<u8>>| {
        let names: Vec<_> = paths.into_iter().map(|path| String::from_utf8_lossy(path)).collect();
        names.join(" ")
    };
    assert_eq!(names(plan.write.iter().map(|(path, _)| path).collect()), "modified gone");
    assert_eq!(names(plan.remove.iter().collect()), "new");
    let kept: Vec<_> = plan.keep.iter().map(|(_, why)| why.word()).collect();
    assert_eq!(
        kept,
        ["not-saved", "not-saved", "left-out-then", "ignored-then", "in-the-way", "submodule"]
    );
}

#[test]
fn a_path_that_leads_out_of_the_work_tree_is_none() {
    for bad in
        ["", "/a", "a//b", "../a", "a/..", ".git/config", "a/.GIT/x", "GIT~1/x", "a/./b", "a/"]
    {
        assert!(!is_safe_path(bad.as_bytes()), "{bad}");
    }
    for good in ["a", ".gitignore", "a/.github/x", "..a", "-n", "a\nb"] {
        assert!(is_safe_path(good.as_bytes()), "{good}");
    }
}
