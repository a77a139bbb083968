//! Every shape of argument: patterns, `mut`, borrowed, generic, `impl Trait`, `dyn Trait`.

use std::borrow::Cow;
use std::fmt::{Debug, Display};

use larder::{Cache, cache};
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: u8,
    y: u8,
}

#[derive(Clone, Debug, Serialize)]
struct Id(u64);

#[cache(cache = cache)]
async fn mutable(cache: &Cache, calls: &Calls, mut n: u32, mut list: Vec<u32>) -> Vec<u32> {
    calls.add();
    n += 1;
    list.push(n);
    list
}

#[expect(clippy::too_many_arguments, reason = "each is another pattern")]
#[cache(cache = cache)]
async fn patterns(
    cache: &Cache,
    calls: &Calls,
    (a, mut b): (u8, u8),
    Id(id): Id,
    Point { x, y: up }: Point,
    [first, .., last]: [u8; 3],
    whole @ Point { y, .. }: Point,
    &deref: &u8,
    _: u8,
    _unused: u8,
) -> String {
    calls.add();
    b += 1;
    format!("{a}{b}{id}{x}{up}{first}{last}{}{y}{deref}", whole.x)
}

#[cache(cache = cache)]
fn sync_patterns(cache: &Cache, calls: &Calls, (a, mut b): (u8, u8), mut n: u8) -> u8 {
    calls.add();
    b += 1;
    n += a;
    n + b
}

#[tokio::test]
async fn patterns_and_mut() {
    for cache in &caches().await {
        let calls = Calls::default();
        let p = |x, y| Point { x, y };
        for _ in 0..2 {
            assert_eq!(mutable(cache, &calls, 1, vec![1]).await, [1, 2], "{cache:?}");
            let text = patterns(cache, &calls, (1, 2), Id(3), p(4, 5), [6, 0, 7], p(8, 9), &1, 0, 0).await;
            assert_eq!(text, "1334567891", "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        // All parts of an argument are in the key, including those that `_` drops.
        patterns(cache, &calls, (1, 3), Id(3), p(4, 5), [6, 0, 7], p(8, 9), &1, 0, 0).await;
        patterns(cache, &calls, (1, 2), Id(3), p(4, 5), [6, 1, 7], p(8, 9), &1, 0, 0).await;
        patterns(cache, &calls, (1, 2), Id(3), p(4, 5), [6, 0, 7], p(8, 9), &1, 1, 0).await;
        patterns(cache, &calls, (1, 2), Id(3), p(4, 5), [6, 0, 7], p(8, 9), &1, 0, 1).await;
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

#[test]
fn patterns_and_mut_of_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(sync_patterns(&cache, &calls, (1, 2), 3), 7);
    }
    assert_eq!(calls.count(), 1);
}

#[expect(clippy::too_many_arguments, clippy::borrowed_box, reason = "each is another way to borrow")]
#[cache(cache = cache)]
async fn borrowed<'a, 'b: 'a>(
    cache: &Cache,
    calls: &Calls,
    text: &str,
    bytes: &'a [u8],
    maybe: Option<&'b str>,
    point: &'a Point,
    cow: Cow<'_, str>,
    list: &Vec<&'a str>,
    nested: &&'a Option<&'b Point>,
    array: &[u8; 2],
    boxed: &Box<str>,
    changed: &mut u64,
    forever: &'static str,
) -> String {
    calls.add();
    *changed += 1;
    let Point { x, y } = point;
    format!("{text}{bytes:?}{maybe:?}{x}{y}{cow}{list:?}{nested:?}{array:?}{boxed}{forever}")
}

#[cache(cache = cache)]
fn sync_borrowed(cache: &Cache, calls: &Calls, text: &str, maybe: Option<&str>) -> usize {
    calls.add();
    text.len() + maybe.map_or(0, str::len)
}

#[tokio::test]
async fn borrowed_arguments() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            // Each round borrows from other owners.
            let (text, bytes, point, mut changed) = ("a".to_owned(), vec![1, 2], Point { x: 3, y: 4 }, 0);
            let (some, list, boxed) = (Some(&point), vec![text.as_str()], "b".into());
            let nested = &some;
            let answer = borrowed(
                cache,
                &calls,
                &text,
                &bytes,
                Some(&text),
                &point,
                Cow::Borrowed(&text),
                &list,
                &nested,
                &[5, 6],
                &boxed,
                &mut changed,
                "c",
            );
            let right = r#"a[1, 2]Some("a")34a["a"]Some(Point { x: 3, y: 4 })[5, 6]bc"#;
            assert_eq!(answer.await, right, "{cache:?}");
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
    let cache = Cache::builder().build().await.expect("a cache");
    let done = tokio::task::spawn_blocking(move || {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(sync_borrowed(&cache, &calls, &String::from("ab"), Some("c")), 3);
        }
        assert_eq!(calls.count(), 1);
    });
    done.await.expect("the blocking half");
}

trait Greeter: Send + Sync {
    fn greet(&self) -> String;
}

impl Greeter for Point {
    fn greet(&self) -> String {
        format!("{}{}", self.x, self.y)
    }
}

#[cache(cache = cache, ignore(Greeter))]
async fn any(
    cache: &Cache,
    calls: &Calls,
    name: impl AsRef<str> + Serialize + Send,
    show: &(impl Display + Serialize + ?Sized + Sync),
    greeter: &dyn Greeter,
    #[cache(ignore)] f: impl Fn(u8) -> u8 + Send,
    #[cache(ignore)] boxed: Box<dyn Greeter>,
) -> String {
    calls.add();
    format!("{}{show}{}{}{}", name.as_ref(), greeter.greet(), f(1), boxed.greet())
}

#[tokio::test]
async fn impl_and_dyn_arguments() {
    for cache in &caches().await {
        let calls = Calls::default();
        let point = Point { x: 1, y: 2 };
        for _ in 0..2 {
            assert_eq!(
                any(cache, &calls, "a", &1, &point, |n| n + 1, Box::new(point)).await,
                "a112212",
                "{cache:?}"
            );
        }
        let owned = any(cache, &calls, "a".to_owned(), "1", &point, |n| n + 2, Box::new(point));
        assert_eq!(owned.await, "a112312", "{cache:?}");
        assert_eq!(calls.count(), 2, "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn generic<'a, T, const N: usize>(cache: &Cache, calls: &Calls, array: [T; N], by: &'a T) -> Vec<T>
where
    T: Clone + Debug + Send + Sync + Serialize + for<'de> Deserialize<'de>,
    [T; N]: Serialize,
    T: 'a,
{
    calls.add();
    let mut list = array.to_vec();
    list.push(by.clone());
    list
}

#[cache(cache = cache)]
async fn constant<const FAST: bool, const N: char>(cache: &Cache, calls: &Calls) -> String {
    calls.add();
    format!("{FAST}{N}")
}

#[tokio::test]
async fn generic_arguments() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(generic(cache, &calls, [1_u8, 2], &3).await, [1, 2, 3], "{cache:?}");
            assert_eq!(generic(cache, &calls, [1_u16, 2], &3).await, [1, 2, 3], "{cache:?}");
            assert_eq!(
                generic(cache, &calls, [String::new()], &"a".to_owned()).await,
                ["", "a"],
                "{cache:?}"
            );
            assert_eq!(constant::<true, 'a'>(cache, &calls).await, "truea", "{cache:?}");
            assert_eq!(constant::<true, 'b'>(cache, &calls).await, "trueb", "{cache:?}");
            assert_eq!(constant::<false, 'a'>(cache, &calls).await, "falsea", "{cache:?}");
        }
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

#[cache(cache = cache)]
async fn configured(cache: &Cache, #[cfg(any())] missing: NoSuchType, #[cfg(not(any()))] there: u8) -> u8 {
    there
}

#[tokio::test]
async fn arguments_under_cfg() {
    for cache in &caches().await {
        assert_eq!((configured(cache, 1).await, configured(cache, 2).await), (1, 2), "{cache:?}");
        assert_eq!(configured(cache, 1).await, 1, "{cache:?}");
        assert_eq!(cache.stats().total.hits, 1, "{cache:?}");
    }
}
