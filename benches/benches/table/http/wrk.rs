//! wrk, which asks one route after the other, in several rounds.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use larder_benches::{Benchmark, Contestant, is_quick};

/// Handlers that answer from the process, each with its route; a handler that sends the same bytes each time is the first.
const IN_PROCESS: [(&str, &str); 6] = [
    ("axum: a constant", "constant"),
    ("axum: JSON made each time", "computed"),
    ("axum-response-cache", "response_cache"),
    ("larder cache(response), memory://", "memory"),
    ("larder cache(response, local) on Redis", "local"),
    ("larder ResponseCacheLayer, memory://", "layer"),
];

/// Handlers that ask Redis, each with its route; a handler with one `GET` is the first.
const FROM_REDIS: [(&str, &str); 3] = [
    ("axum and redis: one GET", "raw"),
    ("larder cache(response)", "redis"),
    ("larder ResponseCacheLayer", "redis_layer"),
];

/// Asks in turn.
pub fn race(address: SocketAddr) {
    let mut benchmark = Benchmark::new(
        "http",
        "An axum handler",
        "Requests in a second, asked for by `wrk -t1 -c64` on the same machine; all routes answer with the same JSON.",
    )
    .slice(Duration::ZERO)
    .rounds(if is_quick() { 3 } else { 6 })
    .as_rate();
    for (title, routes) in [("from the process", &IN_PROCESS[..]), ("from Redis", &FROM_REDIS[..])] {
        benchmark.group(title);
        let contestant = |(name, route): &(&'static str, &'static str)| -> Contestant<'static> {
            let url = format!("http://{address}/{route}/7");
            (name, Box::new(move |requests| time(&url, requests)))
        };
        benchmark.compare("wrk -t1 -c64", routes.iter().map(contestant).collect());
    }
    benchmark.finish();
}

/// The time of so many requests at the rate that wrk reaches.
fn time(url: &str, requests: u64) -> Duration {
    let seconds = if is_quick() { "-d1s" } else { "-d2s" };
    let Ok(run) = Command::new("wrk").args(["-t1", "-c64", seconds, url]).output() else {
        eprintln!("this needs wrk; on Debian: apt-get install -y wrk");
        std::process::exit(1);
    };
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse::<f64>().ok());
    let rate = rate.unwrap_or_else(|| panic!("wrk said: {text}{}", String::from_utf8_lossy(&run.stderr)));
    Duration::from_secs_f64(requests as f64 / rate)
}
