//! The ten bins in which scores are counted where they are made: a metric for each says whether what comes in is
//! still what it was, and nothing about anybody is kept.
//!
//! They are fixed, in steps of about one log-odds of the probability of an attack, because a metric's name has to
//! outlive a model. Half of all genuine requests lie in the first: what moves there decides nothing.

use super::event::Door;
use super::request;
use crate::kinds::Channel;

/// How many there are, without the one for scores that are unavailable.
pub const BINS: usize = 10;

/// The least probability of each bin but the first, in millionths.
pub const FROM_PPM: [u32; BINS - 1] = [1, 2, 5, 15, 50, 150, 500, 1_500, 5_000];

/// What metrics call a door's bins; the last is for scores that are unavailable.
#[must_use]
pub const fn words(door: Door) -> [&'static str; BINS + 1] {
    match door {
        Door::Online => [
            "online_0",
            "online_1",
            "online_2",
            "online_3",
            "online_4",
            "online_5",
            "online_6",
            "online_7",
            "online_8",
            "online_9",
            "online_none",
        ],
        Door::Care => {
            ["care_0", "care_1", "care_2", "care_3", "care_4", "care_5", "care_6", "care_7", "care_8", "care_9", "care_none"]
        }
        Door::Partner => [
            "partner_0",
            "partner_1",
            "partner_2",
            "partner_3",
            "partner_4",
            "partner_5",
            "partner_6",
            "partner_7",
            "partner_8",
            "partner_9",
            "partner_none",
        ],
    }
}

/// The bin of a probability in millionths; the last where there is none.
#[must_use]
pub fn bin(probability_ppm: Option<u32>) -> usize {
    probability_ppm.map_or(BINS, |ppm| FROM_PPM.partition_point(|from| *from <= ppm))
}

/// What a metric calls the bin of a score at a door.
#[must_use]
pub fn word(door: Door, probability_ppm: Option<u32>) -> &'static str {
    words(door).get(bin(probability_ppm)).copied().unwrap_or_default()
}

/// The door that a channel leads to.
#[must_use]
pub const fn door(channel: Channel) -> Door {
    request::channel(channel).door()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_score_has_one_bin_and_none_has_its_own() {
        let bins: Vec<usize> = [0, 1, 4, 5, 4_999, 5_000, 1_000_000].map(|ppm| bin(Some(ppm))).to_vec();
        assert_eq!(bins, [0, 1, 2, 3, 8, 9, 9]);
        assert!(FROM_PPM.is_sorted_by(|a, b| a < b));
        assert_eq!(bin(None), BINS);
    }

    #[test]
    fn a_word_names_door_and_bin_and_no_two_are_the_same() {
        let mut all = BTreeSet::new();
        for &door in Door::ALL {
            for (n, word) in words(door).into_iter().enumerate() {
                let tail = if n == BINS { "none".to_owned() } else { n.to_string() };
                assert_eq!(word, format!("{}_{tail}", door.word()));
                all.insert(word);
            }
        }
        assert_eq!(all.len(), 3 * (BINS + 1));
        assert_eq!(word(Door::Care, Some(20)), "care_4");
        assert_eq!(word(door(Channel::Pwa), None), "online_none");
    }
}
