//! A survey of the house, for whoever puts it in order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::krate::Crate;
use crate::source::Source;
use crate::{arrows, circles, sizes, voice, words};

/// The number of lines of each list.
const SHOWN: usize = 25;

/// Prints files, circles, repeated names, first words and sizes.
pub(crate) fn print(crates: &[Crate], sources: &[Source]) {
    for krate in crates {
        print_crate(krate);
    }
    print_voice(sources);
    print_sizes(sources);
}

fn print_crate(krate: &Crate) {
    let arrows = arrows::of(krate);
    let circles = circles::components(krate.files.len(), &arrows);
    println!("== {}: {} files, {} circles", krate.src, krate.files.len(), circles.len());
    for circle in circles {
        println!("circle of {} files", circle.len());
        for from in &circle {
            let mut targets = BTreeMap::<&str, Vec<&str>>::new();
            for arrow in arrows.iter().filter(|arrow| arrow.from == *from && !arrow.is_reexport) {
                if circle.contains(&arrow.to) {
                    targets.entry(&krate.files[arrow.to]).or_default().push(&arrow.name);
                }
            }
            let targets: Vec<_> =
                targets.iter().map(|(file, names)| format!("{file} ({})", names.join(" "))).collect();
            println!("  {} -> {}", krate.files[*from], targets.join(", "));
        }
    }
    let repeated = words::repeated(krate);
    println!("{} repeated type names", repeated.len());
    for (name, places) in repeated {
        let places: Vec<_> =
            places.iter().map(|(file, line)| format!("{}:{line}", krate.files[*file])).collect();
        println!("  {name}: {}", places.join(" "));
    }
}

fn print_voice(sources: &[Source]) {
    let mut folders = BTreeMap::<&str, (usize, usize)>::new();
    for source in sources {
        let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let (words, names) = folders.entry(folder).or_default();
        *words += voice::check_first_words(source).len();
        *names += voice::check_crate_name(source).len();
    }
    println!("== doc comments: first words, `larder_runtime::`");
    for (folder, (words, names)) in folders.into_iter().filter(|(_, counts)| *counts != (0, 0)) {
        println!("{words:5} {names:5} {folder}");
    }
}

fn print_sizes(sources: &[Source]) {
    let mut files: Vec<_> = sources.iter().map(|source| (source.lines, source.path.clone())).collect();
    let functions = sources.iter().flat_map(|source| {
        let named = move |function: sizes::Function| {
            (function.lines, format!("{}:{} {}", source.path, function.line, function.name))
        };
        sizes::functions(source).into_iter().map(named)
    });
    let mut functions: Vec<_> = functions.collect();
    for (title, list) in [("files", &mut files), ("functions", &mut functions)] {
        list.sort_by_key(|(lines, _)| Reverse(*lines));
        println!("== the longest of {} {title}", list.len());
        for (lines, name) in list.iter().take(SHOWN) {
            println!("{lines:5} {name}");
        }
    }
}
