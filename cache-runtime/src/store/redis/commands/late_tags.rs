//! Tags that are known once a value is computed.
//!
//! On one server an invalidation is one script, and so is the read of the stamps before a fill. On a cluster the counter of the
//! prefix is in a slot of its own: an invalidation counts before it gives the tag a stamp, and a fill reads or creates the stamps
//! before it reads the counter. The model in `model/` has both.

use redis::cmd;

use super::arguments::{STAMP_TTL_MS, new_stamps};
use super::confirmed::Confirmed;
use super::decode::{self, CountedStamp};
use super::slots::SlotKeys;
use super::{script, tag_scripts};
use crate::rt::random::random_stamp;
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::key::Label;
use crate::types::stamp::{Stamp, Stamps};
use crate::types::tag_count::TagCount;

impl RedisStore {
    /// Counts the invalidation of a tag, and gives the tag a new stamp; returns `false` if it had none.
    ///
    /// On a cluster the node of the counter may be lost alone, which must not hold up the tags of other nodes: they are barred then.
    pub(super) async fn invalidate_tag(&self, prefix: &str, tag: &Label) -> Result<bool, Error> {
        let (counter, slot, stamp) = (Label::tag_count(prefix), Slot::of(tag.as_str()), random_stamp());
        let mut confirmed = Confirmed::default();
        let command = if self.nodes.is_sharded() {
            let count = Command::script(&tag_scripts::COUNT, &[&counter]).arg(STAMP_TTL_MS);
            let request = Request::new("restamp", self.nodes.limit(), count);
            match self.invalidate::<Vec<u8>>(Slot::of(&counter), request, &mut confirmed).await {
                Ok(count) => Command::script(&tag_scripts::STAMP, &[tag.as_str()])
                    .arg(&stamp[..])
                    .arg(STAMP_TTL_MS)
                    .arg(count),
                Err(_) => return self.bar(tag, stamp, confirmed).await,
            }
        } else {
            let keys = [tag.as_str(), &counter];
            Command::script(&tag_scripts::INVALIDATE, &keys).arg(&stamp[..]).arg(STAMP_TTL_MS)
        };
        let request = Request::new("restamp", self.nodes.limit(), command);
        let had_stamp = self.invalidate(slot, request, &mut confirmed).await?;
        confirmed.result(had_stamp)
    }

    /// Gives a tag a new stamp under which no late tag is stored until the counter was incremented. Also a tag without a stamp gets
    /// one: a computation may be about to create it.
    async fn bar(&self, tag: &Label, stamp: Stamp, mut confirmed: Confirmed) -> Result<bool, Error> {
        let barred = [&stamp[..], &TagCount::BARRED.bytes()].concat();
        let set = cmd("SET").arg(tag.as_str()).arg(barred).arg("PX").arg(STAMP_TTL_MS).take();
        let request = Request::new("restamp", self.nodes.limit(), set.into());
        self.invalidate::<()>(Slot::of(tag.as_str()), request, &mut confirmed).await?;
        confirmed.result(true)
    }

    /// Gives a group that has a stamp a new one; returns `false` if it had none.
    pub(super) async fn invalidate_group(&self, group: &Label) -> Result<bool, Error> {
        let (slot, stamp) = (Slot::of(group.as_str()), random_stamp());
        // Only in place of another stamp: without one, there is nothing under the label.
        let set = cmd("SET").arg(group.as_str()).arg(&stamp[..]).arg("XX").arg("PX").arg(STAMP_TTL_MS).take();
        let request = Request::new("restamp", self.nodes.limit(), set.into());
        let mut confirmed = Confirmed::default();
        let had_stamp = self.invalidate::<Option<()>>(slot, request, &mut confirmed).await?.is_some();
        confirmed.result(had_stamp)
    }

    /// Returns the count of tag invalidations under a prefix, for a step of this name.
    pub(super) async fn count_of(&self, step: &'static str, prefix: &str) -> Result<TagCount, Error> {
        let counter = Label::tag_count(prefix);
        let command = Command::script(&tag_scripts::NOTED, &[&counter]).arg(&epoch()[..]).arg(STAMP_TTL_MS);
        let slot = Slot::of(&counter);
        let count: Vec<u8> = self.call(slot, step, self.nodes.limit(), command).await?;
        self.known(slot, step, TagCount::read(&count))
    }

    /// Returns the stamps of tags, creating missing ones, or `None` if one may have been invalidated since `noted`.
    pub(super) async fn stamps_since(
        &self,
        prefix: &str,
        tags: &[Label],
        noted: TagCount,
    ) -> Result<Option<Stamps>, Error> {
        let tags: Vec<&str> = tags.iter().map(Label::as_str).collect();
        let (now, found) = if self.nodes.is_sharded() {
            let found = self.counted_stamps(&tags).await?;
            let now = self.count_of("fill", prefix).await?;
            self.number(&tags, &found, now).await?;
            self.unbar(prefix, &tags, &found).await?;
            (now, found)
        } else {
            self.late_on_one_server(prefix, &tags).await?
        };
        let permits = noted.permits(now, found.iter().map(|(_, count)| *count));
        Ok(permits.then(|| found.iter().map(|(stamp, _)| *stamp).collect()))
    }

    async fn late_on_one_server(
        &self,
        prefix: &str,
        tags: &[&str],
    ) -> Result<(TagCount, Vec<CountedStamp>), Error> {
        let counter = Label::tag_count(prefix);
        let keys: Vec<&str> = std::iter::once(counter.as_str()).chain(tags.iter().copied()).collect();
        let command = Command::script(&tag_scripts::LATE, &keys)
            .arg(&epoch()[..])
            .arg(STAMP_TTL_MS)
            .arg(new_stamps(tags.len()));
        let slot = Slot::of(&counter);
        let reply = self.nodes.send(slot, Request::new("fill", self.nodes.limit(), command)).await?;
        self.known(slot, "fill", decode::late(reply, tags.len()))
    }

    /// Returns the stamps of tags with their counts; missing ones are created.
    async fn counted_stamps(&self, tags: &[&str]) -> Result<Vec<CountedStamp>, Error> {
        let note = |keys: &SlotKeys<'_>| {
            let command =
                Command::script(&script::NOTE, &keys.keys).arg(STAMP_TTL_MS).arg(new_stamps(keys.keys.len()));
            Request::new("fill", self.nodes.limit(), command)
        };
        let mut stamps = vec![(Stamp::default(), None); tags.len()];
        for (keys, reply) in self.send_by_slot(tags, note).await {
            let found = self.known(keys.slot, "fill", decode::counted_stamps(reply?, keys.keys.len()))?;
            keys.positions.iter().zip(found).for_each(|(position, stamp)| stamps[*position] = stamp);
        }
        Ok(stamps)
    }

    /// Gives tags whose count is not known the current one, so that the next fill can compare it.
    async fn number(&self, tags: &[&str], found: &[CountedStamp], now: TagCount) -> Result<(), Error> {
        let is_unknown = |count: Option<TagCount>| {
            count.is_none_or(|count| count.epoch != now.epoch && count != TagCount::BARRED)
        };
        let some = those(tags, found, is_unknown);
        let number = |keys: &[&str]| Command::script(&tag_scripts::NUMBER, keys).arg(&now.bytes()[..]);
        self.send_with_stamps(&some, number).await
    }

    /// Counts an invalidation for tags that were barred, so that the next fill can store values under them.
    async fn unbar(&self, prefix: &str, tags: &[&str], found: &[CountedStamp]) -> Result<(), Error> {
        let some = those(tags, found, |count| count == Some(TagCount::BARRED));
        if some.is_empty() {
            return Ok(());
        }
        let counter = Label::tag_count(prefix);
        let count = Command::script(&tag_scripts::COUNT, &[&counter]).arg(STAMP_TTL_MS);
        self.call::<Vec<u8>>(Slot::of(&counter), "fill", self.nodes.limit(), count).await?;
        self.send_with_stamps(&some, |keys| Command::script(&tag_scripts::UNBAR, keys)).await
    }

    /// Sends a command for the tags of each slot, with the stamps of these tags as its last arguments.
    async fn send_with_stamps(
        &self,
        tags: &[(&str, Stamp)],
        command: impl Fn(&[&str]) -> Command,
    ) -> Result<(), Error> {
        let names: Vec<&str> = tags.iter().map(|(tag, _)| *tag).collect();
        let request = |keys: &SlotKeys<'_>| {
            let stamps = keys.positions.iter().map(|position| &tags[*position].1);
            let command = stamps.fold(command(&keys.keys), |command, stamp| command.arg(&stamp[..]));
            Request::new("fill", self.nodes.limit(), command)
        };
        for (_, reply) in self.send_by_slot(&names, request).await {
            reply?;
        }
        Ok(())
    }
}

/// Returns the tags whose counts meet a condition, with their stamps.
fn those<'t>(
    tags: &[&'t str],
    found: &[CountedStamp],
    meets: impl Fn(Option<TagCount>) -> bool,
) -> Vec<(&'t str, Stamp)> {
    let all = tags.iter().zip(found);
    all.filter(|(_, (_, count))| meets(*count)).map(|(tag, (stamp, _))| (*tag, *stamp)).collect()
}

/// Returns the epoch of a new counter.
fn epoch() -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = random_stamp();
    [a, b, c, d, e, f, g, h]
}
