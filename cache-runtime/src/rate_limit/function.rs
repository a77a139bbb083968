//! The limit of a function with `#[rate_limit(..)]`.

use std::fmt;
use std::sync::{Arc, OnceLock};

use super::ledger::LedgerOp;
use super::limit::RateLimit;
use super::limited::Limited;
use super::settings::OnOutage;
use super::verdict::Verdict;
use crate::engine::core::Core;
use crate::engine::owner::AsCache;
use crate::rt::park::block_on;
use crate::rt::stack::BoxFuture;
use crate::site::text::Text;
use crate::types::error::Error;

/// The limit of one function, in a static. The attribute has checked the settings.
#[derive(Debug)]
pub struct FunctionLimit {
    rates: &'static [&'static str],
    scope: Option<&'static str>,
    cost: u64,
    is_smooth: bool,
    burst: Option<u64>,
    shadow: bool,
    on_outage: OnOutage,
    limit: OnceLock<RateLimit>,
}

/// A call of a function with a limit.
pub struct LimitedCall {
    limit: &'static RateLimit,
    scope: &'static str,
    identity: Result<String, Error>,
    core: Option<Arc<Core>>,
}

/// The result of a function that can say that a rate limit refused the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a rate limit refused the call",
    label = "expected a `Result` whose error implements `From<larder::rate_limit::Limited>`",
    note = "a function with `#[rate_limit]` returns `Err` where the limit refuses the call; on an axum handler add the layer to its route"
)]
pub trait FromLimited {
    /// Returns the result of a call that was refused.
    fn from_limited(limited: Limited) -> Self;
}

impl<T, E: From<Limited>> FromLimited for Result<T, E> {
    fn from_limited(limited: Limited) -> Self {
        Err(limited.into())
    }
}

impl FunctionLimit {
    /// Returns a limit of these rates.
    #[must_use]
    pub const fn new(rates: &'static [&'static str]) -> Self {
        Self {
            rates,
            scope: None,
            cost: 1,
            is_smooth: false,
            burst: None,
            shadow: false,
            on_outage: OnOutage::Local,
            limit: OnceLock::new(),
        }
    }

    /// Sets the scope. Default: the path of the function.
    #[must_use]
    pub const fn scope(mut self, scope: &'static str) -> Self {
        self.scope = Some(scope);
        self
    }

    /// Sets the cost of a call.
    #[must_use]
    pub const fn cost(mut self, cost: u64) -> Self {
        self.cost = cost;
        self
    }

    /// Spreads the calls.
    #[must_use]
    pub const fn smooth(mut self) -> Self {
        self.is_smooth = true;
        self
    }

    /// Spreads the calls, with so many at once.
    #[must_use]
    pub const fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
        self
    }

    /// Refuses nobody.
    #[must_use]
    pub const fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Sets the verdicts during an outage.
    #[must_use]
    pub const fn on_outage(mut self, on_outage: OnOutage) -> Self {
        self.on_outage = on_outage;
        self
    }

    /// Begins a call. `write` writes the identity of the client, which `is_whole` if it is one value.
    pub fn call(
        &'static self,
        path: &'static str,
        is_whole: bool,
        write: impl FnOnce(&mut Text),
    ) -> LimitedCall {
        // One value is the text that a direct call with the same scope has; several are escaped, so that two lists never make one text.
        let identity = if is_whole { Text::write_tag(write) } else { Text::write(write) };
        let limit = self.limit.get_or_init(|| self.create());
        LimitedCall { limit, scope: self.scope.unwrap_or(path), identity, core: None }
    }

    fn create(&self) -> RateLimit {
        let (first, others) = self.rates.split_first().unwrap_or((&"", &[]));
        let mut limit = others.iter().fold(RateLimit::new(*first), |limit, rate| limit.and(*rate));
        if self.is_smooth {
            limit = limit.smooth();
        }
        if let Some(burst) = self.burst {
            limit = limit.burst(burst);
        }
        limit.cost(self.cost).shadow(self.shadow).on_outage(self.on_outage)
    }
}

impl LimitedCall {
    /// Sets the cache whose store counts.
    #[must_use]
    pub fn cache(mut self, cache: &impl AsCache) -> Self {
        self.core = Some(Arc::clone(cache.as_core()));
        self
    }

    /// Takes a hit.
    ///
    /// # Errors
    /// The call is refused.
    pub fn check(self) -> BoxFuture<'static, Result<(), Limited>> {
        Box::pin(async move { self.verdict().await.ok().map(drop) })
    }

    /// Takes a hit in synchronous code.
    ///
    /// # Errors
    /// The call is refused.
    pub fn check_blocking(self) -> Result<(), Limited> {
        block_on(self.verdict()).ok().map(drop)
    }

    async fn verdict(self) -> Verdict {
        let mut settings = self.limit.settings.clone();
        settings.core = self.core.or(settings.core);
        // Without an identity, callers would share one count.
        let Ok(identity) = &self.identity else { return Verdict::uncounted(settings.shadow) };
        let client = settings.client(self.scope, identity.as_bytes());
        settings.decide(self.scope, client, LedgerOp::Hit(settings.cost)).await
    }
}

impl fmt::Debug for LimitedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitedCall").field("scope", &self.scope).finish_non_exhaustive()
    }
}
