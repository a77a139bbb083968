//! Error messages.

use super::{DAY, expand, messages, reports};
use crate::verb::Verb;

const USER: &str = "async fn user(db: &Db, id: u64) -> Result<User, DbError> { body() }";

#[test]
fn options_of_cache() {
    for (args, part) in [
        ("expires = 5", "`expires` is not an option of `#[cache]`; did you mean `expire`?"),
        ("ttl = 5", "did you mean `expire`?"),
        ("time = 5", "did you mean `expire`?"),
        ("skip(db)", "did you mean `ignore`?"),
        ("prefix = \"x\"", "did you mean `group` or `name`?"),
        ("namespace = \"x\"", "did you mean `group` or `name`?"),
        ("whatever = 5", "options are `expire`, `expire_with`, `key`"),
        ("before", "`before` is not an option of `#[cache]`"),
        ("swr = 5", "did you mean `stale_while_revalidate`?"),
        ("tag = \"a\"", "did you mean `tags`?"),
        ("expire = 1, expire = 2", "`expire` is given twice"),
        ("expire", "`expire` needs a value; write `expire = ..`"),
        ("expire = ", "`expire` needs a value"),
        ("expire = , name = \"a\"", "`expire` needs a value"),
        ("expire(5)", "`expire` needs a value"),
        ("\"5m\"", "expected an option"),
        ("expire = 5 name = \"a\"", "expected `,` between two options"),
        ("ignore = db", "`ignore` takes arguments in parentheses"),
        ("ignore()", "`ignore()` is empty"),
        (
            "ignore(nme)",
            "`nme` is neither an argument of `user` nor the type of one; arguments are `db`, `id`",
        ),
        ("ignore(self)", "`self` is neither an argument"),
        ("expire = 0", "longer than zero"),
        ("expire = -5", "cannot be negative"),
        ("expire = 1.5", "a fraction of a second"),
        ("expire = true", "not a time"),
        ("expire = \"5M\"", "`M` is not a unit; units are"),
        ("expire = 99999999999999", "100 years"),
        ("none_expire = \"\"", "`none_expire`: the text is empty"),
        ("key = \"u:{nme}\"", "`{nme}` is not an argument of `user`; arguments are `db`, `id`"),
        ("key = \"{self.x}\"", "`{self}` is not an argument"),
        ("key = \"{id.abs()}\"", "is more than a path of fields"),
        ("key = \"{db}{id}\"", "put a `:` between `{db}` and `{id}`"),
        ("group = id", "`group` must be a string literal here"),
        ("group = \"{id:04}\"", "write `{id}`"),
        ("name = 5", "`name` must be a string literal"),
        ("name = \"\"", "`name` is empty"),
        ("name = \"a b\"", "` ` cannot be part of a name"),
        ("codec = xml", "choices are `json`, `msgpack`, `postcard`"),
        ("compress = gzip", "choices are `lz4`, `zstd`"),
        ("compress = \"lz4\"", "write it without quotes: `compress = lz4`"),
        ("version = -1", "`version` is a number"),
        ("version = 4294967296", "`version` is a number"),
        ("entry = \"x\"", "`entry` names the function to generate"),
        ("entry = a::b", "`entry` names the function to generate"),
        ("crate = self::x", "such as `crate::path`"),
        ("crate = larder", "write `::larder` for a dependency or `crate::larder` for a module"),
    ] {
        reports(Verb::Cache, args, USER, &[part]);
    }
    reports(DAY, "expire = 5", USER, &["`cache_one_day` already sets `expire`; use `#[cache(expire = ..)]`"]);
}

#[test]
fn functions() {
    for (item, part) in [
        ("const fn f() -> u8 { 1 }", "a `const fn`; remove `const`"),
        ("unsafe fn f() -> u8 { 1 }", "an `unsafe fn`"),
        ("extern \"C\" fn f() -> u8 { 1 }", "an `extern fn`"),
        ("fn f(a: u8, ...) -> u8 { 1 }", "a variadic function"),
        ("fn f() -> impl Serialize { 1 }", "name the type, or cache the part that computes it"),
        ("fn f() -> Result<impl Serialize, E> { 1 }", "name the type"),
        ("fn f() -> ! { loop {} }", "never returns"),
        (
            "fn f() { }",
            "`f` returns nothing, so there is nothing to cache; write `-> ()` if that is intended",
        ),
        ("fn f(x: &str) -> &str { x }", "return an owned value, such as `String`"),
        ("fn f() -> &'static str { x }", "return an owned value"),
        ("fn f(x: &str) -> Option<&str> { x }", "return an owned value"),
        ("fn f<'a>(x: &'a str) -> Cow<'a, str> { x }", "return an owned value"),
        ("fn f(x: &str) -> Cow<'_, str> { x }", "return an owned value"),
        ("fn f<'a>(x: &'a u8) -> Pin<Box<dyn Future<Output = &'a u8> + 'a>> { x }", "return an owned value"),
        ("fn f() -> u8;", "a function without a body"),
        ("struct X;", "`#[cache]` goes on a function"),
        ("impl X { fn f() {} }", "goes on a function"),
        ("pub mod m { }", "goes on a function"),
        ("const X: u8 = 1;", "goes on a function"),
        ("", "goes on a function"),
        ("fn f(#[cache(skip)] a: u8) -> u8 { a }", "write `#[cache(ignore)]`"),
        ("fn f(#[cache] a: u8) -> u8 { a }", "write `#[cache(ignore)]`"),
    ] {
        reports(Verb::Cache, "", item, &[part]);
    }
    let pattern = "fn f([id, _]: [u64; 2]) -> u8 { 1 }";
    reports(Verb::Cache, "key = \"{id}\"", pattern, &["`{id}` is bound inside a pattern of `f`"]);
}

#[test]
fn arguments_of_entry_functions() {
    let item = "async fn user<T: X>(&self, db: &Db, id: u64, kind: Kind<T>, log: impl Log) -> u8 { body() }";
    for (entry, parts) in [
        ("e(id, kind, log)", &[][..]),
        ("e(idd)", &["`idd` is not an argument of `user`; arguments are `self`, `db`"]),
        ("e(id, id, kind, log)", &["`id` is given twice"]),
        ("e(self, self)", &["`self` is given twice"]),
        ("e(id + 1)", &["write their names, as in `entry = user_entry(id)`"]),
        (
            "e(id, kind)",
            &["the entry function needs `log`, whose type is not known without it; write `e(id, kind, log)`"],
        ),
        ("e(id, log)", &["needs `kind`, whose type"]),
        ("a::e(id, kind, log)", &["`entry` names the function to generate"]),
        ("e(kind, log), group = \"{id}\"", &["needs `id`, which `group` mentions"]),
        (
            "e(id, kind, log), cache = db.cache",
            &["needs `db`, which `cache` mentions; write `e(id, kind, log, db)`"],
        ),
        ("e(id, kind, log), tags = [\"{db.name}\"]", &["needs `db`, which `tags` mentions"]),
        ("e(id, kind, log), key = (db, id), ignore(kind, log)", &["needs `db`, which `key` mentions"]),
    ] {
        reports(Verb::Cache, &format!("entry = {entry}"), item, parts);
    }
}

#[test]
fn mistakes_that_other_messages_would_hide() {
    let tonic = "async fn get(&self, r: Request<A>) -> Result<tonic::Response<B>, Status> { body() }";
    reports(Verb::Cache, "", tonic, &["cache an inner function that returns the message"]);
    reports(Verb::Put, "key = \"a\"", tonic, &["cache an inner function that returns the message"]);
    let twice = "#[larder::cache(tags = [\"a\"])] fn f(id: u64) -> u8 { 1 }";
    reports(Verb::Cache, "", twice, &["a function is cached by one attribute; remove this one"]);
    assert!(messages(Verb::Evict, "tags = [\"a\"]", twice).is_empty());
    for (args, part) in [
        ("unless = |v: u64| v == 0", "`unless` is given a reference to the value; write `|v: &u64|`"),
        (
            "expire_with = |v: (u64, u8)| 5",
            "`expire_with` is given a reference to the value; write `|v: &(u64,u8)|`",
        ),
    ] {
        reports(Verb::Cache, args, USER, &[part]);
    }
    assert!(messages(Verb::Cache, "unless = |v: &u64| *v == 0, expire_with = |v: _| 5", USER).is_empty());
    reports(Verb::Evict, "tag = \"a\"", USER, &["did you mean `tags`?"]);
    reports(Verb::Put, "entri = e(id)", USER, &["did you mean `entry`?"]);
    for (item, parts) in [
        (
            "fn f<T>(value: &[T], id: u8) -> u8 { 1 }",
            &["`T` has no bounds, so this cannot be part of a key"][..],
        ),
        (
            "fn f<T>(#[cache(ignore)] value: T) -> Option<T> { 1 }",
            &["`T` has no bounds, so it cannot be cached"],
        ),
        ("fn f<T>(value: PhantomData<T>) -> u8 { 1 }", &[]),
        ("fn f<T>(value: T) -> u8 where T: Any { 1 }", &[]),
    ] {
        reports(Verb::Cache, "", item, parts);
    }
    assert!(messages(Verb::Cache, "key = \"a\", ignore(value)", "fn f<T>(value: T) -> u8 { 1 }").is_empty());
}

#[test]
fn evict_and_put() {
    let item = "async fn save(db: &Db, id: u64) -> Result<User, E> { body() }";
    for (verb, args, part) in [
        (
            Verb::Evict,
            "",
            "write `entry = ..`, `key = \"..\"`, `url = \"..\"`, `group = \"..\"` or `tags = [\"..\"]`",
        ),
        (Verb::Evict, "before", "there is nothing to evict"),
        (Verb::Evict, "key = \"a\", before = true", "`before` takes no value"),
        (Verb::Evict, "key = id", "`key` must be a string literal here"),
        (Verb::Evict, "key = \"a\", expire = 5", "`expire` is not an option of `#[cache_evict]`"),
        (Verb::Evict, "tags = []", "`tags` is empty"),
        (Verb::Evict, "tags = [\"b\"], background", "`background` is not an option of `#[cache_evict]`"),
        (Verb::Put, "entry = e(id), tags = [\"g\"]", "with `entry`, `tags` comes from"),
        (Verb::Put, "key = \"a\", stale_if_error = 5", "`stale_if_error` is not an option of `#[cache_put]`"),
        (Verb::Put, "", "write `entry = ..` or `key = \"..\"`"),
        (Verb::Put, "entry = e(id), key = \"a\"", "`entry` and `key` both name the entry"),
        (Verb::Put, "entry = e(id), expire = 5", "with `entry`, `expire` comes from the cached function"),
        (Verb::Put, "entry = e(id), group = \"g\"", "with `entry`, `group` comes from"),
        (Verb::Put, "key = \"a\", none_expire = f()", "`none_expire` cannot be an expression here"),
        (Verb::Put, "key = \"a\", when = true", "`when` is not an option of `#[cache_put]`"),
    ] {
        reports(verb, args, item, &[part]);
    }
    reports(Verb::Put, "key = \"a\"", "fn f() {}", &["returns nothing"]);
    assert!(messages(Verb::Evict, "key = \"a\"", "fn f() {}").is_empty());
    assert!(messages(Verb::Evict, "key = \"a\"", "fn f(x: &str) -> &str { x }").is_empty());
}

#[test]
fn all_mistakes_are_reported_together() {
    let item = "const fn f(a: u8) -> &'static str { \"\" }";
    let found = messages(
        Verb::Cache,
        "ttl = 5, expire = 0, key = \"{b}:{c}\", codec = xml, tags = [], soft_timeout = 1",
        item,
    );
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn the_function_is_emitted_beside_its_errors() {
    let out = expand(
        Verb::Cache,
        "ttl = 5",
        "/// D\npub fn f(#[cache(ignore)] a: u8) -> u8 { #![allow(x)] a + 1 }",
    );
    assert!(
        out.starts_with("#[doc=r\"D\"]pubfnf(a:u8)->u8{#![allow(x)]a+1}")
            || out.contains("pubfnf(a:u8)->u8{#![allow(x)]a+1}"),
        "{out}"
    );
    assert!(out.contains("::core::compile_error!"), "{out}");
    let out = expand(Verb::Cache, "", "struct X { a: u8 }");
    assert!(out.starts_with("structX{a:u8}"), "{out}");
}
