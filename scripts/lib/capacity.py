"""The highest rate that a cluster serves."""
from lib.command import Trouble

# Of the first rate tried.
SLOWEST = 0.02
FASTEST = 1000


def highest_rate(holds, first=40.0, exact=0.01):
    """The highest rate, requests/s, at which `holds(rate)`, to `exact` of it; 0.0 where none does.

    `cleave plan` finds it for sizes that it chooses; this does for a given cluster, with the guards of
    DesignSearch::highest_rate. It goes up or down from the first rate by doubling and asks for none
    below one that holds, because low rates have few requests and break by chance; and none far below
    the first, where a cluster serves nothing. Nor far above it: without limits there would be no end.
    """
    low = high = first
    if holds(first):
        high = 2 * first
        while holds(high):
            if high > FASTEST * first:
                raise Trouble(f"nothing breaks at {high:.0f} requests/s; expected limits that do")
            low, high = high, 2 * high
    else:
        low = first / 2
        while not holds(low):
            if low < SLOWEST * first:
                return 0.0
            low, high = low / 2, low
    while high - low > exact * high:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
