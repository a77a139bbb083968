//! The operations of the tier as commands.

use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::{Cmd, FromRedisValue, cmd};

use crate::envelope::{MAGIC, STAMP_OFFSET};
use crate::error::Error;
use crate::key::{GroupKey, Key, escape_glob};
use crate::random::random_stamp;
use crate::tier::{Found, Life, Page, Stamp, Tier};

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
        decode::decode(step, self.lanes.call(Job::new(step, limit, request.into())).await?)
    }
}

impl Tier for Redis {
    async fn read(&self, key: &Key) -> Result<Found, Error> {
        let Some(group) = key.group() else {
            let get = command("GET", &[key.as_str()]);
            return match self.lanes.call(Job::new("read", self.limit(), get.into())).await {
                Ok(answer) => Ok(Found { bytes: decode::bytes(answer), stamp: None }),
                // A value of another type is not ours; the fill that follows replaces it.
                Err(Error::Redis { message, .. }) if message.starts_with("WRONGTYPE") => Ok(Found::default()),
                Err(error) => Err(error),
            };
        };
        let get = command("MGET", &[key.as_str(), group]);
        self.lanes.call(Job::new("read", self.limit(), get.into())).await.map(decode::pair)
    }

    async fn stamp(&self, group: &GroupKey) -> Result<Stamp, Error> {
        let request =
            Request::script(&script::STAMP, &[group.as_str()]).arg(&random_stamp()[..]).arg(STAMP_LIFE_MS);
        let answer = self.lanes.call(Job::new("stamp", self.limit(), request)).await?;
        decode::stamp(&answer)
            .ok_or_else(|| Error::Redis { step: "stamp", message: "the answer is no stamp".to_owned() })
    }

    async fn fill(
        &self,
        key: &Key,
        envelope: Bytes,
        life: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> Result<bool, Error> {
        let px = life.map(milliseconds);
        let Some(stamp) = stamp else {
            let mut set = cmd("SET");
            set.arg(key.as_str()).arg(&envelope[..]);
            if let Some(px) = px {
                set.arg("PX").arg(px);
            }
            return self.call::<()>("fill", self.limit(), set).await.map(|()| true);
        };
        // A stamp without a group guards nothing: there is no key to compare it with.
        let Some(group) = key.group() else { return Ok(false) };
        let request = Request::script(&script::FILL, &[key.as_str(), group])
            .arg(&envelope[..])
            .arg(px.unwrap_or(0))
            .arg(&stamp[..]);
        self.call("fill", self.limit(), request).await
    }

    async fn delete(&self, key: &Key) -> Result<bool, Error> {
        self.call("delete", self.limit(), cmd("UNLINK").arg(key.as_str()).take()).await
    }

    async fn life(&self, key: &Key) -> Result<Life, Error> {
        self.call("life", self.limit(), cmd("PTTL").arg(key.as_str()).take()).await.map(decode::life)
    }

    async fn restamp(&self, group: &GroupKey) -> Result<(), Error> {
        let set = cmd("SET").arg(group.as_str()).arg(&random_stamp()[..]).arg("PX").arg(STAMP_LIFE_MS).take();
        self.call("restamp", self.limit(), set).await
    }

    async fn reclaim(&self, group: &GroupKey) -> Result<u64, Error> {
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
fn command(name: &str, args: &[&str]) -> Cmd {
    let len = name.len() + args.iter().map(|arg| arg.len()).sum::<usize>();
    let mut command = Cmd::with_capacity(1 + args.len(), len);
    command.arg(name).arg(args);
    command
}

/// A life in whole milliseconds, at least one: Redis refuses zero.
fn milliseconds(life: Duration) -> u64 {
    u64::try_from(life.as_millis()).unwrap_or(LONGEST_MS).clamp(1, LONGEST_MS)
}
