#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/buf.h"
#include "server/records.h"

static char memory[2 * RECORDS_MAX];

static void add_record(struct buf *b, unsigned type, struct str content)
{
    char header[8] = {1, (char)type, 0, 1, (char)(content.n >> 8), (char)(content.n & 255), 0, 0};
    buf_add(b, (struct str){header, sizeof header});
    buf_add(b, content);
}

static struct buf begun(void)
{
    struct buf b = buf_make(memory, sizeof memory);
    add_record(&b, 1, STR("\0\1\1\0\0\0\0\0"));
    return b;
}

static enum records_verdict scan(const struct buf *b)
{
    bool has_body = false;
    return records_scan(buf_str(b), &has_body);
}

static struct buf whole_request(struct str body)
{
    struct buf b = begun();
    add_record(&b, 4, STR("\7\11BFF_LEGauthorize"));
    add_record(&b, 4, STR(""));
    add_record(&b, 5, body);
    return b;
}

static void a_whole_request_is_ready_and_every_part_of_it_is_not(void **state)
{
    (void)state;
    bool has_body = true;
    struct buf b = whole_request(STR(""));
    assert_int_equal(records_scan(buf_str(&b), &has_body), RECORDS_READY);
    assert_false(has_body);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(records_scan((struct str){b.p, n}, &has_body), RECORDS_PARTIAL);
}

static void a_body_is_announced_by_its_first_record(void **state)
{
    (void)state;
    bool has_body = false;
    struct buf b = whole_request(STR("{\"username\":"));
    assert_int_equal(records_scan((struct str){b.p, b.n - 5}, &has_body), RECORDS_READY);
    assert_true(has_body);
}

static void params_may_be_cut_anywhere_between_records(void **state)
{
    (void)state;
    struct str pairs = STR("\7\11BFF_LEGauthorize\1\200\0\0\2Xyz");
    for (size_t cut = 1; cut < pairs.n; cut++) {
        struct buf b = begun();
        add_record(&b, 4, (struct str){pairs.p, cut});
        add_record(&b, 4, (struct str){pairs.p + cut, pairs.n - cut});
        add_record(&b, 4, STR(""));
        add_record(&b, 5, STR(""));
        assert_int_equal(scan(&b), RECORDS_READY);
    }
}

static void lengths_that_would_overflow_libfcgi_are_broken(void **state)
{
    (void)state;
    struct buf b = begun();
    add_record(&b, 4, STR("\377\377\377\377\377\377\377\377"));
    assert_int_equal(scan(&b), RECORDS_BROKEN);
    b = begun();
    add_record(&b, 4, STR("\1\200\1\0\1"));
    assert_int_equal(scan(&b), RECORDS_BROKEN);
}

static void params_that_end_within_a_pair_are_broken(void **state)
{
    (void)state;
    struct buf b = begun();
    add_record(&b, 4, STR("\7\11BFF_LEGauth"));
    add_record(&b, 4, STR(""));
    assert_int_equal(scan(&b), RECORDS_BROKEN);
}

static void what_no_web_server_sends_is_broken(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        size_t n;
    } rows[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"\1\1\0\1\0\10\0\0\0\2\0\0\0\0\0\0", 16},                 /* an authorizer */
        {"\1\1\0\0\0\10\0\0\0\1\0\0\0\0\0\0", 16},                 /* request id 0 */
        {"\1\4\0\1\0\0\0\0", 8},                                   /* params before begin */
        {"\1\11\0\0\0\0\0\0", 8},                                  /* GET_VALUES */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\2\0\0\0\0", 24}, /* a second request in between */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\5\0\1\0\0\0\0", 24}, /* a body before the params */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool has_body;
        assert_int_equal(records_scan((struct str){rows[i].bytes, rows[i].n}, &has_body),
                         RECORDS_BROKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request_is_ready_and_every_part_of_it_is_not),
        cmocka_unit_test(a_body_is_announced_by_its_first_record),
        cmocka_unit_test(params_may_be_cut_anywhere_between_records),
        cmocka_unit_test(lengths_that_would_overflow_libfcgi_are_broken),
        cmocka_unit_test(params_that_end_within_a_pair_are_broken),
        cmocka_unit_test(what_no_web_server_sends_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
