//! From the builder's settings to a tier.

use std::sync::Arc;

use crate::observe::trace;
use crate::store::settings::StoreSettings;
use crate::types::error::Error;

use super::{Change, Endpoint, RedisConfig, RedisStore};

impl RedisStore {
    /// The tier that the builder describes.
    ///
    /// # Errors
    /// A URL that cannot be used, and what [`RedisStore::connect`] fails with.
    pub(crate) async fn open(settings: &StoreSettings) -> Result<Self, Error> {
        let endpoint = Endpoint::parse(&settings.url)?;
        let server = endpoint.address.to_string();
        let config = RedisConfig {
            connections: settings.connections,
            redis_timeout: settings.redis_timeout,
            connect_timeout: settings.connect_timeout,
            require: settings.require_redis,
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
