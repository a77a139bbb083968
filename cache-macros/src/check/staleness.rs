//! Staleness: options about old values, which need one another.

use syn::{Error, Expr};

use crate::errors::Errors;
use crate::options::slot::Slot;
use crate::options::table::Args;
use crate::read::call_site::CallSite;
use crate::read::policy::{PolicySetting, SettingValue};

/// Reports options without the one that they need. A `policy` may have that one, and the compiler checks it then.
pub(crate) fn check(args: &Args, call_site: &CallSite, errors: &mut Errors) {
    let is_written = |slot: &Slot<Expr>| slot.span().is_some();
    let is_stale = is_written(&args.stale_while_revalidate) || is_written(&args.stale_if_error);
    let is_refreshed = is_stale || is_written(&args.refresh_ahead);
    let settings = &call_site.settings;
    let local = settings.iter().find_map(|setting| match setting {
        PolicySetting { name: "local", value: SettingValue::Millis(millis) } => Some(*millis),
        _ => None,
    });
    if let (Some(value), Some(local), Some(expire)) = (args.local.get(), local, call_site.expire)
        && local > expire
    {
        let message = "`local` is longer than `expire`, and a local copy expires with its entry at the latest; write a shorter time";
        errors.push(Error::new_spanned(value, message));
    }
    if is_written(&args.policy) {
        return;
    }
    if let (Some(span), false) = (args.soft_timeout.span(), is_stale) {
        errors.at(
            span,
            "`soft_timeout` needs a stale value to fall back on; add `stale_while_revalidate = ..` or `stale_if_error = ..`",
        );
    }
    if let (Some(span), false) = (args.stale_retry.span(), is_refreshed) {
        errors.at(
            span,
            "`stale_retry` needs a stale value to serve meanwhile; add `stale_if_error = ..` or `stale_while_revalidate = ..`",
        );
    }
    // The function of the entries has a policy of its own.
    if args.of.span().is_some() {
        return;
    }
    if let (Some(span), ["background"]) = (args.background.span(), call_site.in_background.as_slice()) {
        errors.at(
            span,
            "`background` needs a `policy` that refreshes in the background; add `policy = ..`, or write an option such as `stale_while_revalidate = \"1m\"` instead",
        );
    }
}
