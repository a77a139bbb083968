use larder::cache;

#[cache(expire = 0)]
fn zero() -> u8 {
    1
}

#[cache(expire = -5)]
fn negative() -> u8 {
    1
}

#[cache(expire = "0s")]
fn zero_text() -> u8 {
    1
}

#[cache(expire = "5x")]
fn unknown_unit() -> u8 {
    1
}

#[cache(expire = "1M")]
fn upper_case() -> u8 {
    1
}

#[cache(expire = "60")]
fn no_unit() -> u8 {
    1
}

#[cache(expire = "1 minute")]
fn spelled_out() -> u8 {
    1
}

#[cache(expire = "-5s")]
fn negative_text() -> u8 {
    1
}

#[cache(expire = "")]
fn empty() -> u8 {
    1
}

#[cache(expire = 1.5)]
fn fraction() -> u8 {
    1
}

#[cache(expire = "1.5h")]
fn fraction_text() -> u8 {
    1
}

#[cache(expire = 99999999999999)]
fn too_long() -> u8 {
    1
}

#[cache(expire = 99999999999999999999999999)]
fn overflow() -> u8 {
    1
}

#[cache(expire = true)]
fn no_time() -> u8 {
    1
}

#[cache(none_expire = "5x")]
fn none() -> Option<u8> {
    None
}

#[cache(expire = 5m)]
fn text_without_quotes(id: u64) -> u64 {
    id
}

fn main() {}
