//! `policy = ..`: custom presets.

use std::time::Duration;

use larder::{Cache, Codec, Policy, cache};
use support::deployment::shared;
use support::expiry::assert_expiry;
use support::stores::{Calls, caches, on};

const TWO_HOURS: Policy = Policy::new().expire_text("1h60m").none_expire(Duration::from_secs(60));

mod presets {
    use larder::{Codec, Compress, Policy};

    /// A preset in another module.
    pub(super) const PACKED: Policy = Policy::new().codec(Codec::MsgPack).compress(Compress::Zstd);
}

#[cache(policy = TWO_HOURS, cache = cache, entry = value_entry)]
async fn value(cache: &Cache, calls: &Calls, id: u64) -> Option<u64> {
    calls.add();
    (id > 0).then_some(id)
}

#[cache(expire = "1m", policy = TWO_HOURS, none_expire = 20, cache = cache, entry = overridden_entry)]
async fn overridden(cache: &Cache, id: u64) -> Option<u64> {
    (id > 0).then_some(id)
}

#[cache(policy = Policy::new().expire(Duration::from_secs(30)), cache = cache, entry = written_entry)]
async fn written(cache: &Cache) -> u8 {
    1
}

#[cache(policy = Policy::new(), cache = cache, entry = empty_entry)]
async fn empty(cache: &Cache) -> u8 {
    1
}

#[tokio::test]
async fn a_policy_brings_its_expiries_and_options_beside_it_win() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(value(cache, &calls, 1).await, Some(1), "{cache:?}");
            assert_eq!(value(cache, &calls, 0).await, None, "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_expiry(&value_entry(cache, &calls, 1), Duration::from_secs(7200)).await;
        assert_expiry(&value_entry(cache, &calls, 0), Duration::from_secs(60)).await;
        for id in [0, 1] {
            overridden(cache, id).await;
        }
        assert_expiry(&overridden_entry(cache, 1), Duration::from_secs(60)).await;
        assert_expiry(&overridden_entry(cache, 0), Duration::from_secs(20)).await;
        written(cache).await;
        assert_expiry(&written_entry(cache), Duration::from_secs(30)).await;
        empty(cache).await;
        assert_expiry(&empty_entry(cache), Duration::from_secs(31_536_000)).await;
    }
}

#[cache(policy = presets::PACKED, cache = cache, entry = packed_entry)]
async fn packed(cache: &Cache) -> Vec<String> {
    vec!["the same".to_owned(); 1000]
}

#[cache(policy = presets::PACKED, codec = json, cache = cache, entry = unpacked_entry)]
async fn unpacked(cache: &Cache) -> Vec<String> {
    vec!["a".to_owned()]
}

#[tokio::test]
async fn a_policy_brings_its_stored_form() {
    let cache = &on(shared()).build().await.expect("a cache");
    assert_eq!(packed(cache).await, packed(cache).await);
    assert_eq!(cache.stats().total.hits, 1);
    let size: usize = shared().command(&["STRLEN", packed_entry(cache).key()]).parse().expect("a number");
    assert!(size > 0 && size < 500, "{size}");
    unpacked(cache).await;
    assert!(shared().command(&["GET", unpacked_entry(cache).key()]).contains(r#"["a"]"#));
}

#[test]
fn a_policy_can_be_inspected() {
    assert_eq!(TWO_HOURS.get_expire(), Some(Duration::from_secs(7200)));
    assert_eq!(Policy::new(), Policy::default());
    assert_ne!(Policy::new(), Policy::new().codec(Codec::Postcard));
}
