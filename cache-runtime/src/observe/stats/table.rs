//! Statistics as a table for people.

use std::fmt::{self, Write};

use super::counts::Counts;

/// The counts that always have a column.
const ALWAYS: [&str; 3] = ["hits", "misses", "stores"];

/// Writes a row for each function and a column for each count that is not zero in `total`.
pub(super) fn write<'s>(
    out: &mut impl Write,
    rows: impl Iterator<Item = (&'s str, &'s Counts)> + Clone,
    total: &Counts,
) -> fmt::Result {
    let is_shown = |at: &usize| ALWAYS.contains(&Counts::NAMES[*at]) || total.values()[*at] > 0;
    // The total is the largest number of its column.
    let column = |at: usize| (at, total.values()[at].to_string().len().max(Counts::NAMES[at].len()));
    let columns: Vec<(usize, usize)> = (0..Counts::NAMES.len()).filter(is_shown).map(column).collect();
    let names = rows.clone().map(|(function, _)| function.chars().count());
    let width = names.max().unwrap_or_default().max("function".len());

    write!(out, "{:width$}", "function")?;
    for &(at, width) in &columns {
        write!(out, "  {:>width$}", Counts::NAMES[at])?;
    }
    writeln!(out, "  hit rate")?;
    for (function, counts) in rows {
        write!(out, "{function:width$}")?;
        for &(at, width) in &columns {
            write!(out, "  {:>width$}", counts.values()[at])?;
        }
        writeln!(out, "  {:>8}", hit_rate(counts))?;
    }
    Ok(())
}

/// Returns the share of calls that the cache answered; empty before the first call.
fn hit_rate(counts: &Counts) -> String {
    let hits = counts.hits + counts.none_hits + counts.stale_hits;
    match hits + counts.misses {
        0 => String::new(),
        calls => format!("{:.1}%", hits as f64 * 100.0 / calls as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::{FunctionStats, Stats};
    use super::*;

    fn row(function: &str, counts: Counts) -> FunctionStats {
        FunctionStats { function: function.to_owned(), counts }
    }

    #[test]
    fn columns_without_counts_are_left_out() {
        let profile = Counts { hits: 90, misses: 10, stores: 10_000_000, ..Counts::default() };
        let list = Counts { stale_hits: 1, misses: 2, bypasses: 3, ..Counts::default() };
        let stats = Stats::new(vec![row("shop.profile", profile), row("shop.list", list)]);
        let expected = "\
function      hits  stale_hits  misses    stores  bypasses  hit rate
shop.list        0           1       2         0         3     33.3%
shop.profile    90           0      10  10000000         0     90.0%
total           90           1      12  10000000         3     88.3%
";
        assert_eq!(stats.to_string(), expected);
    }

    #[test]
    fn a_new_cache_has_no_hit_rate() {
        let expected = "\
function  hits  misses  stores  hit rate
total        0       0       0
";
        let text = Stats::default().to_string();
        assert_eq!(text.lines().map(str::trim_end).collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
    }
}
