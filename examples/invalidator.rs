//! Events of an application become tags: who changes something says what has happened, and one `match` says what that makes old.
//! `cargo run --example invalidator`

use std::collections::VecDeque;
use std::sync::Mutex;

use larder::{Cache, Error, cache};

/// An event, as a service publishes it.
#[derive(Clone, Debug)]
enum Event {
    UserRenamed { user: u64 },
    OrderPlaced { user: u64, product: u64 },
    PriceChanged { product: u64 },
}

/// The tags of what an event makes old. Functions name the tags that they depend on, and know nothing of events.
fn tags(event: &Event) -> Vec<String> {
    match event {
        Event::UserRenamed { user } => vec![format!("user:{user}"), "users".to_owned()],
        Event::OrderPlaced { user, product } => vec![format!("orders:{user}"), format!("stock:{product}")],
        Event::PriceChanged { product } => vec![format!("price:{product}")],
    }
}

/// The outbox of the service: a table that is written in the transaction of the change, so that no event is lost, and none is
/// sent for a change that was rolled back.
#[derive(Default)]
struct Outbox(Mutex<VecDeque<Event>>);

impl Outbox {
    fn add(&self, event: Event) {
        self.0.lock().expect("no panic").push_back(event);
    }

    /// The oldest event; it stays until it is done.
    fn first(&self) -> Option<Event> {
        self.0.lock().expect("no panic").front().cloned()
    }

    fn done(&self) {
        self.0.lock().expect("no panic").pop_front();
    }
}

/// Invalidates what the events of the outbox make old. An event that fails stays and is handled again: to invalidate twice does
/// no harm.
async fn run(cache: &Cache, outbox: &Outbox) -> Result<(), Error> {
    while let Some(event) = outbox.first() {
        let tags = tags(&event);
        println!("  {event:?} -> {}", tags.join(", "));
        cache.invalidate_tags(&tags.iter().map(String::as_str).collect::<Vec<_>>()).await?;
        outbox.done();
    }
    Ok(())
}

#[cache(expire = "1h", tags = ["user:{id}"])]
async fn user(id: u64) -> String {
    println!("  SELECT name FROM users WHERE id = {id}");
    format!("user {id}")
}

#[cache(expire = "1h", tags = ["users"])]
async fn user_list() -> usize {
    println!("  SELECT count(*) FROM users");
    2
}

#[cache(expire = "1h", tags = ["user:{user}", "orders:{user}"])]
async fn orders(user: u64) -> Vec<u64> {
    println!("  SELECT id FROM orders WHERE user_id = {user}");
    vec![user]
}

#[cache(expire = "1h", tags = ["price:{id}", "stock:{id}"])]
async fn product(id: u64) -> String {
    println!("  SELECT .. FROM products WHERE id = {id}");
    format!("product {id}")
}

async fn read_all() {
    for id in [1, 2] {
        user(id).await;
        orders(id).await;
        product(id).await;
    }
    user_list().await;
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let cache = Cache::builder().init().await?;
    let outbox = Outbox::default();
    println!("everything is read once");
    read_all().await;
    read_all().await;
    for event in [
        Event::UserRenamed { user: 1 },
        Event::OrderPlaced { user: 2, product: 1 },
        Event::PriceChanged { product: 2 },
    ] {
        println!("an event, and what is read again");
        outbox.add(event);
        run(&cache, &outbox).await?;
        read_all().await;
    }
    Ok(())
}
