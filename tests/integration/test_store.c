/* Sessions in Redis: creating, reading, touching, ending; what stands in Redis, and what is
 * refused. */
#include "store_fixture.h"

/* HS256, an exp, an iat, a jti and a user_id. */
#define JWT_OF_SIMPLEJWT                                                                           \
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."                                                        \
    "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzYzNzUwMDAwLCJpYXQiOjE3NjM3NDk3MDAsImp0aSI6IjBmNWFi" \
    "OWJkNGIxZTRjMGY4ZDhmM2MxZjZhMWQyZTNiIiwidXNlcl9pZCI6IjEyMzQ1Njc4In0."                         \
    "yK7gh3VZc3zRHCIyTZ7fHWMsi9BwvF4tVQJXlrUo8nM"

static void a_session_is_read_as_it_was_created(void **state)
{
    (void)state;
    struct session made = create_session();
    struct session s;
    assert_ok(store_load(other, &name, false, &arena, &s));
    assert_str(s.access, first_tokens.access);
    assert_int_equal(s.refresh.n, 0);
    assert_str(stored_session().refresh, first_tokens.refresh);
    assert_str(s.user_id, first_tokens.user_id);
    assert_str(s.user, first_tokens.user);
    assert_int_equal(s.generation, 1);
    assert_int_equal(s.created_ms, made.created_ms);
    assert_in_range(s.access_left_ms, 4 * MINUTE_MS, 5 * MINUTE_MS);
    assert_in_range(s.idle_left_ms, 59 * MINUTE_MS, HOUR_MS);
    assert_in_range(s.absolute_left_ms, 23 * HOUR_MS, 24 * HOUR_MS);
    assert_in_range(s.since_touch_ms, 0, MINUTE_MS);
}

static void creating_answers_the_session_as_stored(void **state)
{
    (void)state;
    struct session s = create_session();
    assert_int_equal(s.generation, 1);
    assert_str(s.access, first_tokens.access);
    assert_str(s.user, first_tokens.user);
    assert_int_equal(s.access_left_ms, 5 * MINUTE_MS);
    assert_int_equal(s.idle_left_ms, HOUR_MS);
    assert_int_equal(s.since_touch_ms, 0);
}

static void an_unknown_cookie_has_no_session(void **state)
{
    (void)state;
    assert_no_session();
}

static void creating_never_replaces_a_session(void **state)
{
    (void)state;
    create_session();
    struct session s;
    assert_int_equal(store_create(other, &name, &second_tokens, &arena, &s), BFF_ERR_DUPLICATE);
    assert_str(load_session().access, first_tokens.access);
}

static void tokens_of_unknown_life_are_bound_by_the_limits_alone(void **state)
{
    (void)state;
    struct session_tokens opaque = first_tokens;
    opaque.access_life_ms = opaque.refresh_life_ms = TOKEN_LIFE_UNKNOWN;
    struct session s;
    assert_ok(store_create(worker, &name, &opaque, &arena, &s));
    s = load_session();
    assert_int_equal(s.access_left_ms, TOKEN_LIFE_UNKNOWN);
    assert_in_range(s.absolute_left_ms, 6 * 24 * HOUR_MS, 7 * 24 * HOUR_MS);
}

static void a_session_without_refresh_token_lives_by_the_limits(void **state)
{
    (void)state;
    struct session_tokens only_access = first_tokens;
    only_access.refresh = (struct str){NULL, 0};
    only_access.refresh_life_ms = 0;
    struct session s;
    assert_ok(store_create(worker, &name, &only_access, &arena, &s));
    s = stored_session();
    assert_int_equal(s.refresh.n, 0);
    assert_in_range(s.absolute_left_ms, 6 * 24 * HOUR_MS, 7 * 24 * HOUR_MS);
}

static void an_endless_token_does_not_overflow(void **state)
{
    (void)state;
    struct session_tokens endless = first_tokens;
    endless.access_life_ms = endless.refresh_life_ms = INT64_MAX - 1;
    struct session s;
    assert_ok(store_create(worker, &name, &endless, &arena, &s));
    assert_true(load_session().access_left_ms > 365 * 24 * HOUR_MS);
}

static void a_session_whose_refresh_token_is_over_is_not_made(void **state)
{
    (void)state;
    struct session_tokens over = first_tokens;
    over.refresh_life_ms = 0;
    struct session s;
    assert_int_equal(store_create(worker, &name, &over, &arena, &s), BFF_ERR_MALFORMED);
    assert_no_session();
}

static void the_key_lives_as_long_as_the_nearest_limit(void **state)
{
    (void)state;
    static const struct {
        uint32_t idle_s, absolute_s;
        int64_t refresh_ms, expected_ms;
    } rows[] = {
        {600, 7200, 3600000, 600000},
        {7200, 1200, 3600000, 1200000},
        {7200, 7200, 300000, 300000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        config.session.idle_s = rows[i].idle_s;
        config.session.absolute_s = rows[i].absolute_s;
        struct session_tokens tokens = first_tokens;
        tokens.refresh_life_ms = rows[i].refresh_ms;
        struct session s;
        ask("DEL %s", name.key);
        assert_ok(store_create(worker, &name, &tokens, &arena, &s));
        assert_in_range(ask("PTTL %s", name.key), rows[i].expected_ms - 10000, rows[i].expected_ms);
    }
}

static void shortened_limits_end_sessions_that_are_there(void **state)
{
    (void)state;
    create_session();
    set_field("created", redis_now_ms() - 2 * HOUR_MS);
    load_session();
    config.session.absolute_s = 7200;
    struct session s;
    assert_int_equal(store_load(worker, &name, true, &arena, &s), BFF_ERR_MISSING);
    config.session.absolute_s = 86400;
    load_session();
    set_field("seen", redis_now_ms() - HOUR_MS);
    assert_int_equal(store_load(worker, &name, true, &arena, &s), BFF_ERR_MISSING);
    assert_int_equal(begin_as(worker, 0).result, BEGIN_NONE);
}

static void activity_is_written_down_only_when_due(void **state)
{
    (void)state;
    create_session();
    struct session s;
    int64_t before = redis_now_ms() - 30000;
    set_field("seen", before);
    assert_ok(store_load(worker, &name, true, &arena, &s));
    assert_int_equal(field("seen"), before);
    assert_in_range(s.since_touch_ms, 30000, 45000);

    before = redis_now_ms() - 10 * MINUTE_MS;
    set_field("seen", before);
    ask("PEXPIRE %s 3000000", name.key);
    assert_ok(store_load(worker, &name, true, &arena, &s));
    assert_in_range(field("seen"), before + 10 * MINUTE_MS, before + 11 * MINUTE_MS);
    assert_int_equal(s.since_touch_ms, 0);
    assert_int_equal(s.idle_left_ms, HOUR_MS);
    assert_in_range(ask("PTTL %s", name.key), 3500000, HOUR_MS);
}

/* Two hosts find at the same time that it is due: the second one finds that it is not any more. */
static void activity_is_written_down_once_by_those_who_find_it_due(void **state)
{
    (void)state;
    create_session();
    struct session s;
    set_field("seen", redis_now_ms() - 10 * MINUTE_MS);
    assert_ok(store_touch(worker, &name, &arena, &s));
    assert_int_equal(s.since_touch_ms, 0);
    int64_t before = redis_now_ms() - 30000;
    set_field("seen", before);
    assert_ok(store_touch(other, &name, &arena, &s));
    assert_int_equal(field("seen"), before);
    assert_in_range(s.since_touch_ms, 30000, 45000);
    assert_str(s.access, STR("access-token-1"));
    ask("DEL %s", name.key);
    assert_int_equal(store_touch(other, &name, &arena, &s), BFF_ERR_MISSING);
}

static void looking_without_touching_does_not_extend(void **state)
{
    (void)state;
    create_session();
    int64_t before = redis_now_ms() - 10 * MINUTE_MS;
    set_field("seen", before);
    assert_in_range(load_session().idle_left_ms, 49 * MINUTE_MS, 50 * MINUTE_MS);
    assert_int_equal(field("seen"), before);
}

static void sign_out_gives_the_record_as_it_was_deleted(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(other);
    struct session s;
    assert_int_equal(commit_as(other, &b, &second_tokens, &s), COMMIT_STORED);
    assert_ok(store_logout(worker, &name, &arena, &s));
    assert_str(s.refresh, second_tokens.refresh);
    assert_str(s.user_id, first_tokens.user_id);
    assert_no_session();
    assert_int_equal(store_logout(worker, &name, &arena, &s), BFF_ERR_MISSING);
}

static void sign_out_of_what_does_not_open_still_deletes_it(void **state)
{
    (void)state;
    create_session();
    ask("SETRANGE %s %d spoiled", name.key, RECORD_FIELDS_BYTES);
    struct session s;
    assert_int_equal(store_logout(worker, &name, &arena, &s), BFF_ERR_SEAL_BROKEN);
    assert_no_session();
    ask("RPUSH %s x", name.key);
    assert_int_equal(store_logout(worker, &name, &arena, &s), BFF_ERR_MISSING);
    assert_no_session();
}

static long long user_sets(void)
{
    return ask("EVAL %s 0", "return #redis.call('KEYS', 'test:u:*')");
}

static void a_users_set_lists_the_sessions_and_forgets_ended_ones(void **state)
{
    (void)state;
    static const char count[] = "local n = 0 for _, k in ipairs(redis.call('KEYS', 'test:u:*')) do "
                                "n = n + redis.call('ZCARD', k) end return n";
    create_session();
    struct session_name second_name;
    char second_cookie[43];
    seal_new_cookie(second_cookie);
    session_name_make(&config, (struct str){second_cookie, sizeof second_cookie}, &second_name);
    struct session s;
    assert_ok(store_create(worker, &second_name, &first_tokens, &arena, &s));
    assert_int_equal(user_sets(), 1);
    assert_int_equal(ask("EVAL %s 0", count), 2);
    assert_ok(store_logout(worker, &name, &arena, &s));
    assert_int_equal(ask("EVAL %s 0", count), 1);
    struct begin b;
    assert_ok(store_begin(worker, &second_name, 0, &arena, &b));
    enum reject_result result;
    int64_t wait_ms;
    assert_ok(store_reject(worker, &second_name, 1, b.epoch, &result, &wait_ms));
    assert_int_equal(user_sets(), 0);
}

static void a_users_set_goes_away_with_its_newest_session(void **state)
{
    (void)state;
    create_session();
    long long ttl =
        ask("EVAL %s 0", "return redis.call('PTTL', redis.call('KEYS', 'test:u:*')[1])");
    assert_in_range(ttl, 6 * 24 * HOUR_MS, 7 * 24 * HOUR_MS + 1000);
}

/* Every key and every value, as a thief of a backup would see them. */
static struct str dump_of_redis(void)
{
    static const char everything[] =
        "local out = {} for _, k in ipairs(redis.call('KEYS', '*')) do out[#out + 1] = k "
        "local t = redis.call('TYPE', k).ok "
        "local all = t == 'string' and {redis.call('GET', k)} "
        "or redis.call('ZRANGE', k, 0, -1, 'WITHSCORES') "
        "for _, v in ipairs(all) do out[#out + 1] = v end end return table.concat(out, '\\n')";
    redisReply *reply = redisCommand(raw, "EVAL %s 0", everything);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    struct str dump;
    assert_true(arena_copy(&arena, (struct str){reply->str, (size_t)reply->len}, &dump));
    freeReplyObject(reply);
    return dump;
}

static void redis_holds_no_cookie_no_token_and_no_user_in_the_clear(void **state)
{
    (void)state;
    create_session();
    struct begin b = begin_and_go(worker);
    struct session s;
    assert_int_equal(commit_as(worker, &b, &second_tokens, &s), COMMIT_STORED);
    begin_and_go(worker);
    struct str dump = dump_of_redis();
    assert_true(str_contains(dump, (struct str){name.key, name.key_length}));
    assert_false(str_contains(dump, name.cookie));
    assert_false(str_contains(dump, STR("access-token")));
    assert_false(str_contains(dump, STR("refresh-token")));
    assert_false(str_contains(dump, STR("alice")));
}

static void a_record_that_was_tampered_with_does_not_open(void **state)
{
    (void)state;
    create_session();
    struct str value = stored_value();
    static const size_t places[] = {2, 5, RECORD_FIELDS_BYTES, RECORD_FIELDS_BYTES + 4};
    for (size_t i = 0; i <= sizeof places / sizeof *places; i++) {
        size_t at = i < sizeof places / sizeof *places ? places[i] : value.n - 1;
        struct str changed;
        assert_true(arena_copy(&arena, value, &changed));
        ((char *)changed.p)[at] ^= 1;
        store_value(changed);
        struct session s;
        assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_SEAL_BROKEN);
    }
    store_value(value);
    load_session();
}

/* For everything but a load there is then no session: nothing can be done with it. */
static void what_is_no_record_of_ours_is_refused_and_can_be_signed_out(void **state)
{
    (void)state;
    static const char *const others[] = {
        "SET %s x",      "SET %s \"\"",        "RPUSH %s x",
        "HSET %s gen 1", "SETRANGE %s 0 \x02", "SETRANGE %s 0 \x7f",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        bool is_record_changed = str_starts(str_from(others[i]), STR("SETRANGE"));
        ask("DEL %s", name.key);
        if (is_record_changed)
            create_session();
        redisReply *reply = redisCommand(raw, others[i], name.key);
        assert_non_null(reply);
        assert_int_not_equal(reply->type, REDIS_REPLY_ERROR);
        freeReplyObject(reply);
        struct session s;
        assert_int_equal(store_load(worker, &name, true, &arena, &s), BFF_ERR_SEAL_BROKEN);
        assert_int_equal(begin_as(worker, 0).result, BEGIN_NONE);
        assert_int_equal(store_create(worker, &name, &first_tokens, &arena, &s), BFF_ERR_DUPLICATE);
        assert_int_equal(store_logout(worker, &name, &arena, &s), BFF_ERR_MISSING);
        assert_no_session();
    }
}

static void a_record_moved_to_another_key_does_not_open(void **state)
{
    (void)state;
    create_session();
    struct session_name thief;
    char thiefs_cookie[43];
    seal_new_cookie(thiefs_cookie);
    session_name_make(&config, (struct str){thiefs_cookie, sizeof thiefs_cookie}, &thief);
    ask("COPY %s %s", name.key, thief.key);
    struct session s;
    assert_int_equal(store_load(worker, &thief, false, &arena, &s), BFF_ERR_SEAL_BROKEN);
}

/* Redis' memory, as it counts it: what a session of simplejwt may take is 700 bytes. */
static void a_session_and_its_users_set_are_small(void **state)
{
    (void)state;
    static const char usage[] = "local n = 0 for _, k in ipairs(redis.call('KEYS', 'bff:*')) do "
                                "n = n + redis.call('MEMORY', 'USAGE', k) end return n";
    config.redis.prefix = STR("bff:");
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    struct session_tokens tokens = first_tokens;
    tokens.access = STR(JWT_OF_SIMPLEJWT);
    tokens.refresh = STR(JWT_OF_SIMPLEJWT);
    tokens.user = STR("{\"user_id\":\"12345678\"}");
    tokens.user_id = STR("12345678");
    struct session s;
    assert_ok(store_create(worker, &name, &tokens, &arena, &s));
    /* Without the hash tables, which take 16 to 64 bytes for both keys and their ends. */
    assert_in_range(ask("EVAL %s 0", usage), 400, 630);
    assert_str(load_session().access, tokens.access);
}

static void a_redis_that_evicts_is_refused_with_advice(void **state)
{
    (void)state;
    assert_ok(store_check(worker));
    ask("CONFIG SET maxmemory-policy allkeys-lru");
    assert_int_equal(store_check(worker), BFF_ERR_MALFORMED);
    ask("CONFIG SET maxmemory-policy noeviction");
    assert_non_null(strstr(store_last_error(worker), "\"maxmemory-policy noeviction\""));
    assert_ok(store_check(worker));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(a_session_is_read_as_it_was_created),
        T(creating_answers_the_session_as_stored),
        T(an_unknown_cookie_has_no_session),
        T(creating_never_replaces_a_session),
        T(tokens_of_unknown_life_are_bound_by_the_limits_alone),
        T(a_session_without_refresh_token_lives_by_the_limits),
        T(an_endless_token_does_not_overflow),
        T(a_session_whose_refresh_token_is_over_is_not_made),
        T(the_key_lives_as_long_as_the_nearest_limit),
        T(shortened_limits_end_sessions_that_are_there),
        T(activity_is_written_down_only_when_due),
        T(activity_is_written_down_once_by_those_who_find_it_due),
        T(looking_without_touching_does_not_extend),
        T(sign_out_gives_the_record_as_it_was_deleted),
        T(sign_out_of_what_does_not_open_still_deletes_it),
        T(a_users_set_lists_the_sessions_and_forgets_ended_ones),
        T(a_users_set_goes_away_with_its_newest_session),
        T(redis_holds_no_cookie_no_token_and_no_user_in_the_clear),
        T(a_record_that_was_tampered_with_does_not_open),
        T(what_is_no_record_of_ours_is_refused_and_can_be_signed_out),
        T(a_record_moved_to_another_key_does_not_open),
        T(a_session_and_its_users_set_are_small),
        T(a_redis_that_evicts_is_refused_with_advice),
    };
    return cmocka_run_group_tests_name("store", tests, start_redis, remove_redis);
}
