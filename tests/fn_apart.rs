//! Functions that can run apart from their caller are what they were for everybody who calls them.

mod support;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use larder::{Cache, cache};
use support::tiers::{Calls, caches};

struct Db;

/// What functions are given: a service that is cloned for the refresh, and a counter that is shared.
#[derive(Clone)]
struct Service {
    cache: Cache,
    calls: Arc<Calls>,
    name: String,
    _db: Arc<Db>,
}

impl Service {
    fn of(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default(), name: "svc".to_owned(), _db: Arc::new(Db) }
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn borrowed(
        &self,
        id: u64,
        text: &str,
        list: &[u8],
        path: &Path,
    ) -> Result<String, std::io::Error> {
        self.calls.add();
        if id == 0 {
            return Err(std::io::Error::other("zero"));
        }
        let first = list.first().ok_or_else(|| std::io::Error::other("empty"))?;
        tokio::task::yield_now().await;
        Ok(format!("{}:{id}:{text}:{first}:{}", self.name, path.display()))
    }

    #[cache(expire = "1m", refresh_ahead = 0.5, ignore(self), cache = self.cache)]
    async fn by_arc(self: Arc<Self>, id: u64) -> String {
        self.calls.add();
        format!("{}:{id}", self.name)
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    fn blocking(&self, (a, b): (u64, u64), mut text: String) -> String {
        self.calls.add();
        text.push_str(&(a + b).to_string());
        text
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn generic<T: ToString + serde::Serialize + Clone + Send + Sync + 'static>(
        &self,
        value: T,
        other: &T,
    ) -> String {
        self.calls.add();
        value.to_string() + &other.to_string()
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn lives<'a, 'b>(&'a self, text: &'b str, of: u8) -> u64
    where
        'a: 'b,
    {
        self.calls.add();
        text.len() as u64 + u64::from(of)
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache, unless = |v| *v < least)]
    async fn ruled(&self, id: u64, least: u64) -> u64 {
        self.calls.add();
        id
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn nested(&self, id: u64) -> u64 {
        struct Inner(u64);
        impl Inner {
            fn get(&self) -> u64 {
                self.0
            }
        }
        fn outer(inner: &Inner) -> u64 {
            inner.get()
        }
        self.calls.add();
        let add = |n: u64| n + self.name.len() as u64;
        add(outer(&Inner(id)))
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    fn countdown(&self, n: u64) -> u64 {
        self.calls.add();
        if n == 0 { 0 } else { self.countdown(n - 1) + 1 }
    }

    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn statics(&self, id: u64) -> usize {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        self.calls.add();
        let _ = id;
        RUNS.fetch_add(1, SeqCst) + 1
    }
}

trait Reader {
    async fn native(&self, id: u64) -> String;
}

impl Reader for Service {
    #[cache(expire = "1m", soft_timeout = "1s", stale_if_error = "1m", ignore(self), cache = self.cache)]
    async fn native(&self, id: u64) -> String {
        self.calls.add();
        format!("native {id}")
    }
}

#[async_trait::async_trait]
trait Boxed {
    async fn boxed(&self, id: u64, text: &str) -> Result<String, String>;
}

#[async_trait::async_trait]
impl Boxed for Service {
    #[cache(expire = "1m", stale_while_revalidate = "1m", ignore(self), cache = self.cache)]
    async fn boxed(&self, id: u64, text: &str) -> Result<String, String> {
        self.calls.add();
        if id == 0 {
            return Err("zero".to_owned());
        }
        Ok(format!("{}:{text}", self.name))
    }
}

#[cache(expire = "1m", stale_while_revalidate = "1m", cache = cache)]
async fn free(cache: &Cache, #[cache(ignore)] calls: Arc<Calls>, text: Cow<'static, str>) -> usize {
    calls.add();
    text.len()
}

fn assert_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn every_shape_computes_once_and_hits() {
    for cache in &caches().await {
        let service = Service::of(cache);
        let path = Path::new("/tmp");
        for _ in 0..2 {
            let got = assert_send(service.borrowed(1, "a", &[7], path)).await;
            assert_eq!(got.expect("a value"), "svc:1:a:7:/tmp");
            assert_eq!(Arc::new(service.clone()).by_arc(2).await, "svc:2");
            assert_eq!(service.blocking((1, 2), "n".to_owned()), "n3");
            assert_eq!(assert_send(service.generic(1_u8, &2)).await, "12");
            assert_eq!(assert_send(service.lives("four", 3_u8)).await, 7);
            assert_eq!(service.ruled(5, 3).await, 5);
            assert_eq!(service.nested(2).await, 5);
            assert_eq!(service.countdown(3), 3);
            assert_eq!(service.native(1).await, "native 1");
            assert_eq!(service.boxed(1, "b").await, Ok("svc:b".to_owned()));
            assert_eq!(free(cache, Arc::clone(&service.calls), "four".into()).await, 4);
        }
        // One each, and four of the countdown.
        assert_eq!(service.calls.count(), 10 + 4, "{cache:?}");
        assert_eq!(service.boxed(0, "b").await, Err("zero".to_owned()));
        assert!(service.borrowed(0, "a", &[7], path).await.is_err());
        assert!(service.borrowed(1, "a", &[], path).await.is_err());
    }
}

#[tokio::test]
async fn the_body_stands_there_once() {
    let [cache, _] = caches().await;
    let service = Service::of(&cache);
    let first = service.statics(1).await;
    assert_eq!(larder::refresh(service.statics(1)).await, first + 1);
    assert_eq!(service.statics(1).await, first + 1);
}
