//! Spot: the key of a response, and how it is kept.

#[cfg(feature = "axum")]
use std::sync::Arc;

use crate::engine::call::Call;
use crate::engine::entry_op::EntryOp;
use crate::handle::Entry;

use super::cached::Index;

/// What names a response: the arguments of a handler, or a URL.
#[derive(Clone)]
#[cfg_attr(
    feature = "axum",
    expect(clippy::large_enum_variant, reason = "one that is boxed would be allocated for every request")
)]
pub(crate) enum Whose {
    #[cfg(feature = "axum")]
    Handler(Arc<Call>),
    Url(Entry),
}

/// One of the keys under which the responses to a request may be.
#[derive(Clone)]
pub(crate) struct Spot {
    whose: Whose,
    /// Behind the first key, where responses differ by request headers.
    suffix: Option<Box<str>>,
}

/// What is counted of URLs goes by this name.
pub(super) const LABEL: &str = "http";

impl Spot {
    pub(crate) fn new(whose: Whose) -> Self {
        Self { whose, suffix: None }
    }

    /// Where responses are, unless they differ by request headers.
    pub(super) fn first(&self) -> Self {
        Self { whose: self.whose.clone(), suffix: None }
    }

    /// The key of a response to a request with these values of the index's headers.
    pub(super) fn variant(&self, index: &Index, digest: [u8; 16]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&index.mark);
        hasher.update(&digest);
        let suffix = format!("~{}", &hasher.finalize().to_hex()[..32]);
        Self { whose: self.whose.clone(), suffix: Some(suffix.into()) }
    }

    /// The call, where arguments alone lead to this key.
    pub(super) fn call(&self) -> Option<&Call> {
        match &self.whose {
            #[cfg(feature = "axum")]
            Whose::Handler(call) if self.suffix.is_none() => Some(call),
            _ => None,
        }
    }

    /// The steps for this key; `None` when the cache is not to be used.
    pub(super) fn op(&self) -> Option<EntryOp<'_>> {
        let mut op = match &self.whose {
            #[cfg(feature = "axum")]
            Whose::Handler(call) => call.op()?.ok()?,
            Whose::Url(entry) => entry.op().ok()?.by(LABEL),
        };
        // It was taken off the life that the response itself knows of.
        op.policy.jitter = 0;
        if let Some(suffix) = &self.suffix {
            op.key = op.key.beside(suffix);
        }
        Some(op)
    }
}
