//! What is wrong with a file, and on which line.

use crate::config::plan_file::{FILE_BYTES_MAX, JSON_BYTES_MAX, read};

fn faults(name: &str, text: &str) -> Vec<(u32, String)> {
    let faults = read(name, text).expect_err(text);
    assert!(faults.is_sorted_by_key(|fault| fault.line), "{faults:?}");
    for fault in &faults {
        let (what, fix) = (&fault.what, &fault.fix);
        assert!(!what.contains('\n') && !fix.contains('\n') && !fix.is_empty(), "{fault:?}");
        assert!(!what.ends_with('.') && !fix.ends_with('.'), "{fault:?}");
    }
    faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
}

fn all(name: &str, cases: &[(&str, &[(u32, &str)])]) {
    for (text, expected) in cases {
        let found = faults(name, text);
        let found: Vec<_> = found.iter().map(|(line, what)| (*line, what.as_str())).collect();
        assert_eq!(&found[..], *expected, "{text}");
    }
}

#[test]
fn a_fault_in_toml_has_its_line() {
    all(
        "p.toml",
        &[
            ("", &[(1, "the plan does not say its `format`"), (1, "the plan has no sprints")]),
            (
                "format = 2\nsprint = 3",
                &[(1, "the plan is of format 2, and this `git run` reads 1")],
            ),
            (
                "format = 1\n\n[[sprint]\ntitle = \"x\"\n",
                &[(3, "this is no TOML: unclosed array table, expected `]`")],
            ),
            (
                "format = 1\n[[sprint]]\ntitle = \"x\"\n[[sprint.task]]\nid = \"a\"\ntitle = \"A\"\nid = \"b\"\n",
                &[(7, "this is no TOML: duplicate key")],
            ),
            (
                "format = 1\nacceptance = []\n[[sprint]]\nwrites = []\nowner = \"x\"\n[[task]]\nid = \"T-1\"\n",
                &[
                    (2, "`acceptance` is no field of the plan"),
                    (3, "the sprint `sprint-1` has no tasks"),
                    (4, "`writes` is no field of a sprint"),
                    (6, "`task` is no field of the plan"),
                ],
            ),
            (
                "format = 1\n[sprint]\ntitle = \"x\"\n",
                &[
                    (1, "the plan has no sprints"),
                    (2, "`sprint` of the plan is a table, not a list"),
                ],
            ),
            (
                "format = 1\n[[sprint]]\n[[sprint.task]]\nid = \"T-1\"\ntitel = \"x\"\nacceptence = []\nwrites = [\n  \"a\",\n  3,\n]\nowner = 1979-05-27\ngroup = 2\n",
                &[
                    (3, "a task has no `title`"),
                    (5, "`titel` is no field of a task"),
                    (6, "`acceptence` is no field of a task"),
                    (9, "`writes` of a task holds a number, not a text"),
                    (12, "`group` of a task is a number, not a text"),
                ],
            ),
            (
                "format = \"1\"\n[[sprint]]\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"x\"\nacceptance = \"x\"\nsteps = [\"make\"]\ndeps = []\n[[sprint.task]]\nid = \"T-2\"\ntitle = \"x\"\ndepends_on = [\n\"T-1\",\n\"T-9\"]\nsteps = { implement = \"make\" }\n",
                &[
                    (1, "`format` is a text, not a number"),
                    (6, "`acceptance` of a task is a text, not a list of texts"),
                    (7, "`steps` of a task is a list, not a table of lists"),
                    (8, "`deps` is no field of a task"),
                    (14, "`T-2` depends on `T-9`, which is no task of this plan"),
                    (15, "`implement` of the steps of a task is a text, not a list of texts"),
                ],
            ),
        ],
    );
}

#[test]
fn a_fault_in_json_has_its_line() {
    all(
        "p.json",
        &[
            ("", &[(1, "found the end of the file instead of a value")]),
            ("[]", &[(1, "the plan is a list, not a table")]),
            ("{\n\"format\": 1,\n}\n", &[(3, "found `}` instead of a name in double quotes")]),
            ("{\n\"format\": 1\n\n", &[(2, "found the end of the file instead of `,` or `}`")]),
            ("{\n// x\n}", &[(2, "found `/` instead of a name in double quotes")]),
            ("{\"format\": 1} {}", &[(1, "found `{` instead of the end of the file")]),
            ("{\"format\":\n01}", &[(2, "`01` is no number")]),
            ("{\"format\":\nyes}", &[(2, "`yes` is no JSON value")]),
            ("{\"format\":\n\n\"x}", &[(3, "a text begins here and never ends")]),
            ("{\"format\":\n\"\\ud800\"}", &[(2, "`\"\\ud800\"` is no JSON text")]),
            ("{\"a\":\n\"x\ny\"}", &[(2, "`\"x\\ny\"` is no JSON text")]),
            (
                "{\"format\":1,\n\"id\":\"x\",\n\"id\":\"y\",\"x\":{\"a\":1,\n\"a\":2}}",
                &[(3, "`id` is already there, on line 2"), (4, "`a` is already there, on line 3")],
            ),
            (
                "{\"format\":1.0,\n\"sprint\":[\n7,\n{\"tasks\":[]}]}",
                &[
                    (1, "there is no format `1.0`"),
                    (3, "a sprint is a number, not a table"),
                    (4, "`tasks` is no field of a sprint"),
                    (4, "the sprint `sprint-2` has no tasks"),
                ],
            ),
        ],
    );
}

#[test]
fn depth_and_size_have_an_end() {
    let deep = "[".repeat(500_000);
    for (name, text, what) in [
        ("p.json", deep.clone(), "values stand in each other more than 32 deep"),
        ("p.json", "{\"a\":".repeat(100_000), "values stand in each other more than 32 deep"),
        (
            "p.toml",
            format!("a = {deep}"),
            "this is no TOML: cannot recurse further; max recursion depth met",
        ),
        (
            "p.toml",
            format!("a = {}{}", "[".repeat(40), "]".repeat(40)),
            "values stand in each other more than 32 deep",
        ),
        ("p.toml", " ".repeat(FILE_BYTES_MAX + 1), "the file is larger than 1048576 bytes"),
        ("p.md", " ".repeat(FILE_BYTES_MAX + 1), "the file is larger than 1048576 bytes"),
        ("p.json", " ".repeat(JSON_BYTES_MAX + 1), "the file is larger than 8388608 bytes"),
        ("p.md", "- ".repeat(200_000), "no sprint heading was found"),
        ("p.md", "> ".repeat(200_000), "no sprint heading was found"),
    ] {
        assert!(faults(name, &text).iter().any(|(_, found)| found == what), "{what}");
    }
}

#[test]
fn keys_in_tables_in_toml_do_not_exhaust_the_stack() {
    for dots in [7, 8, 78] {
        let key = format!("a{}", ".a".repeat(dots));
        let text = format!("{}{key} = 1{}", format!("{key} = {{").repeat(78), "}".repeat(78));
        let broken = text.replace('}', "");
        let lists = text.replace('{', "[{");
        for text in [format!("[{key}]\n{text}"), text, broken, lists] {
            let found = faults("p.toml", &text);
            let long = found[0].1 == "a key has more than 8 parts";
            assert_eq!(long, dots != 7, "{found:?}");
        }
    }
}

#[test]
fn dots_in_texts_are_no_key() {
    for text in [
        r#""........""#,
        r"'........'",
        r#""\"........""#,
        "'''\n'........'''''",
        "\"\"\"\n\"\"........\\\"\"\"\"",
        "1 # ........",
    ] {
        let sprint = "[[sprint]]\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"x\"\n";
        assert!(read("p.toml", &format!("format = 1\nx = {text}\n{sprint}")).is_ok(), "{text}");
        let found = faults("p.toml", &format!("x = {text}\na{} = 1\n", ".a".repeat(8)));
        assert_eq!(found, [(found[0].0, "a key has more than 8 parts".to_owned())], "{text}");
    }
}

#[test]
fn criteria_that_every_task_takes_over_cannot_fill_the_memory() {
    let criteria = format!("- {}\n", "x".repeat(10_000)).repeat(90);
    let text = format!("## Sprint 1\n{}### Acceptance\n\n{criteria}", "- [ ] x\n".repeat(1_500));
    let found = faults("p.md", &text);
    assert_eq!(found, [(1, "too many tasks share too long acceptance criteria".to_owned())]);
}
