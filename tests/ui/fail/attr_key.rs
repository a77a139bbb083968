use larder::cache;

#[cache(key = "user:{nme}")]
fn no_argument(name: &str, id: u64) -> u64 {
    id + name.len() as u64
}

#[cache(key = "{id}{page}")]
fn no_border(id: u64, page: u64) -> u64 {
    id + page
}

#[cache(key = "{id:04}")]
fn format(id: u64) -> u64 {
    id
}

#[cache(key = "{id.to_string()}")]
fn call(id: u64) -> u64 {
    id
}

#[cache(key = "{{id}}")]
fn braces(id: u64) -> u64 {
    id
}

#[cache(key = "user:{id")]
fn open(id: u64) -> u64 {
    id
}

#[cache(key = "user:id}")]
fn closed(id: u64) -> u64 {
    id
}

#[cache(key = "{}")]
fn nothing(id: u64) -> u64 {
    id
}

#[cache(key = "")]
fn empty(id: u64) -> u64 {
    id
}

#[cache(key = "{self.id}")]
fn no_self(id: u64) -> u64 {
    id
}

#[cache(key = "pair:{a}")]
fn bound_in_a_pattern([a, b]: [u64; 2]) -> u64 {
    a + b
}

#[cache(group = id)]
fn group_is_no_text(id: u64) -> u64 {
    id
}

#[cache(group = "{nme}")]
fn group_of_no_argument(id: u64) -> u64 {
    id
}

fn main() {}
