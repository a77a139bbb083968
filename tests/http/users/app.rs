//! Handlers that answer each user, and crowds of users.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use larder::{Cache, IgnoreInKey, cache};
use serde::Serialize;
use support::stores::{Calls, Gate, LONG, in_time};
use support::wait::eventually_async;
use support::wire::{Reply, Wire};

/// The headers of five clients; the last has no credentials.
pub(super) const USERS: [&[(&str, &str)]; 5] = [
    &[("authorization", "Bearer alice")],
    &[("authorization", "Bearer bob")],
    &[("cookie", "session=carol")],
    &[("cookie", "session=dave"), ("authorization", "Bearer alice")],
    &[],
];

/// The name of the user, as a service derives it.
pub(super) fn who(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).map_or("-", |value| value.to_str().expect("text"));
    format!("{} {}", text(header::AUTHORIZATION), text(header::COOKIE))
}

/// The result of [`who`] for one of [`USERS`].
pub(super) fn name(user: usize) -> String {
    who(&support::wire::fields(USERS[user]))
}

#[derive(Clone)]
pub(super) struct App {
    pub(super) cache: Cache,
    pub(super) calls: Arc<Calls>,
    pub(super) gate: Arc<Gate>,
    pub(super) fails: Arc<AtomicBool>,
}

impl IgnoreInKey for App {}

impl App {
    pub(super) fn new(cache: &Cache) -> Self {
        Self { cache: cache.clone(), calls: Arc::default(), gate: Arc::default(), fails: Arc::default() }
    }

    pub(super) async fn page(&self, user: String) -> Response {
        self.calls.add();
        self.gate.pass().await;
        if self.fails.load(SeqCst) {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        ([("x-user", user.clone())], user).into_response()
    }
}

#[derive(Clone, Serialize)]
pub(super) struct User(pub(super) String);

#[cache(response, expire = "1h", cache = app.cache)]
pub(super) async fn by_extension(app: State<App>, Extension(user): Extension<User>) -> Response {
    app.page(user.0).await
}

#[cache(response, expire = "1h", key = "own", entry = own_entry, private, cache = app.cache)]
pub(super) async fn own(app: State<App>, headers: HeaderMap) -> Response {
    app.page(who(&headers)).await
}

#[cache(response, expire = "1h", shared, cache = app.cache)]
pub(super) async fn greets(app: State<App>, headers: HeaderMap) -> Response {
    let user = who(&headers);
    let mut response = app.page(user.clone()).await;
    response.headers_mut().insert("set-cookie", user.parse().expect("a value"));
    response
}

pub(super) async fn ask_as(address: SocketAddr, user: usize, method: &str, uri: &str) -> Reply {
    Wire::to(address).await.exchange(method, uri, USERS[user]).await
}

/// Sends two hundred concurrent requests of five clients; the first is held until the others were sent.
pub(super) async fn stampede(address: SocketAddr, gate: &Gate, uri: &str) -> Vec<(usize, Reply)> {
    let sent = Calls::default();
    let crowd = (0..200).map(async |n| {
        let user = n % USERS.len();
        // One in four is a HEAD request.
        let method = if n % 4 == 3 { "HEAD" } else { "GET" };
        let mut wire = Wire::to(address).await;
        wire.request(method, uri, USERS[user]).await;
        sent.add();
        (user, wire.response(method).await.expect("a response"))
    });
    let opened = async {
        gate.arrived(1).await;
        eventually_async(LONG, async || sent.count() == 200).await;
        gate.open();
    };
    in_time(async { tokio::join!(join_all(crowd), opened).0 }).await
}

#[track_caller]
pub(super) fn assert_own(answers: &[(usize, Reply)], uri: &str) {
    for (user, got) in answers {
        let own = name(*user);
        assert_eq!((got.status, got.field("x-user")), (200, Some(own.clone())), "{uri}: {got:?}");
        assert!(got.body.is_empty() || got.text() == own, "{uri}: {got:?}");
    }
}
