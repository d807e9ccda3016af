/* A user's sessions, looked at and ended without their cookies. */
#include "store_fixture.h"

#define ROOM 8

static struct user_session found[ROOM];

static size_t sessions_of(const char *user)
{
    size_t n = 0;
    assert_ok(store_user_sessions(other, str_from(user), found, ROOM, &n));
    return n;
}

/* A new session, of which `name` is the name from then on. */
static void sign_in(const char *user, uint8_t browser)
{
    struct session s;
    struct session_tokens tokens = first_tokens;
    tokens.user_id = str_from(user);
    tokens.device = (struct device){.browser = browser, .system = 7};
    seal_new_cookie(cookie);
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    assert_ok(store_create(worker, &name, &tokens, &arena, &s));
    assert_int_equal(s.device.browser, browser);
}

static void each_session_tells_what_is_in_the_open(void **state)
{
    (void)state;
    sign_in("42", 3);
    sign_in("43", 9);
    int64_t now_ms = redis_now_ms();
    assert_int_equal(sessions_of("43"), 1);
    assert_memory_equal(found[0].hash, name.hash, SESSION_HASH_BYTES);
    assert_int_equal(found[0].device.browser, 9);
    assert_int_equal(found[0].device.system, 7);
    assert_in_range(found[0].created_ms, now_ms - 5000, now_ms);
    assert_int_equal(found[0].seen_ms, found[0].created_ms);
    assert_int_equal(sessions_of("42"), 1);
    assert_int_equal(sessions_of("4"), 0);
    assert_int_equal(sessions_of(""), 0);
}

static void a_refresh_keeps_the_device(void **state)
{
    (void)state;
    struct begin b;
    struct session s;
    enum commit_result result;
    sign_in("42", 3);
    assert_ok(store_begin(worker, &name, 0, &arena, &b));
    assert_ok(store_commit(worker, &name, &b.session, &second_tokens, &arena, &result, &s));
    assert_int_equal(sessions_of("42"), 1);
    assert_int_equal(found[0].device.browser, 3);
}

static void what_is_over_is_not_told(void **state)
{
    (void)state;
    sign_in("42", 1);
    set_field("seen", redis_now_ms() - 2 * 3600 * 1000);
    assert_int_equal(sessions_of("42"), 0);
    ask("DEL %s", name.key);
    assert_int_equal(sessions_of("42"), 0);
}

static void as_many_are_told_as_there_is_room_for(void **state)
{
    (void)state;
    for (int i = 0; i < ROOM + 3; i++)
        sign_in("42", 1);
    assert_int_equal(sessions_of("42"), ROOM);
}

static void an_ended_session_is_gone_for_who_has_its_cookie(void **state)
{
    (void)state;
    struct session s;
    sign_in("42", 1);
    assert_ok(store_end(other, name.hash));
    assert_int_equal(store_load(worker, &name, false, &arena, &s), BFF_ERR_MISSING);
    assert_int_equal(sessions_of("42"), 0);
    assert_int_equal(store_end(other, name.hash), BFF_ERR_MISSING);
}

static void tokens_of_a_session_that_was_ended_meanwhile_are_not_stored(void **state)
{
    (void)state;
    struct begin b;
    struct session s;
    enum commit_result result;
    sign_in("42", 1);
    assert_ok(store_begin(worker, &name, 0, &arena, &b));
    assert_ok(store_end(other, name.hash));
    assert_ok(store_commit(worker, &name, &b.session, &second_tokens, &arena, &result, &s));
    assert_int_equal(result, COMMIT_GONE);
}

static void a_set_that_others_wrote_to_is_not_believed(void **state)
{
    (void)state;
    char key[SESSION_KEY_MAX];
    size_t n;
    sign_in("42", 1);
    redisReply *reply = redisCommand(raw, "KEYS test:u:*");
    assert_int_equal(reply->elements, 1);
    snprintf(key, sizeof key, "%s", reply->element[0]->str);
    freeReplyObject(reply);
    ask("ZADD %s 99999999999 odd", key);
    assert_int_equal(store_user_sessions(other, STR("42"), found, ROOM, &n),
                     BFF_ERR_STORE_UNAVAILABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_session_tells_what_is_in_the_open, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refresh_keeps_the_device, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_over_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(as_many_are_told_as_there_is_room_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_ended_session_is_gone_for_who_has_its_cookie, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(tokens_of_a_session_that_was_ended_meanwhile_are_not_stored,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_set_that_others_wrote_to_is_not_believed, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, start_redis, remove_redis);
}
