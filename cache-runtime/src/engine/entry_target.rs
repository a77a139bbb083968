//! The target of an entry handle: an entry that can be accessed later.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use super::core::Core;
use super::entry_op::EntryOp;
use super::silence::SilenceOf;
use crate::observe::stats::Tally;
use crate::site::expiries::Expiries;
use crate::site::policy::Policy;
use crate::types::expire::Expire;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, Label};

/// The key, tags, policy and expiries of an entry, without its cache.
#[derive(Debug, Clone)]
pub(crate) struct EntryTarget {
    key: Key,
    tags: Box<[Label]>,
    policy: TargetPolicy,
    expiries: Expiries,
    name: &'static FunctionName,
    /// True if the entry can have no other tags than `tags`.
    knows_tags: bool,
    /// The name of the type of the value, where the function that made the entry tells it.
    value_type: Option<&'static str>,
    /// The entry is one of several responses, which requests select.
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "only handlers have variants"))]
    has_variants: bool,
}

/// A policy that lives for ever, or one that the target has alone. A target is moved often, so that the second one is not in place.
#[derive(Debug, Clone)]
enum TargetPolicy {
    Static(&'static Policy),
    Own(Box<Policy>),
}

impl Deref for TargetPolicy {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        match self {
            Self::Static(policy) => policy,
            Self::Own(policy) => policy,
        }
    }
}

impl EntryTarget {
    /// Returns the target of an entry of a function with these options.
    pub(super) fn of_function(
        key: Key,
        tags: &[Label],
        policy: &'static Policy,
        expiries: Expiries,
        name: &'static FunctionName,
    ) -> Self {
        let (tags, knows_tags, policy) = (tags.into(), !policy.late_tags, TargetPolicy::Static(policy));
        Self { key, tags, policy, expiries, name, knows_tags, value_type: None, has_variants: false }
    }

    /// Takes the target out of an access.
    #[cfg(feature = "http")]
    pub(crate) fn of(op: EntryOp<'_>) -> Self {
        let tags = op.own_tags().into();
        let EntryOp { key, knows_tags, policy, expiries, name, .. } = op;
        let (key, policy) = (key.into_owned(), TargetPolicy::Own(Box::new(*policy)));
        Self { key, tags, policy, expiries, name, knows_tags, value_type: None, has_variants: false }
    }

    /// Combines the parts of a target.
    pub(crate) fn new(
        key: Key,
        tags: Vec<Label>,
        policy: Policy,
        expiries: Expiries,
        name: &'static FunctionName,
    ) -> Self {
        let (tags, policy) = (tags.into(), TargetPolicy::Own(Box::new(policy)));
        Self { key, tags, policy, expiries, name, knows_tags: true, value_type: None, has_variants: false }
    }

    /// Returns the target of the handle under a key, whose tags the handle does not know.
    pub(crate) fn keyed(key: Key, expire: Expire, name: &'static FunctionName) -> Self {
        static PLAIN: Policy = Policy::new();
        let expiries = Expiries { value: expire, none: None };
        Self { knows_tags: false, ..Self::of_function(key, &[], &PLAIN, expiries, name) }
    }

    /// Returns an access to the entry, which events attribute to `function`.
    pub(crate) fn op<'t>(
        &'t self,
        core: &'t Arc<Core>,
        counters: Tally<'t>,
        function: &'t str,
    ) -> EntryOp<'t> {
        let op = EntryOp {
            core,
            key: Cow::Borrowed(&self.key),
            tags: Cow::Borrowed(&self.tags),
            late_tags: 0,
            knows_tags: self.knows_tags,
            policy: &self.policy,
            expiries: self.expiries,
            counters,
            function,
            name: self.name,
            silence: SilenceOf::default(),
            waiting: None,
        };
        op.with_late_tags()
    }

    /// The same target, whose value has a type of this name.
    pub(crate) fn with_value_type(self, name: &'static str) -> Self {
        Self { value_type: Some(name), ..self }
    }

    /// The name of the type of the value, where it is known.
    pub(crate) fn value_type(&self) -> Option<&'static str> {
        self.value_type
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
