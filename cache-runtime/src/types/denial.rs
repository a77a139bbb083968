//! Refusals that somebody can end: a command that a user of Redis may not run, or that the server does not have.

/// Something that Redis refuses until its settings are changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The user may not run this command; its name is in lower case, and empty if Redis does not say it.
    Command(String),
    /// The server does not have this command.
    Unknown(String),
    /// The user may not access the keys.
    Keys,
}

impl Denial {
    /// Returns the denial that an error message of Redis 6.2, 7 or Valkey reports; `None` for other errors.
    pub(crate) fn parse(message: &str) -> Option<Self> {
        let lower = message.to_ascii_lowercase();
        let has = |text: &str| lower.contains(text);
        if has("unknown command") || has("unknown redis command") {
            return Some(Self::Unknown(quoted(&lower).to_owned()));
        }
        let is_denied = [
            "noperm",
            "no permissions to ",
            "can't run this command",
            "can't access at least one of the keys",
        ]
        .into_iter()
        .any(has);
        if !is_denied {
            return None;
        }
        let is_keys = has("access one of the keys") || has("access a key") || has("at least one of the keys");
        Some(if is_keys { Self::Keys } else { Self::Command(quoted(&lower).to_owned()) })
    }

    /// Returns the denial with the name of the whole command, if Redis says its first word only, as 6.2 does.
    pub(crate) fn within(self, command: &str) -> Self {
        let is_first = |name: &str| command.strip_prefix(name).is_some_and(|rest| rest.starts_with('|'));
        match self {
            Self::Command(name) if is_first(&name) => Self::Command(command.to_owned()),
            other => other,
        }
    }

    /// Returns the denial with the name of the command, unless Redis says one.
    pub(crate) fn named(self, command: &str) -> Self {
        match self {
            Self::Command(name) if name.is_empty() => Self::Command(command.to_owned()),
            Self::Unknown(name) if name.is_empty() => Self::Unknown(command.to_owned()),
            other => other,
        }
    }
}

/// Returns the first word in quotes, which is the name of a command.
fn quoted(message: &str) -> &str {
    let rest = message.split_once("run the '").or_else(|| message.split_once("command '"));
    let (_, rest) = rest.or_else(|| message.split_once("command `")).unwrap_or_default();
    rest.split(['\'', '`']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_all_servers_are_parsed() {
        let command = |name: &str| Some(Denial::Command(name.to_owned()));
        for (message, denial) in [
            (
                "NOPERM this user has no permissions to run the 'get' command or its subcommand",
                command("get"),
            ),
            (
                "NOPERM this user has no permissions to run the 'client|tracking' command",
                command("client|tracking"),
            ),
            (
                "NOPERM User larder has no permissions to run the 'script|load' command",
                command("script|load"),
            ),
            (
                "ERR ACL failure in script: User larder has no permissions to run the 'get' command",
                command("get"),
            ),
            ("ERR ACL failure in script: No permissions to access a key", Some(Denial::Keys)),
            ("NOPERM The user executing the script can't run this command or subcommand", command("")),
            ("ERR The user executing the script can't run this command or subcommand", command("")),
            (
                "NOPERM this user has no permissions to access one of the keys used as arguments",
                Some(Denial::Keys),
            ),
            ("NOPERM No permissions to access a key", Some(Denial::Keys)),
            (
                "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
                Some(Denial::Keys),
            ),
            (
                "ERR unknown command 'EVALSHA', with args beginning with: ",
                Some(Denial::Unknown("evalsha".to_owned())),
            ),
            (
                "ERR unknown command `SCAN`, with args beginning with: ",
                Some(Denial::Unknown("scan".to_owned())),
            ),
            ("ERR Unknown Redis command called from script", Some(Denial::Unknown(String::new()))),
            ("OOM command not allowed when used memory > 'maxmemory'.", None),
            ("READONLY You can't write against a read only replica.", None),
        ] {
            assert_eq!(Denial::parse(message), denial, "{message}");
        }
        let unnamed = Denial::Command(String::new()).named("getrange");
        assert_eq!(unnamed.clone().named("set"), Denial::Command("getrange".to_owned()));
        let client = Denial::Command("client".to_owned());
        assert_eq!(client.within("client|caching"), Denial::Command("client|caching".to_owned()));
        assert_eq!(unnamed.clone().within("client|caching"), unnamed);
    }
}
