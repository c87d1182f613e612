//! Attacks on the readers: every fault with its line, and arbitrary text.

mod actions;
mod criteria;
mod faults;
mod markdown;
mod properties;
mod shapes;
