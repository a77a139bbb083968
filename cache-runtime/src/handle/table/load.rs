//! The computation of one id of a table: its loader, which runs inside the call or in the background.

use std::sync::Arc;

use super::entries::TableEntries;
use super::loaded::Loaded;
use super::rules::TableRules;
use crate::engine::computation::Computation;
use crate::engine::context::Context;
use crate::engine::entry_op::EntryOp;
use crate::engine::entry_target::EntryTarget;
use crate::engine::follower::Follower;
use crate::engine::refresh::{refresh, refreshed};
use crate::engine::snapshot::Snapshot;
use crate::handle::cache::Cache;
use crate::rt::caught::caught;
use crate::rt::stack::BoxFuture;
use crate::site::outcome::Value;
use crate::site::value_caps::ValueCaps;

/// The loader of a table.
pub(super) type Load<K, R> = Arc<dyn Fn(&K) -> BoxFuture<'static, R> + Send + Sync>;

/// One run of a loader.
pub(super) struct TableLoad<'t, K, V, R> {
    pub(super) id: &'t K,
    pub(super) load: &'t Load<K, R>,
    pub(super) entries: &'t Arc<TableEntries<K, V>>,
    pub(super) entry: &'t Arc<(Cache, EntryTarget)>,
    pub(super) rules: &'t Arc<TableRules<K, V>>,
}

impl<K, V, R> Computation<V> for TableLoad<'_, K, V, R>
where
    K: serde::Serialize + Send + Sync + 'static,
    V: Value + Send + 'static,
    R: Loaded<V>,
{
    type Output = R;
    type Running = BoxFuture<'static, R>;

    fn can_detach(&self) -> bool {
        true
    }

    fn inline(self) -> BoxFuture<'static, R> {
        (self.load)(self.id)
    }

    fn revalidate(self, op: &EntryOp<'_>, snapshot: Snapshot, _: Option<&V>) -> Option<Follower> {
        let (leader, follower) = match refreshed(op, &snapshot) {
            Ok(leads) => leads,
            Err(follower) => return follower,
        };
        let background = &op.core.background;
        if !background.has_room() {
            return Some(follower);
        }
        let Some(loading) = caught(|| (self.load)(self.id)) else {
            op.panicked("the loader", "its value was not refreshed in the background");
            op.core.flights.back_off(op.key.as_str(), op.policy.retry_pause());
            return Some(follower);
        };
        let (entries, entry, rules) =
            (Arc::clone(self.entries), Arc::clone(self.entry), Arc::clone(self.rules));
        background.spawn_on_current(Box::pin(Context::detached().scope(Box::pin(async move {
            let op = entries.op(&entry);
            refresh::<R, R::Shape>(&op, leader, snapshot, ValueCaps::bytes(), &*rules, loading).await;
        }))));
        Some(follower)
    }
}
