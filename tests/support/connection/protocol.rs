//! The protocol of a test run.

use std::process::{Command, Stdio};

/// Names the protocol of a run.
const VARIABLE: &str = "LARDER_TEST_PROTOCOL";

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, with prior knowledge.
    Http2,
}

impl Protocol {
    /// The protocol over which the clients of this run send: HTTP/1.1, unless `LARDER_TEST_PROTOCOL` is `h2c`.
    ///
    /// # Panics
    /// When the variable has another value.
    #[must_use]
    pub fn of_this_run() -> Self {
        match std::env::var(VARIABLE).as_deref() {
            Err(_) => Self::Http1,
            Ok("h2c") => Self::Http2,
            Ok(other) => panic!("{VARIABLE} = {other:?}: write `h2c`"),
        }
    }

    /// Runs tests of this binary again, over HTTP/2: those whose path contains one of `names` and none of `except`.
    ///
    /// # Panics
    /// When one of them fails, or when there is none.
    pub fn rerun_over_http2(names: &[&str], except: &[&str]) {
        let mut command = Command::new(std::env::current_exe().expect("the path of this binary"));
        command.args(names).args(except.iter().flat_map(|name| ["--skip", name]));
        let output = command.env(VARIABLE, "h2c").stdin(Stdio::null()).output().expect("a process");
        let text = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text)).concat();
        assert!(output.status.success() && !text.contains(" 0 passed"), "{text}");
    }
}
