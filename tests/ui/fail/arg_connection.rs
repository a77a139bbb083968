use std::net::SocketAddr;

use axum::extract::{ConnectInfo, Path};
use larder::cache;

#[cache(response)]
async fn plain(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.to_string()
}

#[cache(response, private)]
async fn private(address: ConnectInfo<SocketAddr>) -> String {
    address.0.to_string()
}

#[cache(response, key = "from:{address}")]
async fn in_text(ConnectInfo(address): ConnectInfo<SocketAddr>) -> String {
    address.to_string()
}

#[cache(response, key = "id:{id}")]
async fn beside_text(Path(id): Path<u64>, address: ConnectInfo<SocketAddr>) -> String {
    format!("{id} {}", address.0)
}

#[cache(response, shared, key = id)]
async fn beside_expression(Path(id): Path<u64>, address: ConnectInfo<SocketAddr>) -> String {
    format!("{id} {}", address.0)
}

#[cache]
async fn function(address: ConnectInfo<SocketAddr>) -> String {
    address.0.to_string()
}

fn main() {}
