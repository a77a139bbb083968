//! Attributes in modules without the prelude, in edition 2021.
#![no_implicit_prelude]
#![deny(warnings, missing_docs)]

/// Functions.
pub mod functions {
    use ::larder::{cache, cache_evict, cache_one_day, cache_put};

    /// Async.
    #[cache(expire = "5m", key = "user:{id}", group = "users", none_expire = 5, entry = user_entry)]
    pub async fn user(id: u64) -> ::std::result::Result<::std::option::Option<u64>, ()> {
        ::std::result::Result::Ok(::std::option::Option::Some(id))
    }

    /// Not async.
    #[cache(expire_with = |id: &u64| *id, unless = |id: &u64| *id == 0, when = id > 0)]
    pub fn sync(id: u64, (_, b): (u8, u8), mut c: u8) -> u64 {
        c += b;
        id + c as ::std::primitive::u64
    }

    /// Generic.
    #[cache(expire = ::std::time::Duration::from_secs(5), entry = generic_entry)]
    pub async fn generic<T: ::std::marker::Send>(#[cache(ignore)] value: T, id: u64) -> u64 {
        ::std::mem::drop(value);
        id
    }

    /// Refreshed in the background.
    #[cache(stale_while_revalidate = "1m", soft_timeout = 1, refresh_ahead = 0.5, jitter = 0.1, local = 5, tags = ["n:{id}", "n"])]
    pub async fn stale(id: u64, (_, b): (u8, u8), name: &::std::primitive::str) -> u64 {
        id + b as u64 + name.len() as u64
    }

    /// Refreshed in the background, not async.
    #[cache(policy = AHEAD, background)]
    pub fn sync_stale(
        id: u64,
        #[cache(ignore)] show: impl ::std::fmt::Display + ::std::marker::Send + 'static,
    ) -> u64 {
        ::std::mem::drop(show);
        id
    }

    const AHEAD: ::larder::Policy = ::larder::Policy::new().refresh_ahead(0.5);

    /// Evicts.
    #[cache_evict(entry = user_entry(id), tags = ["n:{id}"], before)]
    pub async fn evict(id: u64) {}

    /// Puts.
    #[cache_put(entry = user_entry(id))]
    pub fn put(id: u64) -> u64 {
        id
    }

    /// Preset.
    #[cache_one_day]
    pub fn day() -> u64 {
        1
    }
}

/// Types.
pub mod types {
    /// Ignored.
    #[derive(::larder::IgnoreInKey, ::std::clone::Clone)]
    pub struct Db;

    impl Db {
        /// A method.
        #[::larder::cache(entry = get_entry)]
        pub async fn get(&self, id: u64) -> u64 {
            id
        }

        /// A method.
        #[::larder::cache(stale_while_revalidate = 5)]
        pub async fn stale(&self, id: u64) -> u64 {
            self.get(id).await
        }
    }
}
