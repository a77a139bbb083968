use larder::cache;

#[cache(name = 5)]
fn name_is_no_text() -> u8 {
    1
}

#[cache(name = "")]
fn name_is_empty() -> u8 {
    1
}

#[cache(name = "users get")]
fn name_with_a_blank() -> u8 {
    1
}

#[cache(codec = xml)]
fn codec() -> u8 {
    1
}

#[cache(codec = "json")]
fn codec_is_no_word() -> u8 {
    1
}

#[cache(compress = gzip)]
fn compress() -> u8 {
    1
}

#[cache(version = -1)]
fn version() -> u8 {
    1
}

#[cache(version = 4294967296)]
fn version_is_too_large() -> u8 {
    1
}

#[cache(entry = "user_entry")]
fn entry() -> u8 {
    1
}

#[cache(entry = users::entry)]
fn entry_is_a_path() -> u8 {
    1
}

#[cache(crate = larder)]
fn relative_crate() -> u8 {
    1
}

#[cache(crate = self::larder)]
fn crate_of_a_module() -> u8 {
    1
}

#[cache(crate = "larder")]
fn crate_is_no_path() -> u8 {
    1
}

fn main() {}
