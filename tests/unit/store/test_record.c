#include "codec/backend.h"
#include "fixtures.h"
#include "store/record.h"

#define COOKIE STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")

static const struct config config = {
    .redis.prefix = {"bff:", 4},
    .session = {.idle_s = 3600, .absolute_s = 86400},
};
static const struct session_tokens tokens = {
    .access = {"the access token", 16},
    .refresh = {"the refresh token", 17},
    .user_id = {"4:2", 3},
    .user = {"{\"a\":1}", 7},
};

static struct arena arena;
static struct keyring *keys;
static struct session_name name;

static int set_up(void **state)
{
    (void)state;
    arena = arena_make(256 * 1024);
    char line[SEAL_KEY_LINE + 1];
    struct str message;
    if (!seal_init())
        return -1;
    keyring_generate(line);
    session_name_make(&config, COOKIE, &name);
    return keyring_parse(&arena, str_from(line), &keys, &message) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    keyring_free(keys);
    arena_free(&arena);
    return 0;
}

#define NOW_MS 1700003600000

static void put(char *p, size_t bytes, uint64_t value)
{
    while (bytes > 0) {
        p[--bytes] = (char)value;
        value >>= 8;
    }
}

#define AT_REST 0
#define IDLE 1

/* A record as Redis would have it, touched a minute and made an hour ago. */
static struct str value_in(char state, uint32_t generation, struct str sealed)
{
    size_t n = RECORD_FIELDS_BYTES + (state ? RECORD_REFRESH_BYTES : 0);
    char *p = arena_alloc(&arena, n + sealed.n);
    assert_non_null(p);
    memset(p, 0, n);
    p[0] = RECORD_VERSION;
    p[1] = state;
    put(p + 2, 4, generation);
    put(p + 6, 6, 1700000000000);  /* created */
    put(p + 12, 6, 1700003540000); /* seen */
    put(p + 18, 6, 1700003570000); /* granted */
    put(p + 24, 6, 1700003630000); /* the access token's end */
    put(p + 30, 6, 1700007200000); /* the refresh token's */
    put(p + 36, 7, UINT64_C(1) << 53);
    memcpy(p + 51, "name of the user", 16);
    put(p + 67, 2, 0x0304); /* the device's browser and system */
    if (state != AT_REST)
        put(p + 81, 6, 1700003600001);
    if (sealed.n > 0)
        memcpy(p + n, sealed.p, sealed.n);
    return (struct str){p, n + sealed.n};
}

static struct str value_of(uint32_t generation, struct str sealed)
{
    return value_in(AT_REST, generation, sealed);
}

static struct str sealed_value(uint32_t generation)
{
    struct str sealed;
    assert_int_equal(record_seal(keys, &name, generation, &tokens, &arena, &sealed), BFF_OK);
    return value_of(generation, sealed);
}

static struct record read_value(struct str value)
{
    struct record r;
    assert_int_equal(record_read(NOW_MS, value, &r), BFF_OK);
    return r;
}

static enum bff_err open_with_all(const struct session_name *whose, const struct record *r,
                                  struct session *out)
{
    return record_open(&config, keys, whose, r, RECORD_ALL, &arena, out);
}

static void a_sealed_record_opens_to_what_it_was_made_from(void **state)
{
    (void)state;
    struct session s;
    struct record r = read_value(sealed_value(3));
    assert_int_equal(open_with_all(&name, &r, &s), BFF_OK);
    assert_str(s.access, tokens.access);
    assert_str(s.refresh, tokens.refresh);
    assert_str(s.user_id, tokens.user_id);
    assert_str(s.user, tokens.user);
    assert_int_equal(s.generation, 3);
    assert_int_equal(s.access_left_ms, 30000);
    assert_int_equal(s.access_life_ms, 60000);
    assert_int_equal(s.idle_left_ms, 3540000);
    assert_int_equal(s.absolute_left_ms, 3600000);
    assert_int_equal(s.since_touch_ms, 60000);
    assert_int_equal(s.created_ms, 1700000000000);
}

#define SEALED STR("what is sealed is never as short as the fields of a refresh")

static void fields_are_read_where_they_stand(void **state)
{
    (void)state;
    for (char in = AT_REST; in <= IDLE; in++) {
        struct record r = read_value(value_in(in, UINT32_MAX, SEALED));
        assert_true(r.now_ms == NOW_MS && r.generation == UINT32_MAX);
        assert_true(r.created_ms == 1700000000000 && r.seen_ms == 1700003540000);
        assert_true(r.granted_ms == 1700003570000 && r.access_end_ms == 1700003630000);
        assert_true(r.refresh_end_ms == 1700007200000 && r.epoch == UINT64_C(1) << 53);
        assert_int_equal(r.is_ambiguous, in != AT_REST);
        assert_str(r.user, STR("name of the user"));
        assert_int_equal(r.device.browser, 3);
        assert_int_equal(r.device.system, 4);
        assert_str(r.sealed, SEALED);
    }
}

static void the_refresh_token_is_left_alone_where_nobody_needs_it(void **state)
{
    (void)state;
    struct session s;
    struct record r = read_value(sealed_value(3));
    assert_int_equal(record_open(&config, keys, &name, &r, RECORD_WITHOUT_REFRESH, &arena, &s),
                     BFF_OK);
    assert_int_equal(s.refresh.n, 0);
    assert_str(s.access, tokens.access);
    assert_str(s.user_id, tokens.user_id);
    assert_str(s.user, tokens.user);
}

static void a_record_opens_only_for_its_generation_cookie_and_key(void **state)
{
    (void)state;
    struct session s;
    struct record r = read_value(sealed_value(3));
    r.generation = 4;
    assert_int_equal(open_with_all(&name, &r, &s), BFF_ERR_SEAL_BROKEN);
    r.generation = 3;
    struct session_name stranger;
    session_name_make(&config, STR("BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &stranger);
    assert_int_equal(open_with_all(&stranger, &r, &s), BFF_ERR_SEAL_BROKEN);
    struct config elsewhere = config;
    elsewhere.redis.prefix = STR("other:");
    session_name_make(&elsewhere, COOKIE, &stranger);
    assert_int_equal(open_with_all(&stranger, &r, &s), BFF_ERR_SEAL_BROKEN);
    r.sealed.n--;
    assert_int_equal(open_with_all(&name, &r, &s), BFF_ERR_SEAL_BROKEN);
}

static void what_is_sealed_and_no_row_of_texts_is_broken(void **state)
{
    (void)state;
    static const struct str rows[] = {
        {"", 0},
        {"\1a\1b\1c", 6},
        {"\1a\1b\1c\1d\0", 9},
        {"\1a\1b\1c\1\xf9", 8},
        {"\1a\2b\1c\1d", 8},
    };
    struct seal_place place = {
        .cookie = COOKIE,
        .key_name = {name.key, name.key_length},
        .generation = 1,
        .field = STR("record"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str sealed;
        struct session s;
        assert_int_equal(seal(keys, &place, rows[i], &arena, &sealed), BFF_OK);
        struct record r = read_value(value_of(1, sealed));
        assert_int_equal(open_with_all(&name, &r, &s), BFF_ERR_SEAL_BROKEN);
    }
}

static void unknown_ends_are_not_zero_durations(void **state)
{
    (void)state;
    struct record r = {.now_ms = 1000, .generation = 1, .created_ms = 1000, .seen_ms = 1000};
    struct session s = {0};
    record_times(&config, &r, &s);
    assert_int_equal(s.access_left_ms, TOKEN_LIFE_UNKNOWN);
    assert_int_equal(s.absolute_left_ms, 86400000);
}

static void a_record_is_over_at_the_nearest_of_its_limits(void **state)
{
    (void)state;
    static const struct {
        int64_t created_ms, seen_ms, refresh_end_ms;
        bool is_over;
    } rows[] = {
        {0, 0, 0, false},        {-86400000 + 1, 0, 0, false},
        {-86400000, 0, 0, true}, {0, -3600000 + 1, 0, false},
        {0, -3600000, 0, true},  {0, 0, 1, false},
        {-1, -1, -1, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record r = {.now_ms = NOW_MS, .generation = 1};
        r.created_ms = NOW_MS + rows[i].created_ms;
        r.seen_ms = NOW_MS + rows[i].seen_ms;
        r.refresh_end_ms = rows[i].refresh_end_ms ? NOW_MS + rows[i].refresh_end_ms : 0;
        assert_int_equal(record_is_over(&config, &r), rows[i].is_over);
    }
}

static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    struct record r = {.generation = 42};
    struct str value = value_in(IDLE, 1, SEALED);
    for (size_t n = 0; n < RECORD_FIELDS_BYTES + RECORD_REFRESH_BYTES; n++)
        assert_int_equal(record_read(NOW_MS, (struct str){value.p, n}, &r), BFF_ERR_MALFORMED);
    value = value_of(1, SEALED);
    for (size_t n = 0; n < RECORD_FIELDS_BYTES; n++)
        assert_int_equal(record_read(NOW_MS, (struct str){value.p, n}, &r), BFF_ERR_MALFORMED);
    assert_int_equal(record_read(NOW_MS, value_of(0, SEALED), &r), BFF_ERR_MALFORMED);
    for (int version = 0; version < 256; version++) {
        *(char *)value.p = (char)version;
        enum bff_err expected = version == RECORD_VERSION ? BFF_OK : BFF_ERR_MALFORMED;
        struct record read;
        assert_int_equal(record_read(NOW_MS, value, &read), expected);
    }
    assert_int_equal(r.generation, 42);
}

static void tokens_of_the_largest_size_are_sealed_and_opened(void **state)
{
    (void)state;
    struct session_tokens large = tokens;
    char *p = arena_alloc(&arena, BACKEND_TOKEN_MAX);
    assert_non_null(p);
    memset(p, 'A', BACKEND_TOKEN_MAX);
    large.access = large.refresh = (struct str){p, BACKEND_TOKEN_MAX};
    struct str sealed;
    struct session s;
    assert_int_equal(record_seal(keys, &name, 1, &large, &arena, &sealed), BFF_OK);
    struct record r = read_value(value_of(1, sealed));
    assert_int_equal(open_with_all(&name, &r, &s), BFF_OK);
    assert_str(s.refresh, large.refresh);
}

static void a_small_arena_is_an_error_not_an_exit(void **state)
{
    (void)state;
    struct str sealed;
    struct session s;
    struct arena small = arena_make(32);
    assert_int_equal(record_seal(keys, &name, 3, &tokens, &small, &sealed), BFF_ERR_NO_MEMORY);
    struct record r = read_value(sealed_value(3));
    assert_int_equal(record_open(&config, keys, &name, &r, RECORD_ALL, &small, &s),
                     BFF_ERR_NO_MEMORY);
    arena_free(&small);
}

static void a_key_names_the_hash_of_the_cookie_and_tells_it_again(void **state)
{
    (void)state;
    unsigned char hash[SESSION_HASH_BYTES];
    struct str key = {name.key, name.key_length};
    assert_int_equal(key.n, strlen(name.key));
    assert_true(str_starts(key, STR("bff:s:{")));
    assert_false(str_contains(key, COOKIE));
    assert_true(session_key_hash(&config, key, hash));
    assert_memory_equal(hash, name.hash, sizeof hash);
}

static void keys_of_others_are_not_sessions(void **state)
{
    (void)state;
#define CHARS21 "0123456789-bcdef_1234"
    static const char *const strangers[] = {
        "",
        "bff:s:{}",
        "bff:s:{" CHARS21 "}",
        "bff:s:{" CHARS21 "A",
        "bff:s:{" CHARS21 "A)",
        "bff:u:{" CHARS21 "A}",
        "bfg:s:{" CHARS21 "A}",
        "bff:s:{" CHARS21 "AA}",
        "bff:s:{" CHARS21 "+}",
        "bff:s:{" CHARS21 "=}",
        "bff:s:{" CHARS21 "B}", /* bits after the last byte */
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        unsigned char hash[SESSION_HASH_BYTES];
        assert_false(session_key_hash(&config, str_from(strangers[i]), hash));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_sealed_record_opens_to_what_it_was_made_from),
        T(fields_are_read_where_they_stand),
        T(the_refresh_token_is_left_alone_where_nobody_needs_it),
        T(a_record_opens_only_for_its_generation_cookie_and_key),
        T(what_is_sealed_and_no_row_of_texts_is_broken),
        T(unknown_ends_are_not_zero_durations),
        T(a_record_is_over_at_the_nearest_of_its_limits),
        T(what_is_no_record_is_refused),
        T(tokens_of_the_largest_size_are_sealed_and_opened),
        T(a_small_arena_is_an_error_not_an_exit),
        T(a_key_names_the_hash_of_the_cookie_and_tells_it_again),
        T(keys_of_others_are_not_sessions),
    };
    return cmocka_run_group_tests_name("store/record", tests, NULL, NULL);
}
