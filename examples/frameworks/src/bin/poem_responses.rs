//! poem with whole responses cached: `cargo run --bin poem_responses`, then `curl -i 127.0.0.1:3000/articles/1` twice.

use larder::Cache;
use larder::http::ResponseCacheLayer;
use poem::endpoint::TowerCompatExt;
use poem::listener::TcpListener;
use poem::middleware::TowerLayerCompatExt;
use poem::web::Path;
use poem::{EndpointExt, Route, Server, get, handler};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Cache::from_env().init().await?;
    let layer = ResponseCacheLayer::new().expire("1m");
    let app = Route::new().at("/articles/:id", get(show)).with(layer.compat());
    Ok(Server::new(TcpListener::bind("127.0.0.1:3000")).run(app).await?)
}

#[handler]
async fn show(Path(id): Path<u64>) -> String {
    println!("article {id} is rendered");
    format!("article {id}")
}
