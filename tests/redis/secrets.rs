//! Passwords, arguments, keys and values are in no event, no error, no `Debug` and no statistics.
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use larder::{Cache, cache};
use support::redis::RedisServer;
use support::stores::{LONG, hasty, in_time};
use support::wait::eventually_async;

/// The log at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic while writing").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const PASSWORD: &str = "canary-password";
const ARGUMENT: &str = "canary-argument";
const VALUE: &str = "canary-value";

#[cache(expire = "1m", cache = cache, entry = hashed_entry)]
async fn hashed(cache: &Cache, token: &str) -> String {
    VALUE.to_owned()
}

#[cache(expire = "1m", key = "user:{token}", cache = cache)]
async fn readable(cache: &Cache, token: &str) -> Result<String, String> {
    if token.ends_with('!') { Err(VALUE.to_owned()) } else { Ok(VALUE.to_owned()) }
}

#[cache(expire = "1m", key = "g:{token}", group = "{token}", cache = cache)]
fn grouped(cache: &Cache, token: &str) -> Option<String> {
    token.ends_with('?').then(|| VALUE.to_owned())
}

async fn everything(cache: &Cache, said: &mut Vec<String>) {
    for end in ["", "!", "?"] {
        let token = format!("{ARGUMENT}{end}");
        for _ in 0..2 {
            hashed(cache, &token).await;
            drop(readable(cache, &token).await);
            grouped(cache, &token);
        }
    }
    let error = |error: larder::Error| format!("{error} {error:?}");
    said.extend(cache.set(ARGUMENT, VALUE, "1m").await.map_err(error).err());
    said.extend(cache.try_get::<u64>(ARGUMENT).await.map_err(error).err());
    said.extend(cache.delete(ARGUMENT).await.map_err(error).err());
    said.extend(cache.delete_pattern(ARGUMENT).await.map_err(error).err());
    said.extend(cache.delete_group(ARGUMENT).await.map_err(error).err());
    said.extend(cache.inspect(ARGUMENT).await.map_err(error).err());
    said.extend(hashed_entry(cache, ARGUMENT).invalidate().await.map_err(error).err());
    cache.remember(ARGUMENT, "1m", || async { VALUE.to_owned() }).await;
    cache.remember(ARGUMENT, 0, || async { VALUE.to_owned() }).await;
    said.push(format!("{:?} {:?} {:?}", cache, cache.stats(), cache.health().await));
    said.push(serde_json::to_string(&cache.stats()).expect("JSON"));
}

#[test]
fn no_secret_is_ever_logged() {
    if !support::isolated!() {
        return;
    }
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let mut said = Vec::new();
    runtime.block_on(in_time(tell_everything(&mut said)));
    drop(runtime);

    let log = String::from_utf8(log.0.lock().expect("no panic").clone()).expect("text");
    for event in ["hit", "miss", "store", "refuse", "error", "connect", "is not reachable", "secrets::hashed"]
    {
        assert!(log.contains(event), "{event} was never said:\n{log}");
    }
    said.push(log);
    for text in &said {
        for canary in [PASSWORD, VALUE, ARGUMENT, "canary"] {
            assert!(!text.contains(canary), "{canary} is in {text}");
        }
    }
}

async fn tell_everything(said: &mut Vec<String>) {
    let server = RedisServer::start_with(&["--requirepass", PASSWORD]);
    let url = format!("redis://:{PASSWORD}@127.0.0.1:{}", server.port());
    for wrong in
        [url.replace(PASSWORD, "canary-wrong"), url.replace(":6", ":canary-port"), format!("{url}/canary")]
    {
        let builder = hasty(&server).url(&wrong).require_redis(true);
        said.push(format!("{builder:?}"));
        match builder.build().await {
            Ok(cache) => said.push(format!("{cache:?}")),
            // The database of a URL is no secret, and the error names it.
            Err(error) => said.push(format!("{error} {error:?}").replace("\"canary\"", "")),
        }
    }
    let builder = hasty(&server).url(&url).require_redis(true).max_value(64 << 10);
    said.push(format!("{builder:?}"));
    let cache = builder.build().await.expect("a cache");
    everything(&cache, said).await;
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    everything(&cache, said).await;
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    // Errors of forbidden scripts and other refusals repeat the command.
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    server.command(&["ACL", "SETUSER", "default", "-set", "-get", "-mget", "-evalsha", "-unlink", "-pttl"]);
    everything(&cache, said).await;
    server.pause();
    everything(&cache, said).await;
    server.resume();
    server.stop();
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    everything(&cache, said).await;
    tokio::time::timeout(Duration::from_secs(10), cache.close()).await.expect("it ends");
}
