//! `cargo bench -p risk-training`: the parts of a score, on random lines, with the project's model where there
//! is one. `risk-eval bench` gives percentiles and instructions of the same parts.

#![expect(clippy::unwrap_used, reason = "a benchmark stops where it cannot go on")]

use criterion::{Criterion, criterion_group, criterion_main};
use linekeeper_domain::risk::model::Model;
use risk_training::MODEL;
use risk_training::parts::{Part, Stage};

fn parts(criterion: &mut Criterion) {
    let model = std::fs::read_to_string(MODEL).ok().map(|text| Model::read(&text).unwrap());
    let stage = Stage::new(model).unwrap();
    for part in Part::ALL {
        let mut number = 0_usize;
        criterion.bench_function(part.word(), |bencher| {
            bencher.iter(|| {
                number = number.wrapping_add(1);
                stage.run(part, number)
            });
        });
    }
}

criterion_group!(benches, parts);
criterion_main!(benches);
