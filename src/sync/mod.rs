//! What happens between machines: runs are fetched beside one's own, sent by compare-and-swap, and taken
//! over by a person alone.

pub mod answers;
pub mod fetch;
pub mod push;
pub mod stand;
