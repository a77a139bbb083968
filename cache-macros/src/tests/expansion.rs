//! Generated code.

use super::{DAY, contains, expands_to, messages, reports};
use crate::verb::Verb;

fn expansion(verb: Verb, args: &str, item: &str) -> String {
    expands_to(verb, args, item, &[])
}

#[test]
fn an_async_function() {
    let item = "/// Doc.\n#[inline] pub(crate) async fn user(#[cache(ignore)] db: &Db, id: u64) -> Result<User, DbError> { BODY }";
    let out = expansion(Verb::Cache, "expire = \"5m\"", item);
    contains(
        &out,
        &[
            "#[inline] pub(crate) async fn user(db: &Db, id: u64) -> Result<User, DbError> {",
            "::larder::__private::CallSite::new(::core::module_path!(), \"user\", ::core::file!(), ::core::line!(),",
            "::larder::Policy::new().expire(::core::time::Duration::from_millis(300000u64))",
            "(&mut ::larder::__private::Call::new(&__CACHE_CALL_SITE, ::larder::__private::name_of(&|| {}))).args(|__cache_key| {",
            "let __cache_part = &(id);",
            "(&&&&::larder::__private::Ret::<Result<User, DbError> >::new()).__cache_shape()",
            "let __cache_probe = ::larder::__private::value_caps::<Result<User, DbError>, _>(&__cache_shape); (&&&__cache_probe).__cache_caps()",
            "let __cache_never: Result<User, DbError> = loop {}; return __cache_never; } BODY }).await }",
        ],
    );
    assert!(!out.contains("&(db)"), "{out}");
    assert!(!out.contains("cache(ignore)"), "{out}");
}

#[test]
fn every_option() {
    let args = "expire = ttl(id), expire_with = |v| v.ttl, key = (id, name.len()), ignore(Db), name = \"users.get\", \
        group = \"g:{id}\", when = id > 1, unless = |v| v.a, none_expire = 10, codec = msgpack, compress = zstd, \
        version = 2, policy = P, cache = db.cache(), crate = ::facade,";
    let out =
        expansion(Verb::Cache, args, "fn user(db: &Db, id: u64, name: String) -> Option<User> { BODY }");
    contains(
        &out,
        &[
            "::facade::Policy::checked(::facade::Policy::in_call(P).none_expire(::core::time::Duration::from_millis(10000u64)).codec(::facade::Codec::MsgPack)",
            ".compress(::facade::Compress::Zstd).version(2u32)),).named(\"users.get\");",
            ".cache(&(db.cache())).when(id > 1).expire(ttl(id)).group(|__cache_text| {",
            "::facade::__private::Text::literal(__cache_text, \"g:\");",
            "::facade::__private::Text::value(__cache_text, &(id), ::core::option::Option::None);",
            "let __cache_part = &(name.len());",
            "::facade::__private::unless::<Option<User>, _, _>(&__cache_shape, |v| v.a)",
            "::facade::__private::expire_with::<Option<User>, _, _, _>(&__cache_shape, |v| v.ttl)",
            "run_sync(__cache_found, __cache_shape, __cache_caps, __cache_rules, move || -> Option<User> { BODY })",
        ],
    );
}

#[test]
fn templates_pass_the_next_character() {
    let out = expansion(Verb::Cache, "key = \"u:{a.b.0}:{self.c}\"", "fn f(&self, a: A) -> u8 { BODY }");
    contains(
        &out,
        &[
            ".text(|__cache_text|",
            "Text::value(__cache_text, &(a.b.0), ::core::option::Option::Some(':'));",
            "Text::value(__cache_text, &(self.c), ::core::option::Option::None);",
        ],
    );
    contains(
        &expansion(Verb::Cache, "key = \"{type}\"", "fn r#fn(r#type: u8) -> u8 { 1 }"),
        &["&(r#type)", "\"fn\""],
    );
}

#[test]
fn templates_may_name_bindings_of_patterns() {
    for (param, name, field) in [
        ("Path((a, b)): P", "b", Some("__cache_arg0.0.1")),
        ("Query(Filter { page: p, .. }): Q", "p", Some("__cache_arg0.0.page")),
        ("axum::Json(mut a): J", "a", Some("__cache_arg0.0")),
        ("(a, .., b): (u8, u8)", "a", Some("__cache_arg0.0")),
        ("(a, .., b): (u8, u8)", "b", None),
        ("Only::Variant(a): O", "a", None),
        ("&a: &u8", "a", None),
        ("[a]: [u8; 1]", "a", None),
    ] {
        let (args, item) = (format!("key = \"k:{{{name}}}\""), format!("fn f({param}) -> u8 {{ 1 }}"));
        match field {
            Some(field) => contains(&expansion(Verb::Cache, &args, &item), &[&format!("&({field})")]),
            None => {
                let messages = messages(Verb::Cache, &args, &item);
                assert!(messages[0].contains("is bound inside a pattern of `f`"), "{messages:?}");
            }
        }
    }
    contains(
        &expansion(
            Verb::Cache,
            "key = \"k:{a}\", ignore(P, Q), entry = e",
            "fn f(P(a): P, Q(b): Q) -> u8 { 1 }",
        ),
        &["fn e(__cache_arg0: P) -> ::larder::Entry {"],
    );
    // Arguments are no part of a key there, so the pattern stays.
    contains(
        &expansion(Verb::Evict, "key = \"k:{a}\"", "fn f(P(a): P) { BODY }"),
        &["fn f(P(a): P) {", "&(a)", "move || -> () { BODY }"],
    );
}

#[test]
fn expressions_may_name_bindings_of_patterns() {
    for (args, param, part) in [
        ("cache = app.cache", "State(app): S", "&(__cache_arg0.0.cache)"),
        ("cache = &app.cache", "State(mut app): S", "&(&__cache_arg0.0.cache)"),
        ("expire = life * 2", "Path((_, life)): P", ".expire(__cache_arg0.0.1 * 2)"),
        (
            "when = !off && app.on(x)",
            "Query(Q { off, .. }): Q, app: A, x: u8",
            ".when(!__cache_arg0.0.off && app.on(x))",
        ),
        ("when = a != 1", "P(a): P", ".when(__cache_arg0.0 != 1)"),
        ("when = (0..a).contains(&b.a)", "P(a): P, b: B", ".when((0..__cache_arg0.0).contains(&b.a))"),
        (
            "when = a::a(&[a], A { a: a }, a!())",
            "P(a): P",
            "a::a(&[__cache_arg0.0], A { a: __cache_arg0.0 }, a!())",
        ),
        ("key = (a, b.a)", "P(a): P, b: B", "&(__cache_arg0.0)"),
        // The closure has a parameter of that name.
        ("when = x.any(|a| a == 1)", "P(a): P, x: X", ".when(x.any(|a| a == 1))"),
    ] {
        contains(&expansion(Verb::Cache, args, &format!("fn f({param}) -> u8 {{ 1 }}")), &[part]);
    }
    contains(
        &expansion(Verb::Cache, "cache = app.cache, ignore(S), entry = e", "fn f(State(app): S) -> u8 { 1 }"),
        &["fn e(__cache_arg0: S) -> ::larder::Entry {", "&(__cache_arg0.0.cache)"],
    );
}

#[test]
fn presets() {
    contains(
        &expansion(DAY, "version = 1", "fn f() -> u8 { 1 }"),
        &["from_millis(86400000u64)", ".version(1u32)"],
    );
}

#[test]
fn patterns_are_bound_in_the_body() {
    let out =
        expansion(Verb::Cache, "", "fn f(Path(id): Path<u64>, _: S, mut n: u8, ref x: u8) -> u8 { BODY }");
    contains(
        &out,
        &[
            "fn f(__cache_arg0: Path<u64>, __cache_arg1: S, n: u8, __cache_arg3: u8) -> u8 {",
            "#[allow(clippy::shadow_reuse, clippy::shadow_same)] let Path(id) = __cache_arg0; \
             #[allow(clippy::shadow_reuse, clippy::shadow_same)] let _ = __cache_arg1; \
             #[allow(clippy::shadow_reuse, clippy::shadow_same)] let mut n = n; \
             #[allow(clippy::shadow_reuse, clippy::shadow_same)] let ref x = __cache_arg3; BODY }",
            "let __cache_part = &(__cache_arg0);",
        ],
    );
}

#[test]
fn ignored_by_name_type_and_self() {
    let item = "fn f(&self, a: &mut app::Db<T>, b: &dyn Clock, c: impl Log, d: u8, e: u8) -> u8 { BODY }";
    let out = expansion(Verb::Cache, "ignore(self, Db, Clock, Log, e)", item);
    contains(&out, &["&(d)", ".generic()"]);
    for gone in ["&(self)", "&(a)", "&(b)", "&(c)", "&(e)"] {
        assert!(!out.contains(gone), "{gone}: {out}");
    }
}

#[test]
fn boxed_futures_stay_boxed() {
    let item = "fn get<'life0, 'async_trait>(&'life0 self, id: u64) -> ::core::pin::Pin<Box<dyn ::core::future::Future<Output = \
        Vec<u8> > + ::core::marker::Send + 'async_trait> > where 'life0: 'async_trait { Box::pin(async move { X }) }";
    let out = expansion(Verb::Cache, "", item);
    contains(
        &out,
        &[
            "Ret::<Vec<u8> >::new()",
            "::std::boxed::Box::pin(async move {",
            "let __cache_boxed = (move || -> ::core::pin::Pin<",
            "{ Box::pin(async move { X }) })(); __cache_boxed.await })",
            "where 'life0: 'async_trait",
        ],
    );
}

#[test]
fn typed_copies_only_where_the_type_may_be_static() {
    for (item, has_typed_copy) in [
        ("fn f() -> Vec<app::User> { 1 }", true),
        ("fn f() -> Result<HashMap<String, u8>, E1x> { 1 }", true),
        ("fn f<'a>(x: &'a u8) -> String { 1 }", true),
        ("fn f() -> Élan { 1 }", true),
        ("fn f() -> É { 1 }", true),
        ("fn f() -> Self { 1 }", true),
        ("fn f() -> Result<Option<Self>, Self::Error> { 1 }", true),
        ("fn f() -> Option<T1> { 1 }", true),
        ("fn f() -> Result<u8, E> { 1 }", true),
        ("fn f<T: X>(t: T) -> u8 { 1 }", true),
        ("fn f(t: impl X) -> u8 { 1 }", true),
        ("fn f<T: X + 'static>(t: T) -> Vec<T> { 1 }", true),
        ("fn f<T>(t: T) -> T::Row where T: X, T: 'static { 1 }", true),
        ("fn f<T: 'static>(t: T) -> <T as Db>::Row { 1 }", true),
        ("fn f<const N: usize>() -> [u8; N] { 1 }", true),
        ("fn f<T: X>(t: T) -> Vec<T> { 1 }", false),
        ("fn f<T: X>(t: T) -> T::Row { 1 }", false),
        ("fn f<T: X, U: 'static>(t: T) -> Result<U, T> where U: X, Vec<T>: 'static { 1 }", false),
        ("fn f<Row: X>(t: Row) -> Row { 1 }", false),
        ("fn f() -> Option<Row::Id> { 1 }", false),
        ("fn f() -> <T as Db>::Row { 1 }", false),
    ] {
        assert_eq!(expansion(Verb::Cache, "", item).contains("ViaClone"), has_typed_copy, "{item}");
    }
}

#[test]
fn typed_copies_can_be_switched_off() {
    for (item, shares_errors) in
        [("fn f() -> Result<u8, Refused> { 1 }", true), ("fn f() -> Result<Self, Refused> { 1 }", false)]
    {
        let out = expansion(Verb::Cache, "local_copy = false", item);
        assert!(!out.contains("__cache_caps()") && out.contains("bytes_only"), "{out}");
        assert_eq!(out.contains(".__cache_share()"), shares_errors, "{item}");
    }
    let item = "fn f() -> u8 { 1 }";
    assert!(expansion(Verb::Cache, "local_copy = true", item).contains(".__cache_caps()"));
    reports(Verb::Cache, "local_copy = 5", item, &["write `local_copy = false`"]);
}

#[test]
fn entry_functions() {
    let item = "#[cfg(x)] pub async fn profile<T: A>(&self, db: &Db, log: &Log, t: PhantomData<T>, mut id: u64) -> P where T: B { BODY }";
    let out = expansion(
        Verb::Cache,
        "entry = profile_entry, ignore(db, log, t), cache = db.cache, expire = ttl(id)",
        item,
    );
    contains(
        &out,
        &[
            "pub fn profile_entry<T: A>(&self, db: &Db, t: PhantomData<T>, id: u64) -> ::larder::Entry where T: B {",
            "Call::of_entry(&__CACHE_CALL_SITE, &|| {}, \"profile_entry\", \"profile\")).cache(&(db.cache)).args(",
            ".entry_of_type(::larder::__private::value_type::<P, _>(&__cache_shape)) }",
            "#[cfg(x)] #[doc = \"The cache entry of `profile` for these arguments.\"]",
        ],
    );
}

#[test]
fn entry_functions_with_the_arguments_in_the_parentheses() {
    let item = "async fn user(&self, db: &Db, id: u64, Path(page): Path<u8>) -> u8 { BODY }";
    let out = expansion(Verb::Cache, "entry = user_entry(page, id), expire = self.life", item);
    contains(
        &out,
        &[
            "fn user_entry(__cache_arg3: Path<u8>, id: u64) -> ::larder::Entry {",
            "let _ = &__cache_arg3; let _ = &id;",
            "RefusedOmittedReceiver>",
            "message = \"the entry function does not take `db`, which counts; write `db` in",
            "probe::<::larder::__private::Missing<::larder::__private::InFunction, __CacheRefused>, _>",
        ],
    );
    assert_eq!(out.matches("&(__cache_arg3)").count(), 2, "{out}");
    assert_eq!(out.matches("&(db)").count(), 1, "{out}");
    assert_eq!(out.matches(".expire(self.life)").count(), 1, "{out}");
    for (args, inputs) in [
        ("entry = e(self, id)", "(&self, id: u64)"),
        ("entry = e(id), ignore(self), cache = self.cache", "(&self, id: u64)"),
        ("entry = e(id), group = \"{self.name}\"", "(&self, id: u64)"),
        ("entry = e, ignore(self, db, Path)", "(id: u64)"),
        ("entry = e()", "()"),
    ] {
        contains(&expansion(Verb::Cache, args, item), &[&format!("fn e{inputs} -> ::larder::Entry {{")]);
    }
}

#[test]
fn names_that_a_key_does_not_mention() {
    let item = "fn f(&self, (a, b): (u8, u8), S { c, d: E::V(e), .. }: S, id: u64, _: u8) -> u8 { BODY }";
    for (args, named) in [
        ("key = \"x\"", "a c id"),
        ("key = \"{a}:{c}:{id}\"", "b e"),
        ("key = \"{self.x}:{id}\", ignore(a, c, e)", "b"),
        ("key = (id, a, f(&b), c), group = \"{self}\"", "e"),
        ("key = format!(\"{a}{b:?}{c}{id}\"), ignore(self, e)", ""),
        ("key = id, tags = [\"{a}\"], ignore(S, a)", "b"),
        ("ignore(a, b)", ""),
    ] {
        let out = expansion(Verb::Cache, args, item);
        let names = out.split("thekeydoesnotmention`").skip(1).filter_map(|rest| rest.split('`').next());
        assert_eq!(names.collect::<Vec<_>>().join(" "), named, "{args}: {out}");
        let has_self = args.contains("self") || !args.contains("key");
        assert_eq!(out.contains("RefusedReceiver"), !has_self, "{args}");
    }
    for (args, part) in [
        ("ignore(a)", "without `key` an argument counts as a whole, and this is a part of one"),
        ("ignore(v)", "`v` is neither an argument of `f` nor the type of one"),
    ] {
        reports(Verb::Cache, args, item, &[part]);
    }
}

#[test]
fn evict_and_put() {
    let item = "async fn rename(user: &User) { BODY }";
    let out =
        expansion(Verb::Evict, "entry = [e(user.id)], group = \"g\", key = \"k:{user.id}\", before", item);
    contains(
        &out,
        &[
            "::larder::__private::Evict::new(&__CACHE_CALL_SITE, ::larder::__private::name_of(&|| {})).entries([e(user.id)]).group(|__cache_text|",
            ".text(|__cache_text|",
            ".before();",
            "Ret::<()>::new()",
            "evict(__cache_evict, __cache_shape, async move {",
        ],
    );
    let out = expansion(
        Verb::Put,
        "key = \"k:{id}\", group = \"g\", expire = ttl(id), codec = json",
        "fn f(id: u8) -> u8 { BODY }",
    );
    contains(
        &out,
        &[
            "::larder::__private::Put::new(&__CACHE_CALL_SITE, ::larder::__private::name_of(&|| {})).group(|__cache_text|",
            ".expire(ttl(id));",
            "put_sync(__cache_put, __cache_shape, __cache_rules, move || -> u8 { BODY })",
        ],
    );
    contains(
        &expansion(Verb::Put, "entry = e(id)", "fn f(id: u8) -> u8 { BODY }"),
        &["Put::new(&__CACHE_CALL_SITE, ::larder::__private::name_of(&|| {})).entry(e(id));"],
    );
}

#[test]
fn parameter_attributes_are_left_to_an_inner_cache_attribute() {
    let item = "#[cache(expire = 5)] fn f(#[cache(ignore)] db: &Db) -> u8 { 1 }";
    contains(&expansion(Verb::Evict, "group = \"g\"", item), &["fn f(#[cache(ignore)] db: &Db)"]);
}
