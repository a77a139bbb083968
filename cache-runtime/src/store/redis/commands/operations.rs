//! The operations of the Redis store.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{Cmd, FromRedisValue, ToRedisArgs, cmd};

use super::confirmed::Confirmed;
use super::decode;
use super::script;
use crate::codec::envelope::{self, MAGIC, STAMP_OFFSET};
use crate::rt::random::random_stamp;
use crate::store::contract::{LARGE, Store, StoreRead, Ttl};
use crate::store::dropped_groups::DroppedGroups;
use crate::store::lease::{FillCondition, LEASE, LeaseMode, Leased, Token};
use crate::store::page::{Cursor, KeyPage};
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::denial::Denial;
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels, escape_glob, group_of};
use crate::types::stamp::CurrentStamps;

/// The TTL of a stamp that is not extended: two years, twice the longest TTL of an entry.
const STAMP_TTL_MS: u64 = 63_072_000_000;
/// A hundred years: longer than any useful TTL, and well within the range of the clock of Redis.
const LONGEST_MS: u64 = 3_155_760_000_000;
/// The number of keys that one step of a scan examines.
const PAGE: usize = 500;

impl Store for RedisStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.read_sized(key, labels, false).await
    }

    async fn read_large(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.read_sized(key, labels, true).await
    }

    async fn stamps(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        let get = command("MGET", labels.iter());
        let slot = labels.iter().next().map_or(Slot::Number(0), Slot::of);
        let reply = self.nodes.send(slot, Request::read(self.nodes.limit(), get)).await?;
        self.known(slot, "read", decode::stamps(reply, labels.len()))
    }

    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        let keys: Vec<&str> = std::iter::once(key.as_str()).chain(labels.iter()).collect();
        let command = Command::script(&script::LEASE, &keys)
            .arg(&token.0[..])
            .arg(milliseconds(LEASE))
            .arg(match mode {
                LeaseMode::Miss | LeaseMode::MissUncached(_) => "miss",
                LeaseMode::Refresh => "refresh",
                LeaseMode::Force => "force",
                LeaseMode::Put => "put",
                LeaseMode::Write => "write",
            })
            .arg(seen)
            .arg(&envelope::vacant(key, labels.tags.len())[..])
            .arg(u8::from(labels.group.is_some()))
            .arg(envelope::tag_names(labels.tags))
            .arg(STAMP_TTL_MS)
            .arg(if let LeaseMode::MissUncached(left) = mode { milliseconds(left) } else { 0 })
            .arg(new_stamps(labels.len()));
        let slot = Slot::of(key.as_str());
        let reply = self.nodes.send(slot, Request::new("lease", self.nodes.limit(), command)).await?;
        self.known(slot, "lease", decode::leased(reply, labels.len()))
    }

    async fn extend(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        let command =
            Command::script(&script::EXTEND, &[key.as_str()]).arg(&token.0[..]).arg(milliseconds(LEASE));
        self.call(Slot::of(key.as_str()), "extend", self.nodes.limit(), command).await
    }

    async fn release(&self, key: &Key, token: &Token, pause: Duration) -> Result<(), Error> {
        let pause = if pause.is_zero() { 0 } else { milliseconds(pause) };
        let command = Command::script(&script::RELEASE, &[key.as_str()]).arg(&token.0[..]).arg(pause);
        self.call(Slot::of(key.as_str()), "release", self.nodes.limit(), command).await
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        ttl: Option<Duration>,
        claim: FillCondition<'_>,
    ) -> Result<bool, Error> {
        let px = ttl.map(milliseconds);
        let token = claim.token.filter(|_| !cfg!(larder_plain_set));
        let envelope = match token {
            Some(token) if claim.keeps_write => envelope::with_put(&envelope, &token.0),
            _ => envelope,
        };
        if token.is_none() && labels.is_empty() {
            let mut set = cmd("SET");
            set.arg(key.as_str()).arg(&envelope[..]);
            if let Some(px) = px {
                set.arg("PX").arg(px);
            }
            return self
                .store::<()>(Slot::of(key.as_str()), "fill", envelope.len(), set)
                .await
                .map(|()| true);
        }
        let keys: Vec<&str> = std::iter::once(key.as_str()).chain(labels.iter()).collect();
        let mut command = Command::script(&script::FILL, &keys)
            .arg(token.map_or(&[][..], |token| &token.0[..]))
            .arg(&envelope[..])
            .arg(px.unwrap_or(0));
        for stamp in claim.stamps {
            command = command.arg(&stamp[..]);
        }
        self.store(Slot::of(key.as_str()), "fill", envelope.len(), command).await
    }

    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        let command = Command::script(&script::REPLACE, &[key.as_str()]).arg(seen).arg(&envelope[..]);
        let request = Request::new("expire", self.nodes.limit(), command).large(envelope.len() > LARGE);
        let mut confirmed = Confirmed::default();
        match self.invalidate(Slot::of(key.as_str()), request, &mut confirmed).await? {
            true => confirmed.result(true),
            // Nothing was changed.
            false => Ok(false),
        }
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        let prefix_len = usize::from(key.prefix_len());
        let mut confirmed = Confirmed::default();
        let (slot, keys) = (Slot::of(key.as_str()), [key.as_str()]);
        let removal = self.remove(slot, &keys, (prefix_len, true), self.nodes.limit(), &mut confirmed);
        match removal.await? {
            (_, 1..) => Err(Error::Foreign),
            (removed, 0) => confirmed.result(removed > 0),
        }
    }

    async fn ttl(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        let prefix_len = length(usize::from(key.prefix_len()));
        let command = Command::script(&script::TTL, &[key.as_str()]).arg(envelope::MARK).arg(&prefix_len[..]);
        self.call(Slot::of(key.as_str()), "ttl", self.nodes.limit(), command).await.map(decode::ttl)
    }

    async fn restamp(&self, labels: &[Label]) -> Result<bool, Error> {
        let (mut had_any, mut confirmed) = (false, Confirmed::default());
        // One at a time: a command must not touch two slots.
        for label in labels {
            let stamp = random_stamp();
            // Only in place of another stamp: without one, there is nothing under the label.
            let set =
                cmd("SET").arg(label.as_str()).arg(&stamp[..]).arg("XX").arg("PX").arg(STAMP_TTL_MS).take();
            let request = Request::new("restamp", self.nodes.limit(), set.into());
            had_any |= self
                .invalidate::<Option<()>>(Slot::of(label.as_str()), request, &mut confirmed)
                .await?
                .is_some();
        }
        confirmed.result(had_any)
    }

    async fn reclaim(
        &self,
        prefix: &str,
        cursor: Cursor,
        groups: &DroppedGroups,
    ) -> Result<Option<Cursor>, Error> {
        let page = self.scan(&(escape_glob(prefix) + "{*}:*"), cursor).await?;
        let mut keys: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for key in &page.keys {
            if let Some(group) = group_of(prefix, key).filter(|group| groups.contains(group)) {
                keys.entry(group).or_insert_with(|| vec![group]).push(key);
            }
        }
        for keys in keys.values() {
            let command = Command::script(&script::RECLAIM, keys)
                .arg(&MAGIC[..])
                .arg(&length(prefix.len())[..])
                .arg(STAMP_OFFSET);
            self.call::<u64>(Slot::of(keys[0]), "reclaim", self.nodes.scan_limit(), command).await?;
        }
        Ok(page.next)
    }

    async fn scan(&self, pattern: &str, cursor: Cursor) -> Result<KeyPage, Error> {
        let mut scan = cmd("SCAN");
        scan.arg(cursor.position())
            .arg("MATCH")
            .arg(pattern)
            .arg("COUNT")
            .arg(PAGE)
            .arg("TYPE")
            .arg("string");
        self.call(Slot::Number(0), "scan", self.nodes.scan_limit(), scan).await.map(decode::page)
    }

    async fn ping(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        let request = Request::new("ping", self.nodes.limit(), cmd("PING").into());
        match self.nodes.send(Slot::Number(0), request).await {
            Err(Error::Redis { message, .. }) if Denial::parse(&message).is_some() => {}
            // A refusal for lack of permission is an answer, too.
            reply => drop(reply?),
        }
        Ok(started.elapsed())
    }

    async fn own(&self, mut keys: Vec<String>, prefix_len: usize) -> Result<Vec<String>, Error> {
        if keys.is_empty() {
            return Ok(keys);
        }
        let command = Command::script(&script::OWN, &keys).arg(&MAGIC[..]).arg(&length(prefix_len)[..]);
        let own: Vec<usize> = self.call(Slot::of(&keys[0]), "scan", self.nodes.scan_limit(), command).await?;
        let mut position = 0;
        keys.retain(|_| {
            position += 1;
            own.binary_search(&position).is_ok()
        });
        Ok(keys)
    }

    async fn delete_page(&self, keys: &[String], prefix_len: usize, named: bool) -> Result<u64, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut confirmed = Confirmed::default();
        let (slot, limit) = (Slot::of(&keys[0]), self.nodes.scan_limit());
        let (removed, _) = self.remove(slot, keys, (prefix_len, named), limit, &mut confirmed).await?;
        confirmed.result(removed)
    }
}

impl RedisStore {
    async fn read_sized(&self, key: &Key, labels: Labels<'_>, is_large: bool) -> Result<StoreRead, Error> {
        let slot = Slot::of(key.as_str());
        if labels.is_empty() {
            let get = command("GET", [key.as_str()].into_iter());
            return match self.nodes.send(slot, Request::read(self.nodes.limit(), get).large(is_large)).await {
                Ok(reply) => {
                    let bytes = self.known(slot, "read", decode::bytes(reply))?;
                    Ok(StoreRead { bytes, stamps: CurrentStamps::default() })
                }
                // A value of another type is not an entry; the fill that follows replaces it.
                Err(Error::Redis { message, .. }) if message.starts_with("WRONGTYPE") => {
                    Ok(StoreRead::default())
                }
                Err(error) => Err(error),
            };
        }
        let get = command("MGET", std::iter::once(key.as_str()).chain(labels.iter()));
        let reply = self.nodes.send(slot, Request::read(self.nodes.limit(), get).large(is_large)).await?;
        self.known(slot, "read", decode::read(reply, labels.len()))
    }

    /// Removes entries of the prefix with this length; returns how many, and how many keys hold something else.
    async fn remove<K: ToRedisArgs>(
        &self,
        slot: Slot<'_>,
        keys: &[K],
        (prefix_len, named): (usize, bool),
        limit: Duration,
        confirmed: &mut Confirmed,
    ) -> Result<(u64, u64), Error> {
        let command = Command::script(&script::DELETE, keys)
            .arg(&MAGIC[..])
            .arg(&length(prefix_len)[..])
            .arg(u8::from(named));
        self.invalidate(slot, Request::new("delete", limit, command), confirmed).await
    }

    /// Sends an invalidation and decodes the reply. `confirmed` gets the acknowledgements of replicas.
    async fn invalidate<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        request: Request,
        confirmed: &mut Confirmed,
    ) -> Result<T, Error> {
        let Some(confirm) = self.nodes.config().confirm else { return self.ask(slot, request).await };
        let (reply, acknowledged) = self.ask(slot, request.confirmed()).await?;
        confirmed.add(acknowledged, confirm.replicas);
        Ok(reply)
    }

    /// Sends a command and decodes the reply.
    async fn call<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        limit: Duration,
        command: impl Into<Command>,
    ) -> Result<T, Error> {
        self.ask(slot, Request::new(step, limit, command.into())).await
    }

    /// Sends the command that stores an envelope of `size`.
    async fn store<T: FromRedisValue>(
        &self,
        slot: Slot<'_>,
        step: &'static str,
        size: usize,
        command: impl Into<Command>,
    ) -> Result<T, Error> {
        self.ask(slot, Request::new(step, self.nodes.limit(), command.into()).large(size > LARGE)).await
    }

    async fn ask<T: FromRedisValue>(&self, slot: Slot<'_>, request: Request) -> Result<T, Error> {
        let step = request.step();
        let reply = self.nodes.send(slot, request).await?;
        decode::decode(step, reply).inspect_err(|_| self.nodes.reset_connections(slot))
    }

    /// Returns the decoded reply, or replaces the connections if the reply had a form that its command cannot have.
    fn known<T>(&self, slot: Slot<'_>, step: &'static str, decoded: Option<T>) -> Result<T, Error> {
        decoded.ok_or_else(|| {
            self.nodes.reset_connections(slot);
            Error::Redis { step, message: "the reply has an unexpected form".to_owned(), source: None }
        })
    }
}

/// Returns a command in a buffer of its exact size: growing takes the lock of the allocator, which all threads share.
fn command<'a>(name: &str, args: impl Iterator<Item = &'a str> + Clone) -> Cmd {
    let (mut count, mut len) = (1, name.len());
    for arg in args.clone() {
        (count, len) = (count + 1, len + arg.len());
    }
    let mut command = Cmd::with_capacity(count, len);
    command.arg(name);
    for arg in args {
        command.arg(arg);
    }
    command
}

/// Returns the length of a prefix as envelopes have it.
fn length(prefix_len: usize) -> [u8; 2] {
    (prefix_len as u16).to_le_bytes()
}

/// Returns stamps for labels that may have none.
fn new_stamps(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| random_stamp().to_vec()).collect()
}

/// Returns a TTL in whole milliseconds, at least one: Redis refuses zero.
fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}
