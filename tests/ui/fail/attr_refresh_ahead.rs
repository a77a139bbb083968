use larder::cache;

const SHARE: f64 = 1.5;

#[cache(refresh_ahead = 0.0)]
async fn at_once(id: u64) -> u64 {
    id
}

#[cache(refresh_ahead = 1)]
async fn too_late(id: u64) -> u64 {
    id
}

#[cache(refresh_ahead = "80%")]
async fn no_share(id: u64) -> u64 {
    id
}

#[cache(refresh_ahead = share)]
async fn not_constant(share: f64) -> u64 {
    share as u64
}

#[cache(refresh_ahead = SHARE)]
async fn constant_too_late(id: u64) -> u64 {
    id
}

fn main() {}
