//! `version = ..`: raise it to leave old entries behind.

use larder::{Cache, Policy, cache};
use support::stores::caches;

macro_rules! versions {
    ($($module:ident: $($version:literal)? => $value:literal;)*) => {$(
        mod $module {
            use larder::{Cache, cache};

            #[cache(name = "total", $(version = $version,)? cache = cache, entry = total_entry)]
            pub(super) async fn total(cache: &Cache, id: u64) -> u64 {
                id + $value
            }

            #[cache(key = "total:{id}", $(version = $version,)? cache = cache, entry = readable_entry)]
            pub(super) async fn readable(cache: &Cache, id: u64) -> u64 {
                id + $value
            }

            #[cache(group = "g", key = "total:{id}", $(version = $version,)? cache = cache)]
            pub(super) async fn grouped(cache: &Cache, id: u64) -> u64 {
                id + $value
            }
        }
    )*};
}

versions! {
    unversioned: => 100;
    zero: 0 => 200;
    one: 1 => 300;
    two: 2 => 400;
}

#[tokio::test]
async fn another_version_is_another_entry_and_none_is_zero() {
    for cache in &caches().await {
        for _ in 0..2 {
            assert_eq!(unversioned::total(cache, 1).await, 101, "{cache:?}");
            assert_eq!(zero::total(cache, 1).await, 101, "{cache:?}");
            assert_eq!(one::total(cache, 1).await, 301, "{cache:?}");
            assert_eq!(two::total(cache, 1).await, 401, "{cache:?}");
            assert_eq!(unversioned::readable(cache, 1).await, 101, "{cache:?}");
            assert_eq!(zero::readable(cache, 1).await, 101, "{cache:?}");
            assert_eq!(one::readable(cache, 1).await, 301, "{cache:?}");
            assert_eq!(two::readable(cache, 1).await, 401, "{cache:?}");
            assert_eq!(unversioned::grouped(cache, 1).await, 101, "{cache:?}");
            assert_eq!(zero::grouped(cache, 1).await, 101, "{cache:?}");
            assert_eq!(one::grouped(cache, 1).await, 301, "{cache:?}");
            assert_eq!(two::grouped(cache, 1).await, 401, "{cache:?}");
        }
    }
}

#[tokio::test]
async fn a_rollback_finds_the_old_entries() {
    for cache in &caches().await {
        one::total(cache, 1).await;
        two::total(cache, 1).await;
        assert_eq!(one::total_entry(cache, 1).get::<u64>().await, Some(301), "{cache:?}");
        assert_eq!(two::total_entry(cache, 1).get::<u64>().await, Some(401), "{cache:?}");
    }
}

#[tokio::test]
async fn a_readable_key_shows_its_version() {
    for cache in &caches().await {
        let entries = [
            (unversioned::readable_entry(cache, 1), ":total:1"),
            (zero::readable_entry(cache, 1), ":total:1"),
            (one::readable_entry(cache, 1), ":total:1~v1"),
            (two::readable_entry(cache, 1), ":total:1~v2"),
        ];
        for (entry, end) in entries {
            assert!(entry.key().ends_with(end), "{}", entry.key());
        }
        assert_eq!(unversioned::total_entry(cache, 1).key(), zero::total_entry(cache, 1).key());
    }
}

const THIRD: Policy = Policy::new().version(3);

#[cache(name = "total", policy = THIRD, cache = cache, entry = by_policy_entry)]
#[expect(dead_code, reason = "only its entry is asked for")]
async fn by_policy(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(name = "total", policy = THIRD, version = 2, cache = cache, entry = over_policy_entry)]
#[expect(dead_code, reason = "only its entry is asked for")]
async fn over_policy(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_policy_can_have_a_version_and_the_option_wins() {
    for cache in &caches().await {
        let two = two::total_entry(cache, 1).key().to_owned();
        assert_ne!(by_policy_entry(cache, 1).key(), two);
        assert_eq!(over_policy_entry(cache, 1).key(), two);
    }
}
