//! What a publish to many costs a server with permessage-deflate and without, by turns in one run.
//!
//! Starts the `fanlight` binary that lies beside this one twice, with `--deflate` and without, and
//! npm `ws` twice if it is told where that is. Each has as many connections, which all offer
//! permessage-deflate. One of them says some JSON, all hear it, and the processor time of the server
//! is read before and after. Every member takes apart what it is given and compares it with what was
//! said. The servers whose turn it is not are idle.

use std::{
    cell::{Cell, RefCell},
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use clap::Parser;
use fanlight_core::{
    Message,
    http::{HeaderMap, HeaderValue, header::SEC_WEBSOCKET_EXTENSIONS},
    wire::{Deflate, Incoming, Limits, Role, Wire},
};
use fanlight_tests::crowd::{Failure, Member, PATIENCE, Server, live, median};
use fastrand::Rng;
use tokio::{
    process::Command,
    sync::{Notify, mpsc},
    task::LocalSet,
    time::timeout,
};

/// What a publish costs with permessage-deflate and without.
#[derive(Parser)]
struct Options {
    /// How many connections each server has.
    #[arg(long, default_value_t = 1_000)]
    members: usize,
    /// How many turns each server has.
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// How often something is said in a turn.
    #[arg(long, default_value_t = 50)]
    publishes: usize,
    /// The length of what is said, as JSON.
    #[arg(long, default_value_t = 10 << 10)]
    data_bytes: usize,
    /// The `node_modules` in which npm `ws` is, to have it beside.
    #[arg(long)]
    node_modules: Option<PathBuf>,
}

/// What all members of a server share.
#[derive(Default)]
struct Crowd {
    said: RefCell<String>,
    heard: Cell<usize>,
    /// What came of frames, in bytes.
    received_bytes: Cell<usize>,
    changed: Notify,
    trouble: RefCell<Option<String>>,
}

/// A server, its crowd, and the one that speaks for it.
struct Stand {
    server: Server,
    crowd: Rc<Crowd>,
    speak: mpsc::Sender<Message>,
}

/// One library, first without and then with permessage-deflate.
struct Pair {
    name: &'static str,
    stands: [Stand; 2],
    /// Microseconds a publish, a turn.
    costs: [Vec<f64>; 2],
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    rlimit::increase_nofile_limit(u64::MAX)?;
    LocalSet::new().run_until(run(options)).await
}

async fn run(options: Options) -> Result<(), Failure> {
    let plain = gather(Server::start::<&str>([]).await?, false, &options).await?;
    let deflated = gather(Server::start(["--deflate"]).await?, true, &options).await?;
    let mut pairs = vec![Pair::new("fanlight", [plain, deflated])];
    if let Some(node_modules) = &options.node_modules {
        let plain = gather(ws(node_modules, "off").await?, false, &options).await?;
        let deflated = gather(ws(node_modules, "on").await?, true, &options).await?;
        pairs.push(Pair::new("ws", [plain, deflated]));
    }
    println!("{} bytes of JSON to {} members", options.data_bytes, options.members);
    println!("us of server CPU a publish       without      with   ratio");
    let mut rng = Rng::with_seed(1);
    // The first turn is nobody's: what is done once is done in it.
    for turn in 0..=options.turns {
        for pair in &mut pairs {
            let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
            for which in order {
                let cost = take_turn(&pair.stands[which], &mut rng, &options).await?;
                if turn > 0 {
                    pair.costs[which].push(cost);
                }
            }
            if let [Some(plain), Some(deflated)] = pair.costs.each_ref().map(|costs| costs.last()) {
                print_row(&format!("{} turn {turn}", pair.name), [*plain, *deflated]);
            }
        }
    }
    for pair in &pairs {
        let medians = pair.costs.each_ref().map(|costs| median(costs.clone()));
        print_row(&format!("{} median", pair.name), medians);
    }
    for pair in &pairs {
        let publishes = (options.turns + 1) * options.publishes * options.members;
        let bytes =
            pair.stands.each_ref().map(|stand| stand.crowd.received_bytes.get() / publishes);
        println!(
            "{:<30}  {:>8}  {:>8}",
            format!("{} bytes a delivery", pair.name),
            bytes[0],
            bytes[1]
        );
    }
    println!("every member heard all that was said, as it was said");
    Ok(())
}

impl Pair {
    fn new(name: &'static str, stands: [Stand; 2]) -> Self {
        Self { name, stands, costs: [Vec::new(), Vec::new()] }
    }
}

fn print_row(name: &str, [plain, deflated]: [f64; 2]) {
    println!("{name:<30}  {plain:8.0}  {deflated:8.0}  {:6.2}", deflated / plain);
}

/// npm `ws` as a server that says everything to everyone.
async fn ws(node_modules: &Path, deflate: &str) -> Result<Server, Failure> {
    let mut command = Command::new("node");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("deflate/ws_server.cjs"))
        .arg(deflate)
        .env("NODE_PATH", node_modules.canonicalize()?);
    Server::run(command).await
}

/// Opens the connections of a server, which agrees on permessage-deflate or does not.
async fn gather(server: Server, is_deflated: bool, options: &Options) -> Result<Stand, Failure> {
    let crowd = Rc::new(Crowd::default());
    let mut headers = HeaderMap::new();
    headers.append(SEC_WEBSOCKET_EXTENSIONS, HeaderValue::from_static(Deflate::OFFER));
    let (speak, spoken) = mpsc::channel(1);
    let mut spoken = Some(spoken);
    for (stream, answered) in server.open_with("/broadcast", options.members, &headers).await? {
        if answered.deflate.is_some() != is_deflated {
            return Err(format!("{:?} was agreed on", answered.deflate).into());
        }
        let mut wire = Wire::new(Role::Client { mask_seed: [1; 32] }, Limits::default());
        wire.set_deflate(answered.deflate);
        let (mut listener, spoken) =
            (Listener { crowd: crowd.clone(), differs: false }, spoken.take());
        tokio::task::spawn_local(async move {
            let trouble = match live(stream, wire, spoken, &mut listener).await {
                Ok(()) => "the server ended a connection".to_owned(),
                Err(error) => error.to_string(),
            };
            *listener.crowd.trouble.borrow_mut() = Some(trouble);
            listener.crowd.changed.notify_one();
        });
    }
    Ok(Stand { server, crowd, speak })
}

/// Has one member speak and all hear; returns what a publish cost, in microseconds.
async fn take_turn(stand: &Stand, rng: &mut Rng, options: &Options) -> Result<f64, Failure> {
    let Stand { server, crowd, speak } = stand;
    let before = server.cpu_micros()?;
    for _ in 0..options.publishes {
        let said = json(rng, options.data_bytes);
        crowd.heard.set(0);
        crowd.said.replace(said.clone());
        speak.send(Message::text(&said)).await?;
        while crowd.heard.get() < options.members {
            timeout(PATIENCE, crowd.changed.notified()).await?;
            if let Some(trouble) = crowd.trouble.take() {
                return Err(trouble.into());
            }
        }
    }
    let after = server.cpu_micros()?;
    Ok((after.0 - before.0 + after.1 - before.1) as f64 / options.publishes as f64)
}

/// So many bytes of what an application might tell its users: records whose names repeat and whose
/// values do not.
fn json(rng: &mut Rng, bytes: usize) -> String {
    const WORDS: [&str; 12] = [
        "paid", "open", "shipped", "returned", "window", "lamp", "chair", "table", "north",
        "harbour", "evening", "order",
    ];
    let mut text = String::from(r#"{"orders":["#);
    while text.len() < bytes {
        let mut word = || WORDS[rng.usize(..WORDS.len())];
        let (state, place, note) = (word(), word(), [word(), word(), word(), word()].join(" "));
        let (id, at, cents) = (rng.u64(..), rng.u64(..1 << 41), rng.u32(..1_000_000));
        text += &format!(
            r#"{{"id":"{id:016x}","state":"{state}","place":"{place}","at":{at},"cents":{cents},"note":"{note}"}},"#
        );
    }
    // What is too much goes, and the end is as it must be.
    text.truncate(bytes.saturating_sub(r#""]}"#.len()));
    text.truncate(text.rfind(r#",{"id""#).unwrap_or(text.len()));
    text += r#"],"more":""#;
    let room = bytes.saturating_sub(text.len() + r#""}"#.len());
    text.extend((0..room).map(|_| rng.alphanumeric()));
    text += r#""}"#;
    text
}

/// One member, which hears what was said and nothing else.
struct Listener {
    crowd: Rc<Crowd>,
    /// Whether it heard something else.
    differs: bool,
}

impl Member for Listener {
    fn hear(&mut self, incoming: Incoming<'_>) -> Option<Message> {
        if let Incoming::Message(message) = incoming {
            self.differs |= message.as_text() != Some(self.crowd.said.borrow().as_str());
            self.crowd.heard.set(self.crowd.heard.get() + 1);
        }
        None
    }

    fn caught_up(&mut self, read_bytes: usize) -> io::Result<()> {
        self.crowd.received_bytes.set(self.crowd.received_bytes.get() + read_bytes);
        if self.differs {
            return Err(io::Error::other("a member heard what was not said"));
        }
        self.crowd.changed.notify_one();
        Ok(())
    }
}
