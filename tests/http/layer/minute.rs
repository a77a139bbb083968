//! The layer that most of these tests use.

use larder::http::ResponseCacheLayer;

pub(super) fn minute() -> ResponseCacheLayer {
    ResponseCacheLayer::new().expire("1m")
}
