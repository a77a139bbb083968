//! Credentials that the application provides for each connection.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use larder::{Cache, Credentials, Error, LocalTier, cache};
use support::log::Log;
use support::redis::RedisServer;
use support::stores::{Calls, LONG, hasty, in_time, on};
use support::wait::eventually_async;

#[cache(expire = "5m", cache = cache)]
async fn double(cache: &Cache, calls: &Calls, n: u64) -> u64 {
    calls.add();
    n * 2
}

/// A service of tokens that a test changes.
#[derive(Clone)]
struct Vault {
    token: Arc<Mutex<Result<String, String>>>,
    asked: Arc<AtomicUsize>,
}

impl Vault {
    fn new(token: &str) -> Self {
        Self { token: Arc::new(Mutex::new(Ok(token.to_owned()))), asked: Arc::default() }
    }

    fn set(&self, token: Result<&str, &str>) {
        *self.token.lock().expect("no panic") = token.map(str::to_owned).map_err(str::to_owned);
    }

    async fn token(&self) -> Result<String, String> {
        self.asked.fetch_add(1, SeqCst);
        tokio::task::yield_now().await;
        self.token.lock().expect("no panic").clone()
    }
}

fn builder(server: &RedisServer, vault: &Vault) -> larder::Builder {
    let vault = vault.clone();
    on(server).credentials(move || {
        let vault = vault.clone();
        async move { Ok(("app", vault.token().await?)) }
    })
}

fn server_with(password: &str) -> RedisServer {
    let server = RedisServer::start();
    set_password(&server, password);
    server
}

fn set_password(server: &RedisServer, password: &str) {
    let user = ["ACL", "SETUSER", "app", "reset", "on", &format!(">{password}"), "~*", "&*", "+@all"];
    assert_eq!(server.command(&user), "OK");
}

#[tokio::test]
async fn a_rotated_password() {
    let server = server_with("first-password");
    let vault = Vault::new("first-password");
    let cache =
        builder(&server, &vault).local(LocalTier::new()).require_redis(true).build().await.expect("a cache");
    eventually_async(LONG, || async { cache.health().await.push == Some(true) }).await;
    let calls = Calls::default();
    double(&cache, &calls, 1).await;
    let asked = vault.asked.load(SeqCst);
    assert!(asked >= 2, "once for the connection of the calls and once for that of notifications: {asked}");

    set_password(&server, "second-password");
    vault.set(Ok("second-password"));
    for n in 0..10 {
        cache.set(&format!("k{n}"), &n, "5m").await.expect("open connections live on");
        assert_eq!(cache.get::<i32>(&format!("k{n}")).await, Some(n));
    }
    assert_eq!(vault.asked.load(SeqCst), asked, "no connection was opened");

    server.command(&["CLIENT", "KILL", "USER", "app"]);
    eventually_async(LONG, || async {
        cache.get::<i32>("k1").await == Some(1) && cache.health().await.push == Some(true)
    })
    .await;
    assert!(vault.asked.load(SeqCst) >= asked + 2);
    assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
    assert_eq!(calls.count(), 1, "a hit");
}

#[tokio::test]
async fn rejected_credentials_are_an_error_at_the_start() {
    let server = server_with("right-password");
    let error = builder(&server, &Vault::new("wrong-password")).build().await.expect_err("rejected");
    assert!(matches!(error, Error::Auth { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("wrong-password"), "{error:?}");
    let default = on(&server).credentials(|| async { Ok(Credentials::new("default", "any")) });
    default.require_redis(true).build().await.expect("the user `default` has no password here");
}

#[tokio::test]
async fn credentials_in_two_places() {
    let server = server_with("right-password");
    for who in ["app:right-password@", ":right-password@"] {
        let url = format!("redis://{who}127.0.0.1:{}", server.port());
        let error = builder(&server, &Vault::new("x")).url(url).build().await.expect_err("twice");
        assert!(matches!(error, Error::Config { setting: "credentials", .. }), "{error:?}");
        assert!(!error.to_string().contains("right-password"), "{error}");
    }
    let memory = Cache::builder().url("memory://").credentials(|| async { Ok(("app", "x")) });
    memory.build().await.expect("memory has no connections");
}

#[tokio::test]
async fn a_closure_that_fails() {
    if !support::isolated!() {
        return;
    }
    let server = server_with("right-password");
    let vault = Vault::new("");
    vault.set(Err("the vault is sealed"));
    let (log, _guard) = Log::start();
    let error = builder(&server, &vault).require_redis(true).build().await.expect_err("no credentials");
    assert!(
        matches!(&error, Error::Unavailable { message, .. } if message.contains("the vault is sealed")),
        "{error:?}"
    );
    drop(log.take());

    let cache = in_time(builder(&server, &vault).build()).await.expect("the process starts");
    let calls = Calls::default();
    for _ in 0..2 {
        assert_eq!(in_time(double(&cache, &calls, 1)).await, 2);
    }
    assert_eq!(calls.count(), 2, "uncached");
    let warnings = log.take();
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    let texts = ["cannot be connected to", "the closure of `credentials` failed: the vault is sealed"];
    assert!(texts.iter().all(|text| warnings[0].contains(text)), "{warnings:#?}");

    vault.set(Ok("right-password"));
    eventually_async(LONG, || async { cache.set("k", &1, "5m").await.is_ok() }).await;
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_closure_that_panics_or_hangs() {
    if !support::isolated!() {
        return;
    }
    let server = server_with("right-password");
    let (log, _guard) = Log::start();
    let panics = hasty(&server).credentials(|| async {
        if std::hint::black_box(true) {
            panic!("no luck");
        }
        Ok(("app", "x"))
    });
    let cache = in_time(panics.build()).await.expect("the process starts");
    assert_eq!(in_time(double(&cache, &Calls::default(), 1)).await, 2);
    let warnings = log.take();
    assert!(
        warnings.len() == 1 && warnings[0].contains("the closure of `credentials` panicked"),
        "{warnings:#?}"
    );
    drop(cache);

    let limit = Duration::from_millis(300);
    let hangs = hasty(&server).connect_timeout(limit).credentials(|| async {
        pending::<()>().await;
        Ok(("app", "x"))
    });
    let started = Instant::now();
    let cache = in_time(hangs.build()).await.expect("the process starts");
    assert!(started.elapsed() < limit * 5, "{:?}", started.elapsed());
    assert_eq!(in_time(double(&cache, &Calls::default(), 1)).await, 2);
    let warnings = log.take();
    assert!(warnings.len() == 1 && warnings[0].contains("no answer within 300ms"), "{warnings:#?}");
}

#[tokio::test]
async fn a_password_is_never_said() {
    if !support::isolated!() {
        return;
    }
    let server = server_with("right-password");
    let (log, _guard) = Log::start();
    let vault = Vault::new("canary-password");
    let rejected = builder(&server, &vault);
    let mut said = format!("{rejected:?}");
    let error = rejected.build().await.expect_err("rejected");
    said += &format!("{error} {error:?}");
    vault.set(Ok("right-password"));
    let cache = builder(&server, &vault).require_redis(true).build().await.expect("a cache");
    vault.set(Ok("canary-password"));
    set_password(&server, "another-password");
    server.command(&["CLIENT", "KILL", "USER", "app"]);
    eventually_async(LONG, || async { !cache.health().await.connected }).await;
    said += &format!("{cache:?} {:?} {:?}", cache.health().await, cache.delete("k").await);
    said += &log.text();
    assert!(said.contains("rejects the credentials"), "{said}");
    for secret in ["canary-password", "right-password", "another-password"] {
        assert!(!said.contains(secret), "{secret} is in {said}");
    }
}
