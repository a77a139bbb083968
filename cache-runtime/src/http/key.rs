//! The keys of responses.

use std::sync::Arc;

use http::HeaderMap;

use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::handle::Entry;
#[cfg(feature = "axum")]
use crate::handle::EntryTarget;

use super::cached::VaryIndex;
use super::rfc::vary::{Matching, digest, superset_digest};

/// The name under which URLs are counted.
pub(super) const LABEL: &str = "http";

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
    Url(Arc<Entry>),
}

/// The call of a handler and the entry that its arguments name.
#[cfg(feature = "axum")]
pub(crate) struct HandlerKey {
    pub(crate) call: Arc<Call>,
    pub(crate) target: EntryTarget,
}

/// One of the responses of a [`VaryIndex`].
pub(super) struct KeyVariant {
    pub(super) index: VaryIndex,
    /// The end of the key.
    pub(super) suffix: Box<str>,
    /// The end of the key of the requests that accept more content codings.
    pub(super) superset: Option<Box<str>>,
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

    /// The call, if its arguments alone lead to this key.
    pub(super) fn call(&self) -> Option<&Call> {
        match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(handler) if self.variant.is_none() => Some(&handler.call),
            _ => None,
        }
    }

    /// The operation on this key; `None` once the cache is closed.
    pub(super) fn op(&self) -> Option<EntryOp<'_>> {
        let mut op = match &self.source {
            #[cfg(feature = "axum")]
            KeySource::Handler(handler) => {
                let core = handler.call.core()?;
                handler.target.op(core, handler.call.counters(core), handler.call.function())
            }
            KeySource::Url(entry) => entry.op().ok()?.attributed_to(LABEL),
        };
        if let Some(variant) = &self.variant {
            op.key = op.key.with_suffix(&variant.suffix);
        }
        Some(op)
    }
}

impl KeyVariant {
    /// The variant of an index for a request with these headers.
    pub(super) fn of(index: &VaryIndex, request: &HeaderMap, matching: Matching) -> Self {
        let suffix = |digest: [u8; 16]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&index.stamp);
            hasher.update(&digest);
            format!("~{}", &hasher.finalize().to_hex()[..32]).into()
        };
        Self {
            index: index.clone(),
            suffix: suffix(digest(&index.names, request, matching)),
            superset: superset_digest(&index.names, request, matching).map(suffix),
        }
    }
}
