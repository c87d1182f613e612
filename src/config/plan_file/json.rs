//! JSON, read by hand because every value must know its line. It stops at the first thing that
//! is no JSON, and it knows no field of a plan.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::{
    lines::Lines,
    node::{DEPTH_MAX, Field, Node, Value},
};
use crate::domain::plan_check::{Fault, Located, quoted};

pub(super) fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    let mut parser = Parser { text, at: 0, lines: Lines::of(text), doubles: Vec::new() };
    let root = parser.document().map_err(|fault| vec![fault])?;
    if parser.doubles.is_empty() { Ok(root) } else { Err(parser.doubles) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    lines: Lines,
    /// Keys that stand twice in one object: valid JSON, and yet nobody knows which one is meant.
    doubles: Vec<Fault>,
}

impl<'t> Parser<'t> {
    fn document(&mut self) -> Result<Node, Fault> {
        let root = self.value(0)?;
        match self.peek() {
            None => Ok(root),
            Some(_) => Err(self.unexpected("the end of the file")),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, Fault> {
        let next = self.peek();
        let line = self.lines.at(self.at);
        let value = match next {
            Some(b'{' | b'[') if DEPTH_MAX <= depth => {
                let what = format!("values stand in each other more than {DEPTH_MAX} deep");
                return Err(Fault::new(line, what, "make it flatter"));
            }
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(_) => self.word()?,
            None => return Err(self.unexpected("a value")),
        };
        Ok(Node { line, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut fields = Vec::new();
        let mut first_lines: HashMap<String, u32> = HashMap::new();
        self.at += 1;
        if self.eat(b'}') {
            return Ok(Value::Table(fields));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a name in double quotes"));
            }
            let line = self.lines.at(self.at);
            let key = self.string()?;
            if !self.eat(b':') {
                return Err(self.unexpected("`:`"));
            }
            let node = self.value(depth + 1)?;
            match first_lines.get(&key) {
                Some(first) => {
                    let what = format!("{} is already there, on line {first}", quoted(&key));
                    self.doubles.push(Fault::new(line, what, "remove one of the two"));
                }
                None => {
                    first_lines.insert(key.clone(), line);
                    fields.push(Field { key: Located { line, value: key }, node });
                }
            }
            if self.eat(b'}') {
                return Ok(Value::Table(fields));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("`,` or `}`"));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        let mut items = Vec::new();
        self.at += 1;
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Value::List(items));
            }
            if !self.eat(b',') {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    /// At the opening quote. What the escapes mean is left to `serde_json`.
    fn string(&mut self) -> Result<String, Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let line = self.lines.at(self.at);
        let Some(end) = end else {
            let what = "a text begins here and never ends";
            return Err(Fault::new(line, what, "close it with `\"`"));
        };
        let token = &rest[..end + 2];
        let text = serde_json::from_str(token).map_err(|_| {
            let what = format!("{} is no JSON text", quoted(token));
            Fault::new(line, what, "write line ends as `\\n`, and `\\` as `\\\\`")
        })?;
        self.at += token.len();
        Ok(text)
    }

    fn number(&mut self) -> Result<Value, Fault> {
        let token =
            self.token(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        if serde_json::from_str::<IgnoredAny>(token).is_err() {
            let what = format!("{} is no number", quoted(token));
            return Err(self.fault(what, "write it like `12` or `-0.5`, or put it in quotes"));
        }
        self.at += token.len();
        Ok(Value::Number(token.to_owned()))
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let token = self.token(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let value = match token {
            "null" => Value::Null,
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "" => return Err(self.unexpected("a value")),
            other => {
                let what = format!("{} is no JSON value", quoted(other));
                return Err(self.fault(what, "put texts in double quotes"));
            }
        };
        self.at += token.len();
        Ok(value)
    }

    fn token(&self, belongs: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.bytes().position(|byte| !belongs(byte)).unwrap_or(rest.len());
        &rest[..end]
    }

    /// The next byte that is no white space, from which reading goes on.
    fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        self.at += rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))?;
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    fn unexpected(&mut self, wanted: &str) -> Fault {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let found = match rest.trim_start().chars().next() {
            Some(c) => quoted(&c.to_string()),
            None => "the end of the file".to_owned(),
        };
        let fix = match found.as_str() {
            "`}`" | "`]`" => "remove the comma before it",
            "`/`" | "`#`" => "remove the comment: JSON has none",
            "`'`" => "use double quotes",
            "the end of the file" => "close what is still open",
            _ => "look at this line and the one above it for a missing comma or quote",
        };
        self.fault(format!("found {found} instead of {wanted}"), fix)
    }

    fn fault(&self, what: String, fix: &str) -> Fault {
        let last = self.text.trim_end().len().saturating_sub(1);
        Fault::new(self.lines.at(self.at.min(last)), what, fix)
    }
}
