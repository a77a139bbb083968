use larder::cache_many;

#[cache_many]
async fn no_ids(id: u64) -> Vec<Option<u64>> {
    vec![Some(id)]
}

#[cache_many]
async fn two_lists(names: &[String], ids: Vec<u64>) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many]
async fn no_list(#[cache(each)] id: u64) -> Vec<Option<u64>> {
    vec![Some(id)]
}

#[cache_many]
async fn two_marks(#[cache(each)] names: &[String], #[cache(each)] ids: Vec<u64>) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(ignore(ids))]
async fn ignored_ids(#[cache(each)] ids: &[u64]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(key = "all")]
async fn one_entry_for_all(ids: &[u64]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(of = user_entry, expire = 5, key = "user:{ids}", local = "5s")]
async fn declared_elsewhere(ids: &[u64]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many(entry = users_entry, response)]
async fn options_of_cache(ids: &[u64]) -> Vec<Option<u64>> {
    vec![]
}

#[cache_many]
async fn another_word(#[cache(all)] ids: &[u64]) -> Vec<Option<u64>> {
    vec![]
}

struct Service;

impl Service {
    #[cache_many(ignore(self))]
    async fn mutable(&mut self, ids: &[u64]) -> Vec<Option<u64>> {
        vec![]
    }
}

fn main() {}
