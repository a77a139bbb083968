//! The body of axum, recognised by its type.

use std::any::Any;

/// Returns a value as what it is, or unchanged if it is something else.
pub(super) fn cast<A: 'static, B: 'static>(value: A) -> Result<B, A> {
    let mut slot = Some(value);
    match (&mut slot as &mut dyn Any).downcast_mut::<Option<B>>().and_then(Option::take) {
        Some(value) => Ok(value),
        None => Err(slot.expect("a value of another type is left where it is")),
    }
}
