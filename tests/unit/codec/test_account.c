#include "../arena_fixture.h"
#include "codec/account.h"
#include "fixtures.h"

#define JSON_TYPE "application/json"
#define FORM_TYPE "application/x-www-form-urlencoded"

static const struct config_words fields = {.words = {{"username", 8}, {"email", 5}}, .n = 2};

struct row {
    const char *content_type, *body;
    const char *first, *second; /* the names; NULL: there is no second */
};

static void an_account_has_the_names_that_its_login_gives(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {JSON_TYPE, "{\"username\": \"ann\", \"password\": \"x\"}", "aann", NULL},
        {"", "{\"username\": \"ann\"}", "aann", NULL},
        {JSON_TYPE "; charset=utf-8", "{\"username\": \"ann\"}", "aann", NULL},
        {JSON_TYPE "; charset=\"UTF-8\"", "{\"username\": \"ann\"}", "aann", NULL},
        {FORM_TYPE, "password=x&username=ann", "aann", NULL},
        {FORM_TYPE, "username=%61nn", "aann", NULL},
        {JSON_TYPE, "{\"username\": 7}", "a7", NULL},
        {JSON_TYPE, "{\"username\": \"ann\", \"email\": \"a@b.c\"}", "aann", "aa@b.c"},
        {JSON_TYPE, "{\"username\": \"\", \"email\": \"a@b.c\"}", "aa@b.c", NULL},
        /* Case and blanks make no difference, other letters do. */
        {JSON_TYPE, "{\"username\": \"ANN\"}", "aann", NULL},
        {JSON_TYPE, "{\"username\": \"\\t an\\u00a0n\\u2003\\u3000\"}", "aann", NULL},
        {JSON_TYPE, "{\"username\": \"\\u00e4nn\"}", "a\xC3\xA4nn", NULL},
        {JSON_TYPE, "{\"username\": \"\\u2010\"}", "a\xE2\x80\x90", NULL},
        /* None of them: the address. */
        {JSON_TYPE, "{\"pin\": \"1234\"}", "@192.0.2.1", NULL},
        {FORM_TYPE, "pin=1234", "@192.0.2.1", NULL},
        {"multipart/form-data; boundary=x", "--x", "@192.0.2.1", NULL},
        /* What the backend might read otherwise. */
        {JSON_TYPE, "{\"username\": \"ann\", \"username\": \"bob\"}", "?", NULL},
        {JSON_TYPE, "{\"username\": [\"ann\"]}", "?", NULL},
        {JSON_TYPE, "[\"ann\"]", "?", NULL},
        {JSON_TYPE, "", "?", NULL},
        {JSON_TYPE "; charset=utf-16", "{\"username\": \"ann\"}", "?", NULL},
        {JSON_TYPE "; a=b; CHARSET = utf-7", "{\"username\": \"ann\"}", "?", NULL},
        {FORM_TYPE, "username=ann&username=bob", "?", NULL},
        {FORM_TYPE, "username=%zz", "?", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct account_names found;
        const struct backend_sent sent = {
            .content_type = str_from(rows[i].content_type),
            .body = str_from(rows[i].body),
        };
        enum bff_err e = account_find(&sent, &fields, STR("192.0.2.1"), &arena, &found);
        assert_int_equal(e, BFF_OK);
        assert_int_equal(found.n, rows[i].second ? 2 : 1);
        assert_str(found.names[0], str_from(rows[i].first));
        if (rows[i].second)
            assert_str(found.names[1], str_from(rows[i].second));
    }
}

static void without_memory_nothing_is_named(void **state)
{
    (void)state;
    struct arena none = arena_make(0);
    struct account_names found;
    const struct backend_sent sent = {.body = STR("{\"username\": \"ann\"}")};
    assert_int_equal(account_find(&sent, &fields, STR("192.0.2.1"), &none, &found),
                     BFF_ERR_NO_MEMORY);
    arena_free(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_account_has_the_names_that_its_login_gives, set_up,
                                        tear_down),
        cmocka_unit_test(without_memory_nothing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
