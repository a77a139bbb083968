//! The functions between a framework's handlers and the data: their arguments are the key, their results are data.

use std::sync::Arc;

use larder::{IgnoreInKey, cache, cache_evict};
use serde::{Deserialize, Serialize};

/// A pool of connections.
#[derive(IgnoreInKey)]
pub struct Db;

#[derive(Clone, Serialize, Deserialize)]
pub struct Article {
    pub id: u64,
    pub title: String,
}

#[cache(expire = "5m", entry = article_entry(id))]
pub async fn article(db: &Arc<Db>, id: u64) -> Result<Option<Article>, String> {
    let Db = **db;
    println!("article {id} is read from the database");
    Ok((id > 0).then(|| Article { id, title: format!("article {id}") }))
}

#[cache_evict(entry = article_entry(id))]
pub async fn delete_article(db: &Arc<Db>, id: u64) -> Result<(), String> {
    let Db = **db;
    println!("article {id} is deleted");
    Ok(())
}
