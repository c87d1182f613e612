//! What looks like a secret: file names that are never committed for anybody, and texts that are
//! made unreadable before they are kept, or are looked for before anything leaves. A guess on the safe
//! side; never the only defence.

use std::collections::BTreeSet;

/// Whether a file of this name is one that people keep secrets in. `.env.example` and its like are not.
#[must_use]
pub fn is_secret_path(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let name = String::from_utf8_lossy(name).to_lowercase();
    let harmless = [".example", ".sample", ".template", ".dist", ".pub"];
    if harmless.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    let exact = [
        ".env",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        "credentials",
        "credentials.json",
        ".git-credentials",
    ];
    let ends = [".pem", ".p12", ".pfx", ".key", ".keystore", ".jks", ".tfstate", ".kdbx", ".env"];
    exact.contains(&name.as_str())
        || name.starts_with(".env.")
        || ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"].contains(&name.as_str())
        || ends.iter().any(|end| name.ends_with(end))
}

/// Prefixes of tokens that forges, clouds and model vendors hand out, with the least length of the rest.
const TOKENS: [(&str, usize); 19] = [
    ("ghp_", 20),
    ("gho_", 20),
    ("ghu_", 20),
    ("ghs_", 20),
    ("ghr_", 20),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("sk-", 20),
    ("sk_live_", 16),
    ("rk_live_", 16),
    ("xoxb-", 16),
    ("xoxp-", 16),
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("npm_", 30),
    ("pypi-", 30),
    ("hf_", 20),
    ("eyJ", 60),
];

const NAMES: [&str; 8] =
    ["password", "passwd", "secret", "token", "api_key", "apikey", "private_key", "access_key"];
const MASK: &str = "[redacted]";
/// A value shorter than this says nothing worth hiding, and hiding it would garble ordinary words.
const VALUE_BYTES_MIN: usize = 8;

/// The text with what looks like a secret replaced. Lines stay lines.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut in_key = false;
    for line in text.split_inclusive('\n') {
        if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY-----") {
            in_key = !line.contains("-----END ");
            out.push_str("[redacted private key]\n");
        } else if in_key {
            in_key = !line.contains("-----END ");
        } else {
            redact_line(line, &mut out);
        }
    }
    out
}

/// What something that looks like a secret looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    PrivateKey,
    Token,
    Bearer,
    /// A value that is given to a name like `password`.
    Assigned,
    /// A password in a URL.
    Login,
}

impl Kind {
    #[must_use]
    pub fn says(self) -> &'static str {
        match self {
            Self::PrivateKey => "a private key",
            Self::Token => "a token",
            Self::Bearer => "a bearer token",
            Self::Assigned => "a value of a password, secret or key",
            Self::Login => "a password in a URL",
        }
    }
}

/// One thing that looks like a secret: its line, from 1 on, and never itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    pub line: usize,
    pub kind: Kind,
}

/// More of them in one text say nothing new.
pub const HITS_MAX: usize = 20;

/// Every line of a text that holds what looks like a secret. What JSON escapes is looked at as it was
/// before: quotes would hide what is between them.
#[must_use]
pub fn find(text: &str) -> Vec<Hit> {
    let mut hits = BTreeSet::new();
    for (at, line) in text.split('\n').enumerate() {
        if HITS_MAX <= hits.len() {
            break;
        }
        let plain = unescaped(line);
        for line in plain.split('\n') {
            let mut found = |kind| {
                hits.insert(Hit { line: at + 1, kind });
            };
            if line.contains("-----BEGIN ") && line.contains("PRIVATE KEY") {
                found(Kind::PrivateKey);
            }
            each_word(line, |_, _, kind| kind.into_iter().for_each(&mut found));
            if has_login(line) {
                found(Kind::Login);
            }
        }
    }
    hits.into_iter().collect()
}

/// The line with `\\"`, `\\n` and their like as what they stand for, also where they are escaped twice.
fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let next = chars.by_ref().find(|c| *c != '\\');
        match next {
            Some('n' | 'r') => out.push('\n'),
            Some('t') => out.push(' '),
            Some(other) => out.push(other),
            None => {}
        }
    }
    out
}

/// `https://name:password@host`; a mask is no password.
fn has_login(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let host = rest.split(['/', ' ', '"', '\'', '<', '>']).next().unwrap_or_default();
        let login = host.rsplit_once('@').map_or("", |(login, _)| login);
        let password = login.split_once(':').map_or("", |(_, password)| password);
        VALUE_BYTES_MIN <= password.len() && password != MASK
    })
}

fn redact_line(line: &str, out: &mut String) {
    each_word(line, |between, word, kind| {
        out.push_str(between);
        out.push_str(if kind.is_some() { MASK } else { word });
    });
}

/// Calls `each` with every word, what stands before it, and what it looks like. What comes after the last
/// word has an empty one.
fn each_word(line: &str, mut each: impl FnMut(&str, &str, Option<Kind>)) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut rest = line;
    let mut named = false;
    while !rest.is_empty() {
        let start = rest.find(is_word).unwrap_or(rest.len());
        let (between, from) = rest.split_at(start);
        named &= between.chars().all(|c| matches!(c, '=' | ':' | '"' | '\'' | ' '));
        let (word, after) = from.split_at(from.find(|c| !is_word(c)).unwrap_or(from.len()));
        let before = &line[..line.len() - from.len()];
        let long = VALUE_BYTES_MIN <= word.len();
        let kind = match () {
            () if is_token(word) => Some(Kind::Token),
            () if named && long => Some(Kind::Assigned),
            () if before.ends_with("earer ") && long => Some(Kind::Bearer),
            () => None,
        };
        each(between, word, kind);
        rest = after;
        if word.is_empty() {
            continue;
        }
        let lower = word.to_ascii_lowercase().replace('-', "_");
        named = NAMES.iter().any(|name| lower.ends_with(name))
            && rest.trim_start_matches(['"', '\'', ' ']).starts_with(['=', ':']);
    }
}

fn is_token(word: &str) -> bool {
    TOKENS.iter().any(|(prefix, least)| {
        word.strip_prefix(prefix).is_some_and(|rest| {
            *least <= rest.len()
                && rest.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_people_keep_secrets_in_are_known_by_name() {
        for secret in
            [".env", "a/.env.local", "id_rsa", "x/key.pem", "prod.tfstate", ".NPMRC", "prod.env"]
        {
            assert!(is_secret_path(secret.as_bytes()), "{secret}");
        }
        for harmless in
            [".env.example", "id_rsa.pub", "environment.rs", "src/key.rs", "keys/readme"]
        {
            assert!(!is_secret_path(harmless.as_bytes()), "{harmless}");
        }
    }

    #[test]
    fn tokens_and_assigned_secrets_are_masked_and_object_ids_are_not() {
        for (text, expected) in [
            ("token ghp_abcDEF0123456789abcdefg!", "token [redacted]!"),
            ("PASSWORD=hunter2hunter2", "PASSWORD=[redacted]"),
            ("\"api_key\": \"abcdefghijkl\"", "\"api_key\": \"[redacted]\""),
            ("Authorization: Bearer abcdefgh12", "Authorization: Bearer [redacted]"),
            (
                "commit 0123456789012345678901234567890123456789",
                "commit 0123456789012345678901234567890123456789",
            ),
            ("the token is gone, the tokens: none", "the token is gone, the tokens: none"),
            ("sk-learn and task-runner-number-1", "sk-learn and task-runner-number-1"),
            (
                "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nb",
                "a\n[redacted private key]\nb",
            ),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn what_looks_like_a_secret_is_found_by_line_and_kind_also_where_json_hides_it() {
        for (text, expected) in [
            ("a\nb ghp_abcDEF0123456789abcdefg", &[(2, Kind::Token)][..]),
            (r#"{"summary":"set {\"password\": \"hunter2hunter2\"}"}"#, &[(1, Kind::Assigned)]),
            (r#"{"x":"a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl"}"#, &[(1, Kind::PrivateKey)]),
            (r#"{"x":"Authorization: Bearer abcdefgh12"}"#, &[(1, Kind::Bearer)]),
            ("push to https://ada:hunter2hunter2@host/x.git", &[(1, Kind::Login)]),
            ("PASSWORD=[redacted] https://ada@host/x https://host:8080/x", &[]),
            (r#"{"tokens_max":null,"input_tokens":12000000}"#, &[]),
            ("commit 0123456789012345678901234567890123456789", &[]),
        ] {
            let found: Vec<_> = find(text).into_iter().map(|hit| (hit.line, hit.kind)).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(find(&"ghp_abcDEF0123456789abcdefg\n".repeat(100)).len(), HITS_MAX);
    }
}
