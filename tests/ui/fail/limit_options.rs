//! `#[rate_limit]`: its options.

use larder::rate_limit;
use larder::rate_limit::Limited;

struct User {
    id: u64,
}

#[rate_limit]
async fn no_rate() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/ms", "0/minute", "ten", 10)]
async fn no_rates() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute", "9/60s")]
async fn two_of_a_window() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute", by = "{user.id}", key = "x", cost = 0, cost = 2, smooth = true, on_outage = never)]
async fn wrong_options(user: &User) -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute", by = "{usr.id}")]
async fn wrong_name(user: &User) -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute", by = user.id)]
async fn no_template(user: &User) -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute", cost = 6)]
async fn too_dear() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("50/minute", smooth, cost = 6)]
async fn too_dear_at_once() -> Result<(), Limited> {
    Ok(())
}

#[rate_limit("5/minute" by = "{user.id}")]
async fn no_comma(user: &User) -> Result<(), Limited> {
    Ok(())
}

fn main() {}
