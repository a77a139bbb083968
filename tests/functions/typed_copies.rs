//! Typed copies and shared errors: results spelt `Self`, with one capital, or with a parameter of the function.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::future::join_all;
use larder::{Cache, cache, cache_many};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use support::stores::{Calls, Gate, LONG, caches, counts, in_time, settle};
use support::wait::eventually_async;

static DECODED: [AtomicUsize; 9] = [const { AtomicUsize::new(0) }; 9];

/// A value that counts, under its number, how often it was decoded.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Counting<const N: usize> {
    id: u64,
}

impl<'de, const N: usize> Deserialize<'de> for Counting<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Plain {
            id: u64,
        }
        DECODED[N].fetch_add(1, SeqCst);
        Plain::deserialize(deserializer).map(|plain| Self { id: plain.id })
    }
}

type V = Counting<2>;

impl Counting<0> {
    #[cache(cache = cache, expire = "1h", local = "1h")]
    async fn load(cache: &Cache, id: u64) -> Result<Self, String> {
        if id == 0 { Err("nobody".to_owned()) } else { Ok(Self { id }) }
    }
}

impl Counting<1> {
    #[cache(cache = cache, expire = "1h", local = "1h", local_copy = false)]
    async fn load(cache: &Cache, id: u64) -> Result<Self, String> {
        if id == 0 { Err("nobody".to_owned()) } else { Ok(Self { id }) }
    }
}

impl Counting<7> {
    #[cache_many(cache = cache, expire = "1h", local = "1h")]
    async fn several(cache: &Cache, ids: &[u64]) -> Result<HashMap<u64, Self>, String> {
        Ok(ids.iter().map(|id| (*id, Self { id: *id })).collect())
    }
}

impl Counting<8> {
    #[cache_many(cache = cache, expire = "1h", local = "1h", local_copy = false)]
    async fn several(cache: &Cache, ids: Vec<u64>) -> Vec<(u64, Self)> {
        ids.iter().map(|id| (*id, Self { id: *id })).collect()
    }
}

#[cache(cache = cache, expire = "1h", local = "1h")]
async fn capital(cache: &Cache, id: u64) -> Option<V> {
    Some(Counting { id })
}

#[cache(cache = cache, expire = "1h", local = "1h", ignore(make))]
async fn bounded<T>(cache: &Cache, make: fn(u64) -> T, id: u64) -> T
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    make(id)
}

#[cache(cache = cache, expire = "1h", local = "1h", ignore(make))]
async fn unbounded<T>(cache: &Cache, make: fn(u64) -> T, id: u64) -> T
where
    T: Clone + Send + Sync + Serialize + DeserializeOwned,
{
    make(id)
}

#[cache(cache = cache, expire = "1h", local = "1h", ignore(kind))]
async fn beside_a_parameter<T>(cache: &Cache, kind: PhantomData<T>, id: u64) -> Counting<5> {
    let _ = kind;
    Counting { id }
}

/// A row of a generic table.
struct Table<T>(PhantomData<T>);

impl<T: Clone + Send + Sync + Serialize + DeserializeOwned + From<u64> + 'static> Table<T> {
    #[cache(cache = cache, expire = "1h", local = "1h")]
    async fn row(cache: &Cache, id: u64) -> T {
        T::from(id)
    }
}

impl From<u64> for Counting<6> {
    fn from(id: u64) -> Self {
        Self { id }
    }
}

/// Calls until hits in this process begin, and returns how often ten more of them decode.
async fn decoded<F: Future<Output = u64>>(
    cache: &Cache,
    function: &str,
    number: usize,
    call: impl Fn() -> F,
) -> usize {
    let is_memory = cache.health().await.nodes.is_empty();
    let hits = || {
        let counts = counts(cache, function);
        if is_memory { counts.hits } else { counts.local_hits }
    };
    let is_warm = || async {
        assert_eq!(call().await, 7, "{function} in {cache:?}");
        hits() > 1
    };
    eventually_async(LONG, is_warm).await;
    let (before, decodes) = (hits(), DECODED[number].load(SeqCst));
    for _ in 0..10 {
        assert_eq!(call().await, 7, "{function} in {cache:?}");
    }
    assert_eq!(hits() - before, 10, "{function} in {cache:?}");
    DECODED[number].load(SeqCst) - decodes
}

#[tokio::test]
async fn hits_in_this_process_clone_what_may_be_static() {
    for cache in &caches().await {
        let load = || async { Counting::<0>::load(cache, 7).await.expect("a value").id };
        assert_eq!(decoded(cache, "Counting::load", 0, load).await, 0, "{cache:?}");
        let capital = || async { capital(cache, 7).await.expect("a value").id };
        assert_eq!(decoded(cache, "typed_copies::capital", 2, capital).await, 0, "{cache:?}");
        let bounded = || async { bounded(cache, |id| Counting::<3> { id }, 7).await.id };
        assert_eq!(decoded(cache, "typed_copies::bounded", 3, bounded).await, 0, "{cache:?}");
        let beside = || async { beside_a_parameter(cache, PhantomData::<u8>, 7).await.id };
        assert_eq!(decoded(cache, "typed_copies::beside_a_parameter", 5, beside).await, 0, "{cache:?}");
        let row = || async { Table::<Counting<6>>::row(cache, 7).await.id };
        assert_eq!(decoded(cache, "Table::row", 6, row).await, 0, "{cache:?}");
        let several = || async { Counting::<7>::several(cache, &[7]).await.expect("a map")[&7].id };
        assert_eq!(decoded(cache, "Counting::several", 7, several).await, 0, "{cache:?}");
    }
}

#[tokio::test]
async fn hits_in_this_process_decode_what_may_borrow_and_what_is_told_to() {
    for cache in &caches().await {
        let load = || async { Counting::<1>::load(cache, 7).await.expect("a value").id };
        assert_eq!(decoded(cache, "Counting::load", 1, load).await, 10, "{cache:?}");
        let unbounded = || async { unbounded(cache, |id| Counting::<4> { id }, 7).await.id };
        assert_eq!(decoded(cache, "typed_copies::unbounded", 4, unbounded).await, 10, "{cache:?}");
        let several = || async { Counting::<8>::several(cache, vec![7]).await[0].1.id };
        assert_eq!(decoded(cache, "Counting::several", 8, several).await, 10, "{cache:?}");
    }
}

#[tokio::test]
async fn instances_of_a_generic_function_have_copies_of_their_own() {
    for cache in &caches().await {
        for _ in 0..3 {
            assert_eq!(bounded(cache, |id| id, 1).await, 1, "{cache:?}");
            assert_eq!(bounded(cache, |id| id.to_string(), 1).await, "1", "{cache:?}");
            assert_eq!(Table::<u64>::row(cache, 1).await, 1, "{cache:?}");
            assert_eq!(Table::<u128>::row(cache, 1).await, 1, "{cache:?}");
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Refused;
type E = Refused;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account;

impl Account {
    #[cache(cache = cache, expire = "1h")]
    async fn open(cache: &Cache, calls: &Calls, gate: &Gate) -> Result<Self, E> {
        calls.add();
        gate.pass().await;
        Err(Refused)
    }
}

#[tokio::test]
async fn an_error_type_with_one_capital_is_shared() {
    for cache in caches().await {
        let (calls, gate) = (Arc::new(Calls::default()), Arc::new(Gate::default()));
        let callers = (0..20).map(|_| {
            let (cache, calls, gate) = (cache.clone(), Arc::clone(&calls), Arc::clone(&gate));
            tokio::spawn(async move { Account::open(&cache, &calls, &gate).await })
        });
        let callers: Vec<_> = callers.collect();
        gate.arrived(1).await;
        settle(&cache).await;
        gate.open();
        for result in in_time(join_all(callers)).await {
            assert_eq!(result.expect("no panic"), Err(Refused));
        }
        assert_eq!(calls.count(), 1, "{cache:?}");
    }
}
