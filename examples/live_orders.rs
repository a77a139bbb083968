//! Live orders: a page that follows a log of events, and resumes after a break. Runs without a server, on `memory://`; with several
//! processes, set `LARDER_URL` to a Redis and open the page of either:
//! `cargo run --example live_orders --features event_log,axum`, then http://127.0.0.1:3000. Ctrl-C ends the open streams and the server.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{Html, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use larder::event_log::{Channel, EventId, EventLog, SseParts, StreamEnd};
use larder::{Cache, Error};
use serde::{Deserialize, Serialize};
use tokio::sync::RwLock;

type AnyError = Box<dyn std::error::Error>;

/// The page: it loads the orders with the place in the log that they are from, follows the log from there, and loads them anew at a `reset`.
/// The browser connects again by itself.
const PAGE: &str = r##"<!doctype html>
<meta charset="utf-8"><title>Live orders</title>
<style>body { font: 16px sans-serif; margin: 2em } .down { color: #b00 }</style>
<h1>Live orders</h1>
<p id="state">connecting</p><p>Load: <span id="load">-</span></p>
<button onclick="fetch('/orders', { method: 'POST' })">New order</button>
<ul id="orders"></ul>
<script>
const state = document.querySelector("#state"), list = document.querySelector("#orders");
function show(order) {
  const item = document.createElement("li");
  item.textContent = `order ${order.order}: ${order.state}`;
  list.prepend(item);
}
async function load() {
  const page = await (await fetch("/orders")).json();
  list.replaceChildren();
  page.orders.forEach(show);
  return page.last_id;
}
load().then((lastId) => {
  const source = new EventSource("/orders/events" + (lastId ? "?last_event_id=" + lastId : ""));
  source.onopen = () => { state.textContent = "live"; state.className = ""; };
  source.onerror = () => { state.textContent = "connecting again"; state.className = "down"; };
  source.onmessage = (event) => show(JSON.parse(event.data));
  source.addEventListener("reset", load);
});
new EventSource("/load").onmessage = (event) => { document.querySelector("#load").textContent = event.data; };
</script>"##;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct OrderEvent {
    order: usize,
    state: String,
}

#[derive(Clone)]
struct App {
    /// The database of this example.
    orders: Arc<RwLock<Vec<OrderEvent>>>,
    log: EventLog<OrderEvent>,
    load: Channel<usize>,
    end: StreamEnd,
}

#[derive(Serialize)]
struct OrdersPage {
    orders: Vec<OrderEvent>,
    last_id: Option<EventId>,
}

/// The orders, with the place in the log that a page follows from. The place first: an event in between is shown twice rather than never.
async fn orders(State(app): State<App>) -> Json<OrdersPage> {
    let last_id = app.log.listen(None).await.last_id();
    Json(OrdersPage { orders: app.orders.read().await.clone(), last_id })
}

/// Stores first, and publishes then: whoever is told finds the order.
async fn new_order(State(app): State<App>) -> Result<String, String> {
    let event = {
        let mut orders = app.orders.write().await;
        let event = OrderEvent { order: orders.len() + 1, state: "received".to_owned() };
        orders.push(event.clone());
        event
    };
    let id: Result<EventId, Error> = app.log.publish(&event).await;
    id.map(|id| id.to_string()).map_err(|error| error.to_string())
}

/// Asks every half minute whether the client may still listen; here everybody may.
async fn events(parts: SseParts, State(app): State<App>) -> Response {
    app.log.sse(parts.until(&app.end).recheck("30s", || async { true }))
}

/// The load is worth nothing later: clients that are away miss it.
async fn load(parts: SseParts, State(app): State<App>) -> Response {
    app.load.sse(parts.until(&app.end))
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;
    let app = App {
        orders: Arc::default(),
        log: cache.event_log("orders").keep(1_000).expire("1h"),
        load: cache.channel("load"),
        end: StreamEnd::new(),
    };
    let ticks = app.clone();
    tokio::spawn(async move {
        for tick in 0.. {
            // Nobody need listen, and Redis may be away.
            drop(ticks.load.publish(&(tick % 7)).await);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let end = app.end.clone();
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/orders", get(orders))
        .route("/orders", post(new_order))
        .route("/orders/events", get(events))
        .route("/load", get(load))
        .with_state(app);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            // Without a way to ask, the server goes on.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            end.end();
        })
        .await?;
    cache.close().await;
    Ok(())
}
