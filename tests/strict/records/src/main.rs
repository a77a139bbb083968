//! A program that logs with `log` and has no subscriber of `tracing`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use larder::cache;
use log::{Level, LevelFilter, Log, Metadata, Record};

static RECORDS: Mutex<Vec<(Level, String, String)>> = Mutex::new(Vec::new());

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        records().push((record.level(), record.target().to_owned(), record.args().to_string()));
    }

    fn flush(&self) {}
}

fn records() -> MutexGuard<'static, Vec<(Level, String, String)>> {
    RECORDS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cache(expire = "1m")]
fn double(id: u64) -> u64 {
    id * 2
}

fn main() {
    log::set_logger(&Logger).expect("the first logger");
    log::set_max_level(LevelFilter::Debug);
    // Without a cache there is a warning.
    assert_eq!(double(1), 2);
    larder::Cache::builder().init_blocking().expect("a cache in memory");
    assert_eq!(double(2), 4);
    let records = std::mem::take(&mut *records());
    let ours: Vec<_> = records.iter().filter(|(_, target, _)| target == "larder").collect();
    let has = |level: Level, part: &str| ours.iter().any(|(at, _, text)| *at == level && text.contains(part));
    assert!(has(Level::Warn, "init"), "{records:?}");
    assert!(has(Level::Debug, "miss"), "{records:?}");
}
