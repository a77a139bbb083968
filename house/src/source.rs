//! Rust files of the repository.

use std::path::Path;
use std::{fs, io};

use proc_macro2::TokenStream;

/// A Rust file.
pub(crate) struct Source {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) lines: usize,
    pub(crate) tokens: TokenStream,
}

impl Source {
    /// A file with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens = text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        Self { path: path.to_owned(), lines: text.lines().count(), tokens }
    }

    /// The parsed file.
    pub(crate) fn parse(&self) -> syn::File {
        syn::parse2(self.tokens.clone()).unwrap_or_else(|error| panic!("{} is not Rust: {error}", self.path))
    }
}

/// Reads every Rust file below `root`, sorted by path; build output and hidden folders are left out.
pub(crate) fn read_all(root: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if path.is_dir() {
                if !name.starts_with('.') && !name.starts_with("target") {
                    folders.push(path);
                }
            } else if name.ends_with(".rs") {
                let relative = path.strip_prefix(root).expect("a path below the root");
                let relative = relative.to_string_lossy().replace('\\', "/");
                sources.push(Source::new(&relative, &fs::read_to_string(&path)?));
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}
