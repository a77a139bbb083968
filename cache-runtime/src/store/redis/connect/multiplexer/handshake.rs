//! The first commands of a connection: the protocol, the credentials and the database.

use redis::{
    Cmd, ErrorKind, Pipeline, ProtocolVersion, RedisError, RedisResult, ServerErrorKind, Value, cmd,
};

use super::sender::Multiplexer;
use crate::store::redis::url::Login;

/// The text of the error of a server that does not know the password alone, without a user.
const NO_USERS: &str = "wrong number of arguments for 'auth' command";

/// Agrees with the server on the protocol, logs in, and selects the database.
///
/// # Errors
/// The server refused one of the three, or the connection failed.
pub(in crate::store::redis::connect) async fn greet(
    connection: &Multiplexer,
    login: &Login,
    protocol: ProtocolVersion,
) -> RedisResult<()> {
    let Some(refusal) = exchange(connection, greeting(login, protocol, true), login).await? else {
        return Ok(());
    };
    // A server without users.
    if protocol.supports_resp3() || !refusal.detail().is_some_and(|detail| detail.contains(NO_USERS)) {
        return Err(explained(refusal, protocol));
    }
    match exchange(connection, greeting(login, protocol, false), login).await? {
        Some(refusal) => Err(explained(refusal, protocol)),
        None => Ok(()),
    }
}

/// Sends the commands, and returns the refusal of the greeting, if there was one.
async fn exchange(
    connection: &Multiplexer,
    greeting: Option<Cmd>,
    login: &Login,
) -> RedisResult<Option<RedisError>> {
    let mut pipeline = Pipeline::new();
    let has_greeting = greeting.is_some();
    if let Some(greeting) = greeting {
        pipeline.add_command(greeting);
    }
    if login.db != 0 {
        pipeline.cmd("SELECT").arg(login.db);
    }
    // For readers of `CLIENT LIST`, so that a refusal does not matter.
    for (name, value) in [("LIB-NAME", "larder"), ("LIB-VER", env!("CARGO_PKG_VERSION"))] {
        pipeline.cmd("CLIENT").arg("SETINFO").arg(name).arg(value);
    }
    let mut replies = connection.send_pipeline(&pipeline, 0, pipeline.len()).await?.into_iter();
    if has_greeting && let Err(refusal) = replies.next().unwrap_or(Value::Nil).extract_error() {
        return Ok(Some(refusal));
    }
    if login.db != 0
        && let Err(refusal) = replies.next().unwrap_or(Value::Nil).extract_error()
    {
        let reason = refusal.detail().unwrap_or_default().to_owned();
        let kind = ErrorKind::Server(ServerErrorKind::ResponseError);
        return Err(RedisError::from((kind, "Redis server refused to switch database", reason)));
    }
    Ok(None)
}

/// Returns the command that names the protocol and the user.
fn greeting(login: &Login, protocol: ProtocolVersion, names_user: bool) -> Option<Cmd> {
    if protocol.supports_resp3() {
        let mut hello = cmd("HELLO");
        hello.arg(3);
        if let Some(password) = &login.password {
            hello.arg("AUTH").arg(login.user.as_deref().unwrap_or("default")).arg(password);
        }
        return Some(hello);
    }
    let password = login.password.as_ref()?;
    let mut auth = cmd("AUTH");
    if names_user && let Some(user) = &login.user {
        auth.arg(user);
    }
    auth.arg(password);
    Some(auth)
}

/// Returns the error for a refusal of the greeting.
fn explained(refusal: RedisError, protocol: ProtocolVersion) -> RedisError {
    if !protocol.supports_resp3() {
        return RedisError::from((ErrorKind::AuthenticationFailed, "Password authentication failed"));
    }
    match refusal.detail() {
        Some(detail) if detail.starts_with("unknown command `HELLO`") => {
            RedisError::from((ErrorKind::RESP3NotSupported, "the server does not know RESP3"))
        }
        _ => refusal,
    }
}
