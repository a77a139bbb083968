//! The settings of sessions.

use std::time::Duration;

use super::cookie::{CookieSettings, SameSite};
use super::record::SessionTimes;
use super::session_store::SessionStore;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

/// The default name: browsers accept it from this host alone, over HTTPS.
const NAME: &str = "__Host-id";
/// The default idle time.
const IDLE: Duration = Duration::from_secs(30 * 60);
/// The default longest time of a session.
const ABSOLUTE: Duration = Duration::from_secs(8 * 3_600);

/// The settings of sessions, and their store.
#[derive(Clone)]
pub(super) struct SessionSettings {
    pub(super) store: SessionStore,
    pub(super) cookie: CookieSettings,
    idle: Duration,
    absolute: Duration,
}

impl SessionSettings {
    pub(super) fn new(store: SessionStore) -> Self {
        let cookie = CookieSettings {
            name: NAME.to_owned(),
            same_site: SameSite::default(),
            is_secure: true,
            domain: None,
        };
        Self { store, cookie, idle: IDLE, absolute: ABSOLUTE }
    }

    /// Sets the idle time.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no time.
    pub(super) fn idle(self, idle: impl IntoExpire) -> Result<Self, Error> {
        Ok(Self { idle: time("idle", idle)?, ..self })
    }

    /// Sets the longest time of a session.
    ///
    /// # Errors
    /// [`Error::Config`] for what is no time.
    pub(super) fn absolute(self, absolute: impl IntoExpire) -> Result<Self, Error> {
        Ok(Self { absolute: time("absolute", absolute)?, ..self })
    }

    /// Changes the cookie.
    ///
    /// # Errors
    /// As [`CookieSettings::checked`].
    pub(super) fn cookie(mut self, change: impl FnOnce(&mut CookieSettings)) -> Result<Self, Error> {
        change(&mut self.cookie);
        self.cookie = self.cookie.checked()?;
        Ok(self)
    }

    pub(super) fn times(&self) -> SessionTimes {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX >> 12);
        SessionTimes { idle: micros(self.idle), absolute: micros(self.absolute) }
    }

    /// Returns the seconds for which a browser keeps the cookie.
    pub(super) fn max_age(&self) -> u64 {
        self.absolute.as_secs().max(1)
    }
}

fn time(name: &'static str, time: impl IntoExpire) -> Result<Duration, Error> {
    match time.into_expire() {
        Ok(Expire::After(time)) => Ok(time),
        Ok(Expire::Never) => Err(Error::config(name, "Never", "must have an end; write a time such as `8h`")),
        Err(Error::Config { value, reason, .. }) => Err(Error::config(name, value.as_str(), reason.as_str())),
        Err(error) => Err(error),
    }
}
