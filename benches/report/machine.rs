//! The machine, the date and the versions that the figures are of.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The peers, by their names in Cargo.lock.
const PEERS: [&str; 7] = ["axum-response-cache", "cached", "hitbox", "moka", "quick_cache", "r2d2", "redis"];

/// A sentence for the pages.
pub fn description(root: &Path) -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let models: Vec<_> = cpu.lines().filter_map(|line| line.strip_prefix("model name")).collect();
    let model =
        models.first().map_or("an unknown processor", |model| model.trim_start_matches([' ', '\t', ':']));
    let lock = fs::read_to_string(root.join("benches/Cargo.lock")).expect("Cargo.lock");
    let peers: Vec<_> = PEERS.iter().map(|name| format!("{name} {}", locked(&lock, name))).collect();
    format!(
        "{model}, {} cores, {}; {}, Redis {}; {}.",
        models.len(),
        output("date", &["-u", "+%F"]),
        output("rustc", &["--version"]).split(" (").next().unwrap_or_default(),
        redis_version(),
        peers.join(", "),
    )
}

/// The newest version of a package in Cargo.lock, which lists them in order.
fn locked<'a>(lock: &'a str, name: &str) -> &'a str {
    let (_, after) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \"")).expect("a peer is locked");
    after.split('"').next().unwrap_or_default()
}

/// From `Redis server v=8.0.2 sha=..`.
fn redis_version() -> String {
    let text = output("redis-server", &["--version"]);
    text.split_once("v=").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default().to_owned()
}

fn output(program: &str, args: &[&str]) -> String {
    let run = Command::new(program).args(args).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&run.stdout).trim().to_owned()
}
