//! Damaged stored bytes are a miss and are replaced.

use std::sync::OnceLock;

use larder::{Cache, cache};
use redis::{Commands, Connection};
use support::redis::RedisServer;
use support::stores::{Calls, counts, on, unique};

/// The offsets of fields in an envelope.
const VERSION: usize = 3;
const CRC: usize = 108;
/// A field that changes under an unchanged value.
const LEASE: usize = 112;
const HEADER: usize = 152;

#[cache(expire = "1m", key = "{id}", ignore(calls), cache = cache, entry = kept_entry)]
async fn stored(cache: &Cache, calls: &Calls, id: u64) -> Vec<(String, u64)> {
    calls.add();
    vec![("value".to_owned(), id)]
}

#[cache(expire = "1m", key = "{id}", group = "{group}", ignore(calls), cache = cache, entry = grouped_entry)]
async fn grouped(cache: &Cache, calls: &Calls, group: &str, id: u64) -> u64 {
    calls.add();
    id
}

/// The server whose bytes are damaged. Their form does not depend on the deployment.
fn plain() -> &'static RedisServer {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    SERVER.get_or_init(RedisServer::start)
}

struct Test {
    cache: Cache,
    prefix: String,
    raw: Connection,
    calls: Calls,
}

impl Test {
    async fn start() -> Self {
        let prefix = unique("damage");
        let cache = on(plain()).prefix(&prefix).require_redis(true).build().await.expect("a cache");
        let raw = redis::Client::open(plain().url())
            .and_then(|client| client.get_connection())
            .expect("a connection");
        Self { cache, prefix, raw, calls: Calls::default() }
    }

    fn key(&self, id: u64) -> String {
        format!("{}:{id}", self.prefix)
    }

    /// Calls the function, and returns the number of computations.
    async fn call(&self, id: u64) -> usize {
        let before = self.calls.count();
        assert_eq!(stored(&self.cache, &self.calls, id).await, [("value".to_owned(), id)]);
        self.calls.count() - before
    }

    /// Asserts that the stored bytes are a miss, and a hit after the call.
    async fn is_replaced(&self, what: &str) {
        assert_eq!(self.call(1).await, 1, "{what}");
        assert_eq!(self.call(1).await, 0, "{what}");
    }

    fn stored(&mut self) -> Vec<u8> {
        let key = self.key(1);
        self.raw.get(key).expect("the entry")
    }

    fn store(&mut self, bytes: &[u8]) {
        let key = self.key(1);
        let () = self.raw.set_ex(key, bytes, 60).expect("stored");
    }
}

#[tokio::test]
async fn every_flipped_byte_is_noticed() {
    let mut test = Test::start().await;
    test.call(1).await;
    let length = test.stored().len();
    for at in (0..length).filter(|at| !(LEASE..HEADER).contains(at)) {
        let key = test.key(1);
        let flipped = test.stored()[at] ^ 1 << (at % 8);
        let _: usize =
            test.raw.setrange(&key, at.try_into().expect("small"), &[flipped][..]).expect("overwritten");
        assert_eq!(test.cache.get::<Vec<(String, u64)>>("1").await, None, "byte {at}");
        test.is_replaced(&format!("byte {at}")).await;
    }
    assert_eq!(counts(&test.cache, "stored").unusable, (length - (HEADER - LEASE)) as u64);
}

#[tokio::test]
async fn truncated_and_longer_entries_are_noticed() {
    let mut test = Test::start().await;
    test.call(1).await;
    let whole = test.stored();
    for length in 0..whole.len() {
        test.store(&whole[..length]);
        assert_eq!(kept_entry(&test.cache, 1).get::<Vec<(String, u64)>>().await, None, "cut at {length}");
        test.is_replaced(&format!("cut at {length}")).await;
    }
    let more = [&whole[..], b" "].concat();
    test.store(&more);
    test.is_replaced("one byte more").await;
    let twice = [&whole[..], &whole[..]].concat();
    test.store(&twice);
    test.is_replaced("twice").await;
}

#[tokio::test]
async fn foreign_bytes_are_noticed() {
    let mut test = Test::start().await;
    for foreign in [
        &b""[..],
        b"ldr",
        b"null",
        b"1",
        b"[[\"value\",1]]",
        b"\0",
        b"ldr\x01\x01\0\0\0",
        &[0; 200],
        &[255; 200],
    ] {
        test.store(foreign);
        test.is_replaced(&format!("{foreign:?}")).await;
    }
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for round in 0..300 {
        let mut bytes = Vec::new();
        for _ in 0..round % 40 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.extend(seed.to_le_bytes());
        }
        test.store(&bytes);
        test.is_replaced(&format!("{bytes:?}")).await;
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_replaced() {
    let mut test = Test::start().await;
    let key = test.key(1);
    for [command, args @ ..] in
        [["SADD", "x", ""], ["LPUSH", "x", ""], ["HSET", "x", "1"], ["ZADD", "1", "x"]]
    {
        let mut foreign = redis::cmd(command);
        foreign.arg(&key).arg(args.iter().filter(|arg| !arg.is_empty()).collect::<Vec<_>>());
        let () = redis::cmd("DEL").arg(&key).query(&mut test.raw).expect("deleted");
        let _: i64 = foreign.query(&mut test.raw).expect("stored");
        assert_eq!(test.cache.try_get::<u8>("1").await.expect("a miss"), None, "{command}");
        assert_eq!(test.cache.inspect("1").await.expect("an answer"), None, "{command}");
        test.is_replaced(command).await;
    }
    assert_eq!(counts(&test.cache, "stored").store_errors, 0);
}

#[tokio::test]
async fn a_group_whose_keys_are_of_another_type_still_works() {
    let mut test = Test::start().await;
    let (entry, calls) = (grouped_entry(&test.cache, "g", 1), Calls::default());
    let stamp = format!("{}:{{g}}", test.prefix);
    assert_eq!(entry.key(), format!("{stamp}:1"));
    for key in [entry.key(), &stamp] {
        let () = redis::cmd("DEL").arg(key).query(&mut test.raw).expect("deleted");
        let _: i64 = redis::cmd("SADD").arg(key).arg("x").query(&mut test.raw).expect("stored");
        let before = calls.count();
        for _ in 0..3 {
            assert_eq!(grouped(&test.cache, &calls, "g", 1).await, 1);
        }
        assert_eq!(calls.count() - before, 1, "{key}");
    }
    assert_eq!(counts(&test.cache, "grouped").store_errors, 0);
}

#[tokio::test]
async fn an_entry_copied_from_another_key_is_noticed() {
    let mut test = Test::start().await;
    test.call(1).await;
    test.call(2).await;
    let copied: i64 = redis::cmd("COPY")
        .arg(test.key(2))
        .arg(test.key(1))
        .arg("REPLACE")
        .query(&mut test.raw)
        .expect("copied");
    assert_eq!(copied, 1);
    test.is_replaced("another argument").await;

    let other = Test::start().await;
    other.call(1).await;
    let _: i64 = redis::cmd("COPY")
        .arg(other.key(1))
        .arg(test.key(1))
        .arg("REPLACE")
        .query(&mut test.raw)
        .expect("copied");
    test.is_replaced("another prefix").await;

    let calls = Calls::default();
    grouped(&test.cache, &calls, "a", 1).await;
    grouped(&test.cache, &calls, "b", 1).await;
    let (a, b) = (grouped_entry(&test.cache, "a", 1), grouped_entry(&test.cache, "b", 1));
    let _: i64 =
        redis::cmd("COPY").arg(a.key()).arg(b.key()).arg("REPLACE").query(&mut test.raw).expect("copied");
    grouped(&test.cache, &calls, "b", 1).await;
    assert_eq!(calls.count(), 3, "another group");
}

/// The state after a rollback: a valid entry of an unknown version.
#[tokio::test]
async fn an_entry_of_a_later_version_is_a_miss() {
    let mut test = Test::start().await;
    test.call(1).await;
    let mut later = test.stored();
    assert_eq!(crc32(&later), later[CRC..LEASE], "the checksum is where this test looks for it");
    later[VERSION] += 1;
    let crc = crc32(&later);
    later[CRC..LEASE].copy_from_slice(&crc);
    test.store(&later);
    test.is_replaced("a later version").await;
}

fn crc32(envelope: &[u8]) -> [u8; 4] {
    let covered = envelope[..CRC].iter().chain(&envelope[HEADER..]);
    let crc = covered.fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    });
    (!crc).to_le_bytes()
}
