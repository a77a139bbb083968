//! The options that say what is served after its expiry, refreshed before it, kept in the process; and tags.

use super::{DAY, expand, messages, squeeze};
use crate::verb::Verb;

const USER: &str = "async fn user(db: &Db, id: u64) -> Result<User, DbError> { body() }";

/// Exactly one message, and `part` in it.
fn one(verb: Verb, args: &str, part: &str) {
    let messages = messages(verb, args, USER);
    assert!(messages.len() == 1 && messages[0].contains(part), "{args}: {messages:#?} lacks {part:?}");
    let style = messages[0].chars().next().is_some_and(|c| !c.is_uppercase()) && !messages[0].ends_with('.');
    assert!(style, "{}", messages[0]);
}

fn has(args: &str, parts: &[&str]) {
    assert_eq!(messages(Verb::Cache, args, USER), Vec::<String>::new(), "{args}");
    let out = expand(Verb::Cache, args, USER);
    for part in parts {
        assert!(out.contains(&squeeze(part)), "{out}\nlacks {part}");
    }
}

#[test]
fn settings_go_into_the_policy() {
    has(
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
    has("jitter = 0.0, local = 5", &["Policy::jitter("]);
    has("expire = 5, local = 5", &[".local("]);
    has("policy = P, soft_timeout = 5", &["Policy::checked((P).soft_timeout("]);
    has("policy = P, stale_retry = 5", &["Policy::checked(::larder::Policy::in_call(P).stale_retry("]);
    has("policy = P, background", &["Policy::checked((P)),)"]);
    has("policy = P", &["Policy::checked(::larder::Policy::in_call(P)),)"]);
    has("refresh_ahead = 0.5, stale_retry = 5", &[".stale_retry("]);
}

#[test]
fn only_what_refreshes_runs_apart() {
    for (args, apart) in [
        ("stale_while_revalidate = 5", true),
        ("stale_if_error = 5, soft_timeout = 5", true),
        ("refresh_ahead = 0.5", true),
        ("policy = P, background", true),
        ("stale_if_error = 5, stale_retry = 5, jitter = 0.5, local = 5, tags = [\"a\"]", false),
        ("policy = P", false),
    ] {
        has(args, &[]);
        assert_eq!(expand(Verb::Cache, args, USER).contains("run_apart"), apart, "{args}");
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
        one(Verb::Cache, args, part);
    }
    has("stale_if_error = id::LIFE, local = X.id, jitter = id::of()", &[]);
}

#[test]
fn options_that_need_each_other() {
    for (args, part) in [
        ("soft_timeout = 1", "`soft_timeout` needs a stale value to fall back on"),
        ("soft_timeout = 1, refresh_ahead = 0.5", "`soft_timeout` needs"),
        ("stale_retry = 1", "`stale_retry` needs something to serve until then"),
        ("background", "`background` goes with a `policy` that refreshes"),
        ("expire = 5, local = 6", "`local` is longer than `expire`"),
        ("expire = \"5s\", local = \"5001ms\"", "`local` is longer than `expire`"),
    ] {
        one(Verb::Cache, args, part);
    }
    one(DAY, "local = \"25h\"", "`local` is longer than `expire`");
}

#[test]
fn tags_are_written_before_the_key() {
    has(
        "tags = [\"user:{id}\", \"users\"], group = \"g\", entry = e",
        &[
            ".group(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"g\");}})\
             .tag(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"user:\");\
             ::larder::__private::Text::value(__cache_text,&(id),::core::option::Option::None);}})\
             .tag(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"users\");}})\
             .args(",
        ],
    );
    let out = expand(Verb::Cache, "tags = [\"d:{db.id}\"], ignore(db), entry = e", USER);
    assert!(out.contains("fne(db:&Db,id:u64)"), "the entry function needs what its tags mention: {out}");
    assert_eq!(out.matches(".tag(").count(), 2, "{out}");
    for (verb, args, part) in [
        (Verb::Evict, "tags = [\"user:{id}\"], before", ".tag(|__cache_text|"),
        (Verb::Evict, "tags = [\"a\"], key = \"k\"", "\"a\");}}).text("),
        (Verb::Put, "tags = [\"a\"], key = \"k\"", "\"a\");}}).text("),
    ] {
        assert_eq!(messages(verb, args, USER), Vec::<String>::new(), "{args}");
        let out = expand(verb, args, USER);
        assert!(out.contains(part), "{out}\nlacks {part}");
    }
}

#[test]
fn tags_are_read() {
    let many = |count: usize| {
        let tags: Vec<String> = (0..count).map(|index| format!("\"t{index}\"")).collect();
        format!("tags = [{}]", tags.join(", "))
    };
    has(&many(32), &[]);
    one(Verb::Cache, &many(33), "these are 33 tags, and an entry has at most 32");
    for (args, part) in [
        ("tags = []", "`tags` names none"),
        ("tags = \"users\"", "`tags` is a list of texts"),
        ("tags = users()", "`tags` is a list of texts"),
        ("tags", "`tags` needs a value"),
        ("tags = [id]", "a tag is a text here"),
        ("tags = [\"\"]", "`tags`: the text is empty"),
        ("tags = [\"a\", \"b\", \"a\"]", "this tag is given twice"),
        ("tags = [\"u:{nme}\"]", "`{nme}` is not an argument of `user`"),
        ("tags = [\"{db}{id}\"]", "put a `:` between"),
    ] {
        one(Verb::Cache, args, part);
    }
}
