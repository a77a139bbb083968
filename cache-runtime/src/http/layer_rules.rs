//! The rules of a layer: closures and extractors that look at requests and responses.

use std::sync::Arc;

use http::request;

use crate::types::expire::IntoExpire;

use super::cached::CachedResponse;
use super::layer::{ResponseCacheLayer, named};

impl ResponseCacheLayer {
    /// Uses the cache only for requests for which this holds. The others bypass it.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new()
    ///     .expire("1m")
    ///     .when(|parts| !parts.headers.contains_key("x-preview"))
    ///     .check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With several, all must hold. The closure is not asked about requests that bypass the cache anyway; a request with
    /// another method than `GET` and `HEAD` removes the cached responses of its URL in any case. A closure that panics does
    /// not hold.
    pub fn when(self, holds: impl Fn(&request::Parts) -> bool + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.guards.when.push(Arc::new(holds)))
    }

    /// Runs the extractor `T` before a request is answered from the cache. Its rejection is sent as the response, and is
    /// never cached.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use axum::{extract::FromRequestParts, http::{StatusCode, request::Parts}};
    /// use larder::http::ResponseCacheLayer;
    ///
    /// #[derive(Clone)]
    /// struct App { revoked: std::collections::HashSet<String> }
    ///
    /// /// A user whose token is still good.
    /// struct User;
    ///
    /// impl FromRequestParts<App> for User {
    ///     type Rejection = StatusCode;
    ///
    ///     async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, StatusCode> {
    ///         let token = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
    ///         let is_good = token.is_some_and(|token| !app.revoked.contains(token));
    ///         is_good.then_some(Self).ok_or(StatusCode::UNAUTHORIZED)
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), larder::Error> {
    /// # let app = App { revoked: Default::default() };
    /// let layer = ResponseCacheLayer::new().expire("1m").private().authorize::<User, _>(app).check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A layer answers before the extractors of the handlers run, so without this a token that was revoked gets what was cached
    /// for it. With [`Self::private`] each user gets an own response; with [`Self::shared`] everybody who is let in gets the
    /// same one. The request goes on with the parts as the extractor left them, and the service may extract again. With
    /// several, all must succeed.
    ///
    /// Without [`Self::private`], [`Self::shared`] or [`Self::vary`], requests with a credential bypass the cache, so the
    /// extractor runs only for those that have none. The extractor does not run for requests that bypass the cache, which includes all methods but `GET` and `HEAD`: they
    /// reach the service, which has to check them itself. The key is made before the extractor runs.
    #[cfg(feature = "axum")]
    pub fn authorize<T, S>(self, state: S) -> Self
    where
        T: axum::extract::FromRequestParts<S> + 'static,
        S: Clone + Send + Sync + 'static,
    {
        self.set(|settings| settings.guards.authorize.push(super::guards::authorize::<T, S>(state)))
    }

    /// Does not cache responses for which this holds.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new().expire("1m").unless(|response| response.body().is_empty()).check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With several, none may hold. A closure that panics holds. The closure sees whole responses, so a response is sent when
    /// its body is complete, and one whose body takes longer than a second is not cached.
    pub fn unless(self, holds: impl Fn(&CachedResponse) -> bool + Send + Sync + 'static) -> Self {
        self.set(|settings| settings.rules.unless.push(Arc::new(holds)))
            .options(|options| options.looks = true)
    }

    /// The expiry of a response, made from the response. The response may shorten its own.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # fn main() -> Result<(), larder::Error> {
    /// use larder::http::ResponseCacheLayer;
    ///
    /// let layer = ResponseCacheLayer::new()
    ///     .expire_with(|response| if response.body().len() > 1024 { "1h" } else { "1m" })
    ///     .check()?;
    /// # drop(layer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An expiry that cannot be used is reported once, and [`Self::expire`] applies, as it does when the closure panics. The
    /// closure sees whole responses, with the consequence that [`Self::unless`] has. No effect with [`Self::obey_origin`].
    pub fn expire_with<E: IntoExpire>(
        self,
        make: impl Fn(&CachedResponse) -> E + Send + Sync + 'static,
    ) -> Self {
        let make = move |response: &CachedResponse| Some(named("expire_with", make(response)));
        self.set(|settings| settings.rules.expire_with = Some(Arc::new(make)))
            .options(|options| (options.looks, options.has_expire) = (true, true))
    }
}
