//! An application with sessions, and a browser that keeps its cookie.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use larder::Cache;
use larder::session::{Session, SessionLayer};
use serde::Deserialize;
use serde_json::Value;
use support::http::{Answer, Server};
use support::stores::Gate;

use crate::COOKIE;

/// The server of an application.
pub(crate) struct App {
    pub(crate) server: Server,
    pub(crate) sessions: SessionLayer,
    /// Holds requests to `/slow`.
    pub(crate) gate: Arc<Gate>,
}

/// A browser with one cookie.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) cookie: Option<String>,
}

#[derive(Deserialize)]
struct Responds {
    status: Option<u16>,
}

impl App {
    /// Starts the application on a cache, with changed settings.
    pub(crate) async fn start_with(cache: &Cache, settings: impl Fn(SessionLayer) -> SessionLayer) -> Self {
        let (sessions, gate) = (settings(SessionLayer::new(cache)), Arc::new(Gate::default()));
        let router = Router::new()
            .route("/plain", get(|| async { "ok" }))
            .route("/get/{name}", get(get_value))
            .route("/set/{name}/{value}", post(set_value))
            .route("/remove/{name}", post(remove_value))
            .route("/me", get(|session: Session| async move { session.user().unwrap_or_default() }))
            .route("/handle", get(|session: Session| async move { session.handle().unwrap_or_default() }))
            .route("/login/{user}", post(login))
            .route("/rotate", post(|session: Session| async move { session.rotate() }))
            .route("/logout", post(logout))
            .route("/slow/{name}/{value}", post(slow))
            .layer(sessions.clone())
            .with_state(Arc::clone(&gate));
        Self { server: Server::start(router).await, sessions, gate }
    }

    /// Starts the application on a cache.
    pub(crate) async fn start(cache: &Cache) -> Self {
        Self::start_with(cache, |sessions| sessions).await
    }
}

impl Browser {
    /// Sends a request, and keeps the cookie of the response.
    pub(crate) async fn send(&mut self, app: &App, method: &str, path: &str) -> Answer {
        let answer = self.ask(app, method, path).await;
        for cookie in answer.all("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            assert_eq!(name, COOKIE);
            self.cookie = (!attributes.contains("Max-Age=0;")).then(|| value.to_owned());
        }
        answer
    }

    /// Sends a request with the cookie, and leaves the browser as it is.
    pub(crate) async fn ask(&self, app: &App, method: &str, path: &str) -> Answer {
        let cookie = self.cookie.as_ref().map(|id| format!("theme=dark; {COOKIE}={id}"));
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
        app.server.send(method, path, &headers, "").await
    }

    /// The body of a `GET`.
    pub(crate) async fn read(&mut self, app: &App, path: &str) -> String {
        let answer = self.send(app, "GET", path).await;
        assert_eq!(answer.status, 200, "{path}");
        answer.text().to_owned()
    }

    /// Signs a user in.
    pub(crate) async fn login(&mut self, app: &App, user: &str) {
        assert_eq!(self.send(app, "POST", &format!("/login/{user}")).await.status, 200);
    }
}

async fn get_value(Path(name): Path<String>, session: Session) -> Json<Option<Value>> {
    Json(session.get(&name))
}

async fn set_value(
    Path((name, value)): Path<(String, String)>,
    Query(responds): Query<Responds>,
    session: Session,
) -> StatusCode {
    session.set(&name, &value).expect("JSON");
    responds.status.map_or(StatusCode::OK, |status| StatusCode::from_u16(status).expect("a status"))
}

async fn remove_value(Path(name): Path<String>, session: Session) {
    session.remove(&name);
}

async fn login(Path(user): Path<String>, Query(responds): Query<Responds>, session: Session) -> StatusCode {
    session.sign_in(user).await.expect("a wish");
    responds.status.map_or(StatusCode::OK, |status| StatusCode::from_u16(status).expect("a status"))
}

async fn logout(session: Session) -> StatusCode {
    session.sign_out().await.map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::OK)
}

async fn slow(
    State(gate): State<Arc<Gate>>,
    Path((name, value)): Path<(String, String)>,
    session: Session,
) -> String {
    gate.pass().await;
    session.set(&name, &value).expect("JSON");
    session.user().unwrap_or_default()
}
