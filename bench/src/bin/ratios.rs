//! Prints how long each library takes, by turns in one run, and our time as a part of the fastest
//! other's.
//!
//! ```text
//! cargo run --release -p fanlight-bench --bin ratios              # all of it, a minute
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
                Load::plain().map(|load| decode_row(load, decode::all(load, arrival))).collect();
            worst = worst.max(ratio::print(&title, &rows));
        }
    }
    for arrival in Arrival::ALL {
        let title = format!("inflate-{arrival}");
        if title.contains(&wanted) {
            let rows: Vec<Row> = Load::deflated()
                .map(|load| decode_row(load, inflate::all(load, arrival)))
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

fn decode_row(load: Load, mut machines: Vec<(&'static str, Box<dyn Decode>)>) -> Row {
    let mut samples: Vec<Contender<'_>> = Vec::new();
    for (name, machine) in &mut machines {
        samples.push((name, Box::new(|| machine.decode(load.messages()).0)));
    }
    Row::measure(name(load), ROUNDS, &mut samples)
}

fn encode_row(load: Load, task: encode::Task) -> Row {
    let mut machines = encode::all(load, task);
    let mut samples: Vec<Contender<'_>> = Vec::new();
    for (name, machine, _) in &mut machines {
        let sample = || {
            machine.encode(load.messages());
            load.messages()
        };
        samples.push((name, Box::new(sample)));
    }
    Row::measure(name(load), ROUNDS, &mut samples)
}
