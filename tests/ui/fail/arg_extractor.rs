use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, StatusCode, request::Parts};
use axum::Json;
use larder::cache;
use serde::Serialize;

struct User {
    id: u64,
}

impl<S: Sync> FromRequestParts<S> for User {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        parts.headers.get("x-user").map(|_| Self { id: 1 }).ok_or(StatusCode::UNAUTHORIZED)
    }
}

#[derive(Serialize)]
struct Account {
    owner: u64,
}

#[cache(response, expire = "1m")]
async fn account(user: User) -> Json<Account> {
    Json(Account { owner: user.id })
}

#[cache(expire = "1m")]
async fn no_response(headers: HeaderMap) -> Json<Account> {
    Json(Account { owner: headers.len() as u64 })
}

fn main() {}
