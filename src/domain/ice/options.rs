//! Options as git reads them: clusters of short ones, values, negations and beginnings of long ones.
//! What a grammar does not list is refused.

use super::{
    denial::Denial,
    word::{Sure, Word},
};

/// One option a line: its names, then `=` when it takes a value and `?` when it may have one attached;
/// after a `!` stands why it is refused.
#[derive(Debug, Clone, Copy)]
pub struct Grammar(pub &'static str);

#[derive(Debug, Clone, Default)]
pub struct Parsed {
    flags: Vec<Flag>,
    pub words: Vec<Word>,
    /// How many words stand before `--`, when there is one.
    pub before_dashes: Option<usize>,
}

#[derive(Debug, Clone)]
struct Flag {
    name: &'static str,
    on: bool,
    value: Option<Word>,
}

impl Parsed {
    /// Whether an option is on at the end: the last word about it counts.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.flags.iter().rev().find(|flag| flag.name == name).is_some_and(|flag| flag.on)
    }

    #[must_use]
    pub fn any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Word> {
        self.flags.iter().rev().find(|flag| flag.name == name && flag.on)?.value.as_ref()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Value,
    Maybe,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    takes: Takes,
    why_not: Option<&'static str>,
    /// The last name, by which it is asked for.
    name: &'static str,
}

impl Grammar {
    /// Reads the words that follow a subcommand.
    pub fn parse(self, sub: &str, args: &[Word]) -> Result<Parsed, Denial> {
        let mut parsed = Parsed::default();
        let mut args = args.iter();
        while let Some(word) = args.next() {
            if parsed.before_dashes.is_some() {
                parsed.words.push(word.clone());
            } else if word.known() == Some("--") {
                parsed.before_dashes = Some(parsed.words.len());
            } else if word.known() == Some("--end-of-options") {
                parsed.words.extend(args.by_ref().cloned());
            } else if word.lead == "-" && word.sure == Sure::Whole || !word.may_be_option() {
                parsed.words.push(word.clone());
            } else if word.lead.starts_with("--") {
                parsed.flags.push(self.long(sub, word, &mut args)?);
            } else if word.lead.starts_with('-') {
                self.shorts(sub, word, &mut args, &mut parsed.flags)?;
            } else if self.is_harmless() {
                parsed.words.push(word.clone());
            } else {
                return Err(unclear(sub, word));
            }
        }
        Ok(parsed)
    }

    fn long<'a>(
        self,
        sub: &str,
        word: &Word,
        args: &mut impl Iterator<Item = &'a Word>,
    ) -> Result<Flag, Denial> {
        let text = &word.lead[2..];
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => {
                let shown = word.shown.split_once('=').map_or("", |(_, shown)| shown);
                let whole = Word::whole(value);
                (name, Some(Word { sure: word.sure, shown: shown.to_owned(), ..whole }))
            }
            None if word.sure == Sure::Whole => (text, None),
            None => return Err(unclear(sub, word)),
        };
        let (entry, on) = self.find_long(sub, name)?;
        if on && let Some(why) = entry.why_not {
            return Err(refused(sub, &format!("--{name}"), why));
        }
        let value = match (entry.takes, value) {
            (Takes::Value, None) if on => args.next().cloned(),
            (_, value) => value,
        };
        certain(sub, word, value.as_ref())?;
        Ok(Flag { name: entry.name, on, value })
    }

    fn find_long(self, sub: &str, name: &str) -> Result<(Entry, bool), Denial> {
        let longs = || self.entries().flat_map(|(names, entry)| names.map(move |n| (n, entry)));
        let longs = || longs().filter(|(known, _)| 1 < known.chars().count());
        if let Some((_, entry)) = longs().find(|(known, _)| *known == name) {
            return Ok((entry, true));
        }
        let positive = name.strip_prefix("no-");
        if let Some((_, entry)) = longs().find(|(known, _)| Some(*known) == positive) {
            return Ok((entry, false));
        }
        // git takes the beginning of a long option for all of it.
        let begun = longs().find(|(known, entry)| {
            !name.is_empty() && known.starts_with(name) && entry.why_not.is_some()
        });
        match begun {
            Some((known, Entry { why_not: Some(why), .. })) => {
                Err(refused(sub, &format!("--{name}` for `--{known}"), why))
            }
            Some(_) | None => Err(Denial::new(
                "option",
                format!("`git {sub} --{}` is not known to be harmless", shown(name)),
            )
            .next("spell a known option out, or do without it")),
        }
    }

    fn shorts<'a>(
        self,
        sub: &str,
        word: &Word,
        args: &mut impl Iterator<Item = &'a Word>,
        flags: &mut Vec<Flag>,
    ) -> Result<(), Denial> {
        let mut rest = &word.lead[1..];
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            let mut buffer = [0; 4];
            let name: &str = c.encode_utf8(&mut buffer);
            let entry = self.entries().find(|(names, _)| names.clone().any(|known| known == name));
            let Some((_, entry)) = entry else {
                return Err(Denial::new(
                    "option",
                    format!("`git {sub} -{}` is not known to be harmless", shown(name)),
                ));
            };
            if let Some(why) = entry.why_not {
                return Err(refused(sub, &format!("-{name}"), why));
            }
            let attached = Word { sure: word.sure, shown: word.shown.clone(), ..Word::whole(rest) };
            let more = !rest.is_empty() || word.sure != Sure::Whole;
            let value = match entry.takes {
                Takes::Nothing => None,
                Takes::Value if !more => args.next().cloned(),
                Takes::Value | Takes::Maybe => more.then_some(attached),
            };
            certain(sub, word, value.as_ref())?;
            let ends = entry.takes != Takes::Nothing;
            flags.push(Flag { name: entry.name, on: true, value });
            if ends {
                return Ok(());
            }
        }
        if word.sure == Sure::Whole { Ok(()) } else { Err(unclear(sub, word)) }
    }

    fn entries(
        self,
    ) -> impl Iterator<Item = (impl DoubleEndedIterator<Item = &'static str> + Clone, Entry)> {
        self.0.lines().filter(|line| !line.trim().is_empty()).map(|line| {
            let (names, why_not) = match line.split_once('!') {
                Some((names, why)) => (names, Some(why.trim())),
                None => (line, None),
            };
            let words = names.split_whitespace();
            let takes = if words.clone().any(|word| word == "=") {
                Takes::Value
            } else if words.clone().any(|word| word == "?") {
                Takes::Maybe
            } else {
                Takes::Nothing
            };
            let names = words.filter(|word| !matches!(*word, "=" | "?"));
            let name = names.clone().next_back().unwrap_or_default();
            (names, Entry { takes, why_not, name })
        })
    }

    /// Nothing that it lists is refused, so a word that is not known can do no harm.
    fn is_harmless(self) -> bool {
        self.entries().all(|(_, entry)| entry.why_not.is_none())
    }
}

fn certain(sub: &str, word: &Word, value: Option<&Word>) -> Result<(), Denial> {
    match value {
        Some(value) if value.sure == Sure::Parts => Err(unclear(sub, word)),
        Some(_) | None => Ok(()),
    }
}

fn refused(sub: &str, option: &str, why: &str) -> Denial {
    let (why, next) = why.split_once(" -> ").unwrap_or((why, ""));
    let denial = Denial::new("option", format!("`git {sub} {}`: {why}", shown(option)));
    if next.is_empty() { denial } else { denial.next(next) }
}

/// A word that only the shell will know.
pub(super) fn unclear(sub: &str, word: &Word) -> Denial {
    let what = format!("it cannot be told what `{}` will be in `git {sub}`", shown(&word.shown));
    Denial::new("unclear", what).next("write it out, or put it in quotes after `--`")
}

fn shown(text: &str) -> String {
    text.chars().take(120).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRAMMAR: Grammar = Grammar(
        "
        q quiet
        m message =
        S gpg-sign ?
        f force ! it is force -> do without
        verify
        n no-verify ! hooks are not skipped
        ",
    );

    fn read(line: &str) -> Result<Parsed, Denial> {
        let words: Vec<Word> = line.split(' ').map(Word::whole).collect();
        GRAMMAR.parse("x", &words)
    }

    #[test]
    fn options_are_read_as_git_reads_them() {
        for (line, ok) in [
            ("-q a", true),
            ("-qm text a", true),
            ("-qmtext", true),
            ("--message=x", true),
            ("--message --force", true),
            ("-m -f", true),
            ("-qf", false),
            ("--force", false),
            ("--forc", false),
            ("--no-force", true),
            ("--no-v", false),
            ("--no-verify", false),
            ("--verify", true),
            ("-Sf", true),
            ("-- --force", true),
            ("--unheard-of", false),
            ("-x", false),
            ("-", true),
        ] {
            assert_eq!(read(line).is_ok(), ok, "{line}");
        }
        let parsed = read("--quiet a --no-quiet -- -q").unwrap();
        assert!(!parsed.has("quiet"));
        assert_eq!((parsed.words.len(), parsed.before_dashes), (2, Some(1)));
    }

    #[test]
    fn a_word_that_is_not_known_may_be_an_option() {
        let part = Word { sure: Sure::Part, ..Word::unknown("$x") };
        let parse = |words: &[Word]| GRAMMAR.parse("x", words);
        assert!(parse(std::slice::from_ref(&part)).is_err());
        assert!(parse(&[Word::whole("-m"), part.clone()]).is_ok());
        assert!(parse(&[Word::whole("--"), part]).is_ok());
        assert!(parse(&[Word::whole("-m"), Word::unknown("$x")]).is_err());
    }
}
