#include "store/store_handle.h"
#include "store/user_set.h"

enum bff_err store_load(struct store *s, const struct session_name *name, bool touch,
                        struct arena *arena, struct session *out)
{
    struct script_args args;
    handle_args(s, &args);
    script_add_number(&args, touch ? (int64_t)s->config->session.touch_s * 1000 : -1);
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_LOAD, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("FOUND"), RECORD_FIELDS))
        err = handle_open_record(s, name, &reply, arena, out);
    else if (script_reply_is(&reply, STR("NONE"), 0))
        err = BFF_ERR_MISSING;
    else
        err = script_misunderstood(s->connection);
    script_reply_free(&reply);
    return err;
}

enum bff_err store_create(struct store *s, const struct session_name *name,
                          const struct session_tokens *tokens, struct arena *arena,
                          struct session *out)
{
    struct record_sealed sealed;
    enum bff_err err = record_seal(s->keys, name, 1, tokens, arena, &sealed);
    if (err != BFF_OK)
        return err;
    struct keyed_name user;
    keyed_name_make(s->keys, tokens->user_id, &user);
    struct script_args args;
    handle_args(s, &args);
    script_add(&args, sealed.access);
    handle_add_life(&args, tokens->access_life_ms);
    handle_add_refresh(&args, sealed.refresh, tokens->refresh_life_ms);
    script_add(&args, keyed_name_str(&user));
    script_add(&args, sealed.claims);
    struct script_reply reply;
    err = handle_run(s, SCRIPT_CREATE, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    struct record record = {0};
    if (script_reply_is(&reply, STR("CREATED"), RECORD_FIELDS))
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

enum bff_err store_logout(struct store *s, const struct session_name *name, struct arena *arena,
                          struct session *ended)
{
    struct script_args args;
    handle_args(s, &args);
    struct script_reply reply;
    enum bff_err err = handle_run(s, SCRIPT_LOGOUT, name, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("ENDED"), RECORD_FIELDS + 1)) {
        err = handle_open_record(s, name, &reply, arena, ended);
        user_set_remove(&s->topology, s->connection, s->config, reply.values[RECORD_FIELDS], name);
    } else if (script_reply_is(&reply, STR("NONE"), 0)) {
        err = BFF_ERR_MISSING;
    } else {
        err = script_misunderstood(s->connection);
    }
    script_reply_free(&reply);
    return err;
}
