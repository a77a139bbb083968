//! The process-wide cache, opened by whoever comes first.

use std::fmt::Debug;
use std::hash::BuildHasher;

use tokio::sync::Mutex;

use super::builder::Builder;
use crate::engine::context::Context;
use crate::handle::cache::{Cache, HANDLE};
use crate::observe::trace;
use crate::rt::park;
use crate::types::error::Error;

/// Held while one caller opens the cache, so that others need not.
static OPENING: Mutex<()> = Mutex::const_new(());

/// The names of settings, each with a hash of its value: a URL may hold a password.
type SettingHashes = Vec<(&'static str, u64)>;

impl Cache {
    /// Returns the process-wide cache, which is opened with these settings if there is none; inside [`Cache::scope`], the cache of
    /// the scope. For libraries and for tests, where several callers may be first.
    ///
    /// If there is one with other settings, it is returned, and one warning names the settings that differ.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use larder::Cache;
    ///
    /// let first = Cache::get_or_init(Cache::builder().prefix("myapi")).await?;
    /// let second = Cache::get_or_init(Cache::builder().prefix("myapi")).await?;
    /// first.set("answer", &42, "1h").await?;
    /// assert_eq!(second.get("answer").await, Some(42));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    /// There is no process-wide cache, and none can be opened: as [`Builder::init`](crate::Builder::init), without
    /// [`Error::AlreadyInitialised`]. A later call may succeed.
    pub async fn get_or_init(builder: Builder) -> Result<Self, Error> {
        let hashes = builder.setting_hashes();
        if let Ok(cache) = Self::global() {
            return Ok(cache.compared(&hashes));
        }
        let _opening = OPENING.lock().await;
        if let Ok(cache) = Self::global() {
            return Ok(cache.compared(&hashes));
        }
        match builder.init().await {
            // `init` elsewhere was faster.
            Err(Error::AlreadyInitialised) => Self::global().map(|cache| cache.compared(&hashes)),
            opened => opened,
        }
    }

    /// Returns the process-wide cache, as [`Cache::get_or_init`] does, for synchronous programs.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// use larder::Cache;
    ///
    /// let cache = Cache::get_or_init_blocking(Cache::builder().prefix("myapi"))?;
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Cache::get_or_init`].
    pub fn get_or_init_blocking(builder: Builder) -> Result<Self, Error> {
        park::block_on(Self::get_or_init(builder))
    }

    /// Warns once if this cache has other settings than these.
    fn compared(self, hashes: &SettingHashes) -> Self {
        let core = self.core();
        let others = hashes.iter().zip(&core.setting_hashes).filter(|(wanted, own)| wanted != own);
        let names: Vec<String> = others.map(|((name, _), _)| format!("`{name}`")).collect();
        // A test gives the code inside its scope another cache on purpose.
        if !names.is_empty() && Context::scoped().is_none() {
            core.stats.once(&format!("{HANDLE} get_or_init"), || {
                trace::warn(&format!(
                    "`get_or_init` returned the process-wide cache, which was opened with other settings than this call asks for: {}",
                    names.join(", ")
                ));
            });
        }
        self
    }
}

impl Builder {
    /// Returns the settings that tell two caches apart.
    pub(super) fn setting_hashes(&self) -> SettingHashes {
        let store = &self.store;
        vec![
            ("url", hash(&store.url)),
            ("prefix", hash(&self.prefix)),
            ("default_expire", hash(&self.default_expire)),
            ("ignore_arg_type", hash(&self.ignored)),
            ("enabled", hash(&self.enabled)),
            ("connections", hash(&store.connections)),
            ("redis_timeout", hash(&store.redis_timeout)),
            ("connect_timeout", hash(&store.connect_timeout)),
            ("require_redis", hash(&store.require_redis)),
            ("max_memory", hash(&store.max_memory)),
            ("max_value", hash(&store.max_value)),
            ("local", hash(&store.local)),
            ("outage_local", hash(&self.outage_local)),
            ("confirm", hash(&self.confirm)),
            ("max_wait", hash(&self.max_wait)),
            ("max_waiters", hash(&self.max_waiters)),
            ("max_background", hash(&self.max_background)),
            ("max_pending_invalidations", hash(&self.max_pending_invalidations)),
            ("stall_timeout", hash(&self.stall_timeout)),
            ("response_header", hash(&self.response_header)),
            #[cfg(feature = "http")]
            ("no_cache", hash(&self.no_cache)),
            #[cfg(feature = "http")]
            ("client_max_age", hash(&self.client_max_age)),
            #[cfg(feature = "http")]
            ("credential_headers", hash(&self.credential_headers)),
            #[cfg(feature = "http")]
            ("harmless_cookies", hash(&self.harmless_cookies)),
            #[cfg(feature = "http")]
            ("max_body_memory", hash(&self.max_body_memory)),
        ]
    }
}

fn hash(setting: &impl Debug) -> u64 {
    foldhash::fast::FixedState::default().hash_one(format!("{setting:?}"))
}
