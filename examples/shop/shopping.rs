//! The cart, which is in the session, logins, and purchases.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use larder::http::CacheHandle;
use larder::session::Session;
use serde::Serialize;

use super::Shop;
use super::database::{Database, ShopError, product, product_entry, products};

/// The name of the cart in the session.
const CART: &str = "cart";

#[derive(Serialize)]
pub(crate) struct Cart {
    user: Option<String>,
    items: Vec<String>,
    cents: u64,
}

pub(crate) async fn cart(State(database): State<Database>, session: Session) -> Json<Cart> {
    let ids: Vec<u64> = session.get(CART).unwrap_or_default();
    let found = products(&database, &ids).await;
    let items: Vec<_> = ids.iter().filter_map(|id| found.get(id)).collect();
    Json(Cart {
        user: session.user(),
        cents: items.iter().map(|product| product.cents).sum(),
        items: items.into_iter().map(|product| product.name.clone()).collect(),
    })
}

pub(crate) async fn add(
    Path(id): Path<u64>,
    State(database): State<Database>,
    session: Session,
) -> Result<StatusCode, StatusCode> {
    product(&database, id).await.map_err(|_| StatusCode::NOT_FOUND)?;
    let mut ids: Vec<u64> = session.get(CART).unwrap_or_default();
    ids.push(id);
    session.set(CART, &ids).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(StatusCode::NO_CONTENT)
}

/// A login without a password: the shop is an example.
pub(crate) async fn login(Path(name): Path<String>, session: Session) -> Result<StatusCode, StatusCode> {
    session.sign_in(name).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn logout(session: Session) -> StatusCode {
    session.sign_out().await.map_or(StatusCode::SERVICE_UNAVAILABLE, |()| StatusCode::NO_CONTENT)
}

/// Sells what is in the cart to the user who is signed in, drops what is cached of it, and tells all open pages.
pub(crate) async fn buy(
    State(shop): State<Shop>,
    cache: CacheHandle,
    session: Session,
) -> Result<StatusCode, StatusCode> {
    session.user().ok_or(StatusCode::FORBIDDEN)?;
    let ids: Vec<u64> = session.get(CART).unwrap_or_default();
    let changes = shop.database.sell(&ids).map_err(|error| match error {
        ShopError::NoSuchProduct => StatusCode::NOT_FOUND,
        ShopError::SoldOut => StatusCode::CONFLICT,
    })?;
    for change in &changes {
        // What cannot be reached now is invalidated as soon as Redis is back.
        let _ = product_entry(change.id).invalidate().await;
        let _ = cache.invalidate_tag(&format!("product:{}", change.id)).await;
        // Pages that miss it show the stock when they are loaded again.
        let _ = shop.stock.publish(change).await;
    }
    let _ = cache.invalidate_tag("products").await;
    session.remove(CART);
    Ok(StatusCode::NO_CONTENT)
}
