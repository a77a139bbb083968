//! A runtime that larder owns: one for each process.

use std::process;
use std::sync::{Arc, Mutex, PoisonError};

use once_cell::sync::OnceCell;
use tokio::runtime::Runtime;

use crate::types::error::Error;

/// A runtime that starts at its first use. A forked process has none of the threads of its parent, and shares the parent's sockets, so
/// that it starts a runtime of its own.
pub(super) struct OwnRuntime {
    start: fn() -> std::io::Result<Runtime>,
    first: OnceCell<Started>,
    after_fork: Mutex<Option<&'static Started>>,
}

/// A runtime, and the process that has its threads.
struct Started {
    runtime: Runtime,
    process: u32,
}

impl OwnRuntime {
    pub(super) const fn new(start: fn() -> std::io::Result<Runtime>) -> Self {
        Self { start, first: OnceCell::new(), after_fork: Mutex::new(None) }
    }

    /// Returns the runtime of this process.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the operating system refuses a thread, or a socket.
    pub(super) fn get(&'static self) -> Result<&'static Runtime, Error> {
        let first = self.first.get_or_try_init(|| self.started())?;
        let here = if first.is_here() { first } else { self.after_fork()? };
        Ok(&here.runtime)
    }

    /// Returns the runtime of this process if it has started.
    pub(super) fn running(&'static self) -> Option<&'static Runtime> {
        self.first.get().filter(|first| first.is_here()).map(|first| &first.runtime).or_else(|| {
            let started = *self.after_fork.lock().unwrap_or_else(PoisonError::into_inner);
            started.filter(|started| started.is_here()).map(|started| &started.runtime)
        })
    }

    #[cold]
    fn after_fork(&self) -> Result<&'static Started, Error> {
        let mut started = self.after_fork.lock().unwrap_or_else(PoisonError::into_inner);
        match *started {
            Some(here) if here.is_here() => Ok(here),
            // Never dropped, as the first one: a runtime without its threads cannot be shut down.
            _ => Ok(*started.insert(Box::leak(Box::new(self.started()?)))),
        }
    }

    fn started(&self) -> Result<Started, Error> {
        match (self.start)() {
            Ok(runtime) => Ok(Started { runtime, process: process::id() }),
            Err(error) => Err(Error::Unavailable {
                message: format!("no thread for larder's own runtime: {error}"),
                source: Some(Arc::new(error)),
            }),
        }
    }
}

impl Started {
    fn is_here(&self) -> bool {
        self.process == process::id()
    }
}
