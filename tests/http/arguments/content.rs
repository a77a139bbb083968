//! Extractors that count by their content.

use axum::Router;
use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Form, Json, Query, RawForm, RawPathParams, State};
use axum::routing::get;
use axum_extra::extract::{OptionalQuery, WithRejection};
use larder::cache;
use serde::{Deserialize, Serialize};
use support::stores::caches;
use support::wire::{ask, request};

use super::App;

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Page {
    page: u64,
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn query(app: State<App>, Query(page): Query<Page>) -> String {
    app.page(page.page)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn optional(app: State<App>, OptionalQuery(page): OptionalQuery<Page>) -> String {
    app.page(page.unwrap_or_default().page)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn many(app: State<App>, page: axum_extra::extract::Query<Vec<(String, u64)>>) -> String {
    app.page(page.0.iter().map(|(_, page)| *page).next_back().unwrap_or_default())
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn rejected(app: State<App>, page: WithRejection<Query<Page>, QueryRejection>) -> String {
    app.page(page.0.page)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn checked(app: State<App>, page: Result<Query<Page>, QueryRejection>) -> String {
    app.page(page.map_or_else(|error| error.body_text(), |page| page.page.to_string()))
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn form(app: State<App>, Form(page): Form<Page>) -> String {
    app.page(page.page)
}

#[cache(response, expire = "1h", cache = app.cache)]
async fn raw(app: State<App>, RawForm(form): RawForm) -> String {
    app.page(String::from_utf8_lossy(&form).replace("page=", ""))
}

#[tokio::test]
async fn content_is_in_the_key() {
    for cache in &caches().await {
        let router = Router::new()
            .route("/query", get(query))
            .route("/optional", get(optional))
            .route("/many", get(many))
            .route("/rejected", get(rejected))
            .route("/checked", get(checked))
            .route("/form", get(form))
            .route("/raw", get(raw))
            .with_state(App::new(cache));
        let get = async |uri: String| ask(&router, request("GET", &uri, &[])).await.expect("a response");
        for path in ["/query", "/optional", "/many", "/rejected", "/checked", "/form", "/raw"] {
            for x_cache in ["MISS", "HIT"] {
                for page in [1, 2] {
                    let got = get(format!("{path}?page={page}")).await;
                    assert_eq!(
                        (got.status, got.x_cache().as_str()),
                        (200, x_cache),
                        "{cache:?} {path} {got:?}"
                    );
                    assert!(got.text().starts_with(&page.to_string()), "{cache:?} {path} {got:?}");
                }
            }
        }
        assert!(get("/optional".to_owned()).await.text().starts_with('0'), "{cache:?}");
        // What was rejected is told to the request that it was rejected for, and to no other.
        for page in ["a", "b", "a"] {
            let got = get(format!("/checked?page={page}")).await;
            assert_eq!((got.status, got.x_cache().as_str()), (200, "BYPASS"), "{cache:?} {got:?}");
        }
        assert_eq!(get("/rejected?page=a".to_owned()).await.status, 400, "{cache:?}");
    }
}

#[tokio::test]
async fn a_rejected_body_bypasses() {
    #[cache(response, expire = "1h", cache = app.cache)]
    async fn json(app: State<App>, page: Result<Json<Page>, JsonRejection>) -> String {
        app.page(page.map_or_else(|error| error.status().to_string(), |page| page.page.to_string()))
    }
    #[cache(response, expire = "1h", cache = app.cache)]
    async fn optional(app: State<App>, page: Option<Json<Page>>) -> String {
        app.page(page.map_or("none".to_owned(), |page| page.page.to_string()))
    }
    #[cache(response, expire = "1h", cache = app.cache)]
    async fn params(app: State<App>, params: RawPathParams) -> String {
        app.page(params.iter().map(|(name, value)| format!("{name}={value}")).collect::<String>())
    }
    for cache in &caches().await {
        let router = Router::new()
            .route("/json", get(json))
            .route("/none", get(optional))
            .route("/params/{a}/{b}", get(params))
            .with_state(App::new(cache));
        let get = async |uri: &str| ask(&router, request("GET", uri, &[])).await.expect("a response");
        for _ in 0..2 {
            assert_eq!(get("/json").await.x_cache(), "BYPASS", "{cache:?}");
        }
        for x_cache in ["MISS", "HIT"] {
            assert_eq!(get("/none").await.x_cache(), x_cache, "{cache:?}");
            for (uri, text) in [("/params/1/23", "a=1b=23"), ("/params/12/3", "a=12b=3")] {
                let got = get(uri).await;
                assert!(got.x_cache() == x_cache && got.text().starts_with(text), "{cache:?} {got:?}");
            }
        }
    }
}
