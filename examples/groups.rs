//! Groups: a namespace of any number of entries that is dropped in one step.
//!
//! ```text
//! cargo run --example groups
//! REDIS_URL=redis://127.0.0.1:6379 cargo run --example groups
//! ```

use futures_util::TryStreamExt;
use larder::{Cache, cache, cache_evict};

/// One page of a shop's catalogue. All pages of one shop are one group.
#[cache(expire = "1h", group = "catalogue:{shop}", key = "page:{page}")]
async fn page(shop: &str, page: u32) -> Vec<String> {
    println!("  computing page {page} of {shop}");
    (1..=3).map(|n| format!("{shop} item {}", page * 3 + n)).collect()
}

/// The number of items, in the same group.
#[cache(expire = "1h", group = "catalogue:{shop}")]
async fn count(shop: &str) -> usize {
    println!("  counting {shop}");
    300
}

/// Every change of the catalogue drops the group.
#[cache_evict(group = "catalogue:{shop}")]
async fn add(shop: &str, item: &str) -> Result<(), String> {
    println!("  adding {item} to {shop}");
    Ok(())
}

async fn read_all() {
    for shop in ["books", "music"] {
        count(shop).await;
        for number in 0..2 {
            page(shop, number).await;
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::from_env().prefix("example-groups").init().await?;
    cache.clear().await?;

    println!("the first time:");
    read_all().await;
    println!("the second time:");
    read_all().await;

    println!("keys:");
    let mut keys: Vec<String> = cache.keys("*").try_collect().await?;
    keys.sort();
    for key in keys {
        println!("  {key}");
    }

    println!("a change to one shop:");
    add("books", "a new one").await?;
    read_all().await;

    println!("the other one, by the handle:");
    cache.delete_group("catalogue:music").await?;
    read_all().await;
    cache.close().await;
    Ok(())
}
