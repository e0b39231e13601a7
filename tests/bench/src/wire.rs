//! A wire between a function and the cloud: passes each call on with a plain client, and times it. So the bare sum of
//! an operation's calls is that of the very calls that it made, in the same run.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

/// The wire. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    /// Where functions reach it.
    pub(crate) endpoint: String,
    calls: Arc<Mutex<Vec<Duration>>>,
}

impl Wire {
    /// Listens, and passes on to `cloud`.
    pub(crate) async fn to(cloud: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let wire = Self { endpoint: format!("http://{}", listener.local_addr()?), calls: Arc::default() };
        let cloud = cloud.strip_prefix("http://").context("the cloud is no http address")?.to_owned();
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let calls = Arc::clone(&wire.calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let (client, cloud, calls) = (client.clone(), cloud.clone(), Arc::clone(&calls));
                let pass = service_fn(move |request| {
                    let (client, cloud, calls) = (client.clone(), cloud.clone(), Arc::clone(&calls));
                    async move { Ok::<_, Infallible>(pass_on(request, &client, &cloud, &calls).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), pass));
            }
        });
        Ok(wire)
    }

    /// How long each call took since this was last asked.
    pub(crate) fn taken(&self) -> Vec<Duration> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn pass_on(
    request: Request<Incoming>,
    client: &Client<HttpConnector, Full<Bytes>>,
    cloud: &str,
    calls: &Mutex<Vec<Duration>>,
) -> Response<Full<Bytes>> {
    let bad = |text: String| {
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        response
    };
    let (mut parts, body) = request.into_parts();
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else { return bad("no body".to_owned()) };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("http://{cloud}{path}").parse::<Uri>() else { return bad("no path".to_owned()) };
    // The host stays as it was signed.
    parts.uri = uri;
    let began = Instant::now();
    let answer = match client.request(Request::from_parts(parts, Full::new(body))).await {
        Ok(answer) => answer,
        Err(error) => return bad(error.to_string()),
    };
    let (parts, body) = answer.into_parts();
    let Ok(body) = body.collect().await.map(|body| body.to_bytes()) else { return bad("no answer".to_owned()) };
    calls.lock().unwrap_or_else(PoisonError::into_inner).push(began.elapsed());
    Response::from_parts(parts, Full::new(body))
}
