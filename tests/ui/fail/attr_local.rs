use std::time::Duration;

use larder::{Policy, cache, cache_one_minute};

const SHORT: Policy = Policy::new().expire(Duration::from_secs(5));

#[cache(expire = "5s", local = "1m")]
fn longer_than_the_entry(id: u64) -> u64 {
    id
}

#[cache_one_minute(local = 61)]
fn longer_than_the_preset(id: u64) -> u64 {
    id
}

#[cache(policy = SHORT, local = "1m")]
fn longer_than_the_policy(id: u64) -> u64 {
    id
}

#[cache(local = 0)]
fn no_time(id: u64) -> u64 {
    id
}

#[cache(local = Duration::from_secs(seconds))]
fn not_constant(seconds: u64) -> u64 {
    seconds
}

fn main() {}
