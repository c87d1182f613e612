//! Sections of Markdown documents, and what stands in them as one number each. What a reader cannot
//! see leaves the number alone. It opens files of the work tree alone, and no text makes it panic.

use std::{collections::HashMap, fs, io, io::Read as _, ops::Range, path::Path};

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::domain::{id::Digest, source::Source};

/// The largest document that is looked into.
pub const DOCUMENT_BYTES_MAX: u64 = 1024 * 1024;
/// Anchors that a message names.
const NAMED_MAX: usize = 8;

/// A document that could be read.
#[derive(Debug, Clone)]
pub struct Text {
    text: String,
    sections: Vec<Section>,
}

/// From behind a heading to the next one of the same level or a higher one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    anchor: String,
    title: String,
    body: Range<usize>,
}

/// A document's bytes, or why they cannot be had: links are followed, and never out of `top`.
pub fn bytes(top: &Path, name: &str) -> Result<Vec<u8>, String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("`{name}` is not there"),
        _ => format!("`{name}` cannot be read: {error}"),
    };
    let path = top.join(name).canonicalize().map_err(failed)?;
    let top = top.canonicalize().map_err(failed)?;
    if !path.starts_with(&top) {
        return Err(format!("`{name}` leads out of the work tree"));
    }
    // Looked at before it is opened: opening a pipe would wait for whoever writes into it.
    let about = fs::metadata(&path).map_err(failed)?;
    if !about.is_file() {
        return Err(format!("`{name}` is no file"));
    }
    let mut found = Vec::new();
    let file = fs::File::open(&path).map_err(failed)?;
    file.take(DOCUMENT_BYTES_MAX + 1).read_to_end(&mut found).map_err(failed)?;
    if DOCUMENT_BYTES_MAX < found.len() as u64 {
        let size = about.len();
        return Err(format!(
            "`{name}` has {size} bytes, more than the {DOCUMENT_BYTES_MAX} that are read"
        ));
    }
    Ok(found)
}

/// Documents of a work tree, each read once.
#[derive(Debug)]
pub struct Library<'t> {
    top: &'t Path,
    read: HashMap<String, Result<(Digest, Text), String>>,
}

impl<'t> Library<'t> {
    #[must_use]
    pub fn new(top: &'t Path) -> Self {
        Self { top, read: HashMap::new() }
    }

    fn document(&mut self, name: &str) -> Result<&(Digest, Text), String> {
        let top = self.top;
        let found = self.read.entry(name.to_owned()).or_insert_with(|| {
            let bytes = bytes(top, name)?;
            let digest = Digest::of(&bytes);
            let text = String::from_utf8(bytes).map_err(|_| format!("`{name}` is not UTF-8"))?;
            Ok((digest, Text::new(text)))
        });
        found.as_ref().map_err(Clone::clone)
    }

    /// The digest of its very bytes.
    pub fn digest(&mut self, name: &str) -> Result<Digest, String> {
        self.document(name).map(|(digest, _)| digest.clone())
    }

    /// What stands in the section, as one number; nothing where there is no such section.
    pub fn hash(&mut self, source: &Source) -> Result<Option<Digest>, String> {
        let (_, text) = self.document(source.path.as_str())?;
        Ok(text.hash(source.section.as_deref()))
    }

    /// Where the same text stands now.
    pub fn moved(&mut self, source: &Source) -> Option<String> {
        let (_, text) = self.document(source.path.as_str()).ok()?;
        let to = text.holding(source.hash.as_ref()?)?.to_owned();
        Some(format!("{}#{to}", source.path.as_str()))
    }

    /// The first names of sections that there are.
    pub fn anchors(&mut self, name: &str) -> Vec<String> {
        let found = self.document(name).ok();
        let all = found.into_iter().flat_map(|(_, text)| &text.sections);
        all.take(NAMED_MAX).map(|section| section.anchor.clone()).collect()
    }
}

impl Text {
    #[must_use]
    pub fn new(text: String) -> Self {
        let sections = sections(&text);
        Self { text, sections }
    }

    /// Of a section, by its anchor or its heading's words; of everything where none is named.
    #[must_use]
    pub fn hash(&self, section: Option<&str>) -> Option<Digest> {
        let Some(wanted) = section else { return Some(hash(&self.text)) };
        let by = |is: &dyn Fn(&Section) -> bool| self.sections.iter().find(|one| is(one));
        let found = by(&|one| one.anchor == wanted)
            .or_else(|| by(&|one| one.title == wanted))
            .or_else(|| by(&|one| one.anchor == slug(wanted)))?;
        Some(hash(&self.text[found.body.clone()]))
    }

    /// The section with this text. One without a word is like any other without a word.
    fn holding(&self, wanted: &Digest) -> Option<&str> {
        let body = |one: &&Section| &self.text[one.body.clone()];
        let mut with = self.sections.iter().filter(|one| !normal(body(one)).is_empty());
        with.find(|one| hash(body(one)) == *wanted).map(|one| one.anchor.as_str())
    }
}

fn hash(text: &str) -> Digest {
    Digest::of(normal(text).as_bytes())
}

/// Lines end with a line feed and with no blanks; empty lines at both ends go; a box that is ticked
/// off asks for the same as before.
fn normal(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines = text.split('\n').map(|line| unticked(line.trim_end()));
    let lines: Vec<String> = lines.collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

fn unticked(line: &str) -> String {
    let inner = line.trim_start_matches([' ', '\t', '>']);
    let digits = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    let marks: &[char] = if digits.len() < inner.len() { &['.', ')'] } else { &['-', '*', '+'] };
    let boxed = digits.strip_prefix(marks).map(str::trim_start);
    match boxed.filter(|rest| rest.starts_with("[x]") || rest.starts_with("[X]")) {
        Some(rest) => format!("{}[ ]{}", &line[..line.len() - rest.len()], &rest[3..]),
        None => line.to_owned(),
    }
}

/// The headings that stand in nothing else, so that an example in a code block is none.
fn sections(text: &str) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    // Levels and places of the sections that have not ended.
    let mut open: Vec<(u8, usize)> = Vec::new();
    let mut anchors: HashMap<String, usize> = HashMap::new();
    let (mut depth, mut title) = (0_usize, None::<String>);
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS | Options::ENABLE_TABLES;
    for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { .. }) if depth == 0 => title = Some(String::new()),
            Event::End(TagEnd::Heading(level)) if depth == 0 => {
                let title = title.take().unwrap_or_default();
                let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
                let level = number(level);
                while let Some((_, at)) = open.pop_if(|(above, _)| level <= *above) {
                    found[at].body.end = range.start;
                }
                open.push((level, found.len()));
                let anchor = once(slug(&title), &mut anchors);
                found.push(Section { anchor, title, body: range.end..text.len() });
            }
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::FootnoteDefinition(_)) => {
                depth += 1;
            }
            Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::FootnoteDefinition) => {
                depth = depth.saturating_sub(1);
            }
            Event::Text(words) | Event::Code(words) => {
                if let Some(title) = &mut title {
                    title.push_str(&words);
                }
            }
            Event::SoftBreak | Event::HardBreak => {
                if let Some(title) = &mut title {
                    title.push(' ');
                }
            }
            _ => {}
        }
    }
    found
}

/// As forges make it: small letters, blanks as dashes, and of the rest only letters, digits, `-` and `_`.
fn slug(title: &str) -> String {
    let kept = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    };
    title.trim().to_lowercase().chars().filter_map(kept).collect()
}

/// The second `cart` is `cart-1`.
fn once(anchor: String, seen: &mut HashMap<String, usize>) -> String {
    let mut unique = anchor.clone();
    while seen.contains_key(&unique) {
        let count = seen.entry(anchor.clone()).or_insert(0);
        *count += 1;
        unique = format!("{anchor}-{count}");
    }
    seen.insert(unique.clone(), 0);
    unique
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests;
