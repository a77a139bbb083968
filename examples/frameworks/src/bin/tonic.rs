//! tonic: `cargo run --bin tonic` serves `articles.Articles/Get` at 127.0.0.1:3000.
//!
//! The messages are written here, so that no `protoc` is needed; those of a `.proto` file get the two traits of serde by
//! `type_attribute(".", "#[derive(serde::Serialize, serde::Deserialize)]")` in the build script.

use std::sync::Arc;

use larder::{Cache, cache};
use larder_frameworks::Db;
use serde::{Deserialize, Serialize};
use tonic::{Request, Response, Status, transport::Server};

mod generated {
    include!(concat!(env!("OUT_DIR"), "/articles.Articles.rs"));
}
use generated::articles_server::{Articles, ArticlesServer};

#[derive(Clone, PartialEq, prost::Message)]
pub struct ArticleRequest {
    #[prost(uint64, tag = "1")]
    pub id: u64,
}

#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub struct Article {
    #[prost(uint64, tag = "1")]
    pub id: u64,
    #[prost(string, tag = "2")]
    pub title: String,
}

struct Service {
    db: Arc<Db>,
}

#[tonic::async_trait]
impl Articles for Service {
    async fn get(&self, request: Request<ArticleRequest>) -> Result<Response<Article>, Status> {
        match article(&self.db, request.get_ref().id).await.map_err(Status::internal)? {
            Some(article) => Ok(Response::new(article)),
            None => Err(Status::not_found("no such article")),
        }
    }
}

#[cache(expire = "5m", none_expire = "10s")]
async fn article(db: &Arc<Db>, id: u64) -> Result<Option<Article>, String> {
    let Db = **db;
    println!("article {id} is read from the database");
    Ok((id > 0).then(|| Article { id, title: format!("article {id}") }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Cache::from_env().init().await?;
    let service = ArticlesServer::new(Service { db: Arc::new(Db) });
    Ok(Server::builder().add_service(service).serve("127.0.0.1:3000".parse()?).await?)
}
