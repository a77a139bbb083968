//! Sessions: a cart that survives the login, two devices, a list of sessions, and a logout everywhere. Runs without a server, on `memory://`:
//! `cargo run --example login_sessions --features session`

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Path;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, StatusCode};
use axum::routing::{get, post};
use larder::Cache;
use larder::session::{Session, SessionLayer};
use tower::ServiceExt as _;

type AnyError = Box<dyn std::error::Error>;

async fn add(Path(item): Path<u64>, session: Session) -> Result<String, StatusCode> {
    let mut cart: Vec<u64> = session.get("cart").unwrap_or_default();
    cart.push(item);
    session.set("cart", &cart).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(format!("{cart:?}"))
}

async fn login(
    Path((user, password)): Path<(String, String)>,
    session: Session,
) -> Result<String, StatusCode> {
    // Refused before or after: a response with an error signs nobody in.
    session.sign_in(&user).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    if password != "secret" {
        return Err(StatusCode::UNAUTHORIZED);
    }
    Ok(format!("welcome, {user}"))
}

async fn logout(session: Session) -> StatusCode {
    session.sign_out().await.map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::NO_CONTENT)
}

async fn me(session: Session) -> String {
    let cart: Vec<u64> = session.get("cart").unwrap_or_default();
    format!("{}, with {cart:?}", session.user().unwrap_or_else(|| "nobody".to_owned()))
}

/// A browser that keeps its cookie.
struct Browser {
    name: &'static str,
    cookie: Option<String>,
}

impl Browser {
    async fn send(&mut self, app: &Router, method: &str, path: &str) -> Result<(), AnyError> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        let set = response
            .headers()
            .get(SET_COOKIE)
            .map(|cookie| cookie.to_str().map(str::to_owned))
            .transpose()?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await?;
        println!("    {} {method} {path}: {status} {}", self.name, String::from_utf8_lossy(&body));
        if let Some(set) = set {
            let (pair, attributes) = set.split_once(';').ok_or("attributes")?;
            let (name, id) = pair.split_once('=').ok_or("a value")?;
            println!("        {name} is {};{attributes}", if id.is_empty() { "removed" } else { "new" });
            self.cookie = (!id.is_empty()).then(|| pair.to_owned());
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let cache = Cache::from_env().init().await?;
    let sessions = SessionLayer::new(&cache).idle("30m").absolute("8h");
    let app = Router::new()
        .route("/add/{item}", post(add))
        .route("/login/{user}/{password}", post(login))
        .route("/logout", post(logout))
        .route("/me", get(me))
        .layer(sessions.clone());
    let mut phone = Browser { name: "phone ", cookie: None };
    let mut laptop = Browser { name: "laptop", cookie: None };

    println!("a cart before the login");
    phone.send(&app, "GET", "/me").await?;
    phone.send(&app, "POST", "/add/7").await?;
    phone.send(&app, "POST", "/login/ada/guess").await?;
    phone.send(&app, "POST", "/login/ada/secret").await?;
    phone.send(&app, "GET", "/me").await?;

    println!("another device, and the sessions of the user");
    laptop.send(&app, "POST", "/login/ada/secret").await?;
    println!("    ada has {} sessions", sessions.list("ada").await?.len());
    phone.send(&app, "POST", "/logout").await?;
    println!("    ada has {} session", sessions.list("ada").await?.len());

    println!("a logout everywhere");
    phone.send(&app, "POST", "/login/ada/secret").await?;
    sessions.revoke_all("ada").await?;
    phone.send(&app, "GET", "/me").await?;
    laptop.send(&app, "GET", "/me").await?;
    Ok(())
}
