//! What a section is, and what leaves its number alone.

use super::*;

const SPEC: &str = "# Shop\n\nAll of it.\n\n## Cart\n\n- [ ] adds\n\n### Totals\n\nThe sum.\n\n## Login\n\nWords.\n";

fn body(text: &str, section: &str) -> Option<String> {
    let text = Text::new(text.to_owned());
    let found = text.sections.iter().find(|one| one.anchor == section)?;
    Some(normal(&text.text[found.body.clone()]))
}

fn hash_of(text: &str, section: &str) -> Option<Digest> {
    Text::new(text.to_owned()).hash(Some(section))
}

#[test]
fn a_section_goes_to_the_next_heading_of_its_level_or_above() {
    for (section, expected) in [
        (
            "shop",
            Some(
                "All of it.\n\n## Cart\n\n- [ ] adds\n\n### Totals\n\nThe sum.\n\n## Login\n\nWords.",
            ),
        ),
        ("cart", Some("- [ ] adds\n\n### Totals\n\nThe sum.")),
        ("totals", Some("The sum.")),
        ("login", Some("Words.")),
        ("Cart", None),
        ("none", None),
    ] {
        assert_eq!(body(SPEC, section).as_deref(), expected, "{section}");
    }
    let whole = Text::new(SPEC.to_owned());
    assert_eq!(whole.hash(None), Some(hash(SPEC)));
    assert_eq!(whole.hash(Some("Totals")), whole.hash(Some("totals")), "by its words as well");
    assert_eq!(whole.hash(Some(" CART")), whole.hash(Some("cart")));
}

#[test]
fn what_a_reader_cannot_see_leaves_the_number_alone() {
    let cart = hash_of(SPEC, "cart");
    for same in [
        SPEC.replace('\n', "\r\n"),
        SPEC.replace('\n', "\r"),
        format!("\u{feff}{SPEC}"),
        SPEC.replace("The sum.\n", "The sum.  \t\n\n\n"),
        SPEC.replace("[ ] adds", "[x] adds"),
        SPEC.replace("# Shop\n\nAll of it.", "# Store\n\nNone of it."),
        SPEC.replace("## Cart", "Cart\n----"),
        SPEC.replace("## Cart\n\n", "## Cart\n\n\n\n"),
        SPEC.trim_end().to_owned(),
    ] {
        assert_eq!(hash_of(&same, "cart"), cart, "{same:?}");
    }
    for other in [
        SPEC.replace("The sum.", "The  sum."),
        SPEC.replace("adds", "add"),
        SPEC.replace("### Totals", "### Total"),
        SPEC.replace("## Login", "### Login"),
    ] {
        assert_ne!(hash_of(&other, "cart"), cart, "{other:?}");
    }
}

#[test]
fn headings_in_code_quotes_lists_comments_and_front_matter_are_none() {
    for (text, anchors) in [
        ("```\n## Cart\n```\n## Login\n", vec!["login"]),
        ("    ## Cart\n\n## Login", vec!["login"]),
        ("> ## Cart\n\n- ## Item\n\n## Login\n", vec!["login"]),
        ("<!--\n## Cart\n-->\n## Login\n", vec!["login"]),
        ("---\ntitle: x\n---\n\n## Login\n", vec!["login"]),
        ("## Cart\n## Cart\n## Cart-1\n## Cart\n", vec!["cart", "cart-1", "cart-1-1", "cart-2"]),
        ("## `git run` & Größe, 2!\n", vec!["git-run--größe-2"]),
        ("##\n## \n", vec!["", "-1"]),
        ("~~~\n## never closed\n", vec![]),
        ("", vec![]),
        ("# a", vec!["a"]),
    ] {
        let found: Vec<_> = sections(text).into_iter().map(|one| one.anchor).collect();
        assert_eq!(found, anchors, "{text:?}");
    }
}

#[test]
fn a_renamed_section_is_found_by_its_text_and_an_empty_one_is_not() {
    let then = hash_of(SPEC, "login").unwrap();
    let renamed = Text::new(SPEC.replace("## Login", "## Sign in"));
    assert_eq!(renamed.hash(Some("login")), None);
    assert_eq!(renamed.holding(&then), Some("sign-in"));
    let empty = Text::new("## A\n\n## B\n".to_owned());
    assert_eq!(empty.holding(&hash("")), None);
}
