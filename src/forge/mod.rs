//! Where pull requests are. It opens drafts and nothing else, and merges, closes and approves nothing.

pub mod gh;
