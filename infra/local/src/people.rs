//! Who plays in the demo, and where they are.

use rand::RngExt as _;

/// A place on the network, as CloudFront's viewer headers describe it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// How the story names it.
    pub(crate) name: &'static str,
    /// Address and port of the viewer.
    pub(crate) address: &'static str,
    /// The network's number, as CloudFront writes it.
    pub(crate) asn: &'static str,
    /// The network's owner.
    pub(crate) carrier: &'static str,
    /// Name of the state.
    pub(crate) region: &'static str,
    /// City.
    pub(crate) city: &'static str,
    /// Latitude and longitude in degrees.
    pub(crate) position: (&'static str, &'static str),
    /// What its clocks are ahead of UTC in winter, in minutes.
    pub(crate) utc_offset: i32,
    /// The operating system of the device there, as its browser hints and as the population's tables name it.
    pub(crate) system: [&'static str; 2],
}

/// The browser that everyone in the story uses, as it hints and as the population's tables name it.
pub(crate) const BROWSER: [&str; 2] = [r#""Chromium";v="143", "Google Chrome";v="143", "Not A(Brand";v="24""#, "Chrome"];

impl Place {
    /// What a browser and the carrier's app say of themselves there.
    pub(crate) fn app_headers(&self) -> [(&'static str, String); 4] {
        [
            ("accept-language", "en-US,en;q=0.9".to_owned()),
            ("sec-ch-ua", BROWSER[0].to_owned()),
            ("sec-ch-ua-platform", format!("\"{}\"", self.system[0])),
            ("x-linekeeper-utc-offset", self.utc_offset.to_string()),
        ]
    }

    /// Where the viewer is, as the story tells it.
    pub(crate) fn describe(&self) -> String {
        let address = self.address.split(':').next().unwrap_or_default();
        format!("{}, {address} on AS{} ({})", self.name, self.asn, self.carrier)
    }
}

/// The customer's home: a fixed line in Miami, a laptop.
pub(crate) const MIAMI: Place = Place {
    name: "Miami, Florida",
    address: "73.138.22.41:51734",
    asn: "7922",
    carrier: "Comcast",
    region: "Florida",
    city: "Miami",
    position: ("25.77430", "-80.19370"),
    utc_offset: -300,
    system: ["macOS", "Mac OS X"],
};

/// The thief's: a rented server's network in California, a phone he just bought.
pub(crate) const LOS_ANGELES: Place = Place {
    name: "Los Angeles, California",
    address: "146.70.49.10:40022",
    asn: "9009",
    carrier: "M247",
    region: "California",
    city: "Los Angeles",
    position: ("34.05440", "-118.24410"),
    utc_offset: -480,
    system: ["Android", "Android"],
};

/// A customer of the carrier with one line.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    /// First name, for the story.
    pub(crate) name: &'static str,
    /// Opaque id of the account.
    pub(crate) account_id: String,
    /// Opaque id of the line.
    pub(crate) line_id: String,
    /// The number.
    pub(crate) msisdn: String,
    /// The SIM that is in the line.
    pub(crate) iccid: String,
    /// E-mail address.
    pub(crate) email: String,
    /// The id that the PWA keeps on her laptop.
    pub(crate) device: String,
    /// The app on her phone.
    pub(crate) push: PushDevice,
}

/// What stands for a phone with the carrier's app: a topic that pushes go to, and a queue to read them from.
#[derive(Clone, Debug)]
pub(crate) struct PushDevice {
    /// The push endpoint.
    pub(crate) arn: String,
    /// Where its pushes can be read.
    pub(crate) queue: String,
}

/// A short random suffix for ids, so that people of separate runs never meet.
pub(crate) fn suffix() -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut rng = rand::rng();
    (0..10).filter_map(|_| LETTERS.get(rng.random_range(0..LETTERS.len()))).map(|letter| char::from(*letter)).collect()
}

/// A fresh SIM card's number of the carrier's, with its check digit.
pub(crate) fn iccid() -> String {
    let mut rng = rand::rng();
    let body = format!("890141{:012}", rng.random_range(0..1_000_000_000_000_u64));
    let check = luhn(&body);
    format!("{body}{check}")
}

/// The n-th of the numbers set aside for fiction, in Miami.
pub(crate) fn fictional_msisdn(n: u16) -> String {
    format!("+1305555{:04}", 100 + n % 100)
}

/// The end of a number, as a person would say it.
pub(crate) fn ending(number: &str) -> String {
    let start = number.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
    format!("…{}", number.get(start..).unwrap_or_default())
}

/// The digit that makes `body` pass Luhn's check.
fn luhn(body: &str) -> u32 {
    let sum: u32 = body
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, doubled @ 10..) => doubled - 9,
            (0, doubled) => doubled,
            _ => digit,
        })
        .sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_luhns() {
        assert_eq!(luhn("7992739871"), 3);
        assert_eq!(luhn("890141032111185107"), 2);
        assert_eq!(iccid().len(), 19);
    }

    #[test]
    fn a_number_is_named_by_its_end() {
        assert_eq!(ending("+13055550123"), "…0123");
        assert_eq!(ending("12"), "…12");
    }
}
