"""The simulator is the published one: same seed, world and size, same bytes. `python3 -m unittest discover -s tests`"""

import tempfile
import unittest
from pathlib import Path

from simulator.__main__ import simulate, write
from simulator.worlds import WORLDS

EVENTS_SHA256 = {
    ("dev", 1): "13558681b5e607df19f5ed7bfa7307e857dd364108b76b0fa5651ff25b5e1f90",
    ("dev", 7): "8023ee6cc3352650945c8630b8b89ab4664ac497bae9a9b28c119122243c5281",
    ("reference", 1): "c1c9186b1da0e329b90d7456b18b4c262fd49860409d67b6d2b608732a5de3e5",
}


class Published(unittest.TestCase):
    def test_bytes(self):
        for (name, seed), expected in EVENTS_SHA256.items():
            with self.subTest(name=name, seed=seed), tempfile.TemporaryDirectory() as out:
                world, _, _ = simulate(WORLDS[name], seed, 1_500, 300, 60)
                self.assertEqual(write(world, Path(out))[1], expected)


if __name__ == "__main__":
    unittest.main()
