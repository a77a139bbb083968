//! The effect of `no-cache` in a request.

/// The effect of a request with `Cache-Control: no-cache`, `max-age=0` or `Pragma: no-cache`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NoCache {
    /// The response is computed and stored: every client gets the new one from then on.
    #[default]
    Refresh,
    /// The response is computed for this client only, and the cached one stays.
    Bypass,
    /// The cached response is served.
    Ignore,
}
