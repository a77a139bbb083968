//! Options that set something of the policy.

use super::DAY;
use crate::verb::Verb;

const USER: &str = "async fn user(db: &Db, id: u64) -> Result<User, DbError> { body() }";

fn reports(verb: Verb, args: &str, part: &str) {
    super::reports(verb, args, USER, &[part]);
}

fn expands_to(args: &str, parts: &[&str]) -> String {
    super::expands_to(Verb::Cache, args, USER, parts)
}

#[test]
fn settings_are_passed_to_the_policy() {
    expands_to(
        "expire = 60, stale_while_revalidate = \"1m\", soft_timeout = \"100ms\", stale_if_error = HOUR, stale_retry = 30, \
         refresh_ahead = 0.8, jitter = SHARE, local = \"5s\"",
        &[
            "::larder::Policy::checked(::larder::Policy::jitter(::larder::Policy::refresh_ahead(::larder::Policy::stale_if_error(\
           ::larder::Policy::new().expire(::core::time::Duration::from_millis(60000u64))\
           .stale_while_revalidate(::core::time::Duration::from_millis(60000u64))\
           .soft_timeout(::core::time::Duration::from_millis(100u64)), HOUR)\
           .stale_retry(::core::time::Duration::from_millis(30000u64)),\
           0.8), SHARE).local(::core::time::Duration::from_millis(5000u64))),)",
        ],
    );
    expands_to("jitter = 0.0, local = 5", &["Policy::jitter("]);
    expands_to("expire = 5, local = 5", &[".local("]);
    expands_to("policy = P, soft_timeout = 5", &["Policy::checked((P).soft_timeout("]);
    expands_to("policy = P, stale_retry = 5", &["Policy::checked(::larder::Policy::in_call(P).stale_retry("]);
    expands_to("policy = P, background", &["Policy::checked((P)),)"]);
    expands_to("policy = P", &["Policy::checked(::larder::Policy::in_call(P)),)"]);
    expands_to("refresh_ahead = 0.5, stale_retry = 5", &[".stale_retry("]);
}

#[test]
fn only_options_that_refresh_run_in_the_background() {
    for (args, in_background) in [
        ("stale_while_revalidate = 5", true),
        ("stale_if_error = 5, soft_timeout = 5", true),
        ("refresh_ahead = 0.5", true),
        ("policy = P, background", true),
        ("stale_if_error = 5, stale_retry = 5, jitter = 0.5, local = 5, tags = [\"a\"]", false),
        ("policy = P", false),
    ] {
        assert_eq!(expands_to(args, &[]).contains("run_detachable"), in_background, "{args}");
    }
}

#[test]
fn times_and_shares_are_read() {
    for (args, part) in [
        ("stale_while_revalidate = 0", "`stale_while_revalidate`: the time must be longer than zero"),
        ("stale_if_error = \"0s\"", "longer than zero"),
        ("stale_if_error = -5", "cannot be negative"),
        ("stale_while_revalidate = \"5M\"", "`M` is not a unit"),
        ("local = 1.5", "a fraction of a second"),
        (
            "stale_if_error = Duration::from_secs(id)",
            "cannot use the argument `id`; write seconds, text such as",
        ),
        ("local = { let a = [db.life()]; a[0] }", "cannot use the argument `db`"),
        ("refresh_ahead = 0.0", "`refresh_ahead` is a share between 0 and 1; write one such as `0.8`"),
        ("refresh_ahead = 1.0", "between 0 and 1"),
        ("refresh_ahead = 1", "between 0 and 1"),
        ("refresh_ahead = -0.5", "between 0 and 1"),
        ("refresh_ahead = 0.5f32", "between 0 and 1"),
        ("refresh_ahead = \"80%\"", "between 0 and 1"),
        (
            "refresh_ahead = share(id)",
            "cannot use the argument `id`; write a share such as `0.8` or a constant of type `f64`",
        ),
        ("jitter = 1.0", "`jitter` is a share from 0 to below 1; write one such as `0.1`"),
        ("jitter = -0.1", "from 0 to below 1"),
        ("jitter = 10", "from 0 to below 1"),
        ("background = true, policy = P", "`background` takes no value; write `background` alone"),
    ] {
        reports(Verb::Cache, args, part);
    }
    expands_to("stale_if_error = id::LIFE, local = X.id, jitter = id::of()", &[]);
}

#[test]
fn options_that_need_each_other() {
    for (args, part) in [
        ("soft_timeout = 1", "`soft_timeout` needs a stale value to fall back on"),
        ("soft_timeout = 1, refresh_ahead = 0.5", "`soft_timeout` needs"),
        ("stale_retry = 1", "`stale_retry` needs a stale value to serve meanwhile"),
        ("background", "`background` needs a `policy` that refreshes"),
        ("expire = 5, local = 6", "`local` is longer than `expire`"),
        ("expire = \"5s\", local = \"5001ms\"", "`local` is longer than `expire`"),
    ] {
        reports(Verb::Cache, args, part);
    }
    reports(DAY, "local = \"25h\"", "`local` is longer than `expire`");
}
