//! Borrowed, owned, generic and destructured arguments.

use std::borrow::Cow;
use std::fmt::{Debug, Display};
use std::path::Path;
use std::sync::Arc;

use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::stores::caches;

use super::calls::{Counted, sent};

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
