//! The target of an entry handle.

use std::borrow::Cow;
use std::sync::Arc;

use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::silence::SilenceOf;
use crate::observe::stats::Tally;
use crate::site::expiries::Expiries;
use crate::site::policy::Policy;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label};

/// The key, tags, policy and expiries of an entry, without its cache.
#[derive(Debug, Clone)]
pub(crate) struct EntryTarget {
    key: Key,
    tags: Box<[Label]>,
    policy: Policy,
    expiries: Expiries,
    name: &'static FunctionName,
    /// The entry is one of several responses, which requests select.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only handlers have variants"))]
    has_variants: bool,
}

impl EntryTarget {
    /// Takes the target out of an access.
    pub(crate) fn of(op: EntryOp<'_>) -> Self {
        let EntryOp { key, tags, policy, expiries, name, .. } = op;
        Self { key, tags: tags.into_owned().into(), policy, expiries, name, has_variants: false }
    }

    /// Combines the parts of a target.
    pub(crate) fn new(
        key: Key,
        tags: Vec<Label>,
        policy: Policy,
        expiries: Expiries,
        name: &'static FunctionName,
    ) -> Self {
        Self { key, tags: tags.into(), policy, expiries, name, has_variants: false }
    }

    /// Returns an access to the entry, which events attribute to `function`.
    pub(crate) fn op<'t>(
        &'t self,
        core: &'t Arc<Core>,
        counters: Tally<'t>,
        function: &'t str,
    ) -> EntryOp<'t> {
        EntryOp {
            core,
            key: self.key.clone(),
            tags: Cow::Borrowed(&self.tags),
            knows_tags: true,
            policy: self.policy,
            expiries: self.expiries,
            counters,
            function,
            name: self.name,
            silence: SilenceOf::default(),
        }
    }

    /// The same target, where requests select one of several responses.
    #[cfg(feature = "axum")]
    pub(crate) fn with_variants(self) -> Self {
        Self { has_variants: true, ..self }
    }

    /// Returns whether requests select one of several responses.
    #[cfg(feature = "axum")]
    pub(crate) fn has_variants(&self) -> bool {
        self.has_variants
    }

    /// Returns the whole key, as in Redis.
    pub(crate) fn key(&self) -> &str {
        self.key.as_str()
    }
}
