#include "codec/date.h"

#define EPOCH_DAYS 719162 /* from 0001-01-01 to 1970-01-01 */

struct moment {
    int year, month, day, hour, minute, second;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Of the proleptic Gregorian calendar. A second of 60 is a leap second, and the next one's start.
 */
static bool is_real(const struct moment *m)
{
    return m->year >= 1 && m->year <= 9999 && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= days_of(m->year, m->month) && m->hour <= 23 && m->minute <= 59 &&
           m->second <= 60;
}

static int64_t seconds_of(const struct moment *m)
{
    int before = m->year - 1;
    int64_t days = 365 * before + before / 4 - before / 100 + before / 400 - EPOCH_DAYS;
    for (int month = 1; month < m->month; month++)
        days += days_of(m->year, month);
    days += m->day - 1;
    return ((days * 24 + m->hour) * 60 + m->minute) * 60 + m->second;
}

/* Between `least` and `most` digits from the start of *s. */
static bool take_number(struct str *s, size_t least, size_t most, int *out)
{
    size_t n = 0;
    int value = 0;
    while (n < s->n && n < most && is_digit(s->p[n]))
        value = value * 10 + (s->p[n++] - '0');
    if (n < least)
        return false;
    *out = value;
    *s = (struct str){s->p + n, s->n - n};
    return true;
}

static bool take_one_of(struct str *s, struct str choices)
{
    for (size_t i = 0; s->n > 0 && i < choices.n; i++)
        if (s->p[0] == choices.p[i]) {
            *s = (struct str){s->p + 1, s->n - 1};
            return true;
        }
    return false;
}

static bool take_seconds(struct str *s, int *second)
{
    int digit;
    if (!take_one_of(s, STR(":")))
        return true;
    if (!take_number(s, 2, 2, second))
        return false;
    if (!take_one_of(s, STR(".,")))
        return true;
    if (!take_number(s, 1, 1, &digit))
        return false;
    while (take_number(s, 1, 1, &digit))
        ;
    return true;
}

/* Seconds east of Greenwich. */
static bool take_offset(struct str *s, int *out)
{
    int hours, minutes = 0;
    *out = 0;
    if (s->n == 0 || take_one_of(s, STR("Zz")))
        return true;
    bool is_west = s->p[0] == '-';
    if (!take_one_of(s, STR("+-")) || !take_number(s, 2, 2, &hours))
        return false;
    if ((take_one_of(s, STR(":")) || s->n > 0) && !take_number(s, 2, 2, &minutes))
        return false;
    *out = (hours * 60 + minutes) * (is_west ? -60 : 60);
    return hours <= 23 && minutes <= 59;
}

bool date_read_iso(struct str text, int64_t *out)
{
    struct moment m = {.second = 0};
    int offset_s;
    bool is_read = take_number(&text, 4, 4, &m.year) && take_one_of(&text, STR("-")) &&
                   take_number(&text, 2, 2, &m.month) && take_one_of(&text, STR("-")) &&
                   take_number(&text, 2, 2, &m.day) && take_one_of(&text, STR("Tt ")) &&
                   take_number(&text, 2, 2, &m.hour) && take_one_of(&text, STR(":")) &&
                   take_number(&text, 2, 2, &m.minute) && take_seconds(&text, &m.second) &&
                   take_offset(&text, &offset_s);
    if (!is_read || text.n > 0 || !is_real(&m))
        return false;
    *out = seconds_of(&m) - offset_s;
    return true;
}

/* RFC 6265, 5.1.1: what separates the date's parts. */
static bool is_delimiter(char c)
{
    unsigned char u = (unsigned char)c;
    return u == 0x09 || (u >= 0x20 && u <= 0x2F) || (u >= 0x3B && u <= 0x40) ||
           (u >= 0x5B && u <= 0x60) || (u >= 0x7B && u <= 0x7E);
}

static bool next_part(struct str *text, struct str *part)
{
    size_t start = 0, end;
    if (text->n == 0)
        return false;
    while (start < text->n && is_delimiter(text->p[start]))
        start++;
    for (end = start; end < text->n && !is_delimiter(text->p[end]);)
        end++;
    *part = (struct str){text->p + start, end - start};
    *text = (struct str){text->p + end, text->n - end};
    return part->n > 0;
}

/* A number of some digits, alone or with something behind it that is no digit. */
static bool is_number(struct str part, size_t least, size_t most, int *out)
{
    int value;
    if (!take_number(&part, least, most, &value) || (part.n > 0 && is_digit(part.p[0])))
        return false;
    *out = value;
    return true;
}

static bool is_time(struct str part, struct moment *m)
{
    struct moment t = *m;
    if (!take_number(&part, 1, 2, &t.hour) || !take_one_of(&part, STR(":")) ||
        !take_number(&part, 1, 2, &t.minute) || !take_one_of(&part, STR(":")) ||
        !is_number(part, 1, 2, &t.second))
        return false;
    *m = t;
    return true;
}

static bool is_month(struct str part, int *out)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; part.n >= 3 && i < 12; i++)
        if (str_eq_nocase((struct str){part.p, 3}, (struct str){&names[i * 3], 3})) {
            *out = i + 1;
            return true;
        }
    return false;
}

bool date_read_cookie(struct str text, int64_t *out)
{
    enum { TIME = 1, DAY = 2, MONTH = 4, YEAR = 8, ALL = 15 };
    struct moment m = {.year = 0};
    struct str part;
    unsigned found = 0;
    /* Each part is the first of these that is still missing and fits. */
    while (next_part(&text, &part)) {
        if (!(found & TIME) && is_time(part, &m))
            found |= TIME;
        else if (!(found & DAY) && is_number(part, 1, 2, &m.day))
            found |= DAY;
        else if (!(found & MONTH) && is_month(part, &m.month))
            found |= MONTH;
        else if (!(found & YEAR) && is_number(part, 2, 4, &m.year))
            found |= YEAR;
    }
    if (found != ALL)
        return false;
    if (m.year <= 99)
        m.year += m.year >= 70 ? 1900 : 2000;
    if (m.year < 1601 || m.second > 59 || !is_real(&m))
        return false;
    *out = seconds_of(&m);
    return true;
}
