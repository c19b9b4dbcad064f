# SPDX-License-Identifier: Apache-2.0
"""Dates in frames, against pandas on the same rows; SOTTO_CASES is not asked: all is drawn once."""

import datetime
import fractions

import numpy
import pandas
import pyarrow
import pytest

import sotto
from sotto._tables import record_batch
from sotto.errors import NotSupported, PlanError, SottoError

LIMIT = datetime.date(2020, 3, 1)


@pytest.fixture(scope="module")
def stays():
    rng = numpy.random.default_rng(20)
    came = pandas.Timestamp("2019-06-01") + pandas.to_timedelta(rng.integers(0, 700, 90), "D")
    left = came + pandas.to_timedelta(rng.integers(0, 30, 90), "D")
    frame = pandas.DataFrame({"came": came, "left": left, "pay": rng.integers(1, 99, 90)})
    frame.loc[[3, 17, 40], "came"] = pandas.NaT
    return frame


# The same code on lazy objects and on pandas' own; both are numbers.
SAME = {
    "after": lambda df: (df.came >= LIMIT.isoformat()).sum(),
    "before_a_timestamp": lambda df: (df.came < pandas.Timestamp(LIMIT)).sum(),
    "a_datetime": lambda df: (df.came <= datetime.datetime(2020, 3, 1)).sum(),
    "datetime64": lambda df: (df.came > numpy.datetime64("2020-03-01", "ns")).sum(),
    "other_column": lambda df: (df.came == df.left).sum(),
    "filtered": lambda df: df[df.came >= "2020-01-01"].pay.mean(),
    "isin": lambda df: df.came.isin([pandas.Timestamp("2019-06-01"), LIMIT.isoformat()]).sum(),
    "between": lambda df: df.came.between("2019-12-24", "2020-01-06").sum(),
    "missing": lambda df: df.came.isna().sum(),
    "count": lambda df: df.came.count(),
    "years": lambda df: df.came.dt.year.sum(),
    "months": lambda df: df.came.dt.month.mean(),
    "days": lambda df: df.came.dt.day.sum(),
    "weekdays": lambda df: df.came.dt.day_of_week.sum(),
    "quarters": lambda df: df.came.dt.quarter.sum(),
    "days_between": lambda df: (df.left - df.came).dt.days.mean(),
    "longer": lambda df: ((df.left - df.came) > datetime.timedelta(days=7)).sum(),
    "longer_timedelta64": lambda df: ((df.left - df.came) > numpy.timedelta64(7, "D")).sum(),
    "longer_of_nanoseconds": lambda df: (
        (df.left - df.came) > numpy.timedelta64(7 * 86400 * 10**9, "ns")
    ).sum(),
    "one_of": lambda df: abs(df.came - df.left).isin([datetime.timedelta(days=7)]).sum(),
    "clipped": lambda df: (df.left - df.came).clip(upper=datetime.timedelta(days=7)).dt.days.sum(),
}


@pytest.mark.parametrize("name", SAME)
def test_numbers_of_dates(name, stays):
    assert float(sotto.local(stays, SAME[name])) == pytest.approx(float(SAME[name](stays)))


def test_dates_as_results(stays):
    found = sotto.local(stays, lambda df: df.left.median(exact=True))
    assert pandas.Timestamp(found) == stays.left.median()
    found = sotto.local(stays, lambda df: df.came.mean())
    assert abs(pandas.Timestamp(found) - stays.came.mean()) < pandas.Timedelta("1us")
    share = sotto.local(stays, "quantile(came, 0.25, exact=1)")
    assert pandas.Timestamp(share) == stays.came.quantile(0.25)
    clipped = sotto.local(stays, lambda df: df.left.clip(LIMIT, LIMIT).mean())
    assert clipped == LIMIT


def test_guarded_quantiles_are_intervals_of_dates(stays):
    found = sotto.local(pandas.concat([stays] * 9), "median(came)", policy="safe")
    assert isinstance(found, pandas.Interval)
    assert found.left <= stays.came.median() <= found.right


def test_groups(stays):
    months = stays.groupby(stays.came.dt.month).pay.sum()
    found = sotto.local(
        stays, lambda df: df.groupby(df.came.dt.month, levels=range(1, 13)).pay.sum()
    )
    assert found.tolist() == [months.get(month, 0) for month in range(1, 13)]
    assert found.index.name == "month(came)"
    edges = [datetime.date(2019, 6, 1), LIMIT, pandas.Timestamp("2021-06-01")]
    bins = sotto.local(stays, lambda df: df.groupby("came", bins=edges).pay.count())
    before = (stays.came < pandas.Timestamp(LIMIT)).sum()
    assert bins.tolist() == [before, stays.came.count() - before]
    counts = sotto.local(stays, lambda df: df.came.hist(bins=edges))
    assert counts.tolist() == bins.tolist()
    level = stays.came.dropna().iloc[0]
    found = sotto.local(stays, lambda df: df.came.value_counts(levels=[level]))
    assert found.tolist() == [(stays.came == level).sum()]
    both = sotto.local(
        stays,
        lambda df: df.groupby(
            [df.came.dt.year, df.came.dt.month],
            levels={"year(came)": [2020], "month(came)": [1, 2]},
        ).pay.count(),
    )
    year = stays[stays.came.dt.year == 2020].came.dt.month
    assert both.tolist() == [(year == 1).sum(), (year == 2).sum()]


def test_types_of_other_libraries():
    days = [datetime.date(2020, 2, 29), None]
    nights = [datetime.datetime(2020, 2, 29), None]
    noon = [datetime.datetime(2020, 2, 29, 12), None]
    table = {
        "date32": pyarrow.array(days),
        "date64": pyarrow.array(days, pyarrow.date64()),
        "seconds": pyarrow.array(nights, pyarrow.timestamp("s")),
        "nanoseconds": pyarrow.array(nights, pyarrow.timestamp("ns")),
        "noon": pyarrow.array(noon, pyarrow.timestamp("us")),
        "zone": pyarrow.array(nights, pyarrow.timestamp("us", "UTC")),
    }
    kinds = [str(field.type) for field in record_batch(table).schema]
    assert kinds == ["date32[day]"] * 4 + ["timestamp[us]", "timestamp[us, tz=UTC]"]
    found = sotto.local(table, {name: f"mean({name})" for name in list(table)[:4]})
    assert set(found.values()) == {days[0]}


@pytest.fixture(scope="module")
def visits():
    rng = numpy.random.default_rng(21)
    came = pandas.Timestamp("2019-06-01") + pandas.to_timedelta(rng.integers(0, 10**13, 90), "us")
    left = came + pandas.to_timedelta(rng.integers(0, 10**10, 90), "us")
    frame = pandas.DataFrame({"came": came, "left": left, "pay": rng.integers(1, 99, 90)})
    frame["seen"] = came.tz_localize("UTC").tz_convert("Europe/Berlin")
    frame.loc[[3, 17, 40], "came"] = pandas.NaT
    return frame


NOON = datetime.datetime(2019, 8, 1, 12)
HERE = pandas.Timestamp(NOON, tz="America/New_York")
SAME_OF_TIMES = {
    "after": lambda df: (df.came >= "2019-08-01 12:00").sum(),
    "a_datetime": lambda df: (df.came <= NOON).sum(),
    "datetime64": lambda df: (df.came > numpy.datetime64("2019-08-01T12:00", "ns")).sum(),
    "a_date": lambda df: (df.came > pandas.Timestamp("2019-08-01")).sum(),
    "a_zone": lambda df: (df.seen > HERE).sum(),
    "hours": lambda df: df.came.dt.hour.sum(),
    "minutes": lambda df: df.came.dt.minute.mean(),
    "weekdays": lambda df: df.came.dt.day_of_week.sum(),
    "seconds": lambda df: (df.left - df.came).dt.total_seconds().mean(),
    "longer": lambda df: ((df.left - df.came).dt.total_seconds() > 3600).sum(),
    "since": lambda df: (df.came - NOON).dt.total_seconds().sum(),
    "filtered": lambda df: df[df.came >= NOON].pay.mean(),
}


@pytest.mark.parametrize("name", SAME_OF_TIMES)
def test_numbers_of_times(name, visits):
    of = SAME_OF_TIMES[name]
    assert float(sotto.local(visits, of)) == pytest.approx(float(of(visits)), rel=1e-12)


def test_times_as_results(visits):
    found = sotto.local(visits, lambda df: df.came.median(exact=True))
    assert pandas.Timestamp(found) == visits.came.median()
    found = sotto.local(visits, lambda df: df.seen.quantile(1.0, exact=True))
    assert pandas.Timestamp(found) == visits.seen.max()
    assert found.tzinfo is not None
    share = sotto.local(pandas.concat([visits] * 9), "median(came)", policy="safe")
    assert share.left <= visits.came.median() <= share.right
    hours = sotto.local(
        visits, lambda df: df.groupby(df.came.dt.hour, bins=[0, 12, 24]).pay.count()
    )
    assert hours.tolist() == [(visits.came.dt.hour < 12).sum(), (visits.came.dt.hour >= 12).sum()]
    day = visits.came.dropna().iloc[0].date()
    found = sotto.local(visits, lambda df: df.groupby(df.came.dt.date, levels=[day]).pay.count())
    assert found.tolist() == [(visits.came.dt.date == day).sum()]
    edges = ["2019-06-01", "2019-08-01 12:00", datetime.datetime(2020, 1, 1)]
    found = sotto.local(visits, lambda df: df.groupby("came", bins=edges).pay.count())
    assert found.tolist() == [(visits.came < NOON).sum(), (visits.came >= NOON).sum()]


def test_dates_of_one_table_beside_times_of_another(visits, stays):
    with pytest.raises(SottoError, match="dates, times and times with a zone don't mix"):
        sotto.simulate([visits, stays, stays], "sum(came >= '2020-01-01')")


def test_what_is_no_time(visits):
    fine = pandas.Timestamp("2020-01-01 00:00:00.000000001")
    with pytest.raises(PlanError, match="whole microseconds"):
        sotto.local(visits, lambda df: (df.came > fine).sum())
    with pytest.raises(PlanError, match="whole microseconds"):
        sotto.local(visits, lambda df: (df.came > fine.to_datetime64()).sum())
    with pytest.raises(SottoError, match="whole microseconds"):
        sotto.local(pandas.DataFrame({"t": [fine, NOON]}), "count(t)")
    with pytest.raises(SottoError, match="without a zone"):
        sotto.local(visits, lambda df: (df.came > HERE).sum())
    with pytest.raises(SottoError, match=r"seconds\(a - b\)"):
        sotto.local(visits, lambda df: (df.left - df.came).dt.days.mean())
    with pytest.raises(PlanError, match="total_seconds"):
        sotto.local(visits, lambda df: ((df.left - df.came) > pandas.Timedelta("3h")).sum())
    with pytest.raises(NotSupported, match="subtract"):
        sotto.local(visits, lambda df: df.came.dt.total_seconds().sum())
    with pytest.raises(PlanError, match="that rise"):
        sotto.local(visits, lambda df: df.groupby("came", bins=["2020-01-01", HERE]).pay.sum())


@pytest.mark.parametrize(
    ("unit", "least"), [("s", "1s"), ("ns", "1s"), ("ms", "1ms"), ("ns", "3ns")]
)
def test_durations_are_seconds(unit, least):
    times = pandas.to_timedelta([1, None, 86400 * 365], "s").as_unit(unit) + pandas.Timedelta(least)
    seconds = sotto.local(pandas.DataFrame({"d": times}), ["sum(d)", "count(d)"], exact=True)
    assert seconds["count(d)"] == 2
    whole = 2 * pandas.Timedelta(least).value
    assert seconds["sum(d)"] == 1 + 86400 * 365 + fractions.Fraction(whole, 10**9)


WEEK = datetime.timedelta(days=7)


@pytest.mark.parametrize(
    "question",
    [
        lambda df: (df.d > WEEK).sum(),
        lambda df: (df.d * 2 >= numpy.timedelta64(7, "D")).sum(),
        lambda df: df.d.isin([WEEK]).sum(),
        lambda df: df.d.clip(upper=WEEK).sum(),
        lambda df: df.d.replace(WEEK, 0).sum(),
        lambda df: df.d.fillna(WEEK).sum(),
        lambda df: df.query("d > @WEEK").d.count(),
    ],
)
def test_a_timedelta_is_days_and_durations_are_seconds(question):
    frame = pandas.DataFrame({"d": pandas.to_timedelta([1, 8], "D")})
    with pytest.raises(PlanError, match=r"total_seconds\(\)"):
        sotto.local(frame, question)


def test_what_is_no_date(stays):
    for value in (datetime.datetime(2020, 1, 1, 5), HERE):
        with pytest.raises(SottoError, match="expected a date beside a date"):
            sotto.local(stays, lambda df, value=value: (df.came == value).sum())
    with pytest.raises(PlanError, match="expected whole days"):
        sotto.local(stays, lambda df: (df.came == datetime.timedelta(hours=3)).sum())
    with pytest.raises(NotSupported, match="there are year"):
        sotto.local(stays, lambda df: df.came.dt.tz_localize("UTC").count())
    with pytest.raises(AttributeError):
        sotto.local(stays, lambda df: df.came.dt.nonsense.count())
    with pytest.raises(NotSupported, match="subtract"):
        sotto.local(stays, lambda df: df.came.dt.days.sum())
    with pytest.raises(SottoError, match="found dates"):
        sotto.local(stays, lambda df: df.came.sum())
    with pytest.raises(PlanError, match="numbers, dates or times"):
        sotto.local(stays, lambda df: df.groupby("came", bins=[1, "2020-01-01"]).pay.sum())


TEXTS = {
    "startswith": lambda df: df.name.str.startswith("An"),
    "contains": lambda df: df.name.str.contains("nn"),
    "contains_a_point": lambda df: df.name.str.contains(".", regex=False),
    "lower": lambda df: df.name.str.lower() == "ann",
    "strip": lambda df: df.name.str.strip() == "Bob",
    "both": lambda df: df.name.str.strip().str.lower().str.startswith("b"),
    "order": lambda df: df.name > "Bob",
    "between": lambda df: df.name.between("B", "a"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts(name):
    frame = pandas.DataFrame({"name": ["Ann", "ann", " Bob ", "Bobby", "J. Doe", "anna"]})
    found = sotto.local(frame, lambda df: TEXTS[name](df).sum())
    assert found == TEXTS[name](frame).sum()


def test_texts_that_are_refused():
    frame = pandas.DataFrame({"name": ["Ann", "b"]})
    with pytest.raises(NotSupported, match="regex=False"):
        sotto.local(frame, lambda df: df.name.str.contains("A.*").sum())
    with pytest.raises(NotSupported, match="there are startswith"):
        sotto.local(frame, lambda df: df.name.str.upper().count())
    with pytest.raises(PlanError, match="expected a text"):
        sotto.local(frame, lambda df: df.name.str.startswith(3).sum())
    with pytest.raises(AttributeError):
        sotto.local(frame, lambda df: df.name.str.nonsense())
    with pytest.raises(AttributeError, match="did you mean 'lower'"):
        sotto.local(frame, lambda df: df.name.str.lowr())
