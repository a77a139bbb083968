//! Dates, and the lifetime that the layer gives a response.

use chrono::{TimeDelta, Utc};
use support::wire::{Origin, proxies, response};

/// Returns an HTTP date `seconds` from now.
pub(super) fn date(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Returns the remaining lifetime that the second of two clients sees; `None` when the response is not stored.
pub(super) async fn lifetime_of(headers: Vec<(&'static str, String)>) -> Option<i64> {
    let mut lives = Vec::new();
    let origin = move || {
        let headers = headers.clone();
        Origin::new(move |_, _| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            Ok(response(200, &headers, "x"))
        })
    };
    for site in proxies(origin).await {
        site.get("/").await;
        let second = site.get("/").await;
        let reported = second.field("cache-status").expect("a status");
        let ttl = reported.split("ttl=").nth(1).and_then(|rest| rest.split(';').next()?.parse::<i64>().ok());
        lives.push(ttl.filter(|_| second.x_cache() == "HIT"));
    }
    let [memory, redis] = lives[..] else { panic!("two stores") };
    assert!(
        memory == redis || memory.zip(redis).is_some_and(|(one, other)| one.abs_diff(other) < 20),
        "{lives:?}"
    );
    memory
}

/// Returns [`lifetime_of`] a response with these lines of `Cache-Control`.
pub(super) async fn lifetime_by(lines: &[&str]) -> Option<i64> {
    lifetime_of(lines.iter().map(|line| ("cache-control", (*line).to_owned())).collect()).await
}

pub(super) const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=3600")];
