use larder::{Entry, cache, cache_evict, cache_put};

#[cache(tags = "users")]
fn no_list(id: u64) -> u64 {
    id
}

#[cache(tags = [])]
fn none(id: u64) -> u64 {
    id
}

#[cache(tags = ["users", ""])]
fn empty(id: u64) -> u64 {
    id
}

#[cache(tags = ["users", "user:{id}", "users"])]
fn twice(id: u64) -> u64 {
    id
}

#[cache(tags = ["user:{nme}", id])]
fn no_argument(id: u64) -> u64 {
    id
}

#[cache(tags = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18",
    "19", "20", "21", "22", "23", "24", "25", "26", "27", "28", "29", "30", "31", "32",
])]
fn too_many(id: u64) -> u64 {
    id
}

#[cache_evict(tags = [])]
fn evicts_nothing(id: u64) -> u64 {
    id
}

fn some_entry() -> Entry {
    unreachable!()
}

#[cache_put(entry = some_entry(), tags = ["users"])]
fn declared_elsewhere(id: u64) -> u64 {
    id
}

struct Silent;

#[cache(ignore(of), tags = ["of:{of}"])]
fn cannot_be_written(of: Silent) -> u8 {
    let Silent = of;
    1
}

fn main() {}
