//! Keys are the same in every process and build. A line of `GOLDEN` that changes is a cold cache for every user.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::process::Command;

use larder::{Cache, cache};
use serde::Serialize;

/// Marks the second process.
const CHILD: &str = "LARDER_GOLDEN_CHILD";

#[derive(Serialize, Clone)]
struct Tenant {
    id: u64,
    name: &'static str,
}

#[derive(Serialize)]
enum Sort {
    ByName,
    By { field: String, descending: bool },
}

impl Tenant {
    #[cache(cache = cache, entry = rows_entry)]
    #[expect(dead_code, reason = "only its entry is asked for")]
    async fn rows(&self, cache: &Cache, page: u32) -> u32 {
        page
    }
}

macro_rules! functions {
    ($($(#[$option:meta])* $function:ident($($arg:ident: $ty:ty),*);)*) => {$(
        $(#[$option])*
        #[expect(dead_code, reason = "only its entry is asked for")]
        async fn $function($($arg: $ty),*) -> u8 {
            $(let _ = &$arg;)*
            0
        }
    )*};
}

functions! {
    #[cache(cache = cache, entry = nothing_entry)]
    nothing(cache: &Cache);
    #[cache(cache = cache, entry = user_entry)]
    user(cache: &Cache, id: u64);
    #[cache(cache = cache, entry = search_entry)]
    search(cache: &Cache, query: &str, tags: Option<Vec<String>>, exact: bool, weight: f64);
    #[cache(cache = cache, entry = filter_entry)]
    filter(cache: &Cache, by: HashMap<String, i64>, only: HashSet<u8>, sort: [Sort; 2]);
    #[cache(cache = cache, entry = upload_entry)]
    upload(cache: &Cache, body: &[u8]);
    #[cache(cache = cache, entry = named_entry, name = "users.get")]
    named(cache: &Cache, id: u64);
    #[cache(cache = cache, entry = versioned_entry, name = "users.get", version = 2)]
    versioned(cache: &Cache, id: u64);
    #[cache(cache = cache, entry = readable_entry, key = "user:{id}:{part}")]
    readable(cache: &Cache, id: u64, part: &str);
    #[cache(cache = cache, entry = grouped_entry, group = "org:{org}", key = "user:{id}", version = 3)]
    grouped(cache: &Cache, org: &str, id: u64);
    #[cache(cache = cache, entry = parts_entry, key = (id / 10, part))]
    parts(cache: &Cache, id: u64, part: &str);
}

#[cache(cache = cache, entry = of_type_entry)]
#[expect(dead_code, clippy::extra_unused_type_parameters, reason = "only its entry is asked for")]
async fn of_type<T, const N: usize>(cache: &Cache, id: u64) -> u64 {
    id
}

#[cache(cache = cache, entry = readable_of_type_entry, key = "t:{id}")]
#[expect(dead_code, clippy::extra_unused_type_parameters, reason = "only its entry is asked for")]
async fn readable_of_type<T>(cache: &Cache, id: u64) -> u64 {
    id
}

async fn keys() -> Vec<String> {
    let cache = &Cache::builder().prefix("golden").build().await.expect("a cache");
    let tags = Some(vec!["a".to_owned(), "b".to_owned()]);
    let by = BTreeMap::from([("z".to_owned(), -1), ("a".to_owned(), i64::MAX)]).into_iter().collect();
    let sort = [Sort::ByName, Sort::By { field: "age".to_owned(), descending: true }];
    let entries = [
        nothing_entry(cache),
        user_entry(cache, 42),
        search_entry(cache, "grün ärger", tags, true, -0.5),
        filter_entry(cache, by, HashSet::from([3, 1, 2]), sort),
        upload_entry(cache, &[0xff; 1000]),
        named_entry(cache, 42),
        versioned_entry(cache, 42),
        readable_entry(cache, 42, "a:b c"),
        grouped_entry(cache, "a{b}", 42),
        parts_entry(cache, 42, "x"),
        Tenant { id: 7, name: "acme" }.rows_entry(cache, 1),
        of_type_entry::<Option<Tenant>, 3>(cache, 42),
        readable_of_type_entry::<Vec<u8>>(cache, 42),
    ];
    entries.iter().map(|entry| entry.key().to_owned()).collect()
}

/// The keys, which must never change.
const GOLDEN: &[&str] = &[
    "golden:key_golden::nothing:13ad2f8a694df801d72848debdac0fa2",
    "golden:key_golden::user:f19b7370d76f1961b44c0b883c301faa",
    "golden:key_golden::search:58127ffcc79f43ab64b67d7119d316bb",
    "golden:key_golden::filter:297602366d7047733ff337ba33e04c0d",
    "golden:key_golden::upload:8eda83bcf90c4857cd7fed5e430b2dbc",
    "golden:users.get:485f21db071e5cc7ce59578073f1a9ab",
    "golden:users.get:8a51a295d449c3e08483b334116a0f82",
    "golden:user:42:a%3Ab%20c",
    "golden:{org:a%7Bb%7D}:user:42~v3",
    "golden:key_golden::parts:67c416664017bf8aa6f2a743677d715d",
    "golden:Tenant::rows:d84e824a7c9d476a7263fa8d3e95372e",
    "golden:key_golden::of_type:2685242e687a25dedcebf488aab1d939",
    "golden:t:42~(alloc.vec.Vec(u8))",
];

#[tokio::test]
async fn keys_are_frozen() {
    let keys = keys().await;
    assert_eq!(keys, GOLDEN, "{keys:#?}");
}

#[tokio::test]
async fn keys_are_the_same_in_another_process() {
    if std::env::var_os(CHILD).is_some() {
        for key in keys().await {
            println!("key {key}");
        }
        return;
    }
    let binary = std::env::current_exe().expect("the path of this test");
    let output = Command::new(binary)
        .args(["--exact", "keys_are_the_same_in_another_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("a second process");
    let printed = String::from_utf8(output.stdout).expect("text");
    // The harness may have begun the first line.
    let theirs: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once("key ")?.1)).collect();
    assert_eq!(theirs, keys().await, "{printed}");
}
