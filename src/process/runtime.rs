//! The one asynchronous runtime: a single thread that waits for an agent's pipes, time and signals at
//! once. Everything outside of this room is synchronous.

use std::{fmt, future::Future, io};

pub struct Runtime(tokio::runtime::Runtime);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Runtime")
    }
}

impl Runtime {
    pub fn new() -> io::Result<Self> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().map(Self)
    }

    pub fn wait_for<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.block_on(future)
    }
}
