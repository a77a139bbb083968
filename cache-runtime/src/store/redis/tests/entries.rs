//! Entries, stamps and scans.

use std::time::Duration;

use bytes::Bytes;

use super::server::RedisServer;
use super::support::{LIMIT, connect, envelope, envelope_of, grouped, labels, plain, stores};
use super::wait::eventually_async;
use crate::codec::envelope;
use crate::store::{Cursor, DroppedGroups, LeaseMode, Store, Token, Ttl};
use crate::types::breaker::Breaker;
use crate::types::error::Error;
use crate::types::key::{Key, Label};

#[tokio::test]
async fn entries_are_stored_read_and_deleted() {
    for (_, redis) in stores().await {
        let key = plain("keeps:a");
        assert_eq!(redis.find(&key).await.expect("a miss").bytes, None);
        assert_eq!(redis.ttl(&key).await.expect("a TTL").0, Ttl::Absent);
        let value = Bytes::from([&envelope([3; 16])[..], b"v\0\r\n"].concat());
        assert!(redis.put(&key, value.clone(), None, None).await.expect("stored"));
        assert_eq!(redis.find(&key).await.expect("a hit").bytes.as_ref(), Some(&value));
        assert_eq!(redis.ttl(&key).await.expect("a TTL").0, Ttl::Forever);
        assert!(redis.put(&key, value.clone(), Some(Duration::from_secs(60)), None).await.expect("stored"));
        assert!(
            matches!(redis.ttl(&key).await, Ok((Ttl::For(left), false)) if left > Duration::from_secs(50))
        );
        assert!(redis.delete(&key).await.expect("deleted"));
        assert!(!redis.delete(&key).await.expect("deleted"));
        assert!(redis.put(&key, value.clone(), Some(Duration::from_nanos(1)), None).await.expect("stored"));
        eventually_async(Duration::from_secs(1), || async {
            redis.ttl(&key).await.expect("a TTL").0 == Ttl::Absent
        })
        .await;
        assert!(redis.put(&key, value, Some(Duration::MAX), None).await.expect("stored"));
        assert!(redis.ping().await.expect("a ping") < LIMIT);
        assert_eq!(redis.breaker(), Breaker::Closed);
    }
}

#[tokio::test]
async fn a_fill_needs_the_stamp_of_its_group() {
    for (server, redis) in stores().await {
        let (group, key) = (Label::new("fill:{g}".to_owned()), grouped("fill:{g}", "1"));
        assert_eq!(redis.find(&key).await.expect("a miss").stamp, None);
        let stamp = redis.stamp_of(&group).await.expect("a stamp");
        assert_eq!(redis.stamp_of(&group).await.expect("a stamp"), stamp);
        assert!(!redis.put(&key, envelope([7; 16]), None, Some([7; 16])).await.expect("refused"));
        assert!(
            redis
                .put(&key, envelope(stamp), Some(Duration::from_secs(60)), Some(stamp))
                .await
                .expect("stored")
        );
        let found = redis.find(&key).await.expect("a hit");
        assert_eq!((found.bytes, found.stamp), (Some(envelope(stamp)), Some(stamp)));
        redis.restamp(&group).await.expect("a new stamp");
        assert!(!redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("refused"));
        assert_ne!(redis.find(&key).await.expect("a hit").stamp, Some(stamp));
        // A stamp that was deleted protects as well.
        server.command(&["DEL", "fill:{g}"]);
        assert!(!redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("refused"));
    }
}

#[tokio::test]
async fn a_stamp_outlives_its_entries() {
    for (server, redis) in stores().await {
        let (group, key) = (Label::new("long:{g}".to_owned()), grouped("long:{g}", "1"));
        let stamp = redis.stamp_of(&group).await.expect("a stamp");
        let year = Duration::from_secs(31_536_000);
        let left = || server.command(&["PTTL", "long:{g}"]).parse::<u64>().map(Duration::from_millis);
        server.command(&["PEXPIRE", "long:{g}", "60000"]);
        assert!(redis.put(&key, envelope(stamp), Some(year * 5), Some(stamp)).await.expect("stored"));
        assert!(left().expect("a TTL") > year * 9);
        assert!(redis.put(&key, envelope(stamp), Some(Duration::MAX), Some(stamp)).await.expect("stored"));
        assert!(left().expect("a TTL") > year * 190);
        assert!(redis.put(&key, envelope(stamp), None, Some(stamp)).await.expect("stored"));
        assert_eq!(server.command(&["PTTL", "long:{g}"]), "-1");
    }
}

#[tokio::test]
async fn reclaim_removes_entries_under_an_old_stamp() {
    for (server, redis) in stores().await {
        let under = |rest: &str| Key::new(format!("re:{{a*b}}:{rest}"), 8, 3);
        let group = Label::new("re:{a*b}".to_owned());
        let old = redis.stamp_of(&group).await.expect("a stamp");
        for n in 0..1200 {
            let key = under(&n.to_string());
            assert!(redis.put(&key, envelope_of(&key, old), None, Some(old)).await.expect("stored"));
        }
        redis.restamp(&group).await.expect("a new stamp");
        let new = redis.stamp_of(&group).await.expect("a stamp");
        assert!(
            redis.put(&under("new"), envelope_of(&under("new"), new), None, Some(new)).await.expect("stored")
        );
        server.command(&["SET", "re:{a*b}:foreign", "text"]);
        server.command(&["RPUSH", "re:{a*b}:list", "x"]);
        let other = Key::new("re:{aXb}:other".to_owned(), 8, 3);
        redis.put(&other, envelope_of(&other, old), None, None).await.expect("stored");
        // Of a cache without a prefix.
        redis.put(&plain("re:{a*b}:plain"), envelope(old), None, None).await.expect("stored");
        let walk = async || {
            let groups = DroppedGroups::These([group.clone()].into());
            let count = ["EVAL", "return #redis.call('KEYS', ARGV[1])", "0", r"re:{a\*b}:*"];
            let size = || server.command(&count).parse::<i64>().expect("a number");
            let (before, mut next) = (size(), Some(Cursor::START));
            while let Some(cursor) = next {
                next = redis.reclaim("re:", cursor, &groups).await.expect("a step");
            }
            before - size()
        };
        assert_eq!(walk().await, 1200);
        for key in ["re:{a*b}:new", "re:{a*b}:foreign", "re:{a*b}:list", "re:{aXb}:other", "re:{a*b}:plain"] {
            assert_eq!(server.command(&["EXISTS", key]), "1", "{key}");
        }
        server.command(&["DEL", "re:{a*b}"]);
        assert_eq!(walk().await, 1);
    }
}

#[tokio::test]
async fn scan_and_delete_page_cover_all_keys() {
    for (server, redis) in stores().await {
        for n in 0..700 {
            redis.put(&plain(&format!("walk:{n}")), envelope([0; 16]), None, None).await.expect("stored");
        }
        let own = grouped("walk:{g}", "1");
        let other = Key::new("walk:b:1".to_owned(), 0, 7);
        redis.lease(&other, labels(&other), &Token([1; 16]), LeaseMode::Miss, &[]).await.expect("an answer");
        redis.put(&own, envelope([0; 16]), None, None).await.expect("stored");
        server.command(&["SET", "walk:foreign", "text"]);
        server.command(&["SET", "walk:old", "ldr\u{2}\u{1}\0\0\0 of a version before"]);
        server.command(&["SADD", "walk:set", "x"]);
        server.command(&["EVAL", "return redis.call('SET', 'walk:' .. string.char(255), 'x')", "0"]);
        let (mut keys, mut next) = (Vec::new(), Some(Cursor::START));
        while let Some(cursor) = next {
            let page = redis.scan("walk:*", cursor).await.expect("a page");
            keys.extend(page.keys);
            next = page.next;
        }
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), 704);
        let ours = redis.own(keys.clone(), 0).await.expect("an answer");
        assert_eq!(ours.len(), 701);
        assert!(
            ours.iter()
                .all(|key| !["walk:b:1", "walk:foreign", "walk:old", "walk:set"].contains(&key.as_str()))
        );
        assert_eq!(redis.own(keys.clone(), 7).await.expect("an answer"), ["walk:b:1"]);
        assert_eq!(redis.delete_page(&keys, 0, false).await.expect("a number").count, 701);
        assert_eq!(redis.delete_page(&keys, 0, true).await.expect("a number").count, 1);
        assert_eq!(redis.delete_page(&keys, 0, true).await.expect("a number").count, 0);
        assert_eq!(redis.delete_page(&[], 0, false).await.expect("a number").count, 0);
        for key in ["walk:b:1", "walk:foreign", "walk:set"] {
            assert_eq!(server.command(&["EXISTS", key]), "1", "{key}");
            assert!(matches!(redis.delete(&plain(key)).await, Err(Error::Foreign)), "{key}");
            assert_eq!(redis.ttl(&plain(key)).await.expect("a TTL").0, Ttl::Absent, "{key}");
        }
        assert!(redis.delete(&other).await.expect("removed"));
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_a_miss() {
    for (server, redis) in stores().await {
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
        assert_eq!(redis.breaker(), Breaker::Closed);
    }
}

#[tokio::test]
async fn replacing_an_entry_keeps_its_ttl() {
    for (_, redis) in stores().await {
        let key = plain("replace:a");
        let old = envelope([1; 16]);
        redis.put(&key, old.clone(), Some(Duration::from_secs(60)), None).await.expect("stored");
        assert!(!redis.replace(&key, b"other", envelope([2; 16])).await.expect("an answer"));
        assert!(redis.replace(&key, envelope::head(&old), envelope([2; 16])).await.expect("an answer"));
        assert_eq!(redis.find(&key).await.expect("a hit").bytes, Some(envelope([2; 16])));
        assert!(matches!(redis.ttl(&key).await, Ok((Ttl::For(left), _)) if left > Duration::from_secs(50)));
    }
}

#[tokio::test]
async fn scripts_are_loaded_again_after_a_flush() {
    let server = RedisServer::start();
    let redis = connect(&server.url()).await;
    let group = Label::new("{s}".to_owned());
    let stamp = redis.stamp_of(&group).await.expect("a stamp");
    server.command(&["SCRIPT", "FLUSH"]);
    assert_eq!(redis.stamp_of(&group).await.expect("a stamp"), stamp);
}
