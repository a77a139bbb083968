use larder::cache;

#[cache(response, private, shared, vary("accept"))]
fn later(id: u64) -> u64 {
    id
}

fn main() {}
