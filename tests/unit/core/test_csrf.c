#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/csrf.h"

static const struct config_words derived = {.n = 0};
static const struct config_words configured = {
    .words = {{"https://app.example", 19}, {"https://www.app.example:8443", 28}}, .n = 2};

static struct csrf_request from(const char *method, const char *site, const char *origin,
                                const char *x_csrf)
{
    return (struct csrf_request){
        .method = str_from(method),
        .sec_fetch_site = str_from(site),
        .origin = str_from(origin),
        .x_csrf = str_from(x_csrf),
        .scheme = STR("https"),
        .host = STR("app.example"),
        .port = STR("443"),
    };
}

static bool allows(struct csrf_request r)
{
    struct csrf_rules rules = {&derived, false};
    return csrf_allows(&rules, &r);
}

struct row {
    const char *site, *origin, *x_csrf;
    bool safe_passes, unsafe_passes;
};

/* Every kind of asker, by what it sends. */
static const struct row rows[] = {
    {"same-origin", "https://app.example", NULL, true, true},
    {"same-origin", NULL, NULL, true, true},
    {"none", NULL, NULL, true, false},
    {"same-site", "https://evil.app.example", NULL, false, false},
    {"cross-site", "https://evil.example", NULL, false, false},
    {"cross-site", NULL, NULL, false, false},
    {"cross-site", "https://app.example", "1", false, false},
    {"Same-Origin", NULL, NULL, false, false},
    {"anything", NULL, "1", false, false},
    {NULL, "https://app.example", NULL, true, true},
    {NULL, "https://app.example:443", NULL, false, false},
    {NULL, "http://app.example", NULL, false, false},
    {NULL, "https://app.example.evil", NULL, false, false},
    {NULL, "https://app.example:8443", NULL, false, false},
    {NULL, "https://APP.example", NULL, false, false},
    {NULL, "null", NULL, false, false},
    {NULL, "null", "1", false, false},
    {NULL, NULL, NULL, true, false},
    {NULL, NULL, "1", true, true},
    {NULL, NULL, "0", true, false},
    {NULL, NULL, "11", true, false},
};

static void each_kind_of_asker_gets_what_its_headers_prove(void **state)
{
    (void)state;
    const char *safe[] = {"GET", "HEAD", "OPTIONS"};
    const char *unsafe[] = {"POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        for (size_t m = 0; m < 3; m++)
            assert_int_equal(allows(from(safe[m], r->site, r->origin, r->x_csrf)), r->safe_passes);
        for (size_t m = 0; m < 7; m++)
            assert_int_equal(allows(from(unsafe[m], r->site, r->origin, r->x_csrf)),
                             r->unsafe_passes);
    }
}

static void a_websocket_handshake_counts_as_unsafe(void **state)
{
    (void)state;
    struct csrf_request r = from("GET", NULL, "https://evil.example", NULL);
    r.upgrade = STR("websocket");
    assert_false(allows(r));
    r.origin = STR("https://app.example");
    assert_true(allows(r));
    r.origin = STR("");
    assert_false(allows(r));
    r.sec_fetch_site = STR("none");
    assert_false(allows(r));
    r.sec_fetch_site = STR("same-origin");
    assert_true(allows(r));
}

static void a_header_that_came_twice_is_refused_even_if_both_are_right(void **state)
{
    (void)state;
    struct csrf_request r = from("GET", "same-origin", "https://app.example", "1");
    r.duplicated = true;
    assert_false(allows(r));
}

static void a_port_that_is_not_the_default_belongs_to_the_origin(void **state)
{
    (void)state;
    struct csrf_request r = from("POST", NULL, "http://localhost:8080", NULL);
    r.scheme = STR("http");
    r.host = STR("localhost");
    r.port = STR("8080");
    assert_true(allows(r));
    r.origin = STR("http://localhost");
    assert_false(allows(r));
    r.origin = STR("http://localhost:80801");
    assert_false(allows(r));
    r.port = STR("80");
    r.origin = STR("http://localhost");
    assert_true(allows(r));
    r.host = STR("");
    assert_false(allows(r));
}

static void configured_origins_replace_the_derived_one(void **state)
{
    (void)state;
    struct csrf_rules rules = {&configured, false};
    struct csrf_request r = from("POST", NULL, "https://www.app.example:8443", NULL);
    assert_true(csrf_allows(&rules, &r));
    r.host = STR("internal");
    r.origin = STR("https://internal");
    assert_false(csrf_allows(&rules, &r));
}

static void the_header_can_be_required_of_everybody(void **state)
{
    (void)state;
    struct csrf_rules rules = {&derived, true};
    struct csrf_request r = from("POST", "same-origin", NULL, NULL);
    assert_false(csrf_allows(&rules, &r));
    r.x_csrf = STR("1");
    assert_true(csrf_allows(&rules, &r));
    r = from("GET", "same-origin", NULL, NULL);
    assert_true(csrf_allows(&rules, &r));
    r.upgrade = STR("websocket"); /* cannot carry it */
    assert_true(csrf_allows(&rules, &r));
}

/* What nginx' micro-cache may answer one for the other is what passes by any rules, at any host. */
static void an_own_read_passes_whatever_else_it_says(void **state)
{
    (void)state;
    struct csrf_rules all_rules[] = {
        {&derived, false}, {&derived, true}, {&configured, false}, {&configured, true}};
    const char *methods[] = {"GET", "HEAD", "OPTIONS", "POST", "PATCH", "get", ""};
    const char *upgrades[] = {NULL, "websocket", "h2c"};
    size_t own = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (size_t m = 0; m < 7; m++)
            for (size_t u = 0; u < 3; u++) {
                struct csrf_request r =
                    from(methods[m], rows[i].site, rows[i].origin, rows[i].x_csrf);
                r.upgrade = str_from(upgrades[u]);
                r.host = STR("elsewhere.example");
                if (!csrf_is_own_read(&r))
                    continue;
                own++;
                for (size_t k = 0; k < 4; k++)
                    assert_true(csrf_allows(&all_rules[k], &r));
                r.duplicated = true;
                assert_false(csrf_is_own_read(&r));
            }
    /* Twice same-origin, once none, four times neither; each by three methods. */
    assert_int_equal(own, 7 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_own_read_passes_whatever_else_it_says),
        cmocka_unit_test(each_kind_of_asker_gets_what_its_headers_prove),
        cmocka_unit_test(a_websocket_handshake_counts_as_unsafe),
        cmocka_unit_test(a_header_that_came_twice_is_refused_even_if_both_are_right),
        cmocka_unit_test(a_port_that_is_not_the_default_belongs_to_the_origin),
        cmocka_unit_test(configured_origins_replace_the_derived_one),
        cmocka_unit_test(the_header_can_be_required_of_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
