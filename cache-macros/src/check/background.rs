//! Background: closures that a background refresh calls after the call.

use quote::ToTokens;
use syn::Expr;

use crate::errors::Errors;
use crate::read::background::BackgroundBody;
use crate::read::runtime_options::RuntimeOptions;
use crate::tokens::expr::peel;
use crate::tokens::search::{mentions, variable};

/// Reports borrowed arguments in `unless`, `expire_with` and `tags_with`.
pub(crate) fn check(options: &RuntimeOptions, background: Option<&BackgroundBody>, errors: &mut Errors) {
    let Some(background) = background else { return };
    for (option, value) in [
        ("unless", &options.unless),
        ("expire_with", &options.expire_with),
        ("tags_with", &options.tags_with),
    ] {
        let Some(Expr::Closure(closure)) = value.as_ref().map(peel) else { continue };
        for param in background.params.iter().filter(|param| param.by_ref) {
            let name = param.value.to_string();
            let is_own = mentions(&closure.inputs, &name);
            if let (false, Some(span)) = (is_own, variable(closure.body.to_token_stream(), &name)) {
                let message = format!(
                    "`{option}` also runs in the background and cannot borrow `{name}`; use only the value, or take an owned argument"
                );
                errors.at(span, message);
            }
        }
    }
}
