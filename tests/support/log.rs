//! The events of a test.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// The events, line by line.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// The events since the last call, or of [`Log::take`].
    #[must_use]
    pub fn text(&self) -> String {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&std::mem::take(&mut *log)).into_owned()
    }

    /// The warnings since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
    }

    /// Writes the events of all threads to a new log, for a test in a process of its own.
    ///
    /// # Panics
    /// When the process has a subscriber.
    #[must_use]
    pub fn of_process() -> Self {
        let log = Self::default();
        tracing::subscriber::set_global_default(log.subscriber()).expect("a process of its own");
        log
    }

    /// Writes the events of this thread to a new log until the guard is dropped.
    #[must_use]
    pub fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.subscriber());
        (log, guard)
    }

    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let writer = self.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish()
    }
}
