//! The products, in a database that counts its queries.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use larder::{IgnoreInKey, cache, cache_many};
use serde::{Deserialize, Serialize};

const NAMES: [&str; 8] =
    ["Rye flour", "Lentils", "Olive oil", "Sea salt", "Honey", "Plum jam", "Black tea", "Oat milk"];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) cents: u64,
    pub(crate) stock: u64,
}

/// A product has another stock.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct StockEvent {
    pub(crate) id: u64,
    pub(crate) stock: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShopError {
    NoSuchProduct,
    SoldOut,
}

#[derive(Clone, IgnoreInKey)]
pub(crate) struct Database {
    products: Arc<Mutex<BTreeMap<u64, Product>>>,
    queries: Arc<AtomicU64>,
}

impl Database {
    pub(crate) fn new() -> Self {
        let product = |(id, name): (u64, &&str)| {
            (id, Product { id, name: (*name).to_owned(), cents: 190 + 35 * id, stock: 3 + id })
        };
        let products = (1..).zip(&NAMES).map(product).collect();
        Self { products: Arc::new(Mutex::new(products)), queries: Arc::default() }
    }

    /// The ids of all products.
    pub(crate) fn ids(&self) -> Vec<u64> {
        self.query().keys().copied().collect()
    }

    /// The number of queries so far.
    #[cfg(test)]
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Relaxed)
    }

    /// Takes one of each product, or none at all.
    pub(crate) fn sell(&self, ids: &[u64]) -> Result<Vec<StockEvent>, ShopError> {
        let mut products = self.query();
        let mut left = HashMap::new();
        for id in ids {
            let product = products.get(id).ok_or(ShopError::NoSuchProduct)?;
            let left = left.entry(*id).or_insert(product.stock);
            *left = left.checked_sub(1).ok_or(ShopError::SoldOut)?;
        }
        for (id, stock) in &left {
            if let Some(product) = products.get_mut(id) {
                product.stock = *stock;
            }
        }
        Ok(left.into_iter().map(|(id, stock)| StockEvent { id, stock }).collect())
    }

    fn query(&self) -> MutexGuard<'_, BTreeMap<u64, Product>> {
        self.queries.fetch_add(1, Relaxed);
        self.products.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One product. All processes share the entry.
#[cache(expire = "5m", ignore(database), entry = product_entry(id))]
pub(crate) async fn product(database: &Database, id: u64) -> Result<Product, ShopError> {
    database.query().get(&id).cloned().ok_or(ShopError::NoSuchProduct)
}

/// Products by their ids: one query for those that are not cached.
#[cache_many(of = product_entry, ignore(database))]
pub(crate) async fn products(database: &Database, ids: &[u64]) -> HashMap<u64, Product> {
    let products = database.query();
    ids.iter().filter_map(|id| Some((*id, products.get(id)?.clone()))).collect()
}
