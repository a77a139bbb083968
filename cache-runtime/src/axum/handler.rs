//! The options of `#[cache(response)]` on a handler.

use std::sync::{Arc, Once, OnceLock};
use std::time::Duration;

use axum::http::{HeaderName, StatusCode};

use crate::http::{Access, EtagKind, ResponseOptions};
use crate::observe::trace;
use crate::site::policy::Policy;
use crate::types::error::Error;

/// The options of one `#[cache(response)]` about HTTP. Generated code holds them in a `static`.
#[derive(Debug)]
pub struct Handler {
    vary: &'static [&'static str],
    statuses: &'static [u16],
    access: Access,
    etag: EtagKind,
    client_max_age: Option<Duration>,
    is_revocable: bool,
    is_timed: bool,
    has_own_key: bool,
    looks: bool,
    arguments: &'static [&'static str],
    options: OnceLock<Arc<ResponseOptions>>,
    /// A `client_max_age` could not be used, and was reported.
    warned: Once,
}

impl Handler {
    /// The defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            vary: &[],
            statuses: &[],
            access: Access::Undeclared,
            etag: EtagKind::Weak,
            client_max_age: None,
            is_revocable: false,
            is_timed: false,
            has_own_key: false,
            looks: false,
            arguments: &[],
            options: OnceLock::new(),
            warned: Once::new(),
        }
    }

    /// `vary(..)`.
    #[must_use]
    pub const fn vary(mut self, names: &'static [&'static str]) -> Self {
        self.vary = names;
        self
    }

    /// `statuses(..)`.
    #[must_use]
    pub const fn statuses(mut self, statuses: &'static [u16]) -> Self {
        self.statuses = statuses;
        self
    }

    /// `private`.
    #[must_use]
    pub const fn private(mut self) -> Self {
        self.access = Access::Private;
        self
    }

    /// `shared`.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.access = Access::Shared;
        self
    }

    /// `etag = ..`.
    #[must_use]
    pub const fn etag(mut self, kind: EtagKind) -> Self {
        self.etag = kind;
        self
    }

    /// `client_max_age = ..` that is a constant.
    #[must_use]
    pub const fn client_max_age(mut self, time: Duration) -> Self {
        self.client_max_age = Some(time);
        self
    }

    /// `entry`, `tags` or `group`: responses can be taken back.
    #[must_use]
    pub const fn revocable(mut self) -> Self {
        self.is_revocable = true;
        self
    }

    /// `expire` that is not a constant, or `expire_with`.
    #[must_use]
    pub const fn timed(mut self) -> Self {
        self.is_timed = true;
        self
    }

    /// The attribute has a key of its own: the path is no part of it.
    #[must_use]
    pub const fn asked(mut self) -> Self {
        self.has_own_key = true;
        self
    }

    /// `unless` or `expire_with`: a response must be complete before it is sent.
    #[must_use]
    pub const fn looks(mut self) -> Self {
        self.looks = true;
        self
    }

    /// The names of the arguments in the key, for messages. Some may be left out by their types.
    #[must_use]
    pub const fn arguments(mut self, names: &'static [&'static str]) -> Self {
        self.arguments = names;
        self
    }

    pub(super) fn has_own_key(&self) -> bool {
        self.has_own_key
    }

    /// Reports a `client_max_age` that cannot be used, once.
    pub(super) fn warn(&self, error: &Error) {
        self.warned.call_once(|| trace::warn(&format!("{error}; clients are told `max-age=0`")));
    }

    /// The options; `policy` is that of the function.
    pub(super) fn options(&self, policy: &Policy) -> &Arc<ResponseOptions> {
        self.options.get_or_init(|| {
            let mut options = ResponseOptions {
                access: self.access,
                etag: self.etag,
                client_max_age: self.client_max_age,
                is_revocable: self.is_revocable,
                has_expire: self.is_timed || policy.expire.is_some(),
                looks: self.looks,
                arguments: self.arguments,
                ..ResponseOptions::new()
            };
            // The attribute has checked both.
            options.vary = self.vary.iter().filter_map(|name| HeaderName::try_from(*name).ok()).collect();
            if !self.statuses.is_empty() {
                let statuses = self.statuses.iter().filter_map(|status| StatusCode::from_u16(*status).ok());
                options.statuses = statuses.map(|status| (status, None)).collect();
            }
            Arc::new(options)
        })
    }
}

impl Default for Handler {
    fn default() -> Self {
        Self::new()
    }
}
