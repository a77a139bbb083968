//! Health routes: readiness while a database fails, and while the cache does. `cargo run --example health --features health`

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use larder::Cache;
use larder::health::{Need, routes};
use tower::ServiceExt as _;

struct Db(AtomicBool);

impl Db {
    async fn ping(&self) -> Result<(), &'static str> {
        if self.0.load(SeqCst) { Ok(()) } else { Err("the database is not reachable") }
    }
}

async fn show(app: &Router, path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let response = app.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await?;
    println!("{path}: {status} {}", String::from_utf8_lossy(&body));
    Ok(())
}

/// The routes of a process with this cache.
fn app(cache: &Cache, db: &Arc<Db>, need: Need) -> Router {
    let db = Arc::clone(db);
    let ping = move || {
        let db = Arc::clone(&db);
        async move { db.ping().await }
    };
    Router::new().merge(routes(cache).redis(need).check("db", ping))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::from_env().build().await?;
    let db = Arc::new(Db(AtomicBool::new(true)));
    let site = app(&cache, &db, Need::Degraded);
    show(&site, "/health/live").await?;
    show(&site, "/health/startup").await?;
    show(&site, "/health/ready").await?;

    println!("the database is lost");
    db.0.store(false, SeqCst);
    // Requests within half a second share the results of a probe.
    tokio::time::sleep(Duration::from_millis(600)).await;
    show(&site, "/health/ready").await?;
    show(&site, "/health/live").await?;
    db.0.store(true, SeqCst);

    println!("nothing listens where Redis should");
    let lost = Cache::builder().url("redis://127.0.0.1:1").build().await?;
    show(&app(&lost, &db, Need::Degraded), "/health/ready").await?;
    show(&app(&lost, &db, Need::Required), "/health/ready").await?;
    Ok(())
}
