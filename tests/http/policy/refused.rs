//! Options that have no meaning for a layer, and contradictions.

use std::time::Duration;

use larder::http::ResponseCacheLayer;
use larder::{Codec, Policy};
use support::wire::{Origin, sites};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn a_layer_refuses_what_it_cannot_do_and_what_contradicts_itself() {
    let layer = ResponseCacheLayer::new().expire("1m");
    for (policy, reason) in [
        (Policy::new().none_expire(MINUTE), "none_expire"),
        (Policy::new().codec(Codec::MsgPack), "codec"),
        (Policy::new().soft_timeout(MINUTE), "`soft_timeout` needs a stale value"),
        (Policy::new().stale_retry(MINUTE), "`stale_retry` needs something to serve"),
        (Policy::new().local(HOUR), "`local` is longer than `expire`"),
    ] {
        let error = layer.clone().policy(policy).check().expect_err(reason).to_string();
        assert!(error.starts_with("policy = ") && error.contains(reason), "{reason}: {error}");
    }
    // What is set later may make it complete.
    assert!(layer.clone().policy(Policy::new().soft_timeout(MINUTE)).stale_if_error("1h").check().is_ok());
    assert!(layer.policy(Policy::new().local(HOUR)).expire("2h").check().is_ok());
}

#[tokio::test]
async fn a_layer_with_an_error_bypasses_its_cache() {
    let layer = ResponseCacheLayer::new().policy(Policy::new().expire(MINUTE).none_expire(MINUTE));
    for site in sites(layer, || Origin::says(200, &[])).await {
        for n in ["0", "1"] {
            let got = site.get("/").await;
            assert_eq!(got.brief(), ("BYPASS".to_owned(), n.to_owned()));
            let status = got.field("cache-status").expect("a status");
            assert!(status.contains("fwd=bypass") && status.contains("detail=settings"), "{status}");
        }
    }
}
