//! Range requests, and the kinds of tags that allow them.

use support::stores::caches;

use super::conditional::{AFTER, Headers, MODIFIED, assert_not_modified, cached, cached_at};

#[tokio::test]
async fn single_ranges_are_answered_from_the_stored_response() {
    let ranges: &[(&str, u16, &str, Option<&str>)] = &[
        ("bytes=0-3", 206, "0123", Some("bytes 0-3/10")),
        ("bytes=4-", 206, "456789", Some("bytes 4-9/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-30", 206, "0123456789", Some("bytes 0-9/10")),
        ("bytes=8-30", 206, "89", Some("bytes 8-9/10")),
        ("BYTES=0-0", 206, "0", Some("bytes 0-0/10")),
        ("bytes=10-", 416, "", Some("bytes */10")),
        ("bytes=-0", 416, "", Some("bytes */10")),
        ("bytes=3-2", 200, "0123456789", None),
        ("bytes=0-1,3-4", 200, "0123456789", None),
        ("lines=0-1", 200, "0123456789", None),
        ("bytes=a-b", 200, "0123456789", None),
        ("bytes=99999999999999999999999-", 416, "", Some("bytes */10")),
        ("garbage", 200, "0123456789", None),
        ("", 200, "0123456789", None),
    ];
    for cache in &caches().await {
        let headers = &[("content-type", "text/x"), ("accept-ranges", "bytes")];
        let (server, app) = cached_at(cache, "/file", headers).await;
        let full = server.get("/file").await;
        assert!(full.tag().starts_with('"') && full.header("accept-ranges") == Some("bytes"), "{full:?}");
        for &(range, status, body, part) in ranges {
            let answer = server.get_with("/file", &[("range", range)]).await;
            assert_eq!((answer.status, answer.brief()), (status, ("HIT", body)), "{cache:?} {range}");
            assert_eq!(answer.header("content-range"), part, "{cache:?} {range}");
            assert_eq!(answer.tag(), full.tag(), "{cache:?} {range}");
            let kind = (status != 416).then_some("text/x");
            assert!(status == 416 || answer.header("content-type") == kind, "{cache:?} {range}");
        }
        let twice = server.get_with("/file", &[("range", "bytes=0-1"), ("range", "bytes=0-2")]).await;
        assert_eq!(twice.status, 200, "{cache:?}");
        // A matching condition precedes the range, and HEAD ignores a range.
        let same = server.get_with("/file", &[("range", "bytes=0-1"), ("if-none-match", full.tag())]).await;
        assert_not_modified(&same, "HIT");
        let head = server.send("HEAD", "/file", &[("range", "bytes=0-1")], "").await;
        assert_eq!((head.status, head.header("content-length")), (200, Some("10")), "{cache:?}");
        assert_eq!(app.calls.count(), 1, "{cache:?}");
    }
}

#[tokio::test]
async fn if_range_names_the_response_of_the_range() {
    for cache in &caches().await {
        let (server, _) = cached(cache, &[("etag", r#""mine""#), ("last-modified", MODIFIED)]).await;
        for (condition, status) in [
            (r#""mine""#, 206),
            (r#"W/"mine""#, 200),
            (r#""x""#, 200),
            (AFTER, 200),
            ("garbage", 200),
            ("*", 200),
        ] {
            let answer = server.get_with("/", &[("range", "bytes=0-1"), ("if-range", condition)]).await;
            assert_eq!((answer.status, answer.x_cache()), (status, "HIT"), "{cache:?} {condition}");
        }
    }
}

/// RFC 9110 section 8.8.1: a compression outside the cache may change the bytes, so parts of two responses are not put together.
#[tokio::test]
async fn without_a_strong_tag_a_range_gets_the_whole_response() {
    let no_tags: [(&str, Headers); 3] = [
        ("/", &[("accept-ranges", "bytes"), ("last-modified", MODIFIED)]),
        ("/off", &[("accept-ranges", "bytes"), ("last-modified", MODIFIED)]),
        ("/file", &[("accept-ranges", "bytes"), ("etag", r#"W/"mine""#)]),
    ];
    for cache in &caches().await {
        for (path, headers) in no_tags {
            let (server, app) = cached_at(cache, path, headers).await;
            let full = server.get(path).await;
            let tag = full.header("etag").unwrap_or("none").to_owned();
            let wanted = [("/", "W/\""), ("/off", "none"), ("/file", r#"W/"mine""#)];
            assert!(wanted.iter().any(|(known, start)| *known == path && tag.starts_with(start)), "{full:?}");
            let strong = tag.trim_start_matches("W/").to_owned();
            for condition in [None, Some(tag.as_str()), Some(strong.as_str()), Some(MODIFIED)] {
                let condition = condition.map(|condition| ("if-range", condition));
                let request: Vec<_> = condition.into_iter().chain([("range", "bytes=0-1")]).collect();
                let answer = server.get_with(path, &request).await;
                assert_eq!(
                    (answer.status, answer.brief()),
                    (200, ("HIT", "0123456789")),
                    "{path} {request:?}"
                );
                assert_eq!((answer.header("content-range"), answer.header("accept-ranges")), (None, None));
            }
            // It still confirms what the client has.
            if tag != "none" {
                for known in [tag.as_str(), strong.as_str()] {
                    let same =
                        server.get_with(path, &[("if-none-match", known), ("range", "bytes=0-1")]).await;
                    assert_not_modified(&same, "HIT");
                }
            }
            assert_eq!(app.calls.count(), 1, "{cache:?} {path}");
        }
    }
}

#[tokio::test]
async fn with_a_handlers_own_strong_tag_ranges_are_served_whatever_the_option() {
    for cache in &caches().await {
        for path in ["/", "/file", "/off"] {
            let (server, _) =
                cached_at(cache, path, &[("etag", r#""mine""#), ("accept-ranges", "bytes")]).await;
            let part = server.get_with(path, &[("range", "bytes=2-3"), ("if-range", r#""mine""#)]).await;
            assert_eq!((part.status, part.brief()), (206, ("HIT", "23")), "{cache:?} {path}");
            assert_eq!((part.tag(), part.header("accept-ranges")), (r#""mine""#, Some("bytes")), "{path}");
        }
    }
}

#[tokio::test]
async fn the_tags_of_the_three_kinds_are_made_of_one_hash() {
    for cache in &caches().await {
        let (server, _) = cached(cache, &[]).await;
        let (weak, strong) = (server.get("/").await, server.get("/file").await);
        assert_eq!(weak.tag(), format!("W/{}", strong.tag()), "{cache:?}");
        for from in ["MISS", "HIT"] {
            let answer = server.get("/off").await;
            assert_eq!((answer.x_cache(), answer.header("etag")), (from, None), "{cache:?}");
        }
        // Without a tag only a date can confirm, and there is none.
        let answer = server.get_with("/off", &[("if-none-match", weak.tag())]).await;
        assert_eq!((answer.status, answer.x_cache()), (200, "HIT"), "{cache:?}");
    }
}
