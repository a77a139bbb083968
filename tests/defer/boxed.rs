//! Functions that return a boxed future look for the transaction at the first poll, as `async fn` does.

use async_trait::async_trait;
use larder::{cache, cache_evict, cache_put};
use support::stores::{Calls, caches};

#[cache(expire = "1h", key = "user:{id}")]
async fn user(#[cache(ignore)] calls: &Calls, id: u64) -> usize {
    calls.add() + id as usize - 1
}

#[async_trait]
trait Users: Sync {
    async fn user(&self, calls: &Calls, id: u64) -> usize;
    async fn rename(&self, id: u64);
    async fn save(&self, id: u64) -> usize;
}

struct Boxed;

#[async_trait]
impl Users for Boxed {
    #[cache(expire = "1h", ignore(self), key = "user:{id}")]
    async fn user(&self, #[cache(ignore)] calls: &Calls, id: u64) -> usize {
        calls.add() + id as usize - 1
    }

    #[cache_evict(key = "user:{id}")]
    async fn rename(&self, id: u64) {
        assert_eq!(id, 1);
    }

    #[cache_put(key = "user:{id}")]
    async fn save(&self, id: u64) -> usize {
        id as usize + 100
    }
}

#[cache_evict(key = "user:{id}")]
async fn rename(id: u64) {
    assert_eq!(id, 1);
}

#[tokio::test]
async fn the_first_poll_decides() {
    for cache in caches().await {
        let calls = &Calls::default();
        cache
            .scope(async {
                user(calls, 1).await;
                let later = cache.defer();
                // All are made outside the scope of the transaction, and polled inside.
                let (read, boxed) = (user(calls, 1), Boxed.user(calls, 1));
                later.scope(async { assert_eq!((read.await, boxed.await), (1, 2)) }).await;
                let (native, evict, put) = (rename(1), Boxed.rename(1), Boxed.save(1));
                for write in [Box::pin(native) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>, evict] {
                    later.scope(write).await;
                    assert_eq!(user(calls, 1).await, 0, "nothing is sent yet");
                }
                assert_eq!(later.scope(put).await, 101);
                assert_eq!(user(calls, 1).await, 0, "nothing is sent yet");
                later.send().await.expect("sent");
                assert_eq!(user(calls, 1).await, 3);

                // Made inside, and polled outside.
                let later = cache.defer();
                let evict = later.scope_blocking(|| Boxed.rename(1));
                evict.await;
                later.discard();
                assert_eq!(user(calls, 1).await, 4, "the future was not part of the transaction");
            })
            .await;
    }
}
