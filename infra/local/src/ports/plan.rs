//! A day of a carrier's porting, as it was before anybody looked: who leaves and for whom, what they mistype, what
//! their gateway repeats and sends in the wrong order, and three thieves at work.
//!
//! Pure and seeded: the same seed gives the same day. It knows nothing of the rules that watch for thieves. What drives
//! it, the deployed stack or the functions in one process, is elsewhere; times are seconds from midnight.

/// Seconds of a day.
pub(crate) const DAY: u32 = 86_400;
/// Area codes, of each of which the hundred numbers 555-0100 to 555-0199 are set aside for fiction.
const AREAS: [u16; 24] =
    [305, 212, 310, 312, 404, 415, 503, 602, 617, 702, 713, 718, 206, 202, 214, 303, 407, 504, 512, 612, 615, 704, 801, 813];
/// How many lines there can be.
pub(super) const MOST_LINES: usize = AREAS.len() * 100;
/// Gaining carriers; the first gain most.
const CARRIERS: [&str; 24] = [
    "6X21", "6Y40", "7A05", "7B11", "7C23", "7D31", "7E07", "7F19", "8A02", "8B44", "8C15", "8D27", "8E36", "8F08", "9A13",
    "9B29", "9C04", "9D38", "9E17", "9F22", "1A33", "1B06", "1C41", "1D25",
];
/// Ports by the hour, in thousandths of the day.
const HOURS: [u32; 24] = [3, 2, 1, 1, 2, 4, 9, 20, 45, 70, 85, 90, 85, 85, 85, 83, 80, 75, 60, 45, 30, 20, 13, 7];

/// One of [`MOST_LINES`] numbers that nobody has.
pub(super) fn fictional(n: usize) -> Option<String> {
    AREAS.get(n / 100).map(|area| format!("+1{area}55501{:02}", n % 100))
}

/// Numbers that look random and are the same for one seed (SplitMix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// For one seed and one purpose.
    pub(crate) const fn new(seed: u64, purpose: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ purpose.wrapping_mul(0xd1b5_4a32_d192_ed03))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `0..n`.
    fn below(&mut self, n: u32) -> u32 {
        u32::try_from(self.next() % u64::from(n.max(1))).unwrap_or(0)
    }

    fn between(&mut self, from: u32, to: u32) -> u32 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// So many times in a thousand.
    fn happens(&mut self, in_thousand: u32) -> bool {
        self.below(1_000) < in_thousand
    }

    fn digits(&mut self, count: u32) -> String {
        (0..count).map(|_| char::from_digit(self.below(10), 10).unwrap_or('0')).collect()
    }

    /// The same digits with two neighbours that differ in the wrong order, or another last one.
    fn mistyped(&mut self, text: &str) -> String {
        let mut digits: Vec<char> = text.chars().collect();
        let swappable: Vec<usize> = (1..digits.len()).filter(|&n| digits.get(n) != digits.get(n - 1)).collect();
        match swappable.get(usize::try_from(self.below(u32::try_from(swappable.len()).unwrap_or(0))).unwrap_or(0)) {
            Some(&place) => digits.swap(place - 1, place),
            None => {
                let last = digits.pop().unwrap_or('0');
                digits.push(if last == '9' { '8' } else { '9' });
            }
        }
        digits.into_iter().collect()
    }
}

/// A customer with her lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Household {
    /// On the bill.
    pub(crate) account_number: String,
    /// Of the billing address.
    pub(crate) zip: String,
    /// Numbers.
    pub(crate) numbers: Vec<String>,
}

/// A line: which household, and which of its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct LineOf {
    /// Place in [`Day::households`].
    pub(crate) household: usize,
    /// Place among its numbers.
    pub(crate) line: usize,
}

/// What a field of an order says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Says {
    /// What is right.
    Right,
    /// Something else.
    This(String),
    /// Nothing.
    Nothing,
}

/// A message of the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A port is asked for.
    Ask {
        /// Of the order.
        version: u8,
        /// Account number.
        account_number: Says,
        /// ZIP.
        zip: Says,
        /// Transfer PIN; the right one is the one that was drawn last.
        pin: Says,
    },
    /// A new due date.
    Later {
        /// Of the order.
        version: u8,
    },
    /// The order is taken back.
    Cancel,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A transfer PIN is drawn in the app.
    DrawPin,
    /// The line moves to another SIM, by who has the app.
    SwapSim,
    /// The gateway sends.
    Send {
        /// Place in [`Day::orders`].
        order: usize,
        /// What.
        message: Message,
    },
}

/// When, and to which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Seconds from midnight.
    pub(crate) at: u32,
    /// Which line.
    pub(crate) line: LineOf,
    /// What.
    pub(crate) what: What,
}

/// Who is behind an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// The customer, who gets it right in the end.
    Honest,
    /// The customer, who gives up or takes it back.
    GivesUp,
    /// The thief with this place in [`CAMPAIGNS`].
    Thief(usize),
}

/// A gaining carrier's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// Purchase order number.
    pub(crate) pon: String,
    /// Who gains (SPID).
    pub(crate) carrier: &'static str,
    /// Which line.
    pub(crate) line: LineOf,
    /// Who is behind it.
    pub(crate) who: Who,
}

/// The three thieves, by what they do.
pub(crate) const CAMPAIGNS: [&str; 3] =
    ["stolen credentials, all to one small carrier", "one PIN tried on many numbers", "taken apps: a SIM swap, then the port"];

/// A day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Day {
    /// Everyone that something happens to.
    pub(crate) households: Vec<Household>,
    /// All orders.
    pub(crate) orders: Vec<Order>,
    /// All that happens, in order of time.
    pub(crate) steps: Vec<Step>,
}

/// One honest household that left on a day before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Seconds from midnight.
    pub(crate) at: u32,
    /// Who gained.
    pub(crate) carrier: &'static str,
    /// Whether the first order was in error.
    pub(crate) failed: bool,
}

impl Day {
    /// A day on which so many honest households leave. The seed chooses everything else.
    pub(crate) fn plan(seed: u64, honest: usize) -> Self {
        let mut day = Self { households: Vec::new(), orders: Vec::new(), steps: Vec::new() };
        let mut dice = Dice::new(seed, 1);
        for _ in 0..honest {
            day.leaves(&mut dice);
        }
        day.burst(&mut Dice::new(seed, 2));
        day.spray(&mut Dice::new(seed, 3));
        day.taken_apps(&mut Dice::new(seed, 4));
        day.steps.sort_by_key(|step| step.at);
        day
    }

    /// Who left on a day of the past: honest people like those of [`Day::plan`], others.
    pub(crate) fn past(seed: u64, day: u64, honest: usize) -> Vec<Left> {
        let mut dice = Dice::new(seed, 1_000 + day);
        let mut plan = Self { households: Vec::new(), orders: Vec::new(), steps: Vec::new() };
        // No two days are as busy.
        let honest = honest * usize::try_from(dice.between(85, 115)).unwrap_or(100) / 100;
        for _ in 0..honest {
            plan.leaves(&mut dice);
        }
        let mut left: Vec<Left> = Vec::new();
        for place in 0..plan.households.len() {
            let asks = plan.steps.iter().filter(|step| step.line.household == place).filter_map(|step| match &step.what {
                What::Send { order, message: Message::Ask { account_number, zip, pin, .. } } => {
                    let right = [account_number, zip, pin].iter().all(|says| **says == Says::Right);
                    Some((step.at, *order, right))
                }
                What::Send { .. } | What::DrawPin | What::SwapSim => None,
            });
            if let Some((at, order, right)) = asks.min()
                && let Some(order) = plan.orders.get(order)
            {
                left.push(Left { at, carrier: order.carrier, failed: !right });
            }
        }
        left
    }

    fn household(&mut self, dice: &mut Dice, lines: u32) -> usize {
        let used: usize = self.households.iter().map(|household| household.numbers.len()).sum();
        let numbers = (used..MOST_LINES).take(usize::try_from(lines).unwrap_or(1)).filter_map(fictional).collect();
        self.households.push(Household { account_number: dice.digits(9), zip: format!("3{}", dice.digits(4)), numbers });
        self.households.len() - 1
    }

    fn order(&mut self, line: LineOf, carrier: &'static str, who: Who) -> usize {
        self.orders.push(Order { pon: format!("P{:06}", self.orders.len() + 1), carrier, line, who });
        self.orders.len() - 1
    }

    fn step(&mut self, at: u32, line: LineOf, what: What) {
        // Nothing of the day happens after it.
        self.steps.push(Step { at: at.min(DAY - 1), line, what });
    }

    /// A gateway sends a message: now and then twice.
    fn send(&mut self, dice: &mut Dice, at: u32, line: LineOf, order: usize, message: Message) {
        if dice.happens(60) {
            self.step(at + dice.between(1, 90), line, What::Send { order, message: message.clone() });
        }
        self.step(at, line, What::Send { order, message });
    }

    /// An honest household leaves with all of its lines.
    fn leaves(&mut self, dice: &mut Dice) {
        let lines = match dice.below(100) {
            0..=79 => 1,
            80..=93 => 2,
            _ => dice.between(3, 4),
        };
        let carrier = gaining(dice);
        let at = moment(dice);
        let household = self.household(dice, lines);
        let mistake = dice.below(1_000);
        let gives_up = dice.happens(40);
        let has_sim_swapped = dice.happens(12);
        let count = self.households.get(household).map_or(0, |household| household.numbers.len());
        for place in 0..count {
            let line = LineOf { household, line: place };
            // Typed one after another.
            let at = at + dice.between(20, 90) * u32::try_from(place).unwrap_or(0);
            if has_sim_swapped {
                self.step(at.saturating_sub(dice.between(1_800, 20_000)), line, What::SwapSim);
            }
            self.one_line(dice, at, line, carrier, mistake, gives_up);
        }
    }

    fn one_line(&mut self, dice: &mut Dice, at: u32, line: LineOf, carrier: &'static str, mistake: u32, gives_up: bool) {
        let Some(household) = self.households.get(line.household) else { return };
        let (number, zip) = (household.account_number.clone(), household.zip.clone());
        let right = |version| Message::Ask { version, account_number: Says::Right, zip: Says::Right, pin: Says::Right };
        let ask = |account_number, zip, pin| Message::Ask { version: 0, account_number, zip, pin };
        let first = match mistake {
            // Never heard of a transfer PIN.
            0..=109 => ask(Says::Right, Says::Right, Says::Nothing),
            110..=169 => ask(Says::This(dice.mistyped(&number)), Says::Right, Says::Right),
            170..=209 => ask(Says::Right, Says::This(dice.mistyped(&zip)), Says::Right),
            210..=254 => ask(Says::Right, Says::Right, Says::This(dice.digits(8))),
            _ => right(0),
        };
        let is_right = first == right(0);
        let knows_of_pins = mistake >= 110;
        let who = if gives_up { Who::GivesUp } else { Who::Honest };
        let order = self.order(line, carrier, who);
        if knows_of_pins {
            self.step(at.saturating_sub(dice.between(120, 3_000)), line, What::DrawPin);
        }
        self.send(dice, at, line, order, first);
        match (is_right, gives_up) {
            (true, true) => {
                let later = at + dice.between(300, 4_000);
                self.send(dice, later, line, order, Message::Cancel);
            }
            (true, false) if dice.happens(25) => {
                let later = at + dice.between(1, 600);
                self.send(dice, later, line, order, Message::Later { version: 1 });
            }
            (true, false) | (false, true) => {}
            (false, false) => {
                let again = at + dice.between(400, 2_400);
                if !knows_of_pins {
                    self.step(again - dice.between(60, 300), line, What::DrawPin);
                }
                self.send(dice, again, line, order, right(1));
                // The version before comes once more, late.
                if dice.happens(80) {
                    let first = self.steps.iter().find_map(|step| match &step.what {
                        What::Send { order: of, message: message @ Message::Ask { version: 0, .. } } if *of == order => {
                            Some(message.clone())
                        }
                        What::Send { .. } | What::DrawPin | What::SwapSim => None,
                    });
                    if let Some(message) = first {
                        self.step(again + dice.between(1, 20), line, What::Send { order, message });
                    }
                }
            }
        }
    }

    fn victim(&mut self, dice: &mut Dice) -> LineOf {
        LineOf { household: self.household(dice, 1), line: 0 }
    }

    /// Bought credentials, with transfer PINs that their owners were talked into reading out.
    fn burst(&mut self, dice: &mut Dice) {
        let carrier = CARRIERS.get(usize::try_from(dice.between(12, 23)).unwrap_or(12)).copied().unwrap_or("9A13");
        let (count, start, length) = (dice.between(12, 18), dice.between(9, 16) * 3_600, dice.between(3_000, 9_000));
        for n in 0..count {
            let line = self.victim(dice);
            let at = start + length * n / count + dice.below(120);
            let order = self.order(line, carrier, Who::Thief(0));
            self.step(at - dice.between(60, 1_500), line, What::DrawPin);
            let pin = if dice.happens(100) { Says::This(dice.digits(8)) } else { Says::Right };
            let message = Message::Ask { version: 0, account_number: Says::Right, zip: Says::Right, pin };
            self.send(dice, at, line, order, message);
        }
    }

    /// Leaked account numbers, and one guess at each PIN.
    fn spray(&mut self, dice: &mut Dice) {
        let (count, start, length) = (dice.between(40, 70), dice.between(1, 18) * 3_600, dice.between(3_600, 10_000));
        let (pin, first) = (dice.digits(8), dice.below(19));
        for n in 0..count {
            let line = self.victim(dice);
            let carrier = usize::try_from(first + dice.below(5)).ok().and_then(|n| CARRIERS.get(n)).copied().unwrap_or("8C15");
            let at = start + length * n / count + dice.below(40);
            let order = self.order(line, carrier, Who::Thief(1));
            if dice.happens(300) {
                self.step(at.saturating_sub(dice.between(600, 9_000)), line, What::DrawPin);
            }
            let account_number = if dice.happens(700) { Says::Right } else { Says::This(dice.digits(9)) };
            let message = Message::Ask { version: 0, account_number, zip: Says::Right, pin: Says::This(pin.clone()) };
            self.send(dice, at, line, order, message);
        }
    }

    /// Phones that obey someone else: their lines move to another SIM, and leave soon after.
    fn taken_apps(&mut self, dice: &mut Dice) {
        let (count, start, length) = (dice.between(12, 16), dice.between(7, 12) * 3_600, dice.between(9_000, 18_000));
        let first = dice.below(20);
        for n in 0..count {
            let line = self.victim(dice);
            let carrier = usize::try_from(first + dice.below(4)).ok().and_then(|n| CARRIERS.get(n)).copied().unwrap_or("7B11");
            let at = start + length * n / count + dice.below(300);
            let order = self.order(line, carrier, Who::Thief(2));
            self.step(at - dice.between(300, 3_600), line, What::SwapSim);
            let message = Message::Ask { version: 0, account_number: Says::Right, zip: Says::Right, pin: Says::Nothing };
            self.send(dice, at, line, order, message);
        }
    }
}

/// Who gains: half of all go to the first three.
fn gaining(dice: &mut Dice) -> &'static str {
    let place = match dice.below(100) {
        0..=27 => 0,
        28..=47 => 1,
        48..=60 => 2,
        _ => 3 + dice.below(21).min(dice.below(21)),
    };
    usize::try_from(place).ok().and_then(|place| CARRIERS.get(place)).copied().unwrap_or("6X21")
}

/// A moment of the day.
fn moment(dice: &mut Dice) -> u32 {
    let mut left = dice.below(HOURS.iter().sum());
    for (hour, share) in (0..).zip(HOURS) {
        match left.checked_sub(share) {
            Some(rest) => left = rest,
            None => return hour * 3_600 + dice.below(3_600),
        }
    }
    DAY / 2
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_seed_gives_one_day_and_another_seed_another() {
        assert_eq!(Day::plan(7, 50), Day::plan(7, 50));
        assert_ne!(Day::plan(7, 50), Day::plan(8, 50));
        assert_ne!(Day::past(7, 1, 50), Day::past(7, 2, 50));
    }

    #[test]
    fn numbers_and_orders_are_each_of_one_line_and_nothing_happens_out_of_order() {
        let day = Day::plan(1, 600);
        let numbers: Vec<&String> = day.households.iter().flat_map(|household| &household.numbers).collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
        assert!(numbers.len() < MOST_LINES && numbers.iter().all(|number| number.len() == 12));
        let pons: BTreeSet<&String> = day.orders.iter().map(|order| &order.pon).collect();
        assert_eq!(pons.len(), day.orders.len());
        assert!(day.steps.is_sorted_by_key(|step| step.at));
        for step in &day.steps {
            if let What::Send { order, .. } = &step.what {
                assert_eq!(day.orders[*order].line, step.line);
            }
        }
    }

    /// What is sent of each order, in order of time.
    fn sent(day: &Day) -> BTreeMap<usize, Vec<&Message>> {
        let mut sent: BTreeMap<usize, Vec<&Message>> = BTreeMap::new();
        for step in &day.steps {
            if let What::Send { order, message } = &step.what {
                sent.entry(*order).or_default().push(message);
            }
        }
        sent
    }

    #[test]
    fn an_honest_customer_gets_it_right_in_the_end_with_a_pin_that_she_drew() {
        let day = Day::plan(2, 400);
        for (place, order) in day.orders.iter().enumerate().filter(|(_, order)| order.who == Who::Honest) {
            let right = day.steps.iter().position(|step| {
                matches!(&step.what, What::Send { order: of, message: Message::Ask { account_number: Says::Right, zip: Says::Right, pin: Says::Right, .. } } if *of == place)
            });
            let drawn = day.steps.iter().position(|step| step.line == order.line && step.what == What::DrawPin);
            assert!(drawn.unwrap() < right.unwrap(), "{order:?}");
        }
    }

    #[test]
    fn a_day_has_typing_errors_repeats_late_versions_and_supplements() {
        let day = Day::plan(3, 400);
        let sent = sent(&day);
        let honest = |place: &usize| !matches!(day.orders[*place].who, Who::Thief(_));
        let all: Vec<&Vec<&Message>> = sent.iter().filter(|(place, _)| honest(place)).map(|(_, messages)| messages).collect();
        let count = |of: &dyn Fn(&[&Message]) -> bool| all.iter().filter(|messages| of(messages)).count();
        let wrong = |message: &&Message| matches!(message, Message::Ask { account_number, zip, pin, .. } if [account_number, zip, pin].iter().any(|says| **says != Says::Right));
        assert!((60..=220).contains(&count(&|messages| messages.iter().any(wrong))));
        assert!(count(&|messages| messages.windows(2).any(|pair| pair[0] == pair[1])) > 10, "repeats");
        let version = |message: &&&Message| match message {
            Message::Ask { version, .. } | Message::Later { version } => *version,
            Message::Cancel => 9,
        };
        assert!(count(&|messages| !messages.iter().collect::<Vec<_>>().is_sorted_by_key(version)) > 2);
        assert!(count(&|messages| messages.iter().any(|message| matches!(message, Message::Later { .. }))) > 2);
        assert!(count(&|messages| messages.contains(&&Message::Cancel)) > 2);
    }

    #[test]
    fn the_three_thieves_have_victims_of_their_own() {
        let day = Day::plan(4, 100);
        for thief in 0..CAMPAIGNS.len() {
            let victims: BTreeSet<LineOf> =
                day.orders.iter().filter(|order| order.who == Who::Thief(thief)).map(|order| order.line).collect();
            assert!(victims.len() >= 12);
            let others = day.orders.iter().filter(|order| order.who != Who::Thief(thief));
            assert!(others.into_iter().all(|order| !victims.contains(&order.line)));
        }
    }

    #[test]
    fn half_of_the_past_goes_to_three_carriers_and_little_of_it_at_night() {
        let left: Vec<Left> = (0..5).flat_map(|day| Day::past(5, day, 300)).collect();
        let large = left.iter().filter(|left| CARRIERS[..3].contains(&left.carrier)).count();
        assert!((50..72).contains(&(large * 100 / left.len())));
        assert!(left.iter().filter(|left| left.at < 6 * 3_600).count() * 20 < left.len());
        assert!((15..40).contains(&(left.iter().filter(|left| left.failed).count() * 100 / left.len())));
    }
}
