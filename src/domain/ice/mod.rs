//! The guard's rules: what is protected, what moves it, and who may.

pub mod audit;
pub mod claim;
pub mod command;
pub mod denial;
pub mod facts;
pub mod judge;
pub mod ledger;
pub mod name;
pub mod options;
pub mod push_line;
pub mod refspec;
pub mod server;
pub mod shell;
pub mod tool;
pub mod verb;
pub mod word;
