//! Staleness: options about old values, which need one another.

use syn::{Error, Expr};

use crate::errors::Errors;
use crate::options::slot::Slot;
use crate::options::table::Args;
use crate::read::call_site::CallSite;
use crate::read::policy::{PolicySetting, SettingValue};

/// What the options have to do with each other. A policy may bring the other half, and is checked by the compiler.
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
        let message = "`local` is longer than `expire`, and a local copy lives no longer than its entry; write a shorter time";
        errors.push(Error::new_spanned(value, message));
    }
    if is_written(&args.policy) {
        return;
    }
    if let (Some(span), false) = (args.soft_timeout.span(), is_stale) {
        errors.at(
            span,
            "`soft_timeout` needs a stale value to fall back on; write `stale_while_revalidate = ..` or `stale_if_error = ..` beside it",
        );
    }
    if let (Some(span), false) = (args.stale_retry.span(), is_refreshed) {
        errors.at(
            span,
            "`stale_retry` needs something to serve until then; write `stale_if_error = ..` or `stale_while_revalidate = ..` beside it",
        );
    }
    if let (Some(span), ["background"]) = (args.background.span(), call_site.in_background.as_slice()) {
        errors.at(
            span,
            "`background` goes with a `policy` that refreshes; write `policy = ..` beside it or an option such as `stale_while_revalidate = \"1m\"` in its place",
        );
    }
}
