//! poem: `cargo run --bin poem`, then
//!
//! ```text
//! curl 127.0.0.1:3000/articles/1
//! curl -X DELETE 127.0.0.1:3000/articles/1
//! ```

use std::sync::Arc;

use larder::Cache;
use larder_frameworks::{Article, Db, article, delete_article};
use poem::http::StatusCode;
use poem::listener::TcpListener;
use poem::web::{Data, Json, Path};
use poem::{EndpointExt, Error, Route, Server, get, handler};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Cache::from_env().init().await?;
    let app = Route::new().at("/articles/:id", get(show).delete(remove)).data(Arc::new(Db));
    Ok(Server::new(TcpListener::bind("127.0.0.1:3000")).run(app).await?)
}

#[handler]
async fn show(db: Data<&Arc<Db>>, Path(id): Path<u64>) -> poem::Result<Json<Article>> {
    let article = article(db.0, id).await.map_err(failed)?;
    article.map(Json).ok_or_else(|| StatusCode::NOT_FOUND.into())
}

#[handler]
async fn remove(db: Data<&Arc<Db>>, Path(id): Path<u64>) -> poem::Result<StatusCode> {
    delete_article(db.0, id).await.map_err(failed)?;
    Ok(StatusCode::NO_CONTENT)
}

fn failed(error: String) -> Error {
    Error::from_string(error, StatusCode::INTERNAL_SERVER_ERROR)
}
