#include "../arena_fixture.h"
#include "codec/claims.h"
#include "codec/json.h"
#include "fixtures.h"
#include "heap.h"

static const struct config_words allowed = {
    .words = {{"user_id", 7}, {"email", 5}, {"roles", 5}},
    .n = 3,
};

static struct claims read_ok(struct str token)
{
    struct claims c;
    assert_int_equal(claims_read(token, &allowed, &arena, &c), BFF_OK);
    return c;
}

static void assert_refused(struct str token, enum bff_err expected)
{
    struct claims c = {.exp_s = 42};
    assert_int_equal(claims_read(token, &allowed, &arena, &c), expected);
    assert_int_equal(c.exp_s, 42);
}

static void the_claims_of_simplejwt_are_read(void **state)
{
    (void)state;
    struct claims c = read_ok(jwt_of(&arena, "{\"token_type\":\"access\",\"exp\":1700000030,"
                                             "\"iat\":1600000000,\"jti\":\"x\",\"user_id\":7}"));
    assert_true(c.has_exp);
    assert_int_equal(c.exp_s, 1700000030);
    assert_str(c.user_id, STR("7"));
    assert_str(c.user, STR("{\"user_id\":7}"));
}

static void claims_are_read_whatever_the_algorithm(void **state)
{
    (void)state;
    const char *headers[] = {
        "{\"alg\":\"none\"}",  "{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS512\"}", "{\"alg\":\"RS256\"}",
        "{\"alg\":\"RS512\"}", "{\"alg\":\"ES256\"}",
        "{\"alg\":\"ES512\"}", "{\"alg\":\"PS256\"}",
        "{\"alg\":\"EdDSA\"}", "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k\"}"};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct claims c = read_ok(jwt_with_header(&arena, headers[i], "{\"exp\":5}"));
        assert_int_equal(c.exp_s, 5);
    }
}

static void an_unsigned_token_is_read_too(void **state)
{
    (void)state;
    assert_int_equal(read_ok(STR("eyJhbGciOiJub25lIn0.eyJleHAiOjV9.")).exp_s, 5);
}

static void an_expiry_is_a_number_of_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *payload;
        bool has_exp;
        int64_t exp_s;
    } rows[] = {
        {"{}", false, 0},
        {"{\"exp\":null}", false, 0},
        {"{\"exp\":\"1700000030\"}", false, 0},
        {"{\"exp\":true}", false, 0},
        {"{\"exp\":1e300}", false, 0},
        {"{\"exp\":-1e300}", false, 0},
        {"{\"exp\":1700000030.75}", true, 1700000030},
        {"{\"exp\":0}", true, 0},
        {"{\"exp\":-1}", true, -1},
        {"{\"exp\":9223372036854775807}", true, INT64_MAX},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct claims c = read_ok(jwt_of(&arena, rows[i].payload));
        assert_int_equal(c.has_exp, rows[i].has_exp);
        assert_true(c.exp_s == rows[i].exp_s);
    }
}

static void a_user_id_becomes_text(void **state)
{
    (void)state;
    static const struct {
        const char *payload, *user_id;
    } rows[] = {
        {"{\"user_id\":7}", "7"},
        {"{\"user_id\":\"7\"}", "7"},
        {"{\"user_id\":-9223372036854775808}", "-9223372036854775808"},
        {"{\"user_id\":\"5e2b-11\",\"sub\":\"other\"}", "5e2b-11"},
        {"{\"sub\":\"s\"}", "s"},
        {"{\"sub\":12}", "12"},
        {"{\"user_id\":null,\"sub\":\"s\"}", "s"},
        {"{\"user_id\":\"\",\"sub\":\"s\"}", "s"},
        {"{\"user_id\":{},\"sub\":[1]}", ""},
        {"{\"user_id\":1.5}", ""},
        {"{\"user_id\":true}", ""},
        {"{}", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_str(read_ok(jwt_of(&arena, rows[i].payload)).user_id, str_from(rows[i].user_id));
}

static void only_allowed_claims_are_shown_and_as_they_are(void **state)
{
    (void)state;
    struct claims c = read_ok(jwt_of(&arena, "{\"secret\":1,\"roles\":[\"a\",{\"b\":null}],"
                                             "\"email\":\"\xC3\xA9@x\",\"user_id\":7,\"exp\":5}"));
    assert_str(c.user, STR("{\"user_id\":7,\"email\":\"\xC3\xA9@x\","
                           "\"roles\":[\"a\",{\"b\":null}]}"));
}

static void without_allowed_claims_the_user_is_an_empty_object(void **state)
{
    (void)state;
    const struct config_words none = {.n = 0};
    struct claims c;
    struct str token = jwt_of(&arena, "{\"user_id\":7}");
    assert_int_equal(claims_read(token, &none, &arena, &c), BFF_OK);
    assert_str(c.user, STR("{}"));
    assert_str(read_ok(jwt_of(&arena, "{\"exp\":5}")).user, STR("{}"));
}

static void what_is_no_jwt_is_malformed(void **state)
{
    (void)state;
    const char *texts[] = {"",
                           ".",
                           "..",
                           "...",
                           "opaque",
                           "a.b.c",
                           "eyJhbGciOiJub25lIn0",
                           "eyJhbGciOiJub25lIn0.eyJleHAiOjV9",
                           ".eyJleHAiOjV9.",
                           "eyJhbGciOiJub25lIn0..c2ln",
                           "eyJhbGciOiJub25lIn0.eyJleHAiOjV9.a.b.c",
                           "eyJhbGciOiJub25lIn0.eyJleHAiOjV9.!",
                           "eyJh bGci.eyJleHAiOjV9.c2ln",
                           "eyJhbGciOiJub25lIn0.eyJl\neHAiOjV9.c2ln"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_refused(str_from(texts[i]), BFF_ERR_MALFORMED);
    assert_refused((struct str){NULL, 0}, BFF_ERR_MALFORMED);
}

static void a_payload_that_is_no_object_is_malformed(void **state)
{
    (void)state;
    const char *payloads[] = {"[1]",
                              "5",
                              "null",
                              "{",
                              "{\"exp\":5} x",
                              "{\"a\":\"\\u0000\"}",
                              "{\"a\":\"\xFF\"}",
                              "{\"exp\":99999999999999999999}"};
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        assert_refused(jwt_of(&arena, payloads[i]), BFF_ERR_MALFORMED);
}

static void an_overlong_token_is_not_looked_into(void **state)
{
    (void)state;
    struct str token = filled(&arena, 'A', CLAIMS_TOKEN_MAX + 1);
    memcpy((char *)token.p, "eyJhbGciOiJub25lIn0.eyJleHAiOjV9.", 33);
    assert_refused(token, BFF_ERR_TOO_LARGE);
    token.n--;
    assert_int_equal(read_ok(token).exp_s, 5);
}

static void a_full_arena_is_an_error(void **state)
{
    (void)state;
    struct str token = jwt_of(&arena, "{\"exp\":5,\"user_id\":\"a-user\",\"email\":\"a@b\"}");
    bool fitted = false;
    for (size_t limit = 0; !fitted; limit += 8) {
        struct arena small = arena_make(limit);
        struct claims c = {.exp_s = 42};
        enum bff_err e = claims_read(token, &allowed, &small, &c);
        fitted = e == BFF_OK;
        assert_true(fitted || (e == BFF_ERR_NO_MEMORY && c.exp_s == 42));
        arena_free(&small);
    }
}

/* libjwt cannot be made to wipe its copies, so it must never see the signature. */
static void no_usable_token_is_left_on_the_heap(void **state)
{
    (void)state;
    char token[] = "eyJhbGciOiJub25lIn0.eyJleHAiOjV9................................";
    struct str signature = {token + 33, sizeof token - 1 - 33};
    randombytes_buf(token + 33, signature.n);
    for (size_t i = 33; i < sizeof token - 1; i++)
        token[i] = (char)('a' + (token[i] & 15));
    struct arena own = arena_make(ROOM);
    struct claims c;
    assert_int_equal(claims_read((struct str){token, sizeof token - 1}, &allowed, &own, &c),
                     BFF_OK);
    assert_false(heap_holds(signature));
    arena_free(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_claims_of_simplejwt_are_read),
        cmocka_unit_test(claims_are_read_whatever_the_algorithm),
        cmocka_unit_test(an_unsigned_token_is_read_too),
        cmocka_unit_test(an_expiry_is_a_number_of_seconds),
        cmocka_unit_test(a_user_id_becomes_text),
        cmocka_unit_test(only_allowed_claims_are_shown_and_as_they_are),
        cmocka_unit_test(without_allowed_claims_the_user_is_an_empty_object),
        cmocka_unit_test(what_is_no_jwt_is_malformed),
        cmocka_unit_test(a_payload_that_is_no_object_is_malformed),
        cmocka_unit_test(an_overlong_token_is_not_looked_into),
        cmocka_unit_test(a_full_arena_is_an_error),
        cmocka_unit_test(no_usable_token_is_left_on_the_heap),
    };
    json_init();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
