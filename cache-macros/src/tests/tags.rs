//! `tags = [..]`.

use super::expands_to;
use crate::verb::Verb;

const USER: &str = "async fn user(db: &Db, id: u64) -> Result<User, DbError> { body() }";

fn reports(args: &str, part: &str) {
    super::reports(Verb::Cache, args, USER, &[part]);
}

#[test]
fn tags_are_written_before_the_key() {
    expands_to(
        Verb::Cache,
        "tags = [\"user:{id}\", \"users\"], group = \"g\", entry = e",
        USER,
        &[
            ".group(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"g\");}})\
             .tag(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"user:\");\
             ::larder::__private::Text::value(__cache_text,&(id),::core::option::Option::None);}})\
             .tag(|__cache_text|{#[allow(clippy::used_underscore_binding)]{::larder::__private::Text::literal(__cache_text,\"users\");}})\
             .args(",
        ],
    );
    let out = expands_to(Verb::Cache, "tags = [\"d:{db.id}\"], ignore(db), entry = e", USER, &[]);
    assert!(out.contains("fne(db:&Db,id:u64)"), "the entry function needs what its tags mention: {out}");
    assert_eq!(out.matches(".tag(").count(), 2, "{out}");
    for (verb, args, part) in [
        (Verb::Evict, "tags = [\"user:{id}\"], before", ".tag(|__cache_text|"),
        (Verb::Evict, "tags = [\"a\"], key = \"k\"", "\"a\");}}).text("),
        (Verb::Put, "tags = [\"a\"], key = \"k\"", "\"a\");}}).text("),
    ] {
        expands_to(verb, args, USER, &[part]);
    }
}

#[test]
fn tags_are_read() {
    let many = |count: usize| {
        let tags: Vec<String> = (0..count).map(|index| format!("\"t{index}\"")).collect();
        format!("tags = [{}]", tags.join(", "))
    };
    expands_to(Verb::Cache, &many(32), USER, &[]);
    reports(&many(33), "these are 33 tags, and an entry has at most 32");
    for (args, part) in [
        ("tags = []", "`tags` is empty"),
        ("tags = \"users\"", "`tags` must be a list of string literals"),
        ("tags = users()", "`tags` must be a list of string literals"),
        ("tags", "`tags` needs a value"),
        ("tags = [id]", "a tag must be a string literal here"),
        ("tags = [\"\"]", "`tags`: the text is empty"),
        ("tags = [\"a\", \"b\", \"a\"]", "this tag is given twice"),
        ("tags = [\"u:{nme}\"]", "`{nme}` is not an argument of `user`"),
        ("tags = [\"{db}{id}\"]", "put a `:` between"),
    ] {
        reports(args, part);
    }
}
