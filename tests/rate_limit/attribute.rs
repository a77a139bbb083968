//! `#[rate_limit(..)]` on functions.

use std::pin::Pin;

use larder::rate_limit::{Limited, RateLimit};
use larder::{Cache, cache, rate_limit};
use support::stores::{Calls, caches, unique};

use crate::counted;

#[derive(Debug, PartialEq)]
enum AppError {
    Limited(Limited),
    Other,
}

impl From<Limited> for AppError {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

struct User {
    id: String,
}

#[rate_limit("2/minute", "3/hour", by = "{user.id}", cache = cache)]
async fn send(cache: &Cache, user: &User, calls: &Calls) -> Result<usize, AppError> {
    if user.id == "nobody" {
        return Err(AppError::Other);
    }
    Ok(calls.add())
}

#[rate_limit("1/minute", by = "{tenant}:{user}", cache = cache)]
fn synchronous(cache: &Cache, tenant: &str, user: &str) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[rate_limit("1/minute", cache = cache)]
async fn for_all<T: Into<u64>>(cache: &Cache, value: T) -> Result<u64, AppError> {
    Ok(value.into())
}

#[rate_limit("5/minute", cost = 3, scope = "exports", shadow, cache = cache)]
async fn export(cache: &Cache, (a, b): (u8, u8)) -> Result<u8, AppError> {
    Ok(a + b)
}

#[rate_limit("1/minute", by = "{n}", cache = cache)]
fn boxed(cache: &Cache, n: u8) -> Pin<Box<dyn Future<Output = Result<u8, AppError>> + Send + '_>> {
    Box::pin(async move {
        let _ = cache;
        Ok(n)
    })
}

#[async_trait::async_trait]
trait Mailer {
    async fn mail(&self, to: &str) -> Result<usize, AppError>;
}

struct Smtp {
    cache: Cache,
    calls: Calls,
}

#[async_trait::async_trait]
impl Mailer for Smtp {
    #[rate_limit("1/minute", by = "{to}", cache = self.cache)]
    async fn mail(&self, to: &str) -> Result<usize, AppError> {
        Ok(self.calls.add())
    }
}

impl Smtp {
    #[rate_limit("1/minute", by = "{to}", cache = &self.cache)]
    fn queue(&mut self, to: &str) -> Result<usize, AppError> {
        Ok(self.calls.add())
    }
}

fn is_limited<T>(result: &Result<T, AppError>) -> bool {
    matches!(result, Err(AppError::Limited(limited)) if limited.retry_after_seconds() >= 1)
}

#[tokio::test]
async fn calls_above_the_limit_return_the_error_of_the_function() {
    for cache in caches().await {
        let calls = Calls::default();
        let (ada, bob) = (User { id: unique("ada") }, User { id: unique("bob") });
        for expected in [Ok(0), Ok(1)] {
            assert_eq!(send(&cache, &ada, &calls).await, expected);
        }
        let refused = send(&cache, &ada, &calls).await;
        assert!(is_limited(&refused), "{refused:?}");
        assert_eq!(send(&cache, &bob, &calls).await, Ok(2));
        assert_eq!(calls.count(), 3);
        // Its own error is no refusal, and counts.
        let nobody = User { id: "nobody".to_owned() };
        assert_eq!(send(&cache, &nobody, &calls).await, Err(AppError::Other));
        let (allowed, refused, _) = counted(&cache, &format!("{}::send", module_path!()));
        assert_eq!((allowed, refused), (4, 1));
    }
}

#[test]
fn synchronous_functions_are_limited_by_several_values() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for cache in runtime.block_on(caches()) {
        let tenant = unique("tenant");
        assert!(synchronous(&cache, &tenant, "b:c").is_ok());
        // Two lists of values are two clients.
        assert!(synchronous(&cache, &format!("{tenant}:b"), "c").is_ok());
        let error = synchronous(&cache, &tenant, "b:c").expect_err("refused");
        assert!(error.downcast_ref::<Limited>().is_some_and(|limited| !limited.is_outage()), "{error}");
        assert!(error.to_string().starts_with("more than 1 in a minute; try again in "), "{error}");
    }
}

#[tokio::test]
async fn functions_of_all_kinds_are_limited() {
    for cache in caches().await {
        // Instances of a generic function are functions of their own.
        assert_eq!(for_all(&cache, 1_u8).await, Ok(1));
        assert!(is_limited(&for_all(&cache, 2_u8).await));
        assert_eq!(for_all(&cache, 3_u32).await, Ok(3));

        for _ in 0..3 {
            assert_eq!(export(&cache, (1, 2)).await, Ok(3));
        }
        assert_eq!(counted(&cache, "exports"), (1, 2, 0));

        assert_eq!(boxed(&cache, 7).await, Ok(7));
        assert!(is_limited(&boxed(&cache, 7).await));
        assert_eq!(boxed(&cache, 8).await, Ok(8));

        let mut smtp = Smtp { cache: cache.clone(), calls: Calls::default() };
        assert_eq!(smtp.mail("ada").await, Ok(0));
        assert!(is_limited(&smtp.mail("ada").await));
        assert_eq!(smtp.queue("ada"), Ok(1));
        assert!(is_limited(&smtp.queue("ada")));
    }
}

/// A direct call with the scope of a function reads its counts.
#[tokio::test]
async fn a_function_and_a_direct_call_share_a_scope() {
    #[rate_limit("2/minute", by = "{email}", scope = "login", cache = cache)]
    async fn login(cache: &Cache, email: &str) -> Result<(), Limited> {
        Ok(())
    }

    for cache in caches().await {
        let email = unique("ada:x@example.com");
        let limit = RateLimit::new("2/minute").scope("login").cache(&cache);
        assert!(login(&cache, &email).await.is_ok());
        assert_eq!(limit.peek(&email).await.remaining, 1);
        limit.hit(&email).await;
        assert!(login(&cache, &email).await.is_err());
        limit.reset(&email).await.expect("a reset");
        assert!(login(&cache, &email).await.is_ok());
    }
}

#[tokio::test]
async fn below_cache_every_call_is_limited_and_above_it_those_that_compute() {
    #[cache(cache = cache, expire = "1m")]
    #[rate_limit("2/minute", cache = cache)]
    async fn below(cache: &Cache, n: u8) -> Result<u8, Limited> {
        Ok(n)
    }

    #[rate_limit("2/minute", cache = cache)]
    #[cache(cache = cache, expire = "1m")]
    async fn above(cache: &Cache, n: u8) -> Result<u8, Limited> {
        Ok(n)
    }

    for cache in caches().await {
        for expected in [true, true, false, false] {
            assert_eq!(below(&cache, 1).await.is_ok(), expected);
        }
        for (n, expected) in [(1, true), (1, true), (1, true), (2, true), (3, false), (1, true)] {
            assert_eq!(above(&cache, n).await.is_ok(), expected, "{n}");
        }
    }
}

#[tokio::test]
async fn an_identity_that_cannot_be_printed_shares_no_count() {
    struct Broken;

    impl std::fmt::Display for Broken {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }

    #[rate_limit("2/minute", by = "{who}", cache = cache)]
    async fn call(cache: &Cache, who: &Broken) -> Result<(), Limited> {
        Ok(())
    }

    let [cache, _] = caches().await;
    assert!(call(&cache, &Broken).await.is_err_and(|limited| limited.is_outage()));
}
