//! Rooms of a chat inside an axum program: with routes, a state, and a WebSocket for users only.
//!
//! `cargo run -p fanlight-tokio --example axum`, then open two windows at
//! <http://127.0.0.1:9000/?token=ann-knows> and <http://127.0.0.1:9000/?token=bob-knows>.
//! <http://127.0.0.1:9000/online> says how many are there.

use std::{collections::BTreeMap, env, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::{Html, Response},
    routing::get,
};
use fanlight_tokio::{
    Admission, Arrival, Audience, Compat, ConnId, Context, Handle, Message, Refusal, Server,
    Service, http,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Whatever one says, everyone hears.
struct Chat;

impl Service for Chat {
    fn on_message(&mut self, cx: &mut Context<'_>, _from: ConnId, message: Message) {
        cx.publish(Audience::Everyone, message);
    }
}

/// What the handlers share.
#[derive(Clone)]
struct App {
    handle: Handle,
    /// By their tokens.
    users: Arc<BTreeMap<&'static str, &'static str>>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let server = Server::unbound();
    let users = [("ann-knows", "ann"), ("bob-knows", "bob")];
    let app = App { handle: server.handle(), users: Arc::new(users.into()) };
    tokio::spawn(server.run(|| Chat));

    let router = Router::new()
        .route("/", get(|| async { Html(PAGE) }))
        .route("/online", get(online))
        .route("/chat", get(chat))
        .with_state(app);
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9000".to_owned());
    let listener = TcpListener::bind(address).await?;
    println!("http://{}/?token=ann-knows", listener.local_addr()?);
    axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
}

async fn online(State(app): State<App>) -> String {
    match app.handle.count(Audience::Everyone).await {
        Ok(count) => format!("{count}\n"),
        Err(error) => format!("{error}\n"),
    }
}

async fn chat(
    State(app): State<App>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    let asked = match fanlight_tokio::Request::of_http(&request) {
        Ok(asked) => asked,
        Err(fault) => return refuse(fault.refusal()),
    };
    if !asked.is_same_origin() {
        return refuse(Refusal::forbidden_origin());
    }
    let token = asked.query().and_then(|query| query.strip_prefix("token="));
    let Some(user) = token.and_then(|token| app.users.get(token)) else {
        return refuse(Refusal::text(403, "who are you?\n").expect("403 is a status"));
    };
    let Some((answer, negotiated)) = app.handle.accept(&asked, Admission::user(*user)) else {
        return refuse(Refusal::upgrade_required());
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrade.await else { return };
        let stream = Compat::new(TokioIo::new(upgraded));
        let arrival = Arrival::Upgraded(peer.into(), negotiated, Vec::new());
        if let Err(error) = app.handle.attach(stream, arrival).await {
            eprintln!("{peer}: {error}");
        }
    });
    answer.map(|()| Body::empty())
}

fn refuse(refusal: Refusal) -> Response {
    http::Response::<Vec<u8>>::from(refusal).map(Body::from)
}

const PAGE: &str = r#"<!doctype html><title>Chat</title>
<form><input autofocus autocomplete="off"></form><pre></pre>
<script>
  const socket = new WebSocket(`ws://${location.host}/chat${location.search}`);
  const [form, said] = [document.querySelector("form"), document.querySelector("pre")];
  socket.onmessage = (event) => said.append(event.data + "\n");
  socket.onclose = (event) => said.append(`closed: ${event.code}\n`);
  form.onsubmit = (event) => {
    event.preventDefault();
    socket.send(form[0].value);
    form.reset();
  };
</script>"#;
