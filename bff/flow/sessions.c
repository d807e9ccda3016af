#include "flow/sessions.h"

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "flow/end.h"
#include "flow/renewal.h"

#define COLLECTION STR("/bff/sessions")
#define ID_DIGITS (2 * SESSION_HASH_BYTES)
#define ENTRY_MAX 256 /* of JSON for one session */

struct listed {
    struct user_session all[SESSIONS_MAX]; /* the one that asks is the first */
    size_t n;
};

bool sessions_changes(const struct call *call)
{
    return str_eq(call->csrf.method, STR("DELETE"));
}

static bool reads(const struct call *call)
{
    return str_eq(call->csrf.method, STR("GET")) || str_eq(call->csrf.method, STR("HEAD"));
}

/* --- which there are --- */

static struct user_session own(const struct call *call, const struct session *session)
{
    int64_t seen_ms = clock_real_ms() - session->since_touch_ms;
    struct user_session s = {
        .created_ms = session->created_ms,
        .seen_ms = seen_ms > session->created_ms ? seen_ms : session->created_ms,
        .device = session->device,
    };
    memcpy(s.hash, call->name.hash, sizeof s.hash);
    return s;
}

static bool is_same(const struct user_session *a, const struct user_session *b)
{
    return memcmp(a->hash, b->hash, SESSION_HASH_BYTES) == 0;
}

/* It may be in no set (its tokens do not say whose they are), or behind as many others as fit. */
static void put_own_first(struct listed *listed, const struct user_session *mine)
{
    struct user_session first = *mine;
    size_t at = 0;
    while (at < listed->n && !is_same(&listed->all[at], mine))
        at++;
    if (at < listed->n)
        first = listed->all[at];
    else if (listed->n < SESSIONS_MAX)
        listed->n++;
    else
        at--;
    memmove(&listed->all[1], &listed->all[0], at * sizeof listed->all[0]);
    listed->all[0] = first;
}

/* BFF_ERR_NOT_AUTHENTICATED: who asks is not signed in. */
static enum bff_err list(struct tools *tools, const struct call *call, struct arena *arena,
                         struct listed *listed)
{
    struct renewal found;
    if (!call->has_session)
        return BFF_ERR_NOT_AUTHENTICATED;
    renewal_load(tools, &call->name, false, arena, &found);
    if (found.result != RENEWAL_SESSION)
        return found.result == RENEWAL_NONE ? BFF_ERR_NOT_AUTHENTICATED : BFF_ERR_STORE_UNAVAILABLE;
    enum bff_err err = store_user_sessions(tools->store, found.session.user_id, listed->all,
                                           SESSIONS_MAX, &listed->n);
    struct user_session mine = own(call, &found.session);
    if (err == BFF_OK)
        put_own_first(listed, &mine);
    return err;
}

/* --- telling --- */

/* RFC 3339, in UTC. */
static void add_time(struct buf *b, int64_t ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);
    gmtime_r(&seconds, &tm);
    buf_add(b, (struct str){text, strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm)});
}

static void add_session(struct buf *b, const struct user_session *s, bool is_current)
{
    struct str system = device_system(s->device);
    buf_add(b, STR("{\"id\":\""));
    buf_add_hex(b, s->hash, sizeof s->hash);
    buf_add(b, is_current ? STR("\",\"current\":true,\"created\":\"")
                          : STR("\",\"current\":false,\"created\":\""));
    add_time(b, s->created_ms);
    buf_add(b, STR("\",\"last_seen\":\""));
    add_time(b, s->seen_ms);
    buf_add(b, STR("\",\"device\":\""));
    buf_add_json(b, device_browser(s->device));
    if (system.n > 0)
        buf_add(b, STR(" on "));
    buf_add_json(b, system);
    buf_add(b, STR("\"}"));
}

static enum bff_err tell(const struct listed *listed, struct arena *arena, struct reply *reply)
{
    size_t room = ENTRY_MAX * (listed->n + 1);
    char *memory = arena_alloc(arena, room);
    struct buf b = buf_make(memory, memory ? room : 0);
    buf_add(&b, STR("{\"sessions\":["));
    for (size_t i = 0; i < listed->n; i++) {
        if (i > 0)
            buf_add_char(&b, ',');
        add_session(&b, &listed->all[i], i == 0);
    }
    buf_add(&b, STR("]}"));
    if (b.overflowed)
        return BFF_ERR_NO_MEMORY;
    reply_json(reply, 200, buf_str(&b));
    return BFF_OK;
}

/* --- ending --- */

static void log_ended(const struct call *call, const struct session_name *name)
{
    char tag[SESSION_TAG_MAX], by[SESSION_TAG_MAX];
    log_event(SEVERITY_INFO, "session_ended", LOG_TEXT("session", session_tag(name, tag)),
              LOG_TEXT("by", session_tag(&call->name, by)), LOG_CALLER(&call->caller));
}

/* Those of listed->all from `first` to before `end`. *n: how many were there. */
static enum bff_err end_others(struct tools *tools, const struct call *call,
                               const struct listed *listed, size_t first, size_t end, size_t *n)
{
    struct session_name names[SESSIONS_MAX];
    enum bff_err err = BFF_OK;
    size_t done = first;
    for (*n = 0; done < end; done++) {
        const struct user_session *s = &listed->all[done];
        session_name_of_hash(tools->config, s->hash, &names[done]);
        err = store_end(tools->store, s->hash);
        if (err == BFF_ERR_MISSING)
            continue;
        if (err != BFF_OK)
            break;
        ++*n;
        tools_forget(tools, &names[done]);
        metrics_count(METRIC_ENDED_FROM_ANOTHER);
        log_ended(call, &names[done]);
    }
    int64_t forgotten_ms = clock_mono_ms();
    for (size_t i = first; i < done; i++)
        session_forget_once_more(tools, &names[i], forgotten_ms);
    return err == BFF_ERR_MISSING ? BFF_OK : err;
}

/* Where there are more than were listed, the rest is looked up when these are gone. */
static enum bff_err end_all_others(struct tools *tools, const struct call *call,
                                   struct listed *listed, struct arena *arena, struct reply *reply)
{
    size_t n = 0, total = 0;
    bool were_all;
    struct str body;
    enum bff_err err;
    do {
        were_all = listed->n < SESSIONS_MAX;
        err = end_others(tools, call, listed, 1, listed->n, &n);
        total += n;
        if (err == BFF_OK && !were_all)
            err = list(tools, call, arena, listed);
    } while (err == BFF_OK && !were_all && n > 0);
    if (err != BFF_OK)
        return err;
    if (!arena_printf(arena, &body, "{\"ended\":%zu}", total))
        return BFF_ERR_NO_MEMORY;
    reply_json(reply, 200, body);
    return BFF_OK;
}

static bool has_id(const struct user_session *s, struct str id)
{
    char text[ID_DIGITS];
    struct buf b = buf_make(text, sizeof text);
    buf_add_hex(&b, s->hash, sizeof s->hash);
    return str_eq(buf_str(&b), id);
}

static enum bff_err end_one(struct tools *tools, const struct call *call,
                            const struct listed *listed, struct str id, struct arena *arena,
                            struct reply *reply)
{
    size_t i = 0, n;
    while (i < listed->n && !has_id(&listed->all[i], id))
        i++;
    if (i == listed->n)
        return BFF_ERR_NOT_FOUND;
    if (i == 0) {
        logout_run(tools, call, arena, reply);
        return BFF_OK;
    }
    *reply = (struct reply){.status = 204};
    return end_others(tools, call, listed, i, i + 1, &n);
}

/* --- which of them is asked for --- */

static enum bff_err act(struct tools *tools, const struct call *call, struct arena *arena,
                        struct reply *reply)
{
    struct str base = COLLECTION, target = call->target;
    bool is_collection = str_eq(target, base);
    bool is_one = str_starts(target, STR("/bff/sessions/"));
    struct listed listed = {.n = 0};
    if (!is_collection && !is_one)
        return BFF_ERR_NOT_FOUND;
    if (!sessions_changes(call) && !(is_collection && reads(call)))
        return BFF_ERR_METHOD_NOT_ALLOWED;
    enum bff_err err = list(tools, call, arena, &listed);
    if (err != BFF_OK)
        return err;
    if (reads(call))
        return tell(&listed, arena, reply);
    if (is_collection)
        return end_all_others(tools, call, &listed, arena, reply);
    struct str id = {target.p + base.n + 1, target.n - base.n - 1};
    return end_one(tools, call, &listed, id, arena, reply);
}

void sessions_run(struct tools *tools, const struct call *call, struct arena *arena,
                  struct reply *reply)
{
    enum bff_err err = act(tools, call, arena, reply);
    if (err == BFF_OK)
        return;
    reply_problem(reply, err, &call->caller, 1000, arena);
    if (err == BFF_ERR_METHOD_NOT_ALLOWED)
        reply_header(reply, "Allow",
                     str_eq(call->target, COLLECTION) ? STR("GET, HEAD, DELETE") : STR("DELETE"));
}
