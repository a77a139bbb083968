//! Functions that may be refreshed in the background keep every shape they can have: what they borrow, return and may do.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use larder::{Cache, Policy, cache};
use serde::{Deserialize, Serialize};
use support::tiers::{Calls, caches};

/// The future can go to another thread.
fn sent<F: Future + Send>(future: F) -> F {
    future
}

type Counted = Arc<Calls>;

#[derive(Clone, Debug, Serialize)]
struct Id(u64);

#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn borrowed(cache: &Cache, calls: &Counted, name: &str, list: &[u64], path: &Path, id: &Id) -> String {
    calls.add();
    tokio::task::yield_now().await;
    format!("{name}{list:?}{}{}", path.display(), id.0)
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn sync_borrowed(cache: &Cache, calls: &Counted, name: &str, list: &[u64], path: &Path, id: &Id) -> String {
    calls.add();
    format!("{name}{list:?}{}{}", path.display(), id.0)
}

#[tokio::test]
async fn borrowed_arguments() {
    for cache in &caches().await {
        let (calls, id) = (Counted::default(), Id(9));
        let path = Path::new("/x");
        for _ in 0..2 {
            let text = sent(borrowed(cache, &calls, "a", &[1, 2], path, &id)).await;
            assert_eq!(text, "a[1, 2]/x9", "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
        assert_eq!(borrowed(cache, &calls, "b", &[], path, &id).await, "b[]/x9", "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[test]
fn borrowed_arguments_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let (calls, id) = (Counted::default(), Id(9));
    for _ in 0..2 {
        let text = sync_borrowed(&cache, &calls, "a", &[1, 2], Path::new("/x"), &id);
        assert_eq!(text, "a[1, 2]/x9");
    }
    assert_eq!(calls.count(), 1);
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: u8,
    y: u8,
}

#[expect(clippy::too_many_arguments, reason = "each is another pattern")]
#[cache(cache = cache, refresh_ahead = 0.8)]
async fn patterns(
    cache: &Cache,
    calls: &Counted,
    mut n: u8,
    (a, mut b): (u8, u8),
    Id(id): Id,
    Point { x, y: up }: Point,
    [first, .., last]: [u8; 3],
    whole @ Point { y, .. }: Point,
    &deref: &u8,
    ref by: u8,
    _: u8,
    _unused: u8,
) -> String {
    calls.add();
    b += 1;
    n += 1;
    tokio::task::yield_now().await;
    format!("{n}{a}{b}{id}{x}{up}{first}{last}{}{y}{deref}{by}", whole.x)
}

#[cache(cache = cache, refresh_ahead = 0.8)]
fn sync_patterns(cache: &Cache, calls: &Counted, (a, mut b): (u8, u8), mut n: u8, only_in_key: u8) -> u8 {
    calls.add();
    b += 1;
    n += a;
    n + b
}

#[tokio::test]
async fn patterns_and_mut() {
    for cache in &caches().await {
        let calls = Counted::default();
        let p = Point { x: 4, y: 5 };
        for _ in 0..2 {
            let text = sent(patterns(cache, &calls, 0, (1, 2), Id(3), p, [6, 7, 8], p, &9, 1, 0, 0)).await;
            assert_eq!(text, "1133456845 91".replace(' ', ""), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[test]
fn patterns_and_mut_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    for _ in 0..2 {
        assert_eq!(sync_patterns(&cache, &calls, (1, 2), 3, 0), 7);
    }
    assert_eq!(sync_patterns(&cache, &calls, (1, 2), 3, 1), 7);
    assert_eq!(calls.count(), 2);
}

#[expect(clippy::too_many_arguments, reason = "each is another type")]
#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn owned(
    cache: Cache,
    calls: Counted,
    name: String,
    fixed: &'static str,
    maybe: Option<&'static str>,
    cow: Cow<'static, str>,
    #[cache(ignore)] visit: fn(&str) -> usize,
    #[cache(ignore)] boxed: Box<dyn Fn(&str) -> usize + Send + Sync>,
) -> String {
    calls.add();
    let length = boxed(&name);
    tokio::task::yield_now().await;
    [name, fixed.to_owned(), format!("{maybe:?}"), cow.into_owned(), (length + visit("abc")).to_string()]
        .concat()
}

#[tokio::test]
async fn owned_and_static_arguments() {
    for cache in caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            let text = sent(owned(
                cache.clone(),
                Arc::clone(&calls),
                "n".to_owned(),
                "f",
                Some("m"),
                Cow::Borrowed("c"),
                str::len,
                Box::new(str::len),
            ));
            assert_eq!(text.await, "nfSome(\"m\")c4", "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn shown(
    cache: &Cache,
    calls: &Counted,
    #[cache(ignore)] value: impl Display + Send + 'static,
    #[cache(ignore)] lent: &(impl Display + Clone + Send + Sync + 'static),
    #[cache(ignore)] list: Vec<impl Display + Send + Sync + 'static>,
    name: &str,
) -> String {
    calls.add();
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    tokio::task::yield_now().await;
    value.to_string() + &lent.to_string() + name + &list.concat()
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn sync_shown(
    cache: &Cache,
    calls: &Counted,
    value: impl Display + Serialize + Send + 'static,
    name: &str,
) -> String {
    calls.add();
    value.to_string() + name
}

#[cache(cache = cache, stale_while_revalidate = "1m", expire = life)]
async fn generic<T>(cache: &Cache, calls: &Counted, life: u64, one: T, many: &[T]) -> Vec<T>
where
    T: Serialize + for<'de> Deserialize<'de> + Clone + Debug + Send + Sync + 'static,
{
    calls.add();
    let mut all = many.to_vec();
    tokio::task::yield_now().await;
    all.push(one);
    all
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn fixed<T, const N: usize>(
    cache: &Cache,
    calls: &Counted,
    #[cache(ignore)] list: [T; N],
    text: &str,
) -> usize
where
    T: Display + Send + 'static,
{
    calls.add();
    let text = format!("{text}{}", list.map(|item| item.to_string()).concat());
    tokio::task::yield_now().await;
    text.len() + N
}

#[tokio::test]
async fn generic_arguments() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(sent(shown(cache, &calls, 1, &2, vec![3, 4], "x")).await, "12x34", "{cache:?}");
            assert_eq!(sent(generic(cache, &calls, 5, 1_u8, &[2, 3])).await, [2, 3, 1], "{cache:?}");
            let texts = generic(cache, &calls, 5, "a".to_owned(), &[]);
            assert_eq!(sent(texts).await, ["a"], "{cache:?}");
            assert_eq!(sent(fixed(cache, &calls, [1, 2], "a")).await, 5, "{cache:?}");
        }
        assert_eq!(calls.count(), 4, "{cache:?}");
    }
}

#[test]
fn generic_arguments_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    for _ in 0..2 {
        assert_eq!(sync_shown(&cache, &calls, 1, "x"), "1x");
    }
    assert_eq!(calls.count(), 1);
}

/// A service, its methods and what they say of themselves.
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

/// Generic over everything, behind `async_trait`.
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

/// The error can neither be sent nor cloned, and arrives by `?`, by coercion and by an early return.
#[cache(cache = cache, stale_while_revalidate = "1m", none_expire = 5)]
async fn fallible(
    cache: &Cache,
    calls: &Counted,
    text: &str,
) -> Result<Option<u64>, Box<dyn std::error::Error>> {
    calls.add();
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    if text == "none" {
        return Ok(None);
    }
    tokio::task::yield_now().await;
    let number: u64 = text.parse()?;
    if number == 0 { Err("zero".into()) } else { Ok(Some(number)) }
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn sync_fallible(cache: &Cache, calls: &Counted, text: &str) -> Result<u64, Box<dyn std::error::Error>> {
    calls.add();
    if text.is_empty() {
        return Err(Box::new(std::fmt::Error));
    }
    Ok(text.parse::<u64>()?)
}

#[tokio::test]
async fn errors_and_early_returns() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(fallible(cache, &calls, "5").await.ok(), Some(Some(5)), "{cache:?}");
            assert_eq!(fallible(cache, &calls, "none").await.ok(), Some(None), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        for wrong in ["", "x", "0"] {
            assert!(fallible(cache, &calls, wrong).await.is_err(), "{cache:?} {wrong}");
        }
    }
}

#[test]
fn errors_and_early_returns_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    for _ in 0..2 {
        assert_eq!(sync_fallible(&cache, &calls, "5").ok(), Some(5));
    }
    assert_eq!(calls.count(), 1);
    assert!(sync_fallible(&cache, &calls, "").is_err());
    assert!(sync_fallible(&cache, &calls, "x").is_err());
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn fibonacci(cache: &Cache, calls: &Counted, n: u64) -> u64 {
    calls.add();
    if n < 2 { n } else { fibonacci(cache, calls, n - 1) + fibonacci(cache, calls, n - 2) }
}

/// Whether its own future is `Send` cannot be known inside it, so it goes through a function whose type says so.
#[cache(cache = cache, stale_while_revalidate = "1m")]
async fn countdown(cache: &Cache, calls: &Counted, n: u64) -> u64 {
    fn next<'a>(
        cache: &'a Cache,
        calls: &'a Counted,
        n: u64,
    ) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
        Box::pin(countdown(cache, calls, n))
    }
    calls.add();
    if n == 0 { 0 } else { 1 + next(cache, calls, n - 1).await }
}

#[cache(cache = cache, stale_while_revalidate = "1m")]
fn boxed_countdown<'a>(
    cache: &'a Cache,
    calls: &'a Counted,
    n: u64,
) -> Pin<Box<dyn Future<Output = u64> + Send + 'a>> {
    Box::pin(async move {
        calls.add();
        if n == 0 { 0 } else { 1 + boxed_countdown(cache, calls, n - 1).await }
    })
}

#[tokio::test]
async fn recursion() {
    for cache in &caches().await {
        let calls = Counted::default();
        assert_eq!(sent(countdown(cache, &calls, 10)).await, 10, "{cache:?}");
        assert_eq!(countdown(cache, &calls, 11).await, 11, "{cache:?}");
        assert_eq!(calls.count(), 12, "{cache:?}");
        let calls = Counted::default();
        assert_eq!(boxed_countdown(cache, &calls, 10).await, 10, "{cache:?}");
        assert_eq!(boxed_countdown(cache, &calls, 11).await, 11, "{cache:?}");
        assert_eq!(calls.count(), 12, "{cache:?}");
    }
}

#[test]
fn recursion_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Counted::default();
    assert_eq!(fibonacci(&cache, &calls, 40), 102_334_155);
    assert_eq!(calls.count(), 41);
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

/// What `unless` and `expire_with` mention goes along with them.
#[cache(cache = cache, stale_while_revalidate = "1m", unless = |n: &u64| *n > limit, expire_with = |_| limit)]
async fn limited(cache: &Cache, calls: &Counted, limit: u64, n: u64) -> u64 {
    calls.add();
    n
}

const REFRESHED: Policy = Policy::new().refresh_ahead(0.5);

#[cache(cache = cache, policy = REFRESHED, background)]
async fn by_policy(
    cache: &Cache,
    calls: &Counted,
    #[cfg(any())] absent: NoSuchType,
    #[cfg(not(any()))] name: &str,
) -> usize {
    calls.add();
    name.len()
}

#[cache(cache = cache, stale_if_error = "1m", stale_retry = 5, jitter = 0.1, local = "1s")]
async fn in_the_call(
    cache: &Cache,
    calls: &Calls,
    list: &[&str],
) -> Result<usize, Box<dyn std::error::Error>> {
    calls.add();
    Ok(list.len())
}

#[tokio::test]
async fn options_beside() {
    for cache in &caches().await {
        let calls = Counted::default();
        for _ in 0..2 {
            assert_eq!(sent(limited(cache, &calls, 5, 6)).await, 6, "{cache:?}");
            assert_eq!(sent(by_policy(cache, &calls, "abc")).await, 3, "{cache:?}");
        }
        assert_eq!(calls.count(), 3, "{cache:?}");
        assert_eq!(limited(cache, &calls, 5, 5).await, 5, "{cache:?}");
        assert_eq!(limited(cache, &calls, 5, 5).await, 5, "{cache:?}");
        assert_eq!(calls.count(), 4, "{cache:?}");
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(in_the_call(cache, &calls, &["a"]).await.ok(), Some(1), "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
