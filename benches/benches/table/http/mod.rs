//! Cached handlers of axum against handlers by hand, all on one server: what `wrk` gets out of each route in turn.
//!
//! `scripts/bench http calls ROUTE N [TASKS]` makes N requests to a route in this process and on one thread, without a socket in
//! front: for callgrind, whose counts are the same however busy the machine is.

mod routes;
mod wrk;

use std::env;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tower::ServiceExt;

pub fn measure() {
    let args: Vec<String> = env::args().skip(2).filter(|arg| !arg.starts_with("--")).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["calls", route, calls] => call(route, calls.parse().expect("a number of calls"), 1),
        ["calls", route, calls, tasks] => {
            call(route, calls.parse().expect("a number of calls"), tasks.parse().expect("a number of tasks"));
        }
        _ => race(),
    }
}

/// The server here, and wrk beside it.
fn race() {
    let runtime = larder_benches::runtime();
    let address = runtime.block_on(async {
        let app = routes::app().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    });
    wrk::race(address);
}

/// As many requests as were asked for, with the headers of a browser, from so many tasks.
fn call(route: &str, calls: u64, tasks: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let app = routes::app().await;
        requests(&app, route, 10).await;
        if tasks == 1 {
            return requests(&app, route, calls).await;
        }
        let tasks: Vec<_> = (0..tasks)
            .map(|_| {
                let (app, route) = (app.clone(), route.to_owned());
                tokio::spawn(async move { requests(&app, &route, calls / tasks).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("no request panics");
        }
    });
}

/// Has a name of its own in a profile.
#[inline(never)]
async fn requests(app: &Router, route: &str, calls: u64) {
    for _ in 0..calls {
        let request = Request::get(format!("/{route}/7"))
            .header("host", "localhost:3000")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
            .header("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
            .header("accept-language", "en-US,en;q=0.5")
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .header("connection", "keep-alive")
            .body(Body::empty())
            .expect("a request");
        settled(app.clone().oneshot(request).await.expect("a response")).await;
    }
}

async fn settled(response: Response<Body>) {
    assert!(response.status().is_success(), "{response:?}");
    let body = response.into_body().collect().await.expect("a body");
    assert!(!body.to_bytes().is_empty());
}
