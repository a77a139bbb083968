//! The handler's own `Cache-Control`: what of it is stored, and what of it clients are told.

use support::http::{App, Server};

use super::app::{clocked, router, seconds, with};

/// Header names and values.
type Headers = &'static [(&'static str, &'static str)];

/// The `Cache-Control` that is told at once and ten seconds later; `None` where the response is not stored.
type Told = Option<(&'static str, &'static str)>;

/// Asks a page with these headers, and checks what is told to five seconds.
async fn assert_told(path: &str, table: &[(Headers, Told)]) {
    let (caches, clock) = clocked().await;
    for cache in &caches {
        for &(headers, told) in table {
            cache.clear().await.expect("cleared");
            let server = Server::start(router(&App::new(cache, move |_| with(headers, "a")))).await;
            let first = server.get(path).await;
            let Some((at_first, later)) = told else {
                // It is sent as the handler wrote it.
                let own: Vec<_> = headers
                    .iter()
                    .filter(|(name, _)| *name == "cache-control")
                    .map(|(_, said)| *said)
                    .collect();
                assert_eq!((first.x_cache(), first.all("cache-control")), ("BYPASS", own.clone()), "{own:?}");
                assert_eq!(server.get(path).await.x_cache(), "BYPASS", "{cache:?} {headers:?}");
                continue;
            };
            assert_eq!(
                (first.x_cache(), first.header("cache-control")),
                ("MISS", Some(at_first)),
                "{headers:?}"
            );
            assert_eq!(first.header("expires").is_some(), at_first.contains("max-age"), "{first:?}");
            clock.advance(seconds(10));
            let hit = server.get(path).await;
            assert_eq!(hit.x_cache(), "HIT", "{cache:?} {headers:?}");
            let wanted: Vec<String> = (0..5)
                .map(|late| {
                    let Some(age) = hit.max_age() else { return later.to_owned() };
                    later.replacen(&format!("max-age={}", age + late), &format!("max-age={age}"), 1)
                })
                .collect();
            let control = hit.header("cache-control").expect("it is told");
            assert!(wanted.iter().any(|wanted| wanted == control), "{headers:?} {control} {later}");
            let same = server.get_with(path, &[("if-none-match", "*")]).await;
            assert_eq!((same.status, same.all("cache-control").len()), (304, 1), "{cache:?} {headers:?}");
            let rest = |control: &str| control.split_once(", ").map(|(_, rest)| rest.to_owned());
            assert_eq!(rest(same.header("cache-control").expect("told")), rest(later), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn what_a_handler_tells_its_clients_bounds_what_they_are_told() {
    assert_told(
        "/hour",
        &[
            (&[], Some(("max-age=3600", "max-age=3590"))),
            (&[("cache-control", "max-age=0")], None),
            (&[("cache-control", "no-cache")], None),
            (&[("cache-control", "no-cache, s-maxage=0")], None),
            (&[("cache-control", "private, s-maxage=60")], None),
            (&[("cache-control", "no-store, s-maxage=60")], None),
            // For the server a minute, for its clients nothing.
            (&[("cache-control", "s-maxage=60, max-age=0")], Some(("max-age=0", "max-age=0"))),
            (&[("cache-control", "s-maxage=60, no-cache")], Some(("no-cache", "no-cache"))),
            (
                &[("cache-control", "no-cache=\"set-cookie\""), ("cache-control", "s-maxage=60")],
                Some(("no-cache", "no-cache")),
            ),
            (&[("cache-control", "s-maxage=60"), ("expires", "0")], Some(("max-age=0", "max-age=0"))),
            (&[("cache-control", "max-age=20, s-maxage=60")], Some(("max-age=20", "max-age=10"))),
            (&[("cache-control", "max-age=60, s-maxage=20")], Some(("max-age=20", "max-age=10"))),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_time_of_its_own_is_bounded_as_well() {
    assert_told(
        "/told",
        &[
            (&[], Some(("max-age=60", "max-age=60"))),
            (&[("cache-control", "max-age=1000")], Some(("max-age=60", "max-age=60"))),
            (&[("cache-control", "max-age=20")], Some(("max-age=20", "max-age=10"))),
            (&[("cache-control", "s-maxage=20")], Some(("max-age=20", "max-age=10"))),
            (&[("cache-control", "s-maxage=600, no-cache")], Some(("no-cache", "no-cache"))),
            (&[("cache-control", "s-maxage=600, max-age=0")], Some(("max-age=0", "max-age=0"))),
            (&[("cache-control", "public")], Some(("public, max-age=60", "public, max-age=60"))),
            (&[("cache-control", "max-age=0")], None),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_can_be_taken_back_is_not_told_whatever_the_handler_says() {
    assert_told(
        "/tagged",
        &[
            (&[("cache-control", "max-age=20")], Some(("no-cache", "no-cache"))),
            (
                &[("cache-control", "public, must-revalidate")],
                Some(("public, no-cache, must-revalidate", "public, no-cache, must-revalidate")),
            ),
            (&[("cache-control", "immutable")], Some(("no-cache, immutable", "no-cache, immutable"))),
        ],
    )
    .await;
}

/// RFC 9111 section 5.2.3, RFC 8246.
#[tokio::test]
async fn directives_that_are_for_clients_pass_through_once() {
    assert_told(
        "/hour",
        &[
            (
                &[("cache-control", "max-age=60, immutable")],
                Some(("max-age=60, immutable", "max-age=50, immutable")),
            ),
            (
                &[("cache-control", "no-transform")],
                Some(("max-age=3600, no-transform", "max-age=3590, no-transform")),
            ),
            (
                &[("cache-control", "foo=bar, Foo=bar, x"), ("cache-control", "baz=\"a, b\", x, foo=2")],
                Some((
                    "max-age=3600, foo=bar, x, baz=\"a, b\", foo=2",
                    "max-age=3590, foo=bar, x, baz=\"a, b\", foo=2",
                )),
            ),
            (
                &[("cache-control", "must-understand, IMMUTABLE, public, max-age=20, must-revalidate")],
                Some((
                    "public, max-age=20, must-revalidate, must-understand, IMMUTABLE",
                    "public, max-age=10, must-revalidate, must-understand, IMMUTABLE",
                )),
            ),
            // What is malformed would change the meaning of what follows.
            (
                &[("cache-control", "a b, =, foo =bar, y=\"open, ok=1")],
                Some(("max-age=3600, ok=1", "max-age=3590, ok=1")),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_long_list_of_directives_is_cut() {
    let (caches, _) = clocked().await;
    for cache in &caches {
        let app = App::new(cache, |_| {
            let many: Vec<_> = (0..500).map(|n| format!("x{n}=1")).collect();
            let mut response = with(&[], "a");
            response.headers_mut().insert("cache-control", many.join(", ").parse().expect("a value"));
            response
        });
        let server = Server::start(router(&app)).await;
        for from in ["MISS", "HIT"] {
            let answer = server.get("/hour").await;
            let control = answer.header("cache-control").expect("it is told");
            assert!(
                answer.x_cache() == from && control.contains("x15=1") && !control.contains("x16=1"),
                "{control}"
            );
        }
    }
}
