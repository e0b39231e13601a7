//! Of which reasons rejects are made up, against what they were made up of in the past weeks.

use super::Settings;
use super::bytes::Reader;
use super::ring::{Added, Met, Ring};
use super::series::{NAMED, TooMany};
use crate::porting::monitor::Failing;
use crate::risk::marks::WideMark;

/// Hours after which a reject weighs half.
const HALF_LIFE: f32 = 14.0 * 24.0;
/// Hours of silence after which nothing is left.
const MEMORY: u32 = 26 * 7 * 24;
/// Fewer rejects than this are no history.
const ENOUGH: f64 = 60.0;
/// Hours of a window, the last of which is not over.
const HOURS: u32 = 7;
/// A reason has changed when it is so many times as frequent as before,
const TIMES: f64 = 2.0;

/// One part of what is known of a feed or a carrier.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mix {
    ring: Ring,
    /// Accounts rejected for each reason in the closed hours, fading.
    past: [f32; Failing::ALL.len()],
}

impl Mix {
    /// One more.
    pub(super) fn add(&mut self, hour: u32, met: Met) -> Added {
        let past = &mut self.past;
        let fading = libm::exp2f(-1.0 / HALF_LIFE);
        self.ring.advance(hour, MEMORY, |_, of| {
            let count = super::ring::Count::of(std::iter::once(of));
            for (tag, of_reason) in (0_u8..).zip(past.iter_mut()) {
                let met = count.scaled(count.sample.iter().filter(|(_, known)| *known == tag).count());
                *of_reason = *of_reason * fading + f32::from(u16::try_from(met).unwrap_or(u16::MAX));
            }
        });
        self.ring.add(hour, met)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        self.ring.write(out);
        self.past.iter().for_each(|of_reason| out.extend(of_reason.to_le_bytes()));
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Option<Self> {
        let mut mix = Self { ring: Ring::read(from)?, ..Self::default() };
        for of_reason in &mut mix.past {
            *of_reason = from.f32()?;
        }
        Some(mix)
    }
}

/// Whether the reason `tag` is too large a part of the rejects around an hour.
pub(super) fn judge(parts: &[&Mix], hour: u32, tag: u8, settings: &Settings) -> Option<TooMany> {
    let newest = parts.iter().map(|part| part.ring.newest()).max()?;
    let before = |reason: usize| parts.iter().filter_map(|part| part.past.get(reason)).copied().map(f64::from).sum::<f64>();
    let all_before: f64 = (0..Failing::ALL.len()).map(before).sum();
    if all_before < ENOUGH {
        return None;
    }
    let reasons = f64::from(u32::try_from(Failing::ALL.len()).unwrap_or(u32::MAX));
    // Half a case stands in for a reason never seen.
    let usual = (before(usize::from(tag)) + 0.5) / (all_before + 0.5 * reasons);
    let mut worst: Option<TooMany> = None;
    for end in hour..hour.saturating_add(HOURS).min(newest.saturating_add(1)) {
        let start = end.saturating_sub(HOURS - 1);
        let (mut of_reason, mut all, mut lines) = (0_u32, 0_u32, Vec::new());
        for part in parts {
            let count = part.ring.count(start, end);
            all = all.saturating_add(count.total());
            of_reason = of_reason.saturating_add(count.scaled(count.sample.iter().filter(|(_, known)| *known == tag).count()));
            lines.extend(part.ring.lines(start, end, tag).into_iter().map(WideMark));
        }
        let expected = f64::from(all) * usual;
        // What chance gives, with that of the history, which is no larger than it is.
        let apart = libm::sqrt(expected * (1.0 - usual) * (1.0 + f64::from(all) / all_before)).max(1.0);
        let most = super::whole(libm::ceil((expected + f64::from(settings.deviations) * apart).max(TIMES * expected)));
        let most = most.max(settings.reasons);
        if of_reason >= most {
            lines.sort_unstable();
            let lines = lines.into_iter().take(NAMED).collect();
            worst = Some(TooMany { count: of_reason, limit: most, hours: (start, end), lines }.join(worst));
        }
    }
    worst
}
