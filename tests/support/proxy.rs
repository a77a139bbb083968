//! Trouble on the line: a TCP proxy in front of a server that can be told to misbehave.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the proxy does, to the connections it has and to new ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bytes go both ways.
    Pass,
    /// Connections stay open and new ones are accepted, but no byte goes either way.
    Blackhole,
    /// The port is closed, and so are all connections.
    Refuse,
    /// All connections, new ones too, are reset.
    Reset,
    /// Every piece of an answer comes this much later.
    Delay(Duration),
    /// This many more bytes of answers, then the end of the stream, on each connection.
    Truncate(usize),
    /// Requests arrive, answers are thrown away.
    SwallowReplies,
}

/// A proxy on a free port of 127.0.0.1. Dropping it closes everything.
pub struct FaultProxy {
    port: u16,
    mode: watch::Sender<Mode>,
    target: watch::Sender<u16>,
    cuts: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// A proxy in front of `127.0.0.1:target`, that passes everything.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let (target, targets) = watch::channel(target);
        let (cuts, cut) = watch::channel(0);
        let task = tokio::spawn(accept(Some(listener), port, targets, modes, cut));
        Self { port, mode, target, cuts, task }
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Leads new connections to another port, as a name does that resolves anew.
    pub fn lead_to(&self, target: u16) {
        self.target.send_replace(target);
    }

    /// Changes what it does, from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Resets the connections that there are; new ones are as the mode says.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    mut listener: Option<TcpListener>,
    port: u16,
    targets: watch::Receiver<u16>,
    mut modes: watch::Receiver<Mode>,
    cuts: watch::Receiver<u64>,
) {
    let mut lines = tokio::task::JoinSet::new();
    loop {
        let refuse = *modes.borrow_and_update() == Mode::Refuse;
        if refuse {
            listener = None;
        } else if listener.is_none() {
            listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.ok();
        }
        let next = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            changed = modes.changed() => if changed.is_err() { return },
            Ok((client, _)) = next => {
                let target = *targets.borrow();
                let mut cuts = cuts.clone();
                cuts.mark_unchanged();
                lines.spawn(line(client, target, modes.clone(), cuts));
            }
        }
    }
}

/// One connection: until an end closes it, or the mode cuts it.
async fn line(
    mut client: TcpStream,
    target: u16,
    mut modes: watch::Receiver<Mode>,
    mut cuts: watch::Receiver<u64>,
) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let cut = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::select! {
            () = requests(from_client, to_server, modes.clone()) => false,
            () = answers(from_server, to_client, modes.clone()) => false,
            cut = cuts.changed() => cut.is_ok(),
            mode = modes.wait_for(|mode| matches!(mode, Mode::Refuse | Mode::Reset)) => mode.is_ok_and(|mode| *mode == Mode::Reset),
        }
    };
    if cut {
        // With no time to linger, closing sends a reset instead of an end.
        drop(client.set_zero_linger());
    }
}

async fn requests(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        drop(modes.wait_for(|mode| *mode != Mode::Blackhole).await);
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mut modes: watch::Receiver<Mode>) {
    let mut buffer = vec![0; 64 << 10];
    let mut passed = 0;
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        let mode = modes.wait_for(|mode| *mode != Mode::Blackhole).await.map_or(Mode::Pass, |mode| *mode);
        let n = match mode {
            Mode::SwallowReplies => continue,
            Mode::Truncate(limit) => n.min(limit.saturating_sub(passed)),
            Mode::Delay(time) => {
                tokio::time::sleep(time).await;
                n
            }
            _ => n,
        };
        passed = if matches!(mode, Mode::Truncate(_)) { passed + n } else { 0 };
        if to.write_all(&buffer[..n]).await.is_err()
            || matches!(mode, Mode::Truncate(limit) if passed >= limit)
        {
            return;
        }
    }
}
