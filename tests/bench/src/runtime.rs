//! One function's process, and the Lambda runtime interface that it asks for work.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, mpsc};
use tokio::time::timeout;

/// Nothing that is measured takes this long.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a process is started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The name it goes by.
    pub(crate) name: String,
    /// The command and its arguments.
    pub(crate) command: Vec<String>,
    /// Its environment.
    pub(crate) environment: BTreeMap<String, String>,
}

/// What the process said.
#[derive(Debug)]
enum Said {
    /// It asks for work.
    Asks(Instant),
    /// It answered.
    Answers(Instant, Bytes),
    /// It gave up.
    Fails(Bytes),
}

#[derive(Debug)]
struct Desk {
    events: Mutex<mpsc::Receiver<Bytes>>,
    said: mpsc::Sender<Said>,
}

/// A running function.
#[derive(Debug)]
pub(crate) struct Function {
    name: String,
    child: Child,
    work: mpsc::Sender<Bytes>,
    said: mpsc::Receiver<Said>,
    /// From the start of the process until it asked for work.
    pub(crate) ready: Duration,
    started: Instant,
}

/// One invocation.
#[derive(Debug)]
pub(crate) struct Answered {
    /// From handing the event over until the answer was there.
    pub(crate) took: Duration,
    /// From the start of the process until the answer was there.
    pub(crate) since_start: Duration,
    /// The answer.
    pub(crate) body: Value,
}

impl Function {
    /// Starts the process and waits until it asks for work.
    pub(crate) async fn start(program: &Program, logs: &Path) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (work, events) = mpsc::channel(1);
        let (tell, mut said) = mpsc::channel(4);
        let desk = Arc::new(Desk { events: Mutex::new(events), said: tell });
        tokio::spawn(serve(listener, desk));

        let log = File::create(logs.join(format!("{}.log", program.name)))?;
        let (first, arguments) = program.command.split_first().context("no command")?;
        let mut command = Command::new(first);
        command
            .args(arguments)
            .env_clear()
            .envs(&program.environment)
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", &program.name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {first}"))?;
        let asked = timeout(PATIENCE, said.recv()).await.with_context(|| format!("{} does not come up", program.name))?;
        let Some(Said::Asks(at)) = asked else { bail!("{} does not come up: {asked:?}", program.name) };
        Ok(Self { name: program.name.clone(), child, work, said, ready: at - started, started })
    }

    /// Hands one event over and waits for the answer, and until it asks for the next.
    pub(crate) async fn invoke(&mut self, event: &Value) -> Result<Answered> {
        let event = Bytes::from(event.to_string());
        let began = Instant::now();
        self.work.send(event).await.ok().with_context(|| format!("{} is gone", self.name))?;
        let said = timeout(PATIENCE, self.said.recv()).await.with_context(|| format!("{} does not answer", self.name))?;
        let (at, body) = match said {
            Some(Said::Answers(at, body)) => (at, body),
            Some(Said::Fails(error)) => bail!("{} failed: {}", self.name, String::from_utf8_lossy(&error)),
            Some(Said::Asks(_)) | None => bail!("{} asked instead of answering", self.name),
        };
        timeout(PATIENCE, self.said.recv()).await.with_context(|| format!("{} asks for nothing more", self.name))?;
        Ok(Answered { took: at - began, since_start: at - self.started, body: serde_json::from_slice(&body)? })
    }

    /// The most memory that the process ever had, in bytes (`VmHWM`).
    pub(crate) fn peak(&self) -> Result<u64> {
        let id = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1_024)
    }
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Where that fails an answer is a few milliseconds late, in every row of the table.
        let _ = stream.set_nodelay(true);
        let desk = Arc::clone(&desk);
        let answer = service_fn(move |request| {
            let desk = Arc::clone(&desk);
            async move { Ok::<_, Infallible>(desk.answer(request).await) }
        });
        tokio::spawn(http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), answer));
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let at = Instant::now();
        let path = request.uri().path().to_owned();
        if request.method() == Method::GET && path.ends_with("/invocation/next") {
            // A receiver that is gone means that the bench has ended.
            let _ = self.said.send(Said::Asks(at)).await;
            let Some(event) = self.events.lock().await.recv().await else { return Response::default() };
            let mut response = Response::new(Full::new(event));
            let headers = response.headers_mut();
            for (name, value) in [
                ("content-type", "application/json"),
                ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                ("lambda-runtime-deadline-ms", "32503680000000"),
                ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench"),
                ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"),
            ] {
                headers.insert(name, hyper::header::HeaderValue::from_static(value));
            }
            return response;
        }
        let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let at = Instant::now();
        let said = if path.ends_with("/response") { Said::Answers(at, body) } else { Said::Fails(body) };
        let _ = self.said.send(said).await;
        let mut response = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"OK\"}")));
        *response.status_mut() = hyper::StatusCode::ACCEPTED;
        response
    }
}
