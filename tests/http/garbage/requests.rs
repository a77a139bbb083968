//! Garbage from clients.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use proptest::prelude::*;
use support::deployment::shared;
use support::stores::{caches, on, unique};
use support::wire::{Origin, Wire, ask, declared, request, response, serve_site};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::fields::{layers, runs, status, ten, uri};

/// Parts of header values, well-formed or nearly so.
fn word() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "max-age=60",
        "max-age=",
        "max-age=-1",
        "s-maxage=99999999999999999999",
        "no-store",
        "no-cache",
        "private",
        "public",
        "must-revalidate",
        "stale-while-revalidate=5",
        "stale-if-error=x",
        "only-if-cached",
        "max-stale",
        "min-fresh=5",
        "\"a\"",
        "W/\"a\"",
        "*",
        "\"",
        "\\",
        "bytes=0-1",
        "bytes=-",
        "bytes=18446744073709551615-",
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 99 Nov 9999 99:99:99 GMT",
        "accept",
        "gzip",
        "x-a",
        ";=",
        ",,",
        "=",
        "a=b",
        "chunked",
        "close",
        "/b",
        "//h/../..",
        "http://h/a?b#c",
        "7200",
        "-1",
        "multipart/byteranges",
        "100",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[ -~]{0,20}"]
}

/// Header values: words with separators, and sometimes bytes that are no text.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let between = prop::sample::select(vec![",", ", ", ";", " ", "=", "\t", "\u{fc}"]);
    prop::collection::vec((word(), between), 0..4).prop_flat_map(|words| {
        let text: String = words.into_iter().flat_map(|(word, between)| [word, between.to_owned()]).collect();
        prop_oneof![4 => Just(text.into_bytes()), 1 => prop::collection::vec(any::<u8>(), 0..40)]
    })
}

type Fields = Vec<(&'static str, Vec<u8>)>;

fn of_requests() -> impl Strategy<Value = Fields> {
    let names = prop::sample::select(vec![
        "cache-control",
        "pragma",
        "if-none-match",
        "if-modified-since",
        "if-match",
        "if-unmodified-since",
        "if-range",
        "range",
        "authorization",
        "cookie",
        "accept",
        "accept-encoding",
        "x-a",
        "host",
        "connection",
        "te",
    ]);
    prop::collection::vec((names, value()), 0..5)
}

fn of_responses() -> impl Strategy<Value = Fields> {
    let names = prop::sample::select(vec![
        "cache-control",
        "cdn-cache-control",
        "expires",
        "date",
        "age",
        "etag",
        "last-modified",
        "vary",
        "set-cookie",
        "content-length",
        "content-range",
        "content-encoding",
        "content-type",
        "location",
        "content-location",
        "connection",
        "transfer-encoding",
        "pragma",
        "warning",
        "x-cache",
        "cache-status",
        "trailer",
    ]);
    prop::collection::vec((names, value()), 0..6)
}

/// Adds the headers that have a valid value.
fn put(headers: &mut HeaderMap, fields: &Fields) {
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
}

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["GET", "GET", "GET", "HEAD", "POST", "DELETE", "OPTIONS", "BREW"])
}

#[test]
fn garbage_in_fields_of_requests_and_responses_is_no_500() {
    let runtime = Runtime::new().expect("a runtime");
    let caches = runtime.block_on(caches());
    let prepared: Arc<Mutex<(u16, Fields)>> = Arc::new(Mutex::new((200, Vec::new())));
    for (cache, cases) in caches.iter().zip([600, 150]) {
        let prepared_for_origin = Arc::clone(&prepared);
        let origin = Origin::new(move |_, _| {
            let (status, fields) = prepared_for_origin.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let mut response =
                response(status, &[], if status == 204 || status == 304 { "" } else { "0123456789" });
            put(response.headers_mut(), &fields);
            Ok(response)
        });
        let services: Vec<_> = layers(cache).iter().map(|layer| origin.behind(layer)).collect();
        let crowd = || prop::collection::vec((method(), uri(), of_requests()), 1..4);
        runs(cases, |runner| {
            let outcome = runner.run(&(status(), of_responses(), crowd()), |(status, fields, crowd)| {
                *prepared.lock().unwrap_or_else(PoisonError::into_inner) = (status, fields);
                for service in &services {
                    for (method, uri, fields) in &crowd {
                        let Ok(uri) = uri.parse::<Uri>() else { continue };
                        let mut request = request(method, "/", &[]);
                        *request.uri_mut() = uri;
                        put(request.headers_mut(), fields);
                        let got = runtime.block_on(ask(service, request)).expect("the origin is reached");
                        prop_assert_ne!(got.status, 500);
                        let wholes: [&[u8]; 2] = [b"0123456789", b""];
                        let is_part = got.status == 206
                            && wholes[0].windows(got.body.len().max(1)).any(|part| part == got.body);
                        prop_assert!(wholes.contains(&got.body.as_slice()) || is_part, "{:?}", got);
                    }
                }
                Ok(())
            });
            outcome.expect("no case fails");
        });
    }
}

/// Asserts that the server still works.
async fn assert_alive(address: SocketAddr) {
    let got = Wire::to(address).await.exchange("GET", "/alive", &[]).await;
    assert_eq!((got.status, got.text().as_str()), (200, "0123456789"));
}

/// Returns the statuses that raw bytes lead to.
///
/// A valid request follows the bytes, after which the server closes the connection; if the server takes the request for
/// the rest of the bytes, the end of the stream follows.
async fn raw(address: SocketAddr, bytes: &[u8]) -> Vec<u16> {
    const PATIENCE: Duration = Duration::from_millis(300);
    const LAST: &[u8] = b"GET /alive HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let (mut from, mut to) = stream.into_split();
    let mut answer = Vec::new();
    let bytes = [bytes, LAST].concat();
    // A reset is a valid reaction, and the server need not read everything.
    let exchange = async { tokio::join!(to.write_all(&bytes), from.read_to_end(&mut answer)) };
    if timeout(PATIENCE, exchange).await.is_err() {
        drop(to.shutdown().await);
        drop(timeout(PATIENCE, from.read_to_end(&mut answer)).await);
    }
    let text = String::from_utf8_lossy(&answer);
    text.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)?.parse().ok()).collect()
}

#[test]
fn raw_garbage_from_clients_is_no_500() {
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        for site in declared(ten).await {
            let address = serve_site(site.service.clone()).await;
            let long = "x".repeat(1 << 20);
            for bytes in [
                &b""[..],
                b"\r\n\r\n",
                b"GET",
                b"GET / HTTP/1.1\r\n",
                b"GET / HTTP/1.1\r\n\r\n",
                b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
                b"GET \xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET /\xc3\xbc?\xff HTTP/1.1\r\nHost: a\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: \xff\xff\r\nCookie: \xfe\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nCache-Control: \xff=\"\\\r\nIf-None-Match: \"\xfc\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\n\tfolded\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
                b"GET http://user:pass@[::1]:99999/ HTTP/1.1\r\nHost: a\r\n\r\n",
                b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes(),
                format!("GET / HTTP/1.1\r\nHost: a\r\nX-A: {long}\r\n\r\n").as_bytes(),
                format!("GET / HTTP/1.1\r\nHost: a\r\nCache-Control: {}\r\n\r\n", ",".repeat(60_000)).as_bytes(),
                format!("GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: {}\r\n\r\n", "\"a".repeat(20_000)).as_bytes(),
                format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(5000)).as_bytes(),
            ] {
                let statuses = raw(address, bytes).await;
                assert!(statuses.iter().all(|status| *status < 500), "{statuses:?} {}", bytes.escape_ascii());
                assert_alive(address).await;
            }
        }
    });
    let site = runtime.block_on(declared(ten)).remove(0);
    let address = runtime.block_on(serve_site(site.service));
    let good = b"GET /a?b=1 HTTP/1.1\r\nHost: h\r\nCache-Control: max-age=5\r\nIf-None-Match: W/\"a\"\r\nRange: bytes=0-1\r\n\r\n";
    let changes = prop::collection::vec((0..good.len(), any::<u8>()), 0..6);
    runs(300, |runner| {
        let outcome = runner.run(&(changes.clone(), any::<bool>()), |(changes, inserts)| {
            let mut bytes = good.to_vec();
            for (at, byte) in changes {
                if inserts { bytes.insert(at, byte) } else { bytes[at] = byte }
            }
            let statuses = runtime.block_on(raw(address, &bytes));
            prop_assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
            Ok(())
        });
        outcome.expect("no case fails");
    });
    runtime.block_on(assert_alive(address));
}

#[tokio::test]
async fn very_long_queries_make_keys_of_bounded_length() {
    let prefix = unique("absurd");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    for layer in layers(&cache) {
        let address = serve_site(ten().behind(&layer)).await;
        for query in [
            "&".repeat(1_000_000),
            "&".repeat(60_000),
            format!("a={}", "1".repeat(100_000)),
            format!("a={}", "1".repeat(60_000)),
            (0..9_000).map(|n| format!("&{}=", n % 97)).collect(),
            "%".repeat(60_000),
            "{}~*[]\\".repeat(8_000),
        ] {
            let statuses =
                raw(address, format!("GET /?{query} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
            // The server rejects invalid URIs.
            assert!(statuses.iter().all(|status| [200, 400, 414, 431].contains(status)), "{statuses:?}");
            assert_alive(address).await;
        }
    }
    let keys = shared().command(&["KEYS", &format!("{prefix}*")]);
    assert!(keys.lines().count() > 5, "{keys}");
    assert!(keys.lines().all(|key| key.len() < 300), "{:?}", keys.lines().map(str::len).max());
}
