//! What stands where CloudFront stands: it hands requests on to the API with the origin's secret and the
//! viewer's network facts. It also serves the sample client, signs the demo's customers in and shows their inboxes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result, anyhow};
use serde_json::json;
use tiny_http::{Header, Request, Response, Server};

use crate::carrier::Inbox;
use crate::people::{Customer, LOS_ANGELES, MIAMI, Place};
use crate::stack::Stack;
use crate::terminal::wrap;
use crate::workspace::Workspace;

/// Says where the viewer is: `miami` (also when it is missing) or `los-angeles`.
const PLACE_HEADER: &str = "x-local-place";
/// Where the inboxes are shown, as text, and with `.json` behind it as JSON.
pub(crate) const INBOX: &str = "/_local/inbox";
/// The demo's customers, each with a token: where a carrier's app would sign in.
const CUSTOMERS: &str = "/_local/customers.json";
const WORKERS: usize = 8;

/// The sample client, under the API's own origin: the local cloud answers no CORS preflights.
const PAGES: [(&str, &str, &str); 6] = [
    ("/", "index.html", "text/html; charset=utf-8"),
    ("/not-me", "not-me.html", "text/html; charset=utf-8"),
    ("/page.css", "page.css", "text/css; charset=utf-8"),
    ("/page.js", "page.js", "text/javascript; charset=utf-8"),
    ("/not-me.js", "not-me.js", "text/javascript; charset=utf-8"),
    ("/linekeeper.js", "linekeeper.js", "text/javascript; charset=utf-8"),
];
/// What a page of the sample client may do: as little as a carrier's app should.
const PAGE_HEADERS: [(&str, &str); 5] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
    ),
    ("permissions-policy", "otp-credentials=(self), publickey-credentials-get=(self), publickey-credentials-create=(self)"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
];

/// What the viewer may not say of itself, and what belongs to one connection only.
const NOT_PASSED: [&str; 6] = ["host", "connection", "content-length", "transfer-encoding", "accept-encoding", PLACE_HEADER];

/// An address that callers will reach the API at. It is there before the stack is: proofs of devices' keys are for
/// it, so the stack has to know it.
pub(crate) struct Edge {
    server: Arc<Server>,
    base: String,
}

impl Edge {
    /// Listens on a free loopback port.
    pub(crate) fn listen() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("the edge cannot listen")?;
        // By its name: browsers make passkeys for no IP address.
        let base = format!("http://localhost:{}", listener.local_addr()?.port());
        let server = Server::from_listener(listener, None).map_err(|error| anyhow!("the edge cannot listen: {error}"))?;
        Ok(Self { server: Arc::new(server), base })
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Serves, for as long as the program runs.
    pub(crate) fn serve(self, workspace: &Workspace, stack: &Arc<Stack>, customers: &[Customer]) {
        for _ in 0..WORKERS {
            let (server, stack, customers) = (Arc::clone(&self.server), Arc::clone(stack), customers.to_vec());
            let client = workspace.client();
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    respond(&stack, &customers, &client, request);
                }
            });
        }
    }
}

fn respond(stack: &Stack, customers: &[Customer], client: &Path, mut request: Request) {
    let answer = match request.url() {
        CUSTOMERS => signed_in(stack, customers),
        url if url == INBOX => inboxes(stack, customers).map(|messages| as_text(&messages)),
        url if url.strip_suffix(".json") == Some(INBOX) => inboxes(stack, customers).map(|messages| as_json(&messages)),
        url => match PAGES.iter().find(|(path, ..)| *path == url) {
            Some((_, file, kind)) => page(&client.join(file), kind),
            None => forward(stack, &mut request),
        },
    };
    let response = answer.unwrap_or_else(|error| Response::from_string(format!("{error:#}\n")).with_status_code(502));
    // A viewer that left is no trouble of ours.
    let _ = request.respond(response);
}

type Text = Response<std::io::Cursor<Vec<u8>>>;

/// Read anew each time: who works on the client reloads the page.
fn page(file: &Path, kind: &str) -> Result<Text> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut response = Response::from_data(text);
    for (name, value) in PAGE_HEADERS.into_iter().chain([("content-type", kind)]) {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    Ok(response)
}

fn signed_in(stack: &Stack, customers: &[Customer]) -> Result<Text> {
    let customers: Result<Vec<_>> = customers
        .iter()
        .map(|customer| {
            Ok(json!({
                "name": customer.name, "account_id": customer.account_id, "line_id": customer.line_id,
                "device": customer.device, "token": stack.issuer.customer(&customer.account_id)?,
            }))
        })
        .collect();
    Ok(json_text(&json!(customers?)))
}

fn json_text(value: &serde_json::Value) -> Text {
    let mut response = Response::from_string(value.to_string());
    if let Ok(header) = Header::from_bytes("content-type", "application/json") {
        response.add_header(header);
    }
    response
}

fn forward(stack: &Stack, request: &mut Request) -> Result<Text> {
    let mut body = Vec::new();
    request.as_reader().read_to_end(&mut body)?;
    let mut forwarded = ureq::http::Request::builder()
        .method(request.method().as_str())
        .uri(format!("{}{}", stack.api.base(), request.url()))
        .header("host", stack.api.host());
    let mut place = &MIAMI;
    for header in request.headers() {
        let name = header.field.as_str().as_str().to_ascii_lowercase();
        if name == PLACE_HEADER {
            place = place_named(header.value.as_str());
        }
        if !NOT_PASSED.contains(&name.as_str()) && !name.starts_with("cloudfront-") && name != "x-linekeeper-edge" {
            forwarded = forwarded.header(name, header.value.as_str());
        }
    }
    for (name, value) in stack.api.edge_headers(place) {
        forwarded = forwarded.header(name, value);
    }
    let mut answer = stack.api.agent().run(forwarded.body(body)?).context("the API does not answer")?;
    let mut response = Response::from_data(answer.body_mut().read_to_vec()?).with_status_code(answer.status().as_u16());
    for (name, value) in answer.headers() {
        if NOT_PASSED.contains(&name.as_str()) {
            continue;
        }
        if let Ok(header) = Header::from_bytes(name.as_str(), value.as_bytes()) {
            response.add_header(header);
        }
    }
    Ok(response)
}

fn place_named(name: &str) -> &'static Place {
    if name == "los-angeles" { &LOS_ANGELES } else { &MIAMI }
}

type Received = Vec<(String, crate::stack::Message)>;

fn inboxes(stack: &Stack, customers: &[Customer]) -> Result<Received> {
    let mut received = Vec::new();
    for customer in customers {
        let messages = Inbox::whole(stack, customer)?;
        received.extend(messages.into_iter().map(|message| (customer.name.to_owned(), message)));
    }
    Ok(received)
}

fn as_text(received: &Received) -> Text {
    let mut page = String::new();
    for (name, message) in received {
        let subject = message.subject.as_deref().unwrap_or_default();
        page.push_str(&format!("{name}, {}  {subject}\n", message.channel));
        for line in wrap(&message.text, 100) {
            page.push_str(&format!("  | {line}\n"));
        }
        page.push('\n');
    }
    Response::from_string(page)
}

fn as_json(received: &Received) -> Text {
    let messages: Vec<_> = received
        .iter()
        .map(
            |(name, message)| json!({ "to": name, "channel": message.channel, "subject": message.subject, "text": message.text }),
        )
        .collect();
    json_text(&json!(messages))
}
