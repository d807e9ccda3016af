#include "../../assert_str.h"
#include "codec/date.h"

struct row {
    const char *text;
    int64_t seconds;
};

#define NO_DATE INT64_MIN

static void assert_dates(bool (*read)(struct str, int64_t *), const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int64_t seconds = NO_DATE;
        bool is_read = read(str_from(rows[i].text), &seconds);
        if (is_read != (rows[i].seconds != NO_DATE) || seconds != rows[i].seconds)
            fail_msg("\"%s\": %lld", rows[i].text, (long long)seconds);
    }
}

#define ASSERT_DATES(read, rows) assert_dates(read, rows, sizeof rows / sizeof *rows)

static void what_python_and_rest_framework_write_is_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"2026-11-21T10:52:48.123456Z", 1795258368},
        {"2026-11-21T10:52:48Z", 1795258368},
        {"2026-11-21T10:52:48.123456+00:00", 1795258368},
        {"2026-11-21 10:52:48.123456+00:00", 1795258368},
        {"2026-11-21 10:52:48", 1795258368},
        {"2026-11-21T10:52:48.999999", 1795258368},
        {"2026-11-21T12:52:48+02:00", 1795258368},
        {"2026-11-21T05:22:48-05:30", 1795258368},
        {"2026-11-21T05:22:48-0530", 1795258368},
        {"2026-11-21T11:52:48+01", 1795258368},
        {"2026-11-21t10:52:48z", 1795258368},
        {"2026-11-21T10:52:48,5Z", 1795258368},
        {"2026-11-21T10:52Z", 1795258320},
        {"2026-11-21T10:52", 1795258320},
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1},
        {"2000-02-29T00:00:00Z", 951782400},
        {"2100-03-01T00:00:00Z", 4107542400},
        {"2016-12-31T23:59:60Z", 1483228800},
        {"0001-01-01T00:00:00Z", -62135596800},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"9999-12-31T23:59:59-23:59", 253402387139},
    };
    ASSERT_DATES(date_read_iso, rows);
}

static void what_is_no_iso_time_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", NO_DATE},
        {"2026", NO_DATE},
        {"2026-11-21", NO_DATE},
        {"2026-11-21T", NO_DATE},
        {"2026-11-21T10", NO_DATE},
        {"2026-11-21T10:5", NO_DATE},
        {"2026-11-21T10:52:", NO_DATE},
        {"2026-11-21T10:52:48.", NO_DATE},
        {"2026-11-21T10:52:48.Z", NO_DATE},
        {"2026-11-21T10:52:48Zulu", NO_DATE},
        {"2026-11-21T10:52:48 Z", NO_DATE},
        {"2026-11-21T10:52:48+", NO_DATE},
        {"2026-11-21T10:52:48+1", NO_DATE},
        {"2026-11-21T10:52:48+01:", NO_DATE},
        {"2026-11-21T10:52:48+01:0", NO_DATE},
        {"2026-11-21T10:52:48+24:00", NO_DATE},
        {"2026-11-21T10:52:48+01:60", NO_DATE},
        {"2026-11-21T10:52:48+01:00:00", NO_DATE},
        {"2026-11-21  10:52:48", NO_DATE},
        {" 2026-11-21T10:52:48Z", NO_DATE},
        {"2026-11-21T10:52:48Z ", NO_DATE},
        {"2026-11-21T24:00:00Z", NO_DATE},
        {"2026-11-21T10:60:00Z", NO_DATE},
        {"2026-11-21T10:52:61Z", NO_DATE},
        {"2026-00-21T10:52:48Z", NO_DATE},
        {"2026-13-21T10:52:48Z", NO_DATE},
        {"2026-11-00T10:52:48Z", NO_DATE},
        {"2026-11-31T10:52:48Z", NO_DATE},
        {"2026-02-29T10:52:48Z", NO_DATE},
        {"2100-02-29T10:52:48Z", NO_DATE},
        {"0000-01-01T00:00:00Z", NO_DATE},
        {"20261121T105248Z", NO_DATE},
        {"+2026-11-21T10:52:48Z", NO_DATE},
        {"-026-11-21T10:52:48Z", NO_DATE},
        {"12026-11-21T10:52:48Z", NO_DATE},
        {"21 Nov 2026 10:52:48 GMT", NO_DATE},
        {"\xFF\xFF", NO_DATE},
    };
    ASSERT_DATES(date_read_iso, rows);
}

static void a_cookie_date_is_read_as_leniently_as_browsers_do(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"Sat, 21 Nov 2026 10:52:48 GMT", 1795258368},
        {"Saturday, 21-Nov-26 10:52:48 GMT", 1795258368},
        {"Sat Nov 21 10:52:48 2026", 1795258368},
        {"\"Sat, 21 Nov 2026 10:52:48 GMT\"", 1795258368},
        {"10:52:48 2026 NOVEMBER 21", 1795258368},
        {"10:52:48 21 NOVEMBER 2026", 1795258368},
        {"10:52:48foo 21th novembre 2026AD", 1795258368},
        {"\t21\tNov\t2026\t10:52:48\t", 1795258368},
        {"Sat, 21 Nov 2026 10:52:48 +0200", 1795258368}, /* zones are not looked at */
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Thu, 1 Jan 70 0:0:0", 0},
        {"Thu, 1 Jan 69 00:00:00", 3124224000},
        {"Mon, 01 Jan 1601 00:00:00 GMT", -11644473600},
        {"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
        {"29 Feb 2000 00:00:00", 951782400},
    };
    ASSERT_DATES(date_read_cookie, rows);
}

static void what_is_no_cookie_date_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", NO_DATE},
        {"0", NO_DATE},
        {"never", NO_DATE},
        {"-----", NO_DATE},
        {"Sat, 21 Nov 2026", NO_DATE},
        {"21 Nov 10:52:48", NO_DATE},
        {"Nov 2026 10:52:48", NO_DATE},
        {"21 2026 10:52:48", NO_DATE},
        {"21 No 2026 10:52:48", NO_DATE},
        {"00 Nov 2026 10:52:48", NO_DATE},
        {"31 Nov 2026 10:52:48", NO_DATE},
        {"29 Feb 2100 00:00:00", NO_DATE},
        {"32 Nov 2026 10:52:48", NO_DATE},
        {"21 Nov 1600 10:52:48", NO_DATE},
        {"21 Nov 20266 10:52:48", NO_DATE},
        {"121 Nov 2026 10:52:48", NO_DATE},
        {"21 Nov 2026 24:00:00", NO_DATE},
        {"21 Nov 2026 10:60:00", NO_DATE},
        {"21 Nov 2026 10:52:60", NO_DATE},
        {"21 Nov 2026 10:52", NO_DATE},
        {"21 Nov 2026 010:52:48", NO_DATE},
        {"21 Nov 2026 10:52:488", NO_DATE},
        {"2026-11-21T10:52:48Z", NO_DATE},
        {"\xFF\xFE\xFD", NO_DATE},
    };
    ASSERT_DATES(date_read_cookie, rows);
}

static void bytes_of_any_kind_are_only_text(void **state)
{
    (void)state;
    int64_t seconds;
    assert_false(date_read_iso((struct str){NULL, 0}, &seconds));
    assert_false(date_read_cookie((struct str){NULL, 0}, &seconds));
    assert_false(date_read_iso(STR("2026-11-21T10:52:48\0Z"), &seconds));
    assert_true(date_read_cookie(STR("21 Nov 2026 10:52:48\0Z"), &seconds));
    assert_true(seconds == 1795258368);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_python_and_rest_framework_write_is_read),
        cmocka_unit_test(what_is_no_iso_time_is_refused),
        cmocka_unit_test(a_cookie_date_is_read_as_leniently_as_browsers_do),
        cmocka_unit_test(what_is_no_cookie_date_is_refused),
        cmocka_unit_test(bytes_of_any_kind_are_only_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
