#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

static const struct str nothing = {NULL, 0};

static void assert_str(struct str actual, const char *expected)
{
    assert_true(str_eq(actual, str_from(expected)));
}

static void a_null_c_string_is_the_empty_view(void **state)
{
    (void)state;
    assert_int_equal(str_from(NULL).n, 0);
    assert_int_equal(str_from("abc").n, 3);
    assert_int_equal(STR("a\0b").n, 3);
}

static void equality_looks_at_every_byte(void **state)
{
    (void)state;
    assert_true(str_eq(STR("a\0b"), STR("a\0b")));
    assert_false(str_eq(STR("a\0b"), STR("a\0c")));
    assert_false(str_eq(STR("ab"), STR("abc")));
    assert_false(str_eq(STR("ab"), STR("AB")));
    assert_true(str_eq(nothing, STR("")));
}

static void letters_of_ascii_alone_may_differ_in_case(void **state)
{
    (void)state;
    assert_true(str_eq_nocase(STR("Set-Cookie"), STR("sET-cOOKIE")));
    assert_false(str_eq_nocase(STR("a"), STR("ab")));
    assert_false(str_eq_nocase(STR("@[`{"), STR("`{@[")));
    assert_false(str_eq_nocase(STR("\xC3\x89"), STR("\xC3\xA9")));
    assert_true(str_eq_nocase(nothing, STR("")));
}

static void a_prefix_and_a_needle_are_found(void **state)
{
    (void)state;
    assert_true(str_starts(STR("unix:/x"), STR("unix:")));
    assert_true(str_starts(STR("a"), nothing));
    assert_true(str_starts(nothing, nothing));
    assert_false(str_starts(STR("uni"), STR("unix")));
    assert_true(str_contains(STR("abc"), STR("bc")));
    assert_true(str_contains(STR("a\0bc"), STR("bc")));
    assert_true(str_contains(nothing, nothing));
    assert_false(str_contains(nothing, STR("a")));
    assert_false(str_contains(STR("ab"), STR("abc")));
    assert_false(str_contains(STR("abd"), STR("abc")));
}

static void blanks_are_trimmed_at_both_ends_only(void **state)
{
    (void)state;
    assert_str(str_trim(STR(" \t\r\n a b \n")), "a b");
    assert_str(str_trim(STR(" \t")), "");
    assert_str(str_trim(nothing), "");
    assert_str(str_trim(STR("\va")), "\va");
}

static void a_cut_gives_both_sides_of_the_first_separator(void **state)
{
    (void)state;
    struct str_cut c = str_cut(STR("a=b=c"), '=');
    assert_true(c.found);
    assert_str(c.head, "a");
    assert_str(c.tail, "b=c");
    c = str_cut(STR("="), '=');
    assert_true(c.found);
    assert_int_equal(c.head.n + c.tail.n, 0);
    c = str_cut(STR("abc"), '=');
    assert_false(c.found);
    assert_str(c.head, "abc");
    assert_int_equal(c.tail.n, 0);
    c = str_cut(nothing, '=');
    assert_false(c.found);
}

static void a_number_is_decimal_digits_within_its_limit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"0", 0, true, 0},
        {"007", 9, true, 7},
        {"65535", 65535, true, 65535},
        {"65536", 65535, false, 0},
        {"10", 9, false, 0},
        {"5", 3, false, 0},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1 ", 9, false, 0},
        {"0x1", 9, false, 0},
        {"1e3", 9999, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 42;
        assert_int_equal(str_to_u64(str_from(rows[i].text), rows[i].max, &value), rows[i].ok);
        assert_true(value == (rows[i].ok ? rows[i].value : 42));
    }
}

static void a_hexadecimal_digit_has_a_value_in_either_case(void **state)
{
    (void)state;
    static const struct {
        char c;
        int value;
    } rows[] = {{'0', 0},  {'9', 9},  {'a', 10}, {'f', 15}, {'A', 10}, {'F', 15},
                {'g', -1}, {'G', -1}, {'/', -1}, {':', -1}, {'@', -1}, {'\0', -1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(str_hex_digit(rows[i].c), rows[i].value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_c_string_is_the_empty_view),
        cmocka_unit_test(equality_looks_at_every_byte),
        cmocka_unit_test(letters_of_ascii_alone_may_differ_in_case),
        cmocka_unit_test(a_prefix_and_a_needle_are_found),
        cmocka_unit_test(blanks_are_trimmed_at_both_ends_only),
        cmocka_unit_test(a_cut_gives_both_sides_of_the_first_separator),
        cmocka_unit_test(a_number_is_decimal_digits_within_its_limit),
        cmocka_unit_test(a_hexadecimal_digit_has_a_value_in_either_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
