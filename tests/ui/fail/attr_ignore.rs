use larder::cache;

#[cache(ignore(nme))]
fn no_argument(name: &str, id: u64) -> u64 {
    id + name.len() as u64
}

#[cache(ignore())]
fn empty(id: u64) -> u64 {
    id
}

#[cache(ignore = id)]
fn no_list(id: u64) -> u64 {
    id
}

#[cache(ignore(self))]
fn no_self(id: u64) -> u64 {
    id
}

#[cache(ignore(db))]
fn no_arguments() -> u64 {
    1
}

#[cache]
fn unknown_mark(#[cache(skip)] id: u64) -> u64 {
    id
}

#[cache]
fn bare_mark(#[cache] id: u64) -> u64 {
    id
}

fn main() {
    unknown_mark(1);
    bare_mark(1);
}
