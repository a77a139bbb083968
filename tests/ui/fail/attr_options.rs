use larder::cache;

#[cache(expires = 5)]
fn near(id: u64) -> u64 {
    id
}

#[cache(ttl = 5)]
fn called_so_elsewhere(id: u64) -> u64 {
    id
}

#[cache(whatever = 5)]
fn unknown(id: u64) -> u64 {
    id
}

#[cache(expire = 5, name = "a", expire = 6)]
fn twice(id: u64) -> u64 {
    id
}

#[cache(expire)]
fn no_value(id: u64) -> u64 {
    id
}

#[cache(expire = )]
fn empty_value(id: u64) -> u64 {
    id
}

#[cache(expire = 5 name = "a")]
fn no_comma(id: u64) -> u64 {
    id
}

#[cache("5m")]
fn no_option(id: u64) -> u64 {
    id
}

#[cache(before)]
fn of_another_attribute(id: u64) -> u64 {
    id
}

fn main() {
    // The functions are there all the same: one mistake is one error.
    near(1);
    called_so_elsewhere(1);
    unknown(1);
    twice(1);
    no_value(1);
    empty_value(1);
    no_comma(1);
    no_option(1);
    of_another_attribute(1);
}
