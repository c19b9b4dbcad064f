/* SPDX-License-Identifier: Apache-2.0 */

/* Dates with times of day: how they are written, and the integers that they are. Leans on date.c
 * for days.
 *
 * The idea: a form says which parts stand where; ISO 8601 has one form for dates, and for times one
 * that may end early. What is read is a set of parts, and only in the end a day and a time: so
 * nothing depends on the order in which parts are written. */

#include <sotto/datetime.h>
#include <stdio.h>
#include <string.h>

#define DAY SOTTO_DATETIME_DAY
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)

struct time_parts {
    int year, month, day;
    int hour, minute, second;
    int microseconds;
    int half;           /* of the day, of a clock of twelve hours: 0, 1; -1: of a clock of 24 */
    int offset_minutes; /* east of UTC */
    bool has_time;
    bool has_zone;
};

int64_t sotto_datetime_days(int64_t *out_of_day, int64_t microseconds)
{
    SOTTO_REQUIRE(microseconds >= SOTTO_DATETIME_MIN && microseconds <= SOTTO_DATETIME_MAX);
    int64_t of_day = microseconds % DAY;
    of_day += of_day < 0 ? DAY : 0;
    *out_of_day = of_day;
    return (microseconds - of_day) / DAY;
}

/* --- Parts --- */

/* Reads from least to most digits at *at. Returns: -1 if there are fewer. */
static int read_digits(const char **at, const char *end, int least, int most)
{
    int number = 0;
    int len = 0;
    for (; len < most && *at < end && **at >= '0' && **at <= '9'; len++) {
        number = number * 10 + (*(*at)++ - '0');
    }
    return len >= least ? number : -1;
}

static bool read_short_year(int *out, const char **at, const char *end)
{
    int year = read_digits(at, end, 2, 2);
    *out = year + (year < 69 ? 2000 : 1900);
    return year >= 0;
}

/* Returns: 1 to 12, or -1. */
static int read_month_name(const char **at, const char *end)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (end - *at < 3) {
        return -1;
    }
    for (int i = 0; i < 12; i++) {
        bool is_same = true;
        for (int j = 0; is_same && j < 3; j++) {
            is_same = ((*at)[j] | 0x20) == names[3 * i + j]; /* small letters */
        }
        if (is_same) {
            *at += 3;
            return i + 1;
        }
    }
    return -1;
}

/* One to nine digits of a fraction of a second, of which those beyond microseconds are 0. */
static int read_fraction(const char **at, const char *end)
{
    int microseconds = 0;
    int len = 0;
    for (; len < 9 && *at < end && **at >= '0' && **at <= '9'; len++, (*at)++) {
        if (len >= 6 && **at != '0') {
            return -1;
        }
        microseconds = len < 6 ? microseconds * 10 + (**at - '0') : microseconds;
    }
    for (int i = len; i < 6; i++) {
        microseconds *= 10;
    }
    return len > 0 ? microseconds : -1;
}

/* AM or PM. Returns: 0, 1 or -1. */
static int read_half(const char **at, const char *end)
{
    if (end - *at < 2 || ((*at)[1] | 0x20) != 'm') {
        return -1;
    }
    char letter = (char)(**at | 0x20);
    *at += 2;
    return letter == 'a' ? 0 : letter == 'p' ? 1 : -1;
}

/* Z, +HH:MM, +HHMM or +HH, or with a minus. */
static bool read_zone(struct time_parts *out, const char **at, const char *end)
{
    out->has_zone = true;
    if (*at < end && **at == 'Z') {
        (*at)++;
        return true;
    }
    if (*at == end || (**at != '+' && **at != '-')) {
        return false;
    }
    int sign = *(*at)++ == '-' ? -1 : 1;
    int hours = read_digits(at, end, 2, 2);
    int minutes = 0;
    bool has_colon = *at < end && **at == ':';
    *at += has_colon;
    if (has_colon || *at < end) {
        minutes = read_digits(at, end, 2, 2);
    }
    out->offset_minutes = sign * (60 * hours + minutes);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59;
}

/* Two digits, up to most. */
static bool read_pair(int *out, const char **at, const char *end, int most)
{
    *out = read_digits(at, end, 2, 2);
    return *out >= 0 && *out <= most;
}

/* The part that a letter of a form stands for. */
static bool read_part(struct time_parts *out, char letter, const char **at, const char *end)
{
    switch (letter) {
    case 'd':
        return (out->day = read_digits(at, end, 1, 2)) >= 0;
    case 'm':
        return (out->month = read_digits(at, end, 1, 2)) >= 0;
    case 'b':
        return (out->month = read_month_name(at, end)) >= 0;
    case 'Y':
        return (out->year = read_digits(at, end, 4, 4)) >= 0;
    case 'y':
        return read_short_year(&out->year, at, end);
    case 'H':
        out->has_time = true;
        out->hour = read_digits(at, end, 1, 2);
        return out->hour >= 0 && out->hour <= 23;
    case 'I':
        out->has_time = true;
        out->hour = read_digits(at, end, 1, 2);
        return out->hour >= 1 && out->hour <= 12;
    case 'p':
        return (out->half = read_half(at, end)) >= 0;
    case 'M':
        return read_pair(&out->minute, at, end, 59);
    case 'S':
        return read_pair(&out->second, at, end, 59);
    case 'f':
        return (out->microseconds = read_fraction(at, end)) >= 0;
    default: /* z */
        return read_zone(out, at, end);
    }
}

/* --- Forms --- */

bool sotto_datetime_form_is_valid(enum sotto_kind *out_kind, const char *form)
{
    static const char letters[] = "dmbYyHIpMSfz";
    int len[sizeof letters] = {0};
    for (const char *at = form; *at != '\0'; at++) {
        if (*at >= '0' && *at <= '9') {
            return false;
        }
        if (*at == '%') {
            const char *letter = *++at != '\0' ? strchr(letters, *at) : NULL;
            if (letter == NULL) {
                return false;
            }
            len[letter - letters]++;
        }
    }
    int hours = len[5] + len[6];
    bool is_date = len[0] == 1 && len[1] + len[2] == 1 && len[3] + len[4] == 1;
    bool is_time = hours <= 1 && len[7] == len[6] && len[8] <= hours && len[9] <= len[8] &&
                   len[10] <= len[9] && len[11] <= hours;
    if (!is_date || !is_time) {
        return false;
    }
    *out_kind = len[11] > 0 ? SOTTO_KIND_DATETIME_UTC
                : hours > 0 ? SOTTO_KIND_DATETIME
                            : SOTTO_KIND_DATE;
    return true;
}

/* All of a text, by a form. */
static bool read_form(struct time_parts *out, const char *form, const char *at, const char *end)
{
    for (; *form != '\0'; form++) {
        bool fits = *form == '%' ? read_part(out, *++form, &at, end) : at < end && *at++ == *form;
        if (!fits) {
            return false;
        }
    }
    return at == end;
}

/* HH:MM, HH:MM:SS or HH:MM:SS.F, and perhaps a zone. */
static bool read_iso_time(struct time_parts *out, const char *at, const char *end)
{
    out->has_time = true;
    if (!read_pair(&out->hour, &at, end, 23) || at == end || *at++ != ':' ||
        !read_pair(&out->minute, &at, end, 59)) {
        return false;
    }
    if (at < end && *at == ':') {
        at++;
        if (!read_pair(&out->second, &at, end, 59)) {
            return false;
        }
        if (at < end && (*at == '.' || *at == ',')) {
            at++;
            out->microseconds = read_fraction(&at, end);
        }
    }
    return out->microseconds >= 0 && (at == end || (read_zone(out, &at, end) && at == end));
}

#define ISO_DATE_BYTES 10

static bool read_iso(struct time_parts *out, const char *text, size_t text_bytes)
{
    const char *at = text;
    const char *end = text + text_bytes;
    if (text_bytes < ISO_DATE_BYTES || text[4] != '-' || text[7] != '-') {
        return false;
    }
    out->year = read_digits(&at, end, 4, 4);
    at = text + 5;
    out->month = read_digits(&at, end, 2, 2);
    at = text + 8;
    out->day = read_digits(&at, end, 2, 2);
    return text_bytes == ISO_DATE_BYTES ||
           ((*at == 'T' || *at == ' ') && read_iso_time(out, at + 1, end));
}

/* The hour of a day of what a clock of twelve hours says. */
static int find_hour(const struct time_parts *parts)
{
    return parts->half < 0 ? parts->hour : parts->hour % 12 + 12 * parts->half;
}

bool sotto_datetime_parse(enum sotto_kind *out_kind, int64_t *out, const char *form,
                          const char *text, size_t text_bytes)
{
    struct time_parts parts = {.half = -1};
    int64_t days;
    bool fits = form == NULL ? read_iso(&parts, text, text_bytes)
                             : read_form(&parts, form, text, text + text_bytes);
    if (!fits || !sotto_date_days(&days, parts.year, parts.month, parts.day)) {
        return false;
    }
    if (!parts.has_time) {
        *out_kind = SOTTO_KIND_DATE;
        *out = days;
        return true;
    }
    int64_t minutes = 60 * find_hour(&parts) + parts.minute - parts.offset_minutes;
    int64_t value = days * DAY + minutes * MINUTE + parts.second * SECOND + parts.microseconds;
    if (value < SOTTO_DATETIME_MIN || value > SOTTO_DATETIME_MAX) {
        return false; /* another zone may take a time out of all years */
    }
    *out_kind = parts.has_zone ? SOTTO_KIND_DATETIME_UTC : SOTTO_KIND_DATETIME;
    *out = value;
    return true;
}

bool sotto_datetime_parse_kind(int64_t *out, enum sotto_kind kind, const char *form,
                               const char *text, size_t text_bytes)
{
    enum sotto_kind found;
    int64_t value;
    if (!sotto_datetime_parse(&found, &value, form, text, text_bytes)) {
        return false;
    }
    bool is_midnight = found == SOTTO_KIND_DATE && kind == SOTTO_KIND_DATETIME;
    if (found == kind || is_midnight) {
        *out = is_midnight ? value * DAY : value;
    }
    return found == kind || is_midnight;
}

bool sotto_date_parse(int64_t *out, const char *text, size_t text_bytes)
{
    return text_bytes == ISO_DATE_BYTES &&
           sotto_datetime_parse_kind(out, SOTTO_KIND_DATE, NULL, text, text_bytes);
}

void sotto_datetime_text(char out[SOTTO_DATETIME_TEXT_BYTES], enum sotto_kind kind, int64_t value)
{
    int64_t of_day = 0;
    sotto_date_text(out, kind == SOTTO_KIND_DATE ? value : sotto_datetime_days(&of_day, value));
    if (kind == SOTTO_KIND_DATE) {
        return;
    }
    char fraction[8] = "";
    unsigned seconds = (unsigned)(of_day / SECOND); /* below 86400 */
    unsigned microseconds = (unsigned)(of_day % SECOND);
    if (microseconds > 0) {
        (void)snprintf(fraction, sizeof fraction, ".%06u", microseconds % 1000000);
    }
    (void)snprintf(out + ISO_DATE_BYTES, SOTTO_DATETIME_TEXT_BYTES - ISO_DATE_BYTES,
                   "T%02u:%02u:%02u%s%s", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60,
                   fraction, kind == SOTTO_KIND_DATETIME_UTC ? "Z" : "");
}
