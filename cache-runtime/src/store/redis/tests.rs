//! The tier against real servers, and against servers that misbehave.

#[path = "../../../../tests/support/proxy.rs"]
#[expect(dead_code, unreachable_pub, reason = "the integration tests use the rest")]
pub(super) mod proxy;
#[path = "../../../../tests/support/redis.rs"]
#[expect(unreachable_pub, reason = "the integration tests use the rest")]
pub(super) mod server;
#[path = "../../../../tests/support/wait.rs"]
#[expect(unreachable_pub, reason = "the integration tests use it as well")]
pub(super) mod wait;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

use self::proxy::{FaultProxy, Mode};
use self::server::{RedisServer, shared};
use self::wait::{eventually, eventually_async};
use super::{Change, Endpoint, Redis, RedisConfig};
use crate::codec::StoredForm;
use crate::codec::envelope::{self, HEADER_LEN, MARK, STAMP_OFFSET};
use crate::rt::park;
use crate::store::{Claim, LeaseMode, Leased, Store, Token, Ttl};
use crate::types::error::Error;
use crate::types::key::{Key, Label, Labels};
use crate::types::stamp::Stamp;

const LIMIT: Duration = Duration::from_millis(250);
/// For scheduling on a busy machine, on top of a limit.
const SLACK: Duration = Duration::from_millis(150);

fn config(url: &str) -> RedisConfig {
    RedisConfig::new(Endpoint::parse(url).expect("a valid URL"))
}

async fn connect(url: &str) -> Redis {
    Redis::connect(config(url)).await.expect("a tier")
}

fn plain(text: &str) -> Key {
    Key::new(text.to_owned(), 0)
}

fn grouped(group: &str, rest: &str) -> Key {
    Key::new(format!("{group}:{rest}"), group.len())
}

fn envelope(stamp: Stamp) -> Bytes {
    let mut bytes = vec![0; HEADER_LEN + 4];
    bytes[..MARK.len()].copy_from_slice(MARK);
    bytes[STAMP_OFFSET..STAMP_OFFSET + 16].copy_from_slice(&stamp);
    bytes.into()
}

/// A whole envelope with a value.
fn sealed(key: &Key, stamp: Stamp) -> Bytes {
    let header = envelope::Header {
        form: StoredForm::Codec(crate::Codec::Json),
        compress: crate::Compress::None,
        none: false,
        created_ms: u64::from(stamp[0]),
        soft_ms: 2,
        hard_ms: 3,
        fingerprint: 4,
        stamp: None,
    };
    envelope::seal(key, header, envelope::StampedLabels::default(), Some(&1), 1 << 10).expect("an envelope")
}

fn runtime(threads: usize) -> Runtime {
    match threads {
        0 => Builder::new_current_thread().enable_all().build(),
        n => Builder::new_multi_thread().worker_threads(n).enable_all().build(),
    }
    .expect("a runtime")
}

/// The calls of a tier, with the labels that a key has by itself.
impl Redis {
    async fn find(&self, key: &Key) -> Result<FoundOne, Error> {
        let found = self.read(key, labels(key)).await?;
        Ok(FoundOne { bytes: found.bytes, stamp: found.marks.first().copied().flatten() })
    }

    async fn stamp_of(&self, group: &Label) -> Result<Stamp, Error> {
        let labels = Labels { group: Some(group.as_str()), tags: &[] };
        let token = Token::new(Token::new_owner());
        match self.lease(&plain("of nobody"), labels, &token, LeaseMode::Put, &[]).await? {
            Leased::Granted(stamps) => Ok(stamps[0]),
            refused => panic!("{refused:?}"),
        }
    }

    async fn put(
        &self,
        key: &Key,
        bytes: Bytes,
        life: Option<Duration>,
        stamp: Option<Stamp>,
    ) -> Result<bool, Error> {
        let group = key.group().filter(|_| stamp.is_some());
        self.fill(
            key,
            Labels { group, tags: &[] },
            bytes,
            life,
            Claim { token: None, stamps: stamp.as_slice() },
        )
        .await
    }
}

struct FoundOne {
    bytes: Option<Bytes>,
    stamp: Option<Stamp>,
}

fn labels(key: &Key) -> Labels<'_> {
    Labels { group: key.group(), tags: &[] }
}

async fn answers(redis: &Redis) -> bool {
    redis.find(&plain("nothing")).await.is_ok()
}

#[tokio::test]
async fn keeps_reads_and_deletes() {
    let redis = connect(&shared().url()).await;
    let key = plain("keeps:a");
    assert_eq!(redis.find(&key).await.expect("a miss").bytes, None);
    assert_eq!(redis.life(&key).await.expect("a life").0, Ttl::Absent);
    assert!(redis.put(&key, Bytes::from_static(b"v\0\r\n"), None, None).await.expect("stored"));
    assert_eq!(redis.find(&key).await.expect("a hit").bytes.as_deref(), Some(&b"v\0\r\n"[..]));
    assert_eq!(redis.life(&key).await.expect("a life").0, Ttl::Forever);
    assert!(
        redis.put(&key, Bytes::from_static(b"w"), Some(Duration::from_secs(60)), None).await.expect("stored")
    );
    assert!(matches!(redis.life(&key).await, Ok((Ttl::For(left), false)) if left > Duration::from_secs(50)));
    assert!(redis.delete(&key).await.expect("deleted"));
    assert!(!redis.delete(&key).await.expect("deleted"));
    assert!(
        redis.put(&key, Bytes::from_static(b"w"), Some(Duration::from_nanos(1)), None).await.expect("stored")
    );
    eventually_async(Duration::from_secs(1), || async {
        redis.life(&key).await.expect("a life").0 == Ttl::Absent
    })
    .await;
    assert!(redis.put(&key, Bytes::from_static(b"w"), Some(Duration::MAX), None).await.expect("stored"));
    assert!(redis.ping().await.expect("a ping") < LIMIT);
    assert_eq!(redis.status().connected, Some(true));
}

#[tokio::test]
async fn a_fill_needs_the_stamp_of_its_group() {
    let redis = connect(&shared().url()).await;
    let (group, key) = (Label::new("fill:{g}".to_owned()), grouped("fill:{g}", "1"));
    assert_eq!(redis.find(&key).await.expect("a miss").stamp, None);
    let stamp = redis.stamp_of(&group).await.expect("a stamp");
    assert_eq!(redis.stamp_of(&group).await.expect("a stamp"), stamp);
    assert!(!redis.put(&key, envelope([7; 16]), None, Some([7; 16])).await.expect("refused"));
    assert!(
        redis.put(&key, envelope(stamp), Some(Duration::from_secs(60)), Some(stamp)).await.expect("stored")
    );
    let found = redis.find(&key).await.expect("a hit");
    assert_eq!((found.bytes, found.stamp), (Some(envelope(stamp)), Some(stamp)));
    redis.restamp(std::slice::from_ref(&group)).await.expect("a new stamp");
    assert!(!redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("refused"));
    assert_ne!(redis.find(&key).await.expect("a hit").stamp, Some(stamp));
    // A stamp that is removed by hand guards as well.
    shared().command(&["DEL", "fill:{g}"]);
    assert!(!redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("refused"));
}

#[tokio::test]
async fn a_stamp_outlives_its_entries() {
    let redis = connect(&shared().url()).await;
    let (group, key) = (Label::new("long:{g}".to_owned()), grouped("long:{g}", "1"));
    let stamp = redis.stamp_of(&group).await.expect("a stamp");
    let year = Duration::from_secs(31_536_000);
    let left = || shared().command(&["PTTL", "long:{g}"]).parse::<u64>().map(Duration::from_millis);
    shared().command(&["PEXPIRE", "long:{g}", "60000"]);
    assert!(redis.put(&key, envelope(stamp), Some(year * 5), Some(stamp)).await.expect("stored"));
    assert!(left().expect("a life") > year * 9);
    assert!(redis.put(&key, envelope(stamp), Some(Duration::MAX), Some(stamp)).await.expect("stored"));
    assert!(left().expect("a life") > year * 190);
    assert!(redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("stored"));
    assert_eq!(shared().command(&["PTTL", "long:{g}"]), "-1");
}

#[tokio::test]
async fn reclaims_what_the_stamp_left_behind() {
    let redis = connect(&shared().url()).await;
    let group = Label::new("re:{a*b}".to_owned());
    let old = redis.stamp_of(&group).await.expect("a stamp");
    for n in 0..1200 {
        let key = grouped("re:{a*b}", &n.to_string());
        assert!(redis.put(&key, envelope(old), None, Some(old)).await.expect("stored"));
    }
    redis.restamp(std::slice::from_ref(&group)).await.expect("a new stamp");
    let new = redis.stamp_of(&group).await.expect("a stamp");
    assert!(redis.put(&grouped("re:{a*b}", "new"), envelope(new), None, Some(new)).await.expect("stored"));
    let server = shared();
    server.command(&["SET", "re:{a*b}:foreign", "text"]);
    server.command(&["RPUSH", "re:{a*b}:list", "x"]);
    redis.put(&grouped("re:{aXb}", "other"), envelope(old), None, None).await.expect("stored");
    assert_eq!(redis.reclaim(&group).await.expect("a number"), 1200);
    assert_eq!(
        server.command(&["EXISTS", "re:{a*b}:new", "re:{a*b}:foreign", "re:{a*b}:list", "re:{aXb}:other"]),
        "4"
    );
    server.command(&["DEL", "re:{a*b}"]);
    assert_eq!(redis.reclaim(&group).await.expect("a number"), 1);
}

#[tokio::test]
async fn walks_and_removes_pages() {
    let redis = connect(&shared().url()).await;
    for n in 0..700 {
        redis.put(&plain(&format!("walk:{n}")), envelope([0; 16]), None, None).await.expect("stored");
    }
    let server = shared();
    server.command(&["SET", "walk:foreign", "text"]);
    server.command(&["SADD", "walk:set", "x"]);
    server.command(&["EVAL", "return redis.call('SET', 'walk:' .. string.char(255), 'x')", "0"]);
    let (mut keys, mut next) = (Vec::new(), Some(0));
    while let Some(cursor) = next {
        let page = redis.scan("walk:*", cursor).await.expect("a page");
        keys.extend(page.keys);
        next = page.next;
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 702);
    assert_eq!(redis.delete_page(&keys, true).await.expect("a number"), 700);
    assert_eq!(redis.delete_page(&keys, false).await.expect("a number"), 2);
    assert_eq!(redis.delete_page(&[], true).await.expect("a number"), 0);
    assert_eq!(redis.delete_page(&[], false).await.expect("a number"), 0);
}

#[tokio::test]
async fn a_foreign_type_is_a_miss() {
    let redis = connect(&shared().url()).await;
    let server = shared();
    server.command(&["RPUSH", "foreign:list", "x"]);
    server.command(&["RPUSH", "foreign:{g}:list", "x"]);
    server.command(&["RPUSH", "foreign:{g}", "x"]);
    assert_eq!(redis.find(&plain("foreign:list")).await.expect("a miss").bytes, None);
    let key = grouped("foreign:{g}", "list");
    let found = redis.find(&key).await.expect("a miss");
    assert_eq!((found.bytes, found.stamp), (None, None));
    let stamp = redis.stamp_of(&Label::new("foreign:{g}".to_owned())).await.expect("a stamp");
    assert!(redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("stored"));
    assert!(redis.put(&plain("foreign:list"), envelope(stamp), None, None).await.expect("stored"));
    assert_eq!(redis.status().connected, Some(true));
}

#[tokio::test]
async fn a_lease_is_held_against_others_and_given_back() {
    let redis = connect(&shared().url()).await;
    let key = plain("lease:a");
    let (mine, again, theirs) =
        (Token([1; 16]), Token([[1; 8], [2; 8]].concat().try_into().unwrap()), Token([2; 16]));
    let ask = async |token: &Token, mode, seen: &[u8]| {
        redis.lease(&key, labels(&key), token, mode, seen).await.expect("an answer")
    };
    assert_eq!(ask(&mine, LeaseMode::Miss, &[]).await, Leased::Granted([].into()));
    assert!(
        matches!(ask(&theirs, LeaseMode::Miss, &[]).await, Leased::Held(left) if left <= Duration::from_secs(3))
    );
    assert_eq!(redis.life(&key).await.expect("a life").0, Ttl::Absent);
    assert!(redis.renew(&key, &mine).await.expect("renewed"));
    assert!(!redis.renew(&key, &theirs).await.expect("not theirs"));
    // Its own process may ask again, and whoever insists gets it.
    assert_eq!(ask(&again, LeaseMode::Miss, &[]).await, Leased::Granted([].into()));
    assert!(!redis.renew(&key, &mine).await.expect("lost"));
    assert_eq!(ask(&theirs, LeaseMode::Force, &[]).await, Leased::Granted([].into()));
    redis.release(&key, &again, Duration::ZERO).await.expect("nothing to do");
    assert!(redis.renew(&key, &theirs).await.expect("renewed"));
    redis.release(&key, &theirs, Duration::ZERO).await.expect("released");
    assert_eq!(shared().command(&["EXISTS", "lease:a"]), "0");
}

#[tokio::test]
async fn only_the_holder_fills() {
    let redis = connect(&shared().url()).await;
    let key = plain("lease:fill");
    let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
    let fill = async |token| {
        let claim = Claim { token: Some(token), stamps: &[] };
        redis.fill(&key, labels(&key), envelope([0; 16]), None, claim).await.expect("an answer")
    };
    redis.lease(&key, labels(&key), &mine, LeaseMode::Miss, &[]).await.expect("an answer");
    assert!(!fill(&theirs).await);
    assert!(fill(&mine).await);
    assert!(!fill(&mine).await);
    // What is removed takes the lease with it.
    redis.delete(&key).await.expect("deleted");
    redis.lease(&key, labels(&key), &mine, LeaseMode::Miss, &[]).await.expect("an answer");
    redis.delete(&key).await.expect("deleted");
    assert!(!fill(&mine).await);
}

#[tokio::test]
async fn an_entry_stays_readable_under_a_lease() {
    let redis = connect(&shared().url()).await;
    let key = plain("lease:entry");
    let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
    let old = sealed(&key, [3; 16]);
    redis.put(&key, old.clone(), Some(Duration::from_secs(60)), None).await.expect("stored");
    let ask = async |token: &Token, mode, seen: &[u8]| {
        redis.lease(&key, labels(&key), token, mode, seen).await.expect("an answer")
    };
    assert_eq!(ask(&mine, LeaseMode::Refresh, &[]).await, Leased::Changed);
    assert_eq!(ask(&mine, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Granted([].into()));
    let found = redis.find(&key).await.expect("a hit").bytes.expect("the old value");
    assert!(envelope::parse(&found).is_some() && found[..80] == old[..80]);
    assert!(matches!(redis.life(&key).await, Ok((Ttl::For(left), false)) if left > Duration::from_secs(50)));
    assert!(matches!(ask(&theirs, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Held(_)));
    assert!(redis.renew(&key, &mine).await.expect("renewed"));
    // A failure leaves a pause behind, which nobody holds.
    redis.release(&key, &mine, Duration::from_secs(30)).await.expect("released");
    assert!(
        matches!(ask(&theirs, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Paused(left) if left > Duration::from_secs(20))
    );
    assert_eq!(ask(&theirs, LeaseMode::Force, &[]).await, Leased::Granted([].into()));
    redis.release(&key, &theirs, Duration::ZERO).await.expect("released");
    assert_eq!(ask(&mine, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Granted([].into()));
    // What was seen and cannot be used makes room.
    assert_eq!(ask(&mine, LeaseMode::Miss, envelope::head(&old)).await, Leased::Granted([].into()));
    let found = redis.find(&key).await.expect("an answer").bytes.expect("a lease");
    assert!(envelope::is_vacant(&found));
}

#[tokio::test]
async fn a_lease_answers_the_stamps_and_ends_with_them() {
    let redis = connect(&shared().url()).await;
    let tags = [Label::tag("lease:", "a"), Label::tag("lease:", "b")];
    let key = grouped("lease:{g}", "1");
    let labels = Labels { group: key.group(), tags: &tags };
    let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
    let Leased::Granted(stamps) =
        redis.lease(&key, labels, &mine, LeaseMode::Miss, &[]).await.expect("an answer")
    else {
        panic!("the key was taken")
    };
    let marks = redis.marks(labels).await.expect("the stamps");
    assert!(stamps.iter().copied().map(Some).eq(marks.iter().copied()));
    assert!(matches!(redis.lease(&key, labels, &theirs, LeaseMode::Miss, &[]).await, Ok(Leased::Held(_))));
    redis.restamp(&tags[1..]).await.expect("a new stamp");
    let claim = Claim { token: Some(&mine), stamps: &stamps };
    assert!(!redis.fill(&key, labels, envelope(stamps[0]), None, claim).await.expect("refused"));
    assert!(matches!(redis.lease(&key, labels, &theirs, LeaseMode::Miss, &[]).await, Ok(Leased::Granted(_))));
}

#[tokio::test]
async fn an_entry_is_replaced_for_the_rest_of_its_life() {
    let redis = connect(&shared().url()).await;
    let key = plain("replace:a");
    let old = envelope([1; 16]);
    redis.put(&key, old.clone(), Some(Duration::from_secs(60)), None).await.expect("stored");
    assert!(!redis.replace(&key, b"other", envelope([2; 16])).await.expect("an answer"));
    assert!(redis.replace(&key, envelope::head(&old), envelope([2; 16])).await.expect("an answer"));
    assert_eq!(redis.find(&key).await.expect("a hit").bytes, Some(envelope([2; 16])));
    assert!(matches!(redis.life(&key).await, Ok((Ttl::For(left), _)) if left > Duration::from_secs(50)));
}

#[tokio::test]
async fn scripts_survive_a_flush() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    let group = Label::new("{s}".to_owned());
    let stamp = redis.stamp_of(&group).await.expect("a stamp");
    server.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(redis.stamp_of(&group).await.expect("a stamp"), stamp);
}

#[tokio::test]
async fn a_hung_server_costs_three_limits_and_then_nothing() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    assert!(answers(&redis).await);
    server.pause();
    for _ in 0..3 {
        let started = Instant::now();
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Timeout { step: "read", .. })));
        assert!(started.elapsed() < LIMIT + SLACK, "{:?}", started.elapsed());
    }
    let started = Instant::now();
    for _ in 0..1000 {
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })));
    }
    assert!(started.elapsed() < SLACK, "{:?}", started.elapsed());
    server.resume();
    eventually_async(Duration::from_secs(2), || answers(&redis)).await;
}

#[tokio::test]
async fn a_killed_server_is_missed_and_found_again() {
    let server = RedisServer::start();
    let changes = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&changes);
    let redis = Redis::connect(RedisConfig {
        on_change: Arc::new(move |change| told.lock().expect("no panic").push(change)),
        ..config(&server.url())
    });
    let redis = redis.await.expect("a tier");
    for round in 1..=3 {
        server.stop();
        eventually_async(Duration::from_secs(1), || async { redis.status().connected == Some(false) }).await;
        let started = Instant::now();
        assert!(matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })));
        assert!(started.elapsed() < SLACK);
        server.restart();
        eventually_async(Duration::from_secs(2), || answers(&redis)).await;
        assert_eq!(changes.lock().expect("no panic").len(), 1 + 2 * round);
    }
    assert_eq!(changes.lock().expect("no panic")[0], Change::Connected);
}

#[tokio::test]
async fn starts_without_a_server_and_finds_it_later() {
    let server = RedisServer::start();
    server.stop();
    let redis = connect(&server.url()).await;
    assert!(!answers(&redis).await);
    assert!(redis.status().last_error.is_some());
    let required = RedisConfig { require: true, ..config(&server.url()) };
    assert!(matches!(Redis::connect(required).await, Err(Error::Unavailable { .. })));
    server.restart();
    eventually_async(Duration::from_secs(2), || answers(&redis)).await;
}

#[tokio::test]
async fn rejected_credentials_are_an_error_at_start() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let at = server.url().replace("redis://", "");
    assert!(matches!(Redis::connect(config(&server.url())).await, Err(Error::Auth { .. })));
    let wrong = Redis::connect(config(&format!("redis://:guess@{at}"))).await;
    assert!(matches!(&wrong, Err(Error::Auth { message, .. }) if !message.contains("guess")), "{wrong:?}");
    let right = connect(&format!("redis://:secret@{at}/3")).await;
    assert!(answers(&right).await && !format!("{right:?}").contains("secret"));
    let database = Redis::connect(config(&format!("redis://:secret@{at}/99"))).await;
    assert!(
        matches!(&database, Err(Error::Config { setting: "url", value, .. }) if value == "99"),
        "{database:?}"
    );
}

#[tokio::test]
async fn recovers_from_a_password_that_changed_for_a_while() {
    let server = RedisServer::start_with(&["--requirepass", "secret"]);
    let redis = connect(&server.url().replace("redis://", "redis://:secret@")).await;
    server.command(&["EVAL", "redis.call('CONFIG', 'SET', 'requirepass', 'other')", "0"]);
    assert_eq!(server.command(&["CONFIG", "SET", "requirepass", "other"]), "OK");
    let other = redis::Client::open(server.url().replace("redis://", "redis://:other@")).expect("a client");
    let mut admin = other.get_connection().expect("a connection");
    redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("normal").exec(&mut admin).expect("killed");
    eventually_async(Duration::from_secs(2), || async {
        redis.status().last_error.is_some_and(|e| e.contains("WRONGPASS"))
    })
    .await;
    assert!(!answers(&redis).await);
    redis::cmd("CONFIG").arg("SET").arg("requirepass").arg("secret").exec(&mut admin).expect("restored");
    eventually_async(Duration::from_secs(3), || answers(&redis)).await;
}

#[tokio::test]
async fn a_full_server_still_serves_reads() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    redis.put(&plain("k"), Bytes::from_static(b"v"), None, None).await.expect("stored");
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = redis.put(&plain("k"), Bytes::from_static(b"w"), None, None).await;
    assert!(matches!(refused, Err(Error::Redis { step: "fill", .. })), "{refused:?}");
    assert_eq!(redis.find(&plain("k")).await.expect("a hit").bytes.as_deref(), Some(&b"v"[..]));
    assert!(redis.delete(&plain("k")).await.expect("deleted"));
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_held_and_read() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    let (key, value) = (plain("k"), Bytes::from_static(b"v"));
    assert_eq!(redis.put(&key, value.clone(), None, None).await.ok(), Some(true));
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    for _ in 0..200 {
        let refused = redis.put(&key, Bytes::from_static(b"w"), None, None).await;
        assert!(
            matches!(&refused, Err(Error::Redis { message, .. }) if message.starts_with("READONLY")),
            "{refused:?}"
        );
        assert_eq!(redis.find(&key).await.expect("it reads").bytes, Some(value.clone()));
    }
    assert_eq!(redis.status().connected, Some(true));
    server.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(redis.put(&key, Bytes::from_static(b"w"), None, None).await.ok(), Some(true), "at once");
}

#[tokio::test]
async fn speaks_the_old_protocol_to_old_servers() {
    let server = RedisServer::start_with(&["--rename-command", "HELLO", ""]);
    let redis = connect(&server.url()).await;
    assert!(answers(&redis).await, "{:?}", redis.status());
}

#[tokio::test]
async fn trouble_on_the_line_is_bounded_and_passes() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let redis = Redis::connect(RedisConfig { connections: 3, ..config(&proxy.url()) }).await.expect("a tier");
    redis.put(&plain("k"), Bytes::from(vec![b'x'; 1000]), None, None).await.expect("stored");
    let modes = [
        Mode::Blackhole,
        Mode::Refuse,
        Mode::Reset,
        Mode::Delay(2 * LIMIT),
        Mode::Truncate(5),
        Mode::Truncate(100),
        Mode::SwallowReplies,
    ];
    for mode in modes {
        proxy.set(mode);
        let failed = Mutex::new(0);
        let within = Duration::from_secs(6);
        eventually_async(within, || async {
            let started = Instant::now();
            let read = redis.find(&plain("k")).await;
            assert!(started.elapsed() < LIMIT + SLACK, "{mode:?}: {:?}", started.elapsed());
            if let Ok(found) = &read {
                assert_eq!(found.bytes.as_ref().map(Bytes::len), Some(1000), "{mode:?}");
            }
            *failed.lock().expect("no panic") += i32::from(read.is_err());
            *failed.lock().expect("no panic") > 5
        })
        .await;
        proxy.set(Mode::Pass);
        eventually_async(Duration::from_secs(3), || answers(&redis)).await;
    }
}

#[test]
fn runtimes_come_and_go() {
    for threads in [0, 2] {
        let redis = runtime(threads).block_on(connect(&shared().url()));
        for round in 0..50 {
            let runtime = runtime(threads);
            runtime.block_on(async {
                let key = plain(&format!("rt:{threads}:{round}"));
                assert!(redis.put(&key, Bytes::from_static(b"v"), None, None).await.expect("stored"));
                assert!(redis.find(&key).await.expect("a hit").bytes.is_some());
            });
            drop(runtime);
            assert_eq!(redis.lanes.len(), 0, "the link of runtime {round} is left behind");
        }
    }
}

#[test]
fn serves_callers_without_a_runtime() {
    let redis = park::block_on(connect(&shared().url()));
    assert!(park::block_on(answers(&redis)));
    let inside = runtime(0);
    let started = Instant::now();
    // The thread drives a runtime, and is parked: nothing of that runtime can run meanwhile.
    inside.block_on(async { assert!(park::block_on(answers(&redis))) });
    // Entered, but driven by nobody.
    let _entered = inside.enter();
    assert!(park::block_on(answers(&redis)));
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_runtime_without_drivers_is_not_used() {
    let bare = Builder::new_current_thread().build().expect("a runtime");
    let redis = bare.block_on(connect(&shared().url()));
    for _ in 0..3 {
        assert!(bare.block_on(answers(&redis)));
    }
    let timers = Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    assert!(timers.block_on(answers(&redis)));
    drop((bare, timers));
    eventually(Duration::from_secs(1), || redis.lanes.len() <= 1);
}

#[test]
fn a_runtime_that_slept_does_not_stay_down() {
    let server = RedisServer::start();
    let runtime = runtime(0);
    let redis = runtime.block_on(connect(&server.url()));
    server.restart();
    // Each call fails at once and gives the supervisor no time; larder's own runtime takes over.
    eventually(Duration::from_secs(6), || runtime.block_on(answers(&redis)));
}

#[tokio::test]
async fn a_dropped_tier_closes_its_connections() {
    let server = RedisServer::start();
    let redis = Redis::connect(RedisConfig {
        connections: 4,
        client_name: Some("mine".to_owned()),
        ..config(&server.url())
    });
    let redis = redis.await.expect("a tier");
    let count = || server.command(&["CLIENT", "LIST"]).matches("name=mine").count();
    assert_eq!(count(), 4);
    drop(redis);
    eventually_async(Duration::from_secs(1), || async { count() == 0 }).await;
}

/// What as many reads at the same time lead to.
async fn find_all(redis: &Arc<Redis>, keys: impl Iterator<Item = Key>) -> Vec<Result<FoundOne, Error>> {
    let tasks: Vec<_> = keys
        .map(|key| {
            let redis = Arc::clone(redis);
            tokio::spawn(async move { redis.find(&key).await })
        })
        .collect();
    let mut found = Vec::new();
    for task in tasks {
        found.push(task.await.expect("no panic"));
    }
    found
}

#[tokio::test]
async fn reads_at_the_same_time_go_out_together() {
    let server = RedisServer::start();
    let redis = Arc::new(connect(&server.url()).await);
    let key = |n: usize| if n % 5 == 4 { grouped("{g}", &n.to_string()) } else { plain(&n.to_string()) };
    let value = |n: usize| Bytes::from(n.to_string().repeat(n));
    for n in 1..60 {
        assert!(redis.put(&key(n), value(n), None, None).await.expect("stored"));
    }
    // One that is refused is no trouble of those beside it.
    server.command(&["DEL", "30", "31"]);
    server.command(&["RPUSH", "30", "no string"]);
    let reads = || {
        let stats = server.command(&["INFO", "stats"]);
        let count = stats.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        count.and_then(|count| count.trim().parse::<usize>().ok()).expect("a count")
    };
    let before = reads();
    for _ in 0..10 {
        for (n, found) in (1..60).zip(find_all(&redis, (1..60).map(key)).await) {
            let expected = Some(value(n)).filter(|_| n != 30 && n != 31);
            assert_eq!(found.expect("an answer").bytes, expected, "{n}");
        }
    }
    let after = reads();
    assert!(after - before < 590 / 4, "{before} and {after}");
}

#[tokio::test]
async fn reads_that_went_out_together_end_in_time() {
    let server = RedisServer::start();
    let proxy = FaultProxy::start(server.port()).await;
    let redis = Arc::new(connect(&proxy.url()).await);
    assert!(answers(&redis).await);
    proxy.set(Mode::Blackhole);
    let started = Instant::now();
    let found = find_all(&redis, (0..50).map(|n| plain(&n.to_string()))).await;
    assert!(started.elapsed() < LIMIT + SLACK, "{:?}", started.elapsed());
    assert!(found.iter().all(|found| matches!(found, Err(Error::Timeout { step: "read", .. }))));
    assert!(matches!(redis.find(&plain("k")).await, Err(Error::Unavailable { .. })), "given up by now");
    proxy.set(Mode::Pass);
    eventually_async(Duration::from_secs(3), || answers(&redis)).await;
}

#[tokio::test]
async fn large_values_read_at_the_same_time() {
    let redis = Arc::new(connect(&shared().url()).await);
    let key = |n: usize| plain(&format!("large:{n}"));
    for n in 0..40 {
        redis.put(&key(n), Bytes::from(vec![n as u8; 40 << 10]), None, None).await.expect("stored");
    }
    for _ in 0..10 {
        for (n, found) in (0..40).zip(find_all(&redis, (0..40).map(key)).await) {
            let bytes = found.expect("an answer").bytes.expect("a hit");
            assert!(bytes.len() == 40 << 10 && bytes.iter().all(|byte| *byte == n as u8));
        }
    }
}

#[test]
fn reads_whose_runtime_ends_are_not_left_behind() {
    let redis = park::block_on(connect(&shared().url()));
    let other = runtime(0);
    let keys: Vec<_> = (0..20).map(|n| plain(&n.to_string())).collect();
    let mut reads: Vec<_> = keys.iter().map(|key| Box::pin(redis.find(key))).collect();
    other.block_on(async {
        assert!(answers(&redis).await);
        // Begun, and not driven to their end.
        std::future::poll_fn(|context| {
            assert!(reads.iter_mut().all(|read| read.as_mut().poll(context).is_pending()));
            std::task::Poll::Ready(())
        })
        .await;
    });
    drop(other);
    let elsewhere = runtime(0);
    for read in reads {
        let read = elsewhere.block_on(async { tokio::time::timeout(LIMIT + SLACK, read).await });
        assert!(matches!(read, Ok(Err(_))), "it ends, and not in time by somebody else's clock");
    }
}
