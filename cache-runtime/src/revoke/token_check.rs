//! The check of one token.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::answers::CheckedToken;
use super::check_rules::{CheckRules, RevocationOutage};
use super::refused::TokenRefused;
use super::times::{millis, moment_ms};
use crate::types::error::Error;

/// A check of a token, which runs when it is awaited; [`Revocations::check`](super::Revocations::check) creates it.
///
/// # Errors
/// [`TokenRefused`], of which `is_revoked` says whether the token was revoked or nothing is known about it.
#[must_use = "a check does nothing until it is awaited"]
#[derive(Clone, Copy)]
pub struct TokenCheck<'t> {
    rules: &'t CheckRules,
    token: CheckedToken<'t>,
    issued_ms: Option<u64>,
}

/// The future of a [`TokenCheck`].
#[must_use = "a check does nothing until it is awaited"]
pub struct TokenCheckFuture<'t>(CheckStep<'t>);

enum CheckStep<'t> {
    Known,
    Asks(Pin<Box<dyn Future<Output = Result<(), TokenRefused>> + Send + 't>>),
}

impl<'t> TokenCheck<'t> {
    pub(super) fn new(rules: &'t CheckRules, token: CheckedToken<'t>) -> Self {
        Self { rules, token, issued_ms: None }
    }

    /// Adds the claim `iat`, in seconds since 1970, for [`RevocationOutage::AcceptYoungerThan`]. Without it, that refuses as
    /// [`RevocationOutage::Refuse`] does.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// # use larder::revoke::Revocations;
    /// # let cache = larder::Cache::builder().build().await?;
    /// # let (revocations, iat) = (Revocations::new(&cache), 1_700_000_000);
    /// # let generation = revocations.generation("ada").await?;
    /// revocations.check("ada", "token-1", generation).issued_at(iat).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    pub fn issued_at(mut self, seconds: impl TryInto<u64>) -> Self {
        self.issued_ms = Some(moment_ms(seconds));
        self
    }

    async fn ask(self) -> Result<(), TokenRefused> {
        let store = &self.rules.store;
        let keys = store.keys(self.token.user, self.token.id);
        let texts = keys.texts.each_ref().map(String::as_str);
        let mark = store.core.near.access(&store.core.store, None).map(|near| near.mark(texts));
        match store.state(&keys).await {
            Ok(state) if state.accepts(self.token.generation) => {
                if let Some(mark) = mark {
                    store.answers.keep(&store.core, mark, texts, &self.token);
                }
                Ok(())
            }
            Ok(_) => Err(TokenRefused::Revoked),
            Err(error) => self.without_redis(error),
        }
    }

    fn without_redis(&self, error: Error) -> Result<(), TokenRefused> {
        let CheckRules { store, on_outage, leeway } = self.rules;
        let is_young = match (on_outage, self.issued_ms) {
            (RevocationOutage::AcceptYoungerThan(limit), Some(issued)) => {
                let now = store.core.clock.now_ms();
                // A clock that is ahead by more than the leeway says nothing about an age.
                issued <= now.saturating_add(millis(*leeway)) && now.saturating_sub(issued) < millis(*limit)
            }
            _ => false,
        };
        if is_young { Ok(()) } else { Err(TokenRefused::Unavailable(error)) }
    }
}

impl<'t> IntoFuture for TokenCheck<'t> {
    type Output = Result<(), TokenRefused>;
    type IntoFuture = TokenCheckFuture<'t>;

    fn into_future(self) -> TokenCheckFuture<'t> {
        let store = &self.rules.store;
        // Nobody tells a forked process of changes.
        if store.core.check_open().is_ok() && store.answers.accepts(&store.core, &self.token) {
            return TokenCheckFuture(CheckStep::Known);
        }
        TokenCheckFuture(CheckStep::Asks(Box::pin(self.ask())))
    }
}

impl Future for TokenCheckFuture<'_> {
    type Output = Result<(), TokenRefused>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            CheckStep::Known => Poll::Ready(Ok(())),
            CheckStep::Asks(asked) => asked.as_mut().poll(context),
        }
    }
}

impl fmt::Debug for TokenCheck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The id of a token is not for logs.
        f.debug_struct("TokenCheck").field("generation", &self.token.generation).finish_non_exhaustive()
    }
}

impl fmt::Debug for TokenCheckFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCheckFuture").finish_non_exhaustive()
    }
}
