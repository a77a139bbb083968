//! Many requests of one kind.

use axum::Router;
use support::wire::{ask, request};

/// Sends a request several times.
pub(super) async fn send(app: &Router, uri: &str, times: usize, fields: &[(&str, &str)]) {
    for _ in 0..times {
        ask(app, request("GET", uri, fields)).await.expect("a response");
    }
}
