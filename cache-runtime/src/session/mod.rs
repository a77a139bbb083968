//! Sessions: `layer` is around a service, `request_session` is what handlers use, `state` what one request knows. `commit` decides what a response
//! stores (pure), `ledger` and `script` are the rules of the store in this process and in Redis, `session_store` asks either of them.

mod commit;
mod cookie;
mod layer;
mod ledger;
mod random;
mod record;
mod rejection;
mod request_session;
#[cfg(feature = "redis")]
mod script;
mod service;
mod session_id;
mod session_info;
mod session_store;
mod settings;
mod state;

pub use self::{
    cookie::SameSite, layer::SessionLayer, rejection::SessionRejection, request_session::Session,
    service::SessionService, session_info::SessionInfo,
};
