use larder::cache;

#[cache(expire = seconds)]
fn by_float(seconds: f64) -> u8 {
    seconds as u8
}

#[cache(none_expire = life)]
fn by_char(life: char) -> Option<u8> {
    None
}

#[cache(expire_with = |value: &u8| f64::from(*value))]
fn with_float() -> u8 {
    1
}

#[cache(expire_with = |value: &String| value.len())]
fn of_another_value() -> u8 {
    1
}

#[cache(expire = missing)]
fn unknown_name() -> u8 {
    1
}

fn main() {}
