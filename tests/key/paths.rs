//! Functions whose paths look alike.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

macro_rules! two_of_one_path {
    ($cache:expr) => {{
        let first = {
            #[cache(cache = cache)]
            fn f(cache: &Cache, n: u32) -> u32 {
                n
            }
            f($cache, 1)
        };
        let second = {
            #[cache(cache = cache)]
            fn f(cache: &Cache, n: u32) -> u32 {
                n * 100
            }
            f($cache, 1)
        };
        (first, second)
    }};
}

#[tokio::test]
async fn two_functions_of_one_macro_call_do_not_share() {
    for cache in caches().await {
        assert_eq!(two_of_one_path!(&cache), (1, 100), "{cache:?}");
        assert_eq!(two_of_one_path!(&cache), (1, 100), "{cache:?}");
    }
}

struct Repo<T>(T);

impl Repo<u8> {
    #[cache(cache = cache, ignore(self))]
    async fn load(&self, cache: &Cache, calls: &Calls) -> String {
        calls.add();
        format!("u8 {}", self.0)
    }
}

impl Repo<u16> {
    #[cache(cache = cache, ignore(self))]
    async fn load(&self, cache: &Cache, calls: &Calls) -> String {
        calls.add();
        format!("u16 {}", self.0)
    }
}

#[tokio::test]
async fn methods_of_two_instances_are_both_cached_and_do_not_share() {
    for cache in caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Repo(1_u8).load(&cache, &calls).await, "u8 1", "{cache:?}");
            assert_eq!(Repo(1_u16).load(&cache, &calls).await, "u16 1", "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

trait Store {
    fn tag(&self) -> &'static str;

    #[cache(cache = cache, name = "store.get", ignore(self))]
    fn get(&self, cache: &Cache, id: u64) -> String {
        format!("{} {id}", self.tag())
    }
}

struct Pg;
struct Mem;

impl Store for Pg {
    fn tag(&self) -> &'static str {
        "pg"
    }
}

impl Store for Mem {
    fn tag(&self) -> &'static str {
        "mem"
    }
}

trait Shelf {
    #[cache(cache = cache, ignore(self))]
    fn count(&self, cache: &Cache) -> u8 {
        1
    }
}

impl Shelf for Pg {}
impl Shelf for Mem {}

/// The key names the type, whichever type was called first in this process.
#[tokio::test]
async fn the_key_of_a_default_method_does_not_depend_on_the_first_caller() {
    for cache in caches().await {
        Pg.count(&cache);
        Mem.count(&cache);
        let keys: Vec<String> = cache.blocking().keys("*").map(|key| key.expect("an answer")).collect();
        for name in ["Pg::count:", "Mem::count:"] {
            assert_eq!(keys.iter().filter(|key| key.starts_with(name)).count(), 1, "{name} in {keys:?}");
        }
        let stats = cache.stats();
        let misses = |name| stats.function(name).map(|counts| counts.misses);
        assert_eq!(misses("Pg::count"), Some(1), "{cache:?}");
        assert_eq!(misses("Mem::count"), Some(1), "{cache:?}");
    }
}

#[tokio::test]
async fn a_named_default_method_does_not_share_between_types() {
    for cache in caches().await {
        assert_eq!(Pg.get(&cache, 1), "pg 1", "{cache:?}");
        assert_eq!(Mem.get(&cache, 1), "mem 1", "{cache:?}");
    }
}
