#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"

static void assert_holds(const struct buf *b, struct str expected)
{
    assert_false(b->overflowed);
    assert_true(str_eq(buf_str(b), expected));
}

static void texts_are_appended_in_order(void **state)
{
    (void)state;
    char memory[64];
    struct buf b = buf_make(memory, sizeof memory);
    buf_add(&b, STR("a"));
    buf_add(&b, (struct str){NULL, 0});
    buf_add_char(&b, '=');
    buf_add_i64(&b, -42);
    buf_add_hex(&b, (const unsigned char *)"\x00\xaf", 2);
    assert_holds(&b, STR("a=-4200af"));
}

static void the_widest_number_fits(void **state)
{
    (void)state;
    char memory[20];
    struct buf b = buf_make(memory, sizeof memory);
    buf_add_i64(&b, INT64_MIN);
    assert_holds(&b, STR("-9223372036854775808"));
    b = buf_make(memory, sizeof memory);
    buf_add_i64(&b, INT64_MAX);
    buf_add_i64(&b, 0);
    assert_holds(&b, STR("92233720368547758070"));
}

static void what_fits_exactly_fits(void **state)
{
    (void)state;
    char memory[3];
    struct buf b = buf_make(memory, sizeof memory);
    buf_add(&b, STR("abc"));
    assert_holds(&b, STR("abc"));
}

static void hex_digits_are_written_whole_or_not_at_all(void **state)
{
    (void)state;
    char memory[4];
    struct buf b = buf_make(memory, 4);
    buf_add_hex(&b, (const unsigned char *)"\x01\xff", 2);
    assert_holds(&b, STR("01ff"));
    b = buf_make(memory, 3);
    buf_add_hex(&b, (const unsigned char *)"\x01\xff", 2);
    assert_true(b.overflowed);
    assert_int_equal(b.n, 0);
    buf_add_char(&b, 'x');
    assert_int_equal(b.n, 0);
}

static void after_an_overflow_nothing_more_is_written(void **state)
{
    (void)state;
    char memory[4] = "....";
    struct buf b = buf_make(memory, 3);
    buf_add(&b, STR("ab"));
    buf_add(&b, STR("cd"));
    assert_true(b.overflowed);
    buf_add_char(&b, 'e');
    assert_true(b.overflowed);
    assert_int_equal(b.n, 2);
    assert_memory_equal(memory, "ab..", 4);
    b = buf_make(NULL, 0);
    buf_add(&b, STR(""));
    assert_false(b.overflowed);
    buf_add_char(&b, 'x');
    assert_true(b.overflowed);
}

static void the_inside_of_a_json_string_is_always_valid(void **state)
{
    (void)state;
    static const struct {
        struct str in, out;
    } rows[] = {
        {STR("plain"), STR("plain")},
        {STR("\"\\/"), STR("\\\"\\\\/")},
        {STR("\0\n\x1f\x7f"), STR("\\u0000\\u000a\\u001f\\u007f")},
        {STR("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"), STR("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80")},
        {STR("a\xFFz"), STR("a\xEF\xBF\xBDz")},
        {STR("\x80"), STR("\xEF\xBF\xBD")},
        {STR("\xC3"), STR("\xEF\xBF\xBD")},
        {STR("\xC3z"), STR("\xEF\xBF\xBDz")},
        {STR("\xC0\xAF"), STR("\xEF\xBF\xBD\xEF\xBF\xBD")},
        {STR("\xE0\x9F\xBF"), STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
        {STR("\xED\xA0\x80"), STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
        {STR("\xF4\x90\x80\x80"), STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
        {STR("\xF0\x9F\x98"), STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD")},
        {STR("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF"),
         STR("\xED\x9F\xBF\xEE\x80\x80\xF4\x8F\xBF\xBF")},
        {STR(""), STR("")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char memory[64];
        struct buf b = buf_make(memory, sizeof memory);
        buf_add_json(&b, rows[i].in);
        assert_holds(&b, rows[i].out);
    }
}

static void an_escape_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    char memory[5];
    struct buf b = buf_make(memory, sizeof memory);
    buf_add_json(&b, STR("\n"));
    assert_true(b.overflowed);
    assert_int_equal(b.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_appended_in_order),
        cmocka_unit_test(the_widest_number_fits),
        cmocka_unit_test(what_fits_exactly_fits),
        cmocka_unit_test(hex_digits_are_written_whole_or_not_at_all),
        cmocka_unit_test(after_an_overflow_nothing_more_is_written),
        cmocka_unit_test(the_inside_of_a_json_string_is_always_valid),
        cmocka_unit_test(an_escape_is_written_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
