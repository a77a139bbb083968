use larder::cache_put;

#[cache_put]
fn nothing() -> u8 {
    1
}

#[cache_put(entry = user_entry(id), key = "user:{id}")]
fn both(id: u64) -> u64 {
    id
}

#[cache_put(entry = user_entry(id), expire = 5, group = "a", codec = json)]
fn declared_elsewhere(id: u64) -> u64 {
    id
}

#[cache_put(key = "a", none_expire = f())]
fn computed() -> Option<u8> {
    None
}

#[cache_put(key = "a", when = true)]
fn option_of_cache() -> u8 {
    1
}

#[cache_put(key = "a")]
fn no_result() {}

#[cache_put(entry = id)]
fn no_entry(id: u64) -> u64 {
    id
}

fn main() {}
