use larder::cache;

struct Opaque {
    id: u64,
}

#[cache(key = "user:{opaque}")]
fn unprintable(opaque: Opaque) -> u64 {
    opaque.id
}

#[cache(key = "user:{opaque.name}")]
fn no_field(opaque: Opaque) -> u64 {
    opaque.id
}

#[cache(key = (opaque, 1))]
fn cannot_be_hashed(opaque: Opaque) -> u64 {
    opaque.id
}

impl Opaque {
    #[cache(key = "opaque:{self.idd}")]
    fn near_miss(&self) -> u64 {
        self.id
    }
}

fn main() {}
