//! `yawc` against an echo, for `tests/clients/run`: each thing that is tried, and what came of it.

use std::{env, error::Error, time::Duration};

use futures_util::SinkExt;
use tokio::{net::TcpStream, time::timeout};
use yawc::{Frame, OpCode, Options, WebSocket, close::CloseCode};

/// No answer takes longer.
const SILENCE_MAX: Duration = Duration::from_secs(30);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let url = arguments.next().ok_or("the first argument is a ws:// URL")?;
    let is_deflated = arguments.next().is_some_and(|argument| argument == "on");
    let host = url.split('/').nth(2).ok_or("the URL has a host")?;
    let stream = TcpStream::connect(host).await?;
    let options = Options::default().with_utf8().with_max_payload_read(2 << 20);
    let options = if is_deflated { options.with_balanced_compression() } else { options };
    talk(WebSocket::handshake(url.parse()?, stream, options).await?).await
}

fn say(name: &str, is_ok: bool) {
    println!("{name} {}", if is_ok { "ok" } else { "differs" });
}

async fn heard(socket: &mut WebSocket<TcpStream>) -> Result<Frame, Box<dyn Error>> {
    Ok(timeout(SILENCE_MAX, socket.next_frame()).await??)
}

async fn talk(mut socket: WebSocket<TcpStream>) -> Result<(), Box<dyn Error>> {
    for size in [0, 1, 125, 126, 1 << 16, 1 << 20] {
        let text: String = "fanlight ".chars().cycle().take(size).collect();
        socket.send(Frame::text(text.clone())).await?;
        let frame = heard(&mut socket).await?;
        let is_same = frame.opcode() == OpCode::Text && *frame.payload() == text.as_bytes();
        say(&format!("text of {size}"), is_same);

        let binary: Vec<u8> = (0..size).map(|n| ((n * n) >> 3) as u8).collect();
        socket.send(Frame::binary(binary.clone())).await?;
        let frame = heard(&mut socket).await?;
        let is_same = frame.opcode() == OpCode::Binary && *frame.payload() == binary;
        say(&format!("binary of {size}"), is_same);
    }

    socket.send(Frame::text("one ").with_fin(false)).await?;
    socket.send(Frame::continuation("two ").with_fin(false)).await?;
    socket.send(Frame::continuation("three")).await?;
    say("fragments", *heard(&mut socket).await?.payload() == b"one two three"[..]);

    socket.send(Frame::ping("beat")).await?;
    let pong = heard(&mut socket).await?;
    say("ping", pong.opcode() == OpCode::Pong && *pong.payload() == b"beat"[..]);

    socket.send(Frame::close(CloseCode::from(3000), "bye")).await?;
    let close = heard(&mut socket).await?;
    say("close code", close.close_code().map(u16::from) == Some(3000));
    Ok(())
}
