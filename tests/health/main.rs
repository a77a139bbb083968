//! Health routes.

mod checks;
mod redis;
mod warm_up;

use larder::health::HealthRoutes;
use serde_json::Value;
use support::http::{Answer, Server};

/// Serves health routes.
async fn serve(routes: HealthRoutes) -> Server {
    Server::start(routes.into()).await
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error} in {:?}", answer.text()))
}

/// The status code, and the status in the body.
async fn ready(server: &Server) -> (u16, String) {
    let answer = server.get("/health/ready").await;
    (answer.status, json(&answer)["status"].as_str().expect("a text").to_owned())
}

/// `text`, as [`ready`] returns it.
fn is(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}
