//! Commands for several keys, of which each touches one slot.

use std::collections::BTreeMap;

use redis::Value;

use super::call::is_halved;
use crate::rt::join::join_all;
use crate::store::redis::connect::Request;
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;

/// Some of several keys, which are in one slot.
pub(super) struct SlotKeys<'k> {
    pub(super) slot: Slot<'k>,
    /// The positions of the keys among all of them.
    pub(super) positions: Vec<usize>,
    pub(super) keys: Vec<&'k str>,
}

impl RedisStore {
    /// Groups keys by their slots; on one server, all keys are in one.
    pub(super) fn by_slot<'k>(&self, keys: &[&'k str]) -> Vec<SlotKeys<'k>> {
        let whole = |positions: Vec<usize>| {
            let keys: Vec<&str> = positions.iter().map(|position| keys[*position]).collect();
            SlotKeys { slot: keys.first().map_or(Slot::Number(0), |key| Slot::of(key)), positions, keys }
        };
        if keys.is_empty() {
            return Vec::new();
        }
        if keys.len() < 2 || !self.nodes.is_sharded() {
            return vec![whole((0..keys.len()).collect())];
        }
        let mut slots: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
        for (position, key) in keys.iter().enumerate() {
            slots.entry(Slot::of(key).number()).or_default().push(position);
        }
        slots.into_values().map(whole).collect()
    }

    /// Sends one request for the keys of each slot, all at once, and returns the replies.
    pub(super) async fn send_by_slot<'k>(
        &self,
        keys: &[&'k str],
        request: impl Fn(&SlotKeys<'k>) -> Request,
    ) -> Vec<(SlotKeys<'k>, Result<Value, Error>)> {
        let mut slots = self.by_slot(keys);
        let mut replies = match &slots[..] {
            [keys] => vec![self.send_whole(keys.slot, request(keys)).await],
            slots => join_all(slots.iter().map(|keys| self.send_whole(keys.slot, request(keys)))).await,
        };
        let halved = replies.iter().position(|reply| reply.as_ref().is_err_and(is_halved));
        if halved.is_some() {
            (slots, replies) = self.send_by_key(slots, replies, request).await;
        }
        slots.into_iter().zip(replies).collect()
    }

    /// Sends one request for each key of the slots whose keys are on two nodes.
    async fn send_by_key<'k>(
        &self,
        slots: Vec<SlotKeys<'k>>,
        replies: Vec<Result<Value, Error>>,
        request: impl Fn(&SlotKeys<'k>) -> Request,
    ) -> (Vec<SlotKeys<'k>>, Vec<Result<Value, Error>>) {
        let (mut answered, mut singles) = ((Vec::new(), Vec::new()), Vec::new());
        for (keys, reply) in slots.into_iter().zip(replies) {
            if reply.as_ref().is_err_and(is_halved) {
                let single = |(position, key): (usize, &'k str)| SlotKeys {
                    slot: keys.slot,
                    positions: vec![position],
                    keys: vec![key],
                };
                singles.extend(keys.positions.iter().copied().zip(keys.keys.iter().copied()).map(single));
            } else {
                answered.0.push(keys);
                answered.1.push(reply);
            }
        }
        answered.1.extend(join_all(singles.iter().map(|key| self.nodes.send(key.slot, request(key)))).await);
        answered.0.extend(singles);
        answered
    }
}
