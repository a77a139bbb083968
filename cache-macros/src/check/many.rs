//! Many: options of `#[cache_many]` that contradict `of`.

use crate::errors::Errors;
use crate::options::table::Args;

/// The entries of `of` have the key and the policy of their function, so others beside it would be ignored.
pub(crate) fn check(args: &Args, errors: &mut Errors) {
    if args.of.span().is_none() {
        return;
    }
    let settings = args.settings().into_iter().map(|written| (written.name, Some(written.span)));
    let others = [
        ("expire", args.expire.span()),
        ("none_expire", args.none_expire.span()),
        ("key", args.key.span()),
        ("group", args.group.span()),
        ("tags", args.tags.span()),
        ("policy", args.policy.span()),
        ("cache", args.cache.span()),
    ];
    for (option, span) in settings.chain(others) {
        if let Some(span) = span {
            errors
                .at(span, format!("with `of`, `{option}` comes from the function of the entries; remove it"));
        }
    }
}
