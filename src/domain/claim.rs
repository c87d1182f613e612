//! What a judge says of each acceptance criterion. What is not said, or said without evidence, was not
//! judged.

use super::{
    finding::{Finding, Severity},
    plan::Task,
};

pub const CLAIMS_MAX: usize = 500;
/// The rule of the finding that a criterion is which does not hold.
pub const NOT_MET: &str = "criterion-not-met";

/// One criterion, by its id or its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub criterion: String,
    pub met: bool,
    pub evidence: String,
}

/// The names of all criteria of these tasks: the id, or else the words.
pub fn criteria<'t>(tasks: &'t [&'t Task]) -> impl Iterator<Item = (&'t Task, String, &'t str)> {
    tasks.iter().flat_map(|task| {
        task.acceptance.iter().map(move |criterion| {
            let id = criterion.id.as_ref().map(ToString::to_string);
            (*task, id.unwrap_or_else(|| criterion.statement.clone()), criterion.statement.as_str())
        })
    })
}

/// The criteria of which nothing was said, or nothing that shows it.
#[must_use]
pub fn unproven(tasks: &[&Task], claims: &[Claim]) -> Vec<String> {
    let open = criteria(tasks).filter_map(|(task, name, statement)| {
        let of =
            |claim: &&Claim| same(&claim.criterion, &name) || same(&claim.criterion, statement);
        match claims.iter().find(of) {
            None => Some(format!("nothing is said of the criterion `{name}` of `{}`", task.id)),
            Some(claim) if claim.evidence.trim().is_empty() => {
                Some(format!("no evidence is named for the criterion `{name}` of `{}`", task.id))
            }
            Some(_) => None,
        }
    });
    open.collect()
}

/// The criteria that the judge itself says do not hold.
#[must_use]
pub fn broken(claims: &[Claim]) -> Vec<Finding> {
    let broken = claims.iter().filter(|claim| !claim.met).map(|claim| {
        let message = format!("`{}` does not hold: {}", claim.criterion, claim.evidence);
        let (rule, severity) = (NOT_MET.to_owned(), Severity::High);
        Finding { rule, severity, path: None, line: None, message }.bounded()
    });
    broken.collect()
}

fn same(one: &str, other: &str) -> bool {
    one.split_whitespace().eq(other.split_whitespace())
}
