//! Contestants that take turns, so that a machine which is busy or changes its pace hits all alike.

use std::env;
use std::path::Path;
use std::time::Duration;

use crate::results::{Comparison, Group, Measure, Report, Row};

/// The least number of turns of each contestant.
const ROUNDS: usize = 21;
const QUICK_ROUNDS: usize = 5;

/// The time of one turn.
const SLICE: Duration = Duration::from_millis(20);

/// A name, and a function that makes so many calls and returns how long they took.
pub type Contestant<'a> = (&'a str, Box<dyn FnMut(u64) -> Duration + 'a>);

/// Returns true in a short run, that of `scripts/bench quick`.
pub fn is_quick() -> bool {
    env::var_os("BENCH_QUICK").is_some()
}

/// Several comparisons under one name of `scripts/bench`.
pub struct Benchmark {
    report: Report,
    rounds: usize,
    slice: Duration,
}

impl Benchmark {
    pub fn new(name: &str, title: &str, about: &str) -> Self {
        let report = Report {
            name: name.to_owned(),
            title: title.to_owned(),
            about: about.to_owned(),
            measure: Measure::Time,
            groups: Vec::new(),
        };
        Self { report, rounds: if is_quick() { QUICK_ROUNDS } else { ROUNDS }, slice: SLICE }
    }

    /// Sets the number of turns, if this is no short run.
    pub fn rounds(mut self, rounds: usize) -> Self {
        self.rounds = self.rounds.min(rounds);
        self
    }

    /// Sets the time of one turn; zero makes it a single call.
    pub fn slice(mut self, slice: Duration) -> Self {
        self.slice = if is_quick() { slice / 2 } else { slice };
        self
    }

    /// Reports requests in a second instead of the time of a call.
    pub fn as_rate(mut self) -> Self {
        self.report.measure = Measure::Rate;
        self
    }

    /// Begins a table; the comparisons that follow are its columns.
    pub fn group(&mut self, title: &str) {
        self.report.groups.push(Group { title: title.to_owned(), comparisons: Vec::new() });
    }

    /// Lets contestants take turns. The first is the one whose speed counts as one. The words after the name leave out
    /// the comparisons whose title, or that of their group, does not contain all of them.
    pub fn compare(&mut self, title: &str, contestants: Vec<Contestant<'_>>) {
        let group = self.report.groups.last_mut().expect("a comparison belongs to a group");
        let mut wanted = env::args().skip(2).filter(|arg| !arg.starts_with('-'));
        if wanted.any(|text| !title.contains(&text) && !group.title.contains(&text)) {
            return;
        }
        eprintln!("{}: {}, {title}", self.report.name, group.title);
        group.comparisons.push(compare(title, self.rounds, self.slice, self.report.measure, contestants));
    }

    /// Adds a note to what the last comparison says of this contestant.
    pub fn note(&mut self, contestant: &str, note: String) {
        let last = self.report.groups.last_mut().and_then(|group| group.comparisons.last_mut());
        if let Some(row) = last.and_then(|last| last.rows.iter_mut().find(|row| row.contestant == contestant))
        {
            row.note = note;
        }
    }

    /// Prints the tables, and saves the report in the folder of `BENCH_REPORTS` if that is set.
    pub fn finish(mut self) {
        self.report.groups.retain(|group| !group.comparisons.is_empty());
        println!("\n{}\n\n{}", self.report.title, self.report);
        if let Some(folder) = env::var_os("BENCH_REPORTS") {
            self.report.save(Path::new(&folder));
        }
    }
}

fn compare(
    title: &str,
    rounds: usize,
    slice: Duration,
    measure: Measure,
    mut contestants: Vec<Contestant<'_>>,
) -> Comparison {
    // Each begins as often as every other.
    let rounds = rounds.next_multiple_of(contestants.len());
    let calls: Vec<_> = contestants.iter_mut().map(|(_, run)| calls_in(slice, run)).collect();
    let mut nanoseconds = vec![Vec::new(); contestants.len()];
    for round in 0..rounds {
        for turn in 0..contestants.len() {
            let index = (turn + round) % contestants.len();
            let took = contestants[index].1(calls[index]);
            nanoseconds[index].push(took.as_secs_f64() * 1e9 / calls[index] as f64);
        }
    }
    let rows =
        contestants.iter().zip(&nanoseconds).map(|((name, _), own)| row(name, own, &nanoseconds[0], measure));
    Comparison { title: title.to_owned(), rounds, rows: rows.collect() }
}

/// The number of calls that take about as long as a turn; making them also warms up.
fn calls_in(slice: Duration, run: &mut dyn FnMut(u64) -> Duration) -> u64 {
    let mut calls = 1;
    loop {
        let took = run(calls);
        if took >= slice / 4 {
            return (calls as f64 * slice.as_secs_f64() / took.as_secs_f64()).max(1.0) as u64;
        }
        calls *= 4;
    }
}

fn row(contestant: &str, own: &[f64], first: &[f64], measure: Measure) -> Row {
    let mut values: Vec<_> = match measure {
        Measure::Time => own.to_vec(),
        Measure::Rate => own.iter().map(|nanoseconds| 1e9 / nanoseconds).collect(),
    };
    values.sort_by(f64::total_cmp);
    Row {
        contestant: contestant.to_owned(),
        min: values[0],
        median: median(values.clone()),
        max: values[values.len() - 1],
        speed: median(first.iter().zip(own).map(|(first, own)| first / own).collect()),
        note: String::new(),
    }
}

/// The one in the middle, or the mean of the two there.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[middle - 1], values[middle])
    } else {
        values[middle]
    }
}
