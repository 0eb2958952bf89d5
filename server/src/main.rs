//! The Fanlight server: Centrifugo's client protocol, echo and broadcast over WebSocket; over HTTP a
//! page with a chat and what the server is doing, health and figures.
//!
//! `fanlight --help` lists every option; every bound and timeout of a hub is one of them. The exit
//! code is 0 after a graceful drain, 1 if the server could not go on, 2 if the options were wrong.
//!
//! `fanlight replay FILE` runs the journal of a shard again; see `fanlight replay --help`.

#![cfg_attr(
    not(any(feature = "smol", feature = "tokio")),
    expect(dead_code, unused_variables, reason = "without a runtime, only journals are replayed")
)]

mod centrifugo;
mod endpoint;
mod listen;
mod live;
mod log;
mod loopback;
mod options;
mod origins;
mod page;
mod quantity;
mod replay;
mod run;
mod runtime;
mod service;
mod settings;

use std::{env, process::ExitCode};

use options::Task;

fn main() -> ExitCode {
    let options = match Task::parse(env::args_os()).unwrap_or_else(|wrong| wrong.exit()) {
        Task::Serve(options) => *options,
        Task::Replay(args) => return replay::replay(&args),
    };
    match run::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("fanlight: {failure}");
            ExitCode::FAILURE
        }
    }
}
