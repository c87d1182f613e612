//! The only way out: facts, judge, clearance, push. Nothing is sent without a clearance.

pub mod facts;
pub mod fence;
pub mod hooks;
pub mod judged;
pub mod push;
pub mod server;
