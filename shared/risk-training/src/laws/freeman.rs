//! The published score, for comparison: Freeman et al., NDSS 2016, with the weights of Wiefling et al., ACM
//! TOPS 2022: for address and browser each p(x) / p(x | user), where a value new to the user has its share
//! among all, divided by four.

use linekeeper_domain::signals::Signal;

use super::lines::{Seen, share};

const ADDRESS: [f64; 3] = [0.6, 0.3, 0.1];
const BROWSER: [f64; 4] = [0.538_67, 0.268_05, 0.188_18, 0.005_11];
const UNSEEN: f64 = 4.0;

/// Address, system, country; user agent, browser, operating system, kind of device. Nothing where one is
/// missing: the published score has no word for that.
type Features = ([String; 3], [String; 4]);

fn features(seen: &Seen) -> Option<Features> {
    let (origin, device) = (&seen.origin, &seen.device);
    let (Signal::Present(address), Signal::Present(asn), Signal::Present(country)) =
        (&origin.address, origin.asn, origin.country)
    else {
        return None;
    };
    let (Signal::Present(browser), Signal::Present(system), Signal::Present(model)) =
        (device.browser, device.system, device.model)
    else {
        return None;
    };
    let kind = match system.split(' ').next() {
        Some("iOS" | "Android") => "phone",
        Some("Tizen") => "tablet",
        _ => "computer",
    };
    let agent = format!("{system}; {model}; {browser}");
    Some((
        [address.to_string(), asn.to_string(), country.to_owned()],
        [agent, browser.to_owned(), system.to_owned(), kind.to_owned()],
    ))
}

/// What the published score knows of a user.
#[derive(Debug, Default)]
pub struct Freeman(Vec<Features>);

impl Freeman {
    /// After a past.
    #[must_use]
    pub fn of(past: &[Seen]) -> Self {
        Self(past.iter().filter(|seen| seen.is_online() && seen.succeeded).filter_map(features).collect())
    }

    /// The score: higher is riskier. Nothing where a signal is missing.
    #[must_use]
    pub fn score(&self, seen: &Seen) -> Option<f64> {
        let (address, browser) = features(seen)?;
        let by_address = self.ratio(&ADDRESS, &address, |past| &past.0);
        let by_browser = self.ratio(&BROWSER, &browser, |past| &past.1);
        Some(by_address * by_browser)
    }

    fn ratio<const N: usize>(&self, weights: &[f64; N], values: &[String; N], part: impl Fn(&Features) -> &[String; N]) -> f64 {
        let visits = f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        let (mut everyone, mut own) = (0.0, 0.0);
        for (place, (weight, value)) in weights.iter().zip(values).enumerate() {
            let seen = self.0.iter().filter(|past| part(past).get(place) == Some(value)).count();
            let seen = f64::from(u32::try_from(seen).unwrap_or(u32::MAX));
            everyone += weight * share(value);
            own += weight * if seen > 0.0 { seen / visits } else { share(value) / UNSEEN };
        }
        everyone / own
    }
}
