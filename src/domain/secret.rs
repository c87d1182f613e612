//! What looks like a secret: file names that are never committed for anybody, and texts that are
//! made unreadable before they are kept. A guess on the safe side; never the only defence.

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
    let ends = [".pem", ".p12", ".pfx", ".key", ".keystore", ".jks", ".tfstate", ".kdbx"];
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

fn redact_line(line: &str, out: &mut String) {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '+' | '/');
    let mut rest = line;
    let mut named = false;
    while let Some(c) = rest.chars().next() {
        if !is_word(c) {
            named &= matches!(c, '=' | ':' | '"' | '\'' | ' ');
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        let assigned = named && VALUE_BYTES_MIN <= word.len();
        let bearer = out.ends_with("earer ") && VALUE_BYTES_MIN <= word.len();
        out.push_str(if assigned || bearer || is_token(word) { MASK } else { word });
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
        for secret in [".env", "a/.env.local", "id_rsa", "x/key.pem", "prod.tfstate", ".NPMRC"] {
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
}
