//! One page: how the scores of a history spread over the bins that production counts, as the expression by which
//! CloudWatch compares what comes in with it.

use std::fmt::Write as _;

use linekeeper_domain::risk::bins::{BINS, FROM_PPM, bin, words};
use linekeeper_domain::risk::event::Door;

/// How many requests there were, half a case standing in for each bin.
fn all() -> String {
    let bins: Vec<String> = (0..BINS).map(|n| format!("FILL(b{n},0)")).collect();
    format!("{}+{}", bins.join("+"), BINS / 2)
}

/// Counts by door and bin, the last of which is for scores that are unavailable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spread {
    online: [u32; BINS + 1],
    care: [u32; BINS + 1],
    partner: [u32; BINS + 1],
}

impl Spread {
    const fn at(&self, door: Door) -> &[u32; BINS + 1] {
        match door {
            Door::Online => &self.online,
            Door::Care => &self.care,
            Door::Partner => &self.partner,
        }
    }

    /// Counts a request by its probability in millionths, where it has one.
    pub fn count(&mut self, door: Door, probability_ppm: Option<u32>) {
        let counts = match door {
            Door::Online => &mut self.online,
            Door::Care => &mut self.care,
            Door::Partner => &mut self.partner,
        };
        if let Some(count) = counts.get_mut(bin(probability_ppm)) {
            *count = count.saturating_add(1);
        }
    }

    /// The shares of a door's bins, half a case standing in for each so that none is nothing.
    fn shares(&self, door: Door) -> Vec<f64> {
        let scored = || self.at(door).iter().take(BINS);
        let all: f64 = scored().map(|count| f64::from(*count) + 0.5).sum();
        scored().map(|count| (f64::from(*count) + 0.5) / all).collect()
    }

    /// The stability index of what comes in against these shares, as metric math over `b0` to `b9`, the sums of
    /// the bins of one door, and `n`, which is [`all`].
    fn expression(&self, door: Door) -> String {
        let terms = self.shares(door).into_iter().enumerate().map(|(n, share)| {
            let now = format!("(FILL(b{n},0)+0.5)/n");
            format!("({now}-{share:.5})*LOG({now}/{share:.5})")
        });
        terms.collect::<Vec<_>>().join("+")
    }

    /// The page.
    #[must_use]
    pub fn markdown(&self, events: &str, model: &str) -> String {
        let mut page = format!(
            "# Score bins\n\n`{events}` by the model {model}: shares of privileged requests by the probability of an attack, in the \
             bins of the metric `ScoreBins`.\n\n| probability, ppm |"
        );
        for door in Door::ALL {
            let _ = write!(page, " {} |", door.word());
        }
        page += "\n|---|---|---|---|\n";
        let shares: Vec<Vec<f64>> = Door::ALL.iter().map(|door| self.shares(*door)).collect();
        for n in 0..BINS {
            let from = n.checked_sub(1).and_then(|below| FROM_PPM.get(below)).copied().unwrap_or(0);
            let _ = write!(page, "| {n}: from {from} |");
            for shares in &shares {
                let _ = write!(page, " {:.4} |", shares.get(n).copied().unwrap_or_default());
            }
            page += "\n";
        }
        page += "| requests, and those without a score |";
        for door in Door::ALL {
            let counts = self.at(*door);
            let _ = write!(page, " {}, {} |", counts.iter().sum::<u32>(), counts.last().copied().unwrap_or_default());
        }
        let _ = write!(
            page,
            "\n\nThe stability index of what comes in, as metric math: under .1 stable, over .25 moved; of fewer than some hundred \
             requests it is chance, so take the sums of a day or more. `b0` to `b9` are the sums of `ScoreBins` with a door's outcomes, \
             and `n` is\n\n    {}\n\nThat is ten metrics and two expressions, as many as an alarm takes.\n",
            all()
        );
        for door in Door::ALL {
            let names: Vec<&str> = words(*door).into_iter().take(BINS).collect();
            let _ = write!(page, "\n## {}\n\n`{}`\n\n", door.word(), names.join("`, `"));
            let _ = writeln!(page, "    {}", self.expression(*door));
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(counts: [u32; 3]) -> Spread {
        let mut spread = Spread::default();
        for (ppm, count) in [Some(0), Some(300), None].into_iter().zip(counts) {
            (0..count).for_each(|_| spread.count(Door::Online, ppm));
        }
        spread
    }

    /// Metric math as CloudWatch has it, as far as it is used here.
    fn index(expression: &str, counts: &[u32; BINS + 1]) -> f64 {
        let n = f64::from(counts.iter().take(BINS).sum::<u32>()) + 5.0;
        let terms = expression.split(")+(").enumerate().map(|(bin, term)| {
            let share: f64 = term.rsplit('/').next().unwrap().trim_end_matches(')').parse().unwrap();
            assert!(term.contains(&format!("(FILL(b{bin},0)+0.5)/n-{share:.5})*LOG(")), "{term}");
            let now = (f64::from(counts[bin]) + 0.5) / n;
            (now - share) * (now / share).ln()
        });
        terms.sum()
    }

    #[test]
    fn the_expression_is_the_stability_index_of_the_page() {
        use linekeeper_domain::risk::drift::Histogram;
        let (then, now) = (spread([700, 300, 5]), spread([500, 500, 90]));
        let index = index(&then.expression(Door::Online), now.at(Door::Online));
        let histogram = |spread: &Spread| {
            let mut histogram = Histogram::new(BINS);
            for (bin, count) in spread.online.iter().take(BINS).enumerate() {
                (0..*count).for_each(|_| histogram.add(bin));
            }
            histogram
        };
        let expected = histogram(&then).stability(&histogram(&now));
        assert!((index - expected).abs() < 1e-3 && index > 0.1, "{index} {expected}");
    }

    #[test]
    fn a_page_has_every_door_and_no_expression_is_too_long_for_cloudwatch() {
        let page = spread([700, 300, 5]).markdown("events.jsonl", "ga2m-1");
        assert!(page.contains("| 1005, 5 | 0, 0 | 0, 0 |") && page.contains("`care_0`, `care_1`"), "{page}");
        assert!(page.lines().filter(|line| line.starts_with("    ")).all(|line| line.len() < 1_024), "{page}");
    }
}
