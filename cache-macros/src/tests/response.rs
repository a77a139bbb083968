//! Whole responses of handlers.

use super::{DAY, expand, messages, squeeze, tokens};
use crate::input::types::with_placeholders;
use crate::verb::Verb;

const ITEM: &str = "/// Doc.\n#[debug_handler] pub async fn item(Path(id): Path<u64>, #[cache(ignore)] db: State<Db>) -> \
                    Result<Json<Item>, AppError> { BODY }";

/// Expands without an error, parses as a function, and has each of the parts.
fn has(verb: Verb, args: &str, item: &str, parts: &[&str]) -> String {
    assert_eq!(messages(verb, args, item), Vec::<String>::new(), "{args} / {item}");
    let out = crate::attribute(verb, tokens(args), tokens(item));
    assert!(syn::parse2::<syn::File>(out.clone()).is_ok(), "{out}");
    let out = expand(verb, args, item);
    for part in parts {
        assert!(out.contains(&squeeze(part)), "{out}\nlacks {part}");
    }
    out
}

/// The messages, in which each of `parts` is found once.
fn are(verb: Verb, args: &str, item: &str, parts: &[&str]) {
    let messages = messages(verb, args, item);
    let told = parts.iter().all(|part| messages.iter().filter(|message| message.contains(part)).count() == 1);
    assert!(told && messages.len() == parts.len(), "{args} / {item}: {messages:#?}");
    let style =
        |message: &String| !message.starts_with(|c: char| c.is_uppercase()) && !message.ends_with('.');
    assert!(messages.iter().all(style), "{messages:#?}");
}

#[test]
fn a_handler() {
    let out = has(
        Verb::Cache,
        "response, expire = 30",
        ITEM,
        &[
            "#[allow(clippy::too_many_arguments)] #[doc",
            "#[debug_handler] pub async fn item(__cache_incoming: ::larder::__private::Incoming, __cache_arg0: Path<u64>, \
             db: State<Db>) -> ::larder::__private::Response { static __CACHE_CALL_SITE: ::larder::__private::Site =",
            "static __CACHE_HANDLER: ::larder::__private::Handler = ::larder::__private::Handler::new();",
            "let __cache_part = &(__cache_arg0);",
            "let __cache_shape = ::larder::__private::AsResponse;",
            "let __cache_unless = ::larder::__private::never::<::larder::__private::Outcome, _>(&__cache_shape);",
            "let __cache_expire = ::larder::__private::as_declared::<::larder::__private::Outcome, _>(&__cache_shape);",
            "::larder::__private::respond(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_unless, __cache_expire, \
             async move { let __cache_returned = async move {",
            "let __cache_never: Result<Json<Item>, AppError> = loop {}; return __cache_never; }",
            "let Path(id) = __cache_arg0; BODY }.await; ::larder::__private::responded(__cache_returned) }).await }",
        ],
    );
    for gone in ["&(db)", "__cache_caps", "Ret::", "cache(ignore)"] {
        assert!(!out.contains(&squeeze(gone)), "{gone}: {out}");
    }
}

#[test]
fn what_the_options_say() {
    has(
        Verb::Cache,
        "response, private, vary(accept_language, \"X-Tenant\", r#type), statuses(200, 404), unless = |r| r.is_empty(), \
         expire_with = |r| r.ttl(), crate = ::facade, group = \"g:{id}\", cache = db.cache, compress = zstd",
        ITEM,
        &[
            "::facade::__private::Handler::new().vary(&[\"accept-language\", \"x-tenant\", \"type\"]).statuses(&[200u16, 404u16]).private().looks();",
            "unless::<::facade::__private::Outcome, _, _>(&__cache_shape, |r| r.is_empty())",
            "expire_with::<::facade::__private::Outcome, _, _, _>(&__cache_shape, |r| r.ttl())",
            ".cache(&(db.cache)).group(",
            "Text::value(__cache_text, &(__cache_arg0.0), ::core::option::Option::None);",
            ".compress(::facade::Compress::Zstd)",
        ],
    );
    has(DAY, "response, shared", ITEM, &["Handler::new().shared();", "from_millis(86400000u64)"]);
}

#[test]
fn a_name_of_its_own_stands_without_the_route() {
    for (args, asked) in [
        ("response", false),
        ("response, name = \"a\", group = \"b\", tags = [\"c\"]", false),
        ("response, key = \"item:{id}\"", true),
        ("response, key = db.id", true),
        ("response, entry = item_entry", true),
    ] {
        assert_eq!(has(Verb::Cache, args, ITEM, &[]).contains(".asked()"), asked, "{args}");
    }
    has(
        Verb::Cache,
        "response, entry = item_entry",
        ITEM,
        &["pub fn item_entry(__cache_arg0: Path<u64>) -> ::larder::Entry {"],
    );
}

#[test]
fn a_handler_that_is_refreshed_in_the_background() {
    let out = has(
        Verb::Cache,
        "response, stale_while_revalidate = 5",
        ITEM,
        &[
            "pub async fn item(__cache_incoming: ::larder::__private::Incoming, __cache_arg0: Path<u64>, db: State<Db>) -> \
             ::larder::__private::Response {",
            "db: State<Db>| { let __cache_returned = async move {",
            "return __cache_never; }",
            "let Path(id) = __cache_arg0; BODY }.await; ::larder::__private::responded(__cache_returned) };",
            "::larder::__private::Work::Here(async move { __cache_body(__cache_arg0, db).await }),",
            "::larder::__private::Work::apart(async move { __cache_body(__cache_owned0, __cache_owned1).await })",
            "::larder::__private::respond_apart(__cache_call, &__CACHE_HANDLER, __cache_incoming, __cache_unless, __cache_expire, \
             __cache_make_body).await",
        ],
    );
    assert!(!out.contains("moved(__cache_incoming)"), "{out}");
}

#[test]
fn evict_and_put() {
    let out = has(
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
    has(
        Verb::Put,
        "response, key = \"item:{id}\", unless = |r| r.is_empty()",
        ITEM,
        &[
            "pub async fn item(Path(id): Path<u64>, db: State<Db>) -> ::larder::__private::Response {",
            "let __cache_shape = ::larder::__private::AsResponse;",
            "::larder::__private::put_response(__cache_put, __cache_unless, __cache_expire, async move {",
        ],
    );
    has(
        Verb::Evict,
        "response, group = \"g\"",
        "async fn f() { BODY }",
        &["let __cache_never: () = loop {};"],
    );
    has(Verb::Evict, "url = \"/\"", "fn f(id: u8) { BODY }", &[".url(|__cache_text|", "evict_sync("]);
}

#[test]
fn a_response_needs_no_name() {
    for (result, edge) in [
        ("impl IntoResponse", None),
        ("Result<impl IntoResponse, AppError>", Some("Result<_, AppError>")),
        ("(StatusCode, impl IntoResponse + 'static)", Some("(StatusCode, _)")),
        ("&'static str", Some("&'static str")),
        ("Self", Some("Self")),
    ] {
        let out = has(Verb::Cache, "response", &format!("async fn f() -> {result} {{ BODY }}"), &[]);
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
    are(
        Verb::Cache,
        "private, vary(a), statuses(404)",
        item,
        &[
            "`private` goes with `response`; write `response, private`",
            "`vary` goes with `response`; write `response, vary(..)`",
            "`statuses` goes with `response`; write `response, statuses(..)`",
        ],
    );
    are(Verb::Cache, "shared", item, &["`shared` goes with `response`; write `response, shared`"]);
}

#[test]
fn options_that_do_not_fit_a_response() {
    for (verb, args, part) in [
        (
            Verb::Cache,
            "response, codec = json",
            "`codec` is about values, and a response is stored as its bytes",
        ),
        (Verb::Cache, "response, none_expire = f()", "or say with `statuses(200, 404)` which are kept"),
        (
            Verb::Put,
            "response, key = \"a\", none_expire = f()",
            "`none_expire` is about `None`, and what is kept is a response; remove it",
        ),
        (Verb::Cache, "response, private, shared", "`private` keeps a response for each credential"),
        (Verb::Cache, "response = true", "`response` takes no value; write `response` alone"),
        (Verb::Cache, "response, private = true", "`private` takes no value; write `private` alone"),
        (Verb::Cache, "response, url = \"/\"", "`url` is not an option of `#[cache]`"),
        (Verb::Evict, "response", "there is nothing to evict"),
        (Verb::Evict, "response, tags = [\"a\"], private", "`private` is not an option of `#[cache_evict]`"),
        (Verb::Evict, "url = path", "`url` is a text here"),
        (
            Verb::Evict,
            "url = \"items/{id}\"",
            "`url` is a path, with its query if it has one; write `\"/items/{id}\"`",
        ),
        (Verb::Evict, "url = \"/{nme}\"", "`{nme}` is not an argument of `item`; arguments are `db`"),
        (Verb::Put, "response, key = \"a\", statuses(200)", "`statuses` is not an option of `#[cache_put]`"),
    ] {
        are(verb, args, ITEM, &[part]);
    }
}

#[test]
fn headers() {
    for (list, part) in [
        ("vary", "`vary` takes headers in parentheses; write `vary(accept_language)`"),
        ("vary = a", "`vary` takes headers in parentheses"),
        ("vary()", "`vary()` names nothing; write a header in it or remove it"),
        ("vary(\"\")", "the name of a header is empty"),
        ("vary(\"*\")", "`*` makes every response another one; name the headers that it depends on"),
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
        are(Verb::Cache, &format!("response, {list}"), ITEM, &[part]);
    }
    are(
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
        ("statuses()", "`statuses()` names nothing; write a status in it or remove it"),
        ("statuses(206)", "206 is a part of a response, and is never stored; remove it"),
        ("statuses(304)", "304 says that there is no new response, and is never stored; remove it"),
        ("statuses(200, 503)", "503 is an error of the server, and is never stored; remove it"),
        ("statuses(199)", "this is not a status that can be stored; write a number from 200 to 499"),
        ("statuses(600)", "this is not a status that can be stored"),
        ("statuses(99999999)", "this is not a status that can be stored"),
        ("statuses(\"404\")", "this is not a status that can be stored"),
        ("statuses(OK)", "this is not a status that can be stored"),
        ("statuses(-1)", "this is not a status that can be stored"),
        ("statuses(200, 200)", "200 is given twice; remove one of them"),
    ] {
        are(Verb::Cache, &format!("response, {list}"), ITEM, &[part]);
    }
}

#[test]
fn what_is_no_handler() {
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
            &["take this from an extractor of its own, such as `State(db): State<Db>`"],
        ),
        (
            "async fn f(name: Cow<'_, str>) -> String { a }",
            &["take this from an extractor of its own, such as `State(db): State<Db>`"],
        ),
        ("async fn f(id: u64) -> String { a }", &["write `Path(id): Path<u64>`"]),
        ("async fn f(_: bool) -> String { a }", &["write `Path(value): Path<bool>`"]),
        (
            "fn f(&self, id: u64, s: &str) -> String { a }",
            &["make it an", "of `self`", "write `Path(id): ", "extractor of its own"],
        ),
    ] {
        for (verb, rest) in
            [(Verb::Cache, ""), (Verb::Evict, ", tags = [\"a\"]"), (Verb::Put, ", key = \"a\"")]
        {
            let args = format!("response{rest}");
            are(verb, &args, item, remedies);
            for message in messages(verb, &args, item) {
                assert!(
                    message.starts_with(handler) && message.ends_with(", or remove `response`"),
                    "{message}"
                );
            }
        }
    }
    are(Verb::Cache, "response", "async fn f() { a }", &["`f` returns nothing"]);
    are(Verb::Cache, "response", "async fn f() -> ! { a }", &["never returns"]);
}

#[test]
fn axum_counts_arguments() {
    let item = |count: usize| format!("async fn f({}) -> String {{ a }}", "_: S, ".repeat(count));
    has(Verb::Cache, "response", &item(15), &[]);
    are(
        Verb::Cache,
        "response",
        &item(17),
        &[
            "axum calls handlers of at most 16 arguments, and one of them is larder's; take some of them together in one extractor",
        ],
    );
    has(Verb::Evict, "response, group = \"g\"", &item(16), &[]);
    are(
        Verb::Evict,
        "response, group = \"g\"",
        &item(17),
        &["axum calls handlers of at most 16 arguments; take some of them together in one extractor"],
    );
    has(Verb::Cache, "response", &item(15).replace("f(", "f(#[cfg(a)] _: S, #[cfg(b)] _: S, "), &[]);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let args =
        "response, private, shared, codec = json, none_expire = 5, vary(\"*\", 5), statuses(206, 304, 500)";
    let found = messages(Verb::Cache, args, "fn f(&self, id: u64) -> String { a }");
    assert_eq!(found.len(), 11, "{found:#?}");
}
