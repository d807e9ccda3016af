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

/* A record as Redis would answer it, touched a minute and made an hour ago. */
static void make_fields(const struct record_sealed *sealed, struct str fields[RECORD_FIELDS])
{
    fields[0] = STR("1700003600000");
    fields[1] = STR("3");
    fields[2] = sealed->access;
    fields[3] = STR("1700003630000");
    fields[4] = sealed->refresh;
    fields[5] = STR("1700007200000");
    fields[6] = sealed->claims;
    fields[7] = STR("1700000000000");
    fields[8] = STR("1700003540000");
    fields[9] = STR("1700003570000");
}

static void a_sealed_record_opens_to_what_it_was_made_from(void **state)
{
    (void)state;
    struct record_sealed sealed;
    struct str fields[RECORD_FIELDS];
    struct record r;
    struct session s;
    assert_int_equal(record_seal(keys, &name, 3, &tokens, &arena, &sealed), BFF_OK);
    make_fields(&sealed, fields);
    assert_int_equal(record_read(fields, RECORD_FIELDS, &r), BFF_OK);
    assert_int_equal(record_open(&config, keys, &name, &r, &arena, &s), BFF_OK);
    assert_str(s.access, tokens.access);
    assert_str(s.refresh, tokens.refresh);
    assert_str(s.user_id, tokens.user_id);
    assert_str(s.user, tokens.user);
    assert_int_equal(s.generation, 3);
    assert_int_equal(s.access_left_ms, 30000);
    assert_int_equal(s.idle_left_ms, 3540000);
    assert_int_equal(s.absolute_left_ms, 3600000);
    assert_int_equal(s.since_touch_ms, 60000);
    assert_int_equal(s.created_ms, 1700000000000);
}

static void a_record_opens_only_for_its_generation_cookie_and_key(void **state)
{
    (void)state;
    struct record_sealed sealed;
    struct str fields[RECORD_FIELDS];
    struct record r;
    struct session s;
    assert_int_equal(record_seal(keys, &name, 3, &tokens, &arena, &sealed), BFF_OK);
    make_fields(&sealed, fields);
    assert_int_equal(record_read(fields, RECORD_FIELDS, &r), BFF_OK);
    r.generation = 4;
    assert_int_equal(record_open(&config, keys, &name, &r, &arena, &s), BFF_ERR_SEAL_BROKEN);
    r.generation = 3;
    struct session_name stranger;
    session_name_make(&config, STR("BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), &stranger);
    assert_int_equal(record_open(&config, keys, &stranger, &r, &arena, &s), BFF_ERR_SEAL_BROKEN);
    struct config elsewhere = config;
    elsewhere.redis.prefix = STR("other:");
    session_name_make(&elsewhere, COOKIE, &stranger);
    assert_int_equal(record_open(&config, keys, &stranger, &r, &arena, &s), BFF_ERR_SEAL_BROKEN);
    r.access = r.refresh;
    assert_int_equal(record_open(&config, keys, &name, &r, &arena, &s), BFF_ERR_SEAL_BROKEN);
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

static void what_is_no_record_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t field;
        struct str value;
    } rows[] = {
        {0, {"", 0}},    {0, {"9007199254740993", 16}},
        {1, {"0", 1}},   {1, {"-1", 2}},
        {1, {"1.5", 3}}, {3, {"nan", 3}},
        {5, {"1e9", 3}}, {7, {" 1", 2}},
        {8, {"0x1", 3}}, {9, {"", 0}},
    };
    const struct record_sealed sealed = {{"a", 1}, {"r", 1}, {"c", 1}};
    struct str fields[RECORD_FIELDS + 1];
    struct record r = {.generation = 42};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_fields(&sealed, fields);
        fields[rows[i].field] = rows[i].value;
        assert_int_equal(record_read(fields, RECORD_FIELDS, &r), BFF_ERR_MALFORMED);
    }
    make_fields(&sealed, fields);
    fields[RECORD_FIELDS] = STR("1");
    assert_int_equal(record_read(fields, RECORD_FIELDS - 1, &r), BFF_ERR_MALFORMED);
    assert_int_equal(record_read(fields, RECORD_FIELDS + 1, &r), BFF_ERR_MALFORMED);
    assert_int_equal(r.generation, 42);
}

static void a_small_arena_is_an_error_not_an_exit(void **state)
{
    (void)state;
    struct record_sealed sealed;
    struct str fields[RECORD_FIELDS];
    struct record r;
    struct session s;
    struct arena small = arena_make(32);
    assert_int_equal(record_seal(keys, &name, 3, &tokens, &small, &sealed), BFF_ERR_NO_MEMORY);
    assert_int_equal(record_seal(keys, &name, 3, &tokens, &arena, &sealed), BFF_OK);
    make_fields(&sealed, fields);
    assert_int_equal(record_read(fields, RECORD_FIELDS, &r), BFF_OK);
    assert_int_equal(record_open(&config, keys, &name, &r, &small, &s), BFF_ERR_NO_MEMORY);
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
#define HEX32 "0123456789abcdef0123456789abcdef"
    static const char *const strangers[] = {
        "",
        "bff:s:{}",
        "bff:s:{" HEX32 "}",
        "bff:s:{" HEX32 HEX32,
        "bff:s:{" HEX32 HEX32 ")",
        "bff:u:{" HEX32 HEX32 "}",
        "bfg:s:{" HEX32 HEX32 "}",
        "bff:s:{" HEX32 "0123456789abcdef0123456789abcdeG}",
        "bff:s:{" HEX32 "0123456789abcdef0123456789ABCDEF}",
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
        T(a_record_opens_only_for_its_generation_cookie_and_key),
        T(unknown_ends_are_not_zero_durations),
        T(what_is_no_record_is_refused),
        T(a_small_arena_is_an_error_not_an_exit),
        T(a_key_names_the_hash_of_the_cookie_and_tells_it_again),
        T(keys_of_others_are_not_sessions),
    };
    return cmocka_run_group_tests_name("store/record", tests, NULL, NULL);
}
