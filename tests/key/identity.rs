//! The identity of functions: two never share entries unless they have one name.

use larder::{Cache, cache};
use serde::Serialize;
use support::stores::{Calls, caches, unique};

mod left {
    use larder::Cache;

    #[larder::cache(expire = "1m", cache = cache)]
    pub(super) async fn get(cache: &Cache, id: u64) -> u64 {
        id
    }
}

mod right {
    use larder::Cache;

    #[larder::cache(expire = "1m", cache = cache)]
    pub(super) async fn get(cache: &Cache, id: u64) -> u64 {
        id + 100
    }
}

#[derive(Serialize)]
struct A;
#[derive(Serialize)]
struct B;

impl A {
    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn get(&self, cache: &Cache, id: u64) -> u64 {
        id + 1000
    }
}

impl B {
    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn get(&self, cache: &Cache, id: u64) -> u64 {
        id + 2000
    }
}

#[tokio::test]
async fn one_name_in_two_modules_or_types_does_not_share() {
    for cache in caches().await {
        for _ in 0..2 {
            assert_eq!(left::get(&cache, 1).await, 1, "{cache:?}");
            assert_eq!(right::get(&cache, 1).await, 101, "{cache:?}");
            assert_eq!(A.get(&cache, 1).await, 1001, "{cache:?}");
            assert_eq!(B.get(&cache, 1).await, 2001, "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");
    }
}

/// A source of rows that differ by their type only.
trait Source {
    const ID: u64;

    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn inherited(&self, cache: &Cache) -> u64 {
        Self::ID
    }

    async fn own(&self, cache: &Cache) -> u64;
}

impl Source for A {
    const ID: u64 = 1;

    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn own(&self, cache: &Cache) -> u64 {
        Self::ID
    }
}

impl Source for B {
    const ID: u64 = 2;

    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn own(&self, cache: &Cache) -> u64 {
        Self::ID
    }
}

#[tokio::test]
async fn one_trait_method_of_two_types_does_not_share() {
    for cache in caches().await {
        for _ in 0..2 {
            assert_eq!(A.inherited(&cache).await, 1, "{cache:?}");
            assert_eq!(B.inherited(&cache).await, 2, "{cache:?}");
            assert_eq!(A.own(&cache).await, 1, "{cache:?}");
            assert_eq!(B.own(&cache).await, 2, "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");
    }
}

trait Model: Send {
    const NAME: &'static str;
}
impl Model for A {
    const NAME: &'static str = "a";
}
impl Model for B {
    const NAME: &'static str = "b";
}

#[cache(expire = "1m", cache = cache)]
async fn load<T: Model>(cache: &Cache, id: u64) -> String {
    format!("{}{id}", T::NAME)
}

#[cache(expire = "1m", cache = cache, key = "row:{id}", entry = templated_entry)]
async fn templated<T: Model, const N: usize>(cache: &Cache, id: u64) -> String {
    format!("{}{id}{N}", T::NAME)
}

#[cache(expire = "1m", cache = cache, name = "load.named")]
async fn named<T: Model>(cache: &Cache, id: u64) -> String {
    format!("{}{id}", T::NAME)
}

#[tokio::test]
async fn two_instances_of_a_generic_function_do_not_share() {
    for cache in caches().await {
        for _ in 0..2 {
            assert_eq!(load::<A>(&cache, 1).await, "a1", "{cache:?}");
            assert_eq!(load::<B>(&cache, 1).await, "b1", "{cache:?}");
            assert_eq!(templated::<A, 1>(&cache, 1).await, "a11", "{cache:?}");
            assert_eq!(templated::<B, 1>(&cache, 1).await, "b11", "{cache:?}");
            assert_eq!(templated::<B, 2>(&cache, 1).await, "b12", "{cache:?}");
            assert_eq!(named::<A>(&cache, 1).await, "a1", "{cache:?}");
            assert_eq!(named::<B>(&cache, 1).await, "b1", "{cache:?}");
        }
        let key = templated_entry::<A, 1>(&cache, 1).key().to_owned();
        assert!(key.contains("row:1~(key.identity.A,_1)"), "{key}");
    }
}

#[derive(Serialize)]
struct Repo<T> {
    #[serde(skip)]
    model: std::marker::PhantomData<fn() -> T>,
}

impl<T: Model> Repo<T> {
    const NEW: Self = Self { model: std::marker::PhantomData };

    #[cache(expire = "1m", cache = cache, ignore(self))]
    async fn name(&self, cache: &Cache) -> String {
        T::NAME.to_owned()
    }

    #[cache(expire = "1m", cache = cache, ignore(self), key = "name")]
    async fn templated(&self, cache: &Cache) -> String {
        T::NAME.to_owned()
    }
}

#[tokio::test]
async fn two_instances_of_a_generic_impl_do_not_share() {
    for cache in caches().await {
        for _ in 0..2 {
            assert_eq!(Repo::<A>::NEW.name(&cache).await, "a", "{cache:?}");
            assert_eq!(Repo::<B>::NEW.name(&cache).await, "b", "{cache:?}");
            assert_eq!(Repo::<A>::NEW.templated(&cache).await, "a", "{cache:?}");
            assert_eq!(Repo::<B>::NEW.templated(&cache).await, "b", "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");
    }
}

#[derive(Serialize, Clone)]
struct Tenant {
    id: u64,
}

impl Tenant {
    #[cache(expire = "1m", cache = cache)]
    async fn all(&self, cache: &Cache) -> u64 {
        self.id
    }

    #[cache(expire = "1m", cache = cache)]
    async fn owned(self, cache: &Cache) -> u64 {
        self.id
    }
}

#[tokio::test]
async fn self_is_in_the_key_so_that_tenants_do_not_share() {
    for cache in caches().await {
        let (one, two) = (Tenant { id: 1 }, Tenant { id: 2 });
        for _ in 0..2 {
            assert_eq!(one.all(&cache).await, 1, "{cache:?}");
            assert_eq!(two.all(&cache).await, 2, "{cache:?}");
            assert_eq!(one.clone().owned(&cache).await, 1, "{cache:?}");
            assert_eq!(two.clone().owned(&cache).await, 2, "{cache:?}");
        }
        assert_eq!(cache.stats().total.hits, 4, "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, entry = nothing_entry)]
async fn nothing(cache: &Cache, calls: &Calls) -> () {
    calls.add();
}

#[tokio::test]
async fn a_function_without_arguments_has_a_key() {
    for cache in caches().await {
        let calls = Calls::default();
        nothing(&cache, &calls).await;
        nothing(&cache, &calls).await;
        assert_eq!(calls.count(), 1, "{cache:?}");
        let entry = nothing_entry(&cache, &calls);
        let hash = entry.key().rsplit(':').next().unwrap_or_default();
        assert!(hash.len() == 32 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{}", entry.key());
        assert!(entry.key().ends_with(&format!(":identity::nothing:{hash}")), "{}", entry.key());
    }
}

#[cache(expire = "1m", cache = cache, name = "item")]
async fn by_number(cache: &Cache, id: u64) -> String {
    format!("number {id}")
}

#[cache(expire = "1m", cache = cache, name = "item")]
async fn by_text(cache: &Cache, id: &str) -> String {
    format!("text {id}")
}

#[tokio::test]
async fn number_and_text_under_one_name_do_not_share() {
    for cache in caches().await {
        for _ in 0..2 {
            assert_eq!(by_number(&cache, 1).await, "number 1", "{cache:?}");
            assert_eq!(by_text(&cache, "1").await, "text 1", "{cache:?}");
        }
    }
}

#[cache(expire = "1m", cache = cache, name = "shared.by_choice", entry = first_entry)]
async fn first(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(expire = "1m", cache = cache, name = "shared.by_choice", entry = second_entry)]
async fn second(cache: &Cache, id: u64) -> u64 {
    id + 1
}

#[cache(expire = "1m", cache = cache, name = "shared.by_choice")]
async fn other_type(cache: &Cache, id: u64) -> String {
    format!("text {id}")
}

#[tokio::test]
async fn one_name_is_one_entry_but_never_of_another_type() {
    for cache in caches().await {
        assert_eq!(first_entry(&cache, 1).key(), second_entry(&cache, 1).key());
        assert_eq!(first(&cache, 1).await, 1, "{cache:?}");
        assert_eq!(second(&cache, 1).await, 1, "{cache:?}");
        assert_eq!(other_type(&cache, 1).await, "text 1", "{cache:?}");
    }
}

#[tokio::test]
async fn two_functions_of_one_path_do_not_share() {
    for cache in caches().await {
        let mut answers = Vec::new();
        for _ in 0..2 {
            {
                #[cache(expire = "1m", cache = cache)]
                async fn twin(cache: &Cache) -> u64 {
                    1
                }
                answers.push(twin(&cache).await);
            }
            {
                #[cache(expire = "1m", cache = cache)]
                async fn twin(cache: &Cache) -> u64 {
                    2
                }
                answers.push(twin(&cache).await);
            }
        }
        assert_eq!(answers, [1, 2, 1, 2], "{cache:?}");
    }
}

#[cache(expire = "1m", cache = cache, name = "elsewhere", entry = placed_entry)]
async fn placed(cache: &Cache) -> u64 {
    1
}

#[tokio::test]
async fn a_key_holds_no_version_of_the_crate_no_file_and_no_line() {
    let prefix = unique("t");
    let cache = Cache::builder().prefix(&prefix).build().await.expect("a cache");
    let key = placed_entry(&cache).key().to_owned();
    let rest = key.strip_prefix(&format!("{prefix}:elsewhere:")).expect("prefix and name");
    assert!(rest.len() == 32, "{key}");
    // The same function at another place of the file.
    #[cache(expire = "1m", cache = cache, name = "elsewhere", entry = moved_entry)]
    async fn moved(cache: &Cache) -> u64 {
        1
    }
    assert_eq!(moved_entry(&cache).key(), key);
    assert_eq!(moved(&cache).await, placed(&cache).await);
}
