//! Two releases, or two functions, that store values of different types under the same keys in turn.

use std::time::Duration;

use larder::test_util::TestClock;
use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::deployment::shared;
use support::log::Log;
use support::stores::{caches_with, counts, on, unique};

/// The rounds of a game, which ends after a few of them.
const ROUNDS: usize = 20;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    number: u32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New {
    text: String,
}

#[cache(expire = "1h", key = "one:{key}", cache = cache)]
async fn old(cache: &Cache, key: &str) -> Old {
    Old { number: key.len() as u32 }
}

#[cache(expire = "1h", key = "one:{key}", cache = cache)]
fn new(cache: &Cache, key: &str) -> Result<New, String> {
    Ok(New { text: key.to_owned() })
}

#[tokio::test]
async fn two_functions_with_one_key_stop_after_a_few_turns() {
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    let clock = TestClock::new();
    for cache in &caches_with(|builder| builder.clock(clock.clone())).await {
        for _ in 0..ROUNDS {
            assert_eq!(old(cache, "k").await, Old { number: 1 }, "{cache:?}");
            assert_eq!(new(cache, "k"), Ok(New { text: "k".to_owned() }), "{cache:?}");
        }
        let (first, second) = (counts(cache, "old"), counts(cache, "new"));
        assert!((2..6).contains(&first.stores) && (2..6).contains(&second.stores), "{first:?} {second:?}");
        let hits = first.hits + second.hits;
        assert!(
            hits as usize > ROUNDS / 2,
            "the entry of one of them stays on {cache:?}: {first:?} {second:?}"
        );
        let told = log.take();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("stores nothing in their place for 60s"), "{told:?}");
        assert!(told[0].contains("of another type") && told[0].contains("version"), "{told:?}");
        // The other one is gone.
        clock.advance(Duration::from_secs(61));
        let hits = || counts(cache, "new").hits;
        let before = hits();
        for _ in 0..2 {
            assert_eq!(new(cache, "k"), Ok(New { text: "k".to_owned() }), "{cache:?}");
        }
        assert_eq!(hits(), before + 1, "{cache:?}");
    }
}

#[tokio::test]
async fn one_replacement_of_each_key_is_no_game() {
    for cache in &caches_with(|builder| builder).await {
        for key in 0..20 {
            old(cache, &key.to_string()).await;
        }
        for _ in 0..2 {
            for key in 0..20 {
                let key = key.to_string();
                assert_eq!(new(cache, &key), Ok(New { text: key.clone() }), "{cache:?}");
            }
        }
        let counts = counts(cache, "new");
        assert_eq!((counts.unusable, counts.stores, counts.hits), (20, 20, 20), "{cache:?}");
    }
}

/// Declares a release of one function, whose type has the same name in each.
macro_rules! release {
    ($module:ident $codec:ident { $($field:ident: $type:ty = $value:expr),* }) => {
        mod $module {
            use super::*;

            pub(super) async fn calls(cache: &Cache) -> (u64, u64) {
                #[derive(Debug, PartialEq, Serialize, Deserialize)]
                struct Page { $($field: $type,)* }

                #[cache(expire = "1h", name = "release.page", codec = $codec, cache = cache, ignore(cache))]
                async fn page(cache: &Cache) -> Page {
                    let _ = cache;
                    Page { $($field: $value,)* }
                }

                assert_eq!(page(cache).await, Page { $($field: $value,)* }, "{cache:?}");
                let counts = counts(cache, "release.page");
                (counts.stores, counts.hits)
            }
        }
    };
}

release!(json_before json { title: String = "t".to_owned() });
release!(json_after json { heading: String = "t".to_owned() });
release!(pack_before msgpack { number: u32 = 1 });
release!(pack_after msgpack { number: String = "1".to_owned() });
release!(card_before postcard { first: u8 = 1, second: u8 = 2 });
release!(card_after postcard { second: u8 = 2, first: u8 = 1 });

/// The caches of two processes.
async fn processes() -> [Cache; 2] {
    let prefix = unique("deploy");
    let process = || on(shared()).require_redis(true).prefix(prefix.clone()).build();
    [process().await.expect("a cache"), process().await.expect("a cache")]
}

macro_rules! stops {
    ($($test:ident: $before:ident $after:ident;)*) => {$(
        #[tokio::test]
        async fn $test() {
            let [before, after] = processes().await;
            let mut sums = ((0, 0), (0, 0));
            for _ in 0..ROUNDS {
                sums = ($before::calls(&before).await, $after::calls(&after).await);
            }
            let ((first, first_hits), (second, second_hits)) = sums;
            assert!(first < 6 && second < 6, "the game ends: {sums:?}");
            assert!((first_hits + second_hits) as usize > ROUNDS / 2, "{sums:?}");
        }
    )*};
}

stops! {
    two_releases_with_a_renamed_field_stop: json_before json_after;
    two_releases_with_a_changed_type_stop: pack_before pack_after;
}

#[tokio::test]
async fn two_releases_with_postcard_have_entries_of_their_own() {
    let [before, after] = processes().await;
    let mut sums = ((0, 0), (0, 0));
    for _ in 0..ROUNDS {
        sums = (card_before::calls(&before).await, card_after::calls(&after).await);
    }
    let own = (1, ROUNDS as u64 - 1);
    assert_eq!(sums, (own, own));
}
