//! A script of the server, whose errors name the command that failed.

use redis::{Arg, Cmd};

/// Runs before a script. An error of a command ends the script and becomes its reply, with the name of the command. Only
/// `pcall` of a key with a value of another type goes on: scripts ask about what they may find.
const PROLOGUE: &str = r"local server, failure = redis, nil
local function run(is_tolerant, command, ...)
  local reply = server.pcall(command, ...)
  if type(reply) ~= 'table' or not reply.err then return reply end
  local text = string.gsub(reply.err, '^@user_script: ?%d+: ?%-?', '')
  if is_tolerant and string.find(text, 'WRONGTYPE', 1, true) == 1 then return reply end
  failure = {err = text .. ' [' .. string.lower(command) .. ']'}
  error('a command failed', 0)
end
local redis = {
  call = function(...) return run(false, ...) end,
  pcall = function(...) return run(true, ...) end,
}
local function body()
";
const EPILOGUE: &str = "
end
local is_done, reply = pcall(body)
if failure then return failure end
if not is_done then error(reply, 0) end
return reply";

/// A script.
pub(crate) struct Script {
    text: String,
    /// The name of the script on the server.
    hash: String,
}

impl Script {
    /// Returns the script whose body has these parts.
    pub(crate) fn new(body: &[&str]) -> Self {
        let text = [PROLOGUE, &body.concat(), EPILOGUE].concat();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }

    /// Returns a call without its arguments.
    pub(super) fn call(&self) -> Cmd {
        redis::cmd("EVALSHA").arg(&self.hash).take()
    }

    /// Returns the command that loads the script.
    pub(super) fn load(&self) -> Cmd {
        redis::cmd("SCRIPT").arg("LOAD").arg(&self.text).take()
    }

    /// Returns a call with its text, which the server keeps, in place of one with its name.
    pub(super) fn with_text(&self, call: &Cmd) -> Cmd {
        let mut eval = redis::cmd("EVAL");
        eval.arg(&self.text);
        for argument in call.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                eval.arg(argument);
            }
        }
        eval
    }
}

/// Splits the name of the command that failed off the error of a script.
pub(super) fn failed_command(message: &str) -> Option<(&str, &str)> {
    message.strip_suffix(']')?.rsplit_once(" [")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_the_text_has_the_same_arguments() {
        let script = Script::new(&["return 1"]);
        let mut call = script.call();
        call.arg(1).arg("key").arg(&b"\0value"[..]);
        let eval = script.with_text(&call);
        let rest = |cmd: &Cmd| cmd.args_iter().skip(2).filter(|arg| matches!(arg, Arg::Simple(_))).count();
        assert_eq!(rest(&eval), 3);
        let packed = eval.get_packed_command();
        assert!(packed.starts_with(b"*5\r\n$4\r\nEVAL\r\n") && packed.ends_with(b"$6\r\n\0value\r\n"));
    }

    #[test]
    fn an_error_names_its_command() {
        assert_eq!(failed_command("OOM no memory [set]"), Some(("OOM no memory", "set")));
        assert_eq!(failed_command("ERR other"), None);
    }
}
