//! Methods of traits: native `async fn`, `#[async_trait]`, defaults, generic implementations.

use async_trait::async_trait;
use larder::{Cache, cache};
use serde::Serialize;
use support::stores::{Calls, caches};

/// A trait with native `async fn`, one of them a default method.
trait Store: Sync {
    async fn get(&self, cache: &Cache, calls: &Calls, id: u64) -> Result<u64, String>;

    #[cache(cache = cache, ignore(self))]
    async fn get_twice(&self, cache: &Cache, calls: &Calls, id: u64) -> Result<u64, String> {
        calls.add();
        Ok(self.get(cache, calls, id).await? + self.get(cache, calls, id).await?)
    }

    #[cache(cache = cache)]
    async fn named(cache: &Cache, calls: &Calls, name: &str) -> String
    where
        Self: Sized,
    {
        calls.add();
        format!("{name} of {}", std::any::type_name::<Self>())
    }
}

#[derive(Serialize)]
struct Postgres;
#[derive(Serialize)]
struct Files<'a> {
    root: &'a str,
}

impl Store for Postgres {
    #[cache(cache = cache)]
    async fn get(&self, cache: &Cache, calls: &Calls, id: u64) -> Result<u64, String> {
        calls.add();
        Ok(id)
    }
}

impl Store for Files<'_> {
    #[cache(cache = cache, expire = "1m", unless = |n: &u64| *n == 9)]
    async fn get(&self, cache: &Cache, calls: &Calls, id: u64) -> Result<u64, String> {
        calls.add();
        if self.root.is_empty() { Err("no root".to_owned()) } else { Ok(id * 10) }
    }
}

#[tokio::test]
async fn native_async_methods_of_traits() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Postgres.get(cache, &calls, 1).await, Ok(1), "{cache:?}");
            assert_eq!(Files { root: "/" }.get(cache, &calls, 1).await, Ok(10), "{cache:?}");
            assert_eq!(Postgres.get_twice(cache, &calls, 1).await, Ok(2), "{cache:?}");
            assert_eq!(Files { root: "/" }.get_twice(cache, &calls, 1).await, Ok(20), "{cache:?}");
            assert!(Postgres::named(cache, &calls, "a").await.ends_with("Postgres"), "{cache:?}");
            assert!(Files::named(cache, &calls, "a").await.contains("Files"), "{cache:?}");
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
        assert!(Files { root: "" }.get(cache, &calls, 1).await.is_err(), "{cache:?}");
    }
}

#[async_trait]
trait Shop: Send + Sync {
    async fn price(&self, cache: &Cache, calls: &Calls, name: &str) -> Result<u64, String>;

    #[cache(cache = cache, ignore(self))]
    async fn default_price(&self, cache: &Cache, calls: &Calls, name: &str) -> u64 {
        calls.add();
        name.len() as u64
    }

    async fn local(&self, cache: &Cache, calls: &Calls) -> Option<u64>;
}

struct Online {
    rate: u64,
}

#[async_trait]
impl Shop for Online {
    #[cache(cache = cache, ignore(self))]
    async fn price(&self, cache: &Cache, calls: &Calls, name: &str) -> Result<u64, String> {
        calls.add();
        if name.is_empty() {
            return Err("no name".to_owned());
        }
        let length: u64 = name.len().try_into().map_err(|_| "too long")?;
        Ok(length * self.rate)
    }

    #[cache(cache = cache, ignore(self), none_expire = "5s")]
    async fn local(&self, cache: &Cache, calls: &Calls) -> Option<u64> {
        calls.add();
        None
    }
}

/// A generic implementation behind `async_trait`.
#[derive(Serialize)]
struct Discount<T> {
    inner: T,
}

#[async_trait]
impl<T: Serialize + Send + Sync + Clone + Into<u64>> Shop for Discount<T> {
    #[cache(cache = cache)]
    async fn price(&self, cache: &Cache, calls: &Calls, name: &str) -> Result<u64, String> {
        calls.add();
        Ok(self.inner.clone().into() + name.len() as u64)
    }

    async fn local(&self, _: &Cache, _: &Calls) -> Option<u64> {
        None
    }
}

#[async_trait(?Send)]
trait Local {
    async fn value(&self, cache: &Cache, calls: &Calls) -> u64;
}

#[async_trait(?Send)]
impl Local for Online {
    #[cache(cache = cache, ignore(self))]
    async fn value(&self, cache: &Cache, calls: &Calls) -> u64 {
        let local = std::rc::Rc::new(self.rate);
        tokio::task::yield_now().await;
        calls.add();
        *local
    }
}

#[tokio::test]
async fn methods_of_async_trait() {
    for cache in caches().await {
        let done = tokio::spawn(async move {
            let calls = Calls::default();
            let shop: Box<dyn Shop> = Box::new(Online { rate: 2 });
            for _ in 0..2 {
                assert_eq!(shop.price(&cache, &calls, "abc").await, Ok(6), "{cache:?}");
                assert_eq!(shop.default_price(&cache, &calls, "abc").await, 3, "{cache:?}");
                assert_eq!(shop.local(&cache, &calls).await, None, "{cache:?}");
                assert_eq!(Discount { inner: 1_u8 }.price(&cache, &calls, "abc").await, Ok(4), "{cache:?}");
                assert_eq!(Discount { inner: 2_u8 }.price(&cache, &calls, "abc").await, Ok(5), "{cache:?}");
            }
            assert_eq!(calls.count(), 5, "{cache:?}");
            for _ in 0..2 {
                assert!(shop.price(&cache, &calls, "").await.is_err(), "{cache:?}");
            }
            assert_eq!(calls.count(), 7, "{cache:?}");
        });
        done.await.expect("the task");
    }
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Online { rate: 2 }.value(cache, &calls).await, 2, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
