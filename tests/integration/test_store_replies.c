/* A server that does not speak as Redis does: never a crash, never a wrong session. */
#include "impostor.h"

static enum bff_err load(struct store *s)
{
    struct session session;
    return store_load(s, &name, false, &arena, &session);
}

static enum bff_err begin(struct store *s)
{
    struct begin b;
    return store_begin(s, &name, 0, &arena, &b);
}

static void what_is_not_understood_is_unavailable(void **state)
{
    (void)state;
    static const char *const conversations[][3] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n"}, /* another protocol */
        {"+OK\r\n$-1\r\n"},                   /* no time */
        {"*1\r\n$1\r\n1\r\n$-1\r\n"},         /* half of one */
        {"*2\r\n:1\r\n:1\r\n$-1\r\n"},        /* of another type */
        {"*2\r\n$1\r\nx\r\n$1\r\n1\r\n$-1\r\n"},
        {"*2\r\n$1\r\n1\r\n$7\r\n1000000\r\n$-1\r\n"},
        {TIME "+OK\r\n"}, /* no value */
        {TIME ":1\r\n"},  /* of another type */
        {TIME "*0\r\n"},
        {TIME "$5\r\nab"}, /* cut off */
        {TIME},            /* half an answer */
        {TIME "-ERR what\r\n"},
        {"-ERR what\r\n$-1\r\n"},
        {"-ERR what\r\n-ERR what\r\n"},
        {NULL},
    };
    for (size_t i = 0; i < sizeof conversations / sizeof *conversations; i++) {
        char error[256];
        assert_int_equal(ask_impostor(load, conversations[i], error, sizeof error),
                         BFF_ERR_STORE_UNAVAILABLE);
        assert_true(error[0] != 0);
    }
}

static void what_is_not_understood_of_a_script_is_unavailable(void **state)
{
    (void)state;
    static const char *const conversations[][3] = {
        {"+OK\r\n"},                              /* no SHA */
        {":40\r\n"},                              /* of another type */
        {"$3\r\nabc\r\n"},                        /* of another length */
        {SHA, "+OK\r\n"},                         /* no list */
        {SHA, "$-1\r\n"},                         /* nil */
        {SHA, "*0\r\n"},                          /* no outcome */
        {SHA, "*1\r\n:1\r\n"},                    /* no text */
        {SHA, "*1\r\n$5\r\nOTHER\r\n"},           /* no outcome of BEGIN */
        {SHA, "*2\r\n$4\r\nNONE\r\n$1\r\nx\r\n"}, /* more than its contract says */
        {SHA, "*2\r\n$2\r\nGO\r\n$1\r\n1\r\n"},   /* less */
        {SHA, "*6\r\n$2\r\nGO\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n1\r\n"},
        {SHA, "*1\r\n$4\r\nNO"}, /* cut off */
        {SHA, "-ERR what\r\n"},
        {NULL},
    };
    for (size_t i = 0; i < sizeof conversations / sizeof *conversations; i++) {
        char error[256];
        assert_int_equal(ask_impostor(begin, conversations[i], error, sizeof error),
                         BFF_ERR_STORE_UNAVAILABLE);
        assert_true(error[0] != 0);
    }
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void a_record_made_up_by_another_does_not_open(void **state)
{
    (void)state;
    static const char *const read[] = {TIME "$5\r\nvalue\r\n", NULL};
    static const char *const begun[] = {SHA, "*3\r\n$2\r\nGO\r\n$1\r\n9\r\n$5\r\nvalue\r\n", NULL};
    static const char *const timeless[] = {
        SHA, "*3\r\n$2\r\nGO\r\n$1\r\nx\r\n$201\r\n\x01" HUNDRED HUNDRED "\r\n", NULL};
    static const char *const sealed_by_another[] = {
        SHA, "*3\r\n$2\r\nGO\r\n$1\r\n9\r\n$201\r\n\x01" HUNDRED HUNDRED "\r\n", NULL};
    char error[256];
    assert_int_equal(ask_impostor(load, read, error, sizeof error), BFF_ERR_SEAL_BROKEN);
    assert_int_equal(ask_impostor(begin, begun, error, sizeof error), BFF_ERR_SEAL_BROKEN);
    assert_int_equal(ask_impostor(begin, timeless, error, sizeof error), BFF_ERR_SEAL_BROKEN);
    assert_int_equal(ask_impostor(begin, sealed_by_another, error, sizeof error),
                     BFF_ERR_SEAL_BROKEN);
}

static void an_error_is_told_without_its_arguments(void **state)
{
    (void)state;
    static const char *const chatty[] = {TIME "-ERR unknown command, args: 'a secret'\r\n", NULL};
    char error[256];
    assert_int_equal(ask_impostor(load, chatty, error, sizeof error), BFF_ERR_STORE_UNAVAILABLE);
    assert_string_equal(error, "Redis answered with an error (ERR)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        T(what_is_not_understood_is_unavailable),
        T(what_is_not_understood_of_a_script_is_unavailable),
        T(a_record_made_up_by_another_does_not_open),
        T(an_error_is_told_without_its_arguments),
    };
    return cmocka_run_group_tests_name("store: replies", tests, start_redis, remove_redis);
}
