/* Each question to Redis, answered with what is no answer to it: an error, and never a guess. */
#include "impostor.h"

static struct session session;

static enum bff_err begin(struct store *s)
{
    struct begin b;
    return store_begin(s, &name, 0, &arena, &b);
}

static enum bff_err create(struct store *s)
{
    return store_create(s, &name, &first_tokens, &arena, &session);
}

static enum bff_err commit(struct store *s)
{
    const struct session old = {.generation = 1, .refresh = STR("refresh-token-1")};
    enum commit_result result;
    return store_commit(s, &name, &old, &second_tokens, &arena, &result, &session);
}

static enum bff_err reject(struct store *s)
{
    enum reject_result result;
    int64_t wait_ms;
    return store_reject(s, &name, 1, 1, &result, &wait_ms);
}

static enum bff_err back_off(struct store *s)
{
    int64_t wait_ms;
    return store_fail(s, &name, 1, 1, false, &wait_ms);
}

static enum bff_err logout(struct store *s)
{
    return store_logout(s, &name, &arena, &session);
}

static enum bff_err end(struct store *s)
{
    return store_end(s, name.hash);
}

static enum bff_err attempt_begin(struct store *s)
{
    struct attempt_name account;
    int64_t wait_ms;
    attempt_name_make(s, STR("alice"), &account);
    return store_attempt_begin(s, &account, &wait_ms);
}

static enum bff_err user_sessions(struct store *s)
{
    struct user_session sessions[4];
    size_t n;
    return store_user_sessions(s, STR("42"), sessions, 4, &n);
}

static bool visit(const struct store_visit *v, void *self)
{
    (void)v, (void)self;
    fail_msg("there is no session to visit");
    return true;
}

static enum bff_err each_session(struct store *s)
{
    return store_each_session(s, visit, NULL);
}

struct conversation {
    enum bff_err (*question)(struct store *);
    const char *replies[3];
    enum bff_err err;
};

static void expect_rows(const struct conversation *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char error[256];
        enum bff_err err = ask_impostor(rows[i].question, rows[i].replies, error, sizeof error);
        if (err != rows[i].err)
            fail_msg("row %zu: %s (%s)", i, err_sentence(err).p, error);
        assert_true(err == BFF_ERR_SEAL_BROKEN || error[0] != 0);
    }
}

#define EXPECT(rows) expect_rows(rows, sizeof(rows) / sizeof(rows)[0])
#define ONE_WORD "*1\r\n$5\r\nOTHER\r\n"
#define UNAVAILABLE BFF_ERR_STORE_UNAVAILABLE

static void an_outcome_that_a_script_has_not_is_an_error(void **state)
{
    (void)state;
    static const struct conversation rows[] = {
        {create, {SHA, ONE_WORD}, UNAVAILABLE},        {commit, {SHA, ONE_WORD}, UNAVAILABLE},
        {reject, {SHA, ONE_WORD}, UNAVAILABLE},        {back_off, {SHA, ONE_WORD}, UNAVAILABLE},
        {logout, {SHA, ONE_WORD}, UNAVAILABLE},        {end, {SHA, ONE_WORD}, UNAVAILABLE},
        {attempt_begin, {SHA, ONE_WORD}, UNAVAILABLE},
    };
    EXPECT(rows);
}

static void an_outcome_with_something_else_behind_it_is_an_error(void **state)
{
    (void)state;
    static const struct conversation rows[] = {
        {begin, {SHA, "*2\r\n$4\r\nBUSY\r\n$1\r\nx\r\n"}, UNAVAILABLE},
        {begin, {SHA, "*2\r\n$7\r\nBACKOFF\r\n$2\r\n-1\r\n"}, UNAVAILABLE},
        {create, {SHA, "*3\r\n$7\r\nCREATED\r\n$1\r\n9\r\n$5\r\nvalue\r\n"}, UNAVAILABLE},
        {commit, {SHA, "*3\r\n$6\r\nSTORED\r\n$1\r\n9\r\n$5\r\nvalue\r\n"}, UNAVAILABLE},
        {reject, {SHA, "*2\r\n$4\r\nWAIT\r\n$0\r\n\r\n"}, UNAVAILABLE},
        {back_off, {SHA, "*2\r\n$7\r\nBACKOFF\r\n$4\r\nsoon\r\n"}, UNAVAILABLE},
        {logout, {SHA, "*3\r\n$5\r\nENDED\r\n$1\r\n9\r\n$5\r\nvalue\r\n"}, BFF_ERR_SEAL_BROKEN},
        {user_sessions, {"+OK\r\n"}, UNAVAILABLE},
    };
    EXPECT(rows);
}

static void a_page_of_keys_that_is_none_is_an_error(void **state)
{
    (void)state;
    static const struct conversation rows[] = {
        {each_session, {"-ERR what\r\n"}, UNAVAILABLE},
        {each_session, {"+OK\r\n"}, UNAVAILABLE},
        {each_session, {"*1\r\n$1\r\n0\r\n"}, UNAVAILABLE},
        {each_session, {"*2\r\n:0\r\n*0\r\n"}, UNAVAILABLE},
        {each_session, {"*2\r\n$1\r\n0\r\n+OK\r\n"}, UNAVAILABLE},
        {each_session, {"*2\r\n$24\r\n123456789012345678901234\r\n*0\r\n"}, UNAVAILABLE},
        {each_session, {NULL}, UNAVAILABLE},
    };
    EXPECT(rows);
}

static void keys_that_are_no_sessions_are_passed_over(void **state)
{
    (void)state;
    static const char *const page[] = {
        "*2\r\n$1\r\n0\r\n*3\r\n:1\r\n$8\r\ntest:s:{\r\n$9\r\ntest:u:{}\r\n", NULL};
    char error[256];
    assert_ok(ask_impostor(each_session, page, error, sizeof error));
}

#define INFO(version, policy) "redis_version:" version "\r\nmaxmemory_policy:" policy "\r\n"

static void a_redis_that_does_not_say_what_it_is_is_refused(void **state)
{
    (void)state;
    static const struct conversation rows[] = {
        {store_check, {"-ERR what\r\n"}, UNAVAILABLE},
        {store_check, {":1\r\n"}, UNAVAILABLE},
        {store_check, {"$0\r\n\r\n"}, UNAVAILABLE},
        {store_check, {"$21\r\nredis_version:7.0.0\r\n\r\n"}, UNAVAILABLE},
        {store_check, {"$48\r\n" INFO("new", "noeviction") "\r\n"}, UNAVAILABLE},
        {store_check, {"$50\r\n" INFO("5.0.1", "noeviction") "\r\n"}, BFF_ERR_MALFORMED},
        {store_check, {"$51\r\n" INFO("7.0.1", "allkeys-lru") "\r\n"}, BFF_ERR_MALFORMED},
        {store_check, {"$50\r\n" INFO("7.0.1", "noeviction") "\r\n"}, BFF_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[256];
        enum bff_err err = ask_impostor(store_check, rows[i].replies, error, sizeof error);
        assert_int_equal(err, rows[i].err);
    }
    char error[256];
    assert_int_equal(ask_impostor(store_check, rows[5].replies, error, sizeof error),
                     BFF_ERR_MALFORMED);
    assert_string_equal(error, "Redis 5.0.1 is too old: version 6 or newer is needed");
}

/* The one who is asked where the primary is. */
static void a_sentinel_that_names_no_server_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *replies[2], *why;
    } rows[] = {
        {{"$-1\r\n"}, "it knows no primary of that name"},
        {{"-IDONTKNOW what\r\n"}, "Redis answered with an error (IDONTKNOW)"},
        {{"+OK\r\n"}, "it answered what bffd does not understand"},
        {{"*1\r\n$9\r\n127.0.0.1\r\n"}, "it answered what bffd does not understand"},
        {{"*2\r\n:1\r\n:1\r\n"}, "it answered what bffd does not understand"},
        {{"*2\r\n$9\r\n127.0.0.1\r\n:1\r\n"}, "it answered what bffd does not understand"},
        {{"*2\r\n$9\r\n127.0.0.1\r\n$1\r\nx\r\n"}, "it answered what bffd does not understand"},
        {{"*2\r\n$9\r\n127.0.0.1\r\n$5\r\n65536\r\n"}, "it answered what bffd does not understand"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char error[256], wanted[256];
        assert_int_equal(ask_impostor_as("redis+sentinel://", "/main", logout, rows[i].replies,
                                         error, sizeof error),
                         UNAVAILABLE);
        snprintf(wanted, sizeof wanted,
                 "no sentinel names the primary of \"main\"; the last one: %s", rows[i].why);
        assert_string_equal(error, wanted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(an_outcome_that_a_script_has_not_is_an_error),
        T(an_outcome_with_something_else_behind_it_is_an_error),
        T(a_page_of_keys_that_is_none_is_an_error),
        T(keys_that_are_no_sessions_are_passed_over),
        T(a_redis_that_does_not_say_what_it_is_is_refused),
        T(a_sentinel_that_names_no_server_is_told),
    };
    return cmocka_run_group_tests_name("store: misunderstood", tests, start_redis, remove_redis);
}
