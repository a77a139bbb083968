//! A command, or one call of a script.

use redis::{Cmd, ToRedisArgs};

use super::script::Script;

/// A command, or one call of a script.
#[derive(Clone)]
pub(crate) struct Command {
    pub(super) cmd: Cmd,
    pub(super) script: Option<&'static Script>,
    /// The node owns the slot only for commands after an `ASKING`.
    pub(super) is_asking: bool,
    /// The caller cuts the reply itself: an array arrives as its text, in a bulk string.
    pub(super) is_uncut: bool,
}

impl Command {
    /// Returns a call of a script.
    pub(crate) fn script<K: ToRedisArgs>(script: &'static Script, keys: &[K]) -> Self {
        let mut cmd = script.call();
        cmd.arg(keys.len()).arg(keys);
        Self { cmd, script: Some(script), is_asking: false, is_uncut: false }
    }

    /// Returns a command whose reply, where it is an array, arrives as its text in a bulk string: [`strings`](super::strings) cuts
    /// it without a copy of each.
    pub(crate) fn uncut(cmd: Cmd) -> Self {
        Self { is_uncut: true, ..Self::from(cmd) }
    }

    /// Adds an argument.
    pub(crate) fn arg(mut self, arg: impl ToRedisArgs) -> Self {
        self.cmd.arg(arg);
        self
    }
}

impl From<Cmd> for Command {
    fn from(cmd: Cmd) -> Self {
        Self { cmd, script: None, is_asking: false, is_uncut: false }
    }
}
