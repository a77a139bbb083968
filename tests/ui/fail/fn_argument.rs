use larder::cache;

struct Db {
    url: &'static str,
}

#[cache(expire = "1m")]
async fn user(db: &Db, id: u64) -> usize {
    db.url.len() + id as usize
}

impl Db {
    #[cache(expire = "1m")]
    fn count(&self, id: u64) -> u64 {
        id
    }
}

#[cache(expire = "1m")]
fn generic<T: Send>(value: T) -> u8 {
    drop(value);
    1
}

fn main() {}
