//! Garbage from origins and in the store.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::error_handling::HandleErrorLayer;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::TokioExecutor;
use larder::Cache;
use larder::http::ResponseCacheLayer;
use proptest::prelude::*;
use support::deployment::shared;
use support::stores::{caches, on, unique};
use support::wire::{Origin, Reply, Wire, ask, request, response, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tower::ServiceBuilder;

use super::fields::{PRIVATE, layers, runs, ten};

#[tokio::test]
async fn a_response_with_the_maximum_of_headers_is_no_panic() {
    for cache in caches().await {
        for layer in layers(&cache) {
            let origin = Origin::new(|_, _| {
                let mut response = response(200, &[("cache-control", "max-age=60")], "x");
                for n in 0..40_000 {
                    let name = HeaderName::try_from(format!("x-{n}")).expect("a name");
                    if response.headers_mut().try_append(name, HeaderValue::from_static("")).is_err() {
                        break;
                    }
                }
                Ok(response)
            });
            for layer in [layer.clone(), layer.max_headers(usize::MAX)] {
                let service = origin.behind(&layer);
                for _ in 0..2 {
                    assert_eq!(
                        ask(&service, request("GET", "/", &[])).await.expect("a response").text(),
                        "x"
                    );
                }
                assert_eq!(ask(&service, request("POST", "/", &[])).await.expect("a response").text(), "x");
            }
        }
    }
}

/// Starts a proxy like `examples/reverse_proxy.rs` in front of an origin that sends `bytes` on each connection.
async fn proxy(cache: &Cache, bytes: Arc<Mutex<Vec<u8>>>) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let origin = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let bytes = bytes.lock().unwrap_or_else(PoisonError::into_inner).clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(&bytes).await);
                drop(stream.shutdown().await);
            });
        }
    });
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http::<Body>();
    let forward = tower::service_fn(move |mut request: Request<Body>| {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
        *request.uri_mut() = format!("http://{origin}{path}").parse().expect("a URI");
        let client = client.clone();
        async move {
            let mut response = client.request(request).await?;
            for name in ["connection", "transfer-encoding", "keep-alive", "upgrade"] {
                response.headers_mut().remove(name);
            }
            Ok::<_, Error>(response)
        }
    });
    let unreached = HandleErrorLayer::new(async |_: Error| StatusCode::BAD_GATEWAY);
    let layer = ResponseCacheLayer::new().obey_origin().cache(cache);
    let reached = ServiceBuilder::new().layer(unreached).layer(layer).service(forward);
    serve(Router::new().fallback_service(reached)).await
}

const GOOD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\nVary: x-a\r\n\r\n0123456789";

/// Responses that end early or cannot be parsed.
const MALFORMED: [&[u8]; 14] = [
    b"",
    b"junk",
    b"HTTP/1.1 200",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 999 \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nCache-Control: max-age=60\r\n\r\nhalf",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\n4\r\nhalf\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: max-age=60\r\n\r\nzz\r\nhalf\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    b"HTTP/1.1 304 Not Modified\r\nETag: \xff\r\n\r\n",
    b"HTTP/1.1 206 Partial Content\r\nContent-Range: junk\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nVary: \xff, *\r\nCache-Control: \xfe\r\nExpires: \r\nAge: \xff\r\nContent-Length: 2\r\n\r\nok",
    ];

#[test]
fn raw_garbage_from_an_origin_is_no_500_and_never_stored_in_part() {
    let runtime = Runtime::new().expect("a runtime");
    let [memory, _] = runtime.block_on(caches());
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let address = runtime.block_on(proxy(&memory, Arc::clone(&bytes)));
    let tell = |said: &[u8]| *bytes.lock().unwrap_or_else(PoisonError::into_inner) = said.to_vec();
    let get = async |uri: &str| -> Option<Reply> {
        let mut wire = Wire::to(address).await;
        wire.request("GET", uri, &[]).await;
        wire.response("GET").await
    };
    for (n, said) in MALFORMED.iter().enumerate() {
        let uri = format!("/{n}");
        tell(said);
        for _ in 0..2 {
            if let Some(got) = runtime.block_on(get(&uri)) {
                assert_ne!(got.status, 500, "{}", said.escape_ascii());
            }
        }
        // A truncated response was not stored.
        tell(GOOD);
        let next = runtime.block_on(get(&uri)).expect("a response");
        assert!(next.text() != "half" && next.status < 500, "{} {next:?}", said.escape_ascii());
    }
    let changes = prop::collection::vec((0..GOOD.len(), any::<u8>()), 0..5);
    let counter = std::cell::Cell::new(0);
    runs(250, |runner| {
        let outcome =
            runner.run(&(changes.clone(), any::<bool>(), 0..=GOOD.len()), |(changes, inserts, cut)| {
                let mut said = GOOD.to_vec();
                for (at, byte) in changes {
                    if inserts { said.insert(at, byte) } else { said[at] = byte }
                }
                said.truncate(cut.max(said.len() / 2));
                counter.set(counter.get() + 1);
                let uri = format!("/p{}", counter.get());
                tell(&said);
                for _ in 0..2 {
                    if let Some(got) = runtime.block_on(get(&uri)) {
                        prop_assert_ne!(got.status, 500);
                    }
                }
                Ok(())
            });
        outcome.expect("no case fails");
    });
}

#[test]
fn random_bytes_under_the_key_are_a_miss() {
    let runtime = Runtime::new().expect("a runtime");
    let prefix = unique("bytes");
    let cache = runtime.block_on(on(shared()).prefix(&prefix).build()).expect("a cache");
    for (n, layer) in layers(&cache).into_iter().enumerate() {
        let service = ten().behind(&layer);
        let uri = format!("/{n}");
        let own = [("host", "h"), ("authorization", "a")];
        let fields = if n == PRIVATE { &own[..] } else { &own[..1] };
        let get = || runtime.block_on(ask(&service, request("GET", &uri, fields))).expect("a response");
        get();
        assert_eq!(get().x_cache(), "HIT");
        let keys = || {
            let found = shared().command(&["KEYS", &format!("{prefix}*{uri}*")]);
            found.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(!keys().is_empty());
        runs(60, |runner| {
            let garbage = prop_oneof!["[ -~]{0,60}", "[\\x00-\\x7f]{0,300}"];
            let outcome = runner.run(&(garbage, any::<prop::sample::Index>()), |(garbage, which)| {
                let keys = keys();
                prop_assert!(!keys.is_empty());
                prop_assert_eq!(shared().command(&["SET", &keys[which.index(keys.len())], &garbage]), "OK");
                let got = get();
                prop_assert_eq!((got.status, got.text()), (200, "0123456789".to_owned()));
                // One of several entries may be a variant that no index names any more.
                prop_assert!(got.x_cache() == "MISS" || keys.len() > 1);
                // The entry was replaced.
                prop_assert_eq!(get().x_cache(), "HIT");
                Ok(())
            });
            outcome.expect("no case fails");
        });
        // The stored entry with one byte changed or its end cut off.
        let key = keys().into_iter().max_by_key(String::len).expect("a key");
        let len: usize = shared().command(&["STRLEN", &key]).parse().expect("a length");
        for at in (0..len).step_by(7) {
            shared().command(&["SETRANGE", &key, &at.to_string(), "\u{1}"]);
            let got = get();
            assert_eq!((got.status, got.text().as_str()), (200, "0123456789"), "byte {at}");
        }
        // A key of another Redis type.
        shared().command(&["DEL", &key]);
        shared().command(&["LPUSH", &key, "a"]);
        assert_eq!(get().text(), "0123456789");
    }
}
