//! Running agents and reading what they hand in. What an end means is decided in `domain::outcome`.

pub mod call;
pub mod report_file;
pub mod steps;
