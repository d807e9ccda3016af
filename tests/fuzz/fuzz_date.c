/*
 * A time that a backend wrote: what is read as one is the time that the C library would make of the
 * same day. Input: the text.
 */
#include <time.h>

#include "codec/date.h"
#include "fuzz.h"

/* The digits of a text that starts like an ISO time, as the C library counts them. */
static int64_t by_library(const char *p)
{
    static const int starts[] = {0, 5, 8, 11, 14}, lengths[] = {4, 2, 2, 2, 2};
    int numbers[5] = {0};
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < lengths[i]; j++)
            numbers[i] = numbers[i] * 10 + (p[starts[i] + j] - '0');
    struct tm tm = {.tm_year = numbers[0] - 1900,
                    .tm_mon = numbers[1] - 1,
                    .tm_mday = numbers[2],
                    .tm_hour = numbers[3],
                    .tm_min = numbers[4]};
    return timegm(&tm);
}

static bool has_digits(struct str text, size_t start, size_t n)
{
    for (size_t i = start; i < start + n; i++)
        if (i >= text.n || text.p[i] < '0' || text.p[i] > '9')
            return false;
    return true;
}

static void check_iso(struct str text)
{
    int64_t seconds;
    if (!date_read_iso(text, &seconds))
        return;
    demand(text.n >= 16 && has_digits(text, 0, 4) && has_digits(text, 14, 2));
    int64_t at_minute = by_library(text.p), second = 0;
    if (text.n >= 19 && text.p[16] == ':')
        second = (text.p[17] - '0') * 10 + (text.p[18] - '0');
    /* An offset moves it by whole minutes, and by less than a day. */
    int64_t moved = seconds - at_minute - second;
    demand(moved % 60 == 0 && moved > -86400 && moved < 86400);
    char last = text.p[text.n - 1];
    if (last == 'Z' || last == 'z' || text.n == 16 || (text.n == 19 && text.p[16] == ':'))
        demand(moved == 0);
}

static void check_cookie(struct str text)
{
    int64_t seconds;
    if (!date_read_cookie(text, &seconds))
        return;
    time_t time = seconds;
    struct tm tm;
    demand(gmtime_r(&time, &tm) != NULL);
    demand(tm.tm_year + 1900 >= 1601 && tm.tm_year + 1900 <= 9999);
    /* What browsers are sent for that moment is read as the same moment. */
    char written[64];
    size_t n = strftime(written, sizeof written, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    int64_t again;
    demand(date_read_cookie((struct str){written, n}, &again) && again == seconds);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    check_iso(text);
    check_cookie(text);
    return 0;
}
