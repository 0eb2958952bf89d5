//! One connection's frames, decoded and encoded, beside other libraries. Then the same by turns, and
//! our time as a part of the fastest other's: `src/bin/ratios.rs`.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use fanlight_bench::{
    decode, encode, inflate,
    load::{Arrival, Load},
};

fn decode(criterion: &mut Criterion) {
    for arrival in Arrival::ALL {
        let mut group = criterion.benchmark_group(format!("decode-{arrival}"));
        for load in Load::plain() {
            group.throughput(Throughput::Bytes((load.payload_bytes * load.messages()) as u64));
            for (name, mut machine) in decode::all(load, arrival) {
                let id = BenchmarkId::new(format!("{name}/{}", load.kind), load.payload_bytes);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| machine.decode(load.messages()));
                });
            }
        }
    }
}

fn inflate(criterion: &mut Criterion) {
    for arrival in Arrival::ALL {
        let mut group = criterion.benchmark_group(format!("inflate-{arrival}"));
        for load in Load::deflated() {
            group.throughput(Throughput::Bytes((load.payload_bytes * load.messages()) as u64));
            for (name, mut machine) in inflate::all(load, arrival) {
                let id = BenchmarkId::new(format!("{name}/{}", load.kind), load.payload_bytes);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| machine.decode(load.messages()));
                });
            }
        }
    }
}

fn encode(criterion: &mut Criterion) {
    for (task, title) in encode::Task::ALL {
        let mut group = criterion.benchmark_group(title);
        for load in Load::plain() {
            group.throughput(Throughput::Bytes((load.payload_bytes * load.messages()) as u64));
            for (name, mut machine, _) in encode::all(load, task) {
                let id = BenchmarkId::new(format!("{name}/{}", load.kind), load.payload_bytes);
                group.bench_function(id, |bencher| {
                    bencher.iter(|| machine.encode(load.messages()));
                });
            }
        }
    }
}

criterion_group! {
    name = wire;
    // Some 350 benchmarks: short ones, and `--measurement-time` for whoever has more.
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(50))
        .measurement_time(Duration::from_millis(200));
    targets = decode, encode, inflate
}
criterion_main!(wire);
