#include "codec/pending.h"
#include "fixtures.h"

#define NOW 1700000000
#define UNTIL (NOW + 900)

static struct arena arena;
static struct keyring *ring;

static struct keyring *ring_of(const char *first, const char *second)
{
    struct str text, message;
    struct keyring *made;
    assert_true(arena_printf(&arena, &text, "%s\n%s", first, second));
    assert_true(keyring_parse(&arena, text, &made, &message));
    return made;
}

static char key[SEAL_KEY_LINE + 1], other_key[SEAL_KEY_LINE + 1];

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(ROOM);
    keyring_generate(key);
    keyring_generate(other_key);
    ring = ring_of(key, "");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_free(ring);
    arena_free(&arena);
    return 0;
}

static struct str sealed(struct str token, int64_t until_s)
{
    struct str value;
    assert_int_equal(pending_seal(ring, token, until_s, &arena, &value), BFF_OK);
    return value;
}

static void assert_no_token(const struct keyring *keys, struct str value, int64_t now_s,
                            enum bff_err expected)
{
    struct str token = STR("untouched");
    assert_int_equal(pending_open(keys, value, now_s, &arena, &token), expected);
    assert_str(token, STR("untouched"));
}

static void what_was_sealed_opens_until_its_time_is_over(void **state)
{
    (void)state;
    struct str value = sealed(STR("a-session-token"), UNTIL), token;
    assert_int_equal(str_base64url_length(value), value.n);
    assert_false(str_contains(value, base64url(&arena, STR("a-session-token"))));
    assert_int_equal(pending_open(ring, value, NOW, &arena, &token), BFF_OK);
    assert_str(token, STR("a-session-token"));
    assert_int_equal(pending_open(ring, value, UNTIL - 1, &arena, &token), BFF_OK);
    assert_no_token(ring, value, UNTIL, BFF_ERR_MISSING);
    assert_no_token(ring, value, INT64_MAX, BFF_ERR_MISSING);
}

static void two_seals_of_one_token_do_not_look_alike(void **state)
{
    (void)state;
    assert_false(str_eq(sealed(STR("token"), UNTIL), sealed(STR("token"), UNTIL)));
}

static void no_byte_of_it_can_be_changed_to_live_longer(void **state)
{
    (void)state;
    struct str value = sealed(STR("token"), UNTIL);
    char *copy = arena_alloc(&arena, value.n);
    for (size_t i = 0; i < value.n; i++) {
        memcpy(copy, value.p, value.n);
        copy[i] = copy[i] == 'A' ? 'B' : 'A';
        assert_no_token(ring, (struct str){copy, value.n}, NOW, BFF_ERR_MALFORMED);
    }
    for (size_t n = 0; n < value.n; n++)
        assert_no_token(ring, (struct str){value.p, n}, NOW, BFF_ERR_MALFORMED);
}

static void what_is_no_such_value_is_malformed(void **state)
{
    (void)state;
    struct str longer;
    struct str value = sealed(STR("token"), UNTIL);
    const struct str bad[] = {STR(""),
                              STR("a"),
                              STR("====="),
                              STR("not base64url"),
                              STR("AAAA+AAA"),
                              STR("\xFF\xFF"),
                              STR("\0"),
                              STR("AAAAAAAAAAA"),
                              filled(&arena, 'A', 80),
                              filled(&arena, 'A', 4096)};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_no_token(ring, bad[i], NOW, BFF_ERR_MALFORMED);
    assert_true(arena_printf(&arena, &longer, "%.*sA", STR_ARG(value)));
    assert_no_token(ring, longer, NOW, BFF_ERR_MALFORMED);
    assert_no_token(ring, (struct str){NULL, 0}, NOW, BFF_ERR_MALFORMED);
}

static void keys_can_be_rotated_under_it(void **state)
{
    (void)state;
    struct str value = sealed(STR("token"), UNTIL), token;
    struct keyring *rotated = ring_of(other_key, key), *foreign = ring_of(other_key, "");
    assert_int_equal(pending_open(rotated, value, NOW, &arena, &token), BFF_OK);
    assert_str(token, STR("token"));
    assert_no_token(foreign, value, NOW, BFF_ERR_MALFORMED);
    keyring_free(rotated);
    keyring_free(foreign);
}

/* Both are sealed with one server key: neither may be taken for the other. */
static void a_sessions_seal_does_not_open_as_a_pending_token(void **state)
{
    (void)state;
    char cookie[43];
    struct str inner, bytes;
    seal_new_cookie(cookie);
    const struct seal_place place = {.cookie = {cookie, sizeof cookie},
                                     .key_name = STR("bff:s:{0}"),
                                     .generation = UNTIL,
                                     .field = STR("token")};
    assert_int_equal(seal(ring, &place, STR("refresh"), &arena, &inner), BFF_OK);
    char *p = arena_alloc(&arena, 8 + inner.n);
    for (int i = 0; i < 8; i++)
        p[i] = (char)((uint64_t)UNTIL >> (56 - 8 * i));
    memcpy(p + 8, inner.p, inner.n);
    bytes = base64url(&arena, (struct str){p, 8 + inner.n});
    assert_no_token(ring, bytes, NOW, BFF_ERR_MALFORMED);
}

static void the_longest_token_fits_a_cookie(void **state)
{
    (void)state;
    struct str longest = filled(&arena, 'x', PENDING_TOKEN_MAX), token, none = STR("untouched");
    struct str value = sealed(longest, UNTIL);
    assert_true(value.n < 4096 - 256);
    assert_int_equal(pending_open(ring, value, NOW, &arena, &token), BFF_OK);
    assert_str(token, longest);
    assert_int_equal(
        pending_seal(ring, filled(&arena, 'x', PENDING_TOKEN_MAX + 1), UNTIL, &arena, &none),
        BFF_ERR_TOO_LARGE);
    assert_str(none, STR("untouched"));
}

static void memory_that_is_out_is_an_error(void **state)
{
    (void)state;
    struct str value = sealed(STR("token"), UNTIL), out;
    bool sealed_at_last = false, opened = false;
    for (size_t limit = 0; !sealed_at_last || !opened; limit += 8) {
        struct arena small = arena_make(limit);
        enum bff_err e = pending_seal(ring, STR("token"), UNTIL, &small, &out);
        assert_true(e == BFF_OK || e == BFF_ERR_NO_MEMORY);
        sealed_at_last = e == BFF_OK;
        arena_free(&small);
        small = arena_make(limit);
        e = pending_open(ring, value, NOW, &small, &out);
        assert_true(e == BFF_OK || e == BFF_ERR_NO_MEMORY);
        opened = e == BFF_OK;
        arena_free(&small);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_sealed_opens_until_its_time_is_over),
        TEST(two_seals_of_one_token_do_not_look_alike),
        TEST(no_byte_of_it_can_be_changed_to_live_longer),
        TEST(what_is_no_such_value_is_malformed),
        TEST(keys_can_be_rotated_under_it),
        TEST(a_sessions_seal_does_not_open_as_a_pending_token),
        TEST(the_longest_token_fits_a_cookie),
        TEST(memory_that_is_out_is_an_error),
    };
    return seal_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
