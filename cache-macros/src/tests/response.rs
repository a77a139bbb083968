//! Whole responses of handlers.

use super::{DAY, expands_to, messages, reports, squeeze, tokens};
use crate::input::types::with_placeholders;
use crate::verb::Verb;

const ITEM: &str = "/// Doc.\npub async fn item(Path(id): Path<u64>, #[cache(ignore)] db: State<Db>) -> \
                    Result<Json<Item>, AppError> { BODY }";

#[test]
fn a_handler() {
    let out = expands_to(
        Verb::Cache,
        "response, expire = 30",
        ITEM,
        &[
            "#[doc = \" Doc.\"] pub async fn item(__cache_arg0: ::larder::__private::WithIncoming<Path<u64> >, \
             db: State<Db>) -> ::larder::__private::Response { static __CACHE_CALL_SITE: ::larder::__private::CallSite =",
            "let (mut __cache_incoming, __cache_arg0) = ::larder::__private::WithIncoming::into_parts(__cache_arg0);",
            "let mut db = db;",
            "let __cache_body = (&::larder::__private::BodyProbe::of(&db)).__cache_body(); \
             __cache_body.peek(&mut db, &mut __cache_incoming).await;",
            "probe::< ::larder::__private::InHandler< ::larder::__private::Undeclared, ::larder::__private::ByPath>, _>(__cache_part)",
            ".beside(|__cache_key| {",
            "let __cache_part = &(db);",
            "probe::< ::larder::__private::LeftOut< ::larder::__private::InHandler<",
            "static __CACHE_HANDLER: ::larder::__private::Handler = ::larder::__private::Handler::new().arguments(&[\"id\"]);",
            "let __cache_part = &(__cache_arg0);",
            "let __cache_shape = ::larder::__private::AsResponse;",
            "let __cache_unless = ::larder::__private::NoUnless;",
            "let __cache_expire = ::larder::__private::NoExpireWith;",
            "let __cache_rules = ::larder::__private::Rules::new(__cache_unless, __cache_expire);",
            "::larder::__private::respond(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_rules, \
             async move { let __cache_returned = async move {",
            "let __cache_never: Result<Json<Item>, AppError> = loop {}; return __cache_never; }",
            "let Path(id) = __cache_arg0; BODY }.await; ::larder::__private::responded(__cache_returned) }).await }",
        ],
    );
    for gone in ["__cache_caps", "Ret::", "cache(ignore)"] {
        assert!(!out.contains(&squeeze(gone)), "{gone}: {out}");
    }
}

#[test]
fn options_are_passed_to_the_handler() {
    expands_to(
        Verb::Cache,
        "response, private, vary(accept_language, \"X-Tenant\", r#type), statuses(200, 404), unless = |r| r.is_empty(), \
         expire_with = |r| r.ttl(), crate = ::facade, group = \"g:{id}\", cache = db.cache, compress = zstd",
        ITEM,
        &[
            "::facade::__private::Handler::new().vary(&[\"accept-language\", \"x-tenant\", \"type\"]).statuses(&[200u16, 404u16]).private().revocable().timed().looks().arguments(&[\"id\"]);",
            "unless::<::facade::__private::Outcome, _, _>(&__cache_shape, |r| r.is_empty())",
            "expire_with::<::facade::__private::Outcome, _, _, _>(&__cache_shape, |r| r.ttl())",
            ".cache(&(db.cache)).group(",
            "Text::value(__cache_text, &(__cache_arg0.0), ::core::option::Option::None);",
            ".compress(::facade::Compress::Zstd)",
        ],
    );
    for (kind, variant) in [("weak", "Weak"), ("strong", "Strong"), ("off", "Off")] {
        let written =
            format!("Handler::new().etag(::larder::__private::EtagKind::{variant}).arguments(&[\"id\"]);");
        expands_to(Verb::Cache, &format!("response, etag = {kind}"), ITEM, &[&written]);
    }
    for (written, setters) in [
        ("client_max_age = 0", "client_max_age(::core::time::Duration::from_millis(0u64))"),
        ("client_max_age = \"1m30s\"", "client_max_age(::core::time::Duration::from_millis(90000u64))"),
        ("tags = [\"a\"]", "revocable()"),
        ("group = \"a\"", "revocable()"),
        ("entry = item_entry", "revocable().asked()"),
        ("expire = MINUTE", "timed()"),
    ] {
        let written = format!("response, {written}");
        expands_to(
            Verb::Cache,
            &written,
            ITEM,
            &[&format!("Handler::new().{setters}.arguments(&[\"id\"]);")],
        );
    }
    expands_to(
        Verb::Cache,
        "response, client_max_age = db.max_age(id)",
        ITEM,
        &[
            "Handler::new().arguments(&[\"id\"]);",
            "let __cache_incoming = ::larder::__private::Incoming::client_max_age(__cache_incoming, &__CACHE_HANDLER,",
            "db.max_age(__cache_arg0.0)",
        ],
    );
    expands_to(
        DAY,
        "response, shared",
        ITEM,
        &["Handler::new().shared().arguments(&[\"id\"]);", "from_millis(86400000u64)"],
    );
}

#[test]
fn the_runtime_knows_the_arguments_and_the_variants() {
    for (options, made) in
        [("", ".entry()"), (", private", ".entry_with_variants()"), (", vary(a)", ".entry_with_variants()")]
    {
        expands_to(Verb::Cache, &format!("response, entry = item_entry{options}"), ITEM, &[made]);
    }
    let item = "async fn item(Path((a, b)): Path<(u64, u64)>, _: User, page: Query<Page>, #[cache(ignore)] db: Db) -> String { BODY }";
    for (written, names) in [
        ("response", ".arguments(&[\"a\", \"b\", \"User\", \"page\"]);"),
        ("response, key = \"a\"", "Handler::new().asked();"),
    ] {
        expands_to(Verb::Cache, written, item, &[names]);
    }
}

#[test]
fn an_entry_with_a_key_does_not_depend_on_the_route() {
    for (args, asked) in [
        ("response", false),
        ("response, name = \"a\", group = \"b\", tags = [\"c\"]", false),
        ("response, key = \"item:{id}\"", true),
        ("response, key = db.id", true),
        ("response, entry = item_entry", true),
    ] {
        assert_eq!(expands_to(Verb::Cache, args, ITEM, &[]).contains(".asked()"), asked, "{args}");
    }
    expands_to(
        Verb::Cache,
        "response, entry = item_entry",
        ITEM,
        &["pub fn item_entry(__cache_arg0: Path<u64>) -> ::larder::Entry {"],
    );
}

#[test]
fn a_handler_that_is_refreshed_in_the_background() {
    let out = expands_to(
        Verb::Cache,
        "response, stale_while_revalidate = 5",
        ITEM,
        &[
            "pub async fn item(__cache_arg0: ::larder::__private::WithIncoming<Path<u64> >, db: State<Db>) -> \
             ::larder::__private::Response {",
            "db: State<Db>| { let __cache_returned = async move {",
            "return __cache_never; }",
            "let Path(id) = __cache_arg0; BODY }.await; ::larder::__private::responded(__cache_returned) };",
            "::larder::__private::Body::Inline(async move { __cache_body(__cache_arg0, db).await }),",
            "::larder::__private::Body::stale_while_revalidate_needs_send(async move { __cache_body(__cache_owned0, __cache_owned1).await })",
            "::larder::__private::respond_detachable(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_rules, \
             __cache_make_body).await",
        ],
    );
    assert!(!out.contains("move_to_background(__cache_incoming)"), "{out}");
}

#[test]
fn evict_and_put() {
    let out = expands_to(
        Verb::Evict,
        "response, url = \"/items/{id}\", tags = [\"items\"]",
        ITEM,
        &[
            "pub async fn item(Path(id): Path<u64>, db: State<Db>) -> ::larder::__private::Response {",
            ".tag(|__cache_text|",
            ".url(|__cache_text|",
            "::larder::__private::Text::literal(__cache_text, \"/items/\");",
            "::larder::__private::Text::value(__cache_text, &(id), ::core::option::Option::None);",
            "::larder::__private::evict_response(__cache_evict, async move { let __cache_returned = async move {",
            "::larder::__private::responded(__cache_returned) }).await }",
        ],
    );
    assert!(!out.contains("__cache_shape") && !out.contains("__CACHE_HANDLER"), "{out}");
    expands_to(
        Verb::Put,
        "response, key = \"item:{id}\", unless = |r| r.is_empty()",
        ITEM,
        &[
            "pub async fn item(Path(id): Path<u64>, db: State<Db>) -> ::larder::__private::Response {",
            "let __cache_shape = ::larder::__private::AsResponse;",
            "::larder::__private::put_response(__cache_put, __cache_rules, ::larder::__private::EtagKind::Weak, async move {",
        ],
    );
    expands_to(
        Verb::Evict,
        "response, group = \"g\"",
        "async fn f() { BODY }",
        &["let __cache_never: () = loop {};"],
    );
    expands_to(Verb::Evict, "url = \"/\"", "fn f(id: u8) { BODY }", &[".url(|__cache_text|", "evict_sync("]);
}

#[test]
fn the_type_of_a_response_may_be_unnamed() {
    for (result, edge) in [
        ("impl IntoResponse", None),
        ("Result<impl IntoResponse, AppError>", Some("Result<_, AppError>")),
        ("(StatusCode, impl IntoResponse + 'static)", Some("(StatusCode, _)")),
        ("&'static str", Some("&'static str")),
        ("Self", Some("Self")),
    ] {
        let out = expands_to(Verb::Cache, "response", &format!("async fn f() -> {result} {{ BODY }}"), &[]);
        let found =
            edge.map(|edge| out.contains(&squeeze(&format!("let __cache_never: {edge} = loop {{}};"))));
        assert!(found.unwrap_or(!out.contains("__cache_never")), "{result}: {out}");
    }
    for (ty, written) in [
        ("A<impl B<C, D = fn(E) -> F> + 'g, H>", "A<_, H>"),
        ("(impl Fn(u8, u8) -> A<B>, [impl C; 2])", "(_, [_; 2])"),
        ("A<impl B<C>>", "A<_>"),
        ("impl Fn() -> A", "_"),
    ] {
        assert_eq!(squeeze(&with_placeholders(&tokens(ty)).to_string()), squeeze(written), "{ty}");
    }
}

#[test]
fn options_that_need_a_response() {
    let item = "async fn f(id: u64) -> u64 { id }";
    reports(
        Verb::Cache,
        "private, vary(a), statuses(404)",
        item,
        &[
            "`private` needs `response`; write `response, private`",
            "`vary` needs `response`; write `response, vary(..)`",
            "`statuses` needs `response`; write `response, statuses(..)`",
        ],
    );
    reports(Verb::Cache, "shared", item, &["`shared` needs `response`; write `response, shared`"]);
}

#[test]
fn options_that_do_not_fit_a_response() {
    for (verb, args, part) in [
        (
            Verb::Cache,
            "response, codec = json",
            "`codec` applies to values, and a response is stored as bytes",
        ),
        (Verb::Cache, "response, none_expire = f()", "or list the statuses to cache: `statuses(200, 404)`"),
        (
            Verb::Put,
            "response, key = \"a\", none_expire = f()",
            "`none_expire` applies to `None`, and the cached value is a response; remove it",
        ),
        (Verb::Cache, "response, private, shared", "`private` stores a response per credential"),
        (Verb::Cache, "response = true", "`response` takes no value; write `response` alone"),
        (Verb::Cache, "response, private = true", "`private` takes no value; write `private` alone"),
        (Verb::Cache, "response, url = \"/\"", "`url` is not an option of `#[cache]`"),
        (Verb::Evict, "response", "there is nothing to evict"),
        (Verb::Evict, "response, tags = [\"a\"], private", "`private` is not an option of `#[cache_evict]`"),
        (Verb::Evict, "url = path", "`url` must be a string literal here"),
        (
            Verb::Evict,
            "url = \"items/{id}\"",
            "`url` is a path, with its query if it has one; write `\"/items/{id}\"`",
        ),
        (Verb::Evict, "url = \"/{nme}\"", "`{nme}` is not an argument of `item`; arguments are `db`"),
        (Verb::Put, "response, key = \"a\", statuses(200)", "`statuses` is not an option of `#[cache_put]`"),
    ] {
        reports(verb, args, ITEM, &[part]);
    }
}

#[test]
fn headers() {
    for (list, part) in [
        ("vary", "`vary` takes headers in parentheses; write `vary(accept_language)`"),
        ("vary = a", "`vary` takes headers in parentheses"),
        ("vary()", "`vary()` is empty; write a header in it or remove it"),
        ("vary(\"\")", "the name of a header is empty"),
        ("vary(\"*\")", "`*` makes every request different; name the headers that the response depends on"),
        ("vary(\"a b\")", "` ` cannot be part of the name of a header"),
        ("vary(\"a:\")", "`:` cannot be part of the name of a header"),
        ("vary(\"\\n\")", "`\\n` cannot be part of the name of a header"),
        ("vary(é)", "`é` cannot be part of the name of a header"),
        ("vary(accept-language)", "this is not the name of a header; write one such as `accept_language`"),
        ("vary(5)", "this is not the name of a header"),
        ("vary(a::b)", "this is not the name of a header"),
        ("vary(x_tenant, \"X-Tenant\")", "`x-tenant` is given twice; remove one of them"),
        ("vary(a), vary(b)", "`vary` is given twice"),
    ] {
        reports(Verb::Cache, &format!("response, {list}"), ITEM, &[part]);
    }
    reports(
        Verb::Cache,
        "response, vary(\"*\", 5, \"a b\")",
        ITEM,
        &["`*` makes", "this is not the name", "` ` cannot"],
    );
}

#[test]
fn statuses() {
    for (list, part) in [
        ("statuses", "`statuses` takes numbers in parentheses; write `statuses(200, 404)`"),
        ("statuses()", "`statuses()` is empty; write a status in it or remove it"),
        ("statuses(206)", "206 is a partial response and is never stored; remove it"),
        ("statuses(304)", "304 only confirms a response and is never stored; remove it"),
        ("statuses(200, 503)", "503 is a server error and is never stored; remove it"),
        ("statuses(199)", "this is not a status that can be stored; write a number from 200 to 499"),
        ("statuses(600)", "this is not a status that can be stored"),
        ("statuses(99999999)", "this is not a status that can be stored"),
        ("statuses(\"404\")", "this is not a status that can be stored"),
        ("statuses(OK)", "this is not a status that can be stored"),
        ("statuses(-1)", "this is not a status that can be stored"),
        ("statuses(200, 200)", "200 is given twice; remove one of them"),
    ] {
        reports(Verb::Cache, &format!("response, {list}"), ITEM, &[part]);
    }
}

#[test]
fn functions_that_are_no_handlers() {
    let handler = "`response` goes on an axum handler: an `async fn` whose arguments are extractors, such as `Path(id): Path<u64>`, \
                   and whose result is a response; ";
    for (item, remedies) in [
        ("fn f() -> String { a }", &["make it an `async fn`"][..]),
        ("async fn f(&self) -> String { a }", &["take what it needs of `self` from a `State`"]),
        ("async fn f(self: Arc<Self>) -> String { a }", &["take what it needs of `self` from a `State`"]),
        (
            "fn f<'a>(&'a self) -> Pin<Box<dyn Future<Output = String> + Send + 'a>> { a }",
            &["write an `async fn` that calls this one", "take what it needs of `self` from a `State`"],
        ),
        (
            "async fn f(db: &Db, Path(id): Path<u64>) -> String { a }",
            &["take this from an extractor, such as `State(db): State<Db>`"],
        ),
        (
            "async fn f(name: Cow<'_, str>) -> String { a }",
            &["take this from an extractor, such as `State(db): State<Db>`"],
        ),
        ("async fn f(id: u64) -> String { a }", &["write `Path(id): Path<u64>`"]),
        ("async fn f(_: bool) -> String { a }", &["write `Path(value): Path<bool>`"]),
        (
            "fn f(&self, id: u64, s: &str) -> String { a }",
            &["make it an", "of `self`", "write `Path(id): ", "take this from an extractor"],
        ),
    ] {
        for (verb, rest) in
            [(Verb::Cache, ""), (Verb::Evict, ", tags = [\"a\"]"), (Verb::Put, ", key = \"a\"")]
        {
            let args = format!("response{rest}");
            reports(verb, &args, item, remedies);
            for message in messages(verb, &args, item) {
                assert!(
                    message.starts_with(handler) && message.ends_with(", or remove `response`"),
                    "{message}"
                );
            }
        }
    }
    reports(Verb::Cache, "response", "async fn f() { a }", &["`f` returns nothing"]);
    reports(Verb::Cache, "response", "async fn f() -> ! { a }", &["never returns"]);
}

#[test]
fn axum_counts_arguments() {
    let item = |count: usize| format!("async fn f({}) -> String {{ a }}", "_: S, ".repeat(count));
    expands_to(Verb::Cache, "response", &item(16), &[]);
    reports(
        Verb::Cache,
        "response",
        &item(17),
        &["axum calls handlers of at most 16 arguments; combine some of them in one extractor"],
    );
    expands_to(Verb::Evict, "response, group = \"g\"", &item(16), &[]);
    reports(
        Verb::Evict,
        "response, group = \"g\"",
        &item(17),
        &["axum calls handlers of at most 16 arguments; combine some of them in one extractor"],
    );
    expands_to(Verb::Cache, "response", &item(16).replace("f(", "f(#[cfg(a)] _: S, #[cfg(b)] _: S, "), &[]);
}

#[test]
fn all_mistakes_are_reported_together() {
    let args =
        "response, private, shared, codec = json, none_expire = 5, vary(\"*\", 5), statuses(206, 304, 500)";
    let found = messages(Verb::Cache, args, "fn f(&self, id: u64) -> String { a }");
    assert_eq!(found.len(), 11, "{found:#?}");
}
