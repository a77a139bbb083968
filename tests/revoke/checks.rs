//! The deny list and generations, in both stores.

use std::time::Duration;

use axum::response::IntoResponse as _;
use larder::revoke::{RevocationOutage, Revocations, TokenRefused};
use larder::test_util::TestClock;
use larder::{Cache, Error};
use support::stores::{caches, unique};

use crate::{accepts, now};

#[tokio::test]
async fn a_revoked_token_is_refused_and_others_are_not() {
    for cache in caches().await {
        let revocations = Revocations::new(&cache);
        let generation = revocations.generation("ada").await.expect("a generation");
        assert!(accepts(&revocations, "1", generation).await.expect("known"));
        revocations.revoke("1", now() + 60).await.expect("revoked");
        assert!(!accepts(&revocations, "1", generation).await.expect("known"));
        assert!(accepts(&revocations, "2", generation).await.expect("known"));
        // Twice, and with an earlier end, changes nothing.
        revocations.revoke("1", now() - 50).await.expect("revoked");
        assert!(!accepts(&revocations, "1", generation).await.expect("known"));
    }
}

/// A token that ends in a moment, or has ended within the leeway, is refused for as long as others accept it.
#[tokio::test]
async fn a_token_is_refused_through_its_leeway() {
    for cache in caches().await {
        let revocations = Revocations::new(&cache).leeway("60s");
        let generation = revocations.generation("ada").await.expect("a generation");
        for (token, end) in [("ended", now() - 30), ("ends", now() + 1), ("now", now())] {
            revocations.revoke(token, end).await.expect("revoked");
            assert!(!accepts(&revocations, token, generation).await.expect("known"), "{token}");
        }
        // Nobody accepts these any more, and they are not stored.
        for (token, end) in [("long ago", 0), ("negative", -5), ("minute", now() as i64 - 61)] {
            revocations.revoke(token, end).await.expect("ignored");
            assert!(accepts(&revocations, token, generation).await.expect("known"), "{token}");
        }
        // The longest times that there are.
        revocations.revoke("never", u64::MAX).await.expect("revoked");
        assert!(!accepts(&revocations, "never", generation).await.expect("known"));
    }
}

#[tokio::test]
async fn a_revocation_made_a_second_before_the_end_holds_thirty_seconds_after_it() {
    let clock = TestClock::new();
    let builder = Cache::builder().url("memory://").prefix(unique("t")).clock(clock.clone());
    let cache = builder.build().await.expect("a cache");
    let revocations = Revocations::new(&cache);
    let generation = revocations.generation("ada").await.expect("a generation");
    revocations.revoke("1", now() + 1).await.expect("revoked");
    clock.advance(Duration::from_secs(31));
    assert!(!accepts(&revocations, "1", generation).await.expect("known"));
    clock.advance(Duration::from_secs(31));
    assert!(accepts(&revocations, "1", generation).await.expect("known"));
}

/// Logout everywhere: also of a login in the same second.
#[tokio::test]
async fn a_new_generation_ends_all_tokens_before_it() {
    for cache in caches().await {
        let revocations = Revocations::new(&cache);
        let first = revocations.generation("ada").await.expect("a generation");
        let of_bob = revocations.generation("bob").await.expect("a generation");
        assert_eq!(revocations.generation("ada").await.expect("a generation"), first);
        let second = revocations.bump("ada").await.expect("a generation");
        assert!(first < second && second < 1 << 53);
        assert_eq!(revocations.generation("ada").await.expect("a generation"), second);
        assert!(!accepts(&revocations, "1", first).await.expect("known"));
        assert!(accepts(&revocations, "2", second).await.expect("known"));
        assert!(revocations.check("bob", "3", of_bob).await.is_ok());
        // Many at once are all different.
        let bumps = (0..20).map(|_| revocations.bump("ada"));
        let mut all: Vec<u64> = futures_util::future::join_all(bumps)
            .await
            .into_iter()
            .map(|bump| bump.expect("a generation"))
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 20);
    }
}

/// A token without a user or an id, and ids of any bytes and length.
#[tokio::test]
async fn claims_of_any_form_are_refused_or_accepted_and_never_an_error() {
    for cache in caches().await {
        let revocations = Revocations::new(&cache);
        let generation = revocations.generation("ada").await.expect("a generation");
        let long = "x".repeat(10_000);
        for token in ["", "a\r\nb", "{}", "\u{202e}", "ключ", &long] {
            assert!(accepts(&revocations, token, generation).await.expect("known"), "{token:?}");
            revocations.revoke(token, now() + 60).await.expect("revoked");
            assert!(!accepts(&revocations, token, generation).await.expect("known"), "{token:?}");
        }
        for user in ["", "nobody", "ada\n", &long] {
            let refused = revocations.check(user, "1", generation).await.expect_err("no such user");
            assert!(refused.is_revoked(), "{user:?}");
        }
        for other in [0, generation - 1, generation + 1, u64::MAX] {
            assert!(!accepts(&revocations, "1", other).await.expect("known"), "{other}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_a_response() {
    let outage = TokenRefused::Unavailable(Error::Closed);
    for (refused, status, header) in
        [(TokenRefused::Revoked, 401, "www-authenticate"), (outage, 503, "retry-after")]
    {
        assert_eq!(refused.status(), status);
        let text = refused.to_string();
        let response = refused.into_response();
        assert_eq!(response.status(), status, "{text}");
        assert!(response.headers().contains_key(header), "{text}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn a_store_that_fails_refuses_and_says_that_it_does_not_know() {
    let cache = Cache::builder().url("memory://").prefix(unique("t")).build().await.expect("a cache");
    let chaos = cache.chaos().clone();
    let revocations = Revocations::new(&cache);
    let generation = revocations.generation("ada").await.expect("a generation");
    chaos.refuse();
    let refused = revocations.check("ada", "1", generation).await.expect_err("unknown");
    assert!(!refused.is_revoked() && refused.status() == 503, "{refused}");
    assert!(revocations.revoke("1", now() + 60).await.is_err());
    assert!(revocations.bump("ada").await.is_err());
    let lenient =
        revocations.clone().on_outage(RevocationOutage::AcceptYoungerThan(Duration::from_secs(300)));
    for (issued, accepted) in [(now(), true), (now() - 299, true), (now() - 301, false), (now() + 600, false)]
    {
        let check = lenient.check("ada", "1", generation).issued_at(issued);
        assert_eq!(check.await.is_ok(), accepted, "{issued}");
    }
    // Without the claim, nothing is known of the age.
    assert!(lenient.check("ada", "1", generation).await.is_err());
    chaos.heal();
    assert!(accepts(&revocations, "1", generation).await.expect("known"));
    cache.close().await;
    assert_eq!(revocations.check("ada", "1", generation).await.expect_err("closed").status(), 503);
}

#[test]
fn synchronous_code_has_the_same_calls() {
    let cache = Cache::builder().url("memory://").prefix(unique("t")).build_blocking().expect("a cache");
    let revocations = Revocations::new(&cache).blocking();
    let generation = revocations.generation("ada").expect("a generation");
    revocations.check("ada", "1", generation).expect("accepted");
    revocations.revoke("1", now() + 60).expect("revoked");
    assert!(revocations.check("ada", "1", generation).is_err());
    let next = revocations.bump("ada").expect("a generation");
    assert!(revocations.check("ada", "2", generation).is_err());
    revocations.check("ada", "2", next).expect("accepted");
}

#[test]
fn settings_that_can_never_work_panic_where_they_are_made() {
    let cache = Cache::builder().url("memory://").build_blocking().expect("a cache");
    let message = |make: fn(&Cache)| {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| make(&cache)));
        *caught.expect_err("a panic").downcast::<String>().expect("a text")
    };
    let leeway = message(|cache| drop(Revocations::new(cache).leeway("soon")));
    assert!(leeway.contains("leeway") && leeway.contains("soon"), "{leeway}");
    let keep = message(|cache| drop(Revocations::new(cache).keep("0s")));
    assert!(keep.contains("keep"), "{keep}");
    drop(Revocations::new(&cache).leeway("0s").leeway(0).leeway(Duration::ZERO));
}
