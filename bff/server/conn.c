#include "server/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/send.h"
#include "base/wipe.h"
#include "core/reason.h"
#include "server/measure.h"
#include "server/params.h"
#include "server/records.h"

#define HEADERS_MAX (48 * 1024) /* two attached tokens of the largest size fit */
#define REQUEST_BYTES (256 * 1024)

struct conn *conn_make(int fd, const struct config *config)
{
    struct timeval limit = {config->server.read_ms / 1000, config->server.read_ms % 1000 * 1000};
    struct conn *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    int holds = 2 * RECORDS_MAX; /* of TCP; a Unix socket's is its sender's, and larger */
    /* libfcgi has no time-outs of its own: without these a stalled peer would hold a thread. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &holds, sizeof holds) != 0) {
        free(c);
        return NULL;
    }
    size_t answers = (size_t)config->backend.answer_bytes * 4;
    c->fd = fd;
    /* Who connects has a request to send. Closed before it is here, as an idle connection may be,
     * it would be lost: nginx tries again only where it had kept the connection. */
    c->state = CONN_PARTIAL;
    c->fcgx.ipcFd = -1;
    c->arena = arena_make(REQUEST_BYTES + config->server.body_bytes + answers);
    return c;
}

void conn_free(struct conn *c)
{
    if (c->fcgx.ipcFd >= 0)
        FCGX_Free(&c->fcgx, 1);
    else if (c->fd >= 0)
        close(c->fd);
    arena_free(&c->arena);
    free(c);
}

static void begin(struct conn *c, int64_t now_ms)
{
    c->state = CONN_HOT;
    c->since_ms = now_ms;
    c->started_us = clock_mono_us();
    c->has_renewed = c->has_touched = c->kept = c->from_cache = false;
    c->reply = (struct reply){.status = 0};
}

static enum conn_event event_of(enum bff_err params)
{
    return params == BFF_OK ? CONN_REQUEST : CONN_REFUSED;
}

/* It is whole in the socket's buffer, where its params stand at `pairs_at`. */
static enum conn_event read_request(struct conn *c, const struct records_request *seen,
                                    size_t pairs_at, int64_t now_ms)
{
    char *bytes = arena_alloc(&c->arena, seen->size);
    if (!bytes || recv(c->fd, bytes, seen->size, 0) != (ssize_t)seen->size)
        return CONN_CLOSED;
    begin(c, now_ms);
    c->request_id = seen->id;
    c->keeps_connection = seen->keeps_connection;
    return event_of(params_read_pairs((struct str){bytes + pairs_at, seen->pairs.n}, &c->call));
}

/* It is whole in the socket's buffer, and nothing else is: libfcgi reads it without waiting. */
static enum conn_event accept_request(struct conn *c, int64_t now_ms)
{
    if (FCGX_InitRequest(&c->fcgx, -1, 0) != 0)
        return CONN_CLOSED;
    c->fcgx.ipcFd = c->fd;
    c->fcgx.keepConnection = 1; /* or FCGX_Accept_r() would close the socket first */
    /* Wherever libfcgi closes it: without the shutdown-and-drain that pipes would need, and which
     * waits for the other side for up to two seconds. */
    FCGX_Detach(&c->fcgx);
    if (FCGX_Accept_r(&c->fcgx) != 0) {
        c->fd = c->fcgx.ipcFd; /* -1: libfcgi has closed it */
        return CONN_CLOSED;
    }
    begin(c, now_ms);
    return event_of(params_read(c->fcgx.envp, &c->call));
}

/* No event tells of bytes a second time: one that was interrupted looks again. */
static ssize_t look(int fd, char *to, size_t size)
{
    ssize_t n;
    do
        n = recv(fd, to, size, MSG_PEEK | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

enum conn_event conn_receive(struct conn *c, int64_t now_ms)
{
    static _Thread_local char peeked[RECORDS_MAX];
    struct records_request request;
    c->event_missed = false;
    ssize_t n = look(c->fd, peeked, sizeof peeked);
    if (n < 0 && errno == EAGAIN)
        return CONN_WAITS;
    if (n <= 0)
        return CONN_CLOSED;
    enum records_verdict verdict = records_scan((struct str){peeked, (size_t)n}, &request);
    wipe(peeked, (size_t)n);
    switch (verdict) {
    case RECORDS_READY:
        c->event_missed = (size_t)n > request.size;
        if (request.body == 0 && request.pairs.n > 0)
            return read_request(c, &request, (size_t)(request.pairs.p - peeked), now_ms);
        if (!c->event_missed)
            return accept_request(c, now_ms);
        break;
    case RECORDS_BROKEN:
        break;
    case RECORDS_PARTIAL:
        if (n == sizeof peeked)
            break;
        if (c->state != CONN_PARTIAL) {
            c->state = CONN_PARTIAL;
            c->since_ms = now_ms;
        }
        return CONN_WAITS;
    }
    log_event(SEVERITY_WARN, "fastcgi_refused",
              LOG_TEXT("reason", STR("not a request as a web server sends it, or too large")));
    return CONN_CLOSED;
}

/* libfcgi frees its buffers as they are: what is taken out of one is wiped there. One byte makes it
 * fill an empty one, and no more is taken than it then holds. */
static int take(FCGX_Stream *in, char *to, size_t want)
{
    size_t there = (size_t)(in->stop - in->rdNext);
    if (want > there)
        want = there > 0 ? there : 1;
    int n = FCGX_GetStr(to, (int)want, in);
    if (n > 0)
        wipe(in->rdNext - n, (size_t)n);
    return n;
}

/* What is beyond `limit` is read, too, and forgotten: closing over unread bytes would reset the
 * connection before nginx has read the answer. */
enum bff_err conn_read_body(struct conn *c, size_t limit, struct str *body)
{
    uint64_t announced = c->call.content_length;
    *body = (struct str){NULL, 0};
    if (c->request_id != 0)
        return announced > 0 ? BFF_ERR_BAD_REQUEST : BFF_OK;
    size_t room = announced < limit ? (size_t)announced : limit;
    char *memory = arena_alloc(&c->arena, room ? room : 1);
    char scratch[4096];
    uint64_t seen = 0;
    if (!memory)
        return BFF_ERR_NO_MEMORY;
    for (;;) {
        bool fits = seen < room;
        size_t want = fits ? room - (size_t)seen : sizeof scratch;
        /* cppcheck-suppress legacyUninitvar ; it is written, not read */
        int n = take(c->fcgx.in, fits ? memory + seen : scratch, want);
        if (n <= 0)
            break;
        seen += (uint64_t)n;
    }
    if (announced > limit)
        return BFF_ERR_BODY_TOO_LARGE;
    if (seen != announced || FCGX_GetError(c->fcgx.in) != 0)
        return BFF_ERR_BAD_REQUEST;
    *body = (struct str){memory, room};
    return BFF_OK;
}

/* Most requests are a yes of the auth leg, which is in nginx' access log with the same id; a line
 * here as well would be a quarter of what the yes costs. */
static bool is_routine(const struct conn *c)
{
    return leg_is_probe(c->call.leg) || (c->call.leg == LEG_AUTHORIZE && c->reply.status == 204);
}

static void log_request(const struct conn *c)
{
    enum log_severity severity = is_routine(c) ? SEVERITY_DEBUG : SEVERITY_INFO;
    char tag[SESSION_TAG_MAX];
    if (!log_wants(severity))
        return;
    log_event(
        severity, "request", LOG_TEXT("leg", str_from(leg_name(c->call.leg))),
        LOG_TEXT("method", c->call.csrf.method), LOG_NUMBER("status", c->reply.status),
        LOG_TEXT("code", err_code(c->reply.err)), LOG_CALLER(&c->call.caller),
        LOG_TEXT("session", c->call.has_session ? session_tag(&c->call.name, tag) : STR("none")),
        LOG_NUMBER("duration_us", clock_mono_us() - c->started_us));
}

/* A backend may send content where HTTP allows none (RFC 9110, 15.3.5, 15.3.6 and 15.4.5). A
 * browser would take it for the beginning of the next answer. */
static struct str content_of(const struct reply *r)
{
    bool may_have_any = r->status != 204 && r->status != 205 && r->status != 304;
    return may_have_any ? r->body : (struct str){NULL, 0};
}

static struct buf head_of(const struct reply *r, struct str body, char memory[static HEADERS_MAX])
{
    struct buf b = buf_make(memory, HEADERS_MAX);
    buf_add(&b, STR("Status: "));
    buf_add_i64(&b, r->status);
    buf_add_char(&b, ' ');
    buf_add(&b, reason_phrase(r->status));
    for (size_t i = 0; i < r->n_headers; i++) {
        buf_add(&b, STR("\r\n"));
        buf_add(&b, str_from(r->headers[i].name));
        buf_add(&b, STR(": "));
        buf_add(&b, r->headers[i].value);
    }
    if (r->content_type.n > 0) {
        buf_add(&b, STR("\r\nContent-Type: "));
        buf_add(&b, r->content_type);
    }
    if (body.n > 0 || r->status == 205) {
        buf_add(&b, STR("\r\nContent-Length: "));
        buf_add_i64(&b, (int64_t)body.n);
    }
    /* nginx would copy it from an internal redirect onto Django's answer. A yes is read for each
     * call: every line of it costs. */
    if (!r->for_nginx)
        buf_add(&b, STR("\r\nCache-Control: no-store"));
    buf_add(&b, STR("\r\n\r\n"));
    return b;
}

static bool put_str(struct conn *c, struct str s)
{
    return s.n == 0 || FCGX_PutStr(s.p, (int)s.n, c->fcgx.out) == (int)s.n;
}

/* An answer to a sign-in, with the cookie. Sent, it is still in libfcgi's buffer. */
static bool put_all(struct conn *c, struct str head, struct str body)
{
    FCGX_Stream *out = c->fcgx.out;
    bool ok = put_str(c, head) && put_str(c, body) && FCGX_FFlush(out) == 0;
    wipe(out->wrNext, (size_t)(out->stop - out->wrNext));
    return ok;
}

static bool send_answer(struct conn *c, struct str head, struct str body)
{
    size_t size = records_answer_size(head.n + body.n);
    char *memory = arena_alloc(&c->arena, size);
    if (!memory)
        return false;
    struct buf b = buf_make(memory, size);
    records_add_answer(&b, c->request_id, head, body);
    return !b.overflowed && send_all(c->fd, buf_str(&b));
}

static bool write_reply(struct conn *c)
{
    static _Thread_local char memory[HEADERS_MAX];
    struct str body = content_of(&c->reply);
    struct buf head = head_of(&c->reply, body, memory);
    bool ok = !head.overflowed;
    if (ok && c->request_id != 0)
        ok = send_answer(c, buf_str(&head), body);
    else if (ok)
        ok = put_all(c, buf_str(&head), body);
    wipe(memory, head.n);
    return ok;
}

/* The empty STDIN record behind the params is part of this request, not of the next. */
static void read_to_end(struct conn *c)
{
    while (FCGX_GetChar(c->fcgx.in) != EOF)
        continue;
}

/* libfcgi frees its copies as they are. */
static void wipe_params(struct conn *c)
{
    for (char **at = c->fcgx.envp; *at; at++)
        wipe(*at, strlen(*at));
}

static void end_of_ours(struct conn *c, bool keep)
{
    c->request_id = 0;
    if (keep && c->keeps_connection)
        return;
    close(c->fd);
    c->fd = -1;
}

static void end_of_libfcgis(struct conn *c, bool keep)
{
    wipe_params(c);
    if (!keep)
        c->fcgx.keepConnection = 0;
    FCGX_Finish_r(&c->fcgx);
    c->fd = c->fcgx.ipcFd;
    c->fcgx.ipcFd = -1;
}

bool conn_answer(struct conn *c, bool keep)
{
    bool is_ours = c->request_id != 0;
    if (!is_ours)
        read_to_end(c);
    keep = write_reply(c) && keep;
    log_request(c);
    measure_answer(c);
    if (is_ours)
        end_of_ours(c, keep);
    else
        end_of_libfcgis(c, keep);
    arena_reset(&c->arena);
    wipe(&c->call, sizeof c->call);
    wipe(&c->reply, sizeof c->reply);
    return c->fd >= 0;
}
