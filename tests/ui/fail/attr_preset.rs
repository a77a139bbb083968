use larder::{cache_one_day, cache_one_hour};

#[cache_one_hour(expire = 5)]
fn with_expire() -> u8 {
    1
}

#[cache_one_day(expires = 5)]
fn unknown() -> u8 {
    1
}

fn main() {}
