//! Whether a paper that was handed in is one: not missing, not empty, not the template, and with
//! something to read below each heading that it must have.

use super::workflow::Paper;

pub const PAPER_BYTES_MAX: usize = 256 * 1024;

/// Why it does not count; nothing where it does.
#[must_use]
pub fn fault(paper: &Paper, handed: Option<&str>) -> Option<String> {
    let name = &paper.name;
    let Some(text) = handed else { return Some(format!("`{name}` was not handed in")) };
    if text.trim().is_empty() {
        return Some(format!("`{name}` is empty"));
    }
    let template = paper.template.as_deref().unwrap_or_default();
    if !template.is_empty() && plain(text) == plain(template) {
        return Some(format!("`{name}` is still the template"));
    }
    let missing: Vec<_> =
        paper.sections.iter().filter(|section| below(text, section).is_none()).collect();
    match missing.as_slice() {
        [] => {}
        [one] => return Some(format!("`{name}` has no section `{one}`")),
        several => {
            let named: Vec<_> = several.iter().map(|section| format!("`{section}`")).collect();
            return Some(format!("`{name}` has no sections {}", named.join(", ")));
        }
    }
    paper.sections.iter().find_map(|section| {
        let found = below(text, section)?;
        let found = plain(&found);
        let untouched = below(template, section).is_some_and(|first| plain(&first) == found);
        let why = if found.is_empty() { "is empty" } else { "is still the template's" };
        (found.is_empty() || untouched)
            .then(|| format!("the section `{section}` of `{name}` {why}"))
    })
}

/// White space does not count.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands below the heading of this name, up to the next one of its level or above. Its own
/// headings further down are no text.
fn below(text: &str, heading: &str) -> Option<String> {
    let mut found: Option<(usize, String)> = None;
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let bare = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| bare.starts_with(mark));
        let level = if fence.is_none() { level(line) } else { None };
        if let Some(mark) = mark {
            fence = match fence {
                None => Some(mark),
                Some(open) if open == mark => None,
                open => open,
            };
        }
        match (&mut found, level) {
            (None, Some((level, title))) if same(title, heading) => {
                found = Some((level, String::new()));
            }
            (Some((own, _)), Some((level, _))) if level <= *own => break,
            (Some(_), Some(_)) => {}
            (Some((_, body)), None) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, _) => {}
        }
    }
    found.map(|(_, body)| body)
}

fn level(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = line.get(level..)?;
    ((1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t'])))
        .then(|| (level, rest.trim().trim_end_matches('#').trim_end()))
}

/// Numbers before a heading, as in `1. Overview`, do not count.
fn same(title: &str, heading: &str) -> bool {
    let title =
        title.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ')' | ' '));
    title.eq_ignore_ascii_case(heading)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_that_says_nothing_is_none() {
        let template = "# D\n\n## Overview\n\nSay what.\n\n## Risks\n";
        let paper = Paper {
            name: "d.md".into(),
            template: Some(template.into()),
            sections: vec!["Overview".into(), "Risks".into()],
        };
        for (text, expected) in [
            (None, Some("not handed in")),
            (Some(" \n"), Some("is empty")),
            (Some(template), Some("still the template")),
            (Some("# D\n## Overview\nx\n"), Some("no section `Risks`")),
            (Some("# D\n## Overview\nx\n## Risks\n\n"), Some("`Risks` of `d.md` is empty")),
            (Some("# D\n## Overview\nSay  what.\n## Risks\ny\n"), Some("still the template's")),
            (Some("# D\nx\n"), Some("no sections `Overview`, `Risks`")),
            (Some("## Overview\nx\n```\n## Risks\n```\n"), Some("no section `Risks`")),
            (Some("## 1. overview ##\nx\n### more\nz\n## 2) RISKS\ny\n"), None),
            (Some("# Risks\n### a\n# Overview\nx\n"), Some("`Risks` of `d.md` is empty")),
        ] {
            let found = fault(&paper, text);
            match expected {
                None => assert_eq!(found, None, "{text:?}"),
                Some(part) => {
                    assert!(found.as_ref().unwrap().contains(part), "{text:?}: {found:?}")
                }
            }
        }
    }
}
