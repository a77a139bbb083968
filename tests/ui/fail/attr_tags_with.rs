use larder::{cache, cache_evict};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct User {
    id: u64,
    name: String,
}

#[cache(entry = page_entry)]
fn page(path: &str) -> String {
    path.to_owned()
}

#[cache(tags_with = |user| ["user:{user.id}"])]
fn braces(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache_evict(tags_with = |user: &User| {
    if user.id == 0 {
        return vec!["nobody:{}".to_owned()];
    }
    vec![format!("user:{}", user.id), String::from("name:{user.name}")]
})]
async fn braces_in_a_block(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache_evict(entry_with = |user| page_entry("/users/{user.id}"))]
fn braces_in_an_argument(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache(key = ("user:{id}", region))]
fn braces_in_a_key(id: u64, region: u8) -> User {
    User { id, name: region.to_string() }
}

#[cache(tags_with = |user| format!("user:{}", user.id))]
async fn no_list(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache_evict(tags_with = |user| &user.name)]
fn no_list_either(id: u64) -> User {
    User { id, name: String::new() }
}

fn name_of(user: &User) -> String {
    user.name.clone()
}

#[cache(tags_with = name_of)]
fn no_list_from_a_function(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache(tags_with = |user| user.name.chars())]
fn characters(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache(tags_with = |user| [user.id])]
fn numbers(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache(tags = ["name:{name}"])]
fn field_of_the_result(id: u64) -> User {
    User { id, name: String::new() }
}

#[cache_evict(tags = ["name:{name}"])]
async fn field_of_the_result_of_a_write(id: u64) -> User {
    User { id, name: String::new() }
}

fn main() {}
