//! A TCP proxy that injects faults between a client and a server.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The behaviour of the proxy, for existing and for new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Bytes pass in both directions.
    Pass,
    /// Connections stay open and new ones are accepted, but no byte passes.
    Blackhole,
    /// The port and all connections are closed.
    Refuse,
    /// All connections, existing and new, are reset.
    Reset,
    /// Every piece of a reply is delayed by this time.
    Delay(Duration),
    /// Each connection ends after this many more bytes of replies.
    Truncate(usize),
    /// Requests arrive, replies are discarded.
    SwallowReplies,
    /// Replies arrive byte by byte, with this pause before each.
    Drip(Duration),
    /// Each connection passes this many bytes in a second, in each direction.
    Throttle(u32),
    /// One bit is flipped in one of this many bytes of replies.
    Corrupt(u64),
    /// Each connection gets one more reply than commands, so that every later reply belongs to the wrong command.
    Insert(&'static str),
    /// As [`Mode::Blackhole`], but only for push connections.
    SilentStream,
}

impl Mode {
    fn holds(self, pushes: &AtomicBool) -> bool {
        self == Self::Blackhole || self == Self::SilentStream && pushes.load(SeqCst)
    }
}

/// A proxy on a free port of 127.0.0.1. Dropping the proxy closes its port and connections.
pub struct FaultProxy {
    port: u16,
    mode: watch::Sender<Mode>,
    target: watch::Sender<u16>,
    cuts: watch::Sender<u64>,
    freezes: watch::Sender<u64>,
    task: JoinHandle<()>,
}

impl FaultProxy {
    /// Starts a proxy in front of `127.0.0.1:target` that passes everything.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let (mode, modes) = watch::channel(Mode::Pass);
        let (target, targets) = watch::channel(target);
        let (cuts, cut) = watch::channel(0);
        let (freezes, freeze) = watch::channel(0);
        let task = tokio::spawn(accept(Some(listener), port, targets, modes, [cut, freeze]));
        Self { port, mode, target, cuts, freezes, task }
    }

    /// The port of the proxy.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Connects new connections to another port, as a host name does that resolves to another address.
    pub fn lead_to(&self, target: u16) {
        self.target.send_replace(target);
    }

    /// Changes the behaviour from now on.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Resets the existing connections; new ones follow the mode.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Passes no more bytes on the existing connections, which stay open, as a firewall that lost its state does; new
    /// ones follow the mode.
    pub fn freeze(&self) {
        self.freezes.send_modify(|freezes| *freezes += 1);
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
    cuts_and_freezes: [watch::Receiver<u64>; 2],
) {
    let mut connections = tokio::task::JoinSet::new();
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
                let mut cuts_and_freezes = cuts_and_freezes.clone();
                cuts_and_freezes.iter_mut().for_each(watch::Receiver::mark_unchanged);
                connections.spawn(connection(client, target, modes.clone(), cuts_and_freezes));
            }
        }
    }
}

/// The end of a connection.
enum End {
    Closed,
    Cut,
    Frozen,
}

/// The pace of one direction of a connection.
struct Pace(tokio::time::Instant);

impl Pace {
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }

    /// Waits until `count` bytes have passed at this rate.
    async fn keep(&mut self, mode: Mode, count: usize) {
        let Mode::Throttle(rate) = mode else { return };
        // Timers are late by a millisecond or two, which is made up for.
        let earliest = tokio::time::Instant::now() - Duration::from_millis(20);
        self.0 = self.0.max(earliest) + Duration::from_secs_f64(count as f64 / f64::from(rate));
        tokio::time::sleep_until(self.0).await;
    }
}

/// The most bytes that a throttled connection passes at once.
const PIECE: usize = 16 << 10;

/// Serves one connection until a side closes it or the mode cuts it.
async fn connection(
    mut client: TcpStream,
    target: u16,
    mut modes: watch::Receiver<Mode>,
    [mut cuts, mut freezes]: [watch::Receiver<u64>; 2],
) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let pushes = AtomicBool::new(false);
        tokio::select! {
            () = requests(from_client, to_server, modes.clone(), &pushes) => End::Closed,
            () = replies(from_server, to_client, modes.clone(), &pushes) => End::Closed,
            Ok(()) = cuts.changed() => End::Cut,
            Ok(()) = freezes.changed() => End::Frozen,
            Ok(mode) = modes.wait_for(|mode| matches!(mode, Mode::Refuse | Mode::Reset)) => match *mode {
                Mode::Reset => End::Cut,
                _ => End::Closed,
            },
        }
    };
    match end {
        End::Closed => {}
        // With no time to linger, closing sends a reset.
        End::Cut => drop(client.set_zero_linger()),
        End::Frozen => std::future::pending().await,
    }
}

async fn requests(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut modes: watch::Receiver<Mode>,
    pushes: &AtomicBool,
) {
    let (mut buffer, mut pace) = (vec![0; 64 << 10], Pace::new());
    while let Ok(n @ 1..) = from.read(&mut buffer[..piece(&modes)]).await {
        if buffer[..n].windows(5).any(|word| word == b"BCAST") {
            pushes.store(true, SeqCst);
        }
        let mode = modes.wait_for(|mode| !mode.holds(pushes)).await.map_or(Mode::Pass, |mode| *mode);
        pace.keep(mode, n).await;
        if to.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

async fn replies(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut modes: watch::Receiver<Mode>,
    pushes: &AtomicBool,
) {
    let (mut buffer, mut pace) = (vec![0; 64 << 10], Pace::new());
    let (mut passed, mut inserted) = (0, "");
    while let Ok(n @ 1..) = from.read(&mut buffer[..piece(&modes)]).await {
        let mode = modes.wait_for(|mode| !mode.holds(pushes)).await.map_or(Mode::Pass, |mode| *mode);
        if let Mode::Insert(reply) = mode
            && std::mem::replace(&mut inserted, reply) != reply
            && to.write_all(reply.as_bytes()).await.is_err()
        {
            return;
        }
        let n = match mode {
            Mode::SwallowReplies => continue,
            Mode::Truncate(limit) => n.min(limit.saturating_sub(passed)),
            Mode::Delay(time) => {
                tokio::time::sleep(time).await;
                n
            }
            Mode::Corrupt(rarity) => {
                corrupt(&mut buffer[..n], rarity);
                n
            }
            Mode::Throttle(_) => {
                pace.keep(mode, n).await;
                n
            }
            _ => n,
        };
        passed = if matches!(mode, Mode::Truncate(_)) { passed + n } else { 0 };
        let step = if matches!(mode, Mode::Drip(_)) { 1 } else { n.max(1) };
        for piece in buffer[..n].chunks(step) {
            if let Mode::Drip(pause) = mode {
                tokio::time::sleep(pause).await;
            }
            if to.write_all(piece).await.is_err() {
                return;
            }
        }
        if matches!(mode, Mode::Truncate(limit) if passed >= limit) {
            return;
        }
    }
}

/// The number of bytes to read at once.
fn piece(modes: &watch::Receiver<Mode>) -> usize {
    if matches!(*modes.borrow(), Mode::Throttle(_)) { PIECE } else { 64 << 10 }
}

/// Flips bits, the same ones in each run as far as the same bytes arrive.
fn corrupt(bytes: &mut [u8], rarity: u64) {
    static STATE: AtomicU64 = AtomicU64::new(0x9e37_79b9_7f4a_7c15);
    for byte in bytes {
        let mut state = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, SeqCst);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
        if state.is_multiple_of(rarity) {
            *byte ^= 1 << (state >> 61);
        }
    }
}
