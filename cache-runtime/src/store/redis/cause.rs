//! The causes for which Redis cannot be used.

/// The causes that start-up and messages distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no connection.
    Unreachable,
    /// Sentinels named another server, which is not connected to yet.
    Moved,
    /// There is no reply in time.
    Silent,
    /// The server speaks another protocol.
    Foreign,
    /// A reply is damaged.
    Damaged,
    /// The server cannot serve yet.
    Busy,
    /// The server refuses the connection.
    Refused,
    /// The credentials are rejected.
    Auth,
    /// The provider of the credentials has none.
    Credentials,
    /// The TLS connection cannot be made.
    Tls,
    /// The database does not exist.
    Database,
}

impl Cause {
    /// Returns the state of the server and the end of that state, as a warning has them.
    pub(crate) fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreachable | Self::Moved | Self::Silent => ("is not reachable", "it answers"),
            Self::Foreign => ("is reachable and does not speak the protocol of Redis", "it does"),
            Self::Damaged => ("sent a reply that cannot be read", "it answers"),
            Self::Busy => ("is reachable and does not serve yet", "it does"),
            Self::Refused => ("is reachable and refuses the connection", "it accepts one"),
            Self::Auth => ("is reachable and rejects the credentials", "it accepts them"),
            Self::Credentials => ("cannot be connected to", "there are credentials"),
            Self::Tls => ("is reachable and the TLS connection fails", "it succeeds"),
            Self::Database => ("is reachable and does not have the database", "it has"),
        }
    }
}
