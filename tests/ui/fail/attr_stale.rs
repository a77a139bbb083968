use std::time::Duration;

use larder::{Policy, cache};

const HOUR: Duration = Duration::from_secs(3600);
const NOT_A_TIME: u64 = 5;
const LONE_TIMEOUT: Policy = Policy::new().soft_timeout(HOUR);
const REFRESHES: Policy = Policy::new().expire(HOUR).refresh_ahead(0.5);

#[cache(soft_timeout = "100ms")]
async fn nothing_to_fall_back_on(id: u64) -> u64 {
    id
}

#[cache(stale_retry = 30)]
async fn nothing_until_then(id: u64) -> u64 {
    id
}

#[cache(stale_while_revalidate = 0, stale_if_error = "0s")]
async fn no_time(id: u64) -> u64 {
    id
}

#[cache(stale_if_error = Duration::from_secs(id))]
async fn not_constant(id: u64) -> u64 {
    id
}

#[cache(background)]
async fn nothing_to_refresh(id: u64) -> u64 {
    id
}

#[cache(stale_while_revalidate = NOT_A_TIME)]
async fn wrong_type(id: u64) -> u64 {
    id
}

#[cache(stale_while_revalidate = Duration::ZERO)]
async fn no_constant_time(id: u64) -> u64 {
    id
}

#[cache(policy = LONE_TIMEOUT, background)]
async fn policy_has_nothing_to_fall_back_on(id: u64) -> u64 {
    id
}

#[cache(policy = REFRESHES)]
async fn policy_refreshes(id: u64) -> u64 {
    id
}

fn main() {}
