//! TOML as a tree of values with lines. It knows no field of a plan.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    lines::Lines,
    node::{DEPTH_MAX, Field, Node, Value},
};
use crate::domain::plan_check::{Fault, Located};

/// How many parts a dotted key may have. The parser bounds them, and how deep brackets stand in
/// each other, but not the product of both, and that would exhaust the stack.
const KEY_PARTS_MAX: usize = 8;

pub(super) fn parse(text: &str) -> Result<Node, Vec<Fault>> {
    let lines = Lines::of(text);
    if let Some(at) = long_key(text) {
        let what = format!("a key has more than {KEY_PARTS_MAX} parts");
        return Err(vec![Fault::new(lines.at(at), what, "make it flatter")]);
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(told(&errors, &lines));
    }
    let fields = table(root.get_ref(), 0, &lines).map_err(|fault| vec![fault])?;
    Ok(Node { line: 1, value: Value::Table(fields) })
}

/// One fault for a line: what follows the first mistake of a line is mostly its echo.
fn told(errors: &[toml::de::Error], lines: &Lines) -> Vec<Fault> {
    let mut faults: Vec<Fault> = errors.iter().map(|error| syntax(error, lines)).collect();
    faults.sort_by_key(|fault| fault.line);
    faults.dedup_by_key(|fault| fault.line);
    faults
}

fn syntax(error: &toml::de::Error, lines: &Lines) -> Fault {
    let line = lines.at(error.span().map_or(0, |span| span.start));
    let message = error.message().replace('\n', " ");
    let fix = match message.as_str() {
        "duplicate key" => "remove one of the two, or begin the next `[[sprint.task]]`",
        text if text.contains("recurs") => "make it flatter",
        _ => "texts go in double quotes, lists in brackets, and every field on a line of its own",
    };
    Fault::new(line, format!("this is no TOML: {message}"), fix)
}

fn table(from: &DeTable<'_>, depth: usize, lines: &Lines) -> Result<Vec<Field>, Fault> {
    let mut fields: Vec<(usize, Field)> = Vec::new();
    for (key, value) in from {
        let (at, line) = (key.span().start, lines.at(key.span().start));
        let key = Located { line, value: key.get_ref().to_string() };
        fields.push((at, Field { key, node: node(value, depth + 1, lines)? }));
    }
    fields.sort_by_key(|(at, _)| *at);
    Ok(fields.into_iter().map(|(_, field)| field).collect())
}

fn node(from: &Spanned<DeValue<'_>>, depth: usize, lines: &Lines) -> Result<Node, Fault> {
    let line = lines.at(from.span().start);
    let deep = matches!(from.get_ref(), DeValue::Array(_) | DeValue::Table(_));
    if deep && DEPTH_MAX <= depth {
        let what = format!("values stand in each other more than {DEPTH_MAX} deep");
        return Err(Fault::new(line, what, "make it flatter"));
    }
    let value = match from.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(digits) => integer(digits.as_str(), digits.radix()),
        DeValue::Float(digits) => float(digits.as_str()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(date) => Value::Text(date.to_string()),
        DeValue::Array(items) => {
            let items: Result<_, _> =
                items.iter().map(|item| node(item, depth + 1, lines)).collect();
            Value::List(items?)
        }
        DeValue::Table(fields) => Value::Table(table(fields, depth, lines)?),
    };
    Ok(Node { line, value })
}

/// What JSON cannot say as a number is kept as text.
fn integer(digits: &str, radix: u32) -> Value {
    let digits = digits.replace('_', "");
    match i64::from_str_radix(&digits, radix) {
        Ok(number) => Value::Number(number.to_string()),
        Err(_) => Value::Text(digits),
    }
}

fn float(digits: &str) -> Value {
    let digits = digits.replace('_', "");
    match digits.parse().ok().and_then(serde_json::Number::from_f64) {
        Some(number) => Value::Number(number.to_string()),
        None => Value::Text(digits),
    }
}

/// Where a key has too many dots, if one has.
pub(in crate::config) fn long_key(text: &str) -> Option<usize> {
    let (mut at, mut dots) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        match rest.as_bytes()[0] {
            b'.' => dots += 1,
            b'=' | b',' | b'\n' => dots = 0,
            _ => {}
        }
        if KEY_PARTS_MAX <= dots {
            return Some(at);
        }
        at += token(rest);
    }
    None
}

/// How long the token is with which `rest` begins, as the parser cuts tokens, also in a file that
/// is no TOML: a quote inside of a bare word opens no text, and a line ends a short text.
fn token(rest: &str) -> usize {
    const BREAKS: [char; 12] = ['.', '=', ',', '[', ']', '{', '}', ' ', '\t', '\r', '\n', '#'];
    match rest.as_bytes()[0] {
        b'#' => rest.find(['\r', '\n']).unwrap_or(rest.len()),
        b'\'' | b'"' => quoted_token(rest),
        _ if rest.starts_with(BREAKS) => 1,
        _ => rest.find(BREAKS).unwrap_or(rest.len()),
    }
}

fn quoted_token(rest: &str) -> usize {
    let mark = &rest[..1];
    let long = rest.len() - rest.trim_start_matches(mark).len() >= 3;
    let close = if long { mark.repeat(3) } else { mark.to_owned() };
    let mut at = close.len();
    while let Some(found) = rest[at..].find(['\'', '"', '\\', '\n']) {
        at += found;
        let here = &rest[at..];
        if mark == "\"" && here.starts_with('\\') {
            at += 1 + usize::from(here[1..].starts_with(['"', '\\']));
        } else if here.starts_with(&close) {
            // A long text may end in two more quotes, which belong to it.
            let more = here[close.len()..].chars().take(if long { 2 } else { 0 });
            return at + close.len() + more.take_while(|c| mark.starts_with(*c)).count();
        } else if !long && here.starts_with('\n') {
            return at;
        } else {
            at += 1;
        }
    }
    rest.len()
}
