//! The only way out: facts, judge, clearance, push. Nothing is sent without a clearance.

pub mod audit;
pub mod bound;
pub mod doctor;
pub mod facts;
pub mod fence;
pub mod hooks;
pub mod judged;
pub mod ledger;
pub mod local;
pub mod person;
pub mod push;
pub mod scope;
pub mod server;
pub mod share;
pub mod tool;
pub mod vouched;
