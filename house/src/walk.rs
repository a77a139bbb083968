//! The walk of ARCHITECTURE.md: every `file.rs:function` that it names exists.

use std::collections::HashSet;

use proc_macro2::{TokenStream, TokenTree};

use crate::finding::Finding;
use crate::source::Source;

/// The folders that the walk's files are in.
const FOLDERS: [&str; 2] = ["cache-macros/src/", "cache-runtime/src/"];

/// Reports hops that name a file or a function that does not exist.
pub(crate) fn check(page: &str, text: &str, sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for hop in line.split('`').skip(1).step_by(2) {
            let Some((file, function)) = hop.split_once(".rs:") else { continue };
            let is_there = sources.iter().any(|source| {
                FOLDERS.iter().any(|folder| source.path == format!("{folder}{file}.rs"))
                    && functions(source.tokens.clone()).contains(function)
            });
            if !is_there {
                findings.push(Finding::at(page, at + 1, format!("there is no `{hop}`")));
            }
        }
    }
    findings
}

/// Returns the names of all functions in a file, also of those in macros.
fn functions(tokens: TokenStream) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut after_fn = false;
    for token in tokens {
        match token {
            TokenTree::Ident(ident) if after_fn => {
                names.insert(ident.to_string());
                after_fn = false;
            }
            TokenTree::Group(group) => names.extend(functions(group.stream())),
            other => after_fn = other.to_string() == "fn",
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::lines;

    #[test]
    fn a_hop_needs_its_file_and_its_function() {
        let sources =
            [Source::new("cache-runtime/src/engine/run.rs", "impl A { pub async fn run<T>(&self) {} }")];
        let text =
            "1. `engine/run.rs:run` runs\n2. `engine/run.rs:walk` walks\n3. `engine/gone.rs:run` is gone";
        assert_eq!(
            lines(&check("ARCHITECTURE.md", text, &sources)),
            [
                "ARCHITECTURE.md:2: there is no `engine/run.rs:walk`",
                "ARCHITECTURE.md:3: there is no `engine/gone.rs:run`"
            ]
        );
    }
}
