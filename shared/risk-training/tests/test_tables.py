"""Trees summed into tables say what the trees say, and keep the laws."""

import unittest

import numpy as np

from training.fit import Rows, boost, choose_pairs, enforce_missing, to_tables
from training.model import MICRO, bins

PRIOR = {"a": {0.25: 0.7}, "b": {-0.5: 0.4}}


def some_rows() -> Rows:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(4_000, 4)).astype(np.float32)
    x[rng.random(x.shape) < 0.15] = np.nan
    filled = np.nan_to_num(x)
    odds = filled[:, 0] - filled[:, 1] + filled[:, 0] * filled[:, 2] - 1
    y = rng.random(4_000) < 1 / (1 + np.exp(-odds))
    medians = np.nanmedian(x[~y], axis=0).astype(np.float32)
    return Rows(list("abcd"), dict(a=1, b=-1, c=0, d=1), x, y, np.ones(len(y)), medians)


class Tables(unittest.TestCase):
    def setUp(self):
        self.rows = some_rows()
        self.boosters = [boost(self.rows, self.rows.x, seed, rounds=150, prior=PRIOR) for seed in (1, 2)]
        self.model, _ = to_tables(self.boosters, self.rows, set(), PRIOR)
        self.columns = {name: self.rows.x[:, i] for i, name in enumerate(self.rows.names)}

    def test_sums_are_the_mean_of_the_trees_and_what_was_known_before(self):
        scores = self.model.scores(self.columns) / MICRO
        trees = np.mean([booster.predict(self.rows.x, raw_score=True) for booster in self.boosters], axis=0)
        with np.errstate(invalid="ignore"):
            known = 0.7 * (self.columns["a"] > 0.25) + 0.4 * (self.columns["b"] <= -0.5)
        np.testing.assert_allclose(scores, trees + known, atol=3e-4)

    def test_every_table_keeps_its_directions(self):
        for curve in self.model.curves:
            steps = np.diff(curve.values[:-1]) * self.rows.directions[curve.feature]
            self.assertTrue((steps >= 0).all(), curve.feature)
        for pair in self.model.pairs:
            for axis, name in enumerate(pair.features):
                steps = np.diff(pair.values[:-1, :-1], axis=axis) * self.rows.directions[name]
                self.assertTrue((steps >= 0).all(), pair.features)

    def test_missing_is_never_below_the_median(self):
        enforce_missing(self.model)
        for curve in self.model.curves:
            self.assertGreaterEqual(curve.values[-1], curve.values[curve.typical])
        for pair in self.model.pairs:
            a, b = pair.typical
            self.assertTrue((pair.values[-1, :] >= pair.values[a, :]).all())
            self.assertTrue((pair.values[:, -1] >= pair.values[:, b]).all())

    def test_pairs_are_found(self):
        self.assertIn(("a", "c"), choose_pairs(self.boosters[0], 2))

    def test_a_value_on_a_cut_is_below_it(self):
        cuts = np.array([1.0, 2.0], np.float32)
        self.assertEqual(bins(np.array([0.5, 1.0, 1.5, 2.0, 2.5, np.nan], np.float32), cuts).tolist(), [0, 0, 1, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
