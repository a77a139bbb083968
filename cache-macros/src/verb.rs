//! Verb: the attribute that was written.

use std::fmt;

/// One of the attributes.
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
    /// Caches a function for several ids.
    Many,
    /// Limits the calls of a function.
    #[cfg(feature = "rate_limit")]
    Limit,
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cache => "cache",
            Self::Preset { name, .. } => name,
            Self::Evict => "cache_evict",
            Self::Put => "cache_put",
            Self::Many => "cache_many",
            #[cfg(feature = "rate_limit")]
            Self::Limit => "rate_limit",
        })
    }
}

impl Verb {
    /// Returns true if the attribute caches the function under it.
    pub(crate) fn is_cache(self) -> bool {
        matches!(self.without_preset(), Self::Cache | Self::Many)
    }

    /// `Cache` for a preset.
    pub(crate) fn without_preset(self) -> Self {
        if let Self::Preset { .. } = self { Self::Cache } else { self }
    }

    /// Returns true if the attribute takes `option`, which the table of options gives to `verbs`.
    pub(crate) fn takes(self, option: &str, verbs: &[Self]) -> bool {
        let has_expire = matches!(self, Self::Preset { .. }) && option == "expire";
        !has_expire && verbs.contains(&self.without_preset())
    }
}
