//! The keys of responses.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, header};

use super::cached::{Selectors, VaryIndex};
use super::credentials::CredentialRules;
use super::options::ResponseOptions;
use super::request::CacheRequest;
use super::rfc::vary::{digest, superset_digest};
use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
#[cfg(feature = "axum")]
use crate::engine::entry_target::EntryTarget;
use crate::engine::silence::{Silence, SilenceOf};
use crate::handle::Entry;

/// The key of a response: of the arguments of a handler or a URL, and of request headers where responses differ by them.
#[derive(Clone)]
pub(crate) struct ResponseKey {
    source: KeySource,
    variant: Option<Arc<KeyVariant>>,
}

/// The source of the first key, which is built once per request.
#[derive(Clone)]
pub(crate) enum KeySource {
    #[cfg(feature = "axum")]
    Handler(Arc<HandlerKey>),
    Url(Arc<UrlKey>),
}

/// The call of a handler and the entry that its arguments name.
#[cfg(feature = "axum")]
pub(crate) struct HandlerKey {
    call: Arc<Call>,
    target: EntryTarget,
    silence: Silence,
}

/// The entry of a URL, and the name of its layer.
pub(crate) struct UrlKey {
    pub(super) entry: Entry,
    pub(super) name: Arc<str>,
    pub(super) silence: Silence,
}

/// One of the responses of a [`VaryIndex`].
pub(super) struct KeyVariant {
    pub(super) index: VaryIndex,
    /// The end of the key.
    pub(super) suffix: Box<str>,
    /// The end of the key of the requests that accept more content codings.
    pub(super) superset: Option<Box<str>>,
}

#[cfg(feature = "axum")]
impl HandlerKey {
    /// The key of a call, whose first lookup was made with `op`.
    pub(crate) fn new(call: Arc<Call>, op: EntryOp<'_>) -> Self {
        let silence = op.silence.get().copy();
        Self { call, silence, target: EntryTarget::of(op) }
    }
}

impl ResponseKey {
    /// The first key of a request.
    pub(crate) fn new(source: KeySource) -> Self {
        Self { source, variant: None }
    }

    /// The same key without its variant.
    pub(super) fn first(&self) -> Self {
        Self::new(self.source.clone())
    }

    /// The key of a variant.
    pub(super) fn of_variant(&self, variant: KeyVariant) -> Self {
        Self { source: self.source.clone(), variant: Some(Arc::new(variant)) }
    }

    /// The index that leads to this key.
    pub(super) fn index(&self) -> Option<&VaryIndex> {
        self.variant.as_ref().map(|variant| &variant.index)
    }

    /// The name of the handler or the layer.
    pub(super) fn function(&self) -> &str {
        match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(handler) => handler.call.function(),
            KeySource::Url(url) => &url.name,
        }
    }

    /// Returns whether this is the key of a handler.
    pub(super) fn is_of_handler(&self) -> bool {
        match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(_) => true,
            KeySource::Url(_) => false,
        }
    }

    /// The call, if its arguments alone lead to this key.
    pub(super) fn call(&self) -> Option<&Call> {
        match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(handler) if self.variant.is_none() => Some(&handler.call),
            _ => None,
        }
    }

    /// The operation on this key; `None` once the cache is closed.
    pub(crate) fn op(&self) -> Option<EntryOp<'_>> {
        let (mut op, silence) = match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(handler) => {
                let core = handler.call.core()?;
                let counters = handler.call.counters(core);
                (handler.target.op(core, counters, handler.call.function()), &handler.silence)
            }
            KeySource::Url(url) => (url.entry.op().ok()?.attributed_to(&url.name), &url.silence),
        };
        op.silence = SilenceOf::Request(silence);
        if let Some(variant) = &self.variant {
            op.key = Cow::Owned(op.key.with_suffix(&variant.suffix));
        }
        Some(op)
    }
}

impl KeyVariant {
    /// The variant of an index for a request.
    pub(super) fn of(
        index: &VaryIndex,
        request: &CacheRequest,
        rules: &CredentialRules,
        options: &ResponseOptions,
    ) -> Self {
        let Selectors { names, credentials } = &index.selectors;
        let splits_cookies = !options.obey_origin && names.contains(&header::COOKIE);
        let others = names.iter().filter(|name| !splits_cookies || **name != header::COOKIE);
        let others: Vec<_> = others.cloned().collect();
        let suffix = |digest: [u8; 16]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&index.stamp);
            hasher.update(&digest);
            if splits_cookies {
                rules.write_cookies(&request.headers, &mut hasher);
            }
            if *credentials {
                let mut names: Vec<&HeaderName> = request.credentials(rules).collect();
                names.sort_unstable_by_key(|name| name.as_str());
                rules.write_credentials(&names, &request.headers, &mut hasher);
            }
            format!("~{}", &hasher.finalize().to_hex()[..32]).into()
        };
        let (headers, matching) = (&request.headers, options.matching());
        Self {
            index: index.clone(),
            suffix: suffix(digest(&others, headers, matching)),
            superset: superset_digest(&others, headers, matching).map(suffix),
        }
    }
}
