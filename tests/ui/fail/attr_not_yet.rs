use larder::{cache, cache_evict};

#[cache(
    stale_while_revalidate = "1m",
    soft_timeout = "100ms",
    stale_if_error = "1h",
    stale_retry = 30,
    refresh_ahead = 0.8,
    jitter = 0.1,
    local = "5s",
    tags = ["user:{id}", "users"],
    response,
    private,
    shared,
    vary("accept")
)]
fn later(id: u64) -> u64 {
    id
}

#[cache_evict(tags = ["users"], key = "a")]
fn evict_later() {}

fn main() {}
