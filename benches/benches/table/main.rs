//! The comparisons with bare clients and other caches: `scripts/bench NAME` runs one, and `scripts/bench` all that are in
//! docs/benchmarks.md. Each runs in a process of its own, so that none finds the memory or the connections of another.

mod blocking_hit;
mod cluster_hit;
mod growth;
mod http;
mod local_hit;
mod many;
mod miss;
mod redis_hit;
mod stampede;
mod tags;

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    match name.as_str() {
        "local_hit" => local_hit::measure(),
        "redis_hit" => redis_hit::measure(),
        "blocking_hit" => blocking_hit::measure(),
        "miss" => miss::measure(),
        "stampede" => stampede::measure(),
        "http" => http::measure(),
        "growth" => growth::measure(),
        "many" => many::measure(),
        "cluster_hit" => cluster_hit::measure(),
        "tags" => tags::measure(),
        _ => {
            eprintln!("no benchmark has the name `{name}`; the head of scripts/bench lists them");
            std::process::exit(2);
        }
    }
}
