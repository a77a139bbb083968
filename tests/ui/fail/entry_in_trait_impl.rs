use larder::cache;

trait Store {
    async fn get(&self, id: u64) -> u64;
}

struct Postgres;

impl Store for Postgres {
    #[cache(ignore(self), entry = get_entry)]
    async fn get(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
