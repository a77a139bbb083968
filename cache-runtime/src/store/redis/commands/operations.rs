//! The operations of the Redis store.

use std::time::Duration;

use bytes::Bytes;
use redis::cmd;

use super::arguments::{command, length, milliseconds};
use super::call::is_halved;
use super::confirmed::Confirmed;
use super::decode;
use super::pages::remove;
use super::script;
use crate::codec::envelope;
use crate::rt::stack::BoxFuture;
use crate::store::contract::{LARGE, Removed, Store, StoreRead, Ttl};
use crate::store::dropped_groups::DroppedGroups;
use crate::store::lease::{FillCondition, LEASE, LeaseMode, Leased, Token};
use crate::store::page::{Cursor, FunctionKeys, KeyPage};
use crate::store::redis::connect::{Command, Request};
use crate::store::redis::nodes::Slot;
use crate::store::redis::store::RedisStore;
use crate::types::error::Error;
use crate::types::function_filter::FunctionFilter;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::{CurrentStamps, Stamps};
use crate::types::tag_count::TagCount;

impl Store for RedisStore {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.read_sized(key, labels, false).await
    }

    async fn read_large(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        self.read_sized(key, labels, true).await
    }

    async fn read_many(
        &self,
        entries: &[(&Key, Labels<'_>)],
    ) -> Result<Vec<Result<StoreRead, Error>>, Error> {
        Ok(self.read_all(entries).await)
    }

    async fn stamps(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        self.stamps_of(&labels.iter().collect::<Vec<_>>()).await
    }

    async fn lease(
        &self,
        key: &Key,
        labels: Labels<'_>,
        token: &Token,
        mode: LeaseMode,
        seen: &[u8],
    ) -> Result<Leased, Error> {
        let beside = self.labels_beside(key, labels);
        match self.lease_beside(key, (labels, beside), token, mode, seen).await {
            Err(error) if beside > 0 && is_halved(&error) => {
                self.lease_beside(key, (labels, 0), token, mode, seen).await
            }
            leased => leased,
        }
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
        let beside = self.labels_beside(key, labels);
        let claim = FillCondition { token, ..claim };
        match self.fill_beside(key, (labels, beside), envelope.clone(), px, claim).await {
            Err(error) if beside > 0 && is_halved(&error) => {
                self.fill_beside(key, (labels, 0), envelope, px, claim).await
            }
            filled => filled,
        }
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
        let request = remove(&[key.as_str()], prefix_len, true, self.nodes.limit());
        let mut confirmed = Confirmed::default();
        match self.invalidate::<(u64, u64)>(Slot::of(key.as_str()), request, &mut confirmed).await? {
            (_, 1..) => Err(Error::Foreign),
            (removed, 0) => confirmed.result(removed > 0),
        }
    }

    async fn ttl(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        let prefix_len = length(usize::from(key.prefix_len()));
        let command = Command::script(&script::TTL, &[key.as_str()]).arg(envelope::MARK).arg(&prefix_len[..]);
        self.call(Slot::of(key.as_str()), "ttl", self.nodes.limit(), command).await.map(decode::ttl)
    }

    async fn restamp(&self, label: &Label) -> Result<bool, Error> {
        match label.prefix_of_tag() {
            Some(prefix) => self.invalidate_tag(prefix, label).await,
            None => self.invalidate_group(label).await,
        }
    }

    async fn tag_count(&self, prefix: &str) -> Result<TagCount, Error> {
        self.count_of("lease", prefix).await
    }

    async fn late_stamps(
        &self,
        prefix: &str,
        tags: &[Label],
        noted: TagCount,
    ) -> Result<Option<Stamps>, Error> {
        self.stamps_since(prefix, tags, noted).await
    }

    async fn reclaim(
        &self,
        prefix: &str,
        cursor: Cursor,
        groups: &DroppedGroups,
    ) -> Result<Option<Cursor>, Error> {
        self.reclaim_page(prefix, cursor, groups).await
    }

    async fn scan(&self, pattern: &str, cursor: Cursor) -> Result<KeyPage, Error> {
        self.scan_page(pattern, cursor).await
    }

    async fn ping(&self) -> Result<Duration, Error> {
        self.nodes.ping().await
    }

    async fn own(&self, keys: Vec<String>, prefix_len: usize) -> Result<Vec<String>, Error> {
        self.own_keys(keys, prefix_len).await
    }

    async fn of_function(
        &self,
        keys: Vec<String>,
        prefix_len: usize,
        function: &FunctionFilter,
    ) -> Result<FunctionKeys, Error> {
        self.keys_of_function(keys, prefix_len, function).await
    }

    async fn delete_page(&self, keys: &[String], prefix_len: usize, named: bool) -> Result<Removed, Error> {
        self.remove_keys(keys, prefix_len, named).await
    }
}

impl RedisStore {
    /// Reads an entry, which may be likely to be large.
    pub(crate) fn read_sized<'a>(
        &'a self,
        key: &'a Key,
        labels: Labels<'a>,
        is_large: bool,
    ) -> BoxFuture<'a, Result<StoreRead, Error>> {
        Box::pin(self.read_entry(key, labels, is_large))
    }

    async fn read_entry(&self, key: &Key, labels: Labels<'_>, is_large: bool) -> Result<StoreRead, Error> {
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
        if self.nodes.is_sharded() {
            // Boxed, so that the future of a read from one server stays small.
            return Box::pin(self.read_labelled(key, labels, is_large)).await;
        }
        let get = command("MGET", std::iter::once(key.as_str()).chain(labels.iter()));
        let reply = self.nodes.send(slot, Request::read(self.nodes.limit(), get).large(is_large)).await?;
        self.known(slot, "read", decode::read(reply, labels.len()))
    }
}
