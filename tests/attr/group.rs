//! `group = ".."`: a namespace that is dropped in one step.

use larder::{Cache, cache};
use support::stores::{Calls, caches};

#[cache(expire = "1m", group = "items", cache = cache, entry = item_entry)]
async fn item(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1m", group = "items", key = "list:{page}", cache = cache, entry = list_entry)]
async fn list(cache: &Cache, calls: &Calls, page: u64) -> Vec<u64> {
    calls.add();
    vec![page]
}

#[cache(expire = "1m", group = "items2", cache = cache)]
async fn neighbour(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1m", cache = cache)]
async fn outside(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[cache(expire = "1m", group = "shop:{shop}", cache = cache, entry = offer_entry)]
async fn offer(cache: &Cache, calls: &Calls, shop: &str, id: u64) -> String {
    calls.add();
    format!("{shop} {id}")
}

#[cache(expire = "1m", group = "{tenant}", ignore(tenant), cache = cache)]
async fn of_tenant(cache: &Cache, calls: &Calls, tenant: &str, id: u64) -> String {
    calls.add();
    format!("{tenant} {id}")
}

#[cache(expire = "1m", group = "{tenant}", key = "{id}", cache = cache)]
async fn text_of_tenant(cache: &Cache, calls: &Calls, tenant: &str, id: &str) -> String {
    calls.add();
    format!("{tenant} {id}")
}

#[cache(expire = "1m", group = "sync", cache = cache)]
fn blocking(cache: &Cache, calls: &Calls, id: u64) -> u64 {
    calls.add();
    id
}

#[tokio::test]
async fn a_dropped_group_is_computed_again_and_nothing_else_is() {
    for cache in &caches().await {
        let calls = Calls::default();
        for round in 0..2 {
            for id in 0..3 {
                item(cache, &calls, id).await;
                list(cache, &calls, id).await;
                neighbour(cache, &calls, id).await;
                outside(cache, &calls, id).await;
            }
            assert_eq!(calls.count(), 12, "round {round} in {cache:?}");
        }
        assert!(cache.delete_group("items").await.is_ok(), "{cache:?}");
        assert_eq!(item_entry(cache, &calls, 0).get::<u64>().await, None, "{cache:?}");
        for id in 0..3 {
            assert_eq!(item(cache, &calls, id).await, id, "{cache:?}");
            assert_eq!(list(cache, &calls, id).await, [id], "{cache:?}");
            neighbour(cache, &calls, id).await;
            outside(cache, &calls, id).await;
        }
        assert_eq!(calls.count(), 18, "{cache:?}");
        // The new value is cached.
        item(cache, &calls, 0).await;
        assert_eq!(calls.count(), 18, "{cache:?}");
    }
}

#[tokio::test]
async fn the_key_names_the_group_in_braces() {
    for cache in &caches().await {
        let calls = Calls::default();
        let key = list_entry(cache, &calls, 3).key().to_owned();
        assert!(key.ends_with(":{items}:list:3"), "{key}");
        let key = item_entry(cache, &calls, 3).key().to_owned();
        assert!(key.contains(":{items}:group::item:"), "{key}");
    }
}

#[tokio::test]
async fn arguments_in_the_name_make_separate_groups() {
    for cache in &caches().await {
        let calls = Calls::default();
        let shops = ["books", "books:1", "{}", "*", "a b", ""];
        for shop in shops {
            assert_eq!(offer(cache, &calls, shop, 1).await, format!("{shop} 1"), "{cache:?}");
        }
        assert_eq!(calls.count(), shops.len(), "{cache:?}");
        assert!(offer_entry(cache, &calls, "{}", 1).key().contains(":{shop:%7B%7D}:"), "{cache:?}");
        assert!(cache.delete_group("shop:books").await.is_ok(), "{cache:?}");
        for shop in shops {
            offer(cache, &calls, shop, 1).await;
        }
        assert_eq!(calls.count(), shops.len() + 1, "{cache:?}");
        // An argument that looks like a glob is a literal name.
        assert!(cache.delete_group("shop:%2A").await.is_ok(), "{cache:?}");
        for shop in shops {
            offer(cache, &calls, shop, 1).await;
        }
        assert_eq!(calls.count(), shops.len() + 2, "{cache:?}");
    }
}

#[tokio::test]
async fn hits_in_the_process_tell_groups_apart() {
    // Group and key in one would be the same text.
    let tenants = ["a", "ab", "a:b", "b"];
    for cache in &caches().await {
        let calls = Calls::default();
        for round in 0..3 {
            for tenant in tenants {
                assert_eq!(of_tenant(cache, &calls, tenant, 1).await, format!("{tenant} 1"), "{cache:?}");
                for id in ["bc", "c", "b"] {
                    let text = text_of_tenant(cache, &calls, tenant, id).await;
                    assert_eq!(text, format!("{tenant} {id}"), "{cache:?}");
                }
            }
            assert_eq!(calls.count(), 4 * tenants.len(), "round {round} in {cache:?}");
        }
        assert!(cache.delete_group("a").await.is_ok(), "{cache:?}");
        for tenant in tenants {
            assert_eq!(of_tenant(cache, &calls, tenant, 1).await, format!("{tenant} 1"), "{cache:?}");
            text_of_tenant(cache, &calls, tenant, "c").await;
        }
        assert_eq!(calls.count(), 4 * tenants.len() + 2, "{cache:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sync_functions_have_groups_too() {
    for cache in caches().await {
        let done = tokio::task::spawn_blocking(move || {
            let calls = Calls::default();
            blocking(&cache, &calls, 1);
            blocking(&cache, &calls, 1);
            assert_eq!(calls.count(), 1, "{cache:?}");
            assert!(cache.blocking().delete_group("sync").is_ok(), "{cache:?}");
            blocking(&cache, &calls, 1);
            assert_eq!(calls.count(), 2, "{cache:?}");
        });
        assert!(done.await.is_ok());
    }
}
