use std::collections::HashMap;
use std::rc::Rc;

use larder::{Entry, cache_many};

fn user_entry(id: u64) -> Entry {
    unimplemented!("{id}")
}

struct Connection;

#[cache_many]
async fn values_without_ids(ids: &[u64]) -> Vec<u64> {
    ids.to_vec()
}

#[cache_many]
async fn ids_of_another_type(ids: &[u64]) -> Result<HashMap<u32, String>, String> {
    Ok(HashMap::new())
}

#[cache_many(of = user_entry)]
async fn entries_of_other_ids(ids: &[String]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(of = user_entry)]
async fn an_argument_outside(tenant: u64, ids: &[u64]) -> Vec<Option<u64>> {
    vec![Some(tenant)]
}

#[cache_many(of = user_entry)]
async fn an_argument_that_is_not_cloned(#[cache(ignore)] db: Connection, ids: &[u64]) -> Vec<Option<u64>> {
    drop(db);
    vec![]
}

#[cache_many]
async fn ids_that_are_not_hashable(ids: &[f64]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(stale_while_revalidate = "1m")]
async fn ids_that_borrow(ids: &[&str]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(refresh_ahead = 0.5)]
async fn a_body_that_stays_in_its_thread(ids: &[u64]) -> Vec<Option<usize>> {
    let shared = Rc::new(ids.len());
    std::future::ready(()).await;
    vec![Some(*shared)]
}

fn main() {}
