//! A service with cached methods, and methods that update and evict their entries.
//!
//! ```text
//! cargo run --example method
//! ```

use larder::{Cache, cache, cache_evict, cache_put};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    id: u64,
    city: String,
}

/// A connection, which cannot be part of a key and does not affect the result.
#[derive(Clone, larder::IgnoreInKey)]
struct Db;

struct Profiles {
    tenant: String,
    db: Db,
}

impl Profiles {
    /// The key leaves `self` out and names the tenant, so two tenants never share a profile.
    #[cache(expire = "1h", ignore(self), key = (&self.tenant, id), entry = profile_entry)]
    async fn profile(&self, id: u64) -> Result<Profile, String> {
        println!("  reading profile {id} of {}", self.tenant);
        let _ = &self.db;
        Ok(Profile { id, city: "Leeds".to_owned() })
    }

    /// Evicts the entry of `profile` when it returns `Ok`.
    #[cache_evict(entry = self.profile_entry(id))]
    async fn delete(&self, id: u64) -> Result<(), String> {
        println!("  deleting profile {id}");
        Ok(())
    }

    /// Stores its result as the next result of `profile`.
    #[cache_put(entry = self.profile_entry(id))]
    async fn relocate(&self, id: u64, city: &str) -> Result<Profile, String> {
        println!("  moving profile {id} to {city}");
        Ok(Profile { id, city: city.to_owned() })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    Cache::builder().prefix("example").init().await?;
    let north = Profiles { tenant: "north".to_owned(), db: Db };
    let south = Profiles { tenant: "south".to_owned(), db: Db };

    println!("two tenants, each asked twice:");
    for service in [&north, &north, &south, &south] {
        service.profile(7).await?;
    }

    println!("changed and stored, then read:");
    north.relocate(7, "York").await?;
    println!("  {:?}", north.profile(7).await?);

    println!("deleted, then read:");
    north.delete(7).await?;
    println!("  {:?}", north.profile(7).await?);

    println!("its key: {}", north.profile_entry(7).key());
    Ok(())
}
