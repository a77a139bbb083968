//! rocket: `ROCKET_PORT=3000 cargo run --bin rocket`, then
//!
//! ```text
//! curl 127.0.0.1:3000/articles/1
//! curl -X DELETE 127.0.0.1:3000/articles/1
//! ```

use std::sync::Arc;

use larder::Cache;
use larder_frameworks::{Article, Db, article, delete_article};
use rocket::response::Debug;
use rocket::response::status::NoContent;
use rocket::serde::json::Json;
use rocket::{State, delete, get, launch, routes};

#[launch]
async fn rocket() -> _ {
    Cache::from_env().init().await.expect("a cache");
    rocket::build().manage(Arc::new(Db)).mount("/", routes![show, remove])
}

#[get("/articles/<id>")]
async fn show(db: &State<Arc<Db>>, id: u64) -> Result<Option<Json<Article>>, Debug<String>> {
    Ok(article(db.inner(), id).await?.map(Json))
}

#[delete("/articles/<id>")]
async fn remove(db: &State<Arc<Db>>, id: u64) -> Result<NoContent, Debug<String>> {
    delete_article(db.inner(), id).await?;
    Ok(NoContent)
}
