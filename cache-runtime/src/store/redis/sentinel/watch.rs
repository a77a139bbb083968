//! The task that follows what all sentinels say.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::acquaintance::Acquaintances;
use super::answers::{Answer, Choice, choose};
use super::client::{Report, SentinelClient};
use super::primary::{NamedPrimary, Unnamed};
use super::question::SentinelReply;
use crate::observe::trace;
use crate::rt::io;
use crate::store::redis::cause::Cause;
use crate::store::redis::config::RedisConfig;
use crate::store::redis::connect::Failure;
use crate::store::redis::url::Address;
use crate::types::error::Error;

/// The most sentinels that are asked: those of the URL, and others that they know.
const MOST: usize = 16;

/// The last statement of one sentinel.
enum Statement {
    Named(Answer),
    Unknown(Vec<String>),
    Failed(Failure),
}

/// The sentinels, and their last statements.
struct SentinelGroup {
    primary: Weak<NamedPrimary>,
    /// The settings of a connection to a sentinel, apart from the address.
    template: RedisConfig,
    master: String,
    /// `None` until a sentinel was asked once.
    statements: HashMap<Address, Option<Statement>>,
    acquaintances: Acquaintances,
    current: Option<Choice>,
    /// The time at which the current server was chosen.
    chosen: Instant,
    /// No sentinel answers any more.
    is_deaf: bool,
    clients: JoinSet<()>,
    reports: mpsc::Sender<Report>,
}

/// Starts to ask the sentinels, if they name the server, and waits for the first result.
///
/// # Errors
/// [`Error::Config`] if sentinels answer and do not know the master, or are none; [`Error::Auth`] if they reject the
/// credentials. Sentinels that do not answer are no error here.
pub(crate) async fn start(config: &RedisConfig) -> Result<(), Error> {
    let Some(primary) = &config.primary else { return Ok(()) };
    let limit = config.connect_timeout;
    let (weak, template) = (Arc::downgrade(primary), template(config, primary));
    primary.named_by(io::handle()?.spawn(follow(weak, template, limit)).abort_handle());
    let mut changes = primary.changes();
    let first = async { changes.wait_for(|naming| naming.result.is_some()).await.ok()?.result.clone() };
    // The task has the same limit.
    match io::timeout(limit.saturating_add(Duration::from_millis(100)), first).await.flatten() {
        Some(Err(Unnamed { message, wrong: Some(part), .. })) => Err(Error::config("url", part, message)),
        Some(Err(Unnamed { cause: Cause::Auth, message, .. })) => Err(Error::Auth { message, source: None }),
        _ => Ok(()),
    }
}

/// Returns the settings of a connection to a sentinel.
fn template(config: &RedisConfig, primary: &NamedPrimary) -> RedisConfig {
    RedisConfig {
        login: primary.servers().login.clone(),
        credentials: primary.access().credentials.clone(),
        #[cfg(feature = "tls")]
        tls: primary.access().tls.clone(),
        on_change: Arc::new(|_| {}),
        primary: None,
        ..RedisConfig::clone(config)
    }
}

/// Asks all sentinels, and publishes the server that they name. After `limit` the result is final without those that did not
/// answer.
async fn follow(primary: Weak<NamedPrimary>, template: RedisConfig, limit: Duration) {
    let deadline = Instant::now() + limit;
    let (reports, mut received) = mpsc::channel(MOST);
    let Some(named) = primary.upgrade() else { return };
    let master = named.servers().master.clone();
    let urls = named.servers().sentinels.clone();
    drop(named);
    let (statements, clients) = (HashMap::new(), JoinSet::new());
    let mut group = SentinelGroup {
        primary,
        template,
        master,
        statements,
        acquaintances: Acquaintances::default(),
        current: None,
        chosen: Instant::now(),
        is_deaf: false,
        clients,
        reports,
    };
    urls.into_iter().for_each(|sentinel| group.ask(sentinel));
    while let Ok(report) = timeout_at(deadline, received.recv()).await {
        let Some((sentinel, reply)) = report else { return };
        group.record(sentinel, reply);
        group.publish(false);
    }
    group.publish(true);
    while let Some((sentinel, reply)) = received.recv().await {
        group.record(sentinel, reply);
        group.publish(true);
    }
}

impl SentinelGroup {
    /// Starts to ask a sentinel.
    fn ask(&mut self, sentinel: Address) {
        let Some(primary) = self.primary.upgrade() else { return };
        let client = SentinelClient {
            config: RedisConfig {
                address: sentinel.clone(),
                probed: Arc::default(),
                ..self.template.clone()
            },
            master: self.master.clone(),
            primary: Weak::clone(&self.primary),
            wake: primary.wake(),
            reports: self.reports.clone(),
        };
        self.statements.insert(sentinel, None);
        self.clients.spawn(client.run());
    }

    /// Records a report, and starts to ask the sentinels that it names.
    fn record(&mut self, sentinel: Address, reply: Result<SentinelReply, Failure>) {
        let statement = match reply {
            Ok(SentinelReply::Named { answer, others }) => {
                for other in others {
                    if self.statements.len() < MOST && !self.statements.contains_key(&other) {
                        self.ask(other);
                    }
                }
                self.acquaintances.record(&answer, Instant::now());
                Statement::Named(answer)
            }
            Ok(SentinelReply::Unknown(names)) => Statement::Unknown(names),
            Err(failure) => Statement::Failed(failure),
        };
        self.statements.insert(sentinel, Some(statement));
    }

    /// Publishes the result of all statements; without a server only if the result `is_final` or nobody is left to be asked.
    fn publish(&mut self, is_final: bool) {
        let Some(primary) = self.primary.upgrade() else { return };
        let statements = || self.statements.values().flatten();
        let (now, chosen) = (Instant::now(), self.chosen);
        let answers: Vec<Answer> = statements()
            .filter_map(|statement| {
                let Statement::Named(answer) = statement else { return None };
                let is_anew = self.acquaintances.is_anew(answer, chosen, now);
                Some(Answer { is_anew, ..answer.clone() })
            })
            .collect();
        if let Some(choice) = choose(&answers, self.current.as_ref()) {
            if self.current.as_ref().is_some_and(|current| current.address != choice.address) {
                trace::switched(&self.master, &choice.address.to_string());
            }
            primary.publish(Ok(choice.address.clone()));
            (self.current, self.chosen) = (Some(choice), now);
        } else if self.current.is_none() && (is_final || statements().count() == self.statements.len()) {
            primary.publish(Err(self.unnamed()));
        }
        let is_deaf =
            self.current.is_some() && statements().all(|statement| matches!(statement, Statement::Failed(_)));
        if is_deaf && !self.is_deaf {
            trace::warn(&format!(
                "no sentinel answers; redis at {} goes on being used, and a switch to another primary is not noticed until \
                 one answers",
                self.master
            ));
        }
        self.is_deaf = is_deaf;
    }

    /// Returns the reason for which no server is named.
    fn unnamed(&self) -> Unnamed {
        let (mut known, mut failures, mut is_known) = (Vec::new(), Vec::new(), false);
        for (sentinel, statement) in &self.statements {
            match statement {
                Some(Statement::Unknown(names)) => {
                    is_known = true;
                    known.extend(names.iter().map(|name| format!("`{name}`")));
                }
                Some(Statement::Failed(failure)) => failures.push((sentinel.to_string(), failure)),
                Some(Statement::Named(_)) | None => {}
            }
        }
        known.sort_unstable();
        known.dedup();
        failures.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if is_known {
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Unnamed {
                cause: Cause::Refused,
                message: format!("the sentinels have no master of this name; they know {known}"),
                wrong: Some(self.master.clone()),
            };
        }
        let find = |is: fn(&Failure) -> bool| failures.iter().find(|(_, failure)| is(failure));
        if let Some((address, _)) = find(is_no_sentinel) {
            return Unnamed {
                cause: Cause::Foreign,
                message: format!("not a sentinel; write `redis://{address}` for a server"),
                wrong: Some(address.clone()),
            };
        }
        if let Some((address, failure)) = find(is_forbidden) {
            let message = format!(
                "the sentinel at {address}: {}; see `sentinel_user` and `sentinel_pass`",
                failure.message
            );
            return Unnamed { cause: Cause::Auth, message, wrong: None };
        }
        let cause = failures.first().map_or(Cause::Silent, |(_, failure)| failure.cause);
        let each: Vec<String> =
            failures.iter().map(|(address, failure)| format!("{address}: {}", failure.message)).collect();
        let message = match each.is_empty() {
            true => "no sentinel answers".to_owned(),
            false => format!("no sentinel answers: {}", each.join("; ")),
        };
        Unnamed { cause, message, wrong: None }
    }
}

/// Returns `true` for the failure of a server that has no sentinel's commands.
fn is_no_sentinel(failure: &Failure) -> bool {
    failure.message.to_ascii_lowercase().contains("unknown command")
}

/// Returns `true` for the failure of a user that may not ask.
fn is_forbidden(failure: &Failure) -> bool {
    failure.cause == Cause::Auth || failure.message.starts_with("NOPERM")
}
