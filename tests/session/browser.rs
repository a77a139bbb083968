//! The cookie in a real browser.

use axum::Router;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::{get, post};
use larder::session::{Session, SessionLayer};
use support::browser::opened;
use support::http::Server;
use support::redis::RedisServer;
use support::stores::on;

/// Signs in, asks which cookie is sent, and signs out.
const PAGE: &str = "<!doctype html><body>waiting<script>
(async () => {
  const ask = async (path, method = 'GET') => (await fetch(path, { method })).text();
  const lines = [document.cookie];
  for (const path of ['/login', '/login', '/logout']) {
    await ask(path, 'POST');
    lines.push(await ask('/cookie'), await ask('/me'));
  }
  lines.push(document.cookie);
  document.body.textContent = 'lines:' + lines.join('|') + ':end';
})();
</script>";

async fn cookie(headers: HeaderMap) -> String {
    let cookies: Vec<&str> =
        headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok()).collect();
    cookies.join("; ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_keeps_the_cookie_and_removes_it_at_the_logout() {
    let redis = RedisServer::start();
    let cache = on(&redis).require_redis(true).build().await.expect("a cache");
    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/cookie", get(cookie))
        .route("/me", get(|session: Session| async move { session.user().unwrap_or_default() }))
        .route(
            "/login",
            post(|session: Session| async move { session.sign_in("ada").await.expect("a wish") }),
        )
        .route("/logout", post(|session: Session| async move { session.sign_out().await.expect("removed") }))
        .layer(SessionLayer::new(&cache));
    let server = Server::start(router).await;
    // A secure origin without a certificate.
    let url = format!("http://localhost:{}/", server.port());
    let profile = redis.dir().join("profile");
    let page = tokio::task::block_in_place(|| opened(&profile, &url));
    let (_, lines) = page.split_once("lines:").unwrap_or_else(|| panic!("{page}"));
    let lines: Vec<&str> = lines.split(":end").next().expect("an end").split('|').collect();
    let [before, first, ada, second, again, removed, nobody, after] = lines[..] else { panic!("{page}") };
    assert!(first.starts_with("__Host-id=") && second.starts_with("__Host-id=") && first != second, "{page}");
    assert_eq!([ada, again, removed, nobody], ["ada", "ada", "", ""], "{page}");
    // Scripts of the page see none.
    assert_eq!([before, after], ["", ""], "{page}");
}
