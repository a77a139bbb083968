//! The reasons for which requests bypass a cache.

use http::StatusCode;

use super::rfc::cache_status::{CacheStatus, ForwardReason};

/// The reason for which a request bypasses a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BypassReason {
    /// Another method than `GET` and `HEAD`.
    Method,
    /// A condition on the state of the origin.
    Precondition,
    /// A body that is no part of the key.
    Body,
    /// A change of protocol.
    Upgrade,
    /// `no-store` of the request.
    NoStore,
    /// `no-cache` or `max-age=0` of the request, where they bypass the cache.
    NoCache,
    /// A credential that nothing was declared about.
    Credential,
    /// No credential, under `private`.
    NoCredential,
    /// A host that is not among those of the layer, or that no key has room for.
    Host,
    /// Several hosts, or something that is no host.
    UnclearHost,
    /// `when` does not hold.
    When,
    /// An extractor of the layer rejected the request.
    #[cfg(feature = "axum")]
    Authorize,
    /// The request makes no key or no tags.
    Key,
    /// There is no room for the body of the cached response.
    Memory,
    /// The settings of the layer have an error.
    Settings,
    /// `bypass(..)` or a transaction around the call.
    Scope,
    /// Caching is switched off.
    Disabled,
    /// The cache is closed.
    #[cfg(feature = "axum")]
    Closed,
}

impl BypassReason {
    /// The way of a request that bypasses the cache, by the status that came back.
    pub(crate) fn status(self, status: StatusCode) -> CacheStatus {
        CacheStatus { detail: Some(self.detail()), ..CacheStatus::forwarded(self.forward(), status) }
    }

    fn forward(self) -> ForwardReason {
        match self {
            Self::Method => ForwardReason::Method,
            Self::Precondition
            | Self::Body
            | Self::Upgrade
            | Self::NoStore
            | Self::NoCache
            | Self::UnclearHost => ForwardReason::Request,
            _ => ForwardReason::Bypass,
        }
    }

    /// The reason in one word: a class, and never a part of the request.
    fn detail(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Precondition => "precondition",
            Self::Body => "body",
            Self::Upgrade => "upgrade",
            Self::NoStore => "no-store",
            Self::NoCache => "no-cache",
            Self::Credential => "credential",
            Self::NoCredential => "no-credential",
            Self::Host => "host",
            Self::UnclearHost => "unclear-host",
            Self::When => "when",
            #[cfg(feature = "axum")]
            Self::Authorize => "authorize",
            Self::Key => "key",
            Self::Memory => "memory",
            Self::Settings => "settings",
            Self::Scope => "bypass",
            Self::Disabled => "disabled",
            #[cfg(feature = "axum")]
            Self::Closed => "closed",
        }
    }
}
