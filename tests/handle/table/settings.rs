//! Settings of tables that cannot be used.

use std::future::ready;
use std::time::Duration;

use larder::{Cache, Error, Expire, Policy, TableBuilder};
use support::log::Log;
use support::stores::{caches, counts, unique};

type Setting = fn(TableBuilder<u64, u64>) -> TableBuilder<u64, u64>;

const WRONG: [(&str, Setting); 7] = [
    ("expire", |table| table.expire("soon")),
    ("expire", |table| table.expire(0)),
    ("none_expire", |table| table.none_expire("-1s")),
    ("local", |table| table.local(Expire::Never)),
    ("policy", |table| table.policy(Policy::new().soft_timeout(Duration::from_secs(1)))),
    ("policy", |table| table.expire("1s").local("5m")),
    ("tags", |table| table.tags(|_, value| value.to_string().chars().collect::<Vec<_>>())),
];

#[tokio::test]
async fn each_is_reported_and_the_table_runs_uncached() {
    let (log, _guard) = Log::start();
    for cache in &caches().await {
        for (setting, set) in WRONG {
            let name = unique("wrong");
            let make = || set(cache.table(&name)).load(|id: &u64| ready(*id));
            let error = make().check().expect_err(setting);
            assert!(matches!(&error, Error::Config { setting: wrong, .. } if *wrong == setting), "{error:?}");
            let table = make();
            assert_eq!((table.get(&1).await, table.get(&1).await), (1, 1), "{setting}, {cache:?}");
            assert!(table.insert(&1, &2).await.is_err(), "{setting}, {cache:?}");
            assert!(table.invalidate(&1).await.is_err(), "{setting}, {cache:?}");
            assert_eq!(
                (counts(cache, &name).refusals, counts(cache, &name).stores),
                (2, 0),
                "{setting}, {cache:?}"
            );
            let warned = log.take().iter().filter(|warning| warning.contains(&name)).count();
            assert_eq!(warned, 1, "{setting}, {cache:?}");
        }
    }
}

#[tokio::test]
async fn names_are_checked() {
    for cache in &caches().await {
        for name in ["", "a b", "{g}:x", "a*"] {
            let error = cache.table::<u64, u64>(name).load(|id: &u64| ready(*id)).check().expect_err(name);
            assert!(matches!(&error, Error::Config { setting: "table", .. }), "{error:?}");
        }
        cache.table::<u64, u64>("users.by-id_2").load(|id: &u64| ready(*id)).check().expect("a name");
    }
}

#[tokio::test]
async fn all_errors_are_reported_in_one() {
    let cache = Cache::for_test();
    let table = cache.table::<u64, u64>("a b").expire("soon").load_many(|_: Vec<u64>| ready(vec![Some(1)]));
    let text = table.check().expect_err("two errors").to_string();
    assert!(text.contains("`A-Z") && text.contains("soon"), "{text}");
}

#[tokio::test]
async fn own_settings_beside_of_are_an_error() {
    for cache in &caches().await {
        let own = cache.table::<u64, u64>("own").load(|id: &u64| ready(*id));
        let settings: [Setting; 3] = [
            |table| table.expire("1m"),
            |table| table.tags(|_, _| ["t"]),
            |table| table.policy(Policy::new().version(2)),
        ];
        for set in settings {
            let of = {
                let own = own.clone();
                move |id: &u64| own.entry(id)
            };
            let error = set(cache.table("of").of(of)).load(|id: &u64| ready(*id)).check().expect_err("both");
            assert!(matches!(&error, Error::Config { setting: "of", .. }), "{error:?}");
        }
    }
}
