//! `find`: what it runs is judged, and what it deletes is not in a repository's own directory.

use super::{Walk, state::State};
use crate::domain::ice::{
    denial::Denial,
    word::{Sure, Word},
};

impl Walk<'_, '_> {
    /// `find`: what it runs is judged; what it deletes must not be everywhere.
    pub(super) fn found(&mut self, args: &[Word], state: &State) -> Result<(), Denial> {
        for (at, word) in args.iter().enumerate() {
            let runs = matches!(
                word.lead.as_str(),
                "-exec" | "-execdir" | "-ok" | "-okdir" | "-x" | "-X" | "--exec"
            );
            if runs {
                let end =
                    args[at..].iter().position(|word| matches!(word.lead.as_str(), ";" | "+"));
                let inner: Vec<Word> = args[at + 1..end.map_or(args.len(), |end| at + end)]
                    .iter()
                    .map(|word| {
                        if word.lead.contains("{}") {
                            Word { sure: Sure::Part, ..Word::unknown("{}") }
                        } else {
                            word.clone()
                        }
                    })
                    .collect();
                self.command(&inner, None, state)?;
                let removes = inner.first().is_some_and(|word| {
                    matches!(word.lead.as_str(), "rm" | "mv" | "shred" | "unlink" | "truncate")
                });
                if removes {
                    spares_git(args)?;
                }
            }
        }
        if args
            .iter()
            .any(|word| matches!(word.lead.as_str(), "-delete" | "-fprint" | "-fls" | "-fprintf"))
        {
            spares_git(args)?;
        }
        Ok(())
    }
}

/// Whether what a `find` deletes can be no file of a repository's own.
pub(super) fn spares_git(args: &[Word]) -> Result<(), Denial> {
    let roots: Vec<&Word> =
        args.iter().take_while(|word| !word.lead.starts_with(['-', '(', '!'])).collect();
    let is_whole = |word: &&Word| {
        word.known().is_none_or(|path| {
            matches!(path.trim_end_matches('/'), "" | "." | "..")
                || path.starts_with('/')
                || path.starts_with("..")
                || path.to_lowercase().contains(".git")
        })
    };
    let below = !roots.is_empty() && !roots.iter().any(is_whole);
    let excludes =
        args.windows(2).any(|pair| {
            matches!(pair[0].lead.as_str(), "-path" | "-name" | "-ipath" | "-wholename")
                && pair[1].lead.contains(".git")
        }) && args.iter().any(|word| matches!(word.lead.as_str(), "-not" | "!" | "-prune"));
    let named = args.windows(2).any(|pair| {
        let name = pair[1].lead.as_str();
        matches!(pair[0].lead.as_str(), "-name" | "-iname")
            && (name.starts_with("*.")
                || name.starts_with("__")
                || name.starts_with('.') && !name.starts_with(".g")
                || name.starts_with("*~"))
            && !args.iter().any(|word| matches!(word.lead.as_str(), "-o" | "-or"))
    });
    if below || excludes || named {
        return Ok(());
    }
    Err(Denial::new("git-dir", "it deletes in the repository's own directory as well")
        .next("add: -not -path './.git/*'"))
}
