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
    struct records_request request;
    return records_scan(buf_str(b), &request);
}

static struct buf whole_request(struct str body)
{
    struct buf b = begun();
    add_record(&b, 4, STR("\7\11BFF_LEGauthorize"));
    add_record(&b, 4, STR(""));
    if (body.n > 0)
        add_record(&b, 5, body);
    add_record(&b, 5, STR(""));
    return b;
}

static void a_whole_request_is_ready_and_every_part_of_it_is_not(void **state)
{
    (void)state;
    struct records_request request;
    struct buf b = whole_request(STR(""));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_int_equal(request.body, 0);
    assert_int_equal(request.id, 1);
    assert_int_equal(request.size, b.n);
    assert_true(str_eq(request.pairs, STR("\7\11BFF_LEGauthorize")));
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(records_scan((struct str){b.p, n}, &request), RECORDS_PARTIAL);
}

static void whether_the_connection_stays_is_read(void **state)
{
    (void)state;
    struct records_request request;
    struct buf b = whole_request(STR(""));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_true(request.keeps_connection);
    memory[10] = 0; /* the flags of BEGIN_REQUEST */
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_false(request.keeps_connection);
}

/* It is the next one's, or a forgery; either way not this one's. */
static void what_comes_behind_a_request_is_none_of_its(void **state)
{
    (void)state;
    struct records_request request;
    struct buf b = whole_request(STR(""));
    size_t size = b.n;
    buf_add(&b, STR("\1\1\0\1\0\10\0\0"));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_int_equal(request.size, size);
}

/* Its end's padding is on its way. Who reads it now waits for it, and the loop with him. */
static void a_request_is_whole_with_its_last_byte(void **state)
{
    (void)state;
    struct records_request request;
    struct buf b = whole_request(STR(""));
    memory[b.n - 2] = 3;
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_PARTIAL);
    size_t before = b.n;
    buf_add(&b, STR("\0\0"));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_PARTIAL);
    buf_add(&b, STR("\0"));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_int_equal(request.size, before + 3);
}

static void pairs_are_cut_one_after_the_other(void **state)
{
    (void)state;
    struct str pairs = STR("\7\11BFF_LEGauthorize\1\200\0\0\2Xyz\1\0E"), name, value;
    assert_true(records_next_pair(&pairs, &name, &value));
    assert_true(str_eq(name, STR("BFF_LEG")) && str_eq(value, STR("authorize")));
    assert_true(records_next_pair(&pairs, &name, &value));
    assert_true(str_eq(name, STR("X")) && str_eq(value, STR("yz")));
    assert_true(records_next_pair(&pairs, &name, &value));
    assert_true(str_eq(name, STR("E")) && value.n == 0);
    assert_false(records_next_pair(&pairs, &name, &value));
}

static void an_answer_is_its_text_its_end_and_the_requests(void **state)
{
    (void)state;
    static char text[64];
    struct str expected = STR("\1\6\2\1\0\4\0\0head\1\6\2\1\0\2\0\0bo"
                              "\1\6\2\1\0\0\0\0\1\3\2\1\0\10\0\0\0\0\0\0\0\0\0\0");
    struct buf b = buf_make(text, records_answer_size(6));
    records_add_answer(&b, 0x201, STR("head"), STR("bo"));
    assert_false(b.overflowed);
    assert_true(str_eq(buf_str(&b), expected));
}

static void a_long_answer_is_cut_into_records(void **state)
{
    (void)state;
    static char body[200000], text[210000];
    struct buf b = buf_make(text, records_answer_size(sizeof body + 4));
    records_add_answer(&b, 1, STR("head"), (struct str){body, sizeof body});
    assert_false(b.overflowed);
    assert_int_equal(b.n, sizeof body + 4 + 8 * (1 + 4 + 1 + 1) + 8);
}

static void a_body_is_part_of_a_request_whatever_its_records(void **state)
{
    (void)state;
    struct records_request request;
    struct str body = STR("{\"username\":\"alice\"}");
    struct buf b = whole_request(body);
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_int_equal(request.body, body.n);
    assert_int_equal(request.size, b.n);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(records_scan((struct str){b.p, n}, &request), RECORDS_PARTIAL);
    b = begun();
    add_record(&b, 4, STR(""));
    for (size_t i = 0; i < body.n; i++)
        add_record(&b, 5, (struct str){body.p + i, 1});
    assert_int_equal(scan(&b), RECORDS_PARTIAL);
    add_record(&b, 5, STR(""));
    assert_int_equal(records_scan(buf_str(&b), &request), RECORDS_READY);
    assert_int_equal(request.body, body.n);
}

/* libfcgi would trust the lengths in a management record (CVE-2025-23016), between those of a body
 * too. */
static void nothing_else_stands_in_a_body(void **state)
{
    (void)state;
    static const char *const others[] = {
        "\1\11\0\0\0\10\0\0\377\377\377\377\377\377\377\377", /* GET_VALUES */
        "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0",                  /* a beginning */
        "\1\5\0\2\0\10\0\0abcdefgh",                          /* another one's body */
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct buf b = begun();
        add_record(&b, 4, STR(""));
        add_record(&b, 5, STR("{"));
        buf_add(&b, (struct str){others[i], 16});
        add_record(&b, 5, STR(""));
        assert_int_equal(scan(&b), RECORDS_BROKEN);
    }
}

static void what_is_too_large_is_broken_before_it_has_come(void **state)
{
    (void)state;
    static char zeros[32 * 1024];
    struct str part = {zeros, sizeof zeros};
    struct buf b = begun();
    add_record(&b, 4, STR(""));
    add_record(&b, 5, part);
    add_record(&b, 5, part);
    assert_int_equal(scan(&b), RECORDS_PARTIAL);
    add_record(&b, 5, STR("x"));
    assert_int_equal(scan(&b), RECORDS_BROKEN);
    b = begun();
    add_record(&b, 4, STR("\1\200\0\377\377X"));
    add_record(&b, 4, part);
    assert_int_equal(scan(&b), RECORDS_PARTIAL);
    add_record(&b, 4, part);
    assert_int_equal(scan(&b), RECORDS_BROKEN);
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
        {"\1\1\0\1\0\10\1\0\0\1\0\0\0\0\0\0\0", 17},               /* a padded beginning */
        {"\1\4\0\1\0\0\0\0", 8},                                   /* params before begin */
        {"\1\11\0\0\0\0\0\0", 8},                                  /* GET_VALUES */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\4\0\2\0\0\0\0", 24}, /* a second request in between */
        {"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0\1\5\0\1\0\0\0\0", 24}, /* a body before the params */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct records_request request;
        assert_int_equal(records_scan((struct str){rows[i].bytes, rows[i].n}, &request),
                         RECORDS_BROKEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_request_is_ready_and_every_part_of_it_is_not),
        cmocka_unit_test(whether_the_connection_stays_is_read),
        cmocka_unit_test(what_comes_behind_a_request_is_none_of_its),
        cmocka_unit_test(a_request_is_whole_with_its_last_byte),
        cmocka_unit_test(pairs_are_cut_one_after_the_other),
        cmocka_unit_test(an_answer_is_its_text_its_end_and_the_requests),
        cmocka_unit_test(a_long_answer_is_cut_into_records),
        cmocka_unit_test(a_body_is_part_of_a_request_whatever_its_records),
        cmocka_unit_test(nothing_else_stands_in_a_body),
        cmocka_unit_test(what_is_too_large_is_broken_before_it_has_come),
        cmocka_unit_test(params_may_be_cut_anywhere_between_records),
        cmocka_unit_test(lengths_that_would_overflow_libfcgi_are_broken),
        cmocka_unit_test(params_that_end_within_a_pair_are_broken),
        cmocka_unit_test(what_no_web_server_sends_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
