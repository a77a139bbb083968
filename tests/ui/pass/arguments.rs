//! The options that each kind of argument needs, without a warning.
#![deny(warnings)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{ConnectInfo, Form, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::routing::get;
use axum::{Extension, Json, Router};
use axum_extra::TypedHeader;
use axum_extra::extract::CookieJar;
use axum_extra::headers::UserAgent;
use larder::{IgnoreInKey, cache};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize)]
struct User {
    id: u64,
}

#[derive(Clone)]
struct Pool;

impl IgnoreInKey for Pool {}

/// A type without any trait that larder asks for.
#[derive(Clone)]
struct Opaque;

#[derive(Deserialize, Serialize)]
struct Page {
    number: u64,
}

/// Not `Serialize`.
#[derive(Deserialize)]
struct Filter {
    number: u64,
}

#[cache(response)]
async fn content(
    path: Result<Path<u64>, PathRejection>,
    query: Result<Query<Page>, QueryRejection>,
    method: Method,
    uri: Uri,
    json: Option<Json<Page>>,
) -> String {
    format!("{} {} {method} {uri} {}", path.is_ok(), query.is_ok(), json.is_some())
}

#[cache(response)]
async fn extensions(
    user: Extension<User>,
    maybe: Option<Extension<User>>,
    pool: Extension<Pool>,
    shared: Extension<Arc<Mutex<Pool>>>,
    maybe_pool: Option<Extension<Pool>>,
) -> String {
    let _ = (pool, shared, maybe_pool);
    format!("{} {}", user.id, maybe.is_some())
}

#[cache(response, key = "orders:{user.id}", entry = orders_entry)]
async fn by_text(Extension(user): Extension<User>, _: Extension<Pool>, _: State<Opaque>) -> String {
    user.id.to_string()
}

#[cache(response, key = "orders", group = "user:{user.id}")]
async fn by_group(user: Extension<User>) -> String {
    user.id.to_string()
}

#[cache(response, key = (user.id, headers.get("x-tenant").map(HeaderValue::as_bytes)))]
async fn by_expression(Extension(user): Extension<User>, headers: HeaderMap) -> String {
    format!("{} {}", user.id, headers.len())
}

#[cache(response, key = format!("{method} {}", request.uri()))]
async fn by_format(method: Method, request: Request) -> String {
    format!("{method} {}", request.uri())
}

#[cache(response, key = (address.ip(), &agent.to_string()))]
async fn by_address(ConnectInfo(address): ConnectInfo<SocketAddr>, TypedHeader(agent): TypedHeader<UserAgent>) -> String {
    format!("{address} {agent}")
}

#[cache(response, vary(accept_language))]
async fn varied(headers: HeaderMap, agent: TypedHeader<UserAgent>, parts: Parts) -> String {
    format!("{} {} {}", headers.len(), agent.0, parts.uri)
}

#[cache(response, private, stale_while_revalidate = "1m")]
async fn private(jar: CookieJar, request: Request) -> String {
    format!("{} {}", jar.iter().count(), request.uri())
}

#[cache(response, shared, key = "terms")]
async fn shared(headers: HeaderMap, request: Request) -> String {
    format!("{} {}", headers.len(), request.uri())
}

#[cache(response, ignore(headers, ConnectInfo, opaque))]
async fn ignored(
    headers: HeaderMap,
    address: ConnectInfo<SocketAddr>,
    opaque: Extension<Opaque>,
    #[cache(ignore)] filter: Query<Filter>,
    #[cache(ignore)] request: Request,
) -> String {
    let _ = opaque;
    format!("{} {} {} {}", headers.len(), address.0, filter.number, request.uri())
}

#[cache(response, ignore(Form))]
async fn ignored_form(Form(filter): Form<Filter>) -> String {
    filter.number.to_string()
}

#[cache(response, ignore(body))]
async fn ignored_body(body: Body) -> String {
    format!("{body:?}")
}

#[cache(response, key = id, entry = named_entry, ignore(filter))]
async fn named(Path(id): Path<u64>, filter: Query<Filter>) -> String {
    format!("{id} {}", filter.number)
}

/// An ignored argument may have any type.
#[cache(ignore(a, b, c, d, headers, filter))]
fn anything<T>(
    a: &T,
    b: impl Fn(&str) -> usize,
    c: &dyn std::any::Any,
    d: std::sync::MutexGuard<'_, T>,
    headers: &HeaderMap,
    filter: Query<Filter>,
    id: u64,
) -> u64 {
    let _ = (a, b("a"), c.type_id(), d, headers.len(), filter.number);
    id
}

#[cache(key = id, ignore(other))]
async fn unmentioned<T: Send + Sync>(id: u64, other: &T, _: Option<&(dyn Fn() + Sync)>) -> u64 {
    let _ = other;
    id
}

fn main() {
    let _: Router = Router::new()
        .route("/content/{id}", get(content))
        .route("/extensions", get(extensions))
        .route("/text", get(by_text))
        .route("/group", get(by_group))
        .route("/expression", get(by_expression))
        .route("/format", get(by_format))
        .route("/address", get(by_address))
        .route("/private", get(private))
        .route("/shared", get(shared))
        .route("/ignored", get(ignored))
        .route("/form", get(ignored_form))
        .route("/body", get(ignored_body))
        .route("/named/{id}", get(named))
        .with_state(Opaque);
    drop(orders_entry(Extension(User { id: 1 }), Extension(Pool), State(Opaque)));
    drop(named_entry(Path(1)));
    let one = Mutex::new(1);
    let _ = || anything(&1, str::len, &1, one.lock().expect("no panic"), &HeaderMap::new(), Query(Filter { number: 1 }), 1);
    let _ = unmentioned(1, &1, None);
    let _ = varied;
}
