//! Whether the frames of the table are those of the outboxes.

use super::{Entry, Frames, Kind};
use crate::{
    config::Config,
    hub::{
        audit::ensure,
        connection::Connection,
        outbox::{Lane, Outbox, Queue},
        reading::CONTROL_BYTES_MAX,
    },
    id::ConnId,
};

/// The longest control frame of a server: RFC 6455, section 5.5.
const CONTROL_FRAME_BYTES_MAX: usize = 2 + 125;

/// How often each node and each frame was met, by place in its table.
struct Met {
    nodes: Vec<u32>,
    frames: Vec<u32>,
}

impl Frames {
    pub(in crate::hub) fn audit(
        &self,
        connections: &[(ConnId, &Connection)],
        config: &Config,
    ) -> Result<(), String> {
        let mut met =
            Met { nodes: vec![0; self.nodes.capacity()], frames: vec![0; self.table.capacity()] };
        let mut under_way = 0;
        for (conn, connection) in connections {
            let told = |broken| format!("{conn}: {broken}");
            if connection.outbox.is_under_way(Lane::Normal) {
                under_way +=
                    self.queued_in(&connection.outbox, Lane::Normal).next().map_or(0, |it| it.1);
            }
            self.audit_outbox(&connection.outbox, config, &mut met).map_err(told)?;
        }
        for (node, _) in &self.nodes {
            ensure(met.nodes[node] == 1, || format!("node {node} is in no queue"))?;
        }
        let [mut bytes, mut message_bytes] = [0; 2];
        for (id, Entry { users, frame, kind }) in &self.table {
            let real = met.frames[id];
            ensure(*users == real && real > 0, || {
                format!("frame {id} ({kind:?}) counts {users} users, and has {real}")
            })?;
            bytes += frame.bytes().len();
            message_bytes += if *kind == Kind::Message { frame.bytes().len() } else { 0 };
        }
        let frames_bytes_max = config.frames_bytes_max;
        // What has begun to leave is finished, whatever the bound.
        ensure(message_bytes <= frames_bytes_max + under_way, || {
            format!("{message_bytes} bytes of messages wait, past the bound of {frames_bytes_max}")
        })?;
        ensure(self.bytes == bytes, || {
            format!("{} bytes are counted in the table of {bytes}", self.bytes)
        })
    }

    fn audit_outbox(&self, outbox: &Outbox, config: &Config, met: &mut Met) -> Result<(), String> {
        let [mut control_bytes, mut pong_bytes, mut normal_bytes] = [0; 3];
        let [mut normal, mut messages] = [0; 2];
        let mut has_close = false;
        for lane in Lane::ALL {
            let mut is_closed = false;
            for (place, (node, entry)) in self.walk(outbox, lane)?.into_iter().enumerate() {
                let told = |what: &str| format!("{:?} {what} {lane:?}", entry.kind);
                met.nodes[node as usize] += 1;
                ensure(met.nodes[node as usize] == 1, || told("is twice in"))?;
                met.frames[self.nodes[node as usize].frame.0 as usize] += 1;
                ensure(!is_closed, || told("follows a Close in"))?;
                ensure(entry.kind != Kind::Answer || place == 0, || told("is not first in"))?;
                let length = entry.frame.bytes().len();
                let lane_due = match entry.kind {
                    Kind::Answer | Kind::Ping | Kind::Pong => Lane::Control,
                    Kind::Message | Kind::Close => Lane::Normal,
                };
                ensure(lane == lane_due, || told("is in"))?;
                match lane {
                    Lane::Control => control_bytes += length,
                    Lane::Normal => (normal, normal_bytes) = (normal + 1, normal_bytes + length),
                }
                pong_bytes += if entry.kind == Kind::Pong { length } else { 0 };
                messages += usize::from(entry.kind == Kind::Message);
                is_closed = entry.kind == Kind::Close;
            }
            has_close |= is_closed;
        }
        let mut bytes = control_bytes + normal_bytes;
        if let Some(lane) = outbox.under_way() {
            let first = self.queued_in(outbox, lane).next();
            ensure(first.is_some_and(|(_, length)| outbox.taken() < length), || {
                format!("{} bytes have left of {first:?}", outbox.taken())
            })?;
            bytes -= outbox.taken();
            normal_bytes -= if lane == Lane::Normal { outbox.taken() } else { 0 };
        }
        for (what, counted, real) in [
            ("bytes", outbox.bytes(), bytes),
            ("bytes of control frames", outbox.control_bytes(), control_bytes),
            ("messages", outbox.messages(), normal),
        ] {
            ensure(counted == real, || format!("{counted} {what} are counted, {real} wait"))?;
        }
        // What bounds the messages of the open must let the Close through.
        let message_bytes = if has_close { 0 } else { normal_bytes };
        for (what, real, max) in [
            ("messages", messages, config.outbox_messages_max),
            ("bytes of messages", message_bytes, config.outbox_bytes_max),
            // The newest pong may be longer than the one that it replaces.
            ("bytes of pongs", pong_bytes, CONTROL_BYTES_MAX + CONTROL_FRAME_BYTES_MAX),
        ] {
            ensure(real <= max, || format!("{real} {what} wait, past the bound of {max}"))?;
        }
        Ok(())
    }

    /// The nodes of a lane with their frames, if it is a list that ends where it should.
    fn walk(&self, outbox: &Outbox, lane: Lane) -> Result<Vec<(u32, &Entry)>, String> {
        let queue = outbox.lane(lane);
        let mut walked = Vec::new();
        let mut node = queue.head;
        while node != Queue::END {
            let entry = self
                .nodes
                .get(node as usize)
                .and_then(|found| Some((found.next, self.table.get(found.frame.0 as usize)?)));
            let Some((next, entry)) = entry else {
                return Err(format!("node {node} of {lane:?}, or its frame, is not there"));
            };
            walked.push((node, entry));
            ensure(walked.len() <= self.nodes.len(), || format!("{lane:?} is a circle"))?;
            node = next;
        }
        let last = walked.last().map_or(Queue::END, |(node, _)| *node);
        ensure(last == queue.tail, || format!("{lane:?} ends at {last}, not at {}", queue.tail))?;
        Ok(walked)
    }
}
