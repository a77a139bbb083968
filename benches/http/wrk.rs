//! wrk, which asks one route after the other, in several rounds.

use std::net::SocketAddr;
use std::process::Command;

use larder_benches::median;

/// Each contestant, and the one that it is compared with.
const ROUTES: [(&str, &str); 7] = [
    ("constant", "by hand: a constant"),
    ("computed", "by hand: the JSON made each time"),
    ("memory", "#[cache(response)] on memory://"),
    ("layer", "ResponseCacheLayer on memory://"),
    ("local", "#[cache(response, local)] on Redis"),
    ("raw", "by hand: one GET in Redis"),
    ("redis", "#[cache(response)] on Redis"),
];

const ROUNDS: usize = 9;
const SECONDS: u32 = 2;

/// Asks in turn, and prints the median rates and the medians of the ratios within a round.
pub fn race(address: SocketAddr, only: &[&str]) {
    let is_wanted = |route: &str| {
        only.is_empty()
            || only.contains(&route)
            || route == "constant"
            || (route == "raw" && only.contains(&"redis"))
    };
    let has_redis = std::env::var_os("REDIS_URL").is_some();
    let routes: Vec<_> = ROUTES
        .into_iter()
        .filter(|(route, _)| is_wanted(route) && (has_redis || !["local", "raw", "redis"].contains(route)))
        .collect();
    let mut rates = vec![Vec::new(); routes.len()];
    for (route, _) in &routes {
        rate(address, route, 1);
    }
    for round in 0..ROUNDS {
        // Each begins as often as every other.
        for turn in 0..routes.len() {
            let index = (turn + round) % routes.len();
            rates[index].push(rate(address, routes[index].0, SECONDS));
        }
    }
    let against = |name: &str, index: usize| -> String {
        let Some(first) = routes.iter().position(|(route, _)| *route == name) else { return String::new() };
        let ratios = rates[first].iter().zip(&rates[index]).map(|(first, this)| this / first).collect();
        format!("{:.2}x", median(ratios))
    };
    println!("\nwrk -t1 -c64, {ROUNDS} rounds of {SECONDS} s");
    println!("  {:<10} {:<38} {:>11} {:>11} {:>7}", "", "", "requests/s", "/constant", "/raw");
    for (index, (route, what)) in routes.iter().enumerate() {
        let rate = median(rates[index].clone());
        println!(
            "  /{route:<9} {what:<38} {rate:>11.0} {:>11} {:>7}",
            against("constant", index),
            against("raw", index)
        );
    }
}

/// Requests in a second.
fn rate(address: SocketAddr, route: &str, seconds: u32) -> f64 {
    let url = format!("http://{address}/{route}/7");
    let run = Command::new("wrk").args(["-t1", "-c64", &format!("-d{seconds}s"), &url]).output();
    let Ok(run) = run else {
        eprintln!("this needs wrk; on Debian: apt-get install -y wrk");
        std::process::exit(1);
    };
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
    let rate = text.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    rate.unwrap_or_else(|| panic!("wrk said: {text}{}", String::from_utf8_lossy(&run.stderr)))
}
