//! A tap on every call that leaves a function: counts it, and can crash the function there.
//!
//! A crash is a call that fails, and every later call of the same invocation with it, as if the process
//! were gone. `Before`: the call did not happen. `After`: it did, and its reply was lost.
//!
//! It can hold writes back too: between what a decision has read and what it writes, anything may happen. And it can
//! write down what is asked of DynamoDB, for its price.

use std::sync::{Arc, Condvar, Mutex};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use linekeeper_platform::store::Error;
use serde_json::Value;

/// A call that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// DynamoDB.
    Dynamo,
    /// KMS.
    Kms,
    /// SMS, push or e-mail.
    Send,
    /// The topic.
    Publish,
    /// A dead-letter queue.
    DeadLetter,
}

/// Where to crash: at the k-th call from now, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call does not happen.
    Before(usize),
    /// The call happens, its reply is lost.
    After(usize),
}

#[derive(Debug, Default)]
struct Inner {
    calls: Vec<Call>,
    fault: Option<Fault>,
    dead: bool,
}

/// What is out of order until it is mended, whatever is invoked meanwhile.
type Outage = Arc<Mutex<Vec<Call>>>;

/// What was asked of DynamoDB: operation and request, while somebody writes it down; and every call that left since.
type Notes = Arc<Mutex<Option<(Vec<(String, Value)>, Vec<Call>)>>>;

#[derive(Debug, Default)]
struct Dam {
    /// How many more writes are held back.
    open: usize,
    held: usize,
}

/// The tap. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Mutex<Inner>>, Arc<(Mutex<Dam>, Condvar)>, Outage, Notes);

/// The process or what it called is gone.
#[derive(Debug)]
struct Crash;

impl std::fmt::Display for Crash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed here, on purpose")
    }
}

impl std::error::Error for Crash {}

impl Tap {
    /// Starts a new invocation: counts from zero, crashes at `fault`.
    pub fn begin(&self, fault: Option<Fault>) {
        *self.0.lock().unwrap() = Inner { fault, ..Inner::default() };
    }

    /// The calls of this invocation so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    /// How many of one kind.
    #[must_use]
    pub fn count(&self, call: Call) -> usize {
        self.calls().into_iter().filter(|&c| c == call).count()
    }

    /// Whether the crash has happened.
    #[must_use]
    pub fn crashed(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    /// Writes down from now on, whatever is invoked meanwhile.
    pub fn note(&self) {
        *self.3.lock().unwrap() = Some(Default::default());
    }

    /// What was written down: requests of DynamoDB by operation, and every call.
    #[must_use]
    pub fn noted(&self) -> (Vec<(String, Value)>, Vec<Call>) {
        self.3.lock().unwrap().take().unwrap_or_default()
    }

    /// From now on every call of these kinds fails before it happens; none is all in order again.
    pub fn outage(&self, of: &[Call]) {
        *self.2.lock().unwrap() = of.to_vec();
    }

    /// Holds the next `writes` transactions back, each on the thread of its caller, until [`Tap::let_go`].
    pub fn hold(&self, writes: usize) {
        *self.1.0.lock().unwrap() = Dam { open: writes, held: 0 };
    }

    /// How many are held back.
    #[must_use]
    pub fn held(&self) -> usize {
        self.1.0.lock().unwrap().held
    }

    /// Lets all of them go at once.
    pub fn let_go(&self) {
        *self.1.0.lock().unwrap() = Dam::default();
        self.1.1.notify_all();
    }

    fn wait(&self) {
        let mut dam = self.1.0.lock().unwrap();
        if dam.open == 0 {
            return;
        }
        dam.open -= 1;
        dam.held += 1;
        drop(self.1.1.wait_while(dam, |dam| dam.held > 0).unwrap());
    }

    fn before(&self, call: Call) -> Result<(), Crash> {
        let mut inner = self.0.lock().unwrap();
        if inner.dead {
            return Err(Crash);
        }
        inner.calls.push(call);
        if let Some((_, calls)) = self.3.lock().unwrap().as_mut() {
            calls.push(call);
        }
        if self.2.lock().unwrap().contains(&call) {
            return Err(Crash);
        }
        if inner.fault == Some(Fault::Before(inner.calls.len())) {
            inner.dead = true;
            return Err(Crash);
        }
        Ok(())
    }

    fn after(&self) -> Result<(), Crash> {
        let mut inner = self.0.lock().unwrap();
        if inner.dead || inner.fault == Some(Fault::After(inner.calls.len())) {
            inner.dead = true;
            return Err(Crash);
        }
        Ok(())
    }

    /// Runs a call of a double through the tap.
    ///
    /// # Errors
    /// The crash, or what the call itself says.
    pub fn through<T>(&self, call: Call, act: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        let crashed = |crash: Crash| Error::aws("tap", crash);
        self.before(call).map_err(crashed)?;
        let result = act();
        self.after().map_err(crashed)?;
        result
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for Tap {
    fn name(&self) -> &'static str {
        "tap"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target").unwrap_or_default();
        if target.ends_with(".TransactWriteItems") {
            self.wait();
        }
        if let Some((requests, _)) = self.3.lock().unwrap().as_mut() {
            let body = context.request().body().bytes().unwrap_or_default();
            let operation = target.rsplit('.').next().unwrap_or_default();
            requests.push((operation.to_owned(), serde_json::from_slice(body)?));
        }
        Ok(self.before(Call::Dynamo)?)
    }

    fn read_before_deserialization(
        &self,
        _: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(self.after()?)
    }
}
