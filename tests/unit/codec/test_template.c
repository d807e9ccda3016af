#include "../arena_fixture.h"
#include "codec/template.h"
#include "fixtures.h"

static void a_name_is_as_long_as_letters_digits_and_underscores_go_on(void **state)
{
    (void)state;
    struct str text = STR("$$a $ $b_2-$c.$$"), name;
    const char *names[] = {"a", "b_2", "c"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(template_next_name(&text, &name));
        assert_str(name, str_from(names[i]));
    }
    assert_false(template_next_name(&text, &name));
    text = (struct str){NULL, 0};
    assert_false(template_next_name(&text, &name));
}

static void every_value_is_escaped_for_its_surroundings(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum template_escape escape;
        const char *filled;
    } rows[] = {
        {"$a", TEMPLATE_PLAIN, "\"\x01\x7F\xC3\xA9\xFF+"},
        {"[$a]$b", TEMPLATE_JSON, "[\\\"\\u0001\\u007f\xC3\xA9\xEF\xBF\xBD+]$a"},
        {"x=$a&y=$b", TEMPLATE_FORM, "x=%22%01%7F%C3%A9%FF%2B&y=%24a"},
        {"$b$b$", TEMPLATE_PLAIN, "$a$a$"},
        {"$ab $c $ $1", TEMPLATE_PLAIN, "$ab $c $ $1"},
        {"", TEMPLATE_JSON, ""},
        {"plain", TEMPLATE_FORM, "plain"},
    };
    const struct template_variable variables[] = {{STR("a"), STR("\"\x01\x7F\xC3\xA9\xFF+")},
                                                  {STR("b"), STR("$a")}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str filled;
        assert_true(
            template_fill(str_from(rows[i].text), variables, 2, rows[i].escape, &arena, &filled));
        assert_str(filled, str_from(rows[i].filled));
    }
}

static void a_template_without_room_is_not_filled(void **state)
{
    (void)state;
    struct arena none = arena_make(8);
    struct str filled = STR("untouched");
    assert_false(
        template_fill(STR("longer than eight bytes"), NULL, 0, TEMPLATE_PLAIN, &none, &filled));
    assert_str(filled, STR("untouched"));
    arena_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_as_long_as_letters_digits_and_underscores_go_on),
        cmocka_unit_test(every_value_is_escaped_for_its_surroundings),
        cmocka_unit_test(a_template_without_room_is_not_filled),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
