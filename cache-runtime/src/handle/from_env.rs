//! Settings from environment variables.

use std::env;
use std::time::Duration;

use super::builder::Builder;
use crate::handle::cache::Cache;
use crate::types::duration::parse_duration;
use crate::types::error::Error;
use crate::types::expire::Expire;

impl Cache {
    /// Returns a builder with settings from environment variables.
    ///
    /// | variable | setting |
    /// |---|---|
    /// | `LARDER_URL`, else `REDIS_URL` | [`Builder::url`] |
    /// | `LARDER_PREFIX` | [`Builder::prefix`] |
    /// | `LARDER_DEFAULT_EXPIRE`, such as `5m` or `300` | [`Builder::default_expire`] |
    /// | `LARDER_ENABLED`: `true` or `false` | [`Builder::enabled`] |
    /// | `LARDER_REDIS_TIMEOUT`, such as `100ms` | [`Builder::redis_timeout`] |
    /// | `LARDER_CONNECT_TIMEOUT`, such as `2s` | [`Builder::connect_timeout`] |
    /// | `LARDER_LOCAL`: a TTL such as `5s`, or `off` | [`Builder::local`] with this TTL, or none; without the feature `redis` it has no effect |
    ///
    /// Variables that are empty or not set leave the default. A value that cannot be used is an error of [`Builder::init`] and
    /// [`Builder::build`], which names the variable.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let cache = larder::Cache::from_env().build().await?;
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn from_env() -> Builder {
        Builder::from_env()
    }
}

impl Builder {
    fn from_env() -> Self {
        let mut builder = Self::new();
        for name in ["LARDER_URL", "REDIS_URL"] {
            if let Some(url) = builder.variable(name) {
                (builder.store.url, builder.url_setting) = (url, name);
                break;
            }
        }
        if let Some(prefix) = builder.variable("LARDER_PREFIX") {
            (builder.prefix, builder.prefix_setting) = (prefix, "LARDER_PREFIX");
        }
        if let Some(ttl) = builder.time("LARDER_DEFAULT_EXPIRE") {
            builder.default_expire = Ok(Expire::After(ttl));
        }
        if let Some(enabled) = builder.switch("LARDER_ENABLED") {
            builder.enabled = enabled;
        }
        if let Some(limit) = builder.timeout("LARDER_REDIS_TIMEOUT") {
            builder.store.redis_timeout = limit;
        }
        if let Some(limit) = builder.timeout("LARDER_CONNECT_TIMEOUT") {
            builder.store.connect_timeout = limit;
        }
        #[cfg(feature = "redis")]
        builder.local_from_env("LARDER_LOCAL");
        builder
    }

    #[cfg(feature = "redis")]
    fn local_from_env(&mut self, name: &'static str) {
        if self.variable(name).is_some_and(|text| text != "off")
            && let Some(ttl) = self.time(name)
        {
            self.store.local = Some(crate::store::LocalTier::new().expire(ttl));
        }
    }

    /// Returns the time in a variable.
    fn time(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.variable(name)?;
        parse_duration(&text).map_err(|reason| self.fail(Error::config(name, text, reason))).ok()
    }

    /// Returns the time in a variable that must say its unit: a number alone would be seconds, and mean milliseconds.
    fn timeout(&mut self, name: &'static str) -> Option<Duration> {
        let text = self.variable(name)?;
        if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
            let reason = format!("has no unit; write `{0}ms` or `{0}s`", text.trim());
            self.fail(Error::config(name, text, reason));
            return None;
        }
        self.time(name)
    }

    /// Returns the truth in a variable.
    fn switch(&mut self, name: &'static str) -> Option<bool> {
        match self.variable(name)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            other => {
                self.fail(Error::config(name, other, "must be `true` or `false`"));
                None
            }
        }
    }

    /// Returns the value of a variable that is set and not empty.
    fn variable(&mut self, name: &'static str) -> Option<String> {
        match env::var(name) {
            Ok(value) if value.is_empty() => None,
            Ok(value) => Some(value),
            Err(env::VarError::NotPresent) => None,
            Err(env::VarError::NotUnicode(_)) => {
                self.fail(Error::config(name, "(not UTF-8)", "must be UTF-8 text"));
                None
            }
        }
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}
