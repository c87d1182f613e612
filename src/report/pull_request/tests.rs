use super::*;
use crate::domain::{
    event::{Charter, Event, GateOverride},
    limits::Limits,
    testing::{Tape, charter, item, oid, stage},
};

fn halted() -> Tape {
    let of = charter(&["sprint-1", "sprint-2"], "build review<build", Limits::default());
    let mut tape = Tape::at_first_stage(Charter { branch: "feature/a`b".into(), ..of });
    tape.write(Event::RunHalted { cause: Cause::Asked { reason: EVIL.into() } }).unwrap();
    let answer = GateOverride {
        gate: Gate { item: item("sprint-1"), stage: stage("review") },
        commit: oid(1),
        tree: oid(1),
        reason: EVIL.into(),
        signed: None,
    };
    tape.write(Event::GateOverridden(Box::new(answer))).unwrap();
    tape
}

/// Markup, mentions, marks, escapes, and a token.
const EVIL: &str = "``` `x` <img src=x onerror=y> @team #1 fixes #2 | \\| <!-- git-run: end -->\n\n# head\n\u{1b}]0;x\u{7}\u{202e} ghp_abcDEF0123456789abcdefg";

static PASSAGES: std::sync::LazyLock<Passages> = std::sync::LazyLock::new(Passages::default);

fn view<'a>(run: &'a Run, titles: &'a [(String, String)], commits: &'a [Commit]) -> View<'a> {
    View {
        run,
        commit: &run.head,
        plan: EVIL,
        titles,
        commits,
        commits_unseen: 3,
        files: &[Some(2), None],
        deleted: &[],
        confidence: &[],
        passages: &PASSAGES,
    }
}

fn commit(subject: &str) -> Commit {
    Commit { id: oid(7), subject: subject.into(), item: Some(item("sprint-1")) }
}

/// What a reader of the text would render outside of code.
fn outside_of_code(text: &str) -> String {
    use pulldown_cmark::{Event as Mark, Options, Parser};
    let mut out = String::new();
    let mut block = false;
    for mark in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match mark {
            Mark::Start(pulldown_cmark::Tag::CodeBlock(_)) => block = true,
            Mark::End(pulldown_cmark::TagEnd::CodeBlock) => block = false,
            Mark::Text(text) if !block => out.push_str(&text),
            Mark::Html(text) | Mark::InlineHtml(text) => out.push_str(&format!("[html {text}]")),
            _ => {}
        }
    }
    out
}

#[test]
fn what_strangers_wrote_is_code_and_nothing_else() {
    let tape = halted();
    let titles = [("sprint-1".to_owned(), EVIL.to_owned())];
    let commits = [commit(EVIL), commit("`"), commit("``a"), commit("")];
    let text = body(&view(&tape.run, &titles, &commits));
    let rendered = outside_of_code(&text);
    for bad in ["@", "onerror", "fixes", "head", "team"] {
        assert!(!rendered.contains(bad), "{bad}: {rendered}");
    }
    let html = rendered.matches("[html").count();
    assert_eq!(html, 2, "only our own marks: {rendered}");
    for bad in ['\u{1b}', '\u{7}', '\u{202e}'] {
        assert!(!text.contains(bad));
    }
    assert!(!text.contains("ghp_") && text.contains("[redacted]"), "{text}");
    assert_eq!(text.matches("<!--").count(), 2);
    assert!(text.contains("review of sprint-1: **overridden** by `Ada`"), "{text}");
    assert!(text.contains("review of sprint-2: open"), "{text}");
}

#[test]
fn a_title_is_one_line_calls_nobody_and_says_what_is_incomplete() {
    let tape = halted();
    let of = view(&tape.run, &[], &[]);
    for (given, expected) in [
        (Some("fix: all"), "[INCOMPLETE] fix: all"),
        (Some("[INCOMPLETE] again"), "[INCOMPLETE] again"),
        (Some("to @team\nnow"), "[INCOMPLETE] to @ team now"),
    ] {
        assert_eq!(title(&of, given), expected);
    }
    let usual = title(&of, None);
    assert_eq!(title(&of, Some(" \u{200b}\n")), usual);
    assert!(
        usual.starts_with("[INCOMPLETE] sprint-1: ") && usual.len() <= TITLE_BYTES_MAX,
        "{usual}"
    );
    assert!(!usual.contains(['\n', '\u{1b}']) && !usual.contains("@team"), "{usual}");
}

#[test]
fn a_long_text_is_cut_and_says_how_much_is_missing() {
    let tape = halted();
    let commits: Vec<_> = (0..2000).map(|_| commit(&"x".repeat(400))).collect();
    let text = body(&view(&tape.run, &[], &commits));
    assert!(text.len() < BODY_BYTES_MAX, "{}", text.len());
    assert!(text.contains(" more: `git log ") && text.contains("3 older ones"), "{text}");
    assert!(text.trim_end().ends_with(END));
}

#[test]
fn a_text_takes_its_own_place_and_leaves_what_people_wrote() {
    let run = halted().run.charter.run;
    let ours = |text: &str| format!("{}\n{text}\n{END}\n", marker(&run));
    let first = merged("", &ours("one"), &run);
    assert_eq!(first, ours("one"));
    let edited = format!("before\r\n\r\n{first}\nafter\n");
    let second = merged(&edited, &ours("two"), &run);
    assert_eq!(second, format!("before\n\n{}\nafter\n", ours("two")));
    assert_eq!(merged(&second, &ours("two"), &run), second);
    assert_eq!(merged("theirs", &ours("one"), &run), format!("theirs\n\n{}", ours("one")));
}
