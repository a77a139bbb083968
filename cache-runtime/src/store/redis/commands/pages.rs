//! The keys of one page of a scan: checked and removed by slot.

use std::collections::BTreeMap;
use std::time::Duration;

use super::arguments::length;
use super::confirmed::Confirmed;
use super::script;
use super::slots::SlotKeys;
use crate::codec::envelope::{MAGIC, STAMP_OFFSET};
use crate::store::contract::Removed;
use crate::store::dropped_groups::DroppedGroups;
use crate::store::page::{Cursor, FunctionKeys};
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{escape_glob, group_of};

impl RedisStore {
    /// Returns those of the keys that hold entries or leases of the prefix with this length.
    pub(super) async fn own_keys(
        &self,
        mut keys: Vec<String>,
        prefix_len: usize,
    ) -> Result<Vec<String>, Error> {
        let mut are_own = vec![false; keys.len()];
        let own = |keys: &SlotKeys<'_>| {
            let command =
                Command::script(&script::OWN, &keys.keys).arg(&MAGIC[..]).arg(&length(prefix_len)[..]);
            Request::new("scan", self.nodes.scan_limit(), command)
        };
        for (keys, reply) in self.send_by_slot(&texts(&keys), own).await {
            let own: Vec<usize> = self.decoded(keys.slot, "scan", reply)?;
            // Scripts count from one.
            let own = own.into_iter().filter_map(|position| keys.positions.get(position.checked_sub(1)?));
            own.for_each(|position| are_own[*position] = true);
        }
        let mut are_own = are_own.into_iter();
        keys.retain(|_| are_own.next().unwrap_or(false));
        Ok(keys)
    }

    /// Returns those of the keys that hold entries of these functions, and those that hold leases without an entry.
    pub(super) async fn keys_of_function(
        &self,
        keys: Vec<String>,
        prefix_len: usize,
        function: &FunctionFilter,
    ) -> Result<FunctionKeys, Error> {
        let identities: Vec<u8> = function.identities().iter().flat_map(|hash| hash.to_le_bytes()).collect();
        let of_function = |keys: &SlotKeys<'_>| {
            let command = Command::script(&script::FUNCTION, &keys.keys)
                .arg(&MAGIC[..])
                .arg(&length(prefix_len)[..])
                .arg(function.name())
                .arg(&identities[..])
                .arg(if function.by_end() { "1" } else { "" });
            Request::new("scan", self.nodes.scan_limit(), command)
        };
        let mut found = FunctionKeys::default();
        for (slot, reply) in self.send_by_slot(&texts(&keys), of_function).await {
            let (entries, leases): (Vec<usize>, Vec<usize>) = self.decoded(slot.slot, "scan", reply)?;
            // Scripts count from one.
            let key = |position: usize| Some(keys[*slot.positions.get(position.checked_sub(1)?)?].clone());
            found.entries.extend(entries.into_iter().filter_map(key));
            found.leases.extend(leases.into_iter().filter_map(key));
        }
        Ok(found)
    }

    /// Removes entries and leases of the prefix with this length.
    pub(super) async fn remove_keys(
        &self,
        keys: &[String],
        prefix_len: usize,
        named: bool,
    ) -> Result<Removed, Error> {
        let delete = |keys: &SlotKeys<'_>| {
            self.to_confirm(remove(&keys.keys, prefix_len, named, self.nodes.scan_limit()))
        };
        let (mut removed, mut confirmed) = (Removed::default(), Confirmed::default());
        for (slot, reply) in self.send_by_slot(&texts(keys), delete).await {
            match self.invalidated::<(u64, u64)>(slot.slot, "delete", reply, &mut confirmed) {
                Ok((count, _)) => removed.count += count,
                Err(error) => {
                    let (_, left) = removed.failure.get_or_insert_with(|| (error, Vec::new()));
                    left.extend(slot.positions);
                }
            }
        }
        removed.not_confirmed = confirmed.result(()).err();
        match removed.failure {
            Some((error, left)) if left.len() == keys.len() => Err(error),
            failure => Ok(Removed { failure, ..removed }),
        }
    }

    /// Frees the memory of entries of dropped groups on one page.
    pub(super) async fn reclaim_page(
        &self,
        prefix: &str,
        cursor: Cursor,
        groups: &DroppedGroups,
    ) -> Result<Option<Cursor>, Error> {
        let page = self.scan_page(&(escape_glob(prefix) + "{*}:*"), cursor).await?;
        let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for key in &page.keys {
            if let Some(group) = group_of(prefix, key)
                && groups.contains(group)
                && self.by_slot(&[group, key]).len() == 1
            {
                keys.entry(group).or_insert_with(|| vec![group]).push(key);
            }
        }
        // A group and its entries are in one slot, except for a group without a name, whose entries expire. So the script
        // compares them with the stamp of this moment, and leaves those under a newer one than the caller knows.
        for keys in keys.values() {
            let command = Command::script(&script::RECLAIM, keys)
                .arg(&MAGIC[..])
                .arg(&length(prefix.len())[..])
                .arg(STAMP_OFFSET);
            self.call::<u64>(Slot::of(keys[0]), "reclaim", self.nodes.scan_limit(), command).await?;
        }
        Ok(page.next)
    }
}

/// Returns the request to remove entries of the prefix with this length. Its reply says how many were removed, and how many
/// keys hold something else.
pub(super) fn remove(keys: &[&str], prefix_len: usize, named: bool, limit: Duration) -> Request {
    let command = Command::script(&script::DELETE, keys)
        .arg(&MAGIC[..])
        .arg(&length(prefix_len)[..])
        .arg(u8::from(named));
    Request::new("delete", limit, command)
}

fn texts(keys: &[String]) -> Vec<&str> {
    keys.iter().map(String::as_str).collect()
}
