//! Events: what a cache does, line by line. `cargo run --example events --features events`

use larder::{Cache, cache};

#[cache(expire = "5m", tags = ["product:{id}"])]
async fn price(id: u64) -> Result<u64, String> {
    if id == 0 { Err("there is no such product".to_owned()) } else { Ok(id * 100) }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cache = Cache::builder().prefix("shop").events_with_keys(true).init().await?;
    let mut events = cache.events();
    let printer = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            println!("{}", serde_json::to_string(&event)?);
        }
        Ok::<(), serde_json::Error>(())
    });
    for id in [1, 1, 0] {
        match price(id).await {
            Ok(price) => println!("# product {id} costs {price}"),
            Err(error) => println!("# product {id}: {error}"),
        }
    }
    cache.invalidate_tag("product:1").await?;
    println!("# product 1 costs {}", price(1).await?);
    cache.close().await;
    printer.await??;
    Ok(())
}
