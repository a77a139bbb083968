//! `name = ".."`: the function part of the key, for keys that survive moving the function.

use larder::{Cache, cache};
use support::stores::{Calls, caches, unique};

mod old {
    use larder::{Cache, cache};

    #[cache(name = "users.get-all_2", cache = cache, entry = get_entry)]
    pub(super) async fn get(cache: &Cache, id: u64) -> u64 {
        id
    }
}

mod new {
    use larder::{Cache, cache};

    #[cache(name = "users.get-all_2", cache = cache, entry = fetch_entry)]
    pub(super) async fn fetch(cache: &Cache, id: u64) -> u64 {
        id + 1
    }
}

#[tokio::test]
async fn the_name_is_the_function_part_of_the_key() {
    let prefix = unique("t");
    let cache = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    let key = old::get_entry(&cache, 1).key().to_owned();
    assert!(key.starts_with(&format!("{prefix}:users.get-all_2:")), "{key}");
}

#[tokio::test]
async fn entries_survive_moving_and_renaming_the_function() {
    for cache in &caches().await {
        assert_eq!(old::get_entry(cache, 1).key(), new::fetch_entry(cache, 1).key());
        assert_eq!(old::get(cache, 1).await, 1, "{cache:?}");
        assert_eq!(new::fetch(cache, 1).await, 1, "{cache:?}");
        let counts = cache.stats();
        let counts = counts.function("users.get-all_2").expect("statistics go by the name");
        assert_eq!((counts.misses, counts.hits), (1, 1), "{cache:?}");
    }
}

#[cache(name = "list", cache = cache)]
async fn named(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(name = "lists", cache = cache)]
async fn named_longer(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn other_names_do_not_share() {
    for cache in &caches().await {
        let calls = Calls::default();
        named(cache, &calls, 1).await;
        named_longer(cache, &calls, 1).await;
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(name = "readable", key = "k:{id}", cache = cache, entry = readable_entry)]
async fn readable(cache: &Cache, id: u64) -> u64 {
    id
}

#[tokio::test]
async fn a_readable_key_does_not_show_the_name_but_statistics_do() {
    for cache in &caches().await {
        readable(cache, 7).await;
        assert!(readable_entry(cache, 7).key().ends_with(":k:7"), "{cache:?}");
        assert!(cache.stats().function("readable").is_some(), "{cache:?}");
    }
}

mod one {
    pub(super) mod shared_name {
        use larder::{Cache, cache};

        #[cache(expire = "1m", cache = cache, entry = get_entry)]
        pub(crate) async fn get(cache: &Cache, id: u64) -> u64 {
            id
        }
    }
}

mod other {
    pub(super) mod shared_name {
        use larder::{Cache, cache};

        #[cache(expire = "1m", cache = cache)]
        pub(crate) async fn get(cache: &Cache, id: u64) -> u64 {
            id + 1
        }
    }
}

struct Users<T>(T);

impl<T: Send + Sync> Users<T> {
    #[cache(expire = "1m", cache = cache, ignore(self), entry = profile_entry)]
    async fn profile(&self, cache: &Cache, id: u64) -> (u64, usize) {
        (id, size_of_val(&self.0))
    }
}

/// The name in the key is that in the envelope and in statistics.
#[tokio::test]
async fn a_function_has_one_name_everywhere() {
    for cache in &caches().await {
        let users = Users(0_u8);
        assert_eq!(users.profile(cache, 7).await, (7, 1), "{cache:?}");
        let entry = Users::<u8>::profile_entry(cache, 7);
        let key = entry.key().split_once(":Users::profile:").expect("type and method").0;
        let prefix = key.len() + 1;
        let info = cache.inspect(&entry.key()[prefix..]).await.expect("an answer").expect("an entry");
        assert_eq!(info.function, "Users::profile", "{cache:?}");
        let stats = cache.stats();
        assert!(stats.functions.iter().any(|row| row.function == "Users::profile"), "{stats}");
        cache.set("k", &1, "1m").await.expect("stored");
        let info = cache.inspect("k").await.expect("an answer").expect("an entry");
        assert_eq!(info.function, "handle", "{cache:?}");
    }
}

/// Keys and envelopes have the short name whatever else runs in the process; people see which of the two it is.
#[tokio::test]
async fn two_functions_with_one_name_are_shown_by_their_paths() {
    for cache in &caches().await {
        for _ in 0..2 {
            assert_eq!(one::shared_name::get(cache, 1).await, 1, "{cache:?}");
        }
        for _ in 0..3 {
            assert_eq!(other::shared_name::get(cache, 1).await, 2, "{cache:?}");
        }
        let stats = cache.stats();
        let hits = |name: &str| {
            stats
                .functions
                .iter()
                .find(|row| row.function == name)
                .map(|row| (row.counts.misses, row.counts.hits))
        };
        assert_eq!(hits("attr::name::one::shared_name::get"), Some((1, 1)), "{stats}");
        assert_eq!(hits("attr::name::other::shared_name::get"), Some((1, 2)), "{stats}");
        assert_eq!(hits("shared_name::get"), None, "{stats}");
        let key = one::shared_name::get_entry(cache, 1).key().to_owned();
        assert!(key.contains(":shared_name::get:"), "{key}");
    }
}
