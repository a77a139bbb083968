//! Processes that a test starts from its own binary, and what can befall them.

use std::process::{Child, Command, Stdio};

use super::redis::signal;

/// A process that runs this test binary again, with other arguments. Dropping it kills it.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts one. Its standard input is a pipe that is open as long as this process lives; what it prints is shown.
    ///
    /// # Panics
    /// When the system gives no process.
    pub fn start<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let binary = std::env::current_exe().expect("the path of this binary");
        let child = Command::new(binary).args(args).stdin(Stdio::piped()).spawn().expect("a process");
        Self { child }
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops it where it stands (SIGSTOP).
    pub fn pause(&self) {
        signal("STOP", self.pid());
    }

    /// Lets it go on.
    pub fn resume(&self) {
        signal("CONT", self.pid());
    }

    /// Ends it at once (SIGKILL), stopped or not, and waits until it is gone.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
