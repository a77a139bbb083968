//! The options of `#[cache(response)]` on a handler.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderName, StatusCode};

use crate::http::{Access, EtagKind, ResponseOptions};

/// The options of one `#[cache(response)]` about HTTP. Generated code holds them in a `static`.
#[derive(Debug)]
pub struct Handler {
    vary: &'static [&'static str],
    statuses: &'static [u16],
    access: Access,
    etag: EtagKind,
    has_own_key: bool,
    looks: bool,
    options: OnceLock<Arc<ResponseOptions>>,
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
            has_own_key: false,
            looks: false,
            options: OnceLock::new(),
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

    /// The attribute has a key of its own: the route is no part of it.
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

    pub(super) fn has_own_key(&self) -> bool {
        self.has_own_key
    }

    pub(super) fn options(&self) -> &Arc<ResponseOptions> {
        self.options.get_or_init(|| {
            let (access, etag, looks) = (self.access, self.etag, self.looks);
            let mut options = ResponseOptions { access, etag, looks, ..ResponseOptions::new() };
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
