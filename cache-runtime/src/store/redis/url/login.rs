//! The database and the user of a connection.

use std::fmt;

/// The database and the user of a connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Login {
    /// The user; Redis takes the user `default` if there is none.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: Option<String>,
    /// The number of the database.
    pub(crate) db: i64,
}

impl Login {
    /// Returns `true` if there is a user or a password.
    pub(crate) fn has_credentials(&self) -> bool {
        self.user.is_some() || self.password.is_some()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        f.debug_struct("Login")
            .field("user", &hidden(&self.user))
            .field("password", &hidden(&self.password))
            .field("db", &self.db)
            .finish()
    }
}
