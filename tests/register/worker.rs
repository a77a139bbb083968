//! The worker: a process with a cache that acts for the coordinator.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder::{Cache, Error};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};

use crate::functions::{self, Source};
use crate::limits;
use crate::wire::{Act, Broken, Down, Key, Outcome, Reading, Up, Wire, line};

/// The command line of a worker.
pub struct Post {
    pub index: usize,
    /// The number of earlier starts.
    pub life: u64,
    /// The port of the coordinator.
    pub port: u16,
    /// The URL of Redis, behind the faulty proxy.
    pub url: String,
    pub prefix: String,
    pub local: bool,
}

/// The connection to the coordinator.
#[derive(Clone)]
pub struct Link(Arc<Questions>);

struct Questions {
    out: mpsc::UnboundedSender<String>,
    next: AtomicU64,
    open: Mutex<HashMap<u64, oneshot::Sender<Result<Reading, Broken>>>>,
}

impl Link {
    /// Reads the database for an act; this is the computation.
    pub async fn read(&self, key: Key, act: u64) -> Result<Reading, Broken> {
        self.ask(key, act).await.expect("the coordinator answers as long as it lives")
    }

    /// Reads the database on a thread that may block.
    pub fn read_blocking(&self, key: Key, act: u64) -> Result<Reading, Broken> {
        self.ask(key, act).blocking_recv().expect("the coordinator answers as long as it lives")
    }

    fn ask(&self, key: Key, act: u64) -> oneshot::Receiver<Result<Reading, Broken>> {
        let question = self.0.next.fetch_add(1, SeqCst);
        let (answer, answered) = oneshot::channel();
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner).insert(question, answer);
        self.say(&Up::Read(question, key, act));
        answered
    }

    fn answer(&self, question: u64, answer: Result<Reading, Broken>) {
        let asked = self.0.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&question);
        if let Some(asked) = asked {
            // The computation may have been dropped.
            let _ = asked.send(answer);
        }
    }

    fn say(&self, message: &Up) {
        // Sending fails when the coordinator is gone, and then this process is about to end.
        let _ = self.0.out.send(line(message));
    }
}

/// Works until the coordinator is gone.
pub async fn work(post: Post) {
    let stream = TcpStream::connect(("127.0.0.1", post.port)).await.expect("the coordinator");
    let mut wire = Wire::new(stream);
    let questions = Questions { out: wire.out, next: AtomicU64::new(0), open: Mutex::default() };
    let link = Link(Arc::new(questions));
    let cache = cache(&post).await;
    link.say(&Up::Hello(post.index, post.life));
    tokio::spawn(complain(link.clone(), cache.clone()));
    while let Ok(Some(text)) = wire.lines.next_line().await {
        match serde_json::from_str(&text).expect("a message") {
            Down::Act(number, act, patience) => {
                let source = Source { link: link.clone(), cache: cache.clone(), act: number };
                tokio::spawn(perform(source, act, patience));
            }
            Down::Read(question, answer) => link.answer(question, answer),
        }
    }
}

async fn cache(post: &Post) -> Cache {
    let builder = Cache::builder()
        .url(&post.url)
        .prefix(&post.prefix)
        .redis_timeout(limits::REDIS)
        .connect_timeout(limits::CONNECT)
        .max_wait(limits::WAIT);
    let builder = if post.local { limits::local(builder) } else { builder };
    builder.build().await.expect("a cache, whether Redis is there or not")
}

/// Reports failures of the store.
async fn complain(link: Link, cache: Cache) {
    let mut known = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let errors = cache.stats().total.store_errors;
        if errors != known {
            link.say(&Up::StoreFailed);
        }
        known = errors;
    }
}

async fn perform(source: Source, act: Act, patience: Option<u64>) {
    let (link, number) = (source.link.clone(), source.act);
    let cache = source.cache.clone();
    let before = cache.stats().total.store_errors;
    let act = carry_out(source, act);
    // Polled once at least.
    let outcome = match patience.map(Duration::from_millis) {
        Some(patience) => tokio::time::timeout(patience, act).await.unwrap_or(Outcome::Abandoned),
        None => act.await,
    };
    let store_failure = cache.stats().total.store_errors != before;
    link.say(&Up::Done(number, outcome, store_failure));
}

async fn carry_out(source: Source, act: Act) -> Outcome {
    let cache = source.cache.clone();
    match act {
        Act::Call(key) => called(functions::call(source, key).await),
        Act::Refresh(key) => called(larder::refresh(functions::call(source, key)).await),
        Act::Invalidate(key) => match functions::entry(source, key) {
            Some(entry) => done(entry.invalidate().await),
            None => done(cache.delete(&functions::text(key.kind, key.id)).await),
        },
        Act::Expire(key) => match functions::entry(source, key) {
            Some(entry) => done(entry.expire().await),
            None => done(cache.delete(&functions::text(key.kind, key.id)).await),
        },
        Act::Delete(key) => done(cache.delete(&functions::text(key.kind, key.id)).await),
        Act::Pattern(key) => {
            let glob =
                format!("*{}", functions::text(key.kind, key.id).rsplit('}').next().unwrap_or_default());
            done(cache.delete_pattern(&glob).await)
        }
        Act::Put(key, reading) => done(functions::put(source, key, reading).await),
        Act::Group(key) => done(cache.delete_group(functions::group(key.kind).expect("a group")).await),
        Act::Tag(key) => {
            let tag = functions::tag(key.kind).expect("a tag");
            done(cache.invalidate_tag(&format!("{tag}:{}", key.id)).await)
        }
        Act::Everyone => done(cache.invalidate_tags(&["everyone"]).await),
        Act::Clear => done(cache.clear().await),
    }
}

fn called(result: Result<Reading, Broken>) -> Outcome {
    result.map_or_else(Outcome::Failed, Outcome::Value)
}

fn done<T>(result: Result<T, Error>) -> Outcome {
    result.map_or_else(|error| Outcome::Refused(error.to_string()), |_| Outcome::Done)
}
