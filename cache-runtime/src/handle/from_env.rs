//! Settings from environment variables.

use std::env;

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
        if let Some(text) = builder.variable("LARDER_DEFAULT_EXPIRE") {
            match parse_duration(&text) {
                Ok(ttl) => builder.default_expire = Ok(Expire::After(ttl)),
                Err(reason) => builder.fail(Error::config("LARDER_DEFAULT_EXPIRE", text, reason)),
            }
        }
        builder
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
