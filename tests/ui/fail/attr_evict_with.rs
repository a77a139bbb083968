use larder::{cache, cache_evict, cache_put};

#[cache(expire = 5, entry = user_entry)]
fn user(id: u64) -> u64 {
    id
}

#[cache_evict(entry_with = user_entry(user.id))]
fn no_closure(id: u64) -> u64 {
    id
}

#[cache_evict(tags_with = ["users"])]
fn no_closure_of_tags(id: u64) -> u64 {
    id
}

#[cache_evict(entry_with = |id, name| user_entry(*id))]
fn two_arguments(id: u64) -> u64 {
    id
}

#[cache_put(key = "user:{id}", entry_with = |id| user_entry(*id))]
fn put_by_result(id: u64) -> u64 {
    id
}

#[cache(tags_with = "users")]
fn no_closure_of_a_value(id: u64) -> u64 {
    id
}

fn main() {}
