//! Processes that a test starts from its own binary, and what can befall them.

use std::process::{Child, Command, Stdio};

use super::redis::signal;

/// Kills the process `$2` when the one that started it, `$1`, is gone, however that ended: one that is stopped would stay.
const WATCHDOG: &str = r#"while kill -0 "$1" && kill -0 "$2"; do sleep 0.2; done
kill -0 "$1" || kill -9 "$2""#;

/// A process that runs this test binary again, with other arguments. Dropping it kills it.
pub struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts one. What it prints is shown.
    ///
    /// # Panics
    /// When the system gives no process.
    pub fn start<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Self {
        let binary = std::env::current_exe().expect("the path of this binary");
        let child = Command::new(binary).args(args).stdin(Stdio::null()).spawn().expect("a process");
        let watchdog = Command::new("sh")
            .args(["-c", WATCHDOG, "sh", &std::process::id().to_string(), &child.id().to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        Self { child, watchdog }
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
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
