//! The shapes of the types that were asked for, each recorded once.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use serde::de::DeserializeOwned;

use super::passes::{TypeShape, record};

/// The shapes, by the address of the code that records them: types with one address have the same code, and so the same
/// shape. There is no other name for a type that need not be `'static`.
type Shapes = HashMap<usize, TypeShape, foldhash::fast::RandomState>;

/// Returns the shape of `T`.
pub(in crate::codec) fn shape_of<T: DeserializeOwned>() -> TypeShape {
    static SHAPES: RwLock<Option<Shapes>> = RwLock::new(None);
    let code = record::<T> as fn() -> TypeShape;
    let address = code as usize;
    let known = SHAPES.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(shape) = known.as_ref().and_then(|shapes| shapes.get(&address)) {
        return *shape;
    }
    drop(known);
    // Outside the lock: this is the user's code.
    let shape = code();
    SHAPES.write().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(address, shape);
    shape
}
