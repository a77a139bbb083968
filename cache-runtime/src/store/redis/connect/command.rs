//! A command, or one call of a script.

use redis::{Cmd, Script, ToRedisArgs};

/// A command, or one call of a script.
pub(crate) struct Command {
    pub(super) cmd: Cmd,
    pub(super) script: Option<&'static Script>,
}

impl Command {
    /// Returns a call of a script.
    pub(crate) fn script<K: ToRedisArgs>(script: &'static Script, keys: &[K]) -> Self {
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(script.get_hash()).arg(keys.len()).arg(keys);
        Self { cmd, script: Some(script) }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

impl From<Cmd> for Command {
    fn from(cmd: Cmd) -> Self {
        Self { cmd, script: None }
    }
}
