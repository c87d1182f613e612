//! One view, many faces. Renders; decides nothing, and sees only `domain`.

pub mod audit;
pub mod board;
pub mod brief;
pub mod checkpoint;
pub mod compaction;
pub mod context;
pub mod deleted;
pub mod doctor;
pub mod drift;
pub mod gate;
pub mod hand_over;
pub mod json;
pub mod path;
pub mod provenance;
pub mod pull_request;
pub mod reconcile;
pub mod restore;
pub mod sanitise;
pub mod status;
pub mod stay;
pub mod tool_answer;
pub mod verdict;
pub mod workflow;
