//! Suggest: the remedy for an option that an attribute does not take.

use syn::{Error, Ident};

use crate::errors::list;
use crate::verb::Verb;

/// Names of options in other caches, and ours.
const ELSEWHERE: &[(&str, &[&str])] = &[
    ("ttl", &["expire"]),
    ("time", &["expire"]),
    ("skip", &["ignore"]),
    ("prefix", &["group", "name"]),
    ("namespace", &["group", "name"]),
    ("tag", &["tags"]),
    ("swr", &["stale_while_revalidate"]),
    ("early", &["refresh_ahead"]),
    ("max_age", &["client_max_age"]),
];

/// The error for an option that `verb` does not take. `known` are the options that it takes.
pub(crate) fn unknown(verb: Verb, option: &Ident, known: &[&str]) -> Error {
    if let (Verb::Preset { name, .. }, true) = (verb, option == "expire") {
        let message = format!("`{name}` already sets `expire`; use `#[cache(expire = ..)]`");
        return Error::new(option.span(), message);
    }
    if verb == Verb::Put && (option == "entry_with" || option == "tags_with") {
        let message = format!(
            "`{option}` needs the result, and `#[cache_put]` takes the lease of its entry before the function runs; name the entry by \
             the arguments, `entry = ..`, or remove what changed with `#[cache_evict({option} = ..)]`"
        );
        return Error::new(option.span(), message);
    }
    let remedy = meant(&option.to_string(), known)
        .map_or_else(|| format!("options are {}", list(known)), |meant| format!("did you mean {meant}?"));
    Error::new(option.span(), format!("`{option}` is not an option of `#[{verb}]`; {remedy}"))
}

/// The option that was probably meant.
fn meant(option: &str, known: &[&str]) -> Option<String> {
    let elsewhere = ELSEWHERE.iter().find(|(theirs, _)| *theirs == option).map_or(&[][..], |(_, ours)| *ours);
    if elsewhere.iter().any(|ours| known.contains(ours)) {
        let ours: Vec<_> = elsewhere.iter().map(|ours| format!("`{ours}`")).collect();
        return Some(ours.join(" or "));
    }
    let (distance, nearest) = known.iter().map(|known| (distance(option, known), known)).min()?;
    (distance <= 2 && distance < option.len()).then(|| format!("`{nearest}`"))
}

/// The number of letters that differ (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.chars().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[row.len() - 1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::table::Args;

    #[test]
    fn names_of_other_caches_lead_to_existing_options() {
        let known = Args::names(Verb::Cache);
        for (theirs, ours) in ELSEWHERE {
            assert!(ours.iter().all(|ours| known.contains(ours)), "{theirs}");
            assert!(!known.contains(theirs), "{theirs}");
        }
    }
}
