//! Seeded chance: SplitMix64 (Steele, Lea and Flood, 2014), the same on every machine.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The stream of one case of a seed: every case can be tried again by itself.
    #[must_use]
    pub fn of(seed: u64, case: u64) -> Self {
        let mut start = Self(seed);
        Self(start.bits() ^ case.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        u32::try_from((u128::from(self.bits()) * u128::from(n)) >> 64).unwrap_or(0)
    }

    /// Whether something happens that happens so many times in a hundred.
    pub fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }

    /// An index into a list of so many; 0 for none.
    pub fn index(&mut self, length: usize) -> usize {
        let n = self.below(u32::try_from(length).unwrap_or(u32::MAX));
        usize::try_from(n).unwrap_or(0)
    }

    /// One of a list.
    #[expect(clippy::indexing_slicing, reason = "no list here is empty, and the index is below its length")]
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.index(list.len())]
    }

    /// One of a list; nothing where it is empty.
    pub fn pick_of<T: Clone>(&mut self, list: &[T]) -> Option<T> {
        let index = self.index(list.len());
        list.get(index).cloned()
    }
}
