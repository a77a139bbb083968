//! One violation of a rule.

use std::fmt;

/// A violation, at a line of a file. Findings are ordered by file and line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// 0 for the whole file.
    line: usize,
    text: String,
}

impl Finding {
    /// A finding at `line` of the file `path`.
    pub(crate) fn at(path: impl Into<String>, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.into(), line, text: text.into() }
    }

    /// A finding about a whole file, folder or table.
    pub(crate) fn about(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::at(path, 0, text)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.text),
            line => write!(f, "{}:{line}: {}", self.path, self.text),
        }
    }
}

/// The findings as lines, for tests.
#[cfg(test)]
pub(crate) fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(Finding::to_string).collect()
}
