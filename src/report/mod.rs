//! One view, many faces. Renders; decides nothing, and sees only `domain`.

pub mod brief;
pub mod deleted;
pub mod json;
pub mod sanitise;
pub mod status;
