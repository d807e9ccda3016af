#include "../arena_fixture.h"
#include "codec/form.h"
#include "fixtures.h"

static void what_is_not_unreserved_is_percent_encoded(void **state)
{
    (void)state;
    char memory[64];
    struct buf b = buf_make(memory, sizeof memory);
    form_add(&b, STR("aZ09-._~ +&=%\xC3\xA9\0"));
    assert_str(buf_str(&b), STR("aZ09-._~%20%2B%26%3D%25%C3%A9%00"));
}

static void a_field_is_found_and_decoded(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        struct str value;
    } rows[] = {
        {"name=alice", {"alice", 5}}, {"x=1&name=alice&y=2", {"alice", 5}},
        {"name=", {"", 0}},           {"name", {"", 0}},
        {"&&name=a&", {"a", 1}},      {"name=a+b%20c%2B", {"a b c+", 6}},
        {"name=a=b", {"a=b", 3}},     {"name=%c3%A9%00", {"\xC3\xA9\0", 3}},
        {"n%61me=a", {"a", 1}},       {"names=b&name=a&nam=c&%6", {"a", 1}},
        {"Name=b&name=a", {"a", 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str value;
        assert_int_equal(form_find(str_from(rows[i].form), STR("name"), &arena, &value), BFF_OK);
        assert_str(value, rows[i].value);
    }
}

static void what_cannot_be_found_for_certain_is_not_found(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        enum bff_err e;
    } rows[] = {
        {"", BFF_ERR_MISSING},
        {"&", BFF_ERR_MISSING},
        {"=a", BFF_ERR_MISSING},
        {"names=a", BFF_ERR_MISSING},
        {"{\"name\":1}", BFF_ERR_MISSING},
        {"name%=a", BFF_ERR_MISSING},
        {"name=a&name=b", BFF_ERR_DUPLICATE},
        {"name=a&n%61me=b", BFF_ERR_DUPLICATE},
        {"name&name", BFF_ERR_DUPLICATE},
        {"name=%", BFF_ERR_MALFORMED},
        {"name=%4", BFF_ERR_MALFORMED},
        {"name=%4&x", BFF_ERR_MALFORMED},
        {"name=%GG", BFF_ERR_MALFORMED},
        {"name=%%41", BFF_ERR_MALFORMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str value = STR("untouched");
        assert_int_equal(form_find(str_from(rows[i].form), STR("name"), &arena, &value), rows[i].e);
        assert_str(value, STR("untouched"));
    }
}

static void a_value_without_room_is_an_error(void **state)
{
    (void)state;
    struct arena none = arena_make(8);
    struct str value = STR("untouched");
    assert_int_equal(form_find(STR("name=0123456789"), STR("name"), &none, &value),
                     BFF_ERR_NO_MEMORY);
    assert_str(value, STR("untouched"));
    arena_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_unreserved_is_percent_encoded),
        cmocka_unit_test(a_field_is_found_and_decoded),
        cmocka_unit_test(what_cannot_be_found_for_certain_is_not_found),
        cmocka_unit_test(a_value_without_room_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
