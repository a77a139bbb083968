use axum::Extension;
use larder::cache;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct User {
    id: u64,
}

#[derive(Clone)]
struct Session {
    user: u64,
}

// The session is not `Serialize`.

#[cache(response)]
async fn plain(Extension(session): Extension<Session>) -> String {
    session.user.to_string()
}

#[cache(response, private)]
async fn private(session: Option<Extension<Session>>) -> String {
    session.is_some().to_string()
}

#[cache(response, key = (session,))]
async fn whole(session: Extension<Session>) -> String {
    session.user.to_string()
}

#[cache]
async fn function(session: Extension<Session>) -> String {
    session.user.to_string()
}

// The key does not mention the user.

#[cache(response, key = "orders:{page}")]
async fn text(Extension(user): Extension<User>, page: String) -> String {
    format!("{} {page}", user.id)
}

#[cache(response, private, key = (page,))]
async fn expression(user: Extension<User>, page: String) -> String {
    format!("{} {page}", user.id)
}

#[cache(response, key = "orders", tags = ["user:{user.id}"])]
async fn in_tags_only(user: Extension<User>) -> String {
    user.id.to_string()
}

#[cache(response, key = "orders:{user_id.user}")]
async fn another_name(user_id: axum::extract::Path<Names>, Extension(user): Extension<User>) -> String {
    format!("{} {}", user_id.user, user.id)
}

#[cache(key = "orders")]
async fn keyed_function(user: Extension<User>) -> String {
    user.id.to_string()
}

#[derive(serde::Deserialize)]
struct Names {
    user: u64,
}

fn main() {}
