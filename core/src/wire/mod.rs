//! One connection's RFC 6455: bytes in, messages and the replies that the RFC demands out.
//!
//! *The wire obeys the RFC; the hub obeys the config.* Nothing here waits, reads a clock or knows a
//! socket. [`Upgrade`] finds the request in the first bytes of a connection,
//! [`switching_protocols`] answers it, and a [`Wire`] speaks the frames that follow, in either role.
//! A client begins with a [`ClientHandshake`].
//!
//! ```
//! use fanlight_core::{Message, wire::{Incoming, Limits, Role, Wire}};
//!
//! let limits = Limits { message_bytes_max: 1024, ..Limits::default() };
//! let mut client = Wire::new(Role::Client { mask_seed: [7; 32] }, limits);
//! let mut server = Wire::new(Role::Server, limits);
//!
//! let mut bytes = Vec::new();
//! assert!(client.send(&Message::text("hello"), &mut bytes));
//!
//! let mut heard = None;
//! server.receive(&mut bytes, &mut |incoming| {
//!     if let Incoming::Message(message) = incoming {
//!         heard = Some(message);
//!     }
//! })?;
//! assert_eq!(heard, Some(Message::text("hello")));
//! # Ok::<(), fanlight_core::wire::Fault>(())
//! ```

mod assembly;
mod client;
mod close;
mod control;
mod data;
mod deflate;
mod deflater;
mod extension;
mod fault;
mod handshake;
mod head;
mod header;
mod incoming;
mod inflate;
mod machine;
mod mask;
mod message;
mod origin;
mod receiving;
mod refusal;
mod request;
mod request_fault;
mod role;
mod sending;
mod subprotocol;
mod token;
mod upgrade;
mod utf8;

pub use client::{AnswerFault, Answered, ClientHandshake, ClientRequestError};
pub use close::CloseCodeNotAllowed;
pub use data::Data;
pub use deflate::{Deflate, DeflateAnswerError};
pub use deflater::Deflater;
pub use fault::Fault;
pub(crate) use handshake::encode;
pub use handshake::switching_protocols;
pub use head::HeadLimits;
pub use incoming::{Incoming, Reply, ReplyKind};
pub use inflate::Inflater;
pub(crate) use inflate::deflated_bytes_max;
pub use machine::Wire;
pub(crate) use message::Frame;
pub use message::{HEADER_BYTES_MAX, Message};
pub use origin::{Origin, OriginError};
pub use refusal::{Refusal, RefusalError};
pub use request::{Admission, Negotiated, Request};
pub use request_fault::RequestFault;
pub use role::{Limits, Role};
pub use subprotocol::Subprotocol;
pub use upgrade::Upgrade;
