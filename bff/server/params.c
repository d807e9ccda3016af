#include "server/params.h"

#include "core/cookie.h"
#include "server/records.h"

/* Where a param goes, and what two of the same name mean. nginx before 1.23 passes a header that
 * came twice as two params. */
enum repeat { REPEAT_FIRST, REPEAT_IS_FORGERY, REPEAT_IS_NO_COOKIE, REPEAT_IS_NONE };

struct param {
    struct str name;
    size_t offset; /* of a struct str in struct call */
    size_t max;
    enum repeat repeat;
};

#define LONG_ROW(name, member, max, repeat)                                                        \
    {                                                                                              \
        {"" name, sizeof(name) - 1}, offsetof(struct call, member), max, repeat                    \
    }
#define ROW(name, member, repeat) LONG_ROW(name, member, PARAMS_TEXT_MAX, repeat)

static const struct param table[] = {
    ROW("REQUEST_METHOD", csrf.method, REPEAT_FIRST),
    ROW("REQUEST_SCHEME", csrf.scheme, REPEAT_FIRST),
    ROW("HTTP_HOST", caller.host, REPEAT_FIRST),
    ROW("BFF_HOST", csrf.host, REPEAT_FIRST),
    ROW("SERVER_PORT", csrf.port, REPEAT_FIRST),
    ROW("HTTP_UPGRADE", csrf.upgrade, REPEAT_IS_FORGERY),
    ROW("HTTP_SEC_FETCH_SITE", csrf.sec_fetch_site, REPEAT_IS_FORGERY),
    ROW("HTTP_ORIGIN", csrf.origin, REPEAT_IS_FORGERY),
    ROW("HTTP_X_CSRF", csrf.x_csrf, REPEAT_IS_FORGERY),
    LONG_ROW("HTTP_COOKIE", cookie_header, COOKIE_HEADER_MAX, REPEAT_IS_NO_COOKIE),
    ROW("BFF_PATH", path, REPEAT_FIRST),
    ROW("BFF_TARGET", target, REPEAT_FIRST),
    LONG_ROW("BFF_QUERY", query, PARAMS_QUERY_MAX, REPEAT_FIRST),
    ROW("REQUEST_ID", caller.request_id, REPEAT_FIRST),
    ROW("REMOTE_ADDR", caller.client_address, REPEAT_FIRST),
    ROW("HTTP_USER_AGENT", caller.user_agent, REPEAT_FIRST),
    ROW("HTTP_ACCEPT_LANGUAGE", caller.accept_language, REPEAT_FIRST),
    ROW("HTTP_TRACEPARENT", caller.traceparent, REPEAT_IS_NONE),
    ROW("HTTP_ACCEPT", accept, REPEAT_FIRST),
    ROW("CONTENT_TYPE", content_type, REPEAT_FIRST),
};

static const struct {
    struct str name;
    enum leg leg;
} legs[] = {
    {{"authorize", 9}, LEG_AUTHORIZE}, {{"renew", 5}, LEG_RENEW},
    {{"endpoint", 8}, LEG_ENDPOINT},   {{"login", 5}, LEG_LOGIN},
    {{"session", 7}, LEG_SESSION},     {{"sessions", 8}, LEG_SESSIONS},
    {{"logout", 6}, LEG_LOGOUT},       {{"health", 6}, LEG_HEALTH},
    {{"ready", 5}, LEG_READY},         {{"metrics", 7}, LEG_METRICS},
    {{"status", 6}, LEG_STATUS},
};

static enum leg leg_named(struct str name)
{
    for (size_t i = 0; i < sizeof legs / sizeof legs[0]; i++)
        if (str_eq(legs[i].name, name))
            return legs[i].leg;
    return LEG_UNKNOWN;
}

/* A trace that is not well-formed, or of which there are two, is none: no reason to refuse. */
static void put_traceparent(struct str *field, struct str value)
{
    bool is_good = !field->p && trace_id(value).n > 0;
    *field = is_good ? value : STR("");
}

static bool put_text(struct call *out, const struct param *row, struct str value)
{
    struct str *field = (struct str *)(void *)((char *)out + row->offset);
    if (row->repeat == REPEAT_IS_NONE) {
        put_traceparent(field, value);
        return true;
    }
    if (field->p) {
        if (row->repeat == REPEAT_IS_FORGERY)
            out->csrf.duplicated = true;
        if (row->repeat == REPEAT_IS_NO_COOKIE)
            out->cookie_duplicated = true;
        return true;
    }
    if (value.n > row->max || str_has_control(value))
        return false;
    *field = value;
    return true;
}

/* "401", or "502, 401" when nginx had tried more than one server: the last one answered. */
static bool ends_with_401(struct str status)
{
    return status.n >= 3 && str_eq((struct str){status.p + status.n - 3, 3}, STR("401"));
}

static bool put_number(struct str value, uint64_t *out)
{
    return value.n == 0 || str_to_u64(value, INT64_MAX, out);
}

/* What the auth leg had answered: the generation of a yes, or why not and how long to wait. */
static bool put_note(struct call *out, struct str note)
{
    struct str_cut refusal = str_cut(note, ' ');
    if (note.n == 0 || (note.p[0] >= '0' && note.p[0] <= '9'))
        return put_number(note, &out->generation);
    out->refusal = err_from_code(refusal.head);
    return put_number(refusal.tail, &out->refusal_wait_s);
}

static bool put(struct call *out, struct str name, struct str value)
{
    if (str_eq(name, STR("BFF_LEG")))
        out->leg = leg_named(value);
    else if (str_eq(name, STR("BFF_STATUS")))
        out->django_refused = ends_with_401(value);
    else if (str_eq(name, STR("CONTENT_LENGTH")))
        return put_number(value, &out->content_length);
    else if (str_eq(name, STR("BFF_NOTE")))
        return put_note(out, value);
    else
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
            if (str_eq(table[i].name, name))
                return put_text(out, &table[i], value);
    return true;
}

enum bff_err params_read_pairs(struct str pairs, struct call *out)
{
    enum bff_err err = BFF_OK;
    struct str name, value;
    *out = (struct call){.leg = LEG_UNKNOWN};
    while (records_next_pair(&pairs, &name, &value))
        if (!put(out, name, value))
            err = BFF_ERR_BAD_REQUEST;
    out->caller.proto = out->csrf.scheme;
    return err;
}

enum bff_err params_read(char **envp, struct call *out)
{
    enum bff_err err = BFF_OK;
    *out = (struct call){.leg = LEG_UNKNOWN};
    for (char **at = envp; *at; at++) {
        struct str_cut pair = str_cut(str_from(*at), '=');
        if (!put(out, pair.head, pair.tail))
            err = BFF_ERR_BAD_REQUEST;
    }
    out->caller.proto = out->csrf.scheme;
    return err;
}
