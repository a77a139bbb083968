//! actix-web: `cargo run --bin actix`, then
//!
//! ```text
//! curl 127.0.0.1:3000/articles/1
//! curl -X DELETE 127.0.0.1:3000/articles/1
//! ```

use actix_web::error::ErrorInternalServerError;
use actix_web::{App, HttpResponse, HttpServer, Responder, delete, get, web};
use larder::Cache;
use larder_frameworks::{Db, article, delete_article};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    Cache::from_env().init().await.map_err(std::io::Error::other)?;
    let db = web::Data::new(Db);
    let app = move || App::new().app_data(db.clone()).service(show).service(remove);
    HttpServer::new(app).bind("127.0.0.1:3000")?.run().await
}

#[get("/articles/{id}")]
async fn show(db: web::Data<Db>, id: web::Path<u64>) -> actix_web::Result<impl Responder> {
    let article = article(&db, *id).await.map_err(ErrorInternalServerError)?;
    Ok(article.map(web::Json))
}

#[delete("/articles/{id}")]
async fn remove(db: web::Data<Db>, id: web::Path<u64>) -> actix_web::Result<impl Responder> {
    delete_article(&db, *id).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::NoContent())
}
