//! The pages, which are the same for everybody: what is not, the script asks for.

use std::fmt::Write as _;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;
use larder::cache;

use super::database::{Database, Product, product, products};

/// The page around a content; `{content}` is its place.
const PAGE: &str = include_str!("page.html");

/// All products. A purchase drops the page by its tag.
#[cache(response, shared, expire = "1m", tags = ["products"])]
pub(crate) async fn list(State(database): State<Database>) -> Html<String> {
    let ids = database.ids();
    let found = products(&database, &ids).await;
    let mut content = String::from("<ul class=\"products\">");
    for product in ids.iter().filter_map(|id| found.get(id)) {
        // Writing to a text cannot fail.
        let _ = write!(content, "<li>{}</li>", card(product));
    }
    content.push_str("</ul>");
    page(&content)
}

/// One product.
#[cache(response, shared, expire = "1m", tags = ["product:{id}"])]
pub(crate) async fn detail(
    Path(id): Path<u64>,
    State(database): State<Database>,
) -> Result<Html<String>, StatusCode> {
    let product = product(&database, id).await.map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(page(&format!("{}<p><a href=\"/\">All products</a></p>", card(&product))))
}

fn card(product: &Product) -> String {
    let Product { id, name, cents, stock } = product;
    let price = format!("{}.{:02}", cents / 100, cents % 100);
    format!(
        "<article data-id=\"{id}\"><h2><a href=\"/products/{id}\">{name}</a></h2>\
         <p>{price} €, <span class=\"stock\">{stock}</span> in stock</p>\
         <button class=\"add\" data-id=\"{id}\">Add to cart</button></article>"
    )
}

fn page(content: &str) -> Html<String> {
    Html(PAGE.replace("{content}", content))
}
