//! The one asynchronous runtime: a single thread that waits for an agent's pipes, time and signals at
//! once. Everything outside of this room is synchronous.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    pin::Pin,
    task::Poll,
};

/// Something that is waited for beside others.
pub type Waited<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

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

    /// Lets it do what it can do without waiting; what came of it where that was all.
    pub fn go_on<T>(&self, future: &mut Waited<'_, T>) -> Option<T> {
        self.0.block_on(poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => Poll::Ready(None),
        }))
    }

    /// Waits for one of several that are at work side by side: its place, and what came of it. It is
    /// taken out; nothing where none is left.
    pub fn wait_for_any<T>(&self, all: &mut [&mut Option<Waited<'_, T>>]) -> Option<(usize, T)> {
        all.iter().any(|slot| slot.is_some()).then(|| {
            self.0.block_on(poll_fn(|context| {
                for (at, slot) in all.iter_mut().enumerate() {
                    let Some(future) = slot else { continue };
                    if let Poll::Ready(done) = future.as_mut().poll(context) {
                        **slot = None;
                        return Poll::Ready((at, done));
                    }
                }
                Poll::Pending
            }))
        })
    }
}
