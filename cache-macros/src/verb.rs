//! Verb: which of the attributes was written, and the options it takes.

use std::fmt;

use crate::errors::list;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Cache,
    /// `#[cache]` with the expiry in its name.
    Preset {
        name: &'static str,
        seconds: u64,
    },
    Evict,
    Put,
}

const CACHE: &[&str] = &[
    "expire",
    "expire_with",
    "key",
    "ignore",
    "name",
    "group",
    "when",
    "unless",
    "none_expire",
    "stale_while_revalidate",
    "soft_timeout",
    "stale_if_error",
    "stale_retry",
    "refresh_ahead",
    "background",
    "jitter",
    "local",
    "tags",
    "codec",
    "compress",
    "version",
    "entry",
    "response",
    "private",
    "shared",
    "vary",
    "statuses",
    "policy",
    "cache",
    "crate",
];

const EVICT: &[&str] = &["entry", "key", "url", "group", "tags", "before", "response", "cache", "crate"];

const PUT: &[&str] = &[
    "entry",
    "key",
    "group",
    "tags",
    "expire",
    "expire_with",
    "unless",
    "none_expire",
    "codec",
    "compress",
    "policy",
    "version",
    "response",
    "cache",
    "crate",
];

/// What other caches call our options.
const ELSEWHERE: &[(&str, &str)] = &[
    ("ttl", "`expire`"),
    ("time", "`expire`"),
    ("skip", "`ignore`"),
    ("prefix", "`group` or `name`"),
    ("namespace", "`group` or `name`"),
    ("tag", "`tags`"),
    ("swr", "`stale_while_revalidate`"),
    ("early", "`refresh_ahead`"),
];

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cache => "cache",
            Self::Preset { name, .. } => name,
            Self::Evict => "cache_evict",
            Self::Put => "cache_put",
        })
    }
}

impl Verb {
    /// Whether results are looked up and kept by the function's own arguments.
    pub(crate) fn is_cache(self) -> bool {
        matches!(self, Self::Cache | Self::Preset { .. })
    }

    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Cache | Self::Preset { .. } => CACHE,
            Self::Evict => EVICT,
            Self::Put => PUT,
        }
    }

    /// Why `option` cannot be written here, if it cannot.
    pub(crate) fn refuses(self, option: &str) -> Option<String> {
        if let (Self::Preset { name, .. }, "expire") = (self, option) {
            return Some(format!("`{name}` already sets `expire`; use `#[cache(expire = ..)]`"));
        }
        if self.options().contains(&option) {
            return None;
        }
        let remedy = self.meant(option).map_or_else(
            || format!("options are {}", list(self.options().iter().copied())),
            |meant| format!("did you mean {meant}?"),
        );
        Some(format!("`{option}` is not an option of `#[{self}]`; {remedy}"))
    }

    fn meant(self, option: &str) -> Option<String> {
        let fits = |meant: &str| self.options().iter().any(|known| meant.contains(&format!("`{known}`")));
        let elsewhere = ELSEWHERE.iter().find(|(theirs, ours)| *theirs == option && fits(ours));
        if let Some((_, ours)) = elsewhere {
            return Some((*ours).to_owned());
        }
        let near = self.options().iter().map(|known| (distance(option, known), known)).min()?;
        (near.0 <= 2 && near.0 < option.len()).then(|| format!("`{}`", near.1))
    }
}

/// How many letters differ (Levenshtein).
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
