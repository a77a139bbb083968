//! The labels of entries. No command touches two slots: stamps in other slots than the entry are read beside it, noted before
//! a lease is requested, and compared before a fill.
//!
//! Each step is safe by itself, because readers compare stamps: an entry that was stored under a stamp which is superseded
//! meanwhile is not read. On one server, all stamps are in the slot of the entry, and every step is one command.

use super::arguments::{STAMP_TTL_MS, command, new_stamps};
use super::call::is_halved;
use super::decode;
use super::script;
use super::slots::SlotKeys;
use crate::rt::join::join;
use crate::store::contract::StoreRead;
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::key::{Key, Labels};
use crate::types::stamp::{CurrentStamps, Stamp};

impl RedisStore {
    /// Returns the number of labels, the first ones, whose stamps are in the slot of the entry. The group is among them.
    pub(super) fn labels_beside(&self, key: &Key, labels: Labels<'_>) -> usize {
        if labels.is_empty() || !self.nodes.is_sharded() {
            return labels.len();
        }
        let slot = Slot::of(key.as_str()).number();
        labels.iter().take_while(|label| Slot::of(label).number() == slot).count()
    }

    /// Reads an entry with labels: all slots at once.
    pub(super) async fn read_labelled(
        &self,
        key: &Key,
        labels: Labels<'_>,
        is_large: bool,
    ) -> Result<StoreRead, Error> {
        let beside = self.labels_beside(key, labels);
        match self.read_beside(key, labels, beside, is_large).await {
            Err(error) if beside > 0 && is_halved(&error) => self.read_beside(key, labels, 0, is_large).await,
            read => read,
        }
    }

    /// Reads an entry and the first labels in one command, and the other labels at the same time.
    async fn read_beside(
        &self,
        key: &Key,
        labels: Labels<'_>,
        beside: usize,
        is_large: bool,
    ) -> Result<StoreRead, Error> {
        let slot = Slot::of(key.as_str());
        let get = command("MGET", std::iter::once(key.as_str()).chain(labels.iter().take(beside)));
        let get = self.send_whole(slot, Request::read(self.nodes.limit(), get).large(is_large));
        if beside == labels.len() {
            return self.known(slot, "read", decode::read(get.await?, beside));
        }
        let elsewhere: Vec<&str> = labels.iter().skip(beside).collect();
        let (found, elsewhere) = join(get, self.stamps_of(&elsewhere)).await;
        let mut found = self.known(slot, "read", decode::read(found?, beside))?;
        found.stamps = found.stamps.iter().copied().chain(elsewhere?).collect();
        Ok(found)
    }

    /// Returns the current stamps of labels.
    pub(super) async fn stamps_of(&self, labels: &[&str]) -> Result<CurrentStamps, Error> {
        let get = |keys: &SlotKeys<'_>| {
            Request::read(self.nodes.limit(), command("MGET", keys.keys.iter().copied()))
        };
        let mut stamps = vec![None; labels.len()];
        for (keys, reply) in self.send_by_slot(labels, get).await {
            let found = self.known(keys.slot, "read", decode::stamps(reply?, keys.keys.len()))?;
            keys.positions.iter().zip(found).for_each(|(position, stamp)| stamps[*position] = stamp);
        }
        Ok(stamps.into())
    }

    /// Returns the stamps of labels, before a lease is requested: missing ones are created.
    pub(super) async fn note_stamps(&self, labels: &[&str]) -> Result<Vec<Stamp>, Error> {
        let note = |keys: &SlotKeys<'_>| {
            let command =
                Command::script(&script::NOTE, &keys.keys).arg(STAMP_TTL_MS).arg(new_stamps(keys.keys.len()));
            Request::new("lease", self.nodes.limit(), command)
        };
        let mut stamps = vec![Stamp::default(); labels.len()];
        for (keys, reply) in self.send_by_slot(labels, note).await {
            let found = decode::stamps(reply?, keys.keys.len());
            let found = found.and_then(|found| found.iter().copied().collect::<Option<Vec<Stamp>>>());
            let found = self.known(keys.slot, "lease", found)?;
            keys.positions.iter().zip(found).for_each(|(position, stamp)| stamps[*position] = stamp);
        }
        Ok(stamps)
    }

    /// Returns `true` if labels still have these stamps, before a fill. The TTLs of the stamps are extended to outlive an entry
    /// with a TTL of `px` milliseconds (0: without expiry).
    pub(super) async fn keep_stamps(
        &self,
        labels: &[&str],
        stamps: &[Stamp],
        px: u64,
    ) -> Result<bool, Error> {
        let keep = |keys: &SlotKeys<'_>| {
            let stamps = keys.positions.iter().filter_map(|position| stamps.get(*position));
            let command = Command::script(&script::KEEP, &keys.keys).arg(px);
            let command = stamps.fold(command, |command, stamp| command.arg(&stamp[..]));
            Request::new("fill", self.nodes.limit(), command)
        };
        let mut are_current = true;
        for (_, reply) in self.send_by_slot(labels, keep).await {
            are_current &= decode::decode::<bool>("fill", reply?)?;
        }
        Ok(are_current)
    }
}
