//! One refspec of a push or a fetch, as it was typed: from what, to what, and whether by force.

/// A longer one is no refspec that anybody typed.
pub const REFSPEC_BYTES_MAX: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refspec {
    pub force: bool,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `x`: the name at the other side follows from what `x` is, and from what is configured.
    Same(String),
    /// `a:b`, neither of them empty.
    To { from: String, to: String },
    /// `a:` of a fetch, which stores nothing.
    Nowhere(String),
    /// `:b` of a push.
    Delete(String),
    /// `:`: every branch that both sides have.
    Matching,
    /// `^x`: everything but.
    Except(String),
    /// A `*` on any side.
    Many { from: String, to: Option<String> },
    /// `tag x`, in two words.
    Tag(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRefspec {
    #[error("it is empty")]
    Empty,
    #[error("it is too long")]
    TooLong,
    #[error("it holds characters that nobody sees")]
    Control,
}

/// Every refspec of a command line; `tag` takes the next word.
pub fn parse_all(words: &[&str]) -> Result<Vec<Refspec>, BadRefspec> {
    let mut found = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if *word == "tag" {
            let name = words.next().ok_or(BadRefspec::Empty)?;
            found.push(Refspec { force: false, kind: Kind::Tag((*name).to_owned()) });
        } else {
            found.push(parse(word)?);
        }
    }
    Ok(found)
}

pub fn parse(text: &str) -> Result<Refspec, BadRefspec> {
    if REFSPEC_BYTES_MAX < text.len() {
        return Err(BadRefspec::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(BadRefspec::Control);
    }
    if let Some(rest) = text.strip_prefix('^') {
        return Ok(Refspec { force: false, kind: Kind::Except(rest.to_owned()) });
    }
    let (force, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    if rest.is_empty() {
        return Err(BadRefspec::Empty);
    }
    // git looks for the last colon: `:/message` and `a:b:c` hold more of them.
    let kind = match rest.rsplit_once(':') {
        None if rest.contains('*') => Kind::Many { from: rest.to_owned(), to: None },
        None => Kind::Same(rest.to_owned()),
        Some(("", "")) => Kind::Matching,
        Some(("", to)) => Kind::Delete(to.to_owned()),
        Some((from, to)) if from.contains('*') || to.contains('*') => {
            Kind::Many { from: from.to_owned(), to: Some(to.to_owned()) }
        }
        Some((from, "")) => Kind::Nowhere(from.to_owned()),
        Some((from, to)) => Kind::To { from: from.to_owned(), to: to.to_owned() },
    };
    Ok(Refspec { force, kind })
}

/// The full name of a destination, as far as the text alone tells. `main` and `heads/main` are branches,
/// unless the remote has a tag of that name: whoever must know asks the remote.
#[must_use]
pub fn full_name(to: &str) -> String {
    if to.starts_with("refs/") {
        to.to_owned()
    } else if to.starts_with("heads/") || to.starts_with("tags/") || to.starts_with("remotes/") {
        format!("refs/{to}")
    } else {
        format!("refs/heads/{to}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refspecs_are_read_as_git_reads_them() {
        let table = "
            main                       Same(\"main\")
            feature/x:main             To { from: \"feature/x\", to: \"main\" }
            HEAD:refs/heads/main       To { from: \"HEAD\", to: \"refs/heads/main\" }
            +x                         force Same(\"x\")
            +x:y                       force To { from: \"x\", to: \"y\" }
            :main                      Delete(\"main\")
            +:main                     force Delete(\"main\")
            :                          Matching
            +:                         force Matching
            x:                         Nowhere(\"x\")
            ^x                         Except(\"x\")
            refs/heads/*:refs/heads/*  Many { from: \"refs/heads/*\", to: Some(\"refs/heads/*\") }
            refs/heads/*               Many { from: \"refs/heads/*\", to: None }
            :/a:main                   To { from: \":/a\", to: \"main\" }
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (text, want) = line.split_once(' ').unwrap();
            let read = parse(text).unwrap();
            let said = format!("{}{:?}", if read.force { "force " } else { "" }, read.kind);
            assert_eq!(said, want.trim(), "{text}");
        }
        for bad in ["", "+", "a\nb", "\u{9b}"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_word_tag_takes_the_next_one() {
        let read = parse_all(&["tag", "v1", "HEAD:heads/main"]).unwrap();
        assert_eq!(read[0].kind, Kind::Tag("v1".into()));
        assert_eq!(full_name("heads/main"), "refs/heads/main");
        assert!(parse_all(&["tag"]).is_err());
    }
}
