//! Generics: type parameters without bounds, whose values can neither be hashed nor cached.

use syn::{Error, GenericArgument, PathArguments, Type, TypeParam, WherePredicate};

use crate::errors::Errors;
use crate::input::func::Func;
use crate::input::types::peel;
use crate::options::table::Args;
use crate::verb::Verb;

/// Reports arguments and results of a type parameter that has no bounds. The compiler would offer a path that does not exist.
pub(crate) fn check(verb: Verb, args: &Args, func: &Func, errors: &mut Errors) {
    let is_value = args.response.span().is_none();
    let has_own_key = verb.is_cache() && args.of.span().is_none();
    if has_own_key && args.key.get().is_none() {
        for param in func.params.iter().filter(|param| !param.ignored) {
            if let Some(name) = unbounded(&param.ty, func) {
                let message = format!(
                    "`{name}` has no bounds, so this cannot be part of a key; write `{name}: serde::Serialize`, or `#[cache(ignore)]` before the argument"
                );
                errors.push(Error::new_spanned(&param.ty, message));
            }
        }
    }
    if verb != Verb::Evict
        && is_value
        && let Some(name) = unbounded(&func.output.result, func)
    {
        let message = format!(
            "`{name}` has no bounds, so it cannot be cached; write `{name}: serde::Serialize + serde::de::DeserializeOwned`"
        );
        errors.push(Error::new_spanned(&func.output.result, message));
    }
}

/// The parameter without bounds that a type is, or that it holds in wrappers that need what the parameter lacks.
fn unbounded(ty: &Type, func: &Func) -> Option<String> {
    let Type::Path(path) = peel(ty) else {
        return match peel(ty) {
            Type::Reference(reference) => unbounded(&reference.elem, func),
            Type::Slice(slice) => unbounded(&slice.elem, func),
            Type::Array(array) => unbounded(&array.elem, func),
            _ => None,
        };
    };
    if let Some(name) = path.path.get_ident() {
        let found = func.sig.generics.type_params().find(|param| param.ident == *name)?;
        return is_unbounded(found, func).then(|| name.to_string());
    }
    let last = path.path.segments.last()?;
    let (PathArguments::AngleBracketed(arguments), true) =
        (&last.arguments, ["Option", "Result", "Vec", "Box", "Arc"].iter().any(|known| last.ident == known))
    else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) => unbounded(inner, func),
        _ => None,
    }
}

fn is_unbounded(param: &TypeParam, func: &Func) -> bool {
    let mut predicates = func.sig.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
    let is_about = |predicate: &WherePredicate| match predicate {
        WherePredicate::Type(predicate) => {
            matches!(peel(&predicate.bounded_ty), Type::Path(path) if path.path.is_ident(&param.ident))
        }
        _ => false,
    };
    param.bounds.is_empty() && !predicates.any(is_about)
}
