#include "store/store_handle.h"
#include "store/user_set.h"

static int64_t touch_ms(const struct store *s)
{
    return (int64_t)s->config->session.touch_s * 1000;
}

/* A record whose touch is due is read by the script that writes it: it may have changed since. */
enum bff_err store_touch(struct store *s, const struct session_name *name, struct arena *arena,
                         struct session *out)
{
    struct script_args args;
    handle_args(s, &args);
    script_add_number(&args, touch_ms(s));
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_TOUCH, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    struct record record;
    if (script_reply_is(&reply, STR("FOUND"), REPLY_RECORD)) {
        err = handle_read_record(&reply, &record);
        if (err == BFF_OK)
            err = handle_open(s, name, &record, RECORD_WITHOUT_REFRESH, arena, out);
    } else if (script_reply_is(&reply, STR("NONE"), 0)) {
        err = BFF_ERR_MISSING;
    } else {
        err = script_misunderstood(s->connection);
    }
    script_reply_free(&reply);
    return err;
}

static enum bff_err read_record(const struct store *s, const struct reading *reading,
                                struct record *out)
{
    switch (reading->what) {
    case READING_NOTHING:
        return BFF_ERR_MISSING;
    case READING_OTHER_TYPE:
        return BFF_ERR_SEAL_BROKEN;
    case READING_VALUE:
        break;
    }
    if (record_read(reading->now_ms, reading->value, out) != BFF_OK)
        return BFF_ERR_SEAL_BROKEN;
    return record_is_over(s->config, out) ? BFF_ERR_MISSING : BFF_OK;
}

static bool is_touch_due(const struct store *s, const struct record *record)
{
    return record->now_ms - record->seen_ms >= touch_ms(s);
}

void handle_take(struct store *s, const struct reading *reading, struct store_load *load)
{
    struct record record;
    load->err = read_record(s, reading, &record);
    load->touch_due = load->err == BFF_OK && load->touch && is_touch_due(s, &record);
    load->tracked_for = store_tracked_for(s);
    if (load->err == BFF_OK && !load->touch_due)
        load->err = handle_open(s, load->name, &record, RECORD_WITHOUT_REFRESH, load->arena,
                                &load->session);
}

enum bff_err store_load(struct store *s, const struct session_name *name, bool touch,
                        struct arena *arena, struct session *out)
{
    struct store_load load = {.name = name, .arena = arena, .touch = touch};
    struct reading reading;
    enum bff_err err = handle_read(s, name, &reading);
    if (err != BFF_OK)
        return err;
    handle_take(s, &reading, &load);
    reading_free(&reading);
    if (load.touch_due)
        return store_touch(s, name, arena, out);
    if (load.err == BFF_OK)
        *out = load.session;
    return load.err;
}

enum bff_err store_create(struct store *s, const struct session_name *name,
                          const struct session_tokens *tokens, struct arena *arena,
                          struct session *out)
{
    struct str sealed;
    enum bff_err err = record_seal(s->keys, name, 1, tokens, arena, &sealed);
    if (err != BFF_OK)
        return err;
    struct keyed_name user;
    keyed_name_make(s->keys, tokens->user_id, &user);
    struct script_args args;
    handle_args(s, &args);
    script_add(&args, sealed);
    handle_add_life(&args, tokens->access_life_ms);
    handle_add_refresh_life(&args, tokens);
    script_add(&args, keyed_name_str(&user));
    const char device[] = {(char)tokens->device.browser, (char)tokens->device.system};
    script_add(&args, (struct str){device, sizeof device});
    struct script_reply reply;
    err = handle_run(s, SCRIPT_CREATE, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    struct record record = {0};
    if (script_reply_is(&reply, STR("CREATED"), REPLY_RECORD))
        err = handle_stored(s, tokens, &reply, arena, out, &record);
    else if (script_reply_is(&reply, STR("EXISTS"), 0))
        err = BFF_ERR_DUPLICATE;
    else if (script_reply_is(&reply, STR("ENDED"), 0))
        err = BFF_ERR_MALFORMED;
    else
        err = script_misunderstood(s->connection);
    script_reply_free(&reply);
    if (err == BFF_OK)
        user_set_add(&s->topology, s->connection, s->config, keyed_name_str(&user), name,
                     record.now_ms);
    return err;
}

static enum bff_err read_ended(struct store *s, const struct session_name *name,
                               const struct script_reply *reply, struct arena *arena,
                               struct session *ended)
{
    struct record record;
    enum bff_err err = handle_read_record(reply, &record);
    if (err != BFF_OK)
        return err;
    err = handle_open(s, name, &record, RECORD_ALL, arena, ended);
    user_set_remove(&s->topology, s->connection, s->config, record.user, name);
    return err;
}

enum bff_err store_logout(struct store *s, const struct session_name *name, struct arena *arena,
                          struct session *ended)
{
    struct script_args args;
    handle_args(s, &args);
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_LOGOUT, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("ENDED"), REPLY_RECORD))
        err = read_ended(s, name, &reply, arena, ended);
    else if (script_reply_is(&reply, STR("NONE"), 0))
        err = BFF_ERR_MISSING;
    else
        err = script_misunderstood(s->connection);
    script_reply_free(&reply);
    return err;
}
