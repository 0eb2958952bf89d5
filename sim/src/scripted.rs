//! A peer in the hands of a test.

use std::time::Duration;

use fanlight_core::{CloseCode, CloseFrame, ConnId, Message, Service};

use crate::{
    peer::Peer,
    rudeness::Rudeness,
    socket::{Leave, Socket},
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
    pub(crate) world: &'a mut World<S>,
    pub(crate) conn: ConnId,
}

/// # Panics
///
/// Whatever is said here fails with the world's time and seed, what the peer has heard and how its
/// connection ended, if it has. To say something is a mistake once the peer has vanished, been
/// reset, ended its side or broken the rules, or its connection has ended.
impl<S: Service> ScriptedPeer<'_, S> {
    /// Asks for an upgrade to `path`, and waits until it is open.
    ///
    /// # Panics
    ///
    /// If it is refused, or not answered.
    #[track_caller]
    pub fn open(&mut self, path: &str) -> &mut Self {
        self.ask(path);
        if !self.socket().peer.is_open() {
            self.fail(&format!("asked for {path:?} and was not admitted"));
        }
        self
    }

    /// Asks for an upgrade to `path`, and is refused with this status.
    ///
    /// # Panics
    ///
    /// If it is admitted, refused with another status, or not answered.
    #[track_caller]
    pub fn expect_refused(&mut self, path: &str, status: u16) -> &mut Self {
        self.ask(path);
        if self.socket().peer.refused() != Some(status) {
            let got = if self.socket().peer.is_open() { "and was admitted" } else { "and was not" };
            self.fail(&format!("asked for {path:?}, to be refused with {status}, {got}"));
        }
        self
    }

    /// Sends a text message.
    #[track_caller]
    pub fn send(&mut self, text: &str) -> &mut Self {
        self.act(|peer, out| peer.say(text, out))
    }

    /// Sends a text message in three fragments, with a ping between them (RFC 6455, section 5.4).
    #[track_caller]
    pub fn send_in_fragments(&mut self, text: &str) -> &mut Self {
        self.act(|peer, out| peer.say_in_fragments(text, out))
    }

    /// Sends a ping.
    #[track_caller]
    pub fn ping(&mut self, payload: &[u8]) -> &mut Self {
        self.act(|peer, out| peer.ping(payload, out))
    }

    /// Sends a pong that nobody asked for.
    #[track_caller]
    pub fn pong(&mut self, payload: &[u8]) -> &mut Self {
        self.act(|peer, out| peer.pong(payload, out))
    }

    /// Sends a Close.
    #[track_caller]
    pub fn close(&mut self, code: CloseCode) -> &mut Self {
        let frame = CloseFrame { code, reason: "".into() };
        self.act(|peer, out| peer.close(Some(&frame), out))
    }

    /// Breaks RFC 6455.
    #[track_caller]
    pub fn break_rules(&mut self, rudeness: Rudeness) -> &mut Self {
        self.act(|peer, out| peer.break_rules(rudeness, out))
    }

    /// Ends its half of the transport.
    #[track_caller]
    pub fn end(&mut self) -> &mut Self {
        self.world.peer_ends(self.conn);
        self.flow()
    }

    /// Loses the transport, and the server is told so.
    #[track_caller]
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
    #[track_caller]
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
    #[track_caller]
    pub fn next_message(&mut self) -> Message {
        match self.hear() {
            Some(message) => message,
            None => self.fail("expected a message, and none came"),
        }
    }

    /// The next message is this text.
    ///
    /// # Panics
    ///
    /// If it is another, or none comes.
    #[track_caller]
    pub fn expect(&mut self, text: &str) -> &mut Self {
        let next = self.hear();
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
    #[track_caller]
    pub fn expect_silence(&mut self, lasting: Duration) -> &mut Self {
        self.world.advance(lasting);
        if let Some(message) = self.next_heard() {
            self.fail(&format!("expected silence, and got {message:?}"));
        }
        self
    }

    /// It is sent a Close with this code.
    ///
    /// # Panics
    ///
    /// If it is another, or has none, or no Close comes.
    #[track_caller]
    pub fn expect_close(&mut self, code: CloseCode) -> &mut Self {
        self.wait(|socket| socket.peer.closed().is_some());
        let given = self.socket().peer.closed().flatten().map(|frame| frame.code);
        if given != Some(code) {
            self.fail(&format!("expected a Close with {code}"));
        }
        self
    }

    /// It is sent a Close that has no code (RFC 6455, section 7.1.5).
    ///
    /// # Panics
    ///
    /// If it has one, or no Close comes.
    #[track_caller]
    pub fn expect_close_without_code(&mut self) -> &mut Self {
        self.wait(|socket| socket.peer.closed().is_some());
        if self.socket().peer.closed() != Some(None) {
            self.fail("expected a Close without a code");
        }
        self
    }

    #[track_caller]
    fn ask(&mut self, path: &str) {
        self.check_it_can("ask for a path");
        let request = Peer::request(path, true);
        self.world.peer_sends(self.conn, &request);
        self.wait(|socket| socket.peer.is_answered());
    }

    #[track_caller]
    fn act(&mut self, act: impl FnOnce(&mut Peer, &mut Vec<u8>)) -> &mut Self {
        self.check_it_can("say something");
        self.world.peer_acts(self.conn, act);
        self.flow()
    }

    /// Whoever is not there can do nothing, and a test that wants it to is mistaken.
    #[track_caller]
    fn check_it_can(&self, what: &str) {
        let socket = self.socket();
        let why = match socket.leave {
            Some(Leave::Vanished) => "has vanished",
            Some(Leave::Reset) => "has been reset",
            Some(Leave::Ended) => "has ended its side",
            None if socket.is_gone => "has no connection any more",
            None if socket.has_ended => "has answered the end of the server's side with its own",
            None if socket.peer.is_done() => "has broken the rules, its last words,",
            None => return,
        };
        self.fail(&format!("{why} and cannot {what}"));
    }

    #[track_caller]
    fn flow(&mut self) -> &mut Self {
        self.world.flow();
        self
    }

    fn socket(&self) -> &Socket {
        self.world.socket(self.conn)
    }

    /// The next message, waited for.
    #[track_caller]
    fn hear(&mut self) -> Option<Message> {
        self.wait(|socket| socket.peer.has_unasked());
        self.next_heard()
    }

    fn next_heard(&mut self) -> Option<Message> {
        self.world.sockets.get_mut(self.conn)?.peer.ask()
    }

    #[track_caller]
    fn wait(&mut self, mut is_over: impl FnMut(&Socket) -> bool) {
        let until = self.world.now() + PATIENCE;
        self.world.flow();
        while !is_over(self.socket()) && self.may_hear() && self.world.now() < until {
            self.world.advance(GLANCE);
        }
    }

    /// Whether anything more can come: the connection is there, or what it was sent is under way.
    fn may_hear(&self) -> bool {
        let socket = self.socket();
        !socket.is_gone || !socket.is_lost && !socket.is_unread && !socket.is_read()
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        let Socket { peer, ended, .. } = self.socket();
        let (now, seed, conn) = (self.world.now(), self.world.seed(), self.conn);
        let heard = peer.texts();
        let refused = match peer.refused() {
            Some(status) => format!("; its request was answered with {status}"),
            None => String::new(),
        };
        let close = match peer.closed() {
            None => "no Close yet".to_owned(),
            Some(None) => "a Close without a code".to_owned(),
            Some(Some(CloseFrame { code, reason })) => {
                format!("Close {} {:?}", u16::from(*code), reason.as_str())
            }
        };
        let ended = match ended {
            Some((at, reason)) => format!("; it ended at {at}: {reason}"),
            None => String::new(),
        };
        panic!(
            "at {now} the peer of {conn} {what}; so far it has heard {heard:?} and \
             {close}{refused}{ended} (seed {seed})"
        )
    }
}
