//! Leases.

use std::time::{Duration, Instant};

use super::support::{LONG, envelope, grouped, labels, plain, sealed, stores};
use crate::codec::envelope;
use crate::store::{FillCondition, LeaseMode, Leased, Store, Token, Ttl};
use crate::types::key::{Label, Labels};

#[tokio::test]
async fn a_lease_is_held_until_it_is_released() {
    for (server, redis) in stores().await {
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
        assert_eq!(redis.ttl(&key).await.expect("a TTL").0, Ttl::Absent);
        assert!(redis.extend(&key, &mine).await.expect("renewed"));
        assert!(!redis.extend(&key, &theirs).await.expect("not theirs"));
        // The same process may take the lease again, and `Force` takes it from any holder.
        assert_eq!(ask(&again, LeaseMode::Miss, &[]).await, Leased::Granted([].into()));
        assert!(!redis.extend(&key, &mine).await.expect("lost"));
        assert_eq!(ask(&theirs, LeaseMode::Force, &[]).await, Leased::Granted([].into()));
        redis.release(&key, &again, Duration::ZERO).await.expect("nothing to do");
        assert!(redis.extend(&key, &theirs).await.expect("renewed"));
        redis.release(&key, &theirs, Duration::ZERO).await.expect("released");
        assert_eq!(server.command(&["EXISTS", "lease:a"]), "0");
    }
}

#[tokio::test]
async fn after_a_result_that_is_not_cached_no_process_is_told_to_wait() {
    for (_, redis) in stores().await {
        let key = plain("lease:uncached");
        let (mine, theirs, third) = (Token([1; 16]), Token([2; 16]), Token([3; 16]));
        let ask = async |token: &Token| {
            redis.lease(&key, labels(&key), token, LeaseMode::Miss, &[]).await.expect("an answer")
        };
        let second = Duration::from_secs(1);
        assert_eq!(ask(&mine).await, Leased::Granted([].into()));
        redis.release(&key, &mine, second * 4).await.expect("released");
        // A record that nobody holds, and that is no entry.
        let found = redis.find(&key).await.expect("an answer").bytes.expect("a record");
        assert!(envelope::is_vacant(&found) && envelope::holder(&found).is_none());
        assert_eq!(redis.ttl(&key).await.expect("a TTL").0, Ttl::Absent);
        assert_eq!(ask(&theirs).await, Leased::Granted([].into()));
        assert!(matches!(ask(&third).await, Leased::Uncached(left) if left > second && left <= second * 4));
        assert!(redis.extend(&key, &theirs).await.expect("renewed"));
        // A removal ends it, and so does the time.
        redis.delete(&key).await.expect("deleted");
        assert_eq!(ask(&theirs).await, Leased::Granted([].into()));
        assert!(matches!(ask(&third).await, Leased::Held(_)));
        redis.release(&key, &theirs, Duration::from_millis(1)).await.expect("released");
        while redis.find(&key).await.expect("an answer").bytes.is_some() {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask(&mine).await, Leased::Granted([].into()));
        assert!(matches!(ask(&third).await, Leased::Held(_)));
        redis.delete(&key).await.expect("deleted");
    }
}

#[tokio::test]
async fn only_the_holder_of_the_lease_can_fill() {
    for (_, redis) in stores().await {
        let key = plain("lease:fill");
        let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
        let fill = async |token| {
            let claim = FillCondition { token: Some(token), stamps: &[], keeps_write: false };
            redis.fill(&key, labels(&key), envelope([0; 16]), None, claim).await.expect("an answer")
        };
        redis.lease(&key, labels(&key), &mine, LeaseMode::Miss, &[]).await.expect("an answer");
        assert!(!fill(&theirs).await);
        assert!(fill(&mine).await);
        assert!(!fill(&mine).await);
        // Deleting an entry ends the lease.
        redis.delete(&key).await.expect("deleted");
        redis.lease(&key, labels(&key), &mine, LeaseMode::Miss, &[]).await.expect("an answer");
        redis.delete(&key).await.expect("deleted");
        assert!(!fill(&mine).await);
    }
}

#[tokio::test]
async fn an_entry_stays_readable_under_a_lease() {
    for (_, redis) in stores().await {
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
        assert!(envelope::parse(&found).is_some() && found[..112] == old[..112]);
        assert!(
            matches!(redis.ttl(&key).await, Ok((Ttl::For(left), false)) if left > Duration::from_secs(50))
        );
        assert!(matches!(ask(&theirs, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Held(_)));
        assert!(redis.extend(&key, &mine).await.expect("renewed"));
        // A failure leaves a pause without a holder.
        redis.release(&key, &mine, Duration::from_secs(30)).await.expect("released");
        assert!(
            matches!(ask(&theirs, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Paused(left) if left > Duration::from_secs(20))
        );
        assert_eq!(ask(&theirs, LeaseMode::Force, &[]).await, Leased::Granted([].into()));
        redis.release(&key, &theirs, Duration::ZERO).await.expect("released");
        assert_eq!(ask(&mine, LeaseMode::Refresh, envelope::head(&old)).await, Leased::Granted([].into()));
        // An entry that cannot be used is replaced by the lease.
        assert_eq!(ask(&mine, LeaseMode::Miss, envelope::head(&old)).await, Leased::Granted([].into()));
        let found = redis.find(&key).await.expect("an answer").bytes.expect("a lease");
        assert!(envelope::is_vacant(&found));
    }
}

#[tokio::test]
async fn a_lease_returns_the_stamps_and_ends_with_them() {
    for (_, redis) in stores().await {
        let tags = [Label::tag("lease:", "a"), Label::tag("lease:", "b")];
        let key = grouped("lease:{g}", "1");
        let labels = Labels { group: key.group(), tags: &tags };
        let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
        let Leased::Granted(stamps) =
            redis.lease(&key, labels, &mine, LeaseMode::Miss, &[]).await.expect("an answer")
        else {
            panic!("the key was taken")
        };
        let current = redis.stamps(labels).await.expect("the stamps");
        assert!(stamps.iter().copied().map(Some).eq(current.iter().copied()));
        assert!(matches!(
            redis.lease(&key, labels, &theirs, LeaseMode::Miss, &[]).await,
            Ok(Leased::Held(_))
        ));
        redis.restamp(&tags[1]).await.expect("a new stamp");
        let claim = FillCondition { token: Some(&mine), stamps: &stamps, keeps_write: false };
        assert!(!redis.fill(&key, labels, envelope(stamps[0]), None, claim).await.expect("refused"));
        let found = redis.read(&key, labels).await.expect("an answer").bytes.expect("a lease");
        assert!(matches!(
            redis.lease(&key, labels, &theirs, LeaseMode::Miss, envelope::head(&found)).await,
            Ok(Leased::Granted(_))
        ));
    }
}

#[tokio::test]
async fn the_lease_of_a_write_leaves_entry_and_readers_alone() {
    for (_, redis) in stores().await {
        let (reader, write, other) = (Token([1; 16]), Token([2; 16]), Token([3; 16]));
        for is_warm in [false, true] {
            let key = plain(if is_warm { "lease:write:warm" } else { "lease:write" });
            let value = sealed(&key, [3; 16]);
            let ask = async |token: &Token, mode, seen: &[u8]| {
                redis.lease(&key, labels(&key), token, mode, seen).await.expect("an answer")
            };
            let fill = async |token, keeps_write| {
                let claim = FillCondition { token: Some(token), stamps: &[], keeps_write };
                redis.fill(&key, labels(&key), value.clone(), None, claim).await.expect("an answer")
            };
            if is_warm {
                redis.put(&key, value.clone(), None, None).await.expect("stored");
            }
            let seen = if is_warm { envelope::head(&value) } else { &[] };
            let mode = if is_warm { LeaseMode::Refresh } else { LeaseMode::Miss };
            // A write stores under its lease, which it may keep.
            assert_eq!(ask(&write, LeaseMode::Write, &[]).await, Leased::Granted([].into()));
            assert_eq!(redis.ttl(&key).await.expect("a TTL").0 == Ttl::Forever, is_warm);
            assert!(redis.extend(&key, &write).await.expect("extended") && fill(&write, true).await);
            assert!(fill(&write, false).await && !fill(&write, false).await);
            // The next write takes it, and so does a reader.
            ask(&write, LeaseMode::Write, &[]).await;
            ask(&other, LeaseMode::Write, &[]).await;
            assert!(!fill(&write, false).await && fill(&other, false).await);
            redis.delete(&key).await.expect("deleted");
            if is_warm {
                redis.put(&key, value.clone(), None, None).await.expect("stored");
            }
            ask(&write, LeaseMode::Write, &[]).await;
            assert_eq!(ask(&reader, mode, seen).await, Leased::Granted([].into()), "warm: {is_warm}");
            assert!(!redis.extend(&key, &write).await.expect("lost") && !fill(&write, false).await);
            // A reader that had its lease before keeps it until the write stores.
            ask(&write, LeaseMode::Write, &[]).await;
            assert!(redis.extend(&key, &reader).await.expect("held"));
            assert!(fill(&write, false).await && !fill(&reader, false).await);
            // What is released leaves what was there before.
            redis.delete(&key).await.expect("deleted");
            if is_warm {
                redis.put(&key, value.clone(), None, None).await.expect("stored");
            }
            ask(&write, LeaseMode::Write, &[]).await;
            redis.release(&key, &write, Duration::ZERO).await.expect("released");
            assert_eq!(redis.find(&key).await.expect("an answer").bytes, is_warm.then_some(value.clone()));
        }
    }
}

#[tokio::test]
async fn the_lease_of_a_write_keeps_the_mark_of_a_result_that_is_not_cached() {
    for (_, redis) in stores().await {
        let key = plain("lease:write:mark");
        let (reader, write, third) = (Token([1; 16]), Token([2; 16]), Token([3; 16]));
        let ask = async |token: &Token, mode| {
            redis.lease(&key, labels(&key), token, mode, &[]).await.expect("an answer")
        };
        let second = Duration::from_secs(1);
        for is_released in [false, true] {
            ask(&reader, LeaseMode::Miss).await;
            redis.release(&key, &reader, second * 5).await.expect("released");
            ask(&write, LeaseMode::Write).await;
            if is_released {
                redis.release(&key, &write, Duration::ZERO).await.expect("released");
            }
            assert_eq!(ask(&reader, LeaseMode::Miss).await, Leased::Granted([].into()));
            assert!(
                matches!(ask(&third, LeaseMode::Miss).await, Leased::Uncached(left) if left > second && left <= second * 5),
                "released: {is_released}"
            );
            redis.delete(&key).await.expect("deleted");
        }
        // Without a mark, a write leaves none.
        ask(&write, LeaseMode::Write).await;
        ask(&reader, LeaseMode::Miss).await;
        assert!(matches!(ask(&third, LeaseMode::Miss).await, Leased::Held(_)));
    }
}

#[tokio::test]
async fn tags_in_other_slots_have_the_same_effect() {
    for (server, redis) in stores().await {
        let tags = ["a", "b", "c"].map(|name| Label::tag("lease:other:", name));
        let key = grouped("lease:other:{g}", "1");
        let labels = Labels { group: key.group(), tags: &tags };
        let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
        let year = Duration::from_secs(31_536_000);
        let granted =
            async |token, seen: &[u8]| match redis.lease(&key, labels, token, LeaseMode::Miss, seen).await {
                Ok(Leased::Granted(stamps)) => stamps,
                other => panic!("{other:?}"),
            };
        for (round, dropped) in tags.iter().enumerate() {
            let stamps = granted(&mine, &[]).await;
            let claim = FillCondition { token: Some(&mine), stamps: &stamps, keeps_write: false };
            let value = envelope(stamps[0]);
            let filled = redis.fill(&key, labels, value.clone(), Some(year * 5), claim).await;
            assert!(filled.expect("an answer"));
            let read = redis.read(&key, labels).await.expect("an answer");
            assert_eq!(read.bytes, Some(value));
            assert!(read.stamps.iter().eq(stamps.iter().copied().map(Some).collect::<Vec<_>>().iter()));
            // A stamp outlives the entries under it.
            let ttl: u64 = server.command(&["PTTL", tags[round].as_str()]).parse().expect("a number");
            assert!(Duration::from_millis(ttl) > year * 9);
            // What was computed before an invalidation is refused after it.
            redis.delete(&key).await.expect("an answer");
            let stamps = granted(&mine, &[]).await;
            let claim = FillCondition { token: Some(&mine), stamps: &stamps, keeps_write: false };
            assert!(redis.restamp(dropped).await.expect("an answer"));
            assert!(
                !redis.fill(&key, labels, envelope(stamps[0]), Some(year), claim).await.expect("an answer")
            );
            // The lease of before is taken from its holder, who is seen to have it.
            let found = redis.read(&key, labels).await.expect("an answer").bytes.expect("a lease");
            granted(&theirs, envelope::head(&found)).await;
            redis.release(&key, &theirs, Duration::ZERO).await.expect("released");
        }
        assert!(!redis.restamp(&Label::tag("lease:other:", "never")).await.expect("an answer"));
    }
}

#[tokio::test]
async fn a_lease_under_other_stamps_is_taken_from_a_holder_that_was_seen_only() {
    let [_, (_, redis)] = stores().await;
    let tags = [Label::tag("lease:seen:", "a")];
    let key = plain("lease:seen");
    let labels = Labels { group: None, tags: &tags };
    let (mine, theirs) = (Token([1; 16]), Token([2; 16]));
    let ask = async |token, seen: &[u8]| {
        redis.lease(&key, labels, token, LeaseMode::Miss, seen).await.expect("an answer")
    };
    assert!(matches!(ask(&mine, &[]).await, Leased::Granted(_)));
    assert!(matches!(ask(&theirs, &[]).await, Leased::Held(_)));
    redis.restamp(&tags[0]).await.expect("an answer");
    // The stamp that was noted may be older than that of the lease, for all that the server knows.
    assert_eq!(ask(&theirs, &[]).await, Leased::Changed);
    let found = redis.read(&key, labels).await.expect("an answer").bytes.expect("a lease");
    assert!(matches!(ask(&theirs, envelope::head(&found)).await, Leased::Granted(_)));
}

#[tokio::test]
async fn a_stamp_that_is_gone_is_not_set_again() {
    for (server, redis) in stores().await {
        let tags = [Label::tag("lease:gone:", "a")];
        let key = plain("lease:gone");
        let labels = Labels { group: None, tags: &tags };
        let mine = Token([1; 16]);
        let Leased::Granted(stamps) =
            redis.lease(&key, labels, &mine, LeaseMode::Miss, &[]).await.expect("an answer")
        else {
            panic!("the key was taken")
        };
        server.command(&["DEL", tags[0].as_str()]);
        let claim = FillCondition { token: Some(&mine), stamps: &stamps, keeps_write: false };
        assert!(!redis.fill(&key, labels, envelope([0; 16]), None, claim).await.expect("an answer"));
        assert_eq!(server.command(&["EXISTS", tags[0].as_str()]), "0");
        redis.delete(&key).await.expect("deleted");
    }
}

#[tokio::test]
async fn a_key_is_watched_at_the_owner_of_its_slot() {
    for (server, redis) in stores().await {
        let key = plain("lease:watched");
        let watched = redis.watch(&key).await.expect("an answer").expect("a server that notifies");
        server.command(&["SET", key.as_str(), "1"]);
        let began = Instant::now();
        watched.changed(LONG).await;
        assert!(began.elapsed() < LONG);
    }
}
