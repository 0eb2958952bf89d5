//! The future of one shard: the order of a turn, and sleep.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::{Context, Poll},
};

use fanlight_core::{Commands, ConnId, Hub, Instant, Seq, Service, Topic, wire::Wire};
use futures_io::{AsyncRead, AsyncWrite};
use tracing::{error, info};

use crate::{
    ask::Reply,
    connection::Exchange,
    error::Stopped,
    house::{Newcomers, Tenancy},
    journal::{JournalFile, Over},
    round::Farewells,
    runtime::Runtime,
    socket::Sockets,
    transport::Transport,
};

/// Commands and deliveries of one turn: some milliseconds of work, however much there is to do.
const WORK_PER_TURN: usize = 65_536;

/// One shard at work: a hub, its sockets of type `T`, its application and its runtime.
pub struct Driver<T, S, R> {
    pub(crate) tenancy: Tenancy,
    pub(crate) newcomers: Arc<[Newcomers<T>]>,
    pub(crate) hub: Hub,
    journal: Option<JournalFile>,
    pub(crate) service: S,
    pub(crate) runtime: R,
    pub(crate) commands: Commands,
    pub(crate) sockets: Sockets<Transport<T>>,
    /// Connections that are to be written, in the order in which they were found to be.
    pub(crate) writes: VecDeque<ConnId>,
    /// Those who asked through a handle to be told when a connection is a member.
    pub(crate) subscribing: Vec<(ConnId, Topic, Reply<Seq>)>,
    /// Connections that are to be closed, as orders of handles have it.
    pub(crate) farewells: VecDeque<Farewells>,
    /// Tasks whose next message has no room in the outbox of their connection.
    pub(crate) awaiting_room: HashMap<ConnId, Arc<Exchange>>,
    /// The one buffer into which all sockets of the shard are read.
    pub(crate) buffer: Vec<u8>,
    /// Where the small frames of one write are joined.
    pub(crate) scratch: Vec<u8>,
    /// How much work may still be done in this turn.
    pub(crate) work_left: usize,
    /// What the timer is set for, until it fires.
    armed: Option<Instant>,
}

impl<T, S, R> Driver<T, S, R> {
    pub(crate) fn new(
        tenancy: Tenancy,
        newcomers: Arc<[Newcomers<T>]>,
        hub: Hub,
        journal: Option<JournalFile>,
        service: S,
        runtime: R,
    ) -> Self {
        Self {
            sockets: Sockets::new(Arc::clone(tenancy.mailbox().ready())),
            tenancy,
            newcomers,
            buffer: vec![0; Wire::LONG_READS * hub.config().read_bytes_max],
            hub,
            journal,
            service,
            runtime,
            commands: Commands::default(),
            writes: VecDeque::new(),
            subscribing: Vec::new(),
            farewells: VecDeque::new(),
            awaiting_room: HashMap::new(),
            scratch: Vec::new(),
            work_left: WORK_PER_TURN,
            armed: None,
        }
    }
}

impl<T, S, R> Driver<T, S, R>
where
    T: AsyncRead + AsyncWrite + Unpin,
    S: Service,
    R: Runtime,
{
    /// Runs the shard until all shards of the house have drained. It drops its sockets at its end.
    ///
    /// # Errors
    ///
    /// Why the house ended in another way. All its shards end with the same answer, so it does not
    /// matter which of them panicked or was told to stop.
    pub async fn run(mut self) -> Result<(), Stopped> {
        let shard = self.tenancy.shard;
        info!(shard = shard.0, "the shard begins");
        let mut is_started = false;
        let end = poll_fn(|cx| {
            // The service's panics are caught where it is called; this is one of our own code.
            catch_unwind(AssertUnwindSafe(|| {
                if !std::mem::replace(&mut is_started, true) {
                    self.start();
                }
                self.poll_turn(cx)
            }))
            .unwrap_or_else(|_| {
                self.tenancy.hall.stop(Stopped::Panicked(shard));
                Poll::Ready(Err(Stopped::Panicked(shard)))
            })
        })
        .await;
        match end {
            Ok(()) => info!(shard = shard.0, "the shard has drained"),
            Err(Stopped::Asked) => info!(shard = shard.0, "the shard was told to stop"),
            Err(why @ (Stopped::Panicked(_) | Stopped::Dropped(_))) => {
                error!(shard = shard.0, %why, "the shard ends early");
            }
        }
        end
    }

    /// One turn: ready with the house's end.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        // Before anything is looked at, so that what comes later wakes.
        self.tenancy.mailbox().ready().register(cx.waker());
        if let Some(end) = self.tenancy.hall.fate.end() {
            return Poll::Ready(end);
        }
        let now = self.runtime.now();
        self.work_left = WORK_PER_TURN;
        self.settle(now);
        self.take_mail(now);
        self.take_newcomers(now);
        self.take_woken();
        self.read(now);
        self.write(now);
        self.tick();
        self.answer_subscribers();
        let is_told = self.tenancy.mailbox().set_stats(self.hub.stats());
        if let Some(end) = self.tenancy.hall.fate.end() {
            return Poll::Ready(end);
        }
        self.keep_journal(|journal, hub| journal.keep_in_time(hub, now));
        if self.has_more_to_do() || !is_told {
            self.runtime.yield_now(cx);
        } else {
            self.sleep(cx);
        }
        Poll::Pending
    }

    /// Writes what the hub has noted, if it notes anything.
    pub(crate) fn keep_journal(
        &mut self,
        keep: impl FnOnce(&mut JournalFile, &mut Hub) -> Result<(), Over>,
    ) {
        if let Some(journal) = &mut self.journal
            && keep(journal, &mut self.hub).is_err()
        {
            self.journal = None;
        }
    }

    /// Sees to it that the timer wakes in time for the next deadline, and for the journal.
    fn sleep(&mut self, cx: &mut Context<'_>) {
        let journal = self.journal.as_ref().and_then(|journal| journal.due(&self.hub));
        if let Some(deadline) = self.hub.next_deadline().into_iter().chain(journal).min()
            // A timer that is set for earlier wakes in time too, and is cheaper left alone.
            && self.armed.is_none_or(|armed| deadline < armed)
        {
            self.runtime.arm(deadline);
            self.armed = Some(deadline);
        }
        if self.armed.is_some() && self.runtime.poll_timer(cx).is_ready() {
            self.armed = None;
            self.runtime.yield_now(cx);
        }
    }
}

/// However the shard ends, its journal is whole up to there.
impl<T, S, R> Drop for Driver<T, S, R> {
    fn drop(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.end(&mut self.hub);
        }
    }
}

impl<T, S, R> fmt::Debug for Driver<T, S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("shard", &self.tenancy.shard)
            .field("armed", &self.armed)
            .finish_non_exhaustive()
    }
}
