//! One of the two ways to touch the machine: gix where it is complete, the `git` program where it
//! is not. Only this room knows both. It decides nothing about runs.

pub mod bulk;
pub mod deletions;
pub mod exchange;
pub mod history;
mod incoming;
pub mod lane;
pub mod listing;
pub mod looked;
pub mod objects;
mod pack;
pub mod parameters;
pub mod program;
pub mod reflog;
pub mod refs;
pub mod repo;
pub mod restore;
pub mod scan;
pub mod signed;
pub mod snapshot;
pub mod tree_diff;
pub mod tree_edit;
pub mod upkeep;
pub mod worktree;

pub use repo::{OpenError, Repo};
