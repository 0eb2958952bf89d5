//! All shards of a process, from their opening to their end.

use std::{fmt, io, iter, num::NonZeroU8, path::Path, sync::Arc};

use concurrent_queue::ConcurrentQueue;
use event_listener::Event;
use fanlight_core::{Arrival, Config, Drain, Hub, Seat, Service, ShardId};

use crate::{
    door::Door,
    driver::Driver,
    error::Stopped,
    fate::Fate,
    handle::Handle,
    journal::{JournalFile, Recording},
    mailbox::{Mail, Mailbox},
    runtime::Runtime,
    transport::Transport,
};

/// All shards of a process, before they run. `T` is the type of their own sockets, beside
/// which they may have any other [`Stream`](crate::Stream).
///
/// The house must be split into its shards and each of them driven: if one is dropped, the house
/// ends with [`Stopped::Dropped`].
#[derive(Debug)]
pub struct House<T> {
    hall: Arc<Hall>,
    newcomers: Arc<[Newcomers<T>]>,
    config: Config,
    /// One a shard, or none.
    journals: Vec<JournalFile>,
}

/// Sockets that may wait for one shard. It takes them in many at a time and answers those that it
/// declines, so only a shard that has no time at all lets them come so far.
const NEWCOMERS_MAX: usize = 4096;

/// Sockets that wait to be let in by one shard, in the order in which they came.
pub(crate) type Newcomers<T> = ConcurrentQueue<(Transport<T>, Arrival)>;

/// What all shards, doors and handles of a house share.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) fate: Fate,
    pub(crate) mailboxes: Box<[Mailbox]>,
    /// Shard 0's seat: enough to find the home of a topic.
    pub(crate) seat: Seat,
    /// Told when a connection has gone.
    pub(crate) left: Event,
    /// The longest frame that an outbox can hold.
    pub(crate) outbox_bytes_max: usize,
    /// Whether the hubs compress.
    pub(crate) deflates: bool,
}

impl<T> House<T> {
    /// A house of `shards` hubs with the same `config`.
    ///
    /// `seed` keys the hash that gives each topic its home and starts every generator of the hubs:
    /// draw it from the system's entropy, or fix it in a test.
    pub fn new(config: Config, shards: NonZeroU8, seed: u64) -> Self {
        let seat = Seat { shard: ShardId(0), shards: shards.get(), seed };
        let mailboxes = seat.all().map(|_| Mailbox::new(config.mailbox_bytes_max)).collect();
        let newcomers = seat.all().map(|_| ConcurrentQueue::unbounded()).collect();
        let hall = Arc::new(Hall {
            fate: Fate::new(shards.get()),
            mailboxes,
            seat,
            left: Event::new(),
            outbox_bytes_max: config.outbox_bytes_max,
            deflates: config.deflate_level > 0,
        });
        Self { hall, newcomers, config, journals: Vec::new() }
    }

    /// A handle on the house. It can be cloned, sent to any thread, and used before the shards run.
    pub fn handle(&self) -> Handle {
        Handle::new(Arc::clone(&self.hall))
    }

    /// The door through which sockets come in.
    pub fn door(&self) -> Door<T> {
        Door::new(
            Arc::clone(&self.hall),
            Arc::clone(&self.newcomers),
            NEWCOMERS_MAX,
            self.config.connections_max,
        )
    }

    /// Has every shard keep a [journal](fanlight_core::journal) of all that it is told. By default
    /// none is kept.
    ///
    /// # Errors
    ///
    /// The operating system's, if the files cannot be made.
    pub fn record(&mut self, recording: &Recording) -> io::Result<()> {
        self.journals = recording.open(self.hall.seat.shards)?;
        Ok(())
    }

    /// Where the journals go, in the order of their shards; nowhere if none is kept.
    pub fn journals(&self) -> impl Iterator<Item = &Path> {
        self.journals.iter().map(JournalFile::path)
    }

    /// The shards, in order. Each is to be driven by a task of its own.
    pub fn into_shards(self) -> Vec<Shard<T>> {
        let shards = self.hall.seat.all();
        let journals = self.journals.into_iter().map(Some).chain(iter::repeat_with(|| None));
        shards
            .zip(journals)
            .map(|(shard, journal)| Shard {
                tenancy: Tenancy { hall: Arc::clone(&self.hall), shard },
                newcomers: Arc::clone(&self.newcomers),
                config: self.config.clone(),
                journal,
            })
            .collect()
    }
}

/// One shard that does not run yet.
pub struct Shard<T> {
    tenancy: Tenancy,
    newcomers: Arc<[Newcomers<T>]>,
    config: Config,
    journal: Option<JournalFile>,
}

impl<T> Shard<T> {
    /// Which shard this is.
    pub fn id(&self) -> ShardId {
        self.tenancy.shard
    }

    /// The driver of this shard, with an application and a runtime of its own.
    pub fn driver<S: Service, R: Runtime>(self, service: S, runtime: R) -> Driver<T, S, R> {
        let seat = Seat { shard: self.tenancy.shard, ..self.tenancy.hall.seat };
        let hub = match &self.journal {
            Some(journal) => journal.hub(self.config, seat),
            None => Hub::new(self.config, seat),
        };
        Driver::new(self.tenancy, self.newcomers, hub, self.journal, service, runtime)
    }
}

impl<T> fmt::Debug for Shard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shard").field(&self.tenancy.shard).finish()
    }
}

impl Hall {
    pub(crate) fn mailbox(&self, shard: ShardId) -> &Mailbox {
        &self.mailboxes[usize::from(shard.0)]
    }

    /// The shard with the fewest sockets.
    pub(crate) fn emptiest(&self) -> ShardId {
        self.seat
            .all()
            .min_by_key(|shard| self.mailbox(*shard).load())
            .expect("a house has at least one shard")
    }

    pub(crate) fn drain(&self, drain: &Drain) {
        self.fate.begin_drain();
        for mailbox in &self.mailboxes {
            mailbox.put(Mail::Drain(drain.clone()));
        }
    }

    pub(crate) fn shard_drained(&self) {
        if self.fate.shard_drained() {
            self.wake_all();
        }
    }

    /// Ends the house at once, if it has not ended yet.
    pub(crate) fn stop(&self, why: Stopped) {
        if self.fate.stop(why) {
            self.wake_all();
        }
    }

    fn wake_all(&self) {
        for mailbox in &self.mailboxes {
            mailbox.ready().wake();
            mailbox.room().notify(usize::MAX);
        }
    }
}

/// One shard's part in the house. No shard can be spared, so the first that is dropped before the
/// house has ended takes the others with it.
#[derive(Debug)]
pub(crate) struct Tenancy {
    pub(crate) hall: Arc<Hall>,
    pub(crate) shard: ShardId,
}

impl Tenancy {
    pub(crate) fn mailbox(&self) -> &Mailbox {
        self.hall.mailbox(self.shard)
    }

    /// Counts a socket of this shard as gone.
    pub(crate) fn take_load(&self) {
        self.mailbox().take_load();
        self.hall.left.notify(usize::MAX);
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        self.hall.stop(Stopped::Dropped(self.shard));
        self.mailbox().close();
    }
}

#[cfg(test)]
mod tests {
    use futures_lite::future::block_on;

    use super::*;
    use crate::error::{DoorError, HandleError};

    fn house(shards: u8) -> House<()> {
        House::new(Config::default(), NonZeroU8::new(shards).unwrap(), 7)
    }

    #[test]
    fn a_dropped_shard_ends_the_house() {
        let house = house(3);
        let (handle, door) = (house.handle(), house.door());
        let mut shards = house.into_shards();
        assert_eq!(shards.iter().map(|shard| shard.id().0).collect::<Vec<_>>(), [0, 1, 2]);
        drop(shards.remove(1));
        assert_eq!(block_on(handle.ended()), Err(Stopped::Dropped(ShardId(1))));
        assert_eq!(handle.publish("topic", "text".into()).now(), Err(HandleError::Stopped));
        let arrival = Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
        assert_eq!(door.admit((), arrival), Err(DoorError::Closed));
    }

    #[test]
    fn the_door_shares_sockets_out_evenly() {
        let house = house(3);
        let door = house.door();
        for _ in 0..9 {
            let arrival = Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
            assert_eq!(door.admit((), arrival), Ok(()));
        }
        let waiting: Vec<_> = house.newcomers.iter().map(ConcurrentQueue::len).collect();
        assert_eq!(waiting, [3, 3, 3]);
    }

    #[test]
    fn a_door_says_when_there_is_room_again() {
        let config = Config::new(fanlight_core::Settings {
            connections_max: 1,
            ..fanlight_core::Settings::default()
        });
        let house = House::new(config.unwrap(), NonZeroU8::new(2).unwrap(), 7);
        let door = house.door();
        block_on(async {
            for _ in 0..2 {
                door.room().await;
                let arrival = Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
                door.admit((), arrival).unwrap();
            }
            let mut room = std::pin::pin!(door.room());
            assert_eq!(futures_lite::future::poll_once(&mut room).await, None);
            let shards: Vec<Shard<()>> = house.into_shards();
            shards[1].tenancy.take_load();
            room.await;
        });
    }

    #[test]
    fn a_publish_goes_straight_to_the_home_of_its_topic() {
        let house = house(4);
        let handle = house.handle();
        for name in ["a", "b", "c", "d", "e"] {
            handle.publish(name, "text".into()).now().unwrap();
            let home = house.hall.seat.home(&name.into());
            assert!(house.hall.mailbox(home).take_request().is_some());
        }
        assert!(house.hall.mailboxes.iter().all(|mailbox| !mailbox.has_requests()));
    }

    #[test]
    fn a_drain_reaches_every_shard_and_shuts_the_door() {
        let house = house(2);
        let farewell =
            fanlight_core::CloseFrame { code: fanlight_core::CloseCode::Away, reason: "".into() };
        let second = std::time::Duration::from_secs(1);
        drop(house.handle().drain(Drain { over: second, timeout: second, farewell }));
        for mailbox in &house.hall.mailboxes {
            assert!(matches!(mailbox.take(), Some(Mail::Drain(_))));
        }
        let arrival = Arrival::Fresh(fanlight_core::PeerAddr::Unnamed);
        assert_eq!(house.door().admit((), arrival), Err(DoorError::Closed));
    }
}
