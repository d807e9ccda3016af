#include "../arena_fixture.h"
#include "codec/json.h"
#include "codec/user.h"
#include "fixtures.h"

static const struct config_words allowed = {.words = {{"name", 4}, {"email", 5}, {"roles", 5}},
                                            .n = 3};

static void only_what_is_allowed_is_picked(void **state)
{
    (void)state;
    static const struct {
        const char *object, *picked;
    } rows[] = {
        {"{\"email\":\"a@b\",\"password\":\"x\",\"name\":\"A\"}",
         "{\"name\":\"A\",\"email\":\"a@b\"}"},
        {"{\"roles\":[{\"name\":1}],\"Name\":2}", "{\"roles\":[{\"name\":1}]}"},
        {"{\"name\":null}", "{\"name\":null}"},
        {"{}", "{}"},
        {"[\"name\"]", "{}"},
        {"\"name\"", "{}"},
    };
    struct str picked;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *object = json_read(str_from(rows[i].object));
        assert_true(user_pick(object, &allowed, &arena, &picked));
        assert_str(picked, str_from(rows[i].picked));
        json_decref(object);
    }
    assert_true(user_pick(NULL, &allowed, &arena, &picked));
    assert_str(picked, STR("{}"));
}

static void members_are_laid_over_each_other(void **state)
{
    (void)state;
    static const struct {
        const char *base, *over, *merged;
    } rows[] = {
        {"{\"a\":1,\"b\":2}", "{\"b\":3,\"c\":4}", "{\"a\":1,\"b\":3,\"c\":4}"},
        {"{\"a\":{\"x\":1}}", "{\"a\":{\"y\":2}}", "{\"a\":{\"y\":2}}"},
        {"{}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1}", "{}", "{\"a\":1}"},
        {"", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1}", "[2]", "{\"a\":1}"},
        {"broken", "{broken", "{}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str merged;
        assert_true(user_merge(str_from(rows[i].base), str_from(rows[i].over), &arena, &merged));
        assert_str(merged, str_from(rows[i].merged));
    }
}

static void the_first_name_that_holds_an_id_counts(void **state)
{
    (void)state;
    static const char *const names[] = {"user_id", "id", "sub", NULL};
    static const struct {
        const char *object, *id;
    } rows[] = {
        {"{\"id\":7,\"user_id\":\"u\"}", "u"},
        {"{\"id\":7}", "7"},
        {"{\"sub\":\"s\",\"id\":\"\"}", "s"},
        {"{\"user_id\":null,\"id\":-1}", "-1"},
        {"{\"user_id\":1.5,\"id\":true,\"sub\":[\"s\"]}", ""},
        {"{\"user_id\":\"\xC3\xA9\"}", "\xC3\xA9"},
        {"{}", ""},
        {"[]", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str id;
        json_t *object = json_read(str_from(rows[i].object));
        assert_true(user_find_id(object, names, &arena, &id));
        assert_str(id, str_from(rows[i].id));
        json_decref(object);
    }
}

static void memory_that_is_out_is_said(void **state)
{
    (void)state;
    static const char *const names[] = {"name", NULL};
    struct arena none = arena_make(0);
    struct str out = {NULL, 0};
    json_t *object = json_read(STR("{\"name\":\"A\"}"));
    assert_false(user_pick(object, &allowed, &none, &out));
    assert_false(user_merge(STR("{}"), STR("{}"), &none, &out));
    assert_false(user_find_id(object, names, &none, &out));
    json_decref(object);
    arena_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_allowed_is_picked),
        cmocka_unit_test(members_are_laid_over_each_other),
        cmocka_unit_test(the_first_name_that_holds_an_id_counts),
        cmocka_unit_test(memory_that_is_out_is_said),
    };
    json_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
