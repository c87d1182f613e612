//! `GIT_CONFIG_PARAMETERS`: how `git -c key=value run` hands its settings down. gix does not read it.

/// The `key=value` settings in the variable's text. Nothing when it is garbled: git itself refuses
/// such a variable, so the caller does too.
#[must_use]
pub fn parse(text: &str) -> Option<Vec<String>> {
    let mut settings = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (mut setting, after) = quoted(rest)?;
        rest = after;
        if let Some(value) = rest.strip_prefix('=') {
            // The newer form: 'key'='value', where the value may be missing.
            setting.push('=');
            let (value, after) =
                if value.starts_with('\'') { quoted(value)? } else { (String::new(), value) };
            setting.push_str(&value);
            rest = after;
        }
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        rest = rest.trim_start();
        settings.push(setting);
    }
    Some(settings)
}

/// One text in git's shell quotes: `'…'`, where `'\''` and `'\!'` stand for themselves.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut out = String::new();
    loop {
        let end = rest.find('\'')?;
        out.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        let Some(escaped) = rest.strip_prefix('\\') else { return Some((out, rest)) };
        let c = escaped.chars().next().filter(|c| matches!(c, '\'' | '!'))?;
        out.push(c);
        rest = escaped[1..].strip_prefix('\'')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_of_gits_spellings_are_read_and_garbled_ones_are_not() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("'run.enabled=true'", Some(vec!["run.enabled=true"])),
            ("'run.agent'='a b' 'x.y'='it'\\''s'", Some(vec!["run.agent=a b", "x.y=it's"])),
            ("'a.b'=", Some(vec!["a.b="])),
            ("'a.b", None),
            ("a.b=1", None),
            ("'a.b'='c'x", None),
        ] {
            let expected = expected.map(|v| v.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(parse(text), expected, "{text}");
        }
    }
}
