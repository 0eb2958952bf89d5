//! Prints how long each library takes, by turns in one run, and our time as a part of the fastest
//! other's.
//!
//! ```text
//! cargo run --release -p fanlight-bench --bin ratios              # all of it, half a minute
//! cargo run --release -p fanlight-bench --bin ratios -- decode    # what has "decode" in its name
//! ```

use fanlight_bench::{
    decode::{self, Decode},
    encode, inflate,
    load::{Arrival, Load},
    ratio::{self, Contender, Row},
};

/// How often each is timed. The median is taken.
const ROUNDS: usize = 31;

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let mut worst: f64 = 0.0;
    for arrival in Arrival::ALL {
        let title = format!("decode-{arrival}");
        if title.contains(&wanted) {
            let rows: Vec<Row> =
                Load::plain().map(|load| decode_row(load, || decode::all(load, arrival))).collect();
            worst = worst.max(ratio::print(&title, &rows));
        }
    }
    for arrival in Arrival::ALL {
        let title = format!("inflate-{arrival}");
        if title.contains(&wanted) {
            let rows: Vec<Row> = Load::deflated()
                .map(|load| decode_row(load, || inflate::all(load, arrival)))
                .collect();
            worst = worst.max(ratio::print(&title, &rows));
        }
    }
    for (task, title) in encode::Task::ALL {
        if title.contains(&wanted) {
            let rows: Vec<Row> = Load::plain().map(|load| encode_row(load, task)).collect();
            worst = worst.max(ratio::print(title, &rows));
        }
    }
    println!("\nthe largest ratio is {worst:.2}");
}

fn name(load: Load) -> String {
    format!("{} {} B", load.kind, load.payload_bytes)
}

fn decode_row(load: Load, all: impl Fn() -> Vec<(&'static str, Box<dyn Decode>)>) -> Row {
    Row::measure(name(load), ROUNDS, || {
        let sample = |(name, mut machine): (_, Box<dyn Decode>)| -> Contender {
            (name, Box::new(move || machine.decode(load.messages()).0))
        };
        all().into_iter().map(sample).collect()
    })
}

fn encode_row(load: Load, task: encode::Task) -> Row {
    Row::measure(name(load), ROUNDS, || {
        let sample = |(name, mut machine, _): encode::Contender| -> Contender {
            let sample = move || {
                machine.encode(load.messages());
                load.messages()
            };
            (name, Box::new(sample))
        };
        encode::all(load, task).into_iter().map(sample).collect()
    })
}
