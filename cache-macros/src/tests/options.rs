//! The table of options.

use super::{expands_to, messages};
use crate::options::table::Args;
use crate::verb::Verb;

const ITEM: &str = "async fn item(Path(id): Path<u64>, db: State<Db>) -> String { BODY }";

/// The options that set nothing of the policy, as they can be written.
const WRITTEN: &[(&str, &str)] = &[
    ("expire", "expire = 5"),
    ("expire_with", "expire_with = f"),
    ("key", "key = \"k:{id}\""),
    ("ignore", "ignore(db)"),
    ("name", "name = \"n\""),
    ("group", "group = \"g\""),
    ("when", "when = true"),
    ("unless", "unless = f"),
    ("none_expire", "none_expire = 5"),
    ("local_copy", "local_copy = false"),
    ("background", "background"),
    ("tags", "tags = [\"t\"]"),
    ("tags_with", "tags_with = f"),
    ("entry", "entry = e"),
    ("entry_with", "entry_with = f"),
    ("response", "response"),
    ("private", "private"),
    ("shared", "shared"),
    ("vary", "vary(accept)"),
    ("statuses", "statuses(404)"),
    ("etag", "etag = strong"),
    ("client_max_age", "client_max_age = 5"),
    ("uncached", "uncached = plain"),
    ("url", "url = \"/\""),
    ("before", "before"),
    ("policy", "policy = P"),
    ("cache", "cache = c"),
    ("crate", "crate = ::facade"),
];

/// Values of options that set something of the policy; one of them fits.
const VALUES: &[&str] = &["\"5s\"", "0.5", "json", "lz4", "7"];

/// Options that `option` can stand beside, with a `policy` that may have every other setting.
fn beside(verb: Verb, option: &str) -> &'static str {
    match (verb, option) {
        (Verb::Cache, "policy") => "",
        (
            Verb::Cache,
            "private" | "shared" | "vary" | "statuses" | "etag" | "client_max_age" | "uncached",
        ) => "policy = P, response",
        (Verb::Cache, _) => "policy = P",
        (Verb::Put, "etag") => "key = \"k\", response",
        (Verb::Evict | Verb::Put, "key") => "entry = [e()]",
        (_, _) => "key = \"k\"",
    }
}

fn written(verb: Verb, option: &str) -> String {
    if let Some((_, written)) = WRITTEN.iter().find(|(name, _)| *name == option) {
        return (*written).to_owned();
    }
    let fits = |args: &String| messages(verb, &format!("{}, {args}", beside(verb, option)), ITEM).is_empty();
    let candidates = VALUES.iter().map(|value| format!("{option} = {value}"));
    candidates.into_iter().find(fits).unwrap_or_else(|| panic!("a value for `{option}`"))
}

#[test]
fn every_option_changes_the_expansion() {
    for verb in [Verb::Cache, Verb::Evict, Verb::Put] {
        for option in Args::names(verb) {
            let (beside, written) = (beside(verb, option), written(verb, option));
            let without = expands_to(verb, beside, ITEM, &[]);
            let is_other_target = verb == Verb::Put && matches!(option, "key" | "entry");
            let args =
                if is_other_target || beside.is_empty() { written } else { format!("{beside}, {written}") };
            assert_ne!(expands_to(verb, &args, ITEM, &[]), without, "#[{verb}({args})]");
        }
    }
}
