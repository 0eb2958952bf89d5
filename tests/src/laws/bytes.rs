//! Law 4: whole frames.

use super::{Judged, broken};
use crate::{frame::Stream, stage::Stage};

const LAW: &str = "law 4, whole frames,";

/// The bytes written to one connection are always a valid RFC 6455 stream, nothing follows a Close
/// frame, and a connection that is shut down got its last frame whole, if it would take it.
///
/// # Errors
///
/// The first connection whose bytes are not.
pub fn whole_frames(stage: &Stage) -> Judged {
    for (conn, socket) in stage.world.sockets() {
        let peer = &socket.peer;
        let stream = match Stream::read(socket.outward(), peer.came_upgraded()) {
            Ok(stream) => stream,
            Err(what) => return broken(LAW, format!("on {conn}: {what}")),
        };
        if let Some(fault) = peer.fault() {
            return broken(LAW, format!("on {conn}: its peer says {fault}"));
        }
        let texts: Vec<_> = stream.texts().collect();
        if texts != peer.texts() {
            let what = format!("on {conn}: written {texts:?}, read {:?}", peer.texts());
            return broken(LAW, what);
        }
        if socket.is_shut() && !socket.is_cut_short() && !stream.rest.is_empty() {
            return broken(LAW, format!("on {conn}: shut down in the middle of a frame"));
        }
        if stream.close_code().is_some() != peer.closed().is_some() {
            let what = format!("on {conn}: written a Close, read {:?}", peer.closed());
            return broken(LAW, what);
        }
    }
    Ok(())
}
