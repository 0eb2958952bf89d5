//! A running server, and what can be waited for.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use fanlight_core::{CloseCode, CloseFrame, Config, ConnId, Drain, Settings, Stats};
use fanlight_driver::{Connection, Handle, Incoming, Server, Tls, TlsAdapter, WhenFull};
use futures_lite::{StreamExt, future::or};
use socket2::{Domain, Socket, Type};

use crate::{
    client::{Client, Raw},
    clock::Clock,
    platform::{Link, Platform, Task},
    service::{Obedient, Told},
};

/// How long anything may take. Nothing does, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a state that is waited for is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// The outcome of `what`, which comes soon.
pub(crate) async fn soon<F: Future>(platform: &dyn Platform, what: F) -> F::Output {
    let happens = async { Some(what.await) };
    let patience = async {
        platform.sleep(PATIENCE).await;
        None
    };
    or(happens, patience).await.expect("it happens in time")
}

/// Settings under which only time that a test has pass is time: however much of it passes at once,
/// nobody was asleep.
pub(crate) fn settings() -> Settings {
    Settings { late_max: Duration::from_secs(3600), ..Settings::default() }
}

/// How a server is to be set up.
pub(crate) struct Plan {
    pub(crate) shards: u8,
    pub(crate) settings: Settings,
    /// The path of a Unix socket to listen on, instead of a port.
    pub(crate) unix: Option<PathBuf>,
    pub(crate) tls: Option<Tls>,
    pub(crate) when_full: WhenFull,
    pub(crate) clock: Clock,
    pub(crate) told: Option<Sender<Told>>,
    /// Whether each connection is given to a task, rather than to the service.
    pub(crate) has_tasks: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            shards: 1,
            settings: settings(),
            unix: None,
            tls: None,
            when_full: WhenFull::default(),
            clock: Clock::default(),
            told: None,
            has_tasks: false,
        }
    }
}

/// A server that is set up.
pub(crate) struct Served {
    pub(crate) address: Option<SocketAddr>,
    pub(crate) handle: Handle,
    pub(crate) incoming: Option<Incoming>,
    pub(crate) run: Task<io::Result<()>>,
}

/// What [`Platform::serve`] is, for a platform that `A` is made for.
pub(crate) async fn serve<A: TlsAdapter>(plan: Plan) -> io::Result<Served> {
    let server = match &plan.unix {
        Some(path) => Server::<A>::bind_unix(path).await?,
        None => Server::<A>::bind("localhost:0").await?,
    };
    let server = match plan.tls {
        Some(tls) => server.tls(tls),
        None => server,
    };
    let server = server
        .shards(plan.shards)
        .config(Config::new(plan.settings).unwrap())
        .when_full(plan.when_full);
    let (address, handle) = (server.local_addr().ok(), server.handle());
    let (epoch, clock) = (A::epoch(), plan.clock);
    let told = plan.told.unwrap_or_else(|| mpsc::channel().0);
    let runtime = move || clock.runtime(A::runtime(epoch));
    let (incoming, run): (_, Task<_>) = if plan.has_tasks {
        let (incoming, connections) = Incoming::new(&handle);
        (Some(incoming), Box::pin(server.run_by(move || connections.clone(), runtime)))
    } else {
        let service = move || Obedient { told: told.clone() };
        (None, Box::pin(server.run_by(service, runtime)))
    };
    Ok(Served { address, handle, incoming, run })
}

/// A running server.
pub(crate) struct House {
    pub(crate) platform: &'static dyn Platform,
    pub(crate) clock: Clock,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) handle: Handle,
    pub(crate) incoming: Option<Incoming>,
    told: Receiver<Told>,
    ended: Receiver<io::Result<()>>,
}

impl House {
    /// A server of so many shards, with the settings of every behaviour.
    pub(crate) async fn of(platform: &'static dyn Platform, shards: u8) -> Self {
        Self::open(platform, Plan { shards, ..Plan::default() }).await
    }

    pub(crate) async fn open(platform: &'static dyn Platform, mut plan: Plan) -> Self {
        let (tell, told) = mpsc::channel();
        plan.told = Some(tell);
        let clock = plan.clock.clone();
        let Served { address, handle, incoming, run } = platform.serve(plan).await.unwrap();
        let (end, ended) = mpsc::channel();
        platform.spawn(Box::pin(async move {
            // The test may have failed by then.
            let _ = end.send(run.await);
        }));
        Self { platform, clock, address, handle, incoming, told, ended }
    }

    /// A socket that is connected to the server.
    pub(crate) fn link(&self) -> Link {
        self.link_with(None)
    }

    /// As [`link`](Self::link), with a receive buffer of so many bytes.
    pub(crate) fn link_with(&self, receive_buffer_bytes: Option<usize>) -> Link {
        let address = self.address.expect("it listens on a port");
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        if let Some(bytes) = receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        socket.connect(&address.into()).unwrap();
        socket.set_tcp_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        self.platform.tcp(TcpStream::from(socket)).unwrap()
    }

    pub(crate) fn raw(&self) -> Raw {
        Raw { platform: self.platform, link: self.link() }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::over(self.platform, self.link()).await
    }

    /// A client, and the id of its connection, which must be the next that opens.
    pub(crate) async fn opened_client(&self) -> (Client, ConnId) {
        let client = self.client().await;
        match self.next_told().await {
            Told::Opened(conn) => (client, conn),
            told @ (Told::Asked(_) | Told::Closed(..)) => panic!("{told:?}, but it opened first"),
        }
    }

    /// A client, and the connection that its task is given.
    pub(crate) async fn given_client(&mut self) -> (Client, Connection) {
        let client = self.client().await;
        let incoming = self.incoming.as_mut().expect("its connections have tasks");
        let connection = soon(self.platform, incoming.next()).await;
        (client, connection.expect("it runs"))
    }

    /// Two ends of a connection that the server knows nothing of.
    pub(crate) fn pair(&self) -> (Link, Link) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, _) = listener.accept().unwrap();
        let [near, far] = [near, far].map(|stream| {
            stream.set_nonblocking(true).unwrap();
            self.platform.tcp(stream).unwrap()
        });
        (near, far)
    }

    /// A client that is a member of the topic.
    pub(crate) async fn member(&self, topic: &str) -> Client {
        let mut client = self.client().await;
        client.join(topic).await;
        client
    }

    /// The next thing that a service tells.
    pub(crate) async fn next_told(&self) -> Told {
        self.receive(&self.told).await
    }

    /// Has so much time pass again and again, until a service tells something.
    pub(crate) async fn pass_until_told(&self, step: Duration) -> Told {
        for _ in 0..1000 {
            self.clock.pass(step);
            self.platform.sleep(LOOK_INTERVAL).await;
            if let Ok(told) = self.told.try_recv() {
                return told;
            }
        }
        panic!("nothing is told: {:?}", self.handle.stats());
    }

    /// Waits until the counters are as they should be.
    pub(crate) async fn until(&self, is_so: impl Fn(&Stats) -> bool) {
        let seen = async {
            while !is_so(&self.handle.stats()) {
                self.platform.sleep(LOOK_INTERVAL).await;
            }
            true
        };
        let patience = async {
            self.platform.sleep(PATIENCE).await;
            false
        };
        assert!(or(seen, patience).await, "not so: {:?}", self.handle.stats());
    }

    /// What the server ends with, when it does.
    pub(crate) async fn end(&self) -> io::Result<()> {
        self.receive(&self.ended).await
    }

    /// Drains, and checks that nothing is left.
    pub(crate) async fn close(self) {
        let drained = self.handle.drain(farewell(Duration::from_secs(10)));
        // The deadline for those who do not obey.
        let passes = async {
            loop {
                self.clock.pass(Duration::from_secs(1));
                self.platform.sleep(LOOK_INTERVAL).await;
            }
        };
        soon(self.platform, or(drained, passes)).await.unwrap();
        self.ends_empty().await;
    }

    /// Waits for the end, and checks that nothing is left.
    pub(crate) async fn ends_empty(&self) {
        self.end().await.unwrap();
        let left = self.handle.stats();
        let now =
            [left.connections, left.topics, left.members, left.frames, left.queued, left.upgrading];
        assert_eq!(now, [0; 6], "{left:?}");
        assert_eq!(left.accepted, left.closed, "{left:?}");
    }

    /// What a thread or a task tells.
    pub(crate) async fn receive<T>(&self, receiver: &Receiver<T>) -> T {
        soon(self.platform, async {
            loop {
                match receiver.try_recv() {
                    Ok(received) => return received,
                    Err(_) => self.platform.sleep(LOOK_INTERVAL).await,
                }
            }
        })
        .await
    }
}

/// A drain that tells everybody at once, and waits no longer than `timeout`.
pub(crate) fn farewell(timeout: Duration) -> Drain {
    Drain {
        over: Duration::ZERO,
        timeout,
        farewell: CloseFrame { code: CloseCode::Away, reason: "closing time".into() },
    }
}
