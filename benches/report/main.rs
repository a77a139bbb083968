//! Draws the pictures of docs/benchmarks/ and writes the figures of docs/benchmarks.md and README.md, from the reports that the
//! benchmarks have saved in a folder. `scripts/bench` runs it last.

mod chart;
mod machine;
mod page;

use std::env;
use std::fs;
use std::path::Path;

use larder_benches::Report;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [folder, names @ ..] = &args[..] else { panic!("a folder of reports, and the names of benchmarks") };
    let reports: Vec<_> = names.iter().map(|name| Report::load(Path::new(folder), name)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("benches is a folder of the repository");
    let pictures = root.join("docs/benchmarks");
    fs::create_dir_all(&pictures).expect("a folder for pictures");
    for report in &reports {
        fs::write(pictures.join(format!("{}.svg", report.name)), chart::draw(report)).expect("a picture");
    }
    let machine = machine::description(root);
    replace(&root.join("docs/benchmarks.md"), &page::figures(&reports, &machine));
    replace(&root.join("README.md"), &page::summary(&reports, &machine));
}

/// Replaces the text between the two markers.
fn replace(path: &Path, figures: &str) {
    const BEGIN: &str = "<!-- scripts/bench writes from here -->\n";
    const END: &str = "<!-- to here -->\n";
    let text = fs::read_to_string(path).expect("a page");
    let (before, rest) = text.split_once(BEGIN).expect("a page has the first marker");
    let (_, after) = rest.split_once(END).expect("a page has the second marker");
    fs::write(path, format!("{before}{BEGIN}\n{figures}\n{END}{after}")).expect("a page");
}
