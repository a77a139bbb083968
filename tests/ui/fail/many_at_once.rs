use larder::cache;

#[cache(ttl = 5, expire = 0, key = "{b}:{c}", codec = xml, tags = [], ignore(d))]
const fn everything(a: u8, #[cache(skip)] e: u8) -> &'static str {
    let _ = (a, e);
    ""
}

fn main() {
    everything(1, 2);
}
