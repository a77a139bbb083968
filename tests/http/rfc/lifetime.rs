//! Dates, and the lifetime that the layer gives a response.

use chrono::{TimeDelta, Utc};
use support::wire::{Origin, proxies, response};

/// A date as HTTP writes it, so many seconds from now.
pub(super) fn date(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// What is left of the life of what is kept, as the second of two clients is told; none when it is not kept.
pub(super) async fn life_of(headers: Vec<(&'static str, String)>) -> Option<i64> {
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
        let told = second.field("cache-status").expect("a status");
        let ttl = told.split("ttl=").nth(1).and_then(|rest| rest.split(';').next()?.parse::<i64>().ok());
        lives.push(ttl.filter(|_| second.x_cache() == "HIT"));
    }
    let [memory, redis] = lives[..] else { panic!("two tiers") };
    assert!(
        memory == redis || memory.zip(redis).is_some_and(|(one, other)| one.abs_diff(other) < 20),
        "{lives:?}"
    );
    memory
}

/// [`life_of`] a response with this `Cache-Control`, a line for each.
pub(super) async fn life_by(lines: &[&str]) -> Option<i64> {
    life_of(lines.iter().map(|line| ("cache-control", (*line).to_owned())).collect()).await
}

pub(super) const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=3600")];
