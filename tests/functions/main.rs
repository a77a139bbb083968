//! Every shape of function that can be cached.

mod arguments;
mod axum;
mod background;
mod hygiene;
mod methods;
mod places;
mod results;
mod traits;
mod typed_copies;
