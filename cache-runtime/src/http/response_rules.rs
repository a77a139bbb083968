//! `unless` and `expire_with` of a layer.

use std::sync::Arc;

use crate::site::rules::{ValueExpiry, ValueRules};

use super::cached::CachedResponse;

/// Returns whether a response is not cached.
pub(super) type Unless = Arc<dyn Fn(&CachedResponse) -> bool + Send + Sync>;
/// Makes the expiry of a response.
pub(super) type ExpireWith = Arc<dyn Fn(&CachedResponse) -> ValueExpiry + Send + Sync>;

/// The decisions of a layer that depend on whole responses.
#[derive(Clone, Default)]
pub(super) struct ResponseRules {
    pub(super) unless: Vec<Unless>,
    pub(super) expire_with: Option<ExpireWith>,
}

impl ValueRules<CachedResponse> for ResponseRules {
    fn refuses(&self, response: &CachedResponse) -> bool {
        self.unless.iter().any(|unless| unless(response))
    }

    fn expiry(&self, response: &CachedResponse) -> ValueExpiry {
        self.expire_with.as_ref()?(response)
    }
}
