/* A user's sessions, seen from outside: their records are read, and ended, without their cookies.
 */
#include "store/store_handle.h"
#include "store/user_set.h"

/* Members of one set are at most as many. */
#define MEMBERS_MAX 1024

struct found {
    struct user_session *out;
    size_t room, n;
};

static bool is_member_bytes(struct str members)
{
    return members.n % SESSION_HASH_BYTES == 0 && members.n <= MEMBERS_MAX * SESSION_HASH_BYTES;
}

/* BFF_ERR_MISSING: it is over, or no session any more. */
static enum bff_err look_at(struct store *s, const unsigned char *hash, struct user_session *out)
{
    struct session_name name;
    struct reading reading;
    struct record record;
    session_name_of_hash(s->config, hash, &name);
    enum bff_err err = handle_read(s, &name, &reading);
    if (err != BFF_OK)
        return err;
    bool is_there = reading.what == READING_VALUE &&
                    record_read(reading.now_ms, reading.value, &record) == BFF_OK &&
                    !record_is_over(s->config, &record);
    if (is_there)
        record_show(&record, hash, out);
    reading_free(&reading);
    return is_there ? BFF_OK : BFF_ERR_MISSING;
}

static enum bff_err look_at_all(struct store *s, struct str members, struct found *found)
{
    for (size_t at = 0; at < members.n && found->n < found->room; at += SESSION_HASH_BYTES) {
        enum bff_err err = look_at(s, (const unsigned char *)members.p + at, &found->out[found->n]);
        if (err == BFF_OK)
            found->n++;
        else if (err != BFF_ERR_MISSING)
            return err;
    }
    return BFF_OK;
}

static enum bff_err look_in_set(struct store *s, const struct session_name *set,
                                struct found *found)
{
    struct script_args args;
    struct script_reply reply;
    handle_args(s, &args);
    script_add_number(&args, MEMBERS_MAX);
    enum bff_err err = handle_run(s, SCRIPT_MEMBERS, set, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("FOUND"), 1) && is_member_bytes(reply.values[0]))
        err = look_at_all(s, reply.values[0], found);
    else
        err = script_misunderstood(s->connection);
    script_reply_free(&reply);
    return err;
}

enum bff_err store_user_sessions(struct store *s, struct str user_id, struct user_session *out,
                                 size_t room, size_t *n)
{
    struct found found = {out, room, 0};
    enum bff_err err = BFF_OK;
    for (size_t i = 0; err == BFF_OK && i < keyring_size(s->keys); i++) {
        struct keyed_name user;
        struct session_name set;
        keyed_name_make_by(s->keys, i, user_id, &user);
        if (user_set_name(s->config, keyed_name_str(&user), &set))
            err = look_in_set(s, &set, &found);
    }
    *n = found.n;
    return err;
}

enum bff_err store_end(struct store *s, const unsigned char hash[SESSION_HASH_BYTES])
{
    struct session_name name;
    struct script_args args;
    struct script_reply reply;
    struct record record;
    session_name_of_hash(s->config, hash, &name);
    handle_args(s, &args);
    enum bff_err err = handle_run(s, SCRIPT_LOGOUT, &name, &args, &reply);
    if (err != BFF_OK)
        return err;
    if (script_reply_is(&reply, STR("NONE"), 0))
        err = BFF_ERR_MISSING;
    else if (!script_reply_is(&reply, STR("ENDED"), REPLY_RECORD))
        err = script_misunderstood(s->connection);
    else if (handle_read_record(&reply, &record) == BFF_OK)
        user_set_remove(&s->topology, s->connection, s->config, record.user, &name);
    script_reply_free(&reply);
    return err;
}
