use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

use larder::{Policy, cache};

struct Db;
trait Clock {}
const REFRESHES: Policy = Policy::new().refresh_ahead(0.5);

#[cache(stale_while_revalidate = "1m")]
async fn cannot_be_cloned(#[cache(ignore)] db: &Db, id: u64) -> u64 {
    let _ = db;
    id
}

#[cache(refresh_ahead = 0.8)]
fn cannot_be_cloned_either(#[cache(ignore)] clock: &dyn Clock, id: u64) -> u64 {
    let _ = clock;
    id
}

impl Db {
    #[cache(stale_while_revalidate = "1m", ignore(self))]
    async fn method(&self, id: u64) -> u64 {
        id
    }

    #[cache(stale_while_revalidate = "1m", ignore(self))]
    async fn changes(&mut self, id: u64) -> u64 {
        id
    }
}

#[cache(stale_if_error = "1m", soft_timeout = "1s")]
async fn changes(list: &mut Vec<u8>) -> Result<usize, String> {
    list.push(1);
    Ok(list.len())
}

#[cache(policy = REFRESHES, background)]
async fn holds(name: Option<&str>, cow: Cow<'_, str>, list: &[&str]) -> usize {
    name.map_or(0, str::len) + cow.len() + list.len()
}

#[cache(stale_while_revalidate = "1m")]
async fn stays_in_its_thread(#[cache(ignore)] shared: Rc<u8>, #[cache(ignore)] cell: &Cell<u8>) -> u8 {
    *shared + cell.get()
}

#[cache(stale_while_revalidate = "1m")]
async fn awaits_in_its_thread(id: u8) -> u8 {
    let shared = Rc::new(id);
    std::future::ready(()).await;
    *shared
}

#[cache(stale_while_revalidate = "1m")]
async fn generic<T: serde::Serialize + Sync>(value: &T, own: Vec<T>) -> usize {
    let _ = value;
    own.len()
}

#[cache(stale_while_revalidate = "1m")]
async fn names_a_lifetime<'a>(text: &'a str) -> usize {
    let same: &'a str = text;
    same.len()
}

#[cache(stale_while_revalidate = "1m", unless = |n: &usize| *n == text.len())]
async fn rule_borrows(text: &str) -> usize {
    text.len()
}

#[derive(Clone, serde::Serialize)]
struct View<'a>(&'a str);

impl View<'_> {
    #[cache(stale_while_revalidate = "1m")]
    async fn length(&self, id: u64) -> usize {
        self.0.len() + id as usize
    }

    #[cache(stale_while_revalidate = "1m", ignore(self))]
    fn print(self, id: u64) -> String {
        format!("{self:?} {id}")
    }
}

impl std::fmt::Debug for View<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

#[async_trait::async_trait(?Send)]
trait Local {
    async fn value(&self) -> u64;
}

#[async_trait::async_trait(?Send)]
impl Local for u64 {
    #[cache(stale_while_revalidate = "1m")]
    async fn value(&self) -> u64 {
        *self
    }
}

fn main() {}
