//! Rate limits: a layer with two windows, direct calls, a limit that only watches, and an outage. Runs without a server, on `memory://`:
//! `cargo run --example rate_limit --features rate_limit,axum`

use std::net::SocketAddr;

use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::Request;
use axum::routing::get;
use axum::{Extension, Router};
use larder::rate_limit::{By, Limited, OnOutage, RateLimit, Verdict};
use larder::{Cache, rate_limit};
use tower::ServiceExt as _;

type AnyError = Box<dyn std::error::Error>;

/// Sends a request as a proxy in 10.0.0.0/8 does for this client, and shows the response.
async fn show(app: &Router, path: &str, client: &str) -> Result<(), AnyError> {
    let mut request = Request::get(path).header("x-forwarded-for", client).body(Body::empty())?;
    // In a server, `into_make_service_with_connect_info` tells the address.
    request.extensions_mut().insert(SocketAddr::from(([10, 0, 0, 1], 4711)));
    let response = app.clone().oneshot(request).await?;
    println!("{client} {path}: {}", response.status());
    for name in ["ratelimit", "retry-after"] {
        if let Some(value) = response.headers().get(name) {
            println!("    {name}: {}", value.to_str()?);
        }
    }
    let body = to_bytes(response.into_body(), usize::MAX).await?;
    println!("    {}", String::from_utf8_lossy(&body));
    Ok(())
}

async fn item(Path(id): Path<u64>, Extension(verdict): Extension<Verdict>) -> String {
    format!("item {id}; {} more", verdict.remaining)
}

#[rate_limit("2/minute", by = "{to}")]
async fn send_mail(to: &str) -> Result<(), Limited> {
    println!("    mail to {to}");
    Ok(())
}

/// Five failures in a quarter of an hour; a login that succeeds costs nothing.
async fn login(email: &str, password: &str) -> Result<(), AnyError> {
    let failures = RateLimit::new("5/15m").scope("login failures").on_outage(OnOutage::Closed);
    failures.peek(email).await.ok()?;
    if password != "secret" {
        let verdict = failures.hit(email).await;
        return Err(format!("wrong password, {} more attempts", verdict.remaining).into());
    }
    failures.reset(email).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;

    println!("a route with two windows, by the address that the proxy names");
    let limit = RateLimit::new("3/minute").and("100/day").by(By::ip().trust(["10.0.0.0/8"]));
    let app = Router::new().route("/items/{id}", get(item)).route_layer(limit.layer());
    for id in 1..=4 {
        show(&app, &format!("/items/{id}"), "198.51.100.7").await?;
    }
    show(&app, "/items/5", "198.51.100.8").await?;
    show(&app, "/items/6", "1.1.1.1, 198.51.100.7").await?;

    println!("a function");
    for _ in 0..3 {
        if let Err(limited) = send_mail("ada@example.com").await {
            println!("    refused: {limited}");
        }
    }

    println!("direct calls");
    for password in ["a", "b", "secret", "c", "d", "e", "f", "g", "secret"] {
        match login("ada@example.com", password).await {
            Ok(()) => println!("    {password}: welcome"),
            Err(error) => println!("    {password}: {error}"),
        }
    }

    println!("a limit that only watches");
    let watching = RateLimit::new("1/minute").scope("watching").shadow(true);
    for _ in 0..3 {
        let verdict = watching.hit("ada").await;
        println!("    allowed: {}, over the limit: {}", verdict.allowed, verdict.over_limit);
    }

    println!("nothing listens where Redis should");
    let lost = Cache::builder().url("redis://127.0.0.1:1").build().await?;
    for rule in [OnOutage::Local, OnOutage::Open, OnOutage::Closed] {
        let limit = RateLimit::new("1/minute").scope("lost").cache(&lost).on_outage(rule);
        let (first, second) = (limit.hit("ada").await, limit.hit("ada").await);
        println!("    {rule:?}: {}, {} by {:?}", first.allowed, second.allowed, first.decided_by);
    }
    println!("{}", cache.stats());
    Ok(())
}
