//! Shards whose futures the test polls, under a clock that it moves.

use std::{
    num::NonZeroU8,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use fanlight_core::{
    Arrival, Audience, Config, ConnId, Context as Cx, Instant, Message, PeerAddr, Service,
    Settings, ShardId,
};
use fanlight_driver::{Door, Handle, HandleError, House, Question, Runtime, Stopped};
use futures_lite::future::{block_on, poll_once};

use crate::pipe::Pipe;

/// Sends every message back.
pub(crate) struct Echo;

impl Service for Echo {
    fn on_message(&mut self, cx: &mut Cx<'_>, conn: ConnId, message: Message) {
        cx.send(conn, message);
    }
}

/// The time, and what timers were set for.
#[derive(Clone, Default)]
pub(crate) struct Clock {
    nanos: Arc<AtomicU64>,
    pub(crate) armed: Arc<Mutex<Vec<Instant>>>,
}

impl Clock {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.nanos.load(Ordering::SeqCst))
    }
}

pub(crate) struct Manual {
    clock: Clock,
    armed: Option<Instant>,
}

impl Manual {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self { clock: clock.clone(), armed: None }
    }
}

impl Runtime for Manual {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn arm(&mut self, deadline: Instant) {
        self.clock.armed.lock().unwrap().push(deadline);
        self.armed = Some(deadline);
    }

    fn poll_timer(&mut self, _: &mut Context<'_>) -> Poll<()> {
        // The test polls after it has moved the clock, so nobody has to be woken.
        match self.armed {
            Some(armed) if armed <= self.clock.now() => Poll::Ready(()),
            Some(_) | None => Poll::Pending,
        }
    }

    fn yield_now(&mut self, cx: &mut Context<'_>) {
        cx.waker().wake_by_ref();
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type End = Result<(), Stopped>;

struct Act {
    future: Pin<Box<dyn Future<Output = End>>>,
    woken: Arc<Flag>,
    end: Option<End>,
}

/// A house whose shards move when the test says so.
pub(crate) struct Stage {
    pub(crate) handle: Handle,
    pub(crate) door: Door<Pipe>,
    pub(crate) clock: Clock,
    acts: Vec<Act>,
}

impl Stage {
    /// One whose service sends every message back.
    pub(crate) fn new(shards: u8, settings: Settings) -> Self {
        Self::of(shards, settings, |_| || Echo)
    }

    /// One whose services are made with the help of a handle.
    pub(crate) fn of<S: Service + 'static, F: FnMut() -> S>(
        shards: u8,
        settings: Settings,
        services: impl FnOnce(&Handle) -> F,
    ) -> Self {
        let config = Config::new(settings).unwrap();
        let house = House::new(config, NonZeroU8::new(shards).unwrap(), 7);
        let (handle, door, clock) = (house.handle(), house.door(), Clock::default());
        let mut service = services(&handle);
        let acts = house.into_shards().into_iter().map(|shard| Act {
            future: Box::pin(shard.driver(service(), Manual::new(&clock)).run()),
            woken: Arc::default(),
            end: None,
        });
        let mut stage = Self { handle, door, acts: acts.collect(), clock };
        stage.poll_all();
        stage
    }

    fn poll_all(&mut self) {
        for act in &self.acts {
            act.woken.0.store(true, Ordering::SeqCst);
        }
        self.settle();
    }

    /// Polls every shard that was woken, until none is.
    pub(crate) fn settle(&mut self) {
        self.settle_those(|_| true);
    }

    /// Polls one shard while it is woken, as if the others' threads had no time.
    pub(crate) fn settle_only(&mut self, shard: ShardId) {
        self.settle_those(|index| index == usize::from(shard.0));
    }

    fn settle_those(&mut self, is_meant: impl Fn(usize) -> bool) {
        for _ in 0..10_000 {
            let mut was_idle = true;
            let acts = self.acts.iter_mut().enumerate();
            for (_, act) in acts.filter(|(index, _)| is_meant(*index)) {
                if act.end.is_some() || !act.woken.0.swap(false, Ordering::SeqCst) {
                    continue;
                }
                was_idle = false;
                let waker = Waker::from(Arc::clone(&act.woken));
                if let Poll::Ready(end) = act.future.as_mut().poll(&mut Context::from_waker(&waker))
                {
                    act.end = Some(end);
                }
            }
            if was_idle {
                return;
            }
        }
        panic!("a shard never rests");
    }

    /// Lets time pass in one step.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.clock.nanos.fetch_add(time.as_nanos() as u64, Ordering::SeqCst);
        self.poll_all();
    }

    /// A socket that has been let in, with nothing said on it.
    pub(crate) fn pipe(&mut self) -> Pipe {
        let pipe = Pipe::default();
        self.door.admit(pipe.clone(), Arrival::Fresh(PeerAddr::Unnamed)).unwrap();
        self.settle();
        pipe
    }

    /// A socket whose upgrade is over, and whose output so far has been taken away.
    pub(crate) fn open_pipe(&mut self) -> Pipe {
        let pipe = self.pipe();
        pipe.give(REQUEST);
        self.settle();
        assert!(pipe.ends().output.starts_with(b"HTTP/1.1 101 "));
        pipe.ends().output.clear();
        pipe
    }

    /// Asks, and lets the shards work until it is answered.
    pub(crate) fn ask<T>(&mut self, question: Question<T>) -> Result<T, HandleError> {
        let answer = question.now()?;
        self.settle();
        now(answer.into_future()).expect("it is answered")
    }

    /// The id of the newest connection of those that are open.
    pub(crate) fn newest(&mut self) -> ConnId {
        let open = self.handle.list(Audience::Everyone);
        self.ask(open).unwrap().into_iter().max_by_key(|conn| conn.as_u64()).unwrap()
    }

    /// Drops the future of a shard.
    pub(crate) fn drop_shards(&mut self) {
        self.acts.clear();
    }

    /// How each shard has ended, if it has.
    pub(crate) fn ends(&self) -> Vec<Option<End>> {
        self.acts.iter().map(|act| act.end).collect()
    }
}

/// What a future is ready with, if it is.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    block_on(poll_once(future))
}

pub(crate) const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\
    Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A text as a client frames it, under a mask of zeros: RFC 6455, section 5.3.
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    assert!(length < 126);
    let mut frame = vec![0x81, 0x80 | length, 0, 0, 0, 0];
    frame.extend(text.bytes());
    frame
}

/// A text as a server frames it.
pub(crate) fn answer(text: &str) -> Vec<u8> {
    Message::text(text).frame().to_vec()
}
