//! Checks the order of larder's source.
//!
//! - `cargo run -q -p larder-house` prints every finding as `file:line: text` and fails if there is one.
//! - `cargo run -q -p larder-house -- TEXT..` prints the findings that contain one of the texts: a path or a word.
//! - `cargo run -q -p larder-house -- show` prints a survey: circles with their arrows, repeated names, sizes.
//!
//! [`tables`] holds the layers and the lists of exceptions. The rest are the checks ([`layers`], [`circles`],
//! [`words`], [`voice`], [`sizes`], [`walk`]) and how imports are resolved: [`source`], [`item`], [`krate`], [`resolve`], [`arrows`].

mod allow;
mod arrows;
mod circles;
mod finding;
mod item;
mod krate;
mod layers;
mod resolve;
mod sizes;
mod source;
mod survey;
mod tables;
mod voice;
mod walk;
mod words;

use std::path::Path;
use std::process::ExitCode;

use crate::allow::AllowList;
use crate::finding::Finding;
use crate::krate::Crate;
use crate::source::Source;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("house is a folder of the repository");
    let sources = source::read_all(root).expect("the repository is readable");
    let crates: Vec<_> = tables::CRATES.iter().map(|(src, root)| Crate::load(src, root, &sources)).collect();
    let wanted: Vec<_> = std::env::args().skip(1).collect();
    if wanted == ["show"] {
        survey::print(&crates, &sources);
        return ExitCode::SUCCESS;
    }
    let mut findings = check(&crates, &sources);
    let page = "ARCHITECTURE.md";
    let text = std::fs::read_to_string(root.join(page)).expect("ARCHITECTURE.md is readable");
    findings.extend(walk::check(page, &text, &sources));
    findings.sort();
    let mut lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    lines.retain(|line| wanted.is_empty() || wanted.iter().any(|text| line.contains(text)));
    for line in &lines {
        println!("{line}");
    }
    println!("{} findings in {} files; house/src/tables.rs holds the rules", lines.len(), sources.len());
    if lines.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all checks.
fn check(crates: &[Crate], sources: &[Source]) -> Vec<Finding> {
    let mut circles_allowed = AllowList::new("CIRCLES", tables::CIRCLES);
    let mut names_allowed = AllowList::new("REPEATED_NAMES", tables::REPEATED_NAMES);
    let mut sizes_allowed = AllowList::new("LONG", tables::LONG);
    let mut findings = Vec::new();
    for krate in crates {
        if let Some((_, table)) = tables::LAYERS.iter().find(|(src, _)| *src == krate.src) {
            let arrows = arrows::of(krate);
            findings.extend(layers::check(krate, &arrows, table));
            findings.extend(circles::check(krate, &arrows, &mut circles_allowed));
        }
        findings.extend(words::check(krate, &mut names_allowed));
    }
    for source in sources {
        findings.extend(voice::check_first_words(source));
        findings.extend(voice::check_crate_name(source));
        findings.extend(sizes::check(source, &mut sizes_allowed));
    }
    findings.extend(words::check_list(tables::REPEATED_NAMES));
    for list in [circles_allowed, names_allowed, sizes_allowed] {
        findings.extend(list.check());
    }
    findings
}
