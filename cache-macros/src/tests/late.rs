//! `entry_with` and `tags_with`.

use super::{expands_to, reports};
use crate::verb::Verb;

const CREATE: &str = "async fn create(db: &Db, new: NewUser) -> Result<User, DbError> { BODY }";

#[test]
fn what_the_value_names_is_converted_inside_the_closure() {
    expands_to(
        Verb::Evict,
        "entry_with = |user: &User| user_entry(user.id), tags_with = |user| [&user.team]",
        CREATE,
        &[
            "entry_with::<Result<User, DbError>, _, _>(&__cache_shape, |user: &User| ::larder::__private::late_entries(user_entry(user.id)));",
            "tags_with::<Result<User, DbError>, _, _>(&__cache_shape, |user| match [&user.team] { __cache_tags => { #[allow(unused_imports)] \
             use ::larder::__private::{ViaCharacters as _, ViaNoList as _, ViaTexts as _}; \
             (&&&::larder::__private::tag_list(&__cache_tags)).__cache_list().late_tags(__cache_tags) } });",
            "let __cache_late = ::larder::__private::LateNames::new(__cache_entry_with, __cache_tags_with);",
            "evict_named(__cache_evict, __cache_shape, __cache_late, async move {",
        ],
    );
    for (closure, converted) in [
        (
            "names::of_user",
            "|__cache_value| ::larder::__private::late_entries((names::of_user)(__cache_value))",
        ),
        (
            "|user: &User| -> Entry { user_entry(1) }",
            "late_entries((|user: &User| -> Entry { user_entry(1) })(__cache_value))",
        ),
        (
            "|user: &User| { return user_entry(1); }",
            "late_entries((|user: &User| { return user_entry(1); })(__cache_value))",
        ),
        (
            "|user: &User| Some(user_entry(user.id?))",
            "late_entries((|user: &User| Some(user_entry(user.id?)))(__cache_value))",
        ),
    ] {
        let args = format!("entry_with = {closure}, group = \"g\"");
        expands_to(
            Verb::Evict,
            &args,
            CREATE,
            &[converted, "no_tags_with::<Result<User, DbError>, _>(&__cache_shape)"],
        );
    }
    expands_to(
        Verb::Evict,
        "tags_with = f",
        "fn f() -> u8 { BODY }",
        &["evict_named_sync(", "no_entry_with::<u8, _>("],
    );
}

#[test]
fn in_a_handler_the_closures_take_what_it_returns() {
    expands_to(
        Verb::Evict,
        "response, entry_with = |user| user_entry(user.id)",
        "async fn create(db: State<Db>) -> Result<Json<User>, AppError> { BODY }",
        &[
            "Ret::<Result<Json<User>, AppError>>::new()",
            "late_targets::<Result<Json<User>, AppError>, _, _>(",
            ".await, __cache_shape, &__cache_late);",
            "(::larder::__private::responded(__cache_returned), __cache_targets)",
        ],
    );
    let item = "async fn create(db: State<Db>) -> impl IntoResponse { BODY }";
    reports(Verb::Evict, "response, tags_with = f", item, &["`impl Trait` has no name; name the type"]);
}

#[test]
fn a_cached_value_names_its_tags() {
    expands_to(
        Verb::Cache,
        "tags_with = |post| [format!(\"author:{}\", post.author)], entry = post_entry",
        "async fn post(db: &Db, id: u64) -> Result<Post, DbError> { BODY }",
        &[
            "Policy::new().with_late_tags()",
            "tags_with::<Result<Post, DbError>, _, _>(&__cache_shape, |post| match [format!(",
            "let __cache_rules = ::larder::__private::TaggedRules::new(__cache_rules, __cache_tags_with);",
        ],
    );
    expands_to(
        Verb::Cache,
        "tags_with = |post: &Post| { return [post.author]; }, stale_while_revalidate = 5, expire = 5",
        "fn post(id: u64) -> Post { BODY }",
        &[
            "move |__cache_value| match (move |post: &Post| { return [post.author]; })(__cache_value) { __cache_tags => {",
        ],
    );
    let handler = "async fn post(id: Path<u64>) -> Json<Post> { BODY }";
    reports(Verb::Cache, "response, tags_with = f", handler, &["`tags_with` takes the value of a function"]);
    let item = "fn post(id: &str) -> Post { BODY }";
    let args = "tags_with = |post| [id], stale_while_revalidate = 5, expire = 5";
    reports(Verb::Cache, args, item, &["`tags_with` also runs in the background and cannot borrow `id`"]);
}

#[test]
fn misuse_of_late_names() {
    for (verb, args, part) in [
        (
            Verb::Evict,
            "entry_with = user_entry(user.id)",
            "`entry_with` takes a closure of the value; write `entry_with = |user|",
        ),
        (
            Verb::Evict,
            "tags_with = [\"users\"]",
            "`tags_with` takes a closure of the value; write `tags_with = |post|",
        ),
        (Verb::Evict, "entry_with = || user_entry(1)", "the closure of `entry_with` takes the value alone"),
        (Verb::Evict, "tags_with = |a, b| [a]", "the closure of `tags_with` takes the value alone"),
        (Verb::Evict, "key = \"a\", entry_with", "`entry_with` needs a value"),
        (
            Verb::Put,
            "key = \"a\", entry_with = f",
            "`entry_with` needs the result, and `#[cache_put]` takes the lease",
        ),
        (
            Verb::Put,
            "key = \"a\", tags_with = f",
            "`tags_with` needs the result, and `#[cache_put]` takes the lease",
        ),
        (Verb::Cache, "tags_with = [\"posts\"]", "`tags_with` takes a closure of the value"),
        (Verb::Cache, "entry_with = f", "`entry_with` is not an option of `#[cache]`"),
    ] {
        reports(verb, args, CREATE, &[part]);
    }
}
