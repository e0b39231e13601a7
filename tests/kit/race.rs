//! Callers that start together.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

use crate::world::{Answer, World};

/// How many callers a race has at least.
pub const CALLERS: usize = 32;

/// Runs a caller on a thread of its own: what the functions return need not be `Send`.
pub fn apart<T: Send + 'static, F: Future<Output = T>>(work: impl FnOnce() -> F + Send + 'static) -> JoinHandle<T> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || runtime.block_on(work()))
}

/// So many callers that start together, and what each got, in their order.
pub async fn together<T: Send + 'static, F: Future<Output = T>>(
    callers: usize,
    world: &Arc<World>,
    work: impl Fn(Arc<World>, usize) -> F + Clone + Send + 'static,
) -> Vec<T> {
    let barrier = Arc::new(Barrier::new(callers));
    let started: Vec<JoinHandle<T>> = (0..callers)
        .map(|n| {
            let (world, barrier, work) = (world.clone(), barrier.clone(), work.clone());
            apart(move || async move {
                barrier.wait().await;
                work(world, n).await
            })
        })
        .collect();
    let mut results = Vec::new();
    for caller in started {
        results.push(caller.await.unwrap());
    }
    results
}

/// How often each answer was given: by its status, or by the type of its problem.
#[must_use]
pub fn tally(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for answer in answers {
        let name = if answer.status < 300 { answer.status.to_string() } else { answer.problem().to_owned() };
        *tally.entry(name).or_insert(0) += 1;
    }
    tally
}
