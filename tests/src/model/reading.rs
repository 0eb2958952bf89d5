//! What comes from peers: RFC 6455, and the design, section 6.

use fanlight_core::{CloseCode, CloseFrame, CloseReason, wire::Fault};

use super::{
    Breach, Ending, House, Name, Place, Seen, Speech,
    connection::{Connection, Held, State},
    probe::BYE,
};

/// The reason of a Close of the peer.
fn closed_with(code: Option<u16>) -> CloseReason {
    let frame = |code| CloseFrame { code: CloseCode::from(code), reason: "".into() };
    CloseReason::PeerClosed(code.map(|code| Box::new(frame(code))))
}

impl House {
    /// A peer that has asked says something. If it is not read now, it is later.
    pub(super) fn say(&mut self, number: usize, speeches: &[Speech], by: usize) {
        let connection = &self.connections[number];
        // A ping of ours carries eight bytes.
        let is_pinged = connection.ping.is_some_and(|ping| ping.left_at.is_some());
        let pinged: &[u8] = if is_pinged { &[0; 8] } else { &[] };
        let lengths = speeches.iter().map(|speech| speech.bytes(by, &self.settings, pinged).len());
        let bytes = lengths.sum();
        if connection.is_read() {
            return self.receive(number, speeches, by, bytes);
        }
        // What is said before a ping has left does not answer it, whenever it is read.
        let answers_nothing = |speech| !is_pinged && matches!(speech, Speech::Pong);
        let said = speeches
            .iter()
            .map(|&speech| if answers_nothing(speech) { Speech::StrayPong } else { speech });
        let read = Held::Read(said.collect(), by, bytes);
        self.connections[number].held.push_back(read);
    }

    /// The application has the connection read again.
    pub(super) fn resume(&mut self, number: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        if !std::mem::take(&mut connection.is_paused) {
            return;
        }
        // Its silence was no silence, and that time was not the message's.
        connection.heard_at = now;
        if let Some(ping) = &mut connection.ping {
            ping.is_answered |= ping.left_at.is_some();
        }
        if let Some((_, begun_at)) = &mut connection.message {
            *begun_at = now;
        }
    }

    /// Reads one thing that was held and is not any more, if there is one.
    pub(super) fn read_held(&mut self) -> bool {
        let readable = |it: &Connection| it.is_read() && !it.held.is_empty();
        let Some(number) = self.connections.iter().position(readable) else { return false };
        match self.connections[number].held.pop_front() {
            Some(Held::Read(speeches, by, bytes)) => self.receive(number, &speeches, by, bytes),
            Some(Held::Eof) => self.see_end(number, Ending::Eof),
            None => {}
        }
        true
    }

    /// One read of a peer that has asked, of so many bytes.
    pub(super) fn receive(&mut self, number: usize, speeches: &[Speech], by: usize, bytes: usize) {
        match self.connections[number].state {
            State::Upgrading | State::Deciding | State::Gone => {}
            State::Open if self.connections[number].last_word.is_some() => {
                self.say_last_word(number);
            }
            State::Open => self.read(number, speeches, by),
            State::Closing => self.read_closing(number, speeches, by),
            State::Lingering => {
                self.connections[number].discarded += bytes;
                if self.connections[number].discarded > self.settings.linger_bytes_max {
                    self.drop(number);
                }
            }
        }
    }

    /// A read of an open connection: the wire judges all of it, then the service hears the
    /// messages, and then comes the end, if the read holds one.
    fn read(&mut self, number: usize, speeches: &[Speech], by: usize) {
        let now = self.now;
        let connection = &mut self.connections[number];
        connection.heard_at = now;
        // What comes before a ping has left does not answer it.
        if let Some(ping) = &mut connection.ping {
            ping.is_answered |= ping.left_at.is_some();
        }
        let mut messages = Vec::new();
        let mut pongs = Vec::new();
        let mut end = None;
        for speech in speeches {
            match self.judge(number, *speech, by, &mut messages, &mut pongs) {
                Ok(None) => {}
                Ok(Some(code)) => end = Some((closed_with(code), code.unwrap_or(1005))),
                Err(fault) => {
                    self.count("faults");
                    end = Some((CloseReason::Fault(fault), fault.code().into()));
                }
            }
            if end.is_some() {
                break;
            }
        }
        for pong in pongs {
            self.put(number, pong);
        }
        // What came before the end is answered before it; but whatever else closes the connection
        // meanwhile, it was the peer who did first.
        self.connections[number].last_word = end;
        let waits = !messages.is_empty();
        for text in messages {
            self.hear(number, text);
        }
        // Else it is said when the next tick comes.
        if !waits {
            self.say_last_word(number);
        }
    }

    /// What the wire makes of it: perhaps a Close with its code.
    fn judge(
        &mut self,
        number: usize,
        speech: Speech,
        by: usize,
        messages: &mut Vec<String>,
        pongs: &mut Vec<Seen>,
    ) -> Result<Option<Option<u16>>, Fault> {
        let now = self.now;
        let text = speech.text(by, &self.settings);
        let message_bytes_max = self.settings.message_bytes_max;
        let connection = &mut self.connections[number];
        match speech {
            Speech::Chat
            | Speech::Echo
            | Speech::Bye
            | Speech::Say(_)
            | Speech::Longest
            | Speech::TooLong => {
                if connection.message.is_some() {
                    return Err(Fault::MessageInsideMessage);
                }
                if text.len() > message_bytes_max {
                    return Err(Fault::MessageTooBig);
                }
                messages.push(text);
                self.count("received_messages");
            }
            Speech::Begin => {
                if connection.message.is_some() {
                    return Err(Fault::MessageInsideMessage);
                }
                connection.message = Some((text, now));
            }
            Speech::Middle | Speech::Finish => {
                let Some((begun, _)) = &mut connection.message else {
                    return Err(Fault::ContinuationOfNothing);
                };
                begun.push_str(&text);
                if begun.len() > message_bytes_max {
                    return Err(Fault::MessageTooBig);
                }
                if speech == Speech::Finish {
                    messages.push(std::mem::take(begun));
                    connection.message = None;
                    self.count("received_messages");
                }
            }
            Speech::Ping => pongs.push(Seen::Pong(text)),
            Speech::Pong => {
                if let Some(ping) = &mut connection.ping
                    && ping.left_at.is_some()
                    && !ping.has_pong
                {
                    ping.has_pong = true;
                    self.count("round_trips");
                }
            }
            Speech::StrayPong => {}
            Speech::CloseWith(code) => return Ok(Some(Some(code))),
            Speech::CloseWithout => return Ok(Some(None)),
            Speech::Breach(Breach::Text) if connection.message.is_some() => {
                return Err(Fault::MessageInsideMessage);
            }
            Speech::Breach(breach) => return Err(fault(breach)),
        }
        Ok(None)
    }

    /// The service is given a message, unless it has closed the connection. That the answer to one
    /// message overflows the outbox does not unsay the next of the same read.
    fn hear(&mut self, number: usize, text: String) {
        let connection = &self.connections[number];
        let is_overflown = connection.reason == Some(CloseReason::OutboxFull);
        if !connection.is_open() && !is_overflown {
            return;
        }
        self.account.add(self.now, Place::Application(number), Seen::Delivered(text.clone()));
        if text.starts_with("echo") && !self.connections[number].is_open() {
            self.count("stale_events");
        } else if text.starts_with("echo") {
            self.give(number, &text);
        } else if text.starts_with("bye") {
            self.close(number, BYE, false);
        } else if let Some(name) = Name::in_text(&text) {
            let via = self.connections[number].shard;
            self.publish(via, super::Audience::MembersOf(name), &text, None);
        }
    }

    /// After a Close of ours only the peer's own is waited for; a peer that breaks the rules
    /// instead will not send one.
    fn read_closing(&mut self, number: usize, speeches: &[Speech], by: usize) {
        if self.connections[number].peer_has_closed {
            return;
        }
        let is_over = |speech: &Speech| {
            let judged = self.judge(number, *speech, by, &mut Vec::new(), &mut Vec::new());
            !matches!(judged, Ok(None))
        };
        if speeches.iter().any(is_over) {
            self.connections[number].peer_has_closed = true;
            self.proceed(number);
        }
    }

    /// The transport ends. A reset is seen though nothing is read.
    pub(super) fn end(&mut self, number: usize, ending: Ending) {
        let connection = &mut self.connections[number];
        connection.is_silent = true;
        match ending {
            Ending::Eof if !connection.is_read() => connection.held.push_back(Held::Eof),
            Ending::Reset => {
                connection.held.clear();
                self.see_end(number, ending);
            }
            Ending::Eof => self.see_end(number, ending),
        }
    }

    fn see_end(&mut self, number: usize, ending: Ending) {
        let status = self.connections[number].outbox.status;
        let is_owed_answer = status.is_some_and(|status| status != 101);
        match (self.connections[number].state, ending) {
            (State::Closing, Ending::Eof) if is_owed_answer => {
                self.connections[number].has_ended = true;
            }
            (State::Gone, _) => {}
            (State::Open, Ending::Eof) if self.connections[number].last_word.is_some() => {
                self.connections[number].has_ended = true;
                self.say_last_word(number);
            }
            (
                State::Upgrading
                | State::Deciding
                | State::Open
                | State::Closing
                | State::Lingering,
                Ending::Eof | Ending::Reset,
            ) => self.lose(number, CloseReason::PeerGone),
        }
    }
}

fn fault(breach: Breach) -> Fault {
    match breach {
        Breach::Bit => Fault::ReservedBits,
        Breach::Opcode => Fault::ReservedOpcode(3),
        Breach::Bare => Fault::Unmasked,
        Breach::Fragment => Fault::ControlFragmented,
        Breach::Text => Fault::InvalidUtf8,
        Breach::HalfCode => Fault::CloseOfOneByte,
        Breach::Code => Fault::CloseCodeNotAllowed(1005),
    }
}
