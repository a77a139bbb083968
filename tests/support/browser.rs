//! A browser without a window.

use std::path::Path;
use std::process::{Command, Stdio};

/// Opens a page in Chromium with an empty profile in `dir`, waits until its scripts have nothing to do, and returns the text of the page as
/// HTML.
///
/// # Panics
/// When there is no Chromium (`apt-get install chromium`), or when it fails.
pub fn opened(dir: &Path, url: &str) -> String {
    let mut chromium = Command::new("chromium");
    // Root may not use its sandbox, and it opens pages of the tests alone.
    chromium.args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    chromium.arg(format!("--user-data-dir={}", dir.display()));
    chromium.args(["--virtual-time-budget=30000", "--timeout=60000", "--dump-dom", url]);
    let output = chromium.stderr(Stdio::piped()).output();
    let output =
        output.unwrap_or_else(|error| panic!("chromium, as `apt-get install chromium` has it: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
