//! The figures as Markdown.

use std::fmt::Write;

use larder_benches::{Comparison, Measure, Report, Row, is_larder};

/// The comparisons of the README: benchmark, index of the group, title of the comparison, and how the README calls it.
const SUMMARY: [(&str, usize, &str, &str); 3] = [
    ("local_hit", 0, "async, 1 thread", "a hit in the process, `Arc`, one thread"),
    ("redis_hit", 0, "64 tasks", "a hit in Redis, 64 tasks"),
    ("http", 1, "wrk -t1 -c64", "a handler from Redis"),
];

/// The pictures and tables of docs/benchmarks.md.
pub fn figures(reports: &[Report], machine: &str) -> String {
    let mut text = format!("`scripts/bench` on {machine}\n");
    for report in reports {
        let Report { name, title, about, measure, .. } = report;
        let faster = if *measure == Measure::Time { "left" } else { "right" };
        write!(
            text,
            "\n## {title}\n\n{about} {rounds} rounds.\n\n```sh\nscripts/bench {name}\n```\n\n\
             ![{title}: the median and the range of each contestant, logarithmic; further {faster} is faster](benchmarks/{name}.svg)\n\n\
             {report}",
            rounds = rounds(report),
        )
        .expect("text");
    }
    text.trim_end().to_owned() + "\n"
}

/// The number of rounds, which depends on that of the contestants.
fn rounds(report: &Report) -> String {
    let mut rounds: Vec<_> =
        report.groups.iter().flat_map(|group| &group.comparisons).map(|each| each.rounds).collect();
    rounds.sort_unstable();
    rounds.dedup();
    rounds.iter().map(usize::to_string).collect::<Vec<_>>().join(" or ")
}

/// The table of the README.
pub fn summary(reports: &[Report], machine: &str) -> String {
    let mut text = "| | reference | fastest peer | larder |\n|---|---|---|---|\n".to_owned();
    for (name, group, comparison, title) in SUMMARY {
        let report = reports.iter().find(|report| report.name == name).expect("a report of the summary");
        let columns = &report.groups[group].comparisons;
        let column =
            columns.iter().find(|column| column.title == comparison).expect("a comparison of the summary");
        let cell = |row: &Row| format!("{}: {}", row.contestant, report.measure.format(row.median));
        let larder = column.rows.iter().find(|row| is_larder(&row.contestant)).expect("larder takes part");
        writeln!(
            text,
            "| {title} | {} | {} | **{}**, {:.2}x |",
            cell(&column.rows[0]),
            fastest_peer(column).map_or("-".to_owned(), cell),
            report.measure.format(larder.median),
            larder.speed,
        )
        .expect("text");
    }
    write!(text, "\nOn {machine}\n").expect("text");
    text
}

fn fastest_peer(column: &Comparison) -> Option<&Row> {
    let peers = column.rows[1..].iter().filter(|row| !is_larder(&row.contestant));
    peers.max_by(|one, other| one.speed.total_cmp(&other.speed))
}
