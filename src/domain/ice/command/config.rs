//! `git config`: everybody may look; what an agent sets can do no harm.

use super::{Judged, allowed, global::is_harmless};
use crate::domain::ice::{denial::Denial, options::unclear, word::Word};

const READING: [&str; 12] = [
    "--get",
    "--get-all",
    "--get-regexp",
    "--get-urlmatch",
    "--get-color",
    "--get-colorbool",
    "-l",
    "--list",
    "--name-only",
    "--show-origin",
    "--show-scope",
    "--type",
];
/// They change how an answer is written, and take no part in whether it is one.
const PLAIN: [&str; 12] = [
    "--local",
    "--worktree",
    "--includes",
    "--no-includes",
    "--null",
    "-z",
    "--bool",
    "--int",
    "--bool-or-int",
    "--path",
    "--expiry-date",
    "--no-type",
];

pub(super) fn judge(args: &[Word]) -> Judged {
    let texts: Vec<Option<&str>> = args.iter().map(Word::known).collect();
    if matches!(texts.first(), Some(Some("get" | "list"))) {
        return allowed();
    }
    if texts.iter().flatten().any(|text| READING[..8].contains(text)) {
        return allowed();
    }
    let mut rest = Vec::new();
    let mut wide = false;
    let setting = matches!(texts.first(), Some(Some("set")));
    for word in args.iter().skip(usize::from(setting)) {
        let text = word.lead.as_str();
        if PLAIN.contains(&text) || READING[8..].contains(&text) || text.starts_with("--type=") {
            continue;
        }
        if rest.is_empty() && matches!(text, "--global" | "--system") {
            wide = true;
        } else if rest.is_empty() && word.may_be_option() {
            let what = format!("`git config {}` changes settings", word.shown.escape_debug());
            return Err(Denial::new("setting", what).next("a person sets it"));
        } else {
            rest.push(word);
        }
    }
    match rest[..] {
        [] => allowed(),
        [_one] if !setting => allowed(),
        [key, value, ..] => {
            let Some(name) = key.known() else { return Err(unclear("config", key)) };
            if !wide && is_harmless(name, value.known()) {
                return allowed();
            }
            let what =
                format!("`{}` is a setting that an agent leaves as it is", name.escape_debug());
            Err(Denial::new("setting", what).next("a person sets it"))
        }
        [_] => Err(Denial::new("usage", "a value is missing")),
    }
}
