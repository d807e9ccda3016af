#include "answers.h"
#include "codec/claims.h"
#include "codec/json.h"
#include "codec/placeholder.h"

static const struct placeholders both = {NOW + 300, NOW + 86400};

static struct str made(int64_t exp_s)
{
    struct str text;
    assert_int_equal(placeholder_make(exp_s, &arena, &text), BFF_OK);
    return text;
}

/* The payload as atob() would read it, which knows the alphabet of base64 only. */
static struct str payload_of(struct str token)
{
    struct str payload = str_cut(str_cut(token, '.').tail, '.').head;
    unsigned char *bytes = arena_alloc(&arena, payload.n);
    size_t n;
    assert_int_equal(sodium_base642bin(bytes, payload.n, payload.p, payload.n, NULL, &n, NULL,
                                       sodium_base64_VARIANT_ORIGINAL_NO_PADDING),
                     0);
    return (struct str){(char *)bytes, n};
}

static void it_is_an_unsigned_jwt_that_says_what_it_is(void **state)
{
    (void)state;
    const struct config_words words = {.words = {STR("placeholder"), STR("exp")}, .n = 2};
    struct str token = made(NOW + 300);
    struct claims claims;
    assert_str(payload_of(token), STR("{\"exp\":1700000300,\"placeholder\":true}"));
    assert_int_equal(token.p[token.n - 1], '.');
    assert_int_equal(claims_read(token, &words, &arena, &claims), BFF_OK);
    assert_true(claims.exp_s == NOW + 300);
    assert_str(claims.user, STR("{\"placeholder\":true,\"exp\":1700000300}"));
    assert_int_equal(claims.user_id.n, 0);
}

static void every_payload_is_readable_with_plain_base64(void **state)
{
    (void)state;
    const int64_t times[] = {0, 9, 99, 999, 1700000000, 1799999999, 9999999999, INT64_MAX, -1};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct str text;
        assert_true(arena_printf(&arena, &text, "{\"exp\":%lld,\"placeholder\":true}",
                                 (long long)times[i]));
        assert_str(payload_of(made(times[i])), text);
    }
}

/* The body with @A and @R where the placeholders of `both` are expected. */
static struct str expected(const char *body)
{
    struct str out = {NULL, 0};
    struct str_cut cut = {.tail = str_from(body), .found = true};
    while (cut.found) {
        cut = str_cut(cut.tail, '@');
        struct str token = {NULL, 0}, tail = cut.tail;
        if (cut.found) {
            token = made(tail.p[0] == 'A' ? both.access_exp_s : both.refresh_exp_s);
            cut.tail = (struct str){tail.p + 1, tail.n - 1};
        }
        assert_true(arena_printf(&arena, &out, "%.*s%.*s%.*s", STR_ARG(out), STR_ARG(cut.head),
                                 STR_ARG(token)));
    }
    return out;
}

static void they_stand_where_tokens_stood(void **state)
{
    (void)state;
    static const struct {
        const char *access, *refresh, *before, *after;
    } rows[] = {
        {"json:/access", "json:/refresh", "{\"user\":1}",
         "{\"user\":1,\"access\":\"@A\",\"refresh\":\"@R\"}"},
        {"json:/access", "json:/refresh", "", "{\"access\":\"@A\",\"refresh\":\"@R\"}"},
        {"json:/access", "json:/refresh", " \r\n", "{\"access\":\"@A\",\"refresh\":\"@R\"}"},
        {"json:/access", "json:/refresh", "{\"refresh\":\"\"}",
         "{\"refresh\":\"@R\",\"access\":\"@A\"}"},
        {"json:/meta/access_token", "json:/meta/refresh_token", "{\"meta\":{\"x\":true}}",
         "{\"meta\":{\"x\":true,\"access_token\":\"@A\",\"refresh_token\":\"@R\"}}"},
        {"json:/data/access", "json:/data/refresh", "{}",
         "{\"data\":{\"access\":\"@A\",\"refresh\":\"@R\"}}"},
        {"json:/t/0", "json:/t/1", "{\"t\":[null,null]}", "{\"t\":[\"@A\",\"@R\"]}"},
        {"cookie:jwt json:/access json:/token", "cookie:jwt-refresh", "{}", "{\"access\":\"@A\"}"},
        {"cookie:jwt", "json:/refresh", "{}", "{\"refresh\":\"@R\"}"},
        {"json:/token", "", "{}", "{\"token\":\"@A\"}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct config_token access = at(rows[i].access), refresh = at(rows[i].refresh);
        struct str out;
        assert_int_equal(
            placeholders_put(&access, &refresh, &both, str_from(rows[i].before), &arena, &out),
            BFF_OK);
        assert_str(out, expected(rows[i].after));
    }
}

static void a_body_that_has_no_room_for_them_stays_as_it_is(void **state)
{
    (void)state;
    static const struct {
        const char *access, *refresh, *body;
    } rows[] = {
        {"json:/access", "json:/refresh", "[]"},
        {"json:/access", "json:/refresh", "<html>"},
        {"json:/access", "json:/refresh", "{\"a\":1,\"a\":2}"},
        {"json:/access", "json:/refresh", "null"},
        {"json:/access", "json:/data/refresh", " {\"data\" : null}"},
        {"json:/data/access", "json:/refresh", " {\"data\" : \"text\"}"},
        {"json:/t/0", "json:/t/1", " {\"t\":[]}"},
        {"cookie:jwt", "cookie:jwt-refresh", " {\"user\" : 1.10} "},
        {"cookie:jwt", "cookie:jwt-refresh", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct config_token access = at(rows[i].access), refresh = at(rows[i].refresh);
        struct str out;
        assert_int_equal(
            placeholders_put(&access, &refresh, &both, str_from(rows[i].body), &arena, &out),
            BFF_OK);
        assert_str(out, str_from(rows[i].body));
    }
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    bool fitted = false;
    for (size_t limit = 0; !fitted; limit += 8) {
        struct arena small = arena_make(limit);
        struct str out = STR("untouched");
        enum bff_err e = placeholders_put(&config.login.access, &config.login.refresh, &both,
                                          STR("{\"x\":1}"), &small, &out);
        fitted = e == BFF_OK;
        assert_true(fitted || (e == BFF_ERR_NO_MEMORY && str_eq(out, STR("untouched"))));
        arena_free(&small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_an_unsigned_jwt_that_says_what_it_is),
        TEST(every_payload_is_readable_with_plain_base64),
        TEST(they_stand_where_tokens_stood),
        TEST(a_body_that_has_no_room_for_them_stays_as_it_is),
        TEST(memory_that_is_out_is_an_error),
    };
    json_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
