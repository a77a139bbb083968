//! Response: `response` and the options beside it: `private`, `shared`, `vary(..)`, `statuses(..)`, `etag = ..`,
//! `client_max_age = ..`, `uncached = ..`.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::{Error, Expr, ExprLit, Lit};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::options::choices::ETAGS;
use crate::options::table::Args;
use crate::read::duration::{Time, read_from_zero};
use crate::read::value;
use crate::tokens::expr::peel;

/// The options of an attribute with `response`.
pub(crate) struct ResponseOptions {
    /// The place of the word `response`.
    pub(crate) span: Span,
    /// Headers of the request that select a response, in lower case.
    pub(crate) vary: Vec<String>,
    /// The statuses to store; empty for the default.
    pub(crate) statuses: Vec<u16>,
    pub(crate) audience: Option<Audience>,
    /// The variant of `EtagKind`, if the option is written.
    pub(crate) etag: Option<&'static str>,
    pub(crate) client_max_age: Option<Time>,
    /// `entry`, `tags` or `group` can take responses back.
    pub(crate) is_revocable: bool,
    /// The expiry is not a constant of the policy: an expression or `expire_with`.
    pub(crate) computes_expiry: bool,
    /// `key` or `entry` names the entry, so that the path is no part of its key.
    pub(crate) names_entry: bool,
    /// `unless` or `expire_with` reads the whole response.
    pub(crate) reads_response: bool,
    /// The name of a function that is the handler as it was written.
    pub(crate) uncached: Option<Ident>,
}

/// The callers that share a stored response to a request with credentials.
pub(crate) enum Audience {
    Private,
    Shared,
}

impl ResponseOptions {
    /// Returns true if requests select one of several responses.
    pub(crate) fn has_variants(&self) -> bool {
        matches!(self.audience, Some(Audience::Private)) || !self.vary.is_empty()
    }
}

/// Reads the options. Returns `None` without `response`, after a look at the values of the others.
pub(crate) fn read(args: &Args, func: &Func, errors: &mut Errors) -> Option<ResponseOptions> {
    let audience = match (args.private.span(), args.shared.span()) {
        (None, None) => None,
        (None, Some(_)) => Some(Audience::Shared),
        (Some(_), _) => Some(Audience::Private),
    };
    let vary = each(args.vary.get(), header, |name| format!("`{name}`"), errors);
    let statuses = each(args.statuses.get(), status, u16::to_string, errors);
    let uncached = args.uncached.get().and_then(|value| errors.take(value::ident("uncached", value)));
    let etag = args.etag.get().map(|kind| value::choice("etag", kind, ETAGS.choices));
    let etag = etag.and_then(|kind| errors.take(kind)).map(|kind| kind.variant);
    let client_max_age =
        args.client_max_age.get().map(|time| match read_from_zero("client_max_age", time)? {
            Time::Computed(time) => Ok(Time::Computed(func.with_bindings(&time))),
            fixed @ Time::Fixed(_) => Ok(fixed),
        });
    let client_max_age = client_max_age.and_then(|time| errors.take(time));
    Some(ResponseOptions {
        span: args.response.span()?,
        vary,
        statuses,
        audience,
        etag,
        client_max_age,
        is_revocable: args.entry.span().or(args.tags.span()).or(args.group.span()).is_some(),
        computes_expiry: args.expire_with.span().is_some() || args.expire.get().is_some_and(is_computed),
        names_entry: args.key.span().or(args.entry.span()).is_some(),
        reads_response: args.unless.span().or(args.expire_with.span()).is_some(),
        uncached,
    })
}

/// Returns true if each call evaluates a time.
fn is_computed(time: &Expr) -> bool {
    matches!(read_from_zero("expire", time), Ok(Time::Computed(_)))
}

/// Reads the items of a list, which must differ. `read` returns a message for an item that is wrong.
fn each<T: PartialEq>(
    written: Option<&Vec<Expr>>,
    read: impl Fn(&Expr) -> Result<T, String>,
    described: impl Fn(&T) -> String,
    errors: &mut Errors,
) -> Vec<T> {
    let mut found = Vec::new();
    for item in written.into_iter().flatten() {
        match read(item) {
            Ok(value) if found.contains(&value) => {
                let message = format!("{} is given twice; remove one of them", described(&value));
                errors.push(Error::new_spanned(item, message));
            }
            Ok(value) => found.push(value),
            Err(message) => errors.push(Error::new_spanned(item, message)),
        }
    }
    found
}

/// `accept_language`, `"X-Tenant"`.
fn header(written: &Expr) -> Result<String, String> {
    let name = match peel(written) {
        Expr::Path(path) => path.path.get_ident().map(|ident| ident.unraw().to_string().replace('_', "-")),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    };
    let name = name.ok_or(
        "this is not the name of a header; write one such as `accept_language` or `\"Accept-Language\"`",
    )?;
    if name == "*" {
        return Err(
            "`*` makes every request different; name the headers that the response depends on".to_owned()
        );
    }
    if name.is_empty() {
        return Err(
            "the name of a header is empty; write one such as `\"Accept-Language\"` or remove it".to_owned()
        );
    }
    match name.chars().find(|c| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(*c))) {
        None => Ok(name.to_ascii_lowercase()),
        Some(c) => Err(format!(
            "`{}` cannot be part of the name of a header; write one such as `\"Accept-Language\"`",
            c.escape_debug()
        )),
    }
}

/// `404`.
fn status(written: &Expr) -> Result<u16, String> {
    let number = match peel(written) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<u16>().ok(),
        _ => None,
    };
    match number {
        Some(206) => Err("206 is a partial response and is never stored; remove it".to_owned()),
        Some(304) => Err("304 only confirms a response and is never stored; remove it".to_owned()),
        Some(number @ 500..=599) => Err(format!("{number} is a server error and is never stored; remove it")),
        Some(number @ 200..=499) => Ok(number),
        _ => Err("this is not a status that can be stored; write a number from 200 to 499, such as `404`"
            .to_owned()),
    }
}
