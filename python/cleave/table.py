"""Tables of results: a numpy array a column."""
import csv

import numpy


def _array(values):
    """Whole numbers, numbers (NaN where there is none), or else texts ("" where there is none)."""
    missing = [value is None or value == "" for value in values]
    if all(missing):
        return numpy.full(len(values), numpy.nan)
    try:
        if not any(missing) and all(isinstance(value, (int, str)) for value in values):
            return numpy.array([int(value) for value in values], dtype=numpy.int64)
    except (ValueError, OverflowError):
        pass
    try:
        return numpy.array([numpy.nan if gone else float(value)
                            for gone, value in zip(missing, values)], dtype=numpy.float64)
    except ValueError:
        return numpy.array(["" if gone else value for gone, value in zip(missing, values)],
                           dtype=object)


class Table(dict):
    """Column names and numpy arrays, all of one length. len() is the number of columns, as of any
    dict; `rows` that of rows; frame() makes a frame of pandas."""

    @property
    def rows(self):
        return len(next(iter(self.values()), ()))

    def frame(self):
        import pandas  # only who wants frames needs it
        return pandas.DataFrame(dict(self))

    @classmethod
    def of_columns(cls, columns):
        return cls({name: _array(list(values)) for name, values in columns.items()})

    @classmethod
    def read_csv(cls, file):
        with open(file, newline="", encoding="utf-8") as lines:
            rows = csv.reader(lines)
            names = next(rows)
            columns = list(zip(*rows)) or [()] * len(names)
        return cls.of_columns(dict(zip(names, columns)))

    @classmethod
    def over_time(cls, series):
        """Of a pool's `over_time`: the lists, and when each bucket begins."""
        table = cls({name: numpy.array(values, dtype=numpy.float64)
                     for name, values in series.items() if isinstance(values, list)})
        return cls({"time_s": numpy.arange(table.rows) * series["bucket_s"], **table})
