//! Arguments of handlers, the handler as it was written, and other attributes on it.

use super::{DAY, expand, expands_to, reports, squeeze};
use crate::verb::Verb;

const ITEM: &str = "/// Doc.\npub async fn item(Path(id): Path<u64>, #[cache(ignore)] db: State<Db>) -> \
                    Result<Json<Item>, AppError> { BODY }";

#[test]
fn the_context_of_arguments() {
    for (args, declared, naming) in [
        ("response", "Undeclared", "ByPath"),
        ("response, vary(a)", "Declared", "ByPath"),
        ("response, private", "Declared", "ByPath"),
        ("response, shared, entry = e", "Declared", "ByEntry"),
        ("response, entry = e", "Undeclared", "ByEntry"),
        ("response, key = \"a:{id}\", entry = e", "Undeclared", "ByKey"),
        ("response, private, key = db.id", "Declared", "ByKey"),
    ] {
        let context = format!("InHandler< ::larder::__private::{declared}, ::larder::__private::{naming}>");
        expands_to(Verb::Cache, args, ITEM, &[&context]);
    }
}

#[test]
fn arguments_in_their_places() {
    let item =
        "async fn f(Path(id): Path<u64>, user: Extension<User>, #[cache(ignore)] b: B) -> String { BODY }";
    // The places of `id`, `user` and `b`.
    for (args, places) in [
        ("response", ["InKey", "InKey", "LeftOut"]),
        ("response, group = \"{user.0}\"", ["InKey", "Named", "LeftOut"]),
        ("response, key = \"a\"", ["Missing", "Missing", "LeftOut"]),
        ("response, key = \"a:{id}\"", ["InText Named", "Missing", "LeftOut"]),
        ("response, key = \"a:{user.id}\"", ["Missing", "InText Named", "LeftOut"]),
        ("response, key = \"a:{id}\", group = \"{user.0}\"", ["InText Named", "InText Named", "LeftOut"]),
        ("response, key = id, group = \"{user.0}\"", ["Named", "InText Named", "LeftOut"]),
        ("response, key = (id, f(&user))", ["Named", "Named", "LeftOut"]),
        ("response, key = (id, b.c)", ["Named", "Missing", "LeftOut Named"]),
        ("response, key = (id, a.user, user::x)", ["Named", "Missing", "LeftOut"]),
        ("response, key = format!(\"{user:?}\")", ["Missing", "Named", "LeftOut"]),
        ("response, key = format!(\"{user_id}\")", ["Missing", "Missing", "LeftOut"]),
        ("", ["", "", ""]),
        ("group = \"{user.0}\"", ["", "", ""]),
        ("key = id", ["", "Missing", ""]),
        ("key = \"a:{id}\"", ["InText", "Missing", ""]),
        ("key = \"a\", tags = [\"{user.0}\"]", ["Missing", "Missing", ""]),
    ] {
        let out = expands_to(Verb::Cache, args, item, &[]);
        let beside = out.split(".beside(").nth(1).unwrap_or_default();
        let found = ["__cache_arg0", "user", "b"].map(|name| {
            let start = squeeze(&format!("let __cache_part = &({name});"));
            let probes = beside.split(&start).skip(1).filter_map(|probe| probe.split("probe::<").nth(1));
            let place = |probe: &str| {
                let place = probe.strip_prefix("::larder::__private::")?.split(['<', ',']).next()?;
                Some(place.to_owned())
            };
            probes.filter_map(place).collect::<Vec<_>>().join(" ")
        });
        assert_eq!(found, places, "{args}: {out}");
    }
    // An entry function has not got the arguments that are ignored.
    let out = expands_to(Verb::Cache, "response, entry = e, key = \"a:{id}\"", item, &[]);
    assert_eq!(out.matches(".beside(").count(), 1, "{out}");
}

#[test]
fn the_handler_as_it_was_written() {
    expands_to(
        Verb::Cache,
        "response, uncached = item_plain",
        ITEM,
        &[
            "#[doc = \" Doc.\"] pub async fn item_plain(Path(id): Path<u64>, db: State<Db>) -> Result<Json<Item>, AppError> { BODY }",
        ],
    );
    for (verb, args, part) in [
        (Verb::Cache, "uncached = a", "`uncached` needs `response`; write `response, uncached = ..`"),
        (Verb::Cache, "response, uncached", "`uncached` needs a value; write `uncached = ..`"),
        (Verb::Cache, "response, uncached = a::b", "`uncached` names the function to generate; write"),
        (Verb::Cache, "response, uncached = \"a\"", "`uncached` names the function to generate; write"),
        (Verb::Cache, "response, uncached = item", "needs another name; write `uncached = item_plain`"),
        (Verb::Put, "response, key = \"a\", uncached = a", "`uncached` is not an option of `#[cache_put]`"),
    ] {
        reports(verb, args, ITEM, &[part]);
    }
}

#[test]
fn attributes_that_look_at_the_function_go_above() {
    let item = |attrs: &str, rest: &str| {
        format!("/// Doc.\n{attrs} #[must_use] pub async fn f({rest}) -> String {{ BODY }}")
    };
    let param = "#[cache(ignore)] Path(slug): Path<String>";
    let moved = [
        ("response", "#[instrument]", param),
        ("response", "#[tracing::instrument(fields(%slug))]", param),
        ("", "#[instrument(skip(slug))]", param),
        ("response, private", "#[axum::debug_handler]", param),
        ("response", "#[debug_handler(state = App)]", "_: State<App>"),
        ("response", "#[utoipa::path(get, path = \"/a\")]", ""),
    ];
    for (args, attr, param) in moved {
        let out = expand(Verb::Cache, args, &item(attr, param));
        let start = format!(
            "{attr} #[::larder::cache({args})] #[doc = \" Doc.\"] #[must_use] pub async fn f({param})"
        );
        let out = out.replace(&squeeze("#[doc=r\" Doc.\"]"), &squeeze("#[doc=\" Doc.\"]"));
        assert_eq!(out, squeeze(&format!("{start} -> String {{ BODY }}")), "{attr}");
    }
    let kept = [
        ("", "#[instrument]", "id: u64"),
        ("", "#[instrument(fields(%id))]", "id: u64"),
        ("response", "#[debug_handler]", ""),
        ("response", "#[path(a)]", param),
        ("response", "#[inline]", param),
    ];
    for (args, attr, param) in kept {
        let out = expand(Verb::Cache, args, &item(attr, param));
        assert!(!out.contains("::larder::cache(") && out.contains(&squeeze(attr)), "{attr}: {out}");
    }
    let out = expand(DAY, "response, crate = ::facade", &item("#[instrument]", param));
    assert!(out.contains(&squeeze("#[::facade::cache_one_day(response, crate = ::facade)]")), "{out}");
}

#[test]
fn an_unnamed_response_asks_for_the_option() {
    for (result, part) in [
        (
            "impl IntoResponse",
            "on an axum handler write `response` in the attribute, as in `#[cache(response)]`",
        ),
        ("Result<impl axum::response::IntoResponse, E>", "which caches the whole response"),
        ("impl Clone", "`impl Trait` has no name to decode into"),
    ] {
        reports(Verb::Cache, "", &format!("async fn f() -> {result} {{ a }}"), &[part]);
    }
}
