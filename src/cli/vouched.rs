//! Whether the words of people that a run goes by are theirs, where they were asked to sign them.

use super::exit::Fail;
use crate::{
    domain::{ice::denial::Denial, id::RunId},
    git::Repo,
    store::{history, signatures},
};

/// No run goes on, and nothing leaves, by a word that may be nobody's.
pub(super) fn words(repo: &Repo, id: &RunId) -> Result<(), Fail> {
    let Some(why) = signatures::doubt(repo, id, &history::tip(repo, id)?)? else { return Ok(()) };
    let next = format!("git run verify {id}; git run halt --force gives the run up");
    Err(Denial::new("signature", why).next(next).into())
}
