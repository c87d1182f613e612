//! Whether the words of people that a run goes by are theirs, where they were asked to sign them.

use super::judged::told;
use crate::{
    domain::{ice::denial::Denial, id::RunId},
    git::Repo,
    store::{history, signatures},
};

/// No run goes on, and nothing leaves, by a word that may be nobody's.
pub fn words(repo: &Repo, id: &RunId) -> Result<(), Denial> {
    let tip = history::tip(repo, id).map_err(told)?;
    match signatures::doubt(repo, id, &tip).map_err(told)? {
        None => Ok(()),
        Some(why) => Err(Denial::new("signature", why)
            .next(format!("git run verify {id}; git run halt --force gives the run up"))),
    }
}
