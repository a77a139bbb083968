//! Checks of the builder's settings.

use std::time::Duration;

use super::builder::Builder;
use crate::site::expiries::capped;
use crate::store::Confirm;
use crate::types::error::Error;
use crate::types::expire::Expire;

/// The longest prefix: keys are cut where they are too long, and a prefix is not.
const MAX_PREFIX: usize = 256;

impl Builder {
    /// Returns the prefix as keys begin with it, and the default TTL, if all settings can be used.
    pub(super) fn check(&mut self) -> Result<(String, Expire), Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let prefix = self.checked_prefix()?;
        let default_expire = self.checked_default_expire()?;
        self.check_response_header()?;
        self.check_limits()?;
        self.store.confirm = self.checked_confirm()?;
        Ok((prefix, default_expire))
    }

    /// Replaces the setting of an error about the URL with the name that the user gave the URL under.
    pub(super) fn name_url(&self, error: Error) -> Error {
        match error {
            Error::Config { setting: "url", value, reason } => {
                Error::Config { setting: self.url_setting, value, reason }
            }
            other => other,
        }
    }

    fn checked_prefix(&self) -> Result<String, Error> {
        let prefix = &self.prefix;
        if let Some(wrong) = prefix.chars().find(|c| c.is_control() || matches!(c, '{' | '}')) {
            let reason = format!("must not contain {wrong:?}; write a plain word such as `myapi`");
            return Err(Error::config(self.prefix_setting, prefix, reason));
        }
        if prefix.len() > MAX_PREFIX {
            let reason = format!("is longer than {MAX_PREFIX} bytes; write a plain word such as `myapi`");
            return Err(Error::config(self.prefix_setting, prefix, reason));
        }
        Ok(if prefix.is_empty() { String::new() } else { format!("{prefix}:") })
    }

    fn checked_default_expire(&self) -> Result<Expire, Error> {
        match self.default_expire.clone() {
            Ok(expire) => Ok(capped(expire)),
            Err(Error::Config { value, reason, .. }) => Err(Error::config("default_expire", value, reason)),
            Err(error) => Err(error),
        }
    }

    /// Returns the replicas that are to acknowledge each invalidation.
    fn checked_confirm(&self) -> Result<Option<Confirm>, Error> {
        let refused = |value: &str, reason: &str| Err(Error::config("confirm", value, reason));
        match &self.confirm {
            None => Ok(None),
            Some((0, _)) => refused("0", "must be at least one replica"),
            Some((_, Ok(Expire::After(within)))) if *within < Duration::from_millis(1) => {
                refused(&format!("{within:?}"), "replicas have at least a millisecond")
            }
            Some((replicas, Ok(Expire::After(within)))) => {
                Ok(Some(Confirm { replicas: *replicas, within: *within }))
            }
            Some((_, Ok(Expire::Never))) => refused("Never", "must have an end; write a time such as `50ms`"),
            Some((_, Err(Error::Config { value, reason, .. }))) => refused(value, reason),
            Some((_, Err(error))) => Err(error.clone()),
        }
    }

    fn check_response_header(&self) -> Result<(), Error> {
        let header = &self.response_header;
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if header.is_empty() || !header.bytes().all(is_token) {
            let reason = "is not a header name; write one such as `X-Cache`";
            return Err(Error::config("response_header", header, reason));
        }
        Ok(())
    }

    /// Returns the headers and cookies that identify the client of a request.
    #[cfg(feature = "http")]
    pub(super) fn credential_rules(&self) -> Result<crate::http::CredentialRules, Error> {
        let (cookies, replaces) = &self.harmless_cookies;
        crate::http::CredentialRules::new(&self.credential_headers, cookies, *replaces)
    }

    fn check_limits(&self) -> Result<(), Error> {
        let zero = [
            ("connections", self.store.connections == 0),
            ("redis_timeout", self.store.redis_timeout.is_zero()),
            ("connect_timeout", self.store.connect_timeout.is_zero()),
            ("max_memory", self.store.max_memory == 0),
            ("max_value", self.store.max_value == 0),
            #[cfg(feature = "http")]
            ("max_body_memory", self.max_body_memory == 0),
            ("max_wait", self.max_wait.is_zero()),
            ("max_waiters", self.max_waiters == 0),
            ("max_background", self.max_background == 0),
            ("max_pending_invalidations", self.max_pending_invalidations == 0),
            ("outage_local", self.outage_local.is_some_and(|ttl| ttl.is_zero())),
        ];
        match zero.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((setting, _)) => Err(Error::config(setting, "0", "must be more than zero")),
            None => Ok(()),
        }
    }
}
