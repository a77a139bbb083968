use larder::cache;

const PERCENT: u8 = 10;

#[cache(jitter = 1.0)]
fn all(id: u64) -> u64 {
    id
}

#[cache(jitter = -0.1)]
fn longer(id: u64) -> u64 {
    id
}

#[cache(jitter = 10)]
fn percent(id: u64) -> u64 {
    id
}

#[cache(jitter = PERCENT)]
fn constant_percent(id: u64) -> u64 {
    id
}

fn main() {}
