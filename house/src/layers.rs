//! Layers: imports run down only.

use crate::arrows::Arrow;
use crate::finding::Finding;
use crate::krate::Crate;

/// The layers of a crate, lowest first: files and folders relative to its source, without `.rs`.
pub(crate) type Layers = [&'static [&'static str]];

/// Reports arrows to a higher layer, files without a layer, and entries of the table without a file.
pub(crate) fn check(krate: &Crate, arrows: &[Arrow], layers: &Layers) -> Vec<Finding> {
    let levels: Vec<_> = krate.files.iter().map(|file| level(layers, file)).collect();
    let mut findings = Vec::new();
    for arrow in arrows {
        let (from, to) = (&krate.files[arrow.from], &krate.files[arrow.to]);
        let is_upward = levels[arrow.from].is_some() && levels[arrow.from] < levels[arrow.to];
        if is_upward && !(arrow.is_reexport && is_contents(from, to)) {
            let text = format!("imports `{}` of {to}, which is above it", arrow.name);
            findings.push(Finding::at(krate.path(arrow.from), arrow.line, text));
        }
    }
    let homeless: Vec<_> =
        krate.files.iter().map(String::as_str).filter(|file| level(layers, file).is_none()).collect();
    if !homeless.is_empty() {
        findings.push(Finding::about(&krate.src, format!("files without a layer: {}", homeless.join(" "))));
    }
    for entry in layers.iter().copied().flatten() {
        if !krate.files.iter().any(|file| is_below(file, entry)) {
            findings.push(Finding::about(&krate.src, format!("the layer entry `{entry}` has no file")));
        }
    }
    findings
}

/// Returns the index of the layer of a file: the one with the longest entry.
fn level(layers: &Layers, file: &str) -> Option<usize> {
    let mut longest = None;
    for (level, entries) in layers.iter().enumerate() {
        for entry in entries.iter().filter(|entry| is_below(file, entry)) {
            longest = longest.max(Some((entry.len(), level)));
        }
    }
    longest.map(|(_, level)| level)
}

/// Returns whether `file` is `entry` or inside of it.
fn is_below(file: &str, entry: &str) -> bool {
    file.strip_prefix(entry).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns whether `from` is the contents page of a folder that `to` is in.
fn is_contents(from: &str, to: &str) -> bool {
    from.strip_suffix("mod").is_some_and(|folder| to.starts_with(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrows;
    use crate::finding::lines;
    use crate::krate::fixture;

    fn findings(layers: &Layers) -> Vec<String> {
        let krate = fixture(&[
            ("lib.rs", "mod low; mod high;"),
            ("low.rs", "use std::fmt;\nuse crate::high::{Same, B};\npub struct Low;"),
            ("high/mod.rs", "mod a; mod b; pub use self::{a::Same, b::B};"),
            ("high/a.rs", "pub struct Same; use super::B;"),
            ("high/b.rs", "pub struct B; use crate::low::Low;"),
        ]);
        lines(&check(&krate, &arrows::of(&krate), layers))
    }

    #[test]
    fn an_upward_import_is_reported_with_its_line() {
        assert_eq!(
            findings(&[&["low"], &["high"], &["lib"]]),
            [
                "src/low.rs:2: imports `Same` of high/a, which is above it",
                "src/low.rs:2: imports `B` of high/b, which is above it"
            ]
        );
        assert!(
            findings(&[&["high"], &["low"], &["lib"]]).iter().all(|line| line.starts_with("src/high/b.rs:1"))
        );
    }

    #[test]
    fn the_longest_entry_decides_and_a_contents_page_may_show_its_folder() {
        assert!(findings(&[&["low", "high"], &["lib"]]).is_empty());
        assert_eq!(
            findings(&[&["low", "high"], &["high/b"], &["lib"]]),
            [
                "src/low.rs:2: imports `B` of high/b, which is above it",
                "src/high/a.rs:1: imports `B` of high/b, which is above it"
            ]
        );
    }

    #[test]
    fn files_without_a_layer_and_entries_without_a_file_are_reported() {
        assert_eq!(
            findings(&[&["low", "high"], &["hig"]]),
            ["src: files without a layer: lib", "src: the layer entry `hig` has no file"]
        );
    }
}
