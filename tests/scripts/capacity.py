"""The search for the highest rate that holds."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from lib.capacity import highest_rate  # noqa: E402
from lib.command import Trouble  # noqa: E402


class Cluster:
    """Holds up to its capacity, and at no rate at which it breaks by chance."""

    def __init__(self, capacity, unlucky_below=0):
        self.capacity, self.unlucky_below, self.asked = capacity, unlucky_below, []

    def holds(self, rate):
        self.asked.append(rate)
        return self.unlucky_below <= rate <= self.capacity


class HighestRate(unittest.TestCase):
    def test_it_is_found_to_a_hundredth_above_and_below_the_first_rate(self):
        for capacity in (1.3, 9, 20, 39.9, 40, 40.1, 72, 112, 333, 5000):
            found = highest_rate(Cluster(capacity).holds)
            self.assertLessEqual(found, capacity)
            self.assertGreater(found, 0.989 * capacity)

    def test_no_rate_is_asked_below_one_that_holds(self):
        for capacity in (25, 150):
            cluster = Cluster(capacity, unlucky_below=12)
            self.assertGreater(highest_rate(cluster.holds), 0.989 * capacity)
            self.assertGreaterEqual(min(cluster.asked), 12)

    def test_a_cluster_that_serves_nothing_ends_the_search(self):
        cluster = Cluster(capacity=0)
        self.assertEqual(highest_rate(cluster.holds), 0.0)
        self.assertLess(len(cluster.asked), 10)

    def test_a_scenario_in_which_nothing_breaks_ends_the_search(self):
        cluster = Cluster(capacity=float("inf"))
        with self.assertRaisesRegex(Trouble, "nothing breaks"):
            highest_rate(cluster.holds)
        self.assertLess(len(cluster.asked), 20)


if __name__ == "__main__":
    unittest.main()
