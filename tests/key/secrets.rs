//! Arguments are not in keys, logs and debug output, and a large one makes no large key.

use larder::{Cache, cache};
use support::deployment::shared;
use support::log::Log;
use support::stores::{caches, on, unique};

const SECRET: &str = "hunter2-correct-horse";

#[cache(expire = "1m", cache = cache, entry = login_entry)]
async fn login(cache: &Cache, token: &str, password: String) -> bool {
    token.len() == password.len()
}

#[tokio::test]
async fn a_secret_argument_is_not_in_the_key() {
    let prefix = unique("t");
    let cache = on(shared()).prefix(&prefix).build().await.expect("a cache");
    assert!(login(&cache, SECRET, SECRET.to_owned()).await);
    let keys = shared().command(&["KEYS", &format!("{prefix}*")]);
    assert!(keys.contains("secrets::login:"), "{keys}");
    assert!(!keys.contains("hunter2"), "{keys}");
    let entry = login_entry(&cache, SECRET, SECRET.to_owned());
    let shown = format!("{entry:?} {cache:?} {:?}", cache.stats());
    assert!(!shown.contains("hunter2"), "{shown}");
    let stored = shared().command(&["GET", entry.key()]);
    assert!(!stored.contains("hunter2"), "{stored}");
}

#[cache(expire = "1m", cache = cache, key = "session:{token}")]
async fn session(cache: &Cache, token: &str) -> Result<usize, String> {
    if token.ends_with('!') { Err("refused".to_owned()) } else { Ok(token.len()) }
}

#[cache(expire = u64::MIN, cache = cache)]
async fn never_kept(cache: &Cache, token: &str) -> usize {
    token.len()
}

#[tokio::test]
async fn a_secret_argument_is_not_in_a_log() {
    // Tests on other threads have no subscriber and would disable the events of shared callsites.
    if !support::isolated!() {
        return;
    }
    let (log, _guard) = Log::start();
    for cache in caches().await {
        for _ in 0..2 {
            login(&cache, SECRET, SECRET.to_owned()).await;
            assert!(session(&cache, SECRET).await.is_ok());
            assert!(session(&cache, &format!("{SECRET}!")).await.is_err());
            never_kept(&cache, SECRET).await;
        }
        let pipe = larder::bypass(session(&cache, SECRET)).await;
        assert!(pipe.is_ok());
    }
    let text = log.text();
    assert!(text.contains("secrets::login"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[cache(expire = "1m", cache = cache, entry = size_entry)]
async fn size(cache: &Cache, body: &[u8], tail: u8) -> usize {
    body.len() + usize::from(tail)
}

#[tokio::test]
async fn a_large_argument_makes_a_short_key_and_is_hashed_whole() {
    let mut body = vec![7; 10 << 20];
    for cache in caches().await {
        let key = size_entry(&cache, &body, 0).key().to_owned();
        assert!(key.len() < 120, "{}", key.len());
        assert_eq!(size(&cache, &body, 0).await, body.len(), "{cache:?}");
        assert_eq!(size(&cache, &body, 1).await, body.len() + 1, "{cache:?}");
        let last = body.len() - 1;
        body[last] ^= 1;
        assert_ne!(size_entry(&cache, &body, 0).key(), key);
        assert_eq!(size(&cache, &body, 0).await, body.len(), "{cache:?}");
        body[last] ^= 1;
        let counts = *cache.stats().function("size").expect("it was called");
        assert_eq!((counts.misses, counts.hits), (3, 0), "{cache:?}");
    }
}
