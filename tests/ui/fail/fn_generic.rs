use larder::{cache, cache_put};

#[cache]
async fn argument<T>(value: T, id: u64) -> u64 {
    let _ = value;
    id
}

#[cache]
async fn borrowed<T>(values: &[T], id: u64) -> u64 {
    id + values.len() as u64
}

#[cache(ignore(make))]
async fn result<T>(make: fn() -> T) -> Option<T> {
    Some(make())
}

#[cache_put(key = "a")]
async fn put<T>(value: T) -> T {
    value
}

fn main() {}
