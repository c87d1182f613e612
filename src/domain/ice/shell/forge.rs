//! Programs that speak to a forge: what reads is allowed, and so is opening a draft. Nothing else.

use crate::domain::ice::{denial::Denial, word::Word};

const GH_READS: [(&str, &[&str]); 20] = [
    ("pr", &["view", "list", "checks", "diff", "status"]),
    ("issue", &["view", "list", "status", "create"]),
    ("run", &["view", "list", "watch", "download"]),
    ("workflow", &["view", "list"]),
    ("release", &["view", "list", "download"]),
    ("repo", &["view", "list", "clone"]),
    ("search", &["code", "commits", "issues", "prs", "repos"]),
    ("auth", &["status"]),
    ("label", &["list"]),
    ("gist", &["view", "list"]),
    ("cache", &["list"]),
    ("ruleset", &["view", "list", "check"]),
    ("org", &["list"]),
    ("project", &["view", "list", "item-list", "field-list"]),
    ("config", &["get", "list"]),
    ("extension", &["list"]),
    ("variable", &["list", "get"]),
    ("milestone", &["list", "view"]),
    ("ci", &["status", "view", "list", "get", "lint"]),
    ("mr", &["view", "list", "diff", "issues"]),
];
const ALONE: [&str; 6] = ["status", "version", "help", "completion", "--version", "--help"];
/// Options of `gh pr create` and `glab mr create` that take a value.
const CREATE_VALUES: [&str; 28] = [
    "-a",
    "--assignee",
    "-B",
    "--base",
    "-b",
    "--body",
    "-F",
    "--body-file",
    "-H",
    "--head",
    "-l",
    "--label",
    "-m",
    "--milestone",
    "-p",
    "--project",
    "--recover",
    "-r",
    "--reviewer",
    "-T",
    "--template",
    "-t",
    "--title",
    "-R",
    "--repo",
    "--description",
    "--source-branch",
    "--target-branch",
];
const METHODS: [&str; 4] = ["-X", "--method", "--request", "-x"];
const BOTS: [&str; 8] =
    ["bors", "@bors", "@mergify", "@dependabot", "/merge", "/approve", "/lgtm", "@renovate"];

type Verdict = Result<(), Denial>;

pub(super) fn judge(program: &str, args: &[Word]) -> Verdict {
    match program {
        "gh" | "glab" => client(program, args),
        "hub" => Err(no(
            "hub",
            "it pushes, merges and deletes in one word",
            "git and gh, each by itself",
        )),
        _ => transfer(program, args),
    }
}

fn client(program: &str, args: &[Word]) -> Verdict {
    let mut rest = args;
    while let Some(first) = rest.first().map(|word| word.lead.as_str()) {
        let takes = match first {
            "-R" | "--repo" | "--hostname" => 2,
            _ if first.starts_with("--repo=") || first.starts_with("-R") => 1,
            _ => break,
        };
        rest = &rest[takes.min(rest.len())..];
    }
    let text = |at: usize| rest.get(at).map(Word::known);
    let (verb, what) = match (text(0), text(1)) {
        (None, _) => return Ok(()),
        (Some(Some(alone)), _) if ALONE.contains(&alone) => return Ok(()),
        (Some(Some("api")), _) => return api(program, &rest[1..]),
        (Some(Some(verb)), None) => (verb, ""),
        (Some(Some(verb)), Some(Some(what))) => (verb, what),
        (Some(None), _) | (_, Some(None)) => {
            return Err(no(program, "it cannot be told what it would do", "write the words out"));
        }
    };
    let known = GH_READS.iter().any(|(known, _)| *known == verb) || verb.starts_with('-');
    // By itself a command of gh says how it is used; any other word is an alias, or an extension.
    if matches!(what, "--help" | "-h") || (what.is_empty() && known) {
        return Ok(());
    }
    let args = &rest[2.min(rest.len())..];
    if args.iter().any(|word| matches!(word.known(), Some("--help"))) {
        return Ok(());
    }
    match (verb, what) {
        ("pr" | "mr", "create" | "new") => draft(program, args),
        // Which branch it moves here, the hooks see.
        ("pr" | "mr", "checkout")
            if !args
                .iter()
                .any(|word| word.may_be_option() && word.known() != Some("--detach")) =>
        {
            Ok(())
        }
        ("pr" | "issue", "comment") | ("mr" | "issue", "note") => comment(program, args),
        _ if GH_READS
            .iter()
            .any(|(known, what_reads)| *known == verb && what_reads.contains(&what)) =>
        {
            Ok(())
        }
        _ => Err(no(
            &format!("{program} {verb} {what}"),
            "it changes something at the forge, or is not known",
            "a person does that; an agent may read, and open a draft",
        )),
    }
}

/// A pull request is a draft, in whatever way the options are written; the last word counts.
fn draft(program: &str, args: &[Word]) -> Verdict {
    let (mut is_draft, mut at) = (false, 0);
    while let Some(word) = args.get(at) {
        at += 1;
        let Some(text) = word.known() else {
            if word.may_be_option() && !word.lead.contains('=') {
                return Err(no(program, "it cannot be told whether it is a draft", "write it out"));
            }
            continue;
        };
        if CREATE_VALUES.contains(&text) {
            at += 1;
            continue;
        }
        match text {
            "-d" | "--draft" | "--draft=true" | "-d=true" | "--wip" => is_draft = true,
            "-w" | "--web" | "-e" | "--editor" => {
                return Err(no(
                    program,
                    "it leaves the rest to a browser or an editor",
                    "--draft --fill",
                ));
            }
            _ if text.starts_with("--draft=") || text.starts_with("-d=") => is_draft = false,
            _ if text.starts_with("--") => {}
            _ if text.starts_with('-') && text.chars().skip(1).all(|c| matches!(c, 'd' | 'f')) => {
                is_draft |= text.contains('d');
            }
            _ => {}
        }
    }
    if is_draft {
        return Ok(());
    }
    Err(no(
        &format!("{program} pr create"),
        "an agent opens drafts and nothing else",
        "the same with --draft",
    ))
}

fn comment(program: &str, args: &[Word]) -> Verdict {
    for word in args {
        let text = word.shown.to_lowercase();
        let commands = text.lines().any(|line| {
            let line =
                line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '/' && c != '@');
            line.starts_with('/') || BOTS.iter().any(|bot| line.starts_with(bot))
        }) || BOTS.iter().any(|bot| text.contains(bot));
        let hidden = word.known().is_none()
            || matches!(
                word.known(),
                Some(
                    "-F" | "--body-file"
                        | "-e"
                        | "--editor"
                        | "-w"
                        | "--web"
                        | "--edit-last"
                        | "--delete-last"
                )
            );
        if commands || hidden {
            return Err(no(
                program,
                "the comment may command a bot, or cannot be seen",
                "gh pr comment --body <text>",
            ));
        }
    }
    Ok(())
}

/// A read is one by its method, said and implied.
fn api(program: &str, args: &[Word]) -> Verdict {
    let (mut method, mut fields, mut at) = (None, Vec::new(), 0);
    let mut paths = Vec::new();
    let deny =
        |why| Err(no(&format!("{program} api"), why, "gh api <path>, without a method and fields"));
    while let Some(word) = args.get(at) {
        at += 1;
        let text = word.lead.as_str();
        let value = args.get(at);
        if METHODS.contains(&text) {
            at += 1;
            method = Some(value.and_then(Word::known).unwrap_or("?").to_uppercase());
        } else if let Some(named) =
            text.strip_prefix("--method=").or_else(|| text.strip_prefix("-X"))
        {
            method = Some(named.trim_start_matches('=').to_uppercase());
        } else if matches!(text, "-f" | "-F" | "--field" | "--raw-field") {
            at += 1;
            fields.extend(value);
        } else if text.starts_with("-f")
            || text.starts_with("-F")
            || text.starts_with("--field=")
            || text.starts_with("--raw-field=")
        {
            fields.push(word);
        } else if text.starts_with("--input") {
            return deny("its input cannot be seen");
        } else if matches!(
            text,
            "-H" | "--header"
                | "-q"
                | "--jq"
                | "-t"
                | "--template"
                | "-p"
                | "--preview"
                | "--hostname"
                | "--cache"
        ) {
            if value.is_some_and(|value| value.shown.to_lowercase().contains("method-override")) {
                return deny("a header says another method");
            }
            at += 1;
        } else if word.lead.starts_with('-') {
            if text.to_lowercase().contains("override") {
                return deny("a header says another method");
            }
        } else if word.lead.is_empty() {
            return deny("it cannot be told what is asked");
        } else {
            paths.push(text);
        }
    }
    if paths.first().is_some_and(|path| path.contains("graphql")) {
        return match fields.as_slice() {
            fields if fields.iter().all(|field| is_query(field)) && !fields.is_empty() => Ok(()),
            _ => deny("it may be a mutation"),
        };
    }
    match method.as_deref() {
        Some("GET" | "HEAD") => Ok(()),
        None if fields.is_empty() => Ok(()),
        Some(_) | None => deny("it changes something at the forge"),
    }
}

fn is_query(field: &Word) -> bool {
    let Some(text) = field.known() else { return false };
    let text = text.trim_start_matches("--raw-field=").trim_start_matches("--field=");
    match text.split_once('=') {
        Some(("query", query)) => {
            let query = query.trim_start();
            (query.starts_with("query") || query.starts_with('{'))
                && !query.contains("mutation")
                && !query.starts_with('@')
        }
        Some((_, value)) => !value.starts_with('@') && !value.contains("mutation"),
        None => false,
    }
}

/// Other clients, by the words that change something at the other side: no layer below sees them.
const OTHERS: [(&str, &[&str]); 22] = [
    ("tea", &["merge", "create", "close", "approve"]),
    ("az", &["pr"]),
    ("bb", &["merge", "push"]),
    ("jj", &["push"]),
    ("sl", &["push"]),
    ("stg", &["push"]),
    ("gix", &["push"]),
    ("dulwich", &["push", "send-pack", "receive-pack"]),
    ("hg", &["push"]),
    ("got", &["send"]),
    ("gt", &["submit", "merge", "stack"]),
    ("arc", &["land"]),
    ("spr", &["land", "diff"]),
    ("ghstack", &["land", "submit"]),
    ("repo", &["upload"]),
    ("mergify", &["queue"]),
    ("graphite", &["submit", "merge"]),
    ("git-machete", &["traverse", "github"]),
    ("git-town", &["ship", "sync"]),
    ("lazygit", &[]),
    ("gitui", &[]),
    ("tig", &[]),
];

/// `jj git push` and the like. Where no words are named, somebody has to sit before it.
pub(super) fn other(program: &str, args: &[Word]) -> Verdict {
    let Some((_, words)) = OTHERS.iter().find(|(known, _)| *known == program) else {
        return Ok(());
    };
    let asks = args.iter().any(|word| matches!(word.lead.as_str(), "--help" | "-h" | "--version"));
    let first = args.iter().filter(|word| !word.lead.starts_with('-')).take(3);
    let writes = words.is_empty() || first.clone().any(|word| words.contains(&word.lead.as_str()));
    if writes && !asks {
        return Err(no(program, "it does what no hook sees", "git, by itself"));
    }
    Ok(())
}

/// Code of an interpreter that speaks to a forge by itself.
pub(super) fn inline(text: &str) -> Verdict {
    const WRITES: [&str; 6] = ["put", "post", "patch", "delete", "data=", "mutation"];
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '=');
    let asks_forge = text.contains("://") && FORGES.iter().any(|forge| text.contains(forge));
    if asks_forge && words.any(|word| WRITES.contains(&word)) {
        return Err(no("code", "it may change something at the forge", "gh api <path>, to read"));
    }
    Ok(())
}

const FORGES: [&str; 11] = [
    "/api/v3/",
    "/api/v4/",
    "github",
    "gitlab",
    "bitbucket",
    "codeberg",
    "gitea",
    "forgejo",
    "sr.ht",
    "azure.com",
    "visualstudio.com",
];

/// `curl` and `wget`: a forge is only read; what it cannot be told that it is, is only read as well.
fn transfer(program: &str, args: &[Word]) -> Verdict {
    let shown = |word: &Word| word.shown.to_lowercase();
    let forge = args.iter().any(|word| FORGES.iter().any(|forge| shown(word).contains(forge)));
    let hidden = args.iter().any(|word| {
        let lead = word.lead.as_str();
        let unknown_host = word.known().is_none()
            && !lead.starts_with('-')
            && (lead.is_empty() || lead.ends_with("://"));
        unknown_host || matches!(lead, "-K" | "--config") || lead.starts_with("--config=")
    });
    let writes = args.iter().enumerate().any(|(at, word)| {
        let text = word.lead.as_str();
        let method = |text: &str| {
            !matches!(
                text.trim_start_matches(['=', ' ']).to_uppercase().as_str(),
                "GET" | "HEAD" | ""
            )
        };
        let next = args.get(at + 1).map_or("", |word| word.lead.as_str());
        // `http PUT …`
        let bare = matches!(program, "http" | "https" | "xh" | "xhs")
            && !text.starts_with('-')
            && (matches!(text.to_uppercase().as_str(), "PUT" | "POST" | "PATCH" | "DELETE")
                || (0 < at && text.contains('=') && !text.contains("==")));
        let cluster = text.starts_with('-') && !text.starts_with("--") && program == "curl";
        let by_cluster = cluster
            && text.find('X').is_some_and(|at| {
                let rest = &text[at + 1..];
                if rest.is_empty() { method(next) || next.is_empty() } else { method(rest) }
            });
        let sends = cluster && text[1..].contains(['d', 'F', 'T']);
        by_cluster
            || bare
            || sends
            || (matches!(text, "--request" | "--method") && (method(next) || next.is_empty()))
            || text
                .strip_prefix("--request=")
                .or(text.strip_prefix("--method="))
                .is_some_and(method)
            || ["--data", "--form", "--json", "--upload-file", "--post-", "--body-"]
                .iter()
                .any(|option| text.starts_with(option))
    });
    let configured = |word: &Word| {
        let text = word.lead.as_str();
        let cluster = text.starts_with('-') && !text.starts_with("--") && text.ends_with('K');
        program == "curl" && (cluster || text.starts_with("--config"))
    };
    if args.iter().any(configured) {
        return Err(no(program, "a file says what it does", "the same, written out"));
    }
    if writes && (forge || hidden) {
        return Err(no(program, "it may change something at the forge", "gh api <path>, to read"));
    }
    Ok(())
}

fn no(what: &str, why: &str, next: &str) -> Denial {
    Denial::new("forge", format!("`{}`: {why}", what.escape_debug())).next(next)
}
