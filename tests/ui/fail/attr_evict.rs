use larder::cache_evict;

#[cache_evict]
fn nothing() {}

#[cache_evict(before)]
fn only_before() {}

#[cache_evict(key = "a", before = true)]
fn before_has_no_value() {}

#[cache_evict(key = id)]
fn key_is_no_text(id: u64) -> u64 {
    id
}

#[cache_evict(key = "a", expire = 5)]
fn option_of_cache() {}

#[cache_evict(entry = id)]
fn no_entry(id: u64) -> u64 {
    id
}

#[cache_evict(key = "user:{nme}")]
fn no_argument(id: u64) -> u64 {
    id
}

#[cache_evict(key = "a")]
struct Item;

fn main() {
    let _ = Item;
}
