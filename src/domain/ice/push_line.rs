//! What git tells its hooks on standard input. One line that cannot be read spoils all of them.

use crate::domain::id::Oid;

/// More than this is no push of ours, and is refused unread.
pub const INPUT_BYTES_MAX: usize = 16 * 1024 * 1024;
pub const LINES_MAX: usize = 100_000;

/// One ref of a push, as the pre-push hook is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushLine {
    /// As it was typed; it may be an expression, and may hold spaces.
    pub local: String,
    /// The commit that is sent; nothing for a deletion.
    pub new: Option<Oid>,
    /// The full name of the ref at the remote.
    pub remote: String,
    /// What the remote said that it has; nothing where the ref is new.
    pub old: Option<Oid>,
}

/// One ref of a transaction, as the reference-transaction hook is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionLine {
    pub old: Value,
    pub new: Value,
    pub name: String,
}

/// One ref of a push, as a server is told of it before it takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedLine {
    pub old: Option<Oid>,
    /// Nothing for a deletion.
    pub new: Option<Oid>,
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, or anything: git says the same for both.
    Zero,
    Object(Oid),
    /// The ref to which a symbolic ref points.
    Symbolic(String),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    #[error("line {line} of what git says cannot be read: {why}")]
    Line { line: usize, why: &'static str },
    #[error("git says more than {INPUT_BYTES_MAX} bytes or {LINES_MAX} lines")]
    TooMuch,
}

/// An empty input pushes nothing.
pub fn parse_push(input: &[u8]) -> Result<Vec<PushLine>, Garbled> {
    lines(input, push_line)
}

pub fn parse_transaction(input: &[u8]) -> Result<Vec<TransactionLine>, Garbled> {
    lines(input, transaction_line)
}

pub fn parse_received(input: &[u8]) -> Result<Vec<ReceivedLine>, Garbled> {
    lines(input, received_line)
}

fn lines<T>(
    input: &[u8],
    parse: impl Fn(&str) -> Result<T, &'static str>,
) -> Result<Vec<T>, Garbled> {
    if INPUT_BYTES_MAX < input.len() {
        return Err(Garbled::TooMuch);
    }
    let Some(body) = input.strip_suffix(b"\n") else {
        let cut_short = Garbled::Line { line: 1, why: "it does not end" };
        return if input.is_empty() { Ok(Vec::new()) } else { Err(cut_short) };
    };
    let mut found = Vec::new();
    for (at, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if LINES_MAX <= at {
            return Err(Garbled::TooMuch);
        }
        let garbled = |why| Garbled::Line { line: at + 1, why };
        let line = std::str::from_utf8(line).map_err(|_| garbled("it is no UTF-8"))?;
        found.push(parse(line).map_err(garbled)?);
    }
    Ok(found)
}

/// From the right: `git push origin ':/a b:main'` puts a space into the first field.
fn push_line(line: &str) -> Result<PushLine, &'static str> {
    let mut fields = line.rsplitn(4, ' ');
    let (Some(old), Some(remote), Some(new), Some(local)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err("it has less than four fields");
    };
    if !remote.starts_with("refs/") || remote.chars().any(char::is_control) {
        return Err("the third field is no full ref");
    }
    let (new, old) = (object(new)?, object(old)?);
    if (local == "(delete)") != new.is_none() {
        return Err("a deletion has no object, and nothing else");
    }
    if local.is_empty() {
        return Err("the first field is empty");
    }
    Ok(PushLine { local: local.to_owned(), new, remote: remote.to_owned(), old })
}

fn transaction_line(line: &str) -> Result<TransactionLine, &'static str> {
    let mut fields = line.splitn(3, ' ');
    let (Some(old), Some(new), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
        return Err("it has less than three fields");
    };
    if name.is_empty() || name.contains(' ') || name.chars().any(char::is_control) {
        return Err("the third field is no ref");
    }
    Ok(TransactionLine { old: value(old)?, new: value(new)?, name: name.to_owned() })
}

fn received_line(line: &str) -> Result<ReceivedLine, &'static str> {
    let mut fields = line.splitn(3, ' ');
    let (Some(old), Some(new), Some(name)) = (fields.next(), fields.next(), fields.next()) else {
        return Err("it has less than three fields");
    };
    if !name.starts_with("refs/") || name.contains(' ') || name.chars().any(char::is_control) {
        return Err("the third field is no full ref");
    }
    Ok(ReceivedLine { old: object(old)?, new: object(new)?, name: name.to_owned() })
}

fn value(text: &str) -> Result<Value, &'static str> {
    match text.strip_prefix("ref:") {
        Some("") => Err("it points to a ref without a name"),
        Some(target) => Ok(Value::Symbolic(target.to_owned())),
        None => Ok(object(text)?.map_or(Value::Zero, Value::Object)),
    }
}

fn object(text: &str) -> Result<Option<Oid>, &'static str> {
    let id = Oid::parse(text).map_err(|_| "a field is no object id")?;
    Ok((!text.bytes().all(|byte| byte == b'0')).then_some(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn oid(text: &str) -> Oid {
        Oid::parse(text).unwrap()
    }

    #[test]
    fn a_push_of_nothing_is_read_as_nothing() {
        assert_eq!(parse_push(b""), Ok(Vec::new()));
    }

    #[test]
    fn spaces_belong_to_the_first_field() {
        let line = format!(":/a b c {A} refs/heads/main {ZERO}\n");
        let want = PushLine {
            local: ":/a b c".into(),
            new: Some(oid(A)),
            remote: "refs/heads/main".into(),
            old: None,
        };
        assert_eq!(parse_push(line.as_bytes()), Ok(vec![want]));
    }

    #[test]
    fn deletions_are_told_in_either_hash() {
        for (zero, some) in [(ZERO.to_owned(), A.to_owned()), ("0".repeat(64), "b".repeat(64))] {
            let line = format!("(delete) {zero} refs/heads/x {some}\n");
            let read = parse_push(line.as_bytes()).unwrap();
            assert_eq!((read[0].new.clone(), read[0].old.clone()), (None, Some(oid(&some))));
        }
    }

    #[test]
    fn one_bad_line_spoils_the_push() {
        let good = format!("refs/heads/x {A} refs/heads/x {ZERO}\n");
        assert!(parse_push(good.as_bytes()).is_ok());
        for bad in [
            "\n".to_owned(),
            "x\n".into(),
            "a b c d\n".into(),
            format!("x {A} heads/main {A}\n"),
            format!("(delete) {A} refs/heads/x {A}\n"),
            format!("refs/heads/x {ZERO} refs/heads/x {A}\n"),
            format!("refs/heads/x {A} refs/heads/x {A}"),
            format!("x {} refs/heads/x {A}\n", &A[1..]),
            format!(" {A} refs/heads/x {A}\n"),
            format!("x {A} refs/heads/\u{9b} {A}\n"),
        ] {
            assert!(parse_push(format!("{good}{bad}").as_bytes()).is_err(), "{bad:?}");
        }
        assert!(parse_push(&[&good.clone().into_bytes()[..], b"\xff\n"].concat()).is_err());
    }

    #[test]
    fn a_transaction_tells_of_objects_and_of_symbolic_refs() {
        let lines = format!("{ZERO} {A} refs/heads/x\nref:refs/heads/a ref:refs/heads/main HEAD\n");
        let read = parse_transaction(lines.as_bytes()).unwrap();
        assert_eq!((&read[0].old, &read[0].new), (&Value::Zero, &Value::Object(oid(A))));
        assert_eq!(read[1].new, Value::Symbolic("refs/heads/main".into()));
        for bad in ["x\n", "a b c\n", "ref: ref:x HEAD\n", " \n"] {
            assert!(parse_transaction(bad.as_bytes()).is_err(), "{bad:?}");
        }
        let spaced = format!("{ZERO} {A} refs/heads/x y\n");
        assert!(parse_transaction(spaced.as_bytes()).is_err());
    }

    #[test]
    fn a_server_is_told_of_old_and_new() {
        let lines = format!("{ZERO} {A} refs/heads/x\n{A} {ZERO} refs/heads/y\n");
        let read = parse_received(lines.as_bytes()).unwrap();
        assert_eq!((&read[0].old, &read[0].new), (&None, &Some(oid(A))));
        assert_eq!((&read[1].old, &read[1].new), (&Some(oid(A)), &None));
        for bad in ["x", "a b refs/heads/x", &format!("{A} {A} heads/x"), &format!("{A} {A} HEAD")]
        {
            assert!(parse_received(format!("{bad}\n").as_bytes()).is_err(), "{bad:?}");
        }
        assert!(parse_received(format!("{A} {A} refs/heads/x y\n").as_bytes()).is_err());
    }

    #[test]
    fn too_much_is_refused_unread() {
        assert_eq!(parse_push(&vec![b'\n'; INPUT_BYTES_MAX + 1]), Err(Garbled::TooMuch));
        let line = format!("x {A} refs/heads/x {ZERO}\n");
        let many = line.repeat(LINES_MAX + 1);
        assert_eq!(parse_push(many.as_bytes()), Err(Garbled::TooMuch));
    }
}
