//! A shell's command line taken apart: simple commands, how they are joined, and what is not known
//! before it runs. It is read as widely as any shell might read it.

/// A longer line is no command, but a program.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
pub const COMMANDS_MAX: usize = 1000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Text(String),
    /// As the text stands there; what it becomes depends on the files that there are.
    Pattern(String),
    Variable {
        name: String,
        quoted: bool,
    },
    /// `$(…)` and the like: a script whose output takes its place.
    Script {
        text: String,
        quoted: bool,
    },
    Unknown {
        quoted: bool,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Raw {
    pub parts: Vec<Part>,
    pub shown: String,
    /// Nothing of it was quoted, so it may be a word of the grammar.
    pub bare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joint {
    Then,
    And,
    Or,
    Pipe,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Simple {
    pub words: Vec<Raw>,
    /// The files that it writes.
    pub writes: Vec<Raw>,
    pub reads: Vec<Raw>,
    /// A here-document or here-string, and whether it is taken as it stands.
    pub input: Option<Raw>,
}

impl Simple {
    /// `a=x b=y`, and nothing else: that does not fail.
    #[must_use]
    pub fn only_assigns(&self) -> bool {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        let assigns = |raw: &Raw| match raw.parts.first() {
            Some(Part::Text(text)) => text.split_once('=').is_some_and(|(name, _)| is_name(name)),
            Some(_) | None => false,
        };
        !self.words.is_empty()
            && self.words.iter().all(assigns)
            && self.writes.is_empty()
            && self.reads.is_empty()
            && self.input.is_none()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    Command(Simple, Joint),
    Open(Joint),
    Close,
    /// From here to the end, again: there is a loop.
    Loop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is longer than {LINE_BYTES_MAX} bytes or {COMMANDS_MAX} commands")]
    TooLong,
    #[error("a quote or a bracket is not closed")]
    Open,
}

pub fn lex(text: &str) -> Result<Vec<Item>, Unreadable> {
    if LINE_BYTES_MAX < text.len() {
        return Err(Unreadable::TooLong);
    }
    let mut lexer = Lexer {
        chars: text.chars().collect(),
        at: 0,
        items: Vec::new(),
        now: Simple::default(),
        joint: Joint::Then,
        pending: Vec::new(),
    };
    lexer.run()?;
    Ok(lexer.items)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    items: Vec<Item>,
    now: Simple,
    joint: Joint,
    /// Here-documents that begin after this line: the item, the word that ends it, tabs, as it stands.
    pending: Vec<(usize, String, bool, bool)>,
}

const SKIPPED: [&str; 15] = [
    "if", "then", "elif", "else", "fi", "do", "done", "esac", "{", "}", "!", "time", "coproc",
    "while", "until",
];

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn since(&self, begin: usize) -> &[char] {
        self.chars.get(begin..self.at.min(self.chars.len())).unwrap_or_default()
    }

    fn run(&mut self) -> Result<(), Unreadable> {
        while let Some(c) = self.peek(0) {
            if COMMANDS_MAX < self.items.len() {
                return Err(Unreadable::TooLong);
            }
            let next = self.peek(1);
            match c {
                ' ' | '\t' | '\r' => self.at += 1,
                '\\' if next == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.end(Joint::Then);
                    self.here_documents()?;
                }
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                ';' => {
                    self.at += 1;
                    self.end(Joint::Then);
                }
                '&' if next == Some('&') => {
                    self.at += 2;
                    self.end(Joint::And);
                }
                '&' if next == Some('>') => {
                    self.at += 1;
                    self.redirect()?;
                }
                '&' => {
                    self.at += 1;
                    self.end(Joint::Then);
                }
                '|' if next == Some('|') => {
                    self.at += 2;
                    self.end(Joint::Or);
                }
                '|' => {
                    self.at += 1 + usize::from(next == Some('&'));
                    self.end(Joint::Pipe);
                }
                '(' => {
                    self.at += 1;
                    self.end(Joint::Then);
                    self.items.push(Item::Open(self.joint));
                }
                ')' => {
                    self.at += 1;
                    self.end(Joint::Then);
                    self.items.push(Item::Close);
                }
                '<' | '>' if next == Some('(') => {
                    self.at += 2;
                    let text = self.balanced('(', ')')?;
                    let part = Part::Script { text, quoted: true };
                    let shown = "<(…)".to_owned();
                    self.now.words.push(Raw { parts: vec![part], shown, bare: false });
                }
                '<' | '>' => self.redirect()?,
                _ => self.word_or_number()?,
            }
        }
        self.end(Joint::Then);
        if self.pending.is_empty() { Ok(()) } else { Err(Unreadable::Open) }
    }

    fn end(&mut self, joint: Joint) {
        let now = std::mem::take(&mut self.now);
        if now != Simple::default() {
            self.items.push(Item::Command(now, self.joint));
        }
        self.joint = joint;
    }

    fn word_or_number(&mut self) -> Result<(), Unreadable> {
        let mut ahead = 0;
        while self.peek(ahead).is_some_and(|c| c.is_ascii_digit()) {
            ahead += 1;
        }
        if 0 < ahead && matches!(self.peek(ahead), Some('<' | '>')) {
            self.at += ahead;
            return self.redirect();
        }
        let word = self.word()?;
        if self.now.words.is_empty() && word.bare {
            if matches!(word.shown.as_str(), "while" | "until" | "for" | "select") {
                self.items.push(Item::Loop);
            }
            if word.shown == "function" {
                self.skip_blanks();
                self.word()?;
                return Ok(());
            }
            if SKIPPED.contains(&word.shown.as_str()) {
                return Ok(());
            }
        }
        self.now.words.push(word);
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(0), Some(' ' | '\t')) {
            self.at += 1;
        }
    }

    fn redirect(&mut self) -> Result<(), Unreadable> {
        let mut op = String::new();
        while let Some(c @ ('<' | '>' | '&' | '|' | '-')) = self.peek(0) {
            let ends = c == '-' && op != "<<" || c == '|' && op != ">" || 3 <= op.len();
            if ends {
                break;
            }
            op.push(c);
            self.at += 1;
        }
        self.skip_blanks();
        let to = self.word()?;
        match op.as_str() {
            "<<" | "<<-" => {
                let end: String = to.parts.iter().map(text_of).collect();
                self.pending.push((self.items.len(), end, op == "<<-", !to.bare));
                // The place is kept, so that the document finds its command.
                self.now.input = Some(Raw::default());
            }
            "<<<" => self.now.input = Some(to),
            "<" | "<&" => self.now.reads.push(to),
            ">&" | "&>&" if to.shown == "-" || to.shown.chars().all(|c| c.is_ascii_digit()) => {}
            _ => self.now.writes.push(to),
        }
        Ok(())
    }

    fn here_documents(&mut self) -> Result<(), Unreadable> {
        for (item, end, tabs, plain) in std::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                if self.chars.len() <= self.at {
                    break;
                }
                let mut line = String::new();
                while let Some(c) = self.peek(0) {
                    self.at += 1;
                    if c == '\n' {
                        break;
                    }
                    line.push(c);
                }
                let line = if tabs { line.trim_start_matches('\t') } else { &line };
                if line == end {
                    break;
                }
                body.push_str(line);
                body.push('\n');
            }
            let input = if plain { literal(&body) } else { quoted(&body)? };
            if let Some(Item::Command(simple, _)) = self.items.get_mut(item) {
                simple.input = Some(input);
            }
        }
        Ok(())
    }

    /// Everything up to the bracket that closes, quotes and here-documents respected; the opening one is
    /// behind us.
    fn balanced(&mut self, open: char, close: char) -> Result<String, Unreadable> {
        let (mut depth, mut text, mut ends) = (1_u32, String::new(), Vec::new());
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '\\' => {
                    text.push(c);
                    text.extend(self.peek(0));
                    self.at += 1;
                    continue;
                }
                '\'' | '"' | '`' => {
                    text.push(c);
                    self.copy_quoted(c, &mut text);
                    continue;
                }
                '<' if self.peek(0) == Some('<') && !text.ends_with('<') => {
                    self.copy_document_head(&mut text, &mut ends)?;
                    continue;
                }
                '\n' if !ends.is_empty() => {
                    text.push(c);
                    for end in std::mem::take(&mut ends) {
                        self.copy_document(&end, &mut text);
                    }
                    continue;
                }
                _ if c == open => depth += 1,
                _ if c == close => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(text);
            }
            text.push(c);
        }
        Err(Unreadable::Open)
    }

    fn copy_quoted(&mut self, quote: char, text: &mut String) {
        while let Some(inner) = self.peek(0) {
            self.at += 1;
            text.push(inner);
            if inner == '\\' && quote != '\'' {
                text.extend(self.peek(0));
                self.at += 1;
            } else if inner == quote {
                return;
            }
        }
    }

    /// `<<word`: what ends the document is remembered. `<<<` begins none.
    fn copy_document_head(
        &mut self,
        text: &mut String,
        ends: &mut Vec<String>,
    ) -> Result<(), Unreadable> {
        text.push_str("<<");
        self.at += 1;
        if self.peek(0) == Some('<') {
            text.push('<');
            self.at += 1;
            return Ok(());
        }
        let begin = self.at;
        if self.peek(0) == Some('-') {
            self.at += 1;
        }
        self.skip_blanks();
        if self.peek(0).is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '\'' | '"' | '\\'))
        {
            let end = self.word()?;
            ends.push(end.parts.iter().map(text_of).collect());
        }
        let head: String = self.since(begin).iter().collect();
        text.push_str(&head);
        Ok(())
    }

    fn copy_document(&mut self, end: &str, text: &mut String) {
        while self.peek(0).is_some() {
            let mut line = String::new();
            while let Some(c) = self.peek(0) {
                self.at += 1;
                line.push(c);
                if c == '\n' {
                    break;
                }
            }
            text.push_str(&line);
            if line.trim_end_matches('\n').trim_start_matches('\t') == end {
                return;
            }
        }
    }

    fn word(&mut self) -> Result<Raw, Unreadable> {
        let begin = self.at;
        let mut word = Raw { bare: true, ..Raw::default() };
        if self.peek(0) == Some('~') {
            let own =
                self.peek(1).is_none_or(|c| c == '/' || c.is_whitespace() || ";&|)".contains(c));
            word.parts.push(if own {
                Part::Variable { name: "HOME".to_owned(), quoted: true }
            } else {
                Part::Unknown { quoted: true }
            });
            word.shown.push('~');
            self.at += 1;
        }
        while let Some(c) = self.peek(0) {
            match c {
                ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        Some('\n') => self.at += 1,
                        Some(c) => {
                            self.at += 1;
                            word.text(&c.to_string());
                            word.bare = false;
                        }
                        None => word.text("\\"),
                    }
                }
                '\'' => {
                    self.at += 1;
                    let text = self.until('\'')?;
                    word.text(&text);
                    word.bare = false;
                }
                '"' => {
                    self.at += 1;
                    self.double(&mut word)?;
                    word.bare = false;
                }
                '`' | '$' => {
                    word.bare = false;
                    self.dollar(&mut word, false)?;
                }
                '*' | '?' | '[' => {
                    self.at += 1;
                    word.parts.push(Part::Pattern(c.to_string()));
                }
                '{' => match self.brace() {
                    Some(text) => word.parts.push(Part::Pattern(text)),
                    None => {
                        self.at += 1;
                        word.text("{");
                    }
                },
                _ => {
                    self.at += 1;
                    word.text(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        word.shown = self.since(begin).iter().collect();
        if matches!(word.shown.as_str(), "[" | "[[") {
            word.parts = vec![Part::Text(word.shown.clone())];
        }
        Ok(word)
    }

    /// `{a,b}` and `{1..3}` become several words; `{}` and `@{0}` stay what they are.
    fn brace(&mut self) -> Option<String> {
        let rest = &self.chars[self.at..];
        let end = rest.iter().take(4096).position(|c| matches!(c, '}' | ' ' | '\n'))?;
        let text: String = rest[..=end].iter().collect();
        let several = text.ends_with('}') && (text.contains(',') || text.contains(".."));
        if several {
            self.at += end + 1;
        }
        several.then_some(text)
    }

    fn until(&mut self, end: char) -> Result<String, Unreadable> {
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            if c == end {
                return Ok(text);
            }
            text.push(c);
        }
        Err(Unreadable::Open)
    }

    fn double(&mut self, word: &mut Raw) -> Result<(), Unreadable> {
        word.text("");
        while let Some(c) = self.peek(0) {
            match c {
                '"' => {
                    self.at += 1;
                    return Ok(());
                }
                '\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        Some('\n') => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.text(&c.to_string()),
                        Some(c) => word.text(&format!("\\{c}")),
                        None => return Err(Unreadable::Open),
                    }
                    self.at += 1;
                }
                '`' | '$' => self.dollar(word, true)?,
                _ => {
                    self.at += 1;
                    word.text(c.encode_utf8(&mut [0; 4]));
                }
            }
        }
        Err(Unreadable::Open)
    }

    fn dollar(&mut self, word: &mut Raw, quoted: bool) -> Result<(), Unreadable> {
        if self.peek(0) == Some('`') {
            self.at += 1;
            let mut text = String::new();
            while let Some(c) = self.peek(0) {
                self.at += 1;
                match c {
                    '`' => {
                        word.parts.push(Part::Script { text, quoted });
                        return Ok(());
                    }
                    '\\' if matches!(self.peek(0), Some('`' | '\\' | '$')) => {
                        text.extend(self.peek(0));
                        self.at += 1;
                    }
                    _ => text.push(c),
                }
            }
            return Err(Unreadable::Open);
        }
        self.at += 1;
        match self.peek(0) {
            Some('\'') if !quoted => {
                self.at += 1;
                let text = self.ansi()?;
                word.text(&text);
            }
            Some('"') if !quoted => {
                self.at += 1;
                self.double(word)?;
            }
            Some('(') => {
                self.at += 1;
                let text = self.balanced('(', ')')?;
                let sum = text.starts_with('(') && text.ends_with(')');
                if sum && !text.contains("$(") && !text.contains('`') {
                    word.parts.push(Part::Unknown { quoted: true });
                } else {
                    word.parts.push(Part::Script { text, quoted });
                }
            }
            Some('{') => {
                self.at += 1;
                let text = self.balanced('{', '}')?;
                if text.contains("$(") || text.contains('`') {
                    word.parts.push(Part::Script { text: format!(": \"{text}\""), quoted });
                } else if text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    word.parts.push(Part::Variable { name: text, quoted });
                } else {
                    word.parts.push(Part::Unknown { quoted });
                }
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
                word.parts.push(Part::Variable { name, quoted });
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.at += 1;
                let one = quoted && !matches!(c, '@' | '*');
                word.parts.push(Part::Unknown { quoted: one });
            }
            Some(_) | None => word.text("$"),
        }
        Ok(())
    }

    /// `$'…'`, in which a backslash can stand for any character.
    fn ansi(&mut self) -> Result<String, Unreadable> {
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '\'' => return Ok(text),
                '\\' => {
                    let Some(c) = self.peek(0) else { return Err(Unreadable::Open) };
                    self.at += 1;
                    text.push(match c {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'a' => '\x07',
                        'b' => '\x08',
                        'e' | 'E' => '\x1b',
                        'f' => '\x0c',
                        'v' => '\x0b',
                        'x' => self.number(16, 2),
                        'u' => self.number(16, 4),
                        'U' => self.number(16, 8),
                        '0'..='7' => {
                            self.at -= 1;
                            self.number(8, 3)
                        }
                        other => other,
                    });
                }
                _ => text.push(c),
            }
        }
        Err(Unreadable::Open)
    }

    fn number(&mut self, base: u32, digits_max: usize) -> char {
        let mut value = 0_u32;
        for _ in 0..digits_max {
            let Some(digit) = self.peek(0).and_then(|c| c.to_digit(base)) else { break };
            value = value.saturating_mul(base).saturating_add(digit);
            self.at += 1;
        }
        char::from_u32(value).unwrap_or('\u{fffd}')
    }
}

impl Raw {
    fn text(&mut self, more: &str) {
        match self.parts.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.parts.push(Part::Text(more.to_owned())),
        }
    }
}

/// A text that the shell leaves as it is.
#[must_use]
pub fn literal(text: &str) -> Raw {
    Raw { parts: vec![Part::Text(text.to_owned())], shown: text.to_owned(), bare: false }
}

/// A text in which the shell replaces what begins with a dollar.
fn quoted(text: &str) -> Result<Raw, Unreadable> {
    let mut lexer = Lexer {
        chars: text.replace('"', "\\\"").chars().chain(['"']).collect(),
        at: 0,
        items: Vec::new(),
        now: Simple::default(),
        joint: Joint::Then,
        pending: Vec::new(),
    };
    let mut word = Raw { shown: text.to_owned(), ..Raw::default() };
    lexer.double(&mut word)?;
    Ok(word)
}

fn text_of(part: &Part) -> &str {
    match part {
        Part::Text(text) | Part::Pattern(text) => text,
        Part::Variable { name, .. } => name,
        Part::Script { text, .. } => text,
        Part::Unknown { .. } => "",
    }
}
