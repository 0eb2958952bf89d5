//! A WebSocket inside a hyper server on smol: hyper reads the request, Fanlight does the rest.
//!
//! `cargo run -p fanlight-smol --example hyper`, then connect two clients to
//! `ws://127.0.0.1:9000/chat`: whatever one says, everyone hears. Any other path is a page.

use std::{convert::Infallible, env, io, net::SocketAddr};

use fanlight_smol::{
    Admission, Arrival, Audience, ConnId, Context, Handle, Message, Refusal, Server, Service,
};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use smol::net::{TcpListener, TcpStream};
use smol_hyper::rt::FuturesIo;

struct Chat;

impl Service for Chat {
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        cx.publish(Audience::Everyone, message);
    }
}

fn main() -> io::Result<()> {
    smol::block_on(async {
        let server = Server::unbound();
        let handle = server.handle();
        smol::spawn(server.run(|| Chat)).detach();

        let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
        let listener = TcpListener::bind(address).await?;
        println!("ws://{}/chat", listener.local_addr()?);
        loop {
            let (stream, peer) = listener.accept().await?;
            let handle = handle.clone();
            let answer = service_fn(move |request| {
                let answer = answer(&handle, peer, request);
                async { Ok::<_, Infallible>(answer) }
            });
            smol::spawn(async move {
                let served = http1::Builder::new()
                    .serve_connection(FuturesIo::new(stream), answer)
                    .with_upgrades();
                if let Err(error) = served.await {
                    eprintln!("{peer}: {error}");
                }
            })
            .detach();
        }
    })
}

fn answer(handle: &Handle, peer: SocketAddr, mut request: Request<Incoming>) -> Response<String> {
    if request.uri().path() != "/chat" {
        return Response::new("The chat is a WebSocket at /chat.\n".to_owned());
    }
    let asked = match fanlight_smol::Request::of_http(&request) {
        Ok(asked) => asked,
        Err(fault) => return refuse(fault.refusal()),
    };
    if !asked.is_same_origin() {
        return refuse(Refusal::forbidden_origin());
    }
    let Some((answer, negotiated)) = handle.accept(&asked, Admission::default()) else {
        return refuse(Refusal::upgrade_required());
    };
    let (upgrade, handle) = (hyper::upgrade::on(&mut request), handle.clone());
    smol::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        // The socket as it came, and what hyper has read of it beyond the request.
        let Ok(parts) = upgraded.downcast::<FuturesIo<TcpStream>>() else { return };
        let arrival = Arrival::Upgraded(peer.into(), negotiated, parts.read_buf.to_vec());
        if let Err(error) = handle.attach(parts.io.into_inner(), arrival).await {
            eprintln!("{peer}: {error}");
        }
    })
    .detach();
    answer.map(|()| String::new())
}

fn refuse(refusal: Refusal) -> Response<String> {
    Response::<Vec<u8>>::from(refusal)
        .map(|body| String::from_utf8(body).expect("all refusals here are of text"))
}
