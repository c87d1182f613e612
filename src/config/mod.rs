//! What people set and write down, made into values of `domain`: settings, plans, workflows.

pub mod plan_file;
pub mod plan_find;
pub mod sections;
pub mod settings;
pub mod team;
pub mod workflow_file;
