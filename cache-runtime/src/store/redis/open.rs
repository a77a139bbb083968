//! From the builder's settings to a tier.

use std::sync::Arc;

use crate::handle::builder::Builder;
use crate::observe::trace;
use crate::types::error::Error;

use super::{Change, Endpoint, Redis, RedisConfig};

impl Redis {
    /// The tier that the builder describes.
    ///
    /// # Errors
    /// A URL that cannot be used, and what [`Redis::connect`] fails with.
    pub(crate) async fn open(builder: &Builder) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(&builder.url)?;
        let server = endpoint.address.to_string();
        let config = RedisConfig {
            connections: builder.connections,
            redis_timeout: builder.redis_timeout,
            connect_timeout: builder.connect_timeout,
            require: builder.require_redis,
            on_change: Arc::new(move |change| match change {
                Change::Connected => trace::connected(&server),
                Change::Lost { message } => {
                    trace::warn(&format!(
                        "redis at {server} is not reachable ({message}); functions run uncached until it answers"
                    ));
                }
            }),
            ..RedisConfig::new(endpoint)
        };
        Self::connect(config).await
    }
}
