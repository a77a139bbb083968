//! Tables: many caches as values, each with a loader, in place of attributes on functions. `cargo run --example table`

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use larder::{BulkTable, Cache, Table};

/// A source of exchange rates.
struct Source {
    url: &'static str,
    rates: BTreeMap<&'static str, f64>,
}

impl Source {
    async fn rate(&self, currency: &str) -> Result<Option<f64>, String> {
        println!("  GET {}/{currency}", self.url);
        if currency.len() != 3 {
            return Err(format!("{currency} is no currency"));
        }
        Ok(self.rates.get(currency).copied())
    }
}

/// One table for each source: a number that is known only at run time, which attributes cannot have.
struct Rates {
    by_source: Vec<Table<String, f64, Result<Option<f64>, String>>>,
    names: BulkTable<u64, String, HashMap<u64, String>>,
}

impl Rates {
    fn new(cache: &Cache, sources: Vec<Source>) -> Self {
        let table = |(number, source): (usize, Source)| {
            let source = Arc::new(source);
            cache
                .table(&format!("rates.{number}"))
                .expire("5m")
                .none_expire("10s")
                .tags(|currency, _| [format!("currency:{currency}")])
                .load(move |currency: &String| {
                    let (source, currency) = (Arc::clone(&source), currency.clone());
                    async move { source.rate(&currency).await }
                })
        };
        let by_source = sources.into_iter().enumerate().map(table).collect();
        let names = cache.table("names").expire("1h").load_many(|ids: Vec<u64>| async move {
            println!("  SELECT id, name FROM traders WHERE id = ANY({ids:?})");
            ids.into_iter().map(|id| (id, format!("trader {id}"))).collect()
        });
        Self { by_source, names }
    }

    async fn print(&self, currency: &str) {
        for table in &self.by_source {
            println!("  {currency}: {:?}", table.get(&currency.to_owned()).await);
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), larder::Error> {
    let cache = Cache::builder().build().await?;
    let sources = vec![
        Source { url: "https://one.example", rates: [("EUR", 1.0), ("USD", 1.1)].into() },
        Source { url: "https://two.example", rates: [("EUR", 1.0)].into() },
    ];
    let rates = Rates::new(&cache, sources);
    for pass in ["loaded", "cached, `None` as well; an `Err` is loaded again"] {
        println!("{pass}");
        rates.print("USD").await;
        rates.print("dollar").await;
    }
    println!("one tag ends the rates of all sources; a `None` has no tags");
    cache.invalidate_tag("currency:USD").await?;
    rates.print("USD").await;
    println!("a value that is known");
    rates.by_source[0].insert(&"USD".to_owned(), &1.2).await?;
    rates.print("USD").await;
    println!("several ids, of which one is missing in the second call");
    rates.names.get_many(&[1, 2]).await;
    rates.names.get_many(&[1, 2, 3]).await;
    print!("{}", cache.stats());
    Ok(())
}
