//! Transactions of synchronous code.

use std::panic::{AssertUnwindSafe, catch_unwind};

use larder::{Cache, cache, cache_evict, cache_put, refresh_blocking};
use support::stores::{Calls, caches, counts};

#[cache(expire = "1h", cache = cache, ignore(calls), entry = user_entry, key = "user:{id}")]
fn user(cache: &Cache, calls: &Calls, id: u64) -> usize {
    calls.add()
}

#[cache_evict(cache = cache, key = "user:{id}")]
fn rename(cache: &Cache, id: u64) -> Result<(), String> {
    if id > 0 { Ok(()) } else { Err("no user".to_owned()) }
}

#[cache_put(cache = cache, key = "user:{id}")]
fn save(cache: &Cache, id: u64) -> usize {
    100
}

fn save_too(cache: &Cache, id: u64) -> Result<(), String> {
    assert_eq!(save(cache, id), 100);
    Ok(())
}

#[test]
fn everything_waits_until_it_is_sent() {
    let [memory, redis] = tokio::runtime::Runtime::new().expect("a runtime").block_on(caches());
    for cache in &[memory, redis] {
        let calls = &Calls::default();
        let blocking = cache.blocking();
        for write in [rename, save_too] {
            let value = user(cache, calls, 1);
            let later = blocking.defer();
            later.scope_blocking(|| {
                write(cache, 1).expect("it succeeds");
                assert_ne!(user(cache, calls, 1), value, "uncached");
                assert_ne!(refresh_blocking(|| user(cache, calls, 1)), value, "and not stored");
                assert_eq!(blocking.get::<usize>("user:1"), None);
            });
            assert_eq!(user(cache, calls, 1), value, "{cache:?}: nothing is sent");
            later.send_blocking().expect("sent");
            assert_ne!(user(cache, calls, 1), value, "{cache:?}");
        }
        let value = user(cache, calls, 1);
        let later = blocking.defer();
        later.scope_blocking(|| rename(cache, 0)).expect_err("it fails");
        later.scope_blocking(|| rename(cache, 1)).expect("it succeeds");
        later.discard();
        assert_eq!(user(cache, calls, 1), value, "{cache:?}: rolled back");

        let panics = catch_unwind(AssertUnwindSafe(|| {
            let later = blocking.defer();
            later.scope_blocking(|| rename(cache, 1)).expect("it succeeds");
            panic!("before the commit")
        }));
        panics.expect_err("it panics");
        assert_eq!(counts(cache, "rename").deferred_unsent, 1, "{cache:?}");
        assert_ne!(user(cache, calls, 1), value, "{cache:?}: sent in the background");
    }
}
