//! The rules by which tokens are checked.

use std::time::Duration;

use super::token_store::TokenStore;

/// The rules by which tokens are checked, and the facts about them.
#[derive(Clone)]
pub(super) struct CheckRules {
    pub(super) store: TokenStore,
    pub(super) leeway: Duration,
    pub(super) on_outage: RevocationOutage,
}

/// The answers to checks while Redis cannot be asked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationOutage {
    /// Refuses every token with [`TokenRefused::Unavailable`](super::TokenRefused::Unavailable).
    #[default]
    Refuse,
    /// Accepts tokens that were issued less than this time ago, revoked or not. The check needs
    /// [`TokenCheck::issued_at`](super::TokenCheck::issued_at).
    AcceptYoungerThan(Duration),
}
