//! Handler: functions that axum can call.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Error, Ident, Type};

use crate::errors::Errors;
use crate::input::borrow::holds_borrow;
use crate::input::func::Func;
use crate::input::output::FnKind;
use crate::input::param::Param;

/// The number of arguments that axum implements `Handler` for.
const MAX_ARGUMENTS: usize = 16;

/// Reports everything that axum would not call.
pub(crate) fn check(func: &Func, errors: &mut Errors) {
    let mut refuse = |token: &dyn ToTokens, remedy: &str| {
        let message = format!(
            "`response` goes on an axum handler: an `async fn` whose arguments are extractors, such as `Path(id): Path<u64>`, and whose \
             result is a response; {remedy}, or remove `response`"
        );
        errors.push(Error::new_spanned(token.to_token_stream(), message));
    };
    match func.output.kind {
        FnKind::Async => {}
        FnKind::Sync => refuse(&func.sig.fn_token, "make it an `async fn`"),
        FnKind::BoxedFuture => refuse(&func.sig.output, "write an `async fn` that calls this one"),
    }
    if let Some(receiver) = func.sig.receiver() {
        refuse(receiver, "take what it needs of `self` from a `State`");
    }
    for param in &func.params {
        if let Some(remedy) = remedy(param) {
            refuse(&param.ty, &remedy);
        }
    }
    // Arguments that exist only in some builds cannot be counted here.
    let mut arguments = func.params.iter().filter(|param| param.cfgs.is_empty());
    if let Some(beyond) = arguments.nth(MAX_ARGUMENTS) {
        let message = format!(
            "axum calls handlers of at most {MAX_ARGUMENTS} arguments; combine some of them in one extractor"
        );
        errors.at(beyond.ty.span(), message);
    }
}

/// The remedy for a parameter whose type shows that it is no extractor.
fn remedy(param: &Param) -> Option<String> {
    let ty = &param.ty;
    if matches!(ty, Type::Reference(_)) || holds_borrow(ty) {
        return Some("take this from an extractor, such as `State(db): State<Db>`".to_owned());
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
