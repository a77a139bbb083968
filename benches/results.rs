//! The results of one benchmark: kept as JSON between programs, printed as a table of Markdown.

use std::fmt;
use std::fs::{File, create_dir_all};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The results of one benchmark.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// The argument of `scripts/bench`.
    pub name: String,
    pub title: String,
    pub about: String,
    pub measure: Measure,
    pub groups: Vec<Group>,
}

/// Comparisons of the same contestants, side by side in one table.
#[derive(Debug, Serialize, Deserialize)]
pub struct Group {
    pub title: String,
    pub comparisons: Vec<Comparison>,
}

/// One column: contestants that took turns.
#[derive(Debug, Serialize, Deserialize)]
pub struct Comparison {
    pub title: String,
    pub rounds: usize,
    pub rows: Vec<Row>,
}

/// The results of one contestant.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub contestant: String,
    pub min: f64,
    pub median: f64,
    pub max: f64,
    /// The median over the rounds of its speed against that of the first contestant.
    pub speed: f64,
    pub note: String,
}

/// The unit of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// Nanoseconds of a call; less is faster.
    Time,
    /// Requests in a second; more is faster.
    Rate,
}

impl Measure {
    /// The number in the largest unit that leaves a digit before the point.
    pub fn format(self, value: f64) -> String {
        let (value, unit) = match (self, value) {
            (Self::Rate, _) => (value / 1e3, "k req/s"),
            (Self::Time, ..1e3) => (value, "ns"),
            (Self::Time, ..1e6) => (value / 1e3, "µs"),
            (Self::Time, _) => (value / 1e6, "ms"),
        };
        let digits = if value < 10.0 && unit != "ns" { 1 } else { 0 };
        format!("{value:.digits$} {unit}")
    }
}

impl Group {
    /// The names of all contestants, in the order of the first comparison that has them.
    pub fn contestants(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for row in self.comparisons.iter().flat_map(|comparison| &comparison.rows) {
            if !names.contains(&row.contestant.as_str()) {
                names.push(&row.contestant);
            }
        }
        names
    }
}

impl Comparison {
    pub fn row(&self, contestant: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contestant == contestant)
    }
}

impl Row {
    /// `min / median / max, speed`, and the note.
    fn cell(&self, measure: Measure) -> String {
        let [min, median, max] = [self.min, self.median, self.max].map(|value| measure.format(value));
        format!("{min} / {median} / {max}, {:.2}x{}", self.speed, self.remark())
    }

    /// The note, as the rest of a sentence.
    pub fn remark(&self) -> String {
        if self.note.is_empty() { String::new() } else { format!("; {}", self.note) }
    }
}

/// Returns true for larder, which tables and pictures emphasize.
pub fn is_larder(contestant: &str) -> bool {
    contestant.starts_with("larder")
}

impl Report {
    /// Writes the report into this folder, as a file of the benchmark's name.
    pub fn save(&self, folder: &Path) {
        create_dir_all(folder).expect("a folder for reports");
        let file = File::create(folder.join(format!("{}.json", self.name))).expect("a file for a report");
        serde_json::to_writer_pretty(file, self).expect("a report as JSON");
    }

    /// The report of this benchmark in this folder.
    pub fn load(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.json"));
        let file = File::open(&path).unwrap_or_else(|error| panic!("no report of {name}: {error}"));
        serde_json::from_reader(file).expect("a report as JSON")
    }
}

impl fmt::Display for Report {
    /// A table of each group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for group in &self.groups {
            let mut cells = vec![vec![group.title.clone()]];
            cells[0].extend(group.comparisons.iter().map(|comparison| comparison.title.clone()));
            for name in group.contestants() {
                let bold = if is_larder(name) { "**" } else { "" };
                let mut line = vec![format!("{bold}{name}{bold}")];
                line.extend(group.comparisons.iter().map(|comparison| {
                    let row = comparison.row(name);
                    row.map_or("-".to_owned(), |row| format!("{bold}{}{bold}", row.cell(self.measure)))
                }));
                cells.push(line);
            }
            write_table(f, &cells)?;
            writeln!(f)?;
        }
        Ok(())
    }
}

/// Writes a table with columns as wide as their widest cell, to be read as it is.
fn write_table(f: &mut fmt::Formatter<'_>, cells: &[Vec<String>]) -> fmt::Result {
    let width = |column: usize| cells.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..cells[0].len()).map(width).collect();
    for (index, line) in cells.iter().enumerate() {
        for (cell, width) in line.iter().zip(&widths) {
            write!(f, "| {cell:<width$} ")?;
        }
        writeln!(f, "|")?;
        if index == 0 {
            writeln!(
                f,
                "{}|",
                widths.iter().map(|width| format!("|{}", "-".repeat(width + 2))).collect::<String>()
            )?;
        }
    }
    Ok(())
}
