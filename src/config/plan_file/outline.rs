//! Markdown as a flat outline: headings, paragraphs and list items with their plain text. Code
//! blocks, quotes and HTML are no part of it, so that an example in a document is never work.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::lines::Lines;

#[derive(Debug)]
pub(super) struct Block {
    pub(super) line: u32,
    pub(super) kind: Kind,
    pub(super) lines: Vec<Line>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From 1 to 6.
    Heading(u8),
    Paragraph,
    /// From depth 1 on; `checked` is there where the item has a box.
    Item {
        depth: usize,
        checked: Option<bool>,
    },
}

/// A line of the source, without its markup.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) line: u32,
    pub(super) text: String,
    /// How much of the text, from its beginning on, is bold or code.
    pub(super) lead: usize,
    /// Whether a paragraph begins here.
    pub(super) fresh: bool,
}

pub(super) fn outline(text: &str) -> Vec<Block> {
    let mut walk = Walk { lines: Lines::of(text), ..Walk::default() };
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TASKLISTS).into_offset_iter() {
        walk.step(&event, range.start);
    }
    walk.blocks
}

#[derive(Default)]
struct Walk {
    lines: Lines,
    blocks: Vec<Block>,
    /// The items that are open, as indexes of `blocks`.
    items: Vec<usize>,
    /// The heading or paragraph that is open outside of any list.
    open: Option<usize>,
    /// How many code blocks, quotes and the like are open.
    hidden: usize,
    fresh: bool,
    /// A bold text that began with its line and has not ended.
    bold: bool,
}

impl Walk {
    fn step(&mut self, event: &Event<'_>, at: usize) {
        match event {
            Event::Start(tag) => self.start(tag, at),
            Event::End(tag) => self.end(*tag),
            _ if 0 < self.hidden => {}
            Event::Text(text) => self.text(text, at),
            Event::Code(code) => {
                let leads = self.at_line_start();
                self.text(code, at);
                if leads {
                    self.mark_lead();
                }
            }
            Event::SoftBreak | Event::HardBreak => self.break_line(at),
            Event::TaskListMarker(done) => {
                let item = self.items.last().and_then(|&item| self.blocks.get_mut(item));
                if let Some(Block { kind: Kind::Item { checked, .. }, .. }) = item {
                    *checked = Some(*done);
                }
            }
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::Html(_)
            | Event::InlineHtml(_)
            | Event::FootnoteReference(_)
            | Event::Rule => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>, at: usize) {
        match tag {
            Tag::BlockQuote(_) | Tag::CodeBlock(_) | Tag::HtmlBlock => self.hidden += 1,
            _ if 0 < self.hidden => {}
            Tag::Heading { level, .. } if self.items.is_empty() => {
                self.open = Some(self.begin(Kind::Heading(number(*level)), at));
            }
            Tag::Paragraph if self.items.is_empty() => {
                self.open = Some(self.begin(Kind::Paragraph, at));
            }
            Tag::Paragraph | Tag::Heading { .. } => self.fresh = true,
            Tag::Item => {
                let depth = self.items.len() + 1;
                let item = self.begin(Kind::Item { depth, checked: None }, at);
                self.items.push(item);
            }
            Tag::Strong => self.bold = self.at_line_start(),
            // Everything else is inline, or holds blocks that come by themselves.
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::CodeBlock | TagEnd::HtmlBlock => {
                self.hidden = self.hidden.saturating_sub(1);
            }
            _ if 0 < self.hidden => {}
            TagEnd::Heading(_) | TagEnd::Paragraph => self.open = None,
            TagEnd::Item => {
                self.items.pop();
                self.fresh = true;
            }
            TagEnd::Strong if std::mem::take(&mut self.bold) => self.mark_lead(),
            _ => {}
        }
    }

    fn begin(&mut self, kind: Kind, at: usize) -> usize {
        self.fresh = true;
        self.blocks.push(Block { line: self.lines.at(at), kind, lines: Vec::new() });
        self.blocks.len() - 1
    }

    fn current(&mut self) -> Option<&mut Block> {
        let index = self.open.or(self.items.last().copied())?;
        self.blocks.get_mut(index)
    }

    fn text(&mut self, text: &str, at: usize) {
        if self.fresh {
            self.break_line(at);
        }
        let fresh = std::mem::take(&mut self.fresh);
        let Some(line) = self.current().and_then(|block| block.lines.last_mut()) else { return };
        line.fresh |= fresh;
        line.text.push_str(text);
    }

    fn break_line(&mut self, at: usize) {
        // A break belongs to the line that it ends.
        let line = self.lines.at(at) + u32::from(!self.fresh);
        if let Some(block) = self.current() {
            block.lines.push(Line { line, text: String::new(), lead: 0, fresh: false });
        }
    }

    fn at_line_start(&mut self) -> bool {
        let fresh = self.fresh;
        let last = self.current().and_then(|block| block.lines.last());
        fresh || last.is_none_or(|line| line.text.trim().is_empty())
    }

    fn mark_lead(&mut self) {
        if let Some(line) = self.current().and_then(|block| block.lines.last_mut()) {
            line.lead = line.text.len();
        }
    }
}

impl Block {
    /// All lines as one.
    pub(super) fn text(&self) -> String {
        let words = self.lines.iter().flat_map(|line| line.text.split_whitespace());
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether nothing but a final colon stands outside of the bold text.
    pub(super) fn is_bold(&self) -> bool {
        let rest = |line: &Line| line.text.get(line.lead..).map(|rest| rest.trim().to_owned());
        matches!(&self.lines[..], [line] if 0 < line.lead
            && rest(line).is_some_and(|rest| matches!(rest.as_str(), "" | ":")))
    }
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
