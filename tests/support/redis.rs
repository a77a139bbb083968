//! Real redis-server processes on free ports, which end with the test process.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Names another server than `redis-server`.
const SERVER: &str = "LARDER_TEST_SERVER";

/// The file of a server's log, in its directory.
const LOG: &str = "redis.log";

/// Starts the server, prints its pid, and kills it when the test process is gone. `$1` is the test process, the rest is
/// the command; the shell ends with the server.
const WATCHDOG: &str = r#"owner=$1; shift
"$@" >/dev/null 2>&1 & child=$!
echo $child
exec >/dev/null 2>&1
while kill -0 "$owner" && kill -0 $child; do sleep 0.1; done
kill -9 $child
if ! kill -0 "$owner"; then rm -rf "$LARDER_TEST_DIR"; fi
wait"#;

/// A server. Dropping a `RedisServer` kills the process and removes its directory.
pub struct RedisServer {
    port: u16,
    dir: PathBuf,
    args: Vec<String>,
    /// The configuration file of a sentinel, without its port and directory.
    config: Option<String>,
    process: Mutex<Option<Process>>,
}

struct Process {
    watchdog: Child,
    pid: u32,
}

impl RedisServer {
    /// Starts a server that persists nothing.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts a server with more arguments, for example `["--requirepass", "secret"]`.
    pub fn start_with(args: &[&str]) -> Self {
        Self::start_in(|_| args.iter().map(|arg| (*arg).to_owned()).collect())
    }

    /// Starts a server with arguments that are made for its directory, to which files can be written. They are made again
    /// when one of the ports was taken.
    pub fn start_in(args: impl FnMut(&Path) -> Vec<String>) -> Self {
        Self::launched(args, None)
    }

    /// Starts a sentinel with this configuration, which the process changes as it goes, and with arguments as those of
    /// [`RedisServer::start_in`].
    pub fn start_sentinel(config: &str, args: impl FnMut(&Path) -> Vec<String>) -> Self {
        Self::launched(args, Some(config))
    }

    fn launched(mut args: impl FnMut(&Path) -> Vec<String>, config: Option<&str>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        // Another process may take the free port before the server does.
        for _ in 0..10 {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let dir = std::env::temp_dir().join(format!("larder-test-{}-{number}", std::process::id()));
            fs::create_dir_all(&dir).expect("a directory for the server");
            let args = args(&dir);
            let is_clustered = args.iter().any(|arg| arg == "--cluster-enabled");
            let (port, config) =
                (if is_clustered { free_cluster_port() } else { free_port() }, config.map(str::to_owned));
            let server = Self { port, dir, args, config, process: Mutex::new(None) };
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    /// The port of the server at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The directory of the server.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last lines that the server logged.
    pub fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.join(LOG)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("{}:\n{}\n", self.port, lines[lines.len().saturating_sub(30)..].join("\n"))
    }

    /// The id of the process.
    pub fn pid(&self) -> Option<u32> {
        self.process().as_ref().map(|process| process.pid)
    }

    /// Returns `true` if the process runs and was not stopped by [`RedisServer::pause`].
    pub fn is_running(&self) -> bool {
        let Some(pid) = self.pid() else { return false };
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        !stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    /// Kills the server (SIGKILL).
    pub fn stop(&self) {
        if let Some(mut process) = self.process().take() {
            signal("KILL", process.pid);
            drop(process.watchdog.wait());
        }
    }

    /// Starts the server on the same port, empty; kills it first if it runs.
    pub fn restart(&self) {
        self.stop();
        assert!(self.launch(), "redis-server does not start on port {} again", self.port);
    }

    /// Stops the process (SIGSTOP): connections stay open and nothing answers.
    pub fn pause(&self) {
        signal("STOP", self.pid().expect("the server runs"));
    }

    /// Continues the process after [`RedisServer::pause`] (SIGCONT).
    pub fn resume(&self) {
        signal("CONT", self.pid().expect("the server runs"));
    }

    /// Runs a command and returns the reply as text, as redis-cli does; an error of Redis is returned as text, too.
    pub fn command(&self, args: &[&str]) -> String {
        loop {
            match self.try_command(args) {
                Ok(value) => return text(&value),
                // A wait with a limit is not resumed after a signal. The command may have run.
                Err(error) if is_interrupted(&error) => {}
                Err(error) => return error.to_string(),
            }
        }
    }

    /// Removes all keys.
    pub fn flush(&self) {
        assert_eq!(self.command(&["FLUSHALL"]), "OK");
    }

    fn try_command(&self, args: &[&str]) -> redis::RedisResult<redis::Value> {
        let (name, rest) = args.split_first().expect("a command");
        redis::cmd(name).arg(rest).query(&mut self.connect()?)
    }

    /// Opens a connection whose commands take at most five seconds.
    pub(super) fn connect(&self) -> redis::RedisResult<redis::Connection> {
        let mut settings = redis::RedisConnectionInfo::default();
        if let Some(at) = self.args.iter().position(|arg| arg == "--requirepass") {
            settings = settings.set_password(&self.args[at + 1]);
        }
        let address = redis::ConnectionAddr::Tcp("127.0.0.1".to_owned(), self.port);
        let info = redis::IntoConnectionInfo::into_connection_info(address)?.set_redis_settings(settings);
        let client = redis::Client::open(info)?;
        let connection = loop {
            match client.get_connection_with_timeout(Duration::from_secs(5)) {
                Err(error) if is_interrupted(&error) => {}
                opened => break opened?,
            }
        };
        connection.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(connection)
    }

    /// Starts the process, and returns false if its port was taken.
    fn launch(&self) -> bool {
        let process = self.spawn();
        let pid = process.pid;
        *self.process() = Some(process);
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(10) {
            let answer = self.command(&["INFO", "server"]);
            // Another server may answer on the port.
            if answer.contains(&format!("process_id:{pid}\r")) {
                return true;
            }
            if answer.contains("process_id:") || !alive(pid) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.stop();
        false
    }

    fn spawn(&self) -> Process {
        let (dir, port) = (self.dir.to_string_lossy(), self.port);
        let mut arguments: Vec<String> = match &self.config {
            Some(config) => {
                let path = self.dir.join("sentinel.conf");
                // After a restart the file is as the sentinel left it.
                if !path.exists() {
                    let config = format!("port {port}\nbind 127.0.0.1\ndir {dir}\nlogfile {LOG}\n{config}\n");
                    fs::write(&path, config).expect("a configuration file");
                }
                vec![path.to_string_lossy().into_owned(), "--sentinel".to_owned()]
            }
            None => {
                let port = port.to_string();
                let fixed = [
                    "--port",
                    &port,
                    "--bind",
                    "127.0.0.1",
                    "--save",
                    "",
                    "--appendonly",
                    "no",
                    // Otherwise a former replica loads what it once received when it starts again.
                    "--rdb-del-sync-files",
                    "yes",
                    "--dir",
                    &dir,
                    "--logfile",
                    LOG,
                ];
                fixed.map(str::to_owned).into()
            }
        };
        let version = Command::new(program()).arg("--version").output();
        let version = version.expect("install redis-server (apt-get install redis-server)").stdout;
        // Redis 6 always has the command, and does not know the option.
        if self.config.is_none() && !String::from_utf8_lossy(&version).contains(" v=6.") {
            arguments.extend(["--enable-debug-command", "yes"].map(str::to_owned));
        }
        arguments.extend(self.args.iter().cloned());
        spawn(&self.dir, &arguments)
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
        drop(fs::remove_dir_all(&self.dir));
    }
}

fn is_interrupted(error: &redis::RedisError) -> bool {
    error.is_io_error() && error.to_string().starts_with("Interrupted")
}

fn spawn(dir: &Path, arguments: &[String]) -> Process {
    use std::io::BufRead;

    let mut watchdog = Command::new("sh")
        .args(["-c", WATCHDOG, "sh", &std::process::id().to_string()])
        .arg(program())
        .args(arguments)
        .env("LARDER_TEST_DIR", dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let mut line = String::new();
    let stdout = watchdog.stdout.take().expect("a pipe");
    std::io::BufReader::new(stdout).read_line(&mut line).expect("the pid of the server");
    Process { watchdog, pid: line.trim().parse().expect("the pid of the server") }
}

fn program() -> OsString {
    std::env::var_os(SERVER).unwrap_or_else(|| "redis-server".into())
}

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// A free port whose cluster bus port, 10,000 above, is free as well.
fn free_cluster_port() -> u16 {
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let mut ports = std::iter::repeat_with(free_port).take(1_000);
    ports.find(|port| port.checked_add(10_000).is_some_and(is_free)).expect("a free port for a cluster")
}

/// Sends a signal, for example `STOP` or `KILL`, to a process that may have ended.
pub fn signal(name: &str, pid: u32) {
    drop(Command::new("kill").args([format!("-{name}"), pid.to_string()]).stderr(Stdio::null()).status());
}

fn alive(pid: u32) -> bool {
    Command::new("kill")
        .args(["-0".to_owned(), pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn text(value: &redis::Value) -> String {
    match value {
        redis::Value::Nil => "(nil)".to_owned(),
        redis::Value::Okay => "OK".to_owned(),
        redis::Value::Int(number) => number.to_string(),
        redis::Value::BulkString(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        redis::Value::SimpleString(text) => text.clone(),
        redis::Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join("\n"),
        other => format!("{other:?}"),
    }
}
