//! A shop that one can click through: lists read at once, cached pages, sessions, limits, live stock, health, a warm-up. Runs without a
//! server, on `memory://`, or with several processes on the Redis of `LARDER_URL`:
//! `cargo run --example shop --features shop`, then http://localhost:3000. Ctrl-C ends it.

mod database;
mod pages;
mod shopping;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::response::Response;
use axum::routing::{get, post};
use larder::Cache;
use larder::event_log::{EventLog, SseParts, StreamEnd};
use larder::rate_limit::RateLimit;
use larder::session::SessionLayer;

use self::database::{Database, StockEvent, product};

type AnyError = Box<dyn std::error::Error>;

/// The state of the application.
#[derive(Clone)]
struct Shop {
    database: Database,
    stock: EventLog<StockEvent>,
    end: StreamEnd,
}

impl Shop {
    fn new(cache: &Cache) -> Self {
        let stock = cache.event_log("stock").keep(1_000).expire("1h");
        Self { database: Database::new(), stock, end: StreamEnd::new() }
    }

    /// The routes; `limit` is that of purchases and logins, for each address.
    fn routes(self, cache: &Cache, limit: &str) -> Router {
        // Over HTTPS, leave `insecure` out.
        let sessions = SessionLayer::new(cache).insecure("shop");
        let limited = Router::new()
            .route("/login/{name}", post(shopping::login))
            .route("/buy", post(shopping::buy))
            .route_layer(RateLimit::new(limit).scope("shop").cache(cache).layer());
        Router::new()
            .route("/", get(pages::list))
            .route("/products/{id}", get(pages::detail))
            .route("/stock", get(stock))
            .route("/cart", get(shopping::cart))
            .route("/cart/{id}", post(shopping::add))
            .route("/logout", post(shopping::logout))
            .merge(limited)
            .layer(sessions)
            .merge(larder::health::routes(cache))
            .with_state(self)
    }
}

impl FromRef<Shop> for Database {
    fn from_ref(shop: &Shop) -> Self {
        shop.database.clone()
    }
}

/// The changes of the stock: pages show them without being loaded again.
async fn stock(parts: SseParts, State(shop): State<Shop>) -> Response {
    shop.stock.sse(parts.until(&shop.end))
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;
    let shop = Shop::new(&cache);
    let (database, end) = (shop.database.clone(), shop.end.clone());
    // The first visitor finds a warm shop.
    let warm = cache.warm_up().each(database.ids(), move |id| {
        let database = database.clone();
        async move { product(&database, id).await }
    });
    println!("{:?}", warm.run().await);
    let app = shop.routes(&cache, "30/minute").into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://localhost:{}", listener.local_addr()?.port());
    let until = async move {
        // Without a way to ask, the server goes on.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        end.end();
    };
    axum::serve(listener, app).with_graceful_shutdown(until).await?;
    cache.close().await;
    Ok(())
}
