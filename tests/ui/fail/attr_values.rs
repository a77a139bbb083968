use std::time::Duration;

use larder::cache;

const NO_POLICY: Duration = Duration::from_secs(5);

#[cache(policy = NO_POLICY)]
fn policy() -> u8 {
    1
}

#[cache(cache = name)]
fn cache_is_text(name: &str) -> usize {
    name.len()
}

#[cache(when = id)]
fn when(id: u64) -> u64 {
    id
}

#[cache(unless = |value: &u64| value + 1)]
fn unless(id: u64) -> u64 {
    id
}

#[cache(unless = true)]
fn unless_is_no_closure(id: u64) -> u64 {
    id
}

fn main() {}
