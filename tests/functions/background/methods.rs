//! Methods of types and of traits.

use std::sync::Arc;

use async_trait::async_trait;
use larder::{Cache, cache};
use serde::Serialize;
use support::stores::caches;

use super::calls::{Counted, sent};

/// A service with methods of every shape.
#[derive(Clone, Serialize)]
struct Service<T> {
    rate: T,
    #[serde(skip)]
    cache: Cache,
    #[serde(skip)]
    calls: Counted,
}

impl<T: Serialize + Copy + Into<u64> + Send + Sync + 'static> Service<T> {
    const FACTOR: u64 = 10;

    fn new(cache: &Cache, rate: T) -> Self {
        Self { rate, cache: cache.clone(), calls: Counted::default() }
    }

    fn rate(&self) -> u64 {
        self.rate.into() * Self::FACTOR
    }

    #[cache(cache = self.cache, stale_while_revalidate = "1m", entry = by_reference_entry)]
    async fn by_reference(&self, name: &str) -> u64 {
        self.calls.add();
        struct Inner(u64);
        impl Inner {
            fn get(&self) -> u64 {
                self.0
            }
        }
        let counted = || self.rate() + Inner(1).get();
        tokio::task::yield_now().await;
        let Self { rate, .. } = self;
        counted() + vec![self.rate.into(), (*rate).into()].len() as u64 + name.len() as u64
    }

    #[cache(cache = self.cache, stale_while_revalidate = "1m")]
    fn sync_by_reference(&self, name: &str) -> u64 {
        self.calls.add();
        self.rate() + name.len() as u64
    }

    #[cache(cache = self.cache, stale_while_revalidate = "1m")]
    async fn by_value(mut self, by: u64) -> String {
        self.calls.add();
        tokio::task::yield_now().await;
        self.calls = Counted::default();
        format!("{}", self.rate() + by)
    }

    #[cache(cache = self.cache, ignore(self), stale_while_revalidate = "1m")]
    async fn by_arc(self: Arc<Self>, by: u64) -> u64 {
        self.calls.add();
        tokio::task::yield_now().await;
        self.rate() + by
    }

    #[cache(cache = self.cache, ignore(self), stale_while_revalidate = "1m")]
    async fn by_lent_arc(self: &Arc<Self>, by: u64) -> u64 {
        self.calls.add();
        tokio::task::yield_now().await;
        Arc::clone(self).rate() + by
    }

    #[cache(cache = cache, stale_while_revalidate = "1m")]
    async fn associated(cache: &Cache, calls: &Counted, value: &T) -> u64 {
        calls.add();
        tokio::task::yield_now().await;
        Self::FACTOR * (*value).into()
    }
}

#[tokio::test]
async fn methods() {
    for cache in &caches().await {
        let service = Service::new(cache, 2_u8);
        for _ in 0..2 {
            assert_eq!(sent(service.by_reference("abc")).await, 26, "{cache:?}");
            assert_eq!(sent(service.clone().by_value(1)).await, "21", "{cache:?}");
            assert_eq!(sent(Arc::new(service.clone()).by_arc(1)).await, 21, "{cache:?}");
            assert_eq!(sent(Arc::new(service.clone()).by_lent_arc(2)).await, 22, "{cache:?}");
            assert_eq!(sent(Service::associated(cache, &service.calls, &3_u8)).await, 30, "{cache:?}");
        }
        assert_eq!(service.calls.count(), 5, "{cache:?}");
        assert_eq!(service.by_reference_entry("abc").get::<u64>().await, Some(26), "{cache:?}");
        let other = Service::new(cache, 3_u8);
        assert_eq!((other.by_reference("abc").await, other.calls.count()), (36, 1), "{cache:?}");
    }
}

#[test]
fn sync_methods() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let service = Service::new(&cache, 2_u8);
    for _ in 0..2 {
        assert_eq!(service.sync_by_reference("abc"), 23);
    }
    assert_eq!(service.calls.count(), 1);
}

trait Store: Clone + Send + Sync + 'static {
    fn get(
        &self,
        cache: &Cache,
        calls: &Counted,
        id: u64,
    ) -> impl Future<Output = Result<u64, String>> + Send;

    #[cache(cache = cache, ignore(self), stale_while_revalidate = "1m")]
    fn twice(&self, cache: &Cache, calls: &Counted, id: u64) -> impl_free::Answer {
        calls.add();
        impl_free::Answer(self.factor() * id)
    }

    fn factor(&self) -> u64;
}

mod impl_free {
    #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    pub(super) struct Answer(pub(super) u64);
}

#[derive(Clone)]
struct Files(u64);

impl Store for Files {
    #[cache(cache = cache, ignore(self), stale_while_revalidate = "1m")]
    async fn get(&self, cache: &Cache, calls: &Counted, id: u64) -> Result<u64, String> {
        calls.add();
        tokio::task::yield_now().await;
        if id == 0 {
            return Err("no zero".to_owned());
        }
        Ok(self.factor() * id)
    }

    fn factor(&self) -> u64 {
        self.0
    }
}

#[async_trait]
trait Shop: Send + Sync {
    async fn price(&self, cache: &Cache, calls: &Counted, name: &str) -> Result<u64, String>;

    #[cache(cache = cache, ignore(self), stale_while_revalidate = "1m")]
    async fn default_price(&self, cache: &Cache, calls: &Counted, name: &str) -> u64
    where
        Self: Clone + 'static,
    {
        calls.add();
        tokio::task::yield_now().await;
        self.rate() * name.len() as u64
    }

    fn rate(&self) -> u64;
}

#[derive(Clone)]
struct Online {
    rate: u64,
}

#[async_trait]
impl Shop for Online {
    #[cache(cache = cache, ignore(self), stale_while_revalidate = "1m")]
    async fn price(&self, cache: &Cache, calls: &Counted, name: &str) -> Result<u64, String> {
        calls.add();
        if name.is_empty() {
            return Err("no name".to_owned());
        }
        tokio::task::yield_now().await;
        let length: u64 = name.len().try_into().map_err(|_| "too long")?;
        Ok(length * self.rate)
    }

    fn rate(&self) -> u64 {
        self.rate
    }
}

/// A generic implementation behind `async_trait`.
#[derive(Clone, Serialize)]
struct Discount<T> {
    inner: T,
}

#[async_trait]
impl<T: Serialize + Send + Sync + Clone + Into<u64> + 'static> Shop for Discount<T> {
    #[cache(cache = cache, stale_while_revalidate = "1m")]
    async fn price(&self, cache: &Cache, calls: &Counted, name: &str) -> Result<u64, String> {
        calls.add();
        tokio::task::yield_now().await;
        Ok(self.rate() + name.len() as u64)
    }

    fn rate(&self) -> u64 {
        self.inner.clone().into()
    }
}

#[tokio::test]
async fn methods_of_traits() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(sent(Files(2).get(cache, &calls, 3)).await, Ok(6), "{cache:?}");
            let online: Box<dyn Shop> = Box::new(Online { rate: 2 });
            assert_eq!(sent(online.price(cache, &calls, "abc")).await, Ok(6), "{cache:?}");
            assert_eq!(sent(Online { rate: 2 }.default_price(cache, &calls, "ab")).await, 4, "{cache:?}");
            let discount = Discount { inner: 2_u8 };
            assert_eq!(sent(discount.price(cache, &calls, "abc")).await, Ok(5), "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
        for _ in 0..2 {
            assert!(Online { rate: 2 }.price(cache, &calls, "").await.is_err(), "{cache:?}");
            assert!(Files(2).get(cache, &calls, 0).await.is_err(), "{cache:?}");
        }
        assert_eq!(calls.count(), 8, "{cache:?}");
    }
}

#[test]
fn sync_default_methods_of_traits() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    for _ in 0..2 {
        assert_eq!(Files(2).twice(&cache, &calls, 3), impl_free::Answer(6));
    }
    assert_eq!(calls.count(), 1);
}

macro_rules! made {
    ($name:ident($($arg:ident: $ty:ty),*) $body:expr) => {
        #[cache(cache = cache, stale_while_revalidate = "1m")]
        async fn $name(cache: &Cache, calls: &Counted, $($arg: $ty),*) -> usize {
            calls.add();
            tokio::task::yield_now().await;
            $body
        }
    };
    (method $name:ident($this:ident) $body:expr) => {
        #[cache(cache = $this.cache, stale_while_revalidate = "1m")]
        async fn $name(&$this, by: u64) -> u64 {
            $this.calls.add();
            tokio::task::yield_now().await;
            by + $body
        }
    };
}

made!(by_macro(text: &str, count: usize) text.len() * count);

impl Service<u16> {
    made!(method method_by_macro(self) self.rate());
}

#[tokio::test]
async fn functions_from_macros() {
    for cache in &caches().await {
        let calls = Counted::default();
        let service = Service::new(cache, 2_u16);
        for _ in 0..2 {
            assert_eq!(sent(by_macro(cache, &calls, "abc", 2)).await, 6, "{cache:?}");
            assert_eq!(sent(service.method_by_macro(1)).await, 21, "{cache:?}");
        }
        assert_eq!((calls.count(), service.calls.count()), (1, 1), "{cache:?}");
    }
}
