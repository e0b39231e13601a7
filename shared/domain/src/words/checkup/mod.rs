//! The check-up in words. The sentences of a language are in one file, as those of notices are.

mod en;
mod es;

use super::{about, language};
use crate::checkup::{Attack, Finding, Goal, Part, Step, StepState, Thing, Way, What, Worth};
use crate::kinds::{Factor, Locale, Mode, Protection};
use crate::time::Span;

/// Every sentence of a check-up. One that is missing does not compile.
pub(crate) trait Sentences {
    /// What a score means.
    fn headline(&self, score: u8) -> &'static str;
    /// What is said instead while a case of fraud is open: nobody is well protected then.
    fn in_trouble(&self) -> &'static str;
    /// What a part of the score is about.
    fn part(&self, part: Part) -> &'static str;
    /// A protection that is on: its name, and how it works.
    fn on(&self, name: &str, mode: Mode) -> String;
    /// What is to be done about a finding, and why.
    fn finding(&self, finding: Finding) -> &'static str;
    /// A factor, as something that an attacker must have.
    fn factor(&self, factor: Factor) -> &'static str;
    /// Between two things that he needs at once.
    fn and(&self) -> &'static str;
    /// Between two ways that he has, and that take as long.
    fn or(&self) -> &'static str;
    /// Between ways that take longer.
    fn or_else(&self) -> &'static str;
    /// A way for which the session is enough.
    fn only_the_session(&self) -> &'static str;
    /// Ways with their wait.
    fn with_wait(&self, ways: &str, wait: &str) -> String;
    /// What he needs for a goal, in a sentence. `ways` are what is above; nothing where there is none.
    fn attack(&self, goal: Goal, locked: bool, ways: Option<&str>) -> String;
    /// On how many channels she is told first.
    fn told(&self, channels: usize) -> String;
    /// Something that happened.
    fn happened(&self, what: What) -> String;
    /// Something that is hers.
    fn thing(&self, thing: Thing) -> &'static str;
    /// What it is worth.
    fn worth(&self, thing: Thing, worth: Worth) -> &'static str;
    /// What to do after a fraud.
    fn step(&self, step: Step) -> &'static str;
    /// How far that is.
    fn state(&self, state: StepState) -> &'static str;
}

/// The words of a locale.
pub(crate) fn sentences(locale: Locale) -> &'static dyn Sentences {
    match locale {
        Locale::En => &en::English,
        Locale::Es => &es::Spanish,
    }
}

/// A protection that is on.
pub(crate) fn on(locale: Locale, protection: Protection, mode: Mode) -> String {
    sentences(locale).on(language(locale).protection(protection), mode)
}

/// What an attacker would need, and that she is told first. `wait` gives the length of a wait.
pub(crate) fn attack(locale: Locale, attack: &Attack, channels: usize, wait: impl Fn(&Way) -> Span) -> String {
    let said = sentences(locale);
    let needs = |way: &Way| {
        let needs: Vec<&str> = way.factors.iter().map(|factor| said.factor(factor)).collect();
        if needs.is_empty() { said.only_the_session().to_owned() } else { needs.join(said.and()) }
    };
    // The quickest come first.
    let together = attack.ways.chunk_by(|a, b| a.wait == b.wait).map(|ways| {
        let needed = ways.iter().map(needs).collect::<Vec<_>>().join(said.or());
        match ways.first().map(&wait).filter(|&span| span > Span::default()) {
            Some(span) => said.with_wait(&needed, &about(language(locale), span)),
            None => needed,
        }
    });
    let ways = together.collect::<Vec<_>>().join(said.or_else());
    if ways.is_empty() {
        return said.attack(attack.goal, attack.locked, None);
    }
    format!("{} {}", said.attack(attack.goal, attack.locked, Some(&ways)), said.told(channels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::ChangeKind;

    #[test]
    fn a_headline_is_said_for_every_score() {
        for &locale in Locale::ALL {
            let all: std::collections::BTreeSet<&str> = (0..=100).map(|score| sentences(locale).headline(score)).collect();
            assert_eq!(all.len(), 4);
        }
    }

    #[test]
    fn protections_are_called_by_the_name_that_the_app_gives_them() {
        for &locale in Locale::ALL {
            let said = sentences(locale);
            for (finding, protection) in [
                (Finding::NoSimLock, Protection::NeverSimSwap),
                (Finding::SimLockCouldBlock, Protection::NeverSimSwap),
                (Finding::NoPortLock, Protection::NoPortOut),
                (Finding::PortLockCouldBlock, Protection::NoPortOut),
                (Finding::PinOut, Protection::NoPortOut),
            ] {
                assert!(said.finding(finding).contains(language(locale).protection(protection)), "{locale} {finding}");
            }
            assert!(said.step(Step::Unlock).contains(language(locale).protection(Protection::AccountLockdown)));
        }
    }

    #[test]
    fn everything_that_can_happen_has_its_words() {
        for &locale in Locale::ALL {
            for &kind in ChangeKind::ALL {
                for &status in crate::kinds::Status::ALL {
                    let text = sentences(locale).happened(What::Change(kind, status));
                    assert!(text.len() > 10 && text.ends_with('.'), "{text}");
                }
            }
        }
    }
}
