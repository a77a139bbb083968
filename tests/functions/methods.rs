//! Methods: every receiver, associated functions, generic impls. Those of traits are in `traits.rs`.

use larder::{Cache, cache};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use support::stores::{Calls, caches};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Account {
    id: u64,
}

impl Account {
    #[cache(cache = cache)]
    async fn shared(&self, cache: &Cache, calls: &Calls) -> u64 {
        calls.add();
        self.id
    }

    #[cache(cache = cache)]
    async fn exclusive(&mut self, cache: &Cache, calls: &Calls) -> u64 {
        calls.add();
        self.id += 1;
        self.id
    }

    #[cache(cache = cache)]
    async fn owned(mut self, cache: &Cache, calls: &Calls) -> Self {
        calls.add();
        self.id += 1;
        self
    }

    #[cache(cache = cache)]
    #[expect(clippy::needless_arbitrary_self_type, reason = "it is another way to write a receiver")]
    async fn typed(self: &Self, cache: &Cache, calls: &Calls) -> u64 {
        calls.add();
        self.id
    }

    #[cache(cache = cache)]
    async fn boxed(self: Box<Self>, cache: &Cache, calls: &Calls) -> u64 {
        calls.add();
        self.id
    }

    #[cache(cache = cache)]
    async fn make(cache: &Cache, calls: &Calls, id: u64) -> Self {
        calls.add();
        Self { id }
    }

    #[cache(cache = cache)]
    async fn try_make(cache: &Cache, calls: &Calls, id: u64) -> Result<Option<Self>, String> {
        calls.add();
        let made = Self { id };
        Ok((id > 0).then_some(made))
    }

    #[cache(cache = cache)]
    fn sync(&self, cache: &Cache, calls: &Calls, by: u64) -> u64 {
        calls.add();
        self.id + by
    }

    #[cache(cache = cache)]
    fn sync_make(cache: &Cache, calls: &Calls, id: u64) -> Self {
        calls.add();
        Self { id }
    }
}

#[tokio::test]
async fn every_receiver() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            let mut account = Account { id: 1 };
            assert_eq!(account.shared(cache, &calls).await, 1, "{cache:?}");
            assert_eq!(account.typed(cache, &calls).await, 1, "{cache:?}");
            assert_eq!(account.exclusive(cache, &calls).await, 2, "{cache:?}");
            let account = Account { id: 1 };
            assert_eq!(account.clone().owned(cache, &calls).await, Account { id: 2 }, "{cache:?}");
            assert_eq!(Box::new(account).boxed(cache, &calls).await, 1, "{cache:?}");
        }
        assert_eq!(calls.count(), 5, "{cache:?}");
        assert_eq!(Account { id: 2 }.shared(cache, &calls).await, 2, "{cache:?}");
        assert_eq!(calls.count(), 6, "{cache:?}");
    }
}

#[tokio::test]
async fn associated_functions() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Account::make(cache, &calls, 1).await, Account { id: 1 }, "{cache:?}");
            assert_eq!(Account::try_make(cache, &calls, 1).await, Ok(Some(Account { id: 1 })), "{cache:?}");
        }
        assert_eq!(calls.count(), 2, "{cache:?}");
        assert_eq!(Account::try_make(cache, &calls, 0).await, Ok(None), "{cache:?}");
    }
}

#[test]
fn sync_methods() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(Account { id: 1 }.sync(&cache, &calls, 2), 3);
        assert_eq!(Account::sync_make(&cache, &calls, 1), Account { id: 1 });
    }
    assert_eq!(calls.count(), 2);
}

trait Db: Serialize {
    type Row: Serialize + DeserializeOwned + From<u64>;
    const BASE: u64;
}

#[derive(Serialize)]
struct Small;
impl Db for Small {
    type Row = u64;
    const BASE: u64 = 1;
}

#[derive(Serialize)]
struct Large;
impl Db for Large {
    type Row = u128;
    const BASE: u64 = 1000;
}

#[derive(Serialize)]
struct Service<T> {
    db: T,
}

impl<T: Db> Service<T> {
    #[cache(cache = cache)]
    async fn row(&self, cache: &Cache, calls: &Calls, id: u64) -> T::Row {
        calls.add();
        T::Row::from(T::BASE + id)
    }

    #[cache(cache = cache, none_expire = 9)]
    async fn rows(&self, cache: &Cache, calls: &Calls, id: u64) -> Result<Option<Vec<T::Row>>, String> {
        calls.add();
        Ok((id > 0).then(|| vec![T::Row::from(T::BASE + id)]))
    }

    #[cache(cache = cache)]
    fn sync_row(&self, cache: &Cache, calls: &Calls, id: u64) -> <T as Db>::Row {
        calls.add();
        T::Row::from(T::BASE + id)
    }
}

/// A type that borrows.
#[derive(Clone, Serialize)]
struct Wrapper<T>(T);

impl<T: Clone + Serialize + DeserializeOwned> Wrapper<T> {
    #[cache(cache = cache)]
    async fn inner(&self, cache: &Cache, calls: &Calls) -> T {
        calls.add();
        self.0.clone()
    }

    #[cache(cache = cache)]
    async fn of<U, const N: usize>(&self, cache: &Cache, calls: &Calls, other: U) -> (T, Vec<U>)
    where
        U: Clone + Serialize + DeserializeOwned,
    {
        calls.add();
        (self.0.clone(), vec![other; N])
    }
}

#[tokio::test]
async fn generic_impls() {
    for cache in &caches().await {
        let calls = Calls::default();
        for _ in 0..2 {
            assert_eq!(Service { db: Small }.row(cache, &calls, 1).await, 2, "{cache:?}");
            assert_eq!(Service { db: Large }.row(cache, &calls, 1).await, 1001, "{cache:?}");
            assert_eq!(Service { db: Small }.rows(cache, &calls, 1).await, Ok(Some(vec![2])), "{cache:?}");
            assert_eq!(Service { db: Small }.rows(cache, &calls, 0).await, Ok(None), "{cache:?}");
            assert_eq!(Wrapper(1_u8).inner(cache, &calls).await, 1, "{cache:?}");
            assert_eq!(Wrapper("a".to_owned()).inner(cache, &calls).await, "a", "{cache:?}");
            assert_eq!(Wrapper(1_u8).of::<u8, 2>(cache, &calls, 7).await, (1, vec![7, 7]), "{cache:?}");
            assert_eq!(Wrapper(1_u8).of::<u8, 1>(cache, &calls, 7).await, (1, vec![7]), "{cache:?}");
        }
        assert_eq!(calls.count(), 8, "{cache:?}");
    }
}

#[test]
fn generic_impls_with_sync_functions() {
    let cache = Cache::builder().build_blocking().expect("a cache");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(Service { db: Small }.sync_row(&cache, &calls, 1), 2);
        assert_eq!(Service { db: Large }.sync_row(&cache, &calls, 1), 1001);
    }
    assert_eq!(calls.count(), 2);
}
