//! A page of a list: its users are looked up at once, and one query loads those that are missing. `cargo run --example list_page`

use std::collections::HashMap;

use larder::{Cache, cache, cache_many};

/// The authors of the posts on each page.
const PAGES: [&[u64]; 2] = [&[1, 2, 3, 2], &[3, 4, 1]];

#[cache(expire = "5m", entry = user_entry)]
async fn user(id: u64) -> String {
    println!("  SELECT name FROM users WHERE id = {id}");
    format!("user {id}")
}

#[cache_many(of = user_entry)]
async fn users(ids: &[u64]) -> HashMap<u64, String> {
    println!("  SELECT id, name FROM users WHERE id = ANY({ids:?})");
    ids.iter().map(|id| (*id, format!("user {id}"))).collect()
}

async fn page(authors: &[u64]) {
    let names = users(authors).await;
    let lines: Vec<&str> = authors.iter().map(|author| names[author].as_str()).collect();
    println!("  by {}", lines.join(", "));
}

#[tokio::main]
async fn main() -> Result<(), larder::Error> {
    Cache::builder().init().await?;
    println!("the first page, one query for each post");
    for author in PAGES[0] {
        larder::bypass(user(*author)).await;
    }
    println!("the first page, one query for all");
    page(PAGES[0]).await;
    println!("the second page, one query for what is missing");
    page(PAGES[1]).await;
    println!("one user, who is known from the list");
    println!("  {}", user(4).await);
    println!("user 2 has changed");
    user_entry(2).invalidate().await?;
    page(PAGES[0]).await;
    Ok(())
}
