"""Tables of results: a numpy array a column."""
import csv
import io

import numpy


def _of_texts(values):
    """Whole numbers, numbers (NaN where there is none), or else texts, of the cells of a CSV file."""
    texts = numpy.array(values, dtype=str)
    missing = texts == ""
    if not missing.any():
        try:
            return texts.astype(numpy.int64)
        except (ValueError, OverflowError):
            pass
    try:
        return numpy.where(missing, "nan", texts).astype(numpy.float64)
    except ValueError:
        return texts.astype(object)


def _of_cells(values):
    """The same of the cells of a database, where a missing one is None."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        return numpy.array(["" if value is None else value for value in values], dtype=object)
    if len(known) == len(values) and all(isinstance(value, int) for value in values):
        return numpy.array(values, dtype=numpy.int64)
    return numpy.array([numpy.nan if value is None else value for value in values],
                       dtype=numpy.float64)


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
    def of_cells(cls, columns):
        return cls({name: _of_cells(values) for name, values in columns.items()})

    @classmethod
    def read_csv(cls, text):
        rows = csv.reader(io.StringIO(text, newline=""))
        names = next(rows)
        columns = list(zip(*rows)) or [()] * len(names)
        return cls({name: _of_texts(values) for name, values in zip(names, columns)})

    @classmethod
    def over_time(cls, series):
        """Of a pool's `over_time`: the lists, and when each bucket begins."""
        table = cls({name: numpy.array(values, dtype=numpy.float64)
                     for name, values in series.items() if isinstance(values, list)})
        return cls({"time_s": numpy.arange(table.rows) * series["bucket_s"], **table})
