//! Tags: all entries with a label are dropped in one step. `cargo run --example tags`

use larder::{Cache, cache, cache_evict};

#[cache(expire = "1h", tags = ["user:{id}", "users"])]
async fn profile(id: u64) -> String {
    println!("  computing the profile of {id}");
    format!("profile of {id}")
}

#[cache(expire = "1h", tags = ["user:{id}"])]
async fn orders(id: u64) -> Vec<u64> {
    println!("  computing the orders of {id}");
    vec![id * 10, id * 10 + 1]
}

#[cache_evict(tags = ["user:{id}"])]
async fn rename(id: u64, name: &str) {
    println!("{id} is {name} now");
}

async fn everything() {
    for id in [1, 2] {
        profile(id).await;
        orders(id).await;
    }
}

#[tokio::main]
async fn main() -> Result<(), larder::Error> {
    Cache::from_env().prefix("tags").init().await?;
    Cache::global()?.clear().await?;
    println!("at first");
    everything().await;
    println!("again");
    everything().await;
    rename(1, "Ann").await;
    everything().await;
    println!("all profiles are dropped");
    Cache::global()?.invalidate_tag("users").await?;
    everything().await;
    Ok(())
}
