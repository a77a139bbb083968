//! Options that a function, a handler and a layer take alike.

use std::sync::Arc;

use futures_util::StreamExt;
use support::stores::{Gate, LONG, in_time};
use support::wait::eventually_async;

use super::world::{sites, ways};

const fn seconds(seconds: u64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds)
}

ways!(expire, Policy::new().expire(super::seconds(60)));

#[tokio::test]
async fn expire_is_the_time_for_which_a_result_is_served() {
    for site in sites(expire::WAYS).await {
        assert_eq!((site.get(1).await, site.get(1).await), (Some(0), Some(0)), "{}", site.name);
        site.later(59);
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        site.later(1);
        assert_eq!(site.get(1).await, Some(1), "{}", site.name);
    }
}

ways!(jitter, Policy::new().expire(super::seconds(60)).jitter(0.5));

#[tokio::test]
async fn jitter_shortens_an_expiry_by_up_to_its_share() {
    const MANY: u64 = 40;
    for site in sites(jitter::WAYS).await {
        for id in 0..MANY {
            site.get(id).await;
        }
        let calls = async || {
            for id in 0..MANY {
                site.get(id).await;
            }
            site.work.calls()
        };
        site.later(29);
        assert_eq!(calls().await, MANY as usize, "{}: too short", site.name);
        // Half of the expiries are random: that all forty are among the last of sixty seconds does not happen.
        site.later(29);
        assert!(calls().await > MANY as usize, "{}: no jitter", site.name);
    }
}

ways!(
    stale_while_revalidate,
    Policy::new().expire(super::seconds(60)).stale_while_revalidate(super::seconds(60))
);

#[tokio::test]
async fn stale_while_revalidate_serves_the_stale_result_and_refreshes_it_once() {
    for site in sites(stale_while_revalidate::WAYS).await {
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        site.later(119);
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        eventually_async(LONG, async || site.get(1).await == Some(1)).await;
        assert_eq!(site.work.calls(), 2, "{}", site.name);
        site.later(120);
        assert_eq!(site.get(1).await, Some(2), "{}", site.name);
    }
}

ways!(stale_if_error, Policy::new().expire(super::seconds(60)).stale_if_error(super::seconds(60)));

#[tokio::test]
async fn stale_if_error_serves_the_stale_result_when_the_work_fails() {
    for site in sites(stale_if_error::WAYS).await {
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        site.work.fails(true);
        site.later(119);
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        assert_eq!(site.work.calls(), 2, "{}", site.name);
        site.later(1);
        assert_eq!(site.get(1).await, None, "{}", site.name);
    }
}

ways!(
    stale_retry,
    Policy::new()
        .expire(super::seconds(60))
        .stale_if_error(super::seconds(600))
        .stale_retry(super::seconds(5))
);

#[tokio::test]
async fn stale_retry_is_the_pause_after_a_failure() {
    // On Redis another process keeps the pause by the server's clock, which a test cannot move.
    for site in sites(stale_retry::WAYS).await.into_iter().step_by(2) {
        site.get(1).await;
        site.work.fails(true);
        site.later(60);
        assert_eq!((site.get(1).await, site.get(1).await), (Some(0), Some(0)), "{}", site.name);
        assert_eq!(site.work.calls(), 2, "{}", site.name);
        site.later(4);
        assert_eq!((site.get(1).await, site.work.calls()), (Some(0), 2), "{}", site.name);
        site.later(1);
        assert_eq!((site.get(1).await, site.work.calls()), (Some(0), 3), "{}", site.name);
    }
}

ways!(
    soft_timeout,
    Policy::new()
        .expire(super::seconds(60))
        .stale_if_error(super::seconds(60))
        .soft_timeout(std::time::Duration::from_millis(20))
);

#[tokio::test]
async fn soft_timeout_serves_the_stale_result_while_the_work_goes_on() {
    for site in sites(soft_timeout::WAYS).await {
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        let gate = Arc::new(Gate::default());
        site.work.stops_at(&gate);
        site.later(60);
        assert_eq!(in_time(site.get(1)).await, Some(0), "{}", site.name);
        gate.arrived(1).await;
        gate.open();
        eventually_async(LONG, async || site.get(1).await == Some(1)).await;
        assert_eq!(site.work.calls(), 2, "{}", site.name);
    }
}

ways!(refresh_ahead, Policy::new().expire(super::seconds(60)).refresh_ahead(0.5));

#[tokio::test]
async fn refresh_ahead_refreshes_a_fresh_result_once_its_share_has_passed() {
    for site in sites(refresh_ahead::WAYS).await {
        site.get(1).await;
        site.later(29);
        assert_eq!((site.get(1).await, site.work.calls()), (Some(0), 1), "{}", site.name);
        site.later(1);
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
        eventually_async(LONG, async || site.get(1).await == Some(1)).await;
        assert_eq!(site.work.calls(), 2, "{}", site.name);
    }
}

ways!(local, Policy::new().expire(super::seconds(60)).local(super::seconds(60)));

#[tokio::test]
async fn local_keeps_a_copy_in_the_process() {
    for site in sites(local::WAYS).await.into_iter().skip(1).step_by(2) {
        let local_hits = || site.work.cache().stats().total.local_hits;
        site.get(1).await;
        // A copy is made once the push connection is there.
        eventually_async(LONG, async || {
            assert_eq!(site.get(1).await, Some(0), "{}", site.name);
            local_hits() > 0
        })
        .await;
    }
}

ways!(compress, Policy::new().expire(super::seconds(60)).compress(larder::Compress::Lz4));

#[tokio::test]
async fn compress_makes_entries_smaller() {
    for site in sites(compress::WAYS).await {
        assert_eq!((site.get(1).await, site.get(1).await), (Some(0), Some(0)), "{}", site.name);
        let cache = site.work.cache();
        let key = cache.keys("*").next().await.expect("an entry").expect("the store is there");
        let info = cache.inspect(&key).await.expect("the store is there").expect("an entry");
        // The number of the function is too short to be compressed.
        let wanted = if site.name == "function" { "none" } else { "lz4" };
        assert_eq!(info.compress, wanted, "{}", site.name);
    }
}

ways!(first_version, Policy::new().expire(super::seconds(60)).version(1));
ways!(second_version, Policy::new().expire(super::seconds(60)).version(2));

#[tokio::test]
async fn another_version_has_other_entries() {
    let (first, second) = (first_version::WAYS, second_version::WAYS);
    for (site, (_, second)) in
        sites(first).await.into_iter().zip(second.into_iter().flat_map(|way| [way, way]))
    {
        assert_eq!((site.get(1).await, site.get(1).await), (Some(0), Some(0)), "{}", site.name);
        assert_eq!(second(&site.work)(1).await, Some(1), "{}", site.name);
        assert_eq!(site.get(1).await, Some(0), "{}", site.name);
    }
}
