//! `#[cache_many]`.

use super::{contains, expands_to};
use crate::verb::Verb;

const USERS: &str = "async fn users(db: &Db, ids: &[u64]) -> Result<Map<u64, User>, DbError> { body() }";

fn reports(args: &str, item: &str, part: &str) {
    super::reports(Verb::Many, args, item, &[part]);
}

const LINTS: &str =
    "#[allow(unused_variables, clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]";

#[test]
fn entries_of_another_function() {
    let out = expands_to(
        Verb::Many,
        "of = user_entry, ignore(db)",
        USERS,
        &[
            "let __cache_each = ::larder::__private::ids(&ids[..]);",
            "__cache_each.caps::<Result<Map<u64, User>, DbError>>();",
            "let __cache_when: bool = true;",
            "let __cache_many = ::larder::__private::Many::of(&__CACHE_CALL_SITE, ::larder::__private::name_of(&|| {}), __cache_when, \
             &ids[..], user_entry,);",
            &format!(
                "__cache_kind.checked(__cache_each.checked::<Result<Map<u64, User>, DbError>, _>(::larder::__private::run_many))(__cache_many, __cache_caps, __cache_rules, move |__cache_ids: ::std::vec::Vec<_>| {{ \
                 {LINTS} let db = ::larder::__private::pass_again(&db); async move {{"
            ),
            &format!("{LINTS} let ids = &__cache_ids[..]; body() }} }}).await"),
        ],
    );
    assert!(!out.contains("outside_entry"), "{out}");
    expands_to(
        Verb::Many,
        "of = |id| user_entry(id)",
        USERS,
        &["by_owned(&ids[..],|id|user_entry(id))", "outside_entry("],
    );
    expands_to(
        Verb::Many,
        "of = |id: &u64| user_entry(db, id)",
        USERS,
        &["&ids[..],|id:&u64|user_entry(db,id),)"],
    );
}

#[test]
fn entries_of_its_own() {
    expands_to(
        Verb::Many,
        "expire = 5, when = db.on, key = \"u:{ids}\"",
        USERS,
        &[
            "let __cache_when: bool = db.on;",
            "::larder::__private::Many::new(&ids[..], |ids| {",
            ".when(__cache_when) .text(|__cache_text|",
            "::larder::__private::Text::value(__cache_text, &(ids), ::core::option::Option::None);",
            "; __cache_call });",
        ],
    );
}

#[test]
fn ids_in_other_forms() {
    let sync = "fn users(tenant: Tenant, ids: Vec<u64>) -> Vec<Option<User>> { body() }";
    expands_to(
        Verb::Many,
        "",
        sync,
        &["::run_many_sync))(", "let ids = __cache_ids;", "move || -> Vec<Option<User>> {"],
    );
    let marked =
        "async fn users(names: &[&str], #[cache(each)] ids: &Vec<u64>) -> Vec<Option<User>> { body() }";
    let out = expands_to(Verb::Many, "", marked, &["let ids = &__cache_ids;", "pass_again(&names)"]);
    assert!(!out.contains("cache(each)"), "{out}");
}

#[test]
fn a_function_that_runs_in_the_background() {
    let out = expands_to(
        Verb::Many,
        "stale_while_revalidate = 5",
        "async fn users(&self, ids: &[u64], name: String) -> Vec<Option<User>> { self.load(ids) }",
        &[
            "::run_many_detachable))(",
            "::larder::__private::ManyBody::Inline(async move { __cache_body(self, &__cache_ids[..], name).await })",
            "::larder::__private::ManyBody::stale_while_revalidate_needs_send(move |__cache_ids: ::std::vec::Vec<_>| async move { \
             __cache_body(::larder::__private::borrowed(&__cache_owned0), &__cache_ids[..], __cache_owned2).await })",
        ],
    );
    contains(&out, &["let __cache_owned0 = ::larder::__private::clone_for_background(self);"]);
    assert!(!out.contains("__cache_owned1"), "{out}");
}

#[test]
fn misuses() {
    for (args, item, part) in [
        ("", "async fn f(id: u64) -> Vec<Option<u8>> {}", "`f` has no argument with ids"),
        ("ignore(ids)", "async fn f(ids: &[u64]) -> Vec<Option<u8>> {}", "`f` has no argument with ids"),
        ("", "async fn f(a: &[u64], b: Vec<u8>) -> Vec<Option<u8>> {}", "a second list"),
        (
            "",
            "async fn f(#[cache(each)] id: u64) -> Vec<Option<u8>> {}",
            "the ids must be a slice or a vector",
        ),
        (
            "",
            "async fn f(#[cache(each)] a: &[u64], #[cache(each)] b: &[u64]) -> Vec<Option<u8>> {}",
            "stands before another argument already",
        ),
        (
            "ignore(a)",
            "async fn f(#[cache(each)] a: &[u64]) -> Vec<Option<u8>> {}",
            "the ids cannot be ignored",
        ),
        ("", "async fn f(&mut self, ids: &[u64]) -> Vec<Option<u8>> {}", "take `&self`"),
        ("", "async fn f(self, ids: &[u64]) -> Vec<Option<u8>> {}", "take `&self`"),
        ("", "async fn f(#[cache(all)] ids: &[u64]) -> Vec<Option<u8>> {}", "or `#[cache(each)]` on the ids"),
        ("key = \"all\"", USERS, "`key` does not mention the ids"),
        ("key = (db.id,)", USERS, "`key` does not mention the ids"),
        ("of = user_entry, expire = 5", USERS, "with `of`, `expire` comes from the function of the entries"),
        ("of = user_entry, local = \"5s\"", USERS, "with `of`, `local` comes from the function"),
        ("entry = users_entry", USERS, "`entry`"),
        ("response", USERS, "`response`"),
        ("background", USERS, "`background` needs a `policy`"),
        ("", "async fn f(ids: &[u64]) -> Vec<Option<&str>> {}", "a cached value cannot borrow"),
    ] {
        reports(args, item, part);
    }
    let each = "async fn f(#[cache(each)] ids: &[u64]) -> Vec<u8> {}";
    super::reports(Verb::Cache, "", each, &["a parameter can only be left out of the key"]);
}

#[test]
fn copies_in_the_process() {
    let item = "async fn users(ids: &[u64]) -> Result<Map<u64, Self>, E> { body() }";
    expands_to(Verb::Many, "expire = 5", item, &["__cache_each.caps::<Result<Map<u64, Self>, E>>()"]);
    expands_to(
        Verb::Many,
        "local_copy = false",
        item,
        &["__cache_each.bytes_only::<Result<Map<u64, Self>, E>>()"],
    );
    let generic = "async fn users<T: Serialize>(ids: &[u64]) -> Vec<Option<T>> { body() }";
    expands_to(Verb::Many, "expire = 5", generic, &["__cache_each.bytes_only::<Vec<Option<T>>>()"]);
}
