//! A function, a handler and a layer over the same work, each under the same policy.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures_util::future::BoxFuture;
use larder::test_util::TestClock;
use larder::{Cache, IgnoreInKey};
use support::stores::{Calls, Gate, caches_with};
use support::wire::{ask, request};

/// The failure of the work.
#[derive(Debug)]
pub(super) struct Failed;

/// The work behind a cache: it counts, fails and stops when told to.
#[derive(Clone)]
pub(super) struct Work(Arc<State>);

struct State {
    cache: Cache,
    calls: Calls,
    fails: AtomicBool,
    gate: Mutex<Option<Arc<Gate>>>,
}

impl IgnoreInKey for Work {}

impl Work {
    pub(super) fn cache(&self) -> &Cache {
        &self.0.cache
    }

    pub(super) fn calls(&self) -> usize {
        self.0.calls.count()
    }

    pub(super) fn fails(&self, fails: bool) {
        self.0.fails.store(fails, SeqCst);
    }

    pub(super) fn stops_at(&self, gate: &Arc<Gate>) {
        *self.0.gate.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(gate));
    }

    /// Returns the number of this call.
    pub(super) async fn compute(&self) -> Result<usize, Failed> {
        let n = self.0.calls.add();
        let gate = self.0.gate.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if self.0.fails.load(SeqCst) { Err(Failed) } else { Ok(n) }
    }

    /// The same as a response, long enough to be compressed.
    pub(super) async fn respond(&self) -> Response {
        match self.compute().await {
            Ok(n) => format!("{n:<1000}").into_response(),
            Err(Failed) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// Returns the number of the call whose result arrived; `None` when it failed.
pub(super) type Get = Box<dyn Fn(u64) -> BoxFuture<'static, Option<usize>>>;

/// One way to the work.
pub(super) struct Site {
    pub(super) name: &'static str,
    pub(super) work: Work,
    pub(super) clock: TestClock,
    get: Get,
}

impl Site {
    /// Calls with an id, which is in the key.
    pub(super) async fn get(&self, id: u64) -> Option<usize> {
        (self.get)(id).await
    }

    pub(super) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// A way to the work, with its name.
pub(super) type NamedWay = (&'static str, fn(&Work) -> Get);

/// The three ways to the work under one policy, on each store.
pub(super) async fn sites(ways: [NamedWay; 3]) -> Vec<Site> {
    let mut sites = Vec::new();
    for (name, way) in ways {
        let clock = TestClock::new();
        for cache in caches_with(|builder| builder.clock(clock.clone())).await {
            let (calls, fails, gate) = (Calls::default(), AtomicBool::default(), Mutex::default());
            let work = Work(Arc::new(State { cache, calls, fails, gate }));
            let get = way(&work);
            sites.push(Site { name, work, clock: clock.clone(), get });
        }
    }
    sites
}

/// Calls a route.
pub(super) fn routed(app: Router) -> Get {
    Box::new(move |id| {
        let app = app.clone();
        Box::pin(async move {
            let got = ask(&app, request("GET", &format!("/{id}"), &[])).await.expect("a response");
            (got.status == 200).then(|| got.text().trim().parse().expect("a number"))
        })
    })
}

/// The three ways to the work under a policy.
macro_rules! ways {
    ($name:ident, $policy:expr) => {
        mod $name {
            use axum::Router;
            use axum::extract::{Path, State};
            use axum::response::Response;
            use axum::routing::get;
            use larder::http::ResponseCacheLayer;
            use larder::{Policy, cache};

            use crate::policy::world::{Failed, Get, Work, routed};

            const POLICY: Policy = $policy;

            #[cache(policy = POLICY, background, key = "function:{id}", cache = work.cache())]
            async fn function(id: u64, work: Work) -> Result<usize, Failed> {
                work.compute().await
            }

            #[cache(response, policy = POLICY, background, key = "handler:{id.0}", cache = work.cache())]
            async fn handler(id: Path<u64>, work: State<Work>) -> Response {
                work.respond().await
            }

            async fn computed(_: Path<u64>, work: State<Work>) -> Response {
                work.respond().await
            }

            fn of_function(work: &Work) -> Get {
                let work = work.clone();
                Box::new(move |id| {
                    let work = work.clone();
                    Box::pin(async move { function(id, work).await.ok() })
                })
            }

            fn of_handler(work: &Work) -> Get {
                routed(Router::new().route("/{id}", get(handler)).with_state(work.clone()))
            }

            fn of_layer(work: &Work) -> Get {
                let layer = ResponseCacheLayer::new().policy(POLICY).cache(work.cache());
                let layer = layer.check().expect("a policy for responses");
                routed(Router::new().route("/{id}", get(computed).layer(layer)).with_state(work.clone()))
            }

            pub(super) const WAYS: [(&str, fn(&Work) -> Get); 3] =
                [("function", of_function), ("handler", of_handler), ("layer", of_layer)];
        }
    };
}

pub(super) use ways;
