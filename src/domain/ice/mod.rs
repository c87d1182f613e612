//! The guard's rules: what is protected, what moves it, and who may.

pub mod denial;
pub mod judge;
pub mod name;
pub mod push_line;
pub mod refspec;
