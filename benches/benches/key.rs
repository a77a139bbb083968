//! Building a key, seen through `Entry::key`: arguments to text, nothing asked of the store.

#![expect(dead_code, reason = "the entries of the functions are used, not the functions")]

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use larder_benches::User;

#[larder::cache(expire = "1h", entry = scalar_entry)]
fn scalar(id: u64) -> u64 {
    id
}

#[larder::cache(expire = "1h", entry = several_entry)]
fn several(id: u64, name: &str, page: Option<u32>) -> u64 {
    id + name.len() as u64 + u64::from(page.unwrap_or(0))
}

#[larder::cache(expire = "1h", key = "user:{id}", entry = template_entry)]
fn template(id: u64) -> u64 {
    id
}

#[larder::cache(expire = "1h", entry = structure_entry)]
fn structure(user: &User) -> u64 {
    user.id
}

#[larder::cache(expire = "1h", entry = map_entry)]
fn map(map: &HashMap<String, u32>) -> usize {
    map.len()
}

fn keys(c: &mut Criterion) {
    larder::Cache::builder().url("memory://").prefix("bench").init_blocking().expect("the first init");
    let user = User::new(7);
    let ten: HashMap<String, u32> = (0..10).map(|n| (format!("name {n}"), n)).collect();
    let mut group = c.benchmark_group("key");
    group.bench_function("one integer", |b| b.iter(|| black_box(scalar_entry(black_box(42)).key().len())));
    group.bench_function("integer, text, option", |b| {
        b.iter(|| black_box(several_entry(42, black_box("ann"), Some(3)).key().len()))
    });
    group.bench_function("template", |b| b.iter(|| black_box(template_entry(black_box(42)).key().len())));
    group.bench_function("struct", |b| b.iter(|| black_box(structure_entry(black_box(&user)).key().len())));
    group.bench_function("map of ten", |b| b.iter(|| black_box(map_entry(black_box(&ten)).key().len())));
    group.finish();
}

criterion_group!(benches, keys);
criterion_main!(benches);
