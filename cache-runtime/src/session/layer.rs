//! The layer, its settings, and calls for pages with all sessions of a user.

use std::fmt;
use std::fmt::Display;
use std::sync::Arc;

use tower_layer::Layer;

use super::cookie::SameSite;
use super::service::SessionService;
use super::session_id::place_of;
use super::session_info::SessionInfo;
use super::session_store::SessionStore;
use super::settings::SessionSettings;
use crate::engine::owner::AsCache;
use crate::types::error::Error;
use crate::types::expire::IntoExpire;

/// Sessions of browsers, shared by all processes on one Redis: a layer for a router, below which handlers take a
/// [`Session`](super::Session).
///
/// Setters panic on what can never work, where the program starts. A clone has the same sessions.
///
/// ```
/// # use larder_runtime as larder;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use axum::{Router, routing::get};
/// use larder::session::{Session, SessionLayer};
///
/// async fn me(session: Session) -> String {
///     session.user().unwrap_or_else(|| "nobody".to_owned())
/// }
///
/// # let cache = larder::Cache::builder().build().await?;
/// let sessions = SessionLayer::new(&cache).idle("30m").absolute("8h");
/// let app: Router = Router::new().route("/me", get(me)).layer(sessions);
/// # Ok::<(), larder::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until a router has it"]
pub struct SessionLayer(Arc<SessionSettings>);

impl SessionLayer {
    /// Creates the sessions on the Redis of a cache. Give them a cache of their own on a Redis with `noeviction`, where responses share one
    /// that may evict.
    pub fn new(cache: impl AsCache) -> Self {
        Self(Arc::new(SessionSettings::new(SessionStore::of(cache.as_core()))))
    }

    /// Sets the longest time between two requests. Default: 30 minutes. The end is moved once per tenth of it at most.
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn idle(self, idle: impl IntoExpire) -> Self {
        self.changed(|settings| settings.idle(idle))
    }

    /// Sets the longest time of a session, whatever requests there are. Default: 8 hours. Browsers keep the cookie for as long.
    ///
    /// # Panics
    /// If the text is no time.
    #[track_caller]
    pub fn absolute(self, absolute: impl IntoExpire) -> Self {
        self.changed(|settings| settings.absolute(absolute))
    }

    /// Sets the name of the cookie. Default: `__Host-id`, which browsers accept from this host alone, over HTTPS.
    ///
    /// # Panics
    /// If browsers refuse a cookie of this name with the other attributes.
    #[track_caller]
    pub fn cookie(self, name: impl Into<String>) -> Self {
        self.changed(|settings| settings.cookie(|cookie| cookie.name = name.into()))
    }

    /// Sets the requests from other sites that carry the cookie. Default: [`SameSite::Lax`].
    ///
    /// # Panics
    /// As [`SessionLayer::cookie`].
    #[track_caller]
    pub fn same_site(self, same_site: SameSite) -> Self {
        self.changed(|settings| settings.cookie(|cookie| cookie.same_site = same_site))
    }

    /// Sends the cookie to this domain and those below it. Default: to the host that set it. Needs another name than the default, such as
    /// `__Secure-id`.
    ///
    /// # Panics
    /// As [`SessionLayer::cookie`].
    #[track_caller]
    pub fn domain(self, domain: impl Into<String>) -> Self {
        self.changed(|settings| settings.cookie(|cookie| cookie.domain = Some(domain.into())))
    }

    /// Sends the cookie over plain HTTP as well, under this name, which must have no prefix: for development.
    ///
    /// # Panics
    /// As [`SessionLayer::cookie`].
    #[track_caller]
    pub fn insecure(self, name: impl Into<String>) -> Self {
        self.changed(|settings| {
            settings.cookie(|cookie| {
                cookie.name = name.into();
                cookie.is_secure = false;
            })
        })
    }

    /// Returns the sessions of a user, a thousand at most, the newest first.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn list(&self, user: impl Display) -> Result<Vec<SessionInfo>, Error> {
        let listed = self.0.store.list(&place_of(&user.to_string())).await?;
        let mut infos: Vec<SessionInfo> =
            listed.iter().map(|(place, times)| SessionInfo::new(place, *times)).collect();
        infos.sort_by_key(|info| std::cmp::Reverse(info.began));
        Ok(infos)
    }

    /// Ends one session of a user, by the handle that [`SessionLayer::list`] has. Returns `false` if there is none.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn revoke(&self, user: impl Display, handle: impl AsRef<str>) -> Result<bool, Error> {
        let listed = self.0.store.list(&place_of(&user.to_string())).await?;
        let found = listed.into_iter().find(|(place, _)| place.handle() == handle.as_ref());
        let Some((place, _)) = found else { return Ok(false) };
        self.0.store.remove(&place).await?;
        Ok(true)
    }

    /// Ends all sessions of a user that there are, in one step.
    ///
    /// # Errors
    /// The error of the store.
    pub async fn revoke_all(&self, user: impl Display) -> Result<(), Error> {
        self.0.store.revoke_all(&place_of(&user.to_string()), self.0.times()).await
    }

    #[track_caller]
    fn changed(self, change: impl FnOnce(SessionSettings) -> Result<SessionSettings, Error>) -> Self {
        match change(Arc::unwrap_or_clone(self.0)) {
            Ok(settings) => Self(Arc::new(settings)),
            Err(error) => panic!("{error}"),
        }
    }
}

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> SessionService<S> {
        SessionService::new(inner, Arc::clone(&self.0))
    }
}

impl fmt::Debug for SessionLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLayer").field("cookie", &self.0.cookie).finish_non_exhaustive()
    }
}
