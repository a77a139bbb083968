use std::future::Future;
use std::pin::Pin;

use axum::extract::{Path, State};
use larder::{cache, cache_evict, cache_put};

#[derive(Clone)]
struct Db;

#[cache(private, vary(accept), statuses(404))]
async fn without_response(id: u64) -> u64 {
    id
}

#[cache(response, private, shared)]
async fn contradicts_itself() -> String {
    String::new()
}

#[cache(response = true)]
async fn takes_no_value() -> String {
    String::new()
}

#[cache(response, codec = json, none_expire = "1m")]
async fn options_of_values() -> String {
    String::new()
}

#[cache(response, vary(accept-language, "*", "x tenant", "", 5))]
async fn not_headers() -> String {
    String::new()
}

#[cache(response, vary("X-Tenant", x_tenant))]
async fn twice() -> String {
    String::new()
}

#[cache(response, vary())]
async fn varies_by_nothing() -> String {
    String::new()
}

#[cache(response, statuses(200, 206, 304, 503, 700, "404", 200))]
async fn not_stored() -> String {
    String::new()
}

#[cache(response, statuses = 404)]
async fn not_in_parentheses() -> String {
    String::new()
}

#[cache(response)]
fn synchronous(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache(response)]
async fn borrows(db: &Db, Path(id): Path<u64>) -> String {
    let _ = db;
    id.to_string()
}

#[cache(response)]
async fn plain_numbers(id: u64, full: bool) -> String {
    format!("{id}{full}")
}

#[cache(response)]
fn boxed() -> Pin<Box<dyn Future<Output = String> + Send>> {
    Box::pin(async { String::new() })
}

#[cache(response)]
async fn nothing(State(db): State<Db>) {
    let _ = db;
}

impl Db {
    #[cache(response)]
    async fn method(&self, Path(id): Path<u64>) -> String {
        id.to_string()
    }
}

#[cache(response)]
#[rustfmt::skip]
async fn too_many(
    _: Path<u8>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>,
    _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, _: State<Db>, last: State<Db>,
) -> String {
    let _ = last;
    String::new()
}

#[cache_evict(response)]
async fn evicts_nothing() -> String {
    String::new()
}

#[cache_evict(response, url = "items/{id}", private)]
async fn evicts(Path(id): Path<u64>) -> String {
    id.to_string()
}

#[cache_put(response, key = "item:{id}", codec = json)]
fn puts(Path(id): Path<u64>) -> String {
    id.to_string()
}

fn main() {
    // Still there: no further errors about missing functions.
    let _ = (without_response(1), synchronous(Path(1)), borrows(&Db, Path(1)), Db.method(Path(1)), boxed());
    let _ = (nothing(State(Db)), plain_numbers(1, true), puts(Path(1)), evicts(Path(1)));
}
