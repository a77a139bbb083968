//! Processes that a test starts from its own binary.

use std::process::{Child, Command, Stdio};

use super::redis::signal;

/// Kills the process `$2` when its parent `$1` is gone, because a stopped process would stay.
const WATCHDOG: &str = r#"while kill -0 "$1" && kill -0 "$2"; do sleep 0.2; done
kill -0 "$1" || kill -9 "$2""#;

/// Names the test that a process was started for.
const TEST: &str = "LARDER_ISOLATED_TEST";

/// Runs the rest of the calling test in a process of its own.
///
/// Evaluates to true in that process, and to false in the original one after the other process succeeded.
#[macro_export]
macro_rules! isolated {
    () => {{
        fn here() {}
        $crate::process::isolated(&$crate::process::test_around(&here))
    }};
}

/// Implements [`isolated!`](crate::isolated).
///
/// # Panics
/// When the test fails in its process.
#[must_use]
pub fn isolated(test: &str) -> bool {
    if std::env::var(TEST).is_ok_and(|started_for| started_for == test) {
        return true;
    }
    let output = rerun(test).env(TEST, test).output().expect("a process");
    assert_passed(test, &output);
    false
}

/// The command that runs one test of this binary, shows its output and runs nothing else.
pub fn rerun(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("the path of this binary"));
    command.args(["--exact", test, "--nocapture"]);
    command
}

/// Asserts that a process of [`rerun`] found its test and that the test passed.
///
/// # Panics
/// When the test failed or there is no such test.
#[track_caller]
pub fn assert_passed(test: &str, output: &std::process::Output) {
    let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
    assert!(output.status.success() && text.contains("1 passed"), "{test}: {text}");
}

/// The path of the test that declares the function `here`, as the harness prints it.
pub fn test_around<F>(_here: &F) -> String {
    let path: Vec<&str> = std::any::type_name::<F>().split("::").collect();
    let inside = &path[1..path.len() - 1];
    inside.iter().filter(|name| **name != "{{closure}}").copied().collect::<Vec<_>>().join("::")
}

/// A process that runs this test binary with other arguments. Dropping a `Process` kills the process.
pub struct Process {
    child: Child,
    watchdog: Child,
}

impl Process {
    /// Starts a process whose output is shown.
    ///
    /// # Panics
    /// When the system starts no process.
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

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Stops the process (SIGSTOP).
    pub fn pause(&self) {
        signal("STOP", self.pid());
    }

    /// Continues the process after [`Process::pause`] (SIGCONT).
    pub fn resume(&self) {
        signal("CONT", self.pid());
    }

    /// Kills the process (SIGKILL), stopped or not, and waits for its end.
    pub fn kill(&mut self) {
        // The process may have ended by itself.
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
