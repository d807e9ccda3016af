/* bff/redis.acl over TCP: it is enough for all that bffd does, and every word of it is needed. */
#include <pthread.h>
#include <stdio.h>

#include "store/watch.h"
#include "store_fixture.h"

static const char acl_text[] =
#include "redis.acl.h"
    ;

#define WORDS_MAX 64

static char acl_line[sizeof acl_text];
static const char *words[WORDS_MAX]; /* from the first that gives a right */
static size_t n_words;
static const char *user, *password;
static char url[64];

static _Atomic int watch_connects, watch_refreshes;

static void on_changed(void *self, struct str key)
{
    (void)self, (void)key;
}

static void on_refreshed(void *self, struct str key)
{
    (void)self, (void)key;
    watch_refreshes++;
}

static void on_connected(void *self, int64_t client)
{
    (void)self;
    watch_connects += client != 0;
}

static const struct watch_callbacks callbacks = {
    .changed = on_changed, .refreshed = on_refreshed, .connected = on_connected};

/* "user NAME on >PASSWORD WORD...", as in an aclfile. */
static void read_acl(void)
{
    memcpy(acl_line, acl_text, sizeof acl_line);
    char *rest = acl_line;
    for (int n = 0; (rest = strtok(n ? NULL : rest, " \n")); n++) {
        assert_true(n_words < WORDS_MAX);
        if (n == 1)
            user = rest;
        else if (n == 3)
            password = rest + 1;
        else if (n > 3)
            words[n_words++] = rest;
    }
    assert_non_null(password);
}

/* The user with all of its rights, but for one. */
static void grant_without(const char *missing)
{
    char given[64];
    snprintf(given, sizeof given, ">%s", password);
    const char *argv[WORDS_MAX + 8] = {"ACL", "SETUSER", user, "reset", "on", given};
    int n = 6;
    for (size_t i = 0; i < n_words; i++)
        if (!missing || strcmp(words[i], missing) != 0)
            argv[n++] = words[i];
    redisReply *reply = redisCommandArgv(raw, n, argv, NULL);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    ask("ACL LOG RESET");
    ask("FLUSHALL");
}

static long long refusals(void)
{
    redisReply *reply = redisCommand(raw, "ACL LOG");
    assert_non_null(reply);
    long long n = (long long)reply->elements;
    for (size_t i = 0; i < reply->elements && getenv("VERBOSE"); i++)
        print_message("%s %s\n", reply->element[i]->element[3]->str,
                      reply->element[i]->element[7]->str);
    freeReplyObject(reply);
    return n;
}

static int start_tcp_redis(void **state)
{
    if (start_redis(state) != 0)
        return -1;
    private_redis_stop(&redis);
    redis.port = private_redis_free_port();
    snprintf(url, sizeof url, "redis://127.0.0.1:%d", redis.port);
    private_redis_start(&redis, NULL);
    read_acl();
    return 0;
}

static int set_up_user(void **state)
{
    if (set_up(state) != 0)
        return -1;
    config.redis.url = str_from(url);
    config.redis.user = str_from(user);
    config.redis.prefix = STR("bff:");
    config.session.touch_s = 0;
    config.attempts.failures = 5;
    config.attempts.window_ms = config.attempts.pause_ms = config.attempts.pause_max_ms = 60000;
    config.refresh.backoff_min_ms = config.refresh.backoff_max_ms = 1;
    session_name_make(&config, (struct str){cookie, sizeof cookie}, &name);
    return 0;
}

static struct store *open_as_user(int64_t watch_client)
{
    struct store_options options = options_now();
    options.password = str_from(password);
    options.redirect_client = watch_client;
    struct store *s = store_open(&options);
    assert_non_null(s);
    return s;
}

static struct watch *watch_as_user(void)
{
    struct store_options options = options_now();
    options.password = str_from(password);
    struct watch *w = watch_start(&options, &callbacks);
    assert_non_null(w);
    return w;
}

static enum bff_err begin_until_go(struct store *s, struct begin *b)
{
    enum bff_err err;
    int looks = 0;
    while ((err = store_begin(s, &name, 0, &arena, b)) == BFF_OK && b->result == BEGIN_BACKOFF)
        look_again(&looks);
    return err;
}

static size_t n_found; /* of the user's sessions: without the right to list them, none */

static enum bff_err use_user_sessions(struct store *s)
{
    struct session session;
    struct user_session found[2];
    size_t n = 0;
    enum bff_err err = store_create(s, &name, &first_tokens, &arena, &session);
    if (err == BFF_OK)
        err = store_user_sessions(s, first_tokens.user_id, found, 2, &n);
    n_found = n;
    return err == BFF_OK ? store_end(s, name.hash) : err;
}

/* Everything that a store is asked for; the first failure ends it. */
static enum bff_err use_store(struct store *s)
{
    struct session session;
    struct begin b, busy;
    enum commit_result committed;
    enum reject_result rejected;
    int64_t wait_ms;
    struct attempt_name account;
    attempt_name_make(s, STR("alice"), &account);
    enum bff_err err = store_check(s);
    if (err == BFF_OK)
        err = store_attempt_begin(s, &account, &wait_ms);
    if (err == BFF_OK)
        err = store_attempt_end(s, &account, false);
    if (err == BFF_OK)
        err = store_create(s, &name, &first_tokens, &arena, &session);
    if (err == BFF_OK)
        err = store_load(s, &name, true, &arena, &session);
    ask("SCRIPT FLUSH");
    if (err == BFF_OK)
        err = store_load(s, &name, true, &arena, &session);
    if (err == BFF_OK)
        err = begin_until_go(s, &b);
    if (err == BFF_OK)
        err = store_begin(s, &name, 0, &arena, &busy);
    if (err == BFF_OK)
        assert_int_equal(busy.result, BEGIN_BUSY);
    if (err == BFF_OK)
        err = store_fail(s, &name, 1, b.epoch, false, &wait_ms);
    if (err == BFF_OK)
        err = begin_until_go(s, &b);
    if (err == BFF_OK)
        err = store_commit(s, &name, &b.session, &second_tokens, &arena, &committed, &session);
    if (err == BFF_OK)
        err = begin_until_go(s, &b);
    if (err == BFF_OK)
        err = store_reject(s, &name, 2, b.epoch, &rejected, &wait_ms);
    if (err == BFF_OK)
        err = store_create(s, &name, &first_tokens, &arena, &session);
    if (err == BFF_OK)
        err = store_logout(s, &name, &arena, &session);
    return err == BFF_OK ? use_user_sessions(s) : err;
}

static long long times_called(const char *command)
{
    char field[64];
    snprintf(field, sizeof field, "cmdstat_%s:calls=", command);
    redisReply *reply = redisCommand(raw, "INFO commandstats");
    assert_non_null(reply);
    const char *found = strstr(reply->str, field);
    long long n = found ? atoll(found + strlen(field)) : 0;
    freeReplyObject(reply);
    return n;
}

static void the_minimal_rights_are_enough_for_everything(void **state)
{
    (void)state;
    grant_without(NULL);
    ask("CONFIG RESETSTAT");
    watch_connects = watch_refreshes = 0;
    struct watch *w = watch_as_user();
    for (int looks = 0; watch_connects == 0;)
        look_again(&looks);
    redisReply *reply = redisCommand(raw, "CLIENT LIST TYPE pubsub");
    assert_non_null(reply);
    int64_t client = atoll(reply->str + strlen("id="));
    freeReplyObject(reply);
    struct store *s = open_as_user(client);
    assert_ok(use_store(s));
    assert_int_equal(n_found, 1);
    assert_int_equal(store_tracked_for(s), client);
    for (int looks = 0; watch_refreshes < 4 || times_called("ping") == 0;)
        look_again(&looks);
    store_close(s);
    watch_stop(w);
    assert_int_equal(refusals(), 0);
}

static void no_right_among_them_can_be_left_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_words; i++) {
        if (!strchr("~&+", words[i][0]))
            continue;
        grant_without(words[i]);
        struct watch *w = watch_as_user();
        struct store *s = open_as_user(1); /* whoever that is: tracking is asked for */
        enum bff_err err = use_store(s);
        (void)err;
        int looks = 0;
        while (refusals() == 0) {
            if (looks > 600)
                fail_msg("nothing misses %s", words[i]);
            look_again(&looks);
        }
        store_close(s);
        watch_stop(w);
    }
}

static void other_keys_and_the_rest_of_redis_are_out_of_reach(void **state)
{
    (void)state;
    grant_without(NULL);
    static const char *const forbidden[] = {"GET other", "KEYS *",       "CONFIG GET *",
                                            "FLUSHALL",  "SET x y",      "PUBLISH x y",
                                            "SHUTDOWN",  "DEBUG SLEEP 0"};
    redisReply *reply = redisCommand(raw, "AUTH %s %s", user, password);
    assert_non_null(reply);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        reply = redisCommand(raw, forbidden[i]);
        assert_non_null(reply);
        assert_int_equal(reply->type, REDIS_REPLY_ERROR);
        assert_non_null(strstr(reply->str, "NOPERM"));
        freeReplyObject(reply);
    }
}

static void another_database_takes_one_right_more(void **state)
{
    (void)state;
    char with_db[80];
    snprintf(with_db, sizeof with_db, "%s/3", url);
    config.redis.url = str_from(with_db);
    grant_without(NULL);
    struct store *s = open_as_user(0);
    assert_int_equal(use_store(s), BFF_ERR_STORE_UNAVAILABLE);
    ask("ACL SETUSER %s +select", user);
    assert_ok(use_store(s));
    store_close(s);
}

/* And it never looks as if nobody were signed in. */
static void a_missing_right_is_told_and_a_given_one_is_noticed(void **state)
{
    (void)state;
    static const char *const needed[] = {"+get", "+time", "+evalsha"};
    struct store *s = open_as_user(0);
    struct session session;
    struct begin b;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        grant_without(needed[i]);
        create_session();
        assert_int_equal(store_begin(s, &name, 0, &arena, &b), BFF_ERR_STORE_UNAVAILABLE);
        assert_non_null(strstr(store_last_error(s), "may not run"));
        bool loads_all_the_same = strcmp(needed[i], "+evalsha") == 0;
        assert_int_equal(store_load(s, &name, false, &arena, &session),
                         loads_all_the_same ? BFF_OK : BFF_ERR_STORE_UNAVAILABLE);
    }
    grant_without(NULL);
    assert_int_equal(store_load(s, &name, false, &arena, &session), BFF_ERR_MISSING);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up_user, tear_down)
        T(the_minimal_rights_are_enough_for_everything),
        T(no_right_among_them_can_be_left_out),
        T(other_keys_and_the_rest_of_redis_are_out_of_reach),
        T(another_database_takes_one_right_more),
        T(a_missing_right_is_told_and_a_given_one_is_noticed),
    };
    return cmocka_run_group_tests_name("store/acl", tests, start_tcp_redis, remove_redis);
}
