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
    /* A peer that takes no answer would hold a thread. */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
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

static void free_held(struct conn *c)
{
    if (c->n_held > 0)
        wipe(c->held, c->n_held);
    free(c->held);
    c->held = NULL;
    c->n_held = 0;
}

void conn_free(struct conn *c)
{
    fcgx_close(&c->fcgx);
    if (c->fd >= 0)
        close(c->fd);
    free_held(c);
    arena_free(&c->arena);
    free(c);
}

/* --- what comes --- */

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

/* Its params stand in one record, at `pairs_at`. */
static enum conn_event read_pairs(struct conn *c, struct str bytes, size_t pairs_at, size_t n)
{
    struct str copy;
    if (!arena_copy(&c->arena, bytes, &copy))
        return CONN_CLOSED;
    return event_of(params_read_pairs((struct str){copy.p + pairs_at, n}, &c->call));
}

static enum conn_event read_request(struct conn *c, const char *bytes,
                                    const struct records_request *seen, int64_t now_ms)
{
    struct str request = {bytes, seen->size};
    begin(c, now_ms);
    c->request_id = seen->id;
    c->keeps_connection = seen->keeps_connection;
    if (seen->body == 0 && seen->pairs.n > 0)
        return read_pairs(c, request, (size_t)(seen->pairs.p - bytes), seen->pairs.n);
    if (!fcgx_open(&c->fcgx, request))
        return CONN_CLOSED;
    return event_of(params_read(c->fcgx.envp, &c->call));
}

/* What is of no use yet. */
static bool hold(struct conn *c, const char *bytes, size_t n)
{
    c->held = malloc(n);
    if (!c->held)
        return false;
    memcpy(c->held, bytes, n);
    c->n_held = n;
    return true;
}

static size_t take_held(struct conn *c, char *to)
{
    size_t n = c->n_held;
    if (n > 0)
        memcpy(to, c->held, n);
    free_held(c);
    return n;
}

static enum conn_event wait_for_more(struct conn *c, const char *bytes, size_t n, int64_t now_ms)
{
    if (c->state != CONN_PARTIAL) {
        c->state = CONN_PARTIAL;
        c->since_ms = now_ms;
    }
    return hold(c, bytes, n) ? CONN_WAITS : CONN_CLOSED;
}

/* The first request of `n` bytes, if it is whole. As many as fit may not be all that have come. */
static enum conn_event take_request(struct conn *c, const char *bytes, size_t n, int64_t now_ms)
{
    struct records_request request;
    switch (records_scan((struct str){bytes, n}, &request)) {
    case RECORDS_READY:
        c->event_missed = n > request.size || n == RECORDS_MAX;
        if (n > request.size && !hold(c, bytes + request.size, n - request.size))
            return CONN_CLOSED;
        return read_request(c, bytes, &request, now_ms);
    case RECORDS_PARTIAL:
        if (n < RECORDS_MAX)
            return wait_for_more(c, bytes, n, now_ms);
        break;
    case RECORDS_BROKEN:
        break;
    }
    log_event(SEVERITY_WARN, "fastcgi_refused",
              LOG_TEXT("reason", STR("not a request as a web server sends it, or too large")));
    return CONN_CLOSED;
}

/* No event tells of bytes a second time: one that was interrupted reads again. */
static ssize_t read_some(int fd, char *to, size_t room)
{
    ssize_t n;
    do
        n = recv(fd, to, room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

enum conn_event conn_receive(struct conn *c, int64_t now_ms)
{
    static _Thread_local char bytes[RECORDS_MAX];
    size_t n = take_held(c, bytes);
    ssize_t more = read_some(c->fd, bytes + n, sizeof bytes - n);
    bool is_open = more > 0 || (more < 0 && errno == EAGAIN);
    c->event_missed = false;
    n += more > 0 ? (size_t)more : 0;
    if (n == 0)
        return is_open ? CONN_WAITS : CONN_CLOSED;
    enum conn_event event = take_request(c, bytes, n, now_ms);
    wipe(bytes, n);
    if (is_open)
        return event;
    c->event_missed = true; /* nobody tells of the end again */
    return event == CONN_WAITS ? CONN_CLOSED : event;
}

enum bff_err conn_read_body(struct conn *c, size_t limit, struct str *body)
{
    uint64_t announced = c->call.content_length;
    *body = (struct str){NULL, 0};
    if (!fcgx_is_open(&c->fcgx))
        return announced > 0 ? BFF_ERR_BAD_REQUEST : BFF_OK;
    if (announced > limit)
        return BFF_ERR_BODY_TOO_LARGE;
    size_t seen = 0, n, room = (size_t)announced + 1; /* for a byte too much to be seen */
    char *memory = arena_alloc(&c->arena, room);
    if (!memory)
        return BFF_ERR_NO_MEMORY;
    while (seen < room && (n = fcgx_take(&c->fcgx, memory + seen, room - seen)) > 0)
        seen += n;
    if (seen != announced || fcgx_failed(&c->fcgx))
        return BFF_ERR_BAD_REQUEST;
    *body = (struct str){memory, seen};
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
    bool ok = !head.overflowed && send_answer(c, buf_str(&head), body);
    wipe(memory, head.n);
    return ok;
}

bool conn_answer(struct conn *c, bool keep)
{
    keep = write_reply(c) && keep && c->keeps_connection;
    log_request(c);
    measure_answer(c);
    fcgx_close(&c->fcgx);
    if (!keep) {
        close(c->fd);
        c->fd = -1;
    }
    arena_reset(&c->arena);
    wipe(&c->call, sizeof c->call);
    wipe(&c->reply, sizeof c->reply);
    return keep;
}
