/* All sessions, for operators: SCAN on each server, then each record for itself. */
#include <stdio.h>

#include "store/store_handle.h"
#include "store/user_set.h"

#define PAGE_COUNT "500"
#define CURSOR_MAX 24

struct walk {
    struct store *store;
    bool (*visit)(const struct store_visit *v, void *self);
    void *self;
    bool goes_on;
};

bool store_is_user(const struct store *s, struct str user_id, struct str user)
{
    for (size_t i = 0; i < keyring_size(s->keys); i++) {
        struct keyed_name name;
        keyed_name_make_by(s->keys, i, user_id, &name);
        if (str_eq(keyed_name_str(&name), user))
            return true;
    }
    return false;
}

static enum bff_err visit_key(struct walk *w, struct str key)
{
    struct store *s = w->store;
    struct session_name name;
    struct reading reading;
    struct record record;
    unsigned char hash[SESSION_HASH_BYTES];
    if (!session_key_hash(s->config, key, hash))
        return BFF_OK;
    session_name_of_hash(s->config, hash, &name);
    enum bff_err err = handle_read(s, &name, &reading);
    if (err != BFF_OK)
        return err;
    if (reading.what == READING_VALUE &&
        record_read(reading.now_ms, reading.value, &record) == BFF_OK &&
        !record_is_over(s->config, &record)) {
        struct store_visit v = {.user = record.user};
        record_show(&record, hash, &v.session);
        w->goes_on = w->visit(&v, w->self);
    }
    reading_free(&reading);
    return BFF_OK;
}

static redisReply *scan(struct store *s, struct connection *c, const char *cursor)
{
    char pattern[SESSION_KEY_MAX];
    snprintf(pattern, sizeof pattern, "%.*ss:{*", STR_ARG(s->config->redis.prefix));
    const char *argv[] = {"SCAN", cursor, "MATCH", pattern, "COUNT", PAGE_COUNT};
    return connection_call(c, 6, argv, NULL);
}

static bool is_page(const redisReply *r)
{
    return r->type == REDIS_REPLY_ARRAY && r->elements == 2 &&
           r->element[0]->type == REDIS_REPLY_STRING && r->element[0]->len < CURSOR_MAX &&
           r->element[1]->type == REDIS_REPLY_ARRAY;
}

static enum bff_err visit_page(struct walk *w, const redisReply *keys)
{
    enum bff_err err = BFF_OK;
    for (size_t i = 0; err == BFF_OK && w->goes_on && i < keys->elements; i++) {
        const redisReply *key = keys->element[i];
        if (key->type == REDIS_REPLY_STRING)
            err = visit_key(w, (struct str){key->str, (size_t)key->len});
    }
    return err;
}

/* *more: this server has not told of all its keys. */
static enum bff_err next_page(struct walk *w, struct connection *c, char cursor[CURSOR_MAX],
                              bool *more)
{
    redisReply *reply = scan(w->store, c, cursor);
    enum bff_err err = BFF_ERR_STORE_UNAVAILABLE;
    if (!reply)
        return err;
    if (reply->type == REDIS_REPLY_ERROR) {
        connection_refused(c, reply);
    } else if (!is_page(reply)) {
        err = script_misunderstood(c);
    } else {
        snprintf(cursor, CURSOR_MAX, "%s", reply->element[0]->str);
        *more = strcmp(cursor, "0") != 0;
        err = visit_page(w, reply->element[1]);
    }
    freeReplyObject(reply);
    return err;
}

enum bff_err store_each_session(struct store *s,
                                bool (*visit)(const struct store_visit *v, void *self), void *self)
{
    struct walk w = {s, visit, self, true};
    struct connection *c;
    enum bff_err err = BFF_OK;
    for (size_t i = 0; w.goes_on && handle_server(s, i, &c, &err); i++) {
        char cursor[CURSOR_MAX] = "0";
        bool more = true;
        /* Asked for anew each time: while records were read it may have been replaced. */
        while (more && err == BFF_OK && w.goes_on && handle_server(s, i, &c, &err))
            err = next_page(&w, c, cursor, &more);
        if (err != BFF_OK)
            break;
    }
    return err;
}
