//! The only way out: facts, judge, clearance, push. Nothing is sent without a clearance.

pub mod audit;
pub mod doctor;
pub mod facts;
pub mod fence;
pub mod hooks;
pub mod judged;
pub mod ledger;
pub mod person;
pub mod push;
pub mod server;
pub mod share;
pub mod tool;
