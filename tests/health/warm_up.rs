//! Readiness after a warm-up.

use std::sync::Arc;
use std::time::Duration;

use larder::Cache;
use larder::health::routes;
use support::stores::{Gate, LONG};
use support::wait::eventually_async;

use crate::{is, json, ready, serve};

#[tokio::test]
async fn a_process_is_ready_once_its_warm_ups_are_over() {
    let cache = Cache::for_test();
    let gate = Arc::new(Gate::default());
    let held = {
        let gate = Arc::clone(&gate);
        cache.warm_up().each([()], move |()| {
            let gate = Arc::clone(&gate);
            async move { gate.pass().await }
        })
    };
    let held = held.run();
    let other = cache.warm_up().run();
    let server = serve(routes(&cache).warm_up(&held).warm_up(&other)).await;
    assert_eq!(ready(&server).await, is(503, "down"));
    let answer = server.get("/health/startup").await;
    assert_eq!(
        (answer.status, answer.text()),
        (503, r#"{"status":"down","checks":{"warm_up":{"status":"down"}}}"#)
    );
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(json(&server.get("/health/ready").await)["checks"]["redis"]["status"], "up");
    gate.open();
    eventually_async(LONG, || async { ready(&server).await == is(200, "up") }).await;
    let answer = server.get("/health/startup").await;
    assert_eq!((answer.status, &json(&answer)["checks"]["warm_up"]["status"]), (200, &"up".into()));
    held.await;
}

#[tokio::test]
async fn a_deadline_makes_it_ready() {
    let cache = Cache::for_test();
    let warm =
        cache.warm_up().deadline(Duration::from_millis(100)).each([()], |()| std::future::pending::<()>());
    let warm = warm.run();
    let server = serve(routes(&cache).warm_up(&warm)).await;
    eventually_async(LONG, || async { ready(&server).await == is(200, "up") }).await;
    assert_eq!(server.get("/health/startup").await.status, 200);
    assert_eq!(warm.await.skipped, 1);
}
