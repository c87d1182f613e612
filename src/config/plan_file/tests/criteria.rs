//! Acceptance criteria that say how they are checked.

use crate::{
    config::plan_file::{read, to_json},
    domain::{
        criterion::Verification,
        finding::Severity,
        plan_spec::{plan_digest, task_spec},
    },
};

fn toml(acceptance: &str) -> String {
    format!(
        "format = 1\n[[sprint]]\n[[sprint.task]]\nid = \"T-1\"\ntitle = \"One\"\nwrites = [\"a/\"]\n{acceptance}\n"
    )
}

const ALL_KINDS: &str = r#"acceptance = [
  "it is small",
  { id = "AC-2", statement = "money is whole", severity = "critical", reviewer = "ann", verifications = [
    { type = "file", path = "src/money.rs" },
    { type = "grep", path = "src/money.rs", pattern = '^pub struct Money\(u64\)' },
    { type = "command", command = "cargo test money", timeout = "5m" },
    { type = "command", command = "grep f64 src/money.rs", must_succeed = false },
    { type = "lsp", path = "src/money.rs", query = "no errors", skip = "no server on the builders" },
  ] },
]"#;

#[test]
fn every_kind_of_verification_is_read_and_kept() {
    let plan = read("p.toml", &toml(ALL_KINDS)).unwrap();
    let [plain, money] = &plan.sprints[0].tasks[0].acceptance[..] else { panic!("two") };
    assert!(plain.is_plain() && !money.is_plain());
    assert_eq!((money.severity, &*money.extra["reviewer"]), (Severity::Critical, r#""ann""#));
    let said: Vec<String> = money.verifications.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`src/money.rs` is there",
            r"`src/money.rs` matches `^pub struct Money\(u64\)`",
            "`cargo test money` succeeds",
            "`grep f64 src/money.rs` fails",
            "a language server is not asked: no server on the builders",
        ]
    );
    let Verification::Grep { pattern, .. } = &money.verifications[1] else { panic!("a grep") };
    assert!(pattern.is_in("mod x;\npub struct Money(u64);"));
    let frozen = to_json(&plan);
    let acceptance = r#""acceptance":["it is small",{"id":"AC-2","reviewer":"ann","severity":"critical","statement":"money is whole","verifications":[{"path":"src/money.rs","type":"file"},"#;
    assert!(frozen.contains(acceptance) && frozen.contains(r#""timeout":"300s""#), "{frozen}");
    let thawed = read("p.json", &frozen).unwrap();
    assert_eq!((&thawed, to_json(&thawed)), (&plan, frozen));
}

#[test]
fn a_criterion_of_words_is_written_and_counted_as_it_always_was() {
    let text = toml(r#"acceptance = ["it holds", "it is tested"]"#);
    let table =
        toml(r#"acceptance = [{ statement = "it holds", severity = "medium" }, "it is tested"]"#);
    let (plan, same) = (read("p.toml", &text).unwrap(), read("p.toml", &table).unwrap());
    assert_eq!(to_json(&plan), to_json(&same));
    assert!(to_json(&plan).contains(r#""acceptance":["it holds","it is tested"]"#));
    let spec = "74ca4fd9fbf54cc558c3b88a0e49696ed11dfe74b91a5d73479214d20460c0eb";
    assert_eq!(plan.sprints[0].tasks[0].spec.as_str(), spec);
}

#[test]
fn whatever_a_criterion_asks_for_counts() {
    let mut specs = Vec::new();
    let mut digests = Vec::new();
    for said in [
        r#""x""#,
        r#"{ statement = "x", id = "A" }"#,
        r#"{ statement = "x", id = "B" }"#,
        r#"{ statement = "x", severity = "low" }"#,
        r#"{ statement = "x", verifications = [{ type = "file", path = "a" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "file", path = "b" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "grep", path = "a", pattern = "b" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "command", command = "a" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "command", command = "a", timeout = "1s" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "command", command = "a", must_succeed = false }] }"#,
        r#"{ statement = "x", verifications = [{ type = "lsp", skip = "a" }] }"#,
        r#"{ statement = "x", verifications = [{ type = "lsp", skip = "a", path = "b" }] }"#,
    ] {
        let plan = read("p.toml", &toml(&format!("acceptance = [{said}]"))).unwrap();
        specs.push(task_spec(&plan.sprints[0].tasks[0]));
        digests.push(plan_digest(&plan));
    }
    for list in [&mut specs, &mut digests] {
        let count = list.len();
        list.sort();
        list.dedup();
        assert_eq!(list.len(), count);
    }
}

#[test]
fn a_criterion_that_nobody_could_judge_is_a_fault() {
    for (said, expected) in [
        (r#"3"#, "`acceptance` of a task holds a number, not a text"),
        (r#"{ severity = "low" }"#, "a criterion has no `statement`"),
        (r#"{ statement = " " }"#, "an acceptance criterion of `T-1` is empty"),
        (r#"{ statement = "x", severity = "info" }"#, "`info` is no severity of a criterion"),
        (r#"{ statement = "x", severity = "grave" }"#, "`grave` is no severity of a criterion"),
        (r#"{ statement = "x", sevrity = "low" }"#, "`sevrity` is no field of a criterion"),
        (
            r#"{ statement = "x", id = "A" }, { statement = "y", id = "A" }"#,
            "the criterion `A` of `T-1` is there twice",
        ),
        (
            r#"{ statement = "x", id = "a b" }"#,
            "`a b` is no criterion name: letters, digits, `-`, `_` and inner dots only, a letter or digit first",
        ),
    ] {
        let faults = read("p.toml", &toml(&format!("acceptance = [{said}]"))).unwrap_err();
        assert_eq!(faults[0].what, expected, "{said}");
    }
}

#[test]
fn a_check_that_could_not_be_made_is_a_fault() {
    for (said, expected) in [
        (r#"path = "a""#, "a verification has no `type`"),
        (r#"type = "files", path = "a""#, "`files` is no kind of verification"),
        (r#"type = "file""#, "a `file` verification of `T-1` has no `path`"),
        (r#"type = "file", path = "src/""#, "`src/` is a directory; name one file"),
        (
            r#"type = "file", path = "a*""#,
            "`a*` is a glob; name the file, or the directory with a final `/`",
        ),
        (
            r#"type = "file", path = "/a""#,
            "`/a` is absolute; say it relative to the top of the repository",
        ),
        (
            r#"type = "file", path = "a", pattern = "x""#,
            "`pattern` is no field of a `file` verification of `T-1`",
        ),
        (r#"type = "grep", path = "a""#, "a `grep` verification of `T-1` has no `pattern`"),
        (
            r#"type = "grep", path = "a", pattern = "(""#,
            "the pattern `(`: it is no regular expression: found open group without closing ')'",
        ),
        (
            r#"type = "grep", path = "a", pattern = """#,
            "the pattern ``: a pattern may not be empty",
        ),
        (r#"type = "command""#, "a `command` verification of `T-1` has no `command`"),
        (
            r#"type = "command", command = " ""#,
            "the command of a `command` verification of `T-1` is empty",
        ),
        (
            r#"type = "command", command = "a", must_succeed = "no""#,
            "`must_succeed` of a verification is a text, not a yes or no",
        ),
        (
            r#"type = "command", command = "a", must_suceed = false"#,
            "`must_suceed` is no field of a verification",
        ),
        (r#"type = "command", command = "a", timeout = "30""#, "`30` is no time for a command"),
        (r#"type = "command", command = "a", timeout = "0s""#, "`0s` is no time for a command"),
        (r#"type = "command", command = "a", timeout = "25h""#, "`25h` is no time for a command"),
        (
            r#"type = "lsp", path = "a""#,
            "a `lsp` verification of `T-1` cannot be checked: no language server is asked",
        ),
        (r#"type = "lsp", skip = """#, "the `skip` of a `lsp` verification of `T-1` is empty"),
    ] {
        let text =
            format!("acceptance = [{{ statement = \"x\", verifications = [{{ {said} }}] }}]");
        let faults = read("p.toml", &toml(&text)).unwrap_err();
        assert_eq!(faults[0].what, expected, "{said}");
        assert_eq!(faults[0].line, 7, "{said}");
    }
}
