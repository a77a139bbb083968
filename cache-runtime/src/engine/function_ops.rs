//! The accesses of the calls of one function: what they have in common is looked up once.

use std::borrow::Cow;
use std::sync::Arc;

use super::call::Call;
use super::context::CallMode;
use super::core::Core;
use super::entry_op::EntryOp;
use super::entry_target::EntryTarget;
use super::silence::SilenceOf;
use crate::observe::event_kind::EventKind;
use crate::observe::trace;
use crate::site::call_site::CallSite;
use crate::site::path::dotted;
use crate::types::error::Error;
use crate::types::function_name::FunctionName;
use crate::types::key::{Key, hex};

/// Makes the accesses of the calls of one instance of a function in one cache.
pub(super) struct FunctionOps<'c> {
    core: &'c Arc<Core>,
    site: &'static CallSite,
    identity: &'static str,
    name: &'static FunctionName,
    function: &'static str,
    /// The salt of hashed arguments, once there was a call with some.
    salt: Option<[u8; 32]>,
}

impl<'c> FunctionOps<'c> {
    /// Returns what makes the access of this call and of others of its function.
    pub(super) fn of(call: &Call, core: &'c Arc<Core>) -> Self {
        let (site, identity) = (call.site(), call.identity());
        let name = site.function_name(identity);
        Self { core, site, identity, name, function: name.shown(), salt: None }
    }

    /// Returns the cache.
    pub(super) fn core(&self) -> &'c Arc<Core> {
        self.core
    }

    /// Returns whether this call is one of the function in the cache.
    pub(super) fn is_of(&self, call: &Call) -> bool {
        std::ptr::eq(self.site, call.site())
            && std::ptr::eq(self.identity, call.identity())
            && call.core().is_some_and(|core| Arc::ptr_eq(self.core, core))
    }

    /// Returns the access of a call; `None` if it has no key.
    ///
    /// # Errors
    /// The arguments make no key.
    pub(super) fn op(&mut self, call: &'c Call) -> Option<Result<EntryOp<'c>, Error>> {
        Some(self.key(call)?.map(|key| self.op_at(call, key)))
    }

    /// Returns the access of a call whose key is known.
    #[inline]
    pub(super) fn op_at(&self, call: &'c Call, key: Key) -> EntryOp<'c> {
        let op = EntryOp {
            core: self.core,
            key: Cow::Owned(key),
            tags: Cow::Borrowed(call.tags()),
            late_tags: 0,
            knows_tags: true,
            policy: &self.site.policy,
            expiries: call.expiries(self.core.default_expire),
            counters: call.counters(self.core),
            function: self.function,
            name: self.name,
            silence: SilenceOf::default(),
            waiting: None,
        };
        if self.site.policy.late_tags { op.with_late_tags() } else { op }
    }

    /// Returns the target of the entry of a call; `None` if it has no key.
    ///
    /// # Errors
    /// The arguments make no key.
    pub(super) fn target(&mut self, call: &Call) -> Option<Result<EntryTarget, Error>> {
        let key = self.key(call)?;
        let (policy, expiries) = (&self.site.policy, call.expiries(self.core.default_expire));
        Some(key.map(|key| EntryTarget::of_function(key, call.tags(), policy, expiries, self.name)))
    }

    /// Returns the key of a call; `None` if it has none.
    ///
    /// # Errors
    /// The arguments make no key.
    pub(super) fn key(&mut self, call: &Call) -> Option<Result<Key, Error>> {
        if let Some(error) = call.error() {
            return Some(Err(error.clone()));
        }
        if let Some(text) = call.key_text() {
            let suffix = suffix(&self.site.generic_args(self.identity), self.site.policy.version);
            return Some(Ok(self.core.key(call.group_name(), &[text, &suffix])));
        }
        let args = match call.hashed_args()?.key() {
            Ok(args) => args,
            Err(error) => return Some(Err(error)),
        };
        let (site, identity) = (self.site, self.identity);
        let salt = self.salt.get_or_insert_with(|| with_shape(site.cached_salt(identity), call.shape()));
        let digest = hex(&args.digest(salt));
        let digest = std::str::from_utf8(&digest).unwrap_or_default();
        Some(Ok(self.core.key(call.group_name(), &[self.name.short(), ":", digest])))
    }
}

impl<'c> EntryOp<'c> {
    /// The access of a call, unless the call runs uncached. The reason is counted, and a warning is logged once if the user
    /// can fix the cause.
    pub(crate) fn of(call: &'c Call, mode: CallMode) -> Option<Self> {
        let core = admitted(call, mode)?;
        let mut function = FunctionOps::of(call, core);
        let key = with_key(call, core, function.key(call))?;
        Some(function.op_at(call, key))
    }

    /// The accesses of calls for several ids, unless they run uncached.
    pub(crate) fn of_all(calls: &'c [Call]) -> Option<Vec<Self>> {
        let mut ops = Vec::with_capacity(calls.len());
        let mut function: Option<FunctionOps<'c>> = None;
        for call in calls {
            let function = match &mut function {
                // Whether a cache is open takes a system call, and is asked once.
                Some(function) if function.is_of(call) && call.is_active() => function,
                other => other.insert(FunctionOps::of(call, admitted(call, call.mode())?)),
            };
            let key = with_key(call, function.core(), function.key(call))?;
            ops.push(function.op_at(call, key));
        }
        Some(ops)
    }
}

impl Call {
    /// The access to the entry of this call; `None` when the call runs uncached, an error when its arguments make no key.
    pub(crate) fn op(&self) -> Option<Result<EntryOp<'_>, Error>> {
        let core = self.core()?;
        FunctionOps::of(self, core).op(self)
    }

    /// The target of the entry of this call; `None` without a cache, an error when its arguments make no key.
    pub(crate) fn target(&self) -> Option<Result<EntryTarget, Error>> {
        FunctionOps::of(self, self.core()?).target(self)
    }
}

/// The key of a call; `None` for one whose arguments make no key, which is counted.
#[inline]
fn with_key(call: &Call, core: &Core, key: Option<Result<Key, Error>>) -> Option<Key> {
    key?.inspect_err(|error| {
        call.record(core, EventKind::EncodeError);
        core.stats.once(call.function(), || {
            trace::warn(&format!("`{}` ran uncached: {error}", call.function()));
        });
    })
    .ok()
}

/// The cache of a call, unless the call runs uncached. The reason is counted.
pub(crate) fn admitted(call: &Call, mode: CallMode) -> Option<&Arc<Core>> {
    let Some(core) = call.core() else {
        call.warn_if_early();
        return None;
    };
    if mode.bypasses() || !core.is_enabled || !call.is_active() || core.check_open().is_err() {
        call.record(core, EventKind::Bypass);
        return None;
    }
    Some(core)
}

/// The salt of a function whose value has this shape: entries of another shape have other keys.
fn with_shape(mut salt: [u8; 32], shape: u64) -> [u8; 32] {
    // Uniform, so the sum is uniform as well.
    salt.iter_mut().zip(shape.to_le_bytes()).for_each(|(byte, more)| *byte ^= more);
    salt
}

/// The end of a key text, which distinguishes instances of a generic function and versions.
pub(crate) fn suffix(instance: &str, version: u32) -> String {
    let mut suffix = String::new();
    if !instance.is_empty() {
        suffix.push('~');
        suffix.push_str(&dotted(instance));
    }
    if version > 0 {
        suffix.push_str(&format!("~v{version}"));
    }
    suffix
}
