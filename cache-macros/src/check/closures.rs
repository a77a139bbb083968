//! Closures: options whose closure is given a reference to the value.

use quote::ToTokens;
use syn::{Error, Expr, Pat, Type};

use crate::errors::Errors;
use crate::input::types;
use crate::options::table::Args;
use crate::tokens::expr::peel;

/// Reports a parameter with a type that is no reference: the compiler would report it twice.
pub(crate) fn check(args: &Args, errors: &mut Errors) {
    let options = [
        ("unless", &args.unless),
        ("expire_with", &args.expire_with),
        ("tags_with", &args.tags_with),
        ("entry_with", &args.entry_with),
    ];
    for (option, slot) in options {
        let Some(Expr::Closure(closure)) = slot.get().map(peel) else { continue };
        let Some(Pat::Type(param)) = closure.inputs.first() else { continue };
        if let Type::Path(_) | Type::Tuple(_) | Type::Array(_) = types::peel(&param.ty) {
            let (name, ty) =
                (param.pat.to_token_stream(), param.ty.to_token_stream().to_string().replace(' ', ""));
            let message = format!("`{option}` is given a reference to the value; write `|{name}: &{ty}|`");
            errors.push(Error::new_spanned(&param.ty, message));
        }
    }
}
