//! The entries of a call for several ids.

use std::any::type_name;
use std::sync::Arc;

use crate::engine::call::Call;
use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_op::EntryOp;
use crate::engine::entry_target::EntryTarget;
use crate::engine::function_ops::admitted;
use crate::engine::silence::{Silence, SilenceOf};
use crate::engine::waiting::WaitingFlag;
use crate::observe::event_kind::EventKind;
use crate::observe::stats::Tally;
use crate::observe::trace;
use crate::types::error::Error;

/// The entries of a call, one for each id.
pub(crate) enum Targets {
    /// The entries of the function itself.
    Own(Vec<Call>),
    /// The entries of another function.
    Of(Box<Call>, Result<Vec<EntryTarget>, Error>),
    /// The entries under keys of the handle, in a cache that is open; with the name of the handle in statistics.
    Keys { core: Arc<Core>, entries: Vec<EntryTarget>, name: &'static str, mode: CallMode },
}

impl Targets {
    /// The mode of the call.
    pub(super) fn mode(&self) -> CallMode {
        match self {
            Self::Own(calls) => calls.first().map_or(CallMode::Normal, Call::mode),
            Self::Of(call, _) => call.mode(),
            Self::Keys { mode, .. } => *mode,
        }
    }

    /// The call of one id, where it is one of the function itself.
    pub(super) fn call(&self, index: usize) -> Option<&Call> {
        if let Self::Own(calls) = self { calls.get(index) } else { None }
    }

    /// Returns accesses to the entries, unless the call runs uncached. The reason is counted. All of them wait for the store
    /// once.
    pub(super) fn ops<'c, V>(
        &'c self,
        silence: &'c Silence,
        waiting: &'c [WaitingFlag],
    ) -> Option<Vec<EntryOp<'c>>> {
        let mut ops: Vec<EntryOp<'c>> = match self {
            Self::Own(calls) => EntryOp::of_all(calls)?,
            Self::Of(call, entries) => {
                let core = admitted(call, call.mode())?;
                let entries = match entries {
                    Ok(entries) => entries,
                    Err(error) => return uncached(call, core, &error.to_string()),
                };
                let (own, other) = (type_name::<V>(), entries.iter().find_map(EntryTarget::value_type));
                if let Some(other) = other.filter(|other| *other != own) {
                    let reason =
                        format!("its values are `{own}`, and those of the entries in `of` are `{other}`");
                    return uncached(call, core, &reason);
                }
                entries.iter().map(|entry| entry.op(core, call.counters(core), call.function())).collect()
            }
            Self::Keys { core, entries, name, .. } => {
                let op = |entry: &'c EntryTarget| entry.op(core, Tally::Row(core.stats.row(name)), name);
                entries.iter().map(op).collect()
            }
        };
        for (op, waiting) in ops.iter_mut().zip(waiting) {
            op.silence = SilenceOf::Request(silence);
            op.waiting = Some(waiting);
        }
        Some(ops)
    }
}

/// Counts a call whose entries cannot be used, and warns once per function.
fn uncached<T>(call: &Call, core: &Core, reason: &str) -> Option<T> {
    call.record(core, EventKind::Refused { reason: "its entries cannot be used" });
    core.stats.once(&format!("many {}", call.function()), || {
        trace::warn(&format!("`{}` ran uncached: {reason}", call.function()));
    });
    None
}

/// Warns once per function about values that do not belong to its ids.
pub(super) fn warn_mismatch(ops: &[EntryOp<'_>], reason: &str) {
    let Some(op) = ops.first() else { return };
    op.core.stats.once(&format!("many {}", op.function), || {
        trace::warn(&format!(
            "the result of `{}` was not stored: {reason}; it ran once more with all ids, and that result was returned as it is",
            op.function
        ));
    });
}
