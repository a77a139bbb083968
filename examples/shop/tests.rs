//! The shop in a browser, as somebody clicks through it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use axum::response::Html;
use axum::routing::{get, post};
use larder::Cache;
use tokio::process::Command;

use super::Shop;

/// Clicks through the shop in a frame, and writes what it sees.
const DRIVER: &str = include_str!("driver.html");

/// Chromium with an empty profile and without a window.
fn chromium(profile: &Path, arguments: &[&str], url: &str) -> Command {
    let mut chromium = Command::new("chromium");
    // Root may not use its sandbox, and it opens pages of the tests alone.
    chromium.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.display())).args(arguments).arg(url);
    chromium.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    chromium
}

/// A folder that is removed.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("larder-shop-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// With `LARDER_PICTURES`, the pictures go to that folder.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_clicks_through_the_shop() {
    let cache = Cache::builder().url("memory://").prefix("shop").build().await.expect("a cache");
    let shop = Shop::new(&cache);
    let (database, end) = (shop.database.clone(), shop.end.clone());
    let (report, mut reported) = tokio::sync::mpsc::channel(1);
    let take = move |lines: String| async move { report.send(lines).await.expect("the test waits") };
    let routes = shop.routes(&cache, "30/minute").route("/drive", get(|| async { Html(DRIVER) }));
    let routes = routes.route("/report", post(take)).layer(larder::http::scope(&cache));
    let app = routes.into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}", listener.local_addr().expect("its address").port());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let folder = Folder::new();
    let profile = folder.0.join("profile");
    // The port keeps the browser open until it is dropped.
    let browser = chromium(&profile, &["--remote-debugging-port=0"], &format!("{url}/drive")).spawn();
    let browser = browser.expect("chromium, as `apt-get install chromium` has it");
    let lines = tokio::time::timeout(Duration::from_secs(60), reported.recv()).await.expect("in time");
    let lines = lines.expect("a report");
    assert!(lines.ends_with("|end"), "{lines}");
    drop(browser);
    // Two pages, a cart and a purchase: the products were read one by one by nobody.
    assert!(database.queries() < 20, "{}", database.queries());
    let counts = cache.stats().total;
    assert!(counts.hits > 0 && counts.store_errors == 0, "{counts:?}");
    // One picture in each colour scheme.
    let pictures = std::env::var_os("LARDER_PICTURES").map_or_else(|| folder.0.clone(), PathBuf::from);
    for (name, scheme) in [("shop-dark.png", "0"), ("shop-light.png", "1")] {
        let file = pictures.join(name);
        let arguments = [
            format!("--screenshot={}", file.display()),
            "--window-size=1000,440".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            "--timeout=3000".to_owned(),
        ];
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let status = chromium(&profile, &arguments, &url).status().await.expect("chromium runs");
        assert!(status.success(), "{name}: {status}");
        let picture = std::fs::read(&file).expect("a picture");
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 5_000, "{name}: {}", picture.len());
    }
    end.end();
}

#[tokio::test]
async fn purchases_are_limited_and_the_shop_is_healthy() {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    let cache = Cache::builder().url("memory://").prefix("shop").build().await.expect("a cache");
    let app = Shop::new(&cache).routes(&cache, "2/minute").layer(larder::http::scope(&cache));
    let send = async |method: &str, path: &str| {
        let mut request = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
        request.extensions_mut().insert(SocketAddr::from(([203, 0, 113, 9], 1)));
        app.clone().oneshot(request).await.expect("an answer").status().as_u16()
    };
    assert_eq!([send("POST", "/buy").await, send("POST", "/login/ada").await], [403, 204]);
    assert_eq!([send("POST", "/buy").await, send("GET", "/cart").await], [429, 200]);
    assert_eq!([send("GET", "/health/ready").await, send("GET", "/products/99").await], [200, 404]);
    assert_eq!([send("POST", "/cart/99").await, send("GET", "/").await], [404, 200]);
}
