#include <string.h>

#include "base/buf.h"
#include "store/store_handle.h"
#include "store/user_set.h"

void attempt_name_make(const struct store *s, struct str account, struct attempt_name *out)
{
    struct keyed_name hashed;
    *out = (struct attempt_name){.key_length = 0};
    keyed_name_make(s->keys, account, &hashed);
    struct buf key = buf_make(out->key, sizeof out->key - 1);
    buf_add(&key, s->config->redis.prefix);
    buf_add(&key, STR("a:{"));
    keyed_name_write(&key, keyed_name_str(&hashed));
    buf_add_char(&key, '}');
    out->key_length = key.n;
}

static enum bff_err run(struct store *s, const struct attempt_name *name, struct str what,
                        struct script_reply *reply)
{
    struct script_args args;
    struct session_name as_name = {.key_length = name->key_length};
    memcpy(as_name.key, name->key, sizeof name->key);
    handle_args(s, &args);
    script_add(&args, what);
    script_add_number(&args, s->config->attempts.failures);
    script_add_number(&args, s->config->attempts.window_ms);
    script_add_number(&args, s->config->attempts.pause_ms);
    script_add_number(&args, s->config->attempts.pause_max_ms);
    return handle_run(s, SCRIPT_ATTEMPT, &as_name, &args, reply);
}

enum bff_err store_attempt_begin(struct store *s, const struct attempt_name *name, int64_t *wait_ms)
{
    struct script_reply reply;
    *wait_ms = 0;
    enum bff_err err = run(s, name, STR("BEGIN"), &reply);
    if (err != BFF_OK)
        return err;
    bool must_wait = script_reply_is(&reply, STR("WAIT"), 1);
    bool is_understood = must_wait ? handle_read_wait(reply.values[0], WAIT_MAX_MS, wait_ms)
                                   : script_reply_is(&reply, STR("GO"), 0);
    err = is_understood ? BFF_OK : script_misunderstood(s->connection);
    script_reply_free(&reply);
    return err;
}

enum bff_err store_attempt_end(struct store *s, const struct attempt_name *name, bool succeeded)
{
    struct script_reply reply;
    enum bff_err err = run(s, name, succeeded ? STR("SUCCEEDED") : STR("UNDECIDED"), &reply);
    if (err == BFF_OK)
        script_reply_free(&reply);
    return err;
}
