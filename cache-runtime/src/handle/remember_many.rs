//! Values of several keys that are computed where they are missing.

use std::hash::Hash;
use std::sync::Arc;

use crate::engine::context::CallMode;
use crate::engine::core::Core;
use crate::engine::entry_target::EntryTarget;
use crate::engine::many::{Inline, ManyCall, Targets, run};
use crate::handle::cache::{Cache, HANDLE, handle_name};
use crate::observe::event_kind::EventKind;
use crate::observe::record::Row;
use crate::observe::trace;
use crate::site::many_result::ManyResult;
use crate::site::outcome::Value;
use crate::site::rules::Rules;
use crate::site::value_caps::ValueCaps;
use crate::types::error::Error;
use crate::types::expire::{Expire, IntoExpire};

impl Cache {
    /// Returns the values under several keys; computes those that are missing with one call of `f`, and stores each for `expire`.
    ///
    /// `f` gets the missing keys, each once. It returns a map from keys to values, a `Vec` of pairs, or a `Vec` of `Option`s in
    /// the order of the keys, each in a `Result` or not, and the result of the call has the same form. A key without a value is
    /// not stored, and neither is anything of an `Err`.
    ///
    /// However many calls miss a key at once, one of them computes it. `f` runs once more for keys whose other call failed, and
    /// for all keys if its result does not belong to the keys: then the second result is returned, and nothing is stored.
    ///
    /// ```
    /// # use larder_runtime as larder;
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use std::collections::HashMap;
    ///
    /// # let cache = larder::Cache::builder().build().await?;
    /// cache.set("len:a", &1_usize, "5m").await?;
    /// let lengths: HashMap<String, usize> = cache
    ///     .remember_many(&["len:a", "len:bb"], "5m", |missing| async move {
    ///         assert_eq!(missing, ["len:bb"]);
    ///         missing.into_iter().map(|key| (key.to_owned(), key.len() - 4)).collect()
    ///     })
    ///     .await;
    /// assert_eq!((lengths["len:a"], lengths["len:bb"]), (1, 2));
    /// # Ok::<(), larder::Error>(())
    /// # }).unwrap();
    /// ```
    pub async fn remember_many<K, R, F, Fut>(&self, keys: &[K], expire: impl IntoExpire, f: F) -> R
    where
        K: AsRef<str> + Clone + Eq + Hash,
        R: ManyResult<K>,
        R::Value: Value,
        F: Fn(Vec<K>) -> Fut,
        Fut: Future<Output = R>,
    {
        let Some(expire) = self.expire_of_many(expire, keys.len()) else { return f(keys.to_vec()).await };
        let targets = |keys: &[K]| {
            let entries = keys
                .iter()
                .map(|key| EntryTarget::keyed(self.key(key.as_ref()), expire, handle_name()))
                .collect();
            Targets::Keys { core: Arc::clone(self.core()), entries, name: HANDLE, mode: CallMode::current() }
        };
        let call = ManyCall::new(keys, targets);
        let rules = Rules::new(|_: &R::Value| false, |_: &R::Value| None);
        run(&call, ValueCaps::bytes(), &rules, Inline(f)).await
    }

    /// Returns the expiry of `remember_many`; `None` if the computation runs uncached.
    fn expire_of_many(&self, expire: impl IntoExpire, keys: usize) -> Option<Expire> {
        let core = self.core();
        let expire = match expire.into_expire() {
            Ok(expire) => expire,
            Err(error) => {
                warn(core, &error);
                return None;
            }
        };
        core.check_open().ok()?;
        if CallMode::current().bypasses() || !core.is_enabled {
            let row = Row { counters: &core.stats.row(HANDLE), function: HANDLE };
            (0..keys).for_each(|_| core.stats.record(row, None, EventKind::Bypass));
            return None;
        }
        Some(expire)
    }
}

fn warn(core: &Core, error: &Error) {
    core.stats.once(HANDLE, || {
        trace::warn(&format!("`remember_many` ran uncached: {error}"));
    });
}
