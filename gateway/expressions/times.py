"""Reading times: the forms in which providers write dates and instants."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import ROUND_FLOOR, Context, Decimal

from gateway.expressions.errors import CoercionError
from gateway.expressions.writing import shown

_MILLISECONDS_FROM = 10**11
"""An integer this large counts milliseconds: as seconds it would lie beyond the year 5000."""

_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ]([0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r" ?([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_DAY_FIRST = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")  # ASAAS: `dateCreated` of a subscription
_EPOCH_TEXT = re.compile(r"[0-9]{10}|[0-9]{13}")
_MICROSECONDS = Context(prec=100, rounding=ROUND_FLOOR)
_LONGEST = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_timestamp(text: str, zone: str | None) -> datetime:
    """Return the instant that a text names, in UTC.

    ISO 8601 with `Z` or an offset (a space may stand for `T`; up to nine digits after the second, cut off
    at the microsecond), the same without an offset and dates (`yyyy-MM-dd`, `dd/MM/yyyy`: midnight) in the
    IANA zone `zone`, or UTC; epoch seconds or milliseconds as 10 or 13 digits. Raises CoercionError.
    """
    if _EPOCH_TEXT.fullmatch(text):
        return from_epoch(int(text))
    found = _ISO.fullmatch(text)
    if found is None:
        day = _day_first(text)
        if day is None:
            raise CoercionError(f"cannot read text `{text[:60]}` as a timestamp")
        return at_midnight(day, zone)
    day, offset = _iso_date(text, found[1]), found[5]
    moment = _clock(text, day, found)
    return _in_utc(text, moment, _offset(text, offset) if offset else zone_named(zone))


def read_date(text: str, zone: str | None) -> date:
    """Return the date that a text names; of a time, the date it has in the IANA zone `zone`, or UTC.

    `yyyy-MM-dd`, `dd/MM/yyyy`, and every form of a timestamp; one without an offset keeps its own date.
    Raises CoercionError.
    """
    day = _plain_date(text) or _day_first(text)
    if day is not None:
        return day
    found = _ISO.fullmatch(text)
    if found is None and not _EPOCH_TEXT.fullmatch(text):
        raise CoercionError(f"cannot read text `{text[:60]}` as a date")
    if found is not None and not found[5]:
        day = _iso_date(text, found[1])
        _clock(text, day, found)
        return day
    return date_in(read_timestamp(text, zone), zone)


def date_in(moment: datetime, zone: str | None) -> date:
    """Return the date that an instant has in an IANA zone, or UTC."""
    try:
        return moment.astimezone(zone_named(zone)).date()
    except OverflowError:
        raise CoercionError(f"timestamp {moment.isoformat()} has no date in `{zone}`") from None


def at_midnight(day: date, zone: str | None) -> datetime:
    """Return the first instant of a date in an IANA zone, or UTC, as a timestamp in UTC."""
    return _in_utc(day.isoformat(), datetime(day.year, day.month, day.day), zone_named(zone))  # noqa: DTZ001  # the zone is put on by _in_utc


def from_epoch(number: int | Decimal) -> datetime:
    """Return the instant of epoch seconds, or of milliseconds when the number is 10**11 or more.

    Fractions count, down to the microsecond. Raises CoercionError beyond the years 1 to 9999.
    """
    if Decimal(number).adjusted() > _LONGEST:
        raise _out_of_years(number)
    unit = 1_000_000 if -_MILLISECONDS_FROM < number < _MILLISECONDS_FROM else 1_000
    microseconds = _MICROSECONDS.multiply(Decimal(number), Decimal(unit))
    try:
        return _EPOCH + timedelta(microseconds=int(microseconds.to_integral_value(ROUND_FLOOR)))
    except OverflowError:
        raise _out_of_years(number) from None


def _out_of_years(number: object) -> CoercionError:
    return CoercionError(f"{shown(number)} is not a time between the years 1 and 9999")


def has_offset(text: str) -> bool:
    """Return whether a text is an ISO 8601 time that says by itself which instant it is."""
    found = _ISO.fullmatch(text)
    return found is not None and found[5] is not None


def zone_named(zone: str | None) -> tzinfo:
    """Return the time zone of an IANA name, UTC for None; raises CoercionError for an unknown one."""
    if zone is None or zone == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # imported when first needed

    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise CoercionError(f"there is no time zone `{zone}`") from None


def _plain_date(text: str) -> date | None:
    """Return the date of a text in the most usual form, `yyyy-MM-dd`, without the cost of a pattern."""
    if len(text) != 10 or not text[4] == text[7] == "-":
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day_first(text: str) -> date | None:
    found = _DAY_FIRST.fullmatch(text)
    return _iso_date(text, f"{found[3]}-{found[2]}-{found[1]}") if found else None


def _iso_date(text: str, iso: str) -> date:
    try:
        return date.fromisoformat(iso)
    except ValueError:
        raise CoercionError(f"text `{text[:60]}` names a day that does not exist") from None


def _clock(text: str, day: date, found: re.Match[str]) -> datetime:
    hour, minute = (found[2] or "00:00").split(":")
    microsecond = int((found[4] or "").ljust(6, "0")[:6])
    try:
        return datetime(  # noqa: DTZ001  # the zone is put on by _in_utc
            day.year, day.month, day.day, int(hour), int(minute), int(found[3] or 0), microsecond
        )
    except ValueError:
        raise CoercionError(f"text `{text[:60]}` names a time of day that does not exist") from None


def _offset(text: str, offset: str) -> tzinfo:
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    if int(digits[2:] or 0) > 59 or minutes >= 24 * 60:
        raise CoercionError(f"text `{text[:60]}` has an offset that does not exist")
    return timezone(timedelta(minutes=-minutes if offset[0] == "-" else minutes))


def _in_utc(text: str, moment: datetime, zone: tzinfo) -> datetime:
    try:
        return moment.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise CoercionError(f"text `{text[:60]}` is not a time between the years 1 and 9999") from None
