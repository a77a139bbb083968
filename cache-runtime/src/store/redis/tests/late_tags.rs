//! Tags that are known once a value is computed, on one server and on a cluster.

use super::support::{connect, plain, shared, stores};
use crate::store::contract::Store;
use crate::store::lease::{LeaseMode, Token};
use crate::store::redis::store::RedisStore;
use crate::types::key::{Label, Labels};
use crate::types::tag_count::TagCount;

async fn noted(redis: &RedisStore, prefix: &str) -> TagCount {
    redis.tag_count(prefix).await.expect("a count")
}

/// Returns whether a value with these tags may be stored whose computation began at the count.
async fn may_store(redis: &RedisStore, prefix: &str, tags: &[Label], noted: TagCount) -> bool {
    let stamps = redis.late_stamps(prefix, tags, noted).await.expect("an answer");
    let Some(stamps) = stamps else { return false };
    let current = redis.stamps(Labels { group: None, tags }).await.expect("the stamps");
    assert!(stamps.iter().copied().map(Some).eq(current.iter().copied()));
    true
}

#[tokio::test]
async fn a_tag_that_was_invalidated_since_the_lease_is_refused() {
    const PREFIX: &str = "late:since:";
    for (_, redis) in stores().await {
        let [own, other, missing] = ["own", "other", "missing"].map(|name| [Label::tag(PREFIX, name)]);
        let restamp = async |tag: &[Label; 1]| redis.restamp(&tag[0]).await.expect("an answer");
        let first = noted(&redis, PREFIX).await;
        assert!(
            may_store(&redis, PREFIX, &own, first).await && may_store(&redis, PREFIX, &other, first).await
        );
        assert!(restamp(&own).await);
        assert!(!may_store(&redis, PREFIX, &own, first).await);
        assert!(may_store(&redis, PREFIX, &other, first).await, "it has a count");
        // It may have been invalidated while it was missing. From now on it has a count.
        let second = noted(&redis, PREFIX).await;
        assert!(!restamp(&missing).await);
        assert!(!may_store(&redis, PREFIX, &missing, second).await);
        let third = noted(&redis, PREFIX).await;
        restamp(&own).await;
        assert!(may_store(&redis, PREFIX, &missing, third).await);
        assert_eq!((second.number, third.number), (first.number + 1, first.number + 2));
        let both = [own[0].clone(), missing[0].clone()];
        assert!(!may_store(&redis, PREFIX, &both, third).await);
        let now = noted(&redis, PREFIX).await;
        assert!(may_store(&redis, PREFIX, &both, now).await);
    }
}

#[tokio::test]
async fn a_tag_from_a_lease_has_no_count_before_it_is_asked_for() {
    const PREFIX: &str = "late:mixed:";
    for (_, redis) in stores().await {
        let tags = [Label::tag(PREFIX, "a")];
        let labels = Labels { group: None, tags: &tags };
        let key = plain("late:mixed");
        redis.lease(&key, labels, &Token([1; 16]), LeaseMode::Miss, &[]).await.expect("a lease");
        let first = noted(&redis, PREFIX).await;
        redis.restamp(&Label::tag(PREFIX, "b")).await.expect("an answer");
        assert!(!may_store(&redis, PREFIX, &tags, first).await);
        let before = redis.stamps(labels).await.expect("the stamps");
        let second = noted(&redis, PREFIX).await;
        redis.restamp(&Label::tag(PREFIX, "b")).await.expect("an answer");
        assert!(may_store(&redis, PREFIX, &tags, second).await);
        assert_eq!(redis.stamps(labels).await.expect("the stamps"), before, "nothing was dropped");
        // A lease of a function that knows the tag reads its stamp.
        let leased = redis.lease(&plain("late:other"), labels, &Token([2; 16]), LeaseMode::Miss, &[]).await;
        let leased = leased.expect("a lease");
        assert_eq!(leased, crate::store::lease::Leased::Granted(before.iter().flatten().copied().collect()));
    }
}

#[tokio::test]
async fn a_counter_that_was_lost_refuses_once() {
    const PREFIX: &str = "late:lost:";
    for (server, redis) in stores().await {
        let tags = [Label::tag(PREFIX, "a")];
        let first = noted(&redis, PREFIX).await;
        assert!(may_store(&redis, PREFIX, &tags, first).await);
        server.command(&["DEL", &Label::tag_count(PREFIX)]);
        assert!(!may_store(&redis, PREFIX, &tags, first).await);
        let second = noted(&redis, PREFIX).await;
        assert_ne!(first.epoch, second.epoch);
        assert!(may_store(&redis, PREFIX, &tags, second).await);
        assert!(!may_store(&redis, PREFIX, &tags, first).await);
    }
}

#[tokio::test]
async fn without_late_tags_nothing_is_counted() {
    const PREFIX: &str = "late:none:";
    let redis = connect(&shared().url()).await;
    let tags = [Label::tag(PREFIX, "a")];
    let labels = Labels { group: None, tags: &tags };
    redis.lease(&plain("late:none"), labels, &Token([1; 16]), LeaseMode::Miss, &[]).await.expect("a lease");
    assert!(redis.restamp(&tags[0]).await.expect("an answer"));
    assert_eq!(shared().command(&["EXISTS", &Label::tag_count(PREFIX)]), "0");
    assert_eq!(shared().command(&["STRLEN", tags[0].as_str()]), "16");
}
