//! Where a link of a document leads, inside of the repository.

use std::collections::BTreeSet;

/// What a link says, as far as it can be looked up here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leads {
    /// To another place in the world, or in the same document.
    Elsewhere,
    To(Vec<u8>),
    /// Above the top of the repository.
    Outside,
}

/// Where `target` leads from the document at `from`.
#[must_use]
pub fn resolve(from: &[u8], target: &str) -> Leads {
    let bare = target.split(['#', '?']).next().unwrap_or_default();
    if bare.is_empty() || target.starts_with("//") || has_scheme(bare) {
        return Leads::Elsewhere;
    }
    let path = decoded(bare);
    let mut parts: Vec<&[u8]> = match path.strip_prefix(b"/") {
        Some(_) => Vec::new(),
        None => from.split(|byte| *byte == b'/').collect(),
    };
    parts.pop();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.pop().is_none() => return Leads::Outside,
            b".." => {}
            part => parts.push(part),
        }
    }
    Leads::To(parts.join(&b'/'))
}

/// Whether it is a file of the set, or a directory of one.
#[must_use]
pub fn is_there(files: &BTreeSet<&[u8]>, path: &[u8]) -> bool {
    if path.is_empty() || files.contains(path) {
        return true;
    }
    let below = [path, b"/"].concat();
    files.range::<&[u8], _>(&below[..]..).next().is_some_and(|file| file.starts_with(&below))
}

/// `mailto:`, `https:` and their like; one letter is a drive and no scheme.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    1 < scheme.len()
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(plain)
}

/// `%20` and its like as the byte that it stands for.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.extend(u8::try_from(high << 4 | low));
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_where_a_reader_would_go() {
        let to = |path: &str| Leads::To(path.as_bytes().to_vec());
        for (target, expected) in [
            ("b.md", to("docs/b.md")),
            ("./x/../b.md#top", to("docs/b.md")),
            ("../README", to("README")),
            ("/src/a%20b.rs?x", to("src/a b.rs")),
            ("%C3%A9.md", to("docs/é.md")),
            ("..", to("")),
            ("../../x", Leads::Outside),
            ("#top", Leads::Elsewhere),
            ("https://x.org/y", Leads::Elsewhere),
            ("mailto:a@b", Leads::Elsewhere),
            ("//x.org/y", Leads::Elsewhere),
            ("100%.md", to("docs/100%.md")),
        ] {
            assert_eq!(resolve(b"docs/a.md", target), expected, "{target}");
        }
        let files: BTreeSet<&[u8]> = [&b"docs/a.md"[..], b"docs-x", b"src/a/b"].into();
        for there in ["", "docs", "docs/a.md", "src/a"] {
            assert!(is_there(&files, there.as_bytes()), "{there}");
        }
        for missing in ["doc", "docs/a", "src/b"] {
            assert!(!is_there(&files, missing.as_bytes()), "{missing}");
        }
    }
}
