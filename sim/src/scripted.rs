//! A peer in the hands of a test.

use std::time::Duration;

use fanlight_core::{CloseCode, CloseFrame, ConnId, Message, Service};

use crate::{
    peer::{Peer, Rudeness},
    socket::Socket,
    world::World,
};

/// How long a scripted peer waits for what it expects: a minute of the world's time.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it looks whether that has come.
const GLANCE: Duration = Duration::from_millis(100);

/// A peer in the hands of a test: it does and expects what the test says.
///
/// What it expects it waits for, up to a minute of the world's time, and panics with the world's
/// seed if that does not come.
#[derive(Debug)]
pub struct ScriptedPeer<'a, S> {
    world: &'a mut World<S>,
    conn: ConnId,
}

impl<S: Service> World<S> {
    /// The peer of a connection, to be scripted.
    ///
    /// # Panics
    ///
    /// If there never was such a connection.
    pub fn peer(&mut self, conn: ConnId) -> ScriptedPeer<'_, S> {
        assert!(self.sockets.get(conn).is_some(), "{conn} is no connection of this world");
        ScriptedPeer { world: self, conn }
    }

    /// A new peer, whose upgrade to `path` is asked for and admitted.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub fn open(&mut self, path: &str) -> ConnId {
        let conn = match self.arrive() {
            Ok(conn) => conn,
            Err(refused) => panic!("{refused} (seed {})", self.seed),
        };
        self.peer(conn).open(path);
        conn
    }
}

impl<S: Service> ScriptedPeer<'_, S> {
    /// Asks for an upgrade to `path`, and waits until it is open.
    ///
    /// # Panics
    ///
    /// If it is refused, or not answered.
    pub fn open(&mut self, path: &str) -> &mut Self {
        let request = Peer::request(path, true);
        self.world.peer_sends(self.conn, &request);
        self.wait(|socket| socket.peer.is_answered());
        if !self.socket().peer.is_open() {
            self.fail(&format!("asked for {path:?} and was not admitted"));
        }
        self
    }

    /// Sends a text message.
    pub fn send(&mut self, text: &str) -> &mut Self {
        self.act(|peer, out| peer.say(text, out))
    }

    /// Sends a text message in three fragments, with a ping between them (RFC 6455, section 5.4).
    pub fn send_in_fragments(&mut self, text: &str) -> &mut Self {
        self.act(|peer, out| peer.say_in_fragments(text, out))
    }

    /// Sends a ping.
    pub fn ping(&mut self, payload: &[u8]) -> &mut Self {
        self.act(|peer, out| peer.ping(payload, out))
    }

    /// Sends a pong that nobody asked for.
    pub fn pong(&mut self, payload: &[u8]) -> &mut Self {
        self.act(|peer, out| peer.pong(payload, out))
    }

    /// Sends a Close.
    pub fn close(&mut self, code: CloseCode) -> &mut Self {
        let frame = CloseFrame { code, reason: "".into() };
        self.act(|peer, out| peer.close(Some(&frame), out))
    }

    /// Breaks RFC 6455.
    pub fn break_rules(&mut self, rudeness: Rudeness) -> &mut Self {
        self.act(|peer, out| peer.break_rules(rudeness, out))
    }

    /// Ends its half of the transport.
    pub fn end(&mut self) -> &mut Self {
        self.world.peer_ends(self.conn);
        self.flow()
    }

    /// Loses the transport, and the server is told so.
    pub fn reset(&mut self) -> &mut Self {
        self.world.reset(self.conn);
        self.flow()
    }

    /// Is not there any more, and nobody is told.
    pub fn vanish(&mut self) -> &mut Self {
        self.world.vanish(self.conn);
        self
    }

    /// Reads no more; what the server writes fills what lies between them.
    pub fn stall(&mut self) -> &mut Self {
        self.world.set_reads(self.conn, false);
        self
    }

    /// Reads again.
    pub fn read_on(&mut self) -> &mut Self {
        self.world.set_reads(self.conn, true);
        self.flow()
    }

    /// From now on its way carries this many bytes a second.
    pub fn slow_down(&mut self, bytes_per_second: u32) -> &mut Self {
        self.world.set_bytes_per_second(self.conn, Some(bytes_per_second));
        self
    }

    /// The next message that it has not been asked about yet.
    ///
    /// # Panics
    ///
    /// If none comes.
    pub fn next_message(&mut self) -> Message {
        self.wait(|socket| socket.peer.has_unasked());
        match self.world.sockets.get_mut(self.conn).and_then(|socket| socket.peer.ask()) {
            Some(message) => message,
            None => self.fail("expected a message, and none came"),
        }
    }

    /// The next message is this text.
    ///
    /// # Panics
    ///
    /// If it is another, or none comes.
    pub fn expect(&mut self, text: &str) -> &mut Self {
        self.wait(|socket| socket.peer.has_unasked());
        let next = self.world.sockets.get_mut(self.conn).and_then(|socket| socket.peer.ask());
        match next.as_ref().map(|next| next.as_text().unwrap_or("something binary")) {
            Some(next) if next == text => {}
            Some(next) => self.fail(&format!("expected {text:?}, and got {next:?}")),
            None => self.fail(&format!("expected {text:?}, and nothing came")),
        }
        self
    }

    /// No message comes for this long.
    ///
    /// # Panics
    ///
    /// If one does.
    pub fn expect_silence(&mut self, lasting: Duration) -> &mut Self {
        self.world.advance(lasting);
        if let Some(message) = self.world.sockets.get_mut(self.conn).and_then(|it| it.peer.ask()) {
            self.fail(&format!("expected silence, and got {message:?}"));
        }
        self
    }

    /// It is sent a Close with this code.
    ///
    /// # Panics
    ///
    /// If it is another, or none comes.
    pub fn expect_close(&mut self, code: CloseCode) -> &mut Self {
        self.wait(|socket| socket.peer.closed().is_some());
        let given = self.socket().peer.closed().flatten().map(|frame| frame.code);
        if given != Some(code) {
            self.fail(&format!("expected a Close with {code}, and got {given:?}"));
        }
        self
    }

    fn act(&mut self, act: impl FnOnce(&mut Peer, &mut Vec<u8>)) -> &mut Self {
        self.world.peer_acts(self.conn, act);
        self.flow()
    }

    fn flow(&mut self) -> &mut Self {
        self.world.flow();
        self
    }

    fn socket(&self) -> &Socket {
        self.world.socket(self.conn)
    }

    fn wait(&mut self, mut is_over: impl FnMut(&Socket) -> bool) {
        let until = self.world.now() + PATIENCE;
        self.world.flow();
        while !is_over(self.socket()) && !self.socket().is_gone() && self.world.now() < until {
            self.world.advance(GLANCE);
        }
    }

    fn fail(&self, what: &str) -> ! {
        let peer = &self.socket().peer;
        panic!(
            "at {} the peer of {} {what}; so far it has heard {:?} and a Close {:?} (seed {})",
            self.world.now(),
            self.conn,
            peer.texts(),
            peer.closed(),
            self.world.seed(),
        )
    }
}
