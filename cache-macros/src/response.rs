//! Response: what the options say about whole responses, and whether the function is a handler of axum that makes them.

use proc_macro2::Span;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprLit, Ident, Lit, Type};

use crate::args::Args;
use crate::borrow::holds_borrow;
use crate::errors::Errors;
use crate::func::Func;
use crate::param::Param;
use crate::shape::{self, Flavor};
use crate::template::Piece;
use crate::verb::Verb;
use crate::{key, value};

/// How many arguments axum takes.
const MOST: usize = 16;

pub(crate) struct Handler {
    /// Where `response` stands.
    pub(crate) span: Span,
    /// Headers of the request that choose between responses, in lower case.
    pub(crate) vary: Vec<String>,
    /// What is stored, where it is not only 200.
    pub(crate) statuses: Vec<u16>,
    pub(crate) audience: Option<Audience>,
    /// Whether the entry has a name that the attribute gives it, so that the route is no part of it.
    pub(crate) asked: bool,
    /// Whether the function may see cookies that no key tells of.
    pub(crate) guarded: bool,
    /// Whether `unless` or `expire_with` want to look at the whole response.
    pub(crate) looks: bool,
}

/// Who is served what was made for a request with credentials.
pub(crate) enum Audience {
    Private,
    Shared,
}

/// Reads the options; those that say something of responses take `response` beside them.
pub(crate) fn read(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) -> Option<Handler> {
    let audience = audience(args, errors);
    let vary = each(args.vary.get(), header, |name| format!("`{name}`"), errors);
    let statuses = each(args.statuses.get(), status, u16::to_string, errors);
    let Some(span) = args.response.span() else {
        alone(args, errors);
        return None;
    };
    if !cfg!(any(feature = "axum", test)) {
        errors.at(
            span,
            "`response` needs the feature `axum` of larder; write `larder = { version = \"..\", features = [\"axum\"] }` in Cargo.toml",
        );
        return None;
    }
    without(verb, args, errors);
    handler(verb, func, errors);
    let asked = args.key.span().or(args.entry.span()).is_some();
    let guarded = args.key.span().is_some() || func.params.iter().any(sees_cookies);
    let looks = args.unless.span().or(args.expire_with.span()).is_some();
    Some(Handler { span, vary, statuses, audience, asked, guarded, looks })
}

/// Whether an argument that is not asked, since the attribute leaves it out, may hold the cookies of the request: all but
/// those that are known not to.
fn sees_cookies(param: &Param) -> bool {
    let blind = ["State", "Method", "MatchedPath", "CacheHandle", "RedisConnection"];
    param.ignored && shape::head(&param.ty).is_none_or(|head| !blind.contains(&head.as_str()))
}

fn audience(args: &Args, errors: &mut Errors) -> Option<Audience> {
    match (args.private.span(), args.shared.span()) {
        (Some(_), Some(span)) => {
            errors.at(
                span,
                "`private` keeps a response for each credential and `shared` one for everybody; remove one of them",
            );
            None
        }
        (Some(_), None) => Some(Audience::Private),
        (None, Some(_)) => Some(Audience::Shared),
        (None, None) => None,
    }
}

/// Options that mean nothing without `response`.
fn alone(args: &Args, errors: &mut Errors) {
    let options = [
        ("private", "", args.private.span()),
        ("shared", "", args.shared.span()),
        ("vary", "(..)", args.vary.span()),
        ("statuses", "(..)", args.statuses.span()),
    ];
    for (option, rest, span) in options {
        if let Some(span) = span {
            errors.at(span, format!("`{option}` goes with `response`; write `response, {option}{rest}`"));
        }
    }
}

/// Options that mean nothing with `response`.
fn without(verb: Verb, args: &Args, errors: &mut Errors) {
    if let Some(span) = args.codec.span() {
        errors.at(span, "`codec` is about values, and a response is stored as its bytes; remove it");
    }
    if let Some(span) = args.none_expire.span() {
        let remedy = if verb.is_cache() {
            "remove it, or say with `statuses(200, 404)` which are kept"
        } else {
            "remove it"
        };
        errors.at(span, format!("`none_expire` is about `None`, and what is kept is a response; {remedy}"));
    }
}

/// Reads the items of a list. `Err` is what is wrong with one and a remedy; none may be there twice.
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
    let name = match value::peel(written) {
        Expr::Path(path) => path.path.get_ident().map(|ident| ident.unraw().to_string().replace('_', "-")),
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    };
    let name = name.ok_or(
        "this is not the name of a header; write one such as `accept_language` or `\"Accept-Language\"`",
    )?;
    if name == "*" {
        return Err("`*` makes every response another one; name the headers that it depends on".to_owned());
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
    let number = match value::peel(written) {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<u16>().ok(),
        _ => None,
    };
    match number {
        Some(206) => Err("206 is a part of a response, and is never stored; remove it".to_owned()),
        Some(304) => Err("304 says that there is no new response, and is never stored; remove it".to_owned()),
        Some(number @ 500..=599) => {
            Err(format!("{number} is an error of the server, and is never stored; remove it"))
        }
        Some(number @ 200..=499) => Ok(number),
        _ => Err("this is not a status that can be stored; write a number from 200 to 499, such as `404`"
            .to_owned()),
    }
}

/// `url = "/items/{id}"`.
pub(crate) fn url(written: &Expr, func: &Func, errors: &mut Errors) -> Option<Vec<Piece>> {
    if let Some(text) = value::text(written).map(syn::LitStr::value)
        && !(text.is_empty() || text.starts_with(['/', '{']) || text.contains("://"))
    {
        let message = format!("`url` is a path, with its query if it has one; write `\"/{text}\"`");
        errors.push(Error::new_spanned(written, message));
    }
    key::text("url", written, func, errors)
}

/// Notes what axum would not call.
fn handler(verb: Verb, func: &Func, errors: &mut Errors) {
    let mut refuse = |token: &dyn ToTokens, remedy: &str| {
        let message = format!(
            "`response` goes on an axum handler: an `async fn` whose arguments are extractors, such as `Path(id): Path<u64>`, and whose \
             result is a response; {remedy}, or remove `response`"
        );
        errors.push(Error::new_spanned(token.to_token_stream(), message));
    };
    match func.shape.flavor {
        Flavor::Async => {}
        Flavor::Sync => refuse(&func.sig.fn_token, "make it an `async fn`"),
        Flavor::Boxed => refuse(&func.sig.output, "write an `async fn` that calls this one"),
    }
    if let Some(receiver) = func.sig.receiver() {
        refuse(receiver, "take what it needs of `self` from a `State`");
    }
    for param in &func.params {
        if let Some(remedy) = not_extracted(param) {
            refuse(&param.ty, &remedy);
        }
    }
    // Of arguments that only exist in some builds nobody knows how many there are.
    let mut arguments = func.params.iter().filter(|param| param.cfgs.is_empty());
    let (most, why) = if verb.is_cache() { (MOST - 1, ", and one of them is larder's") } else { (MOST, "") };
    if let Some(beyond) = arguments.nth(most) {
        let message = format!(
            "axum calls handlers of at most {MOST} arguments{why}; take some of them together in one extractor"
        );
        errors.at(beyond.ty.span(), message);
    }
}

/// What to write in place of a parameter that cannot be an extractor, as far as its type tells.
fn not_extracted(param: &Param) -> Option<String> {
    let ty = &param.ty;
    if matches!(ty, Type::Reference(_)) || holds_borrow(ty) {
        return Some("take this from an extractor of its own, such as `State(db): State<Db>`".to_owned());
    }
    let word = match ty {
        Type::Path(path) => path.path.get_ident().map(Ident::to_string)?,
        _ => return None,
    };
    let numbers = [
        "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    if !numbers.contains(&word.as_str()) && !["bool", "char"].contains(&word.as_str()) {
        return None;
    }
    let name = if param.is_named() { param.name() } else { "value".to_owned() };
    Some(format!("write `Path({name}): Path<{word}>`"))
}
