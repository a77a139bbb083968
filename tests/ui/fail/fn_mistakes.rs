//! Mistakes that other messages would hide.

use larder::{cache, cache_evict, cache_put};

mod tonic {
    pub struct Request<T>(pub T);
    pub struct Response<T>(pub T);
    pub struct Status;
}

struct Greeter;

impl Greeter {
    #[cache(expire = "1m", ignore(self))]
    async fn hello(&self, request: tonic::Request<String>) -> Result<tonic::Response<String>, tonic::Status> {
        Ok(tonic::Response(request.0))
    }
}

#[cache(expire = "1m")]
#[cache(tags = ["users"])]
async fn twice(id: u64) -> u64 {
    id
}

#[cache(unless = |value: u64| value == 0)]
async fn by_value(id: u64) -> u64 {
    id
}

#[cache(expire_with = |value: Vec<u64>| value.len())]
async fn also_by_value(id: u64) -> Vec<u64> {
    vec![id]
}

#[cache(none_expire = "10s")]
async fn without_none(id: u64) -> Result<u64, String> {
    Ok(id)
}

#[cache_put(key = "a", none_expire = 5)]
async fn put_without_none(id: u64) -> u64 {
    id
}

#[cache_evict(tag = ["users"])]
async fn wrong_option(id: u64) -> u64 {
    id
}

#[cache_put(entri = a_entry(id))]
async fn wrong_entry(id: u64) -> u64 {
    id
}

fn main() {}
