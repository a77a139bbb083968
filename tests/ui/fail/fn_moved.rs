use larder::{cache, cache_evict};

#[cache(unless = |page: &String| page.is_empty() && name.is_empty())]
async fn rule(name: String) -> String {
    drop(name);
    String::new()
}

#[cache(expire_with = |page: &String| page.len() + name.len())]
fn expiry(name: String) -> String {
    name
}

#[cache_evict(tags_with = |_: &String| [format!("page:{name}")])]
async fn tags(name: String) -> String {
    name
}

fn main() {}
