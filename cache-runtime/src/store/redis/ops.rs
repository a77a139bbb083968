//! The operations of the tier as commands.

use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{Cmd, FromRedisValue, cmd};

use crate::codec::envelope::{self, MAGIC, STAMP_OFFSET};
use crate::rt::random::random_stamp;
use crate::store::{Claim, LEASE, LeaseMode, Leased, Page, Store, StoreRead, Token, Ttl};
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels, escape_glob};
use crate::types::stamp::CurrentStamps;

use super::Redis;
use super::decode;
use super::request::{Job, Request};
use super::script;

/// How long a stamp lives when nothing extends it: two years, twice the longest life of an entry with a limit.
const STAMP_LIFE_MS: u64 = 63_072_000_000;
/// More than anybody means, and far from what the clock of Redis cannot count: a hundred years.
const LONGEST_MS: u64 = 3_155_760_000_000;
/// How many keys a step of a walk looks at.
const PAGE: usize = 500;

impl Redis {
    async fn call<T: FromRedisValue>(
        &self,
        step: &'static str,
        limit: Duration,
        request: impl Into<Request>,
    ) -> Result<T, Error> {
        let answer = self.lanes.call(Job::new(step, limit, request.into())).await?;
        decode::decode(step, answer).inspect_err(|_| self.lanes.distrust())
    }

    /// What was decoded, if the answer had a form that it can have.
    fn known<T>(&self, step: &'static str, decoded: Option<T>) -> Result<T, Error> {
        decoded.ok_or_else(|| {
            self.lanes.distrust();
            Error::Redis {
                step,
                message: "the answer is of another form than it should be".to_owned(),
                source: None,
            }
        })
    }
}

impl Store for Redis {
    async fn read(&self, key: &Key, labels: Labels<'_>) -> Result<StoreRead, Error> {
        if labels.is_empty() {
            let get = command("GET", [key.as_str()].into_iter());
            return match self.lanes.call(Job::read(self.limit(), get)).await {
                Ok(answer) => {
                    let bytes = self.known("read", decode::bytes(answer))?;
                    Ok(StoreRead { bytes, marks: CurrentStamps::default() })
                }
                // A value of another type is not ours; the fill that follows replaces it.
                Err(Error::Redis { message, .. }) if message.starts_with("WRONGTYPE") => {
                    Ok(StoreRead::default())
                }
                Err(error) => Err(error),
            };
        }
        let get = command("MGET", std::iter::once(key.as_str()).chain(labels.iter()));
        let answer = self.lanes.call(Job::read(self.limit(), get)).await?;
        self.known("read", decode::found(answer, labels.len()))
    }

    async fn marks(&self, labels: Labels<'_>) -> Result<CurrentStamps, Error> {
        let get = command("MGET", labels.iter());
        let answer = self.lanes.call(Job::read(self.limit(), get)).await?;
        self.known("read", decode::marks(answer, labels.len()))
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
        let request = Request::script(&script::LEASE, &keys)
            .arg(&token.0[..])
            .arg(milliseconds(LEASE))
            .arg(match mode {
                LeaseMode::Miss => "miss",
                LeaseMode::Refresh => "refresh",
                LeaseMode::Force => "force",
                LeaseMode::Put => "put",
            })
            .arg(seen)
            .arg(&envelope::vacant(key, labels.tags.len())[..])
            .arg(u8::from(labels.group.is_some()))
            .arg(envelope::tag_names(labels.tags))
            .arg(STAMP_LIFE_MS)
            .arg(fresh(labels.len()));
        let answer = self.lanes.call(Job::new("lease", self.limit(), request)).await?;
        self.known("lease", decode::leased(answer, labels.len()))
    }

    async fn renew(&self, key: &Key, token: &Token) -> Result<bool, Error> {
        let request =
            Request::script(&script::RENEW, &[key.as_str()]).arg(&token.0[..]).arg(milliseconds(LEASE));
        self.call("renew", self.limit(), request).await
    }

    async fn release(&self, key: &Key, token: &Token, pause: Duration) -> Result<(), Error> {
        let pause = if pause.is_zero() { 0 } else { milliseconds(pause) };
        let request = Request::script(&script::RELEASE, &[key.as_str()]).arg(&token.0[..]).arg(pause);
        self.call("release", self.limit(), request).await
    }

    async fn fill(
        &self,
        key: &Key,
        labels: Labels<'_>,
        envelope: Bytes,
        life: Option<Duration>,
        claim: Claim<'_>,
    ) -> Result<bool, Error> {
        let px = life.map(milliseconds);
        let token = claim.token.filter(|_| !cfg!(larder_plain_set));
        if token.is_none() && labels.is_empty() {
            let mut set = cmd("SET");
            set.arg(key.as_str()).arg(&envelope[..]);
            if let Some(px) = px {
                set.arg("PX").arg(px);
            }
            return self.call::<()>("fill", self.limit(), set).await.map(|()| true);
        }
        let keys: Vec<&str> = std::iter::once(key.as_str()).chain(labels.iter()).collect();
        let mut request = Request::script(&script::FILL, &keys)
            .arg(token.map_or(&[][..], |token| &token.0[..]))
            .arg(&envelope[..])
            .arg(px.unwrap_or(0));
        for stamp in claim.stamps {
            request = request.arg(&stamp[..]);
        }
        self.call("fill", self.limit(), request).await
    }

    async fn replace(&self, key: &Key, seen: &[u8], envelope: Bytes) -> Result<bool, Error> {
        let request = Request::script(&script::REPLACE, &[key.as_str()]).arg(seen).arg(&envelope[..]);
        self.call("expire", self.limit(), request).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        self.call("delete", self.limit(), cmd("UNLINK").arg(key.as_str()).take()).await
    }

    async fn life(&self, key: &Key) -> Result<(Ttl, bool), Error> {
        let request = Request::script(&script::LIFE, &[key.as_str()]).arg(envelope::MARK);
        self.call("life", self.limit(), request).await.map(decode::life)
    }

    async fn restamp(&self, labels: &[Label]) -> Result<(), Error> {
        // One by one, because a command must not touch two slots.
        for label in labels {
            let stamp = random_stamp();
            let set = cmd("SET").arg(label.as_str()).arg(&stamp[..]).arg("PX").arg(STAMP_LIFE_MS).take();
            self.call::<()>("restamp", self.limit(), set).await?;
        }
        Ok(())
    }

    async fn reclaim(&self, group: &Label) -> Result<u64, Error> {
        let pattern = format!("{}:*", escape_glob(group.as_str()));
        let (mut removed, mut next) = (0, Some(0));
        while let Some(cursor) = next {
            let page = self.scan(&pattern, cursor).await?;
            next = page.next;
            for keys in page.keys.chunks(PAGE) {
                let all: Vec<&str> =
                    std::iter::once(group.as_str()).chain(keys.iter().map(String::as_str)).collect();
                let request = Request::script(&script::RECLAIM, &all).arg(&MAGIC[..]).arg(STAMP_OFFSET);
                removed += self.call::<u64>("reclaim", self.long_limit(), request).await?;
            }
        }
        Ok(removed)
    }

    async fn scan(&self, pattern: &str, cursor: u64) -> Result<Page, Error> {
        let scan = cmd("SCAN").arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE).take();
        self.call("scan", self.long_limit(), scan).await.map(decode::page)
    }

    async fn ping(&self) -> Result<Duration, Error> {
        let started = Instant::now();
        self.lanes.call(Job::new("ping", self.limit(), cmd("PING").into())).await?;
        Ok(started.elapsed())
    }

    async fn delete_page(&self, keys: &[String], ours_only: bool) -> Result<u64, Error> {
        if keys.is_empty() {
            return Ok(0);
        }
        if !ours_only {
            return self.call("delete", self.long_limit(), cmd("UNLINK").arg(keys).take()).await;
        }
        // One by one, because a script must not touch two slots.
        let mut removed = 0;
        for key in keys {
            let request = Request::script(&script::DELETE_OURS, &[key.as_str()]).arg(&MAGIC[..]);
            removed += self.call::<u64>("delete", self.limit(), request).await?;
        }
        Ok(removed)
    }
}

/// A command in a buffer that never has to grow: growing takes the allocator's lock, which all threads share.
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

/// Stamps for labels that may have none.
fn fresh(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|_| random_stamp().to_vec()).collect()
}

/// A life in whole milliseconds, at least one: Redis refuses zero.
fn milliseconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}
