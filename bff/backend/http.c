#include "backend/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/crash_transfer.h"
#include "base/clock.h"
#include "base/wipe.h"
#include "base/wiping_heap.h"

#define ANSWER_HEADER_MAX (16 * 1024) /* of one field we keep */

struct backend {
    const struct config *config;
    CURL *curl;   /* while a call is made */
    CURLM *multi; /* keeps the connections and DNS entries */
    CURLSH *kept; /* the TLS sessions */
    char error[CURL_ERROR_SIZE];
};

/* What the callbacks of one transfer fill. */
struct transfer {
    struct arena *arena;
    struct backend_answer *answer;
    char *body;
    size_t body_n, body_cap, body_max;
    int64_t send_by_ms;
    enum bff_err err;
};

bool backend_init(void)
{
    /* Its requests and answers are credentials and tokens. */
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc,
                                wiping_strdup, wiping_calloc) == CURLE_OK;
}

struct backend *backend_open(const struct config *config)
{
    struct backend *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->config = config;
    b->multi = curl_multi_init();
    b->kept = curl_share_init();
    if (!b->multi || !b->kept ||
        curl_share_setopt(b->kept, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
        backend_close(b);
        return NULL;
    }
    return b;
}

void backend_close(struct backend *b)
{
    if (!b)
        return;
    curl_multi_cleanup(b->multi);
    curl_share_cleanup(b->kept);
    free(b);
}

const char *backend_last_error(const struct backend *b)
{
    return b->error;
}

/*
 * Nothing has been sent, so nothing is spent. Who gets here late has stood still: the lease under
 * which the request was made may be another's by now, and there is little time left for an answer
 * that may hold the only valid successor of a refresh token.
 */
static int on_connected(void *self, char *to, char *from, int to_port, int from_port)
{
    struct transfer *t = self;
    (void)to, (void)from, (void)to_port, (void)from_port;
    CRASH_POINT(DJANGO_CONNECTED, crash_transfer_socket());
    if (clock_mono_ms() <= t->send_by_ms)
        return CURL_PREREQFUNC_OK;
    t->err = BFF_ERR_BACKEND_TIMEOUT;
    return CURL_PREREQFUNC_ABORT;
}

static bool grow_body(struct transfer *t, size_t need)
{
    size_t cap = t->body_cap ? t->body_cap : 4096;
    while (cap < need)
        cap *= 2;
    char *grown = malloc(cap);
    if (!grown)
        return false;
    if (t->body_n > 0)
        memcpy(grown, t->body, t->body_n);
    if (t->body) {
        wipe(t->body, t->body_n);
        free(t->body);
    }
    t->body = grown;
    t->body_cap = cap;
    return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *self)
{
    struct transfer *t = self;
    size_t bytes = size * n;
    if (bytes > t->body_max - t->body_n) {
        t->err = BFF_ERR_BACKEND_UNREADABLE;
        return 0;
    }
    if (t->body_n + bytes > t->body_cap && !grow_body(t, t->body_n + bytes)) {
        t->err = BFF_ERR_NO_MEMORY;
        return 0;
    }
    if (bytes > 0)
        memcpy(t->body + t->body_n, p, bytes);
    t->body_n += bytes;
    return bytes;
}

static void keep(struct transfer *t, struct str value, struct str *out)
{
    /* What is passed on to nginx must not break its line there. */
    if (value.n > ANSWER_HEADER_MAX || str_has_control(value))
        t->err = BFF_ERR_BACKEND_UNREADABLE;
    else if (!arena_copy(t->arena, value, out))
        t->err = BFF_ERR_NO_MEMORY;
}

static void keep_date(struct transfer *t, struct str value)
{
    char text[64];
    if (value.n >= sizeof text)
        return;
    memcpy(text, value.p, value.n);
    text[value.n] = 0;
    time_t when = curl_getdate(text, NULL);
    if (when > 0)
        t->answer->received_s = when;
}

static void keep_set_cookie(struct transfer *t, struct str value)
{
    if (t->answer->n_set_cookie == BACKEND_MAX_COOKIES)
        t->err = BFF_ERR_BACKEND_UNREADABLE;
    else
        keep(t, value, &t->answer->set_cookie[t->answer->n_set_cookie++]);
}

static size_t on_header(char *p, size_t size, size_t n, void *self)
{
    struct transfer *t = self;
    struct str line = {p, size * n};
    struct str_cut field = str_cut(line, ':');
    struct str value = str_trim(field.tail);
    if (str_starts(line, STR("HTTP/"))) {
        /* The fields of a 1xx answer (RFC 9110, 15.2) are not those of the final one. */
        *t->answer = (struct backend_answer){.received_s = (int64_t)time(NULL)};
        CRASH_POINT(DJANGO_ANSWERING, crash_transfer_socket());
    } else if (!field.found) {
        return line.n;
    } else if (str_eq_nocase(field.head, STR("Content-Type"))) {
        keep(t, value, &t->answer->content_type);
    } else if (str_eq_nocase(field.head, STR("Retry-After"))) {
        keep(t, value, &t->answer->retry_after);
    } else if (str_eq_nocase(field.head, STR("WWW-Authenticate"))) {
        keep(t, value, &t->answer->www_authenticate);
    } else if (str_eq_nocase(field.head, STR("Location"))) {
        keep(t, value, &t->answer->location);
    } else if (str_eq_nocase(field.head, STR("Date"))) {
        keep_date(t, value);
    } else if (str_eq_nocase(field.head, STR("Set-Cookie"))) {
        keep_set_cookie(t, value);
    }
    return t->err == BFF_OK ? line.n : 0;
}

/* A field value from outside may not smuggle another line (RFC 9110, 5.5). */
static bool is_field_value(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return false;
    }
    return true;
}

static bool add_line(struct curl_slist **list, struct arena *arena, struct str line)
{
    if (!is_field_value(line))
        return true; /* dropped, as a proxy drops what it may not forward */
    char *text = arena_cstr(arena, line);
    struct curl_slist *longer = text ? curl_slist_append(*list, text) : NULL;
    if (!longer)
        return false;
    *list = longer;
    return true;
}

static bool add_header(struct curl_slist **list, struct arena *arena, const char *name,
                       struct str value)
{
    struct str line;
    if (value.n == 0)
        return true;
    return arena_printf(arena, &line, "%s: %.*s", name, STR_ARG(value)) &&
           add_line(list, arena, line);
}

/* Django wants a Referer of its own origin with a CSRF token that came over https. */
static bool add_csrf(struct curl_slist **list, struct arena *a, const struct backend_request *r)
{
    struct str origin = {NULL, 0};
    if (r->csrf_token.n == 0)
        return true;
    if (r->forwarded_proto.n > 0 && r->forwarded_host.n > 0 &&
        !arena_printf(a, &origin, "%.*s://%.*s/", STR_ARG(r->forwarded_proto),
                      STR_ARG(r->forwarded_host)))
        return false;
    return add_header(list, a, "X-CSRFToken", r->csrf_token) &&
           add_header(list, a, "Referer", origin);
}

static bool add_headers(struct curl_slist **list, struct arena *a, const struct backend_request *r)
{
    /* "Expect:" and a missing Content-Type: take back what libcurl would add by itself. */
    return add_line(list, a, STR("Expect:")) &&
           (r->content_type.n > 0 || add_line(list, a, STR("Content-Type:"))) &&
           add_header(list, a, "Content-Type", r->content_type) &&
           add_header(list, a, "Accept", r->accept) &&
           add_header(list, a, "Accept-Language", r->accept_language) &&
           add_header(list, a, "Authorization", r->authorization) &&
           (r->attach_header.n == 0 || add_line(list, a, r->attach_header)) &&
           (r->pending_header.n == 0 || add_line(list, a, r->pending_header)) &&
           add_header(list, a, "Cookie", r->cookie) && add_csrf(list, a, r) &&
           add_header(list, a, "User-Agent", r->user_agent) &&
           add_header(list, a, "Host", r->forwarded_host) &&
           add_header(list, a, "X-Forwarded-Host", r->forwarded_host) &&
           add_header(list, a, "X-Forwarded-Proto", r->forwarded_proto) &&
           add_header(list, a, "X-Forwarded-For", r->client_address) &&
           add_header(list, a, "X-Request-ID", r->request_id) &&
           add_header(list, a, "traceparent", r->traceparent);
}

/* Options fail only for want of memory (or a libcurl older than we build with). */
static bool set_options(struct backend *b, const struct backend_request *r, const char *url,
                        const char *method, enum backend_connection connection)
{
    CURL *c = b->curl;
    const struct config *config = b->config;
    bool ok = true;
#define SET(option, value) ok = ok && curl_easy_setopt(c, option, value) == CURLE_OK
    SET(CURLOPT_ERRORBUFFER, b->error);
    SET(CURLOPT_SHARE, b->kept);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)config->backend.connect_ms);
    SET(CURLOPT_FRESH_CONNECT, connection == BACKEND_FRESH ? 1L : 0L);
    SET(CURLOPT_CUSTOMREQUEST, method);
    SET(CURLOPT_PREREQFUNCTION, on_connected);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    if (r->body.n > 0 || !str_eq(r->method, STR("GET"))) {
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
        SET(CURLOPT_POSTFIELDS, r->body.n > 0 ? r->body.p : "");
    }
#undef SET
    return ok;
}

static enum bff_err err_of(CURLcode code, enum bff_err from_callback)
{
    if (code == CURLE_OK || from_callback != BFF_OK)
        return from_callback;
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return BFF_ERR_BACKEND_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
        return BFF_ERR_NO_MEMORY;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return BFF_ERR_BACKEND_UNREADABLE;
    default:
        return BFF_ERR_BACKEND_UNAVAILABLE;
    }
}

/*
 * backend.timeout is looked at here and not by libcurl, which looks at it before it reads. A worker
 * that stood still for that long finds in its socket the answer that came meanwhile, and in it,
 * perhaps, the only valid successor of a refresh token.
 */
static CURLcode run_until(CURLM *multi, int64_t until_ms)
{
    int n_running, n_ready, n_more;
    for (;;) {
        int64_t left_ms = until_ms - clock_mono_ms();
        if (curl_multi_perform(multi, &n_running) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (n_running == 0)
            break;
        if (curl_multi_poll(multi, NULL, 0, left_ms > 0 ? (int)left_ms : 0, &n_ready) != CURLM_OK)
            return CURLE_OUT_OF_MEMORY;
        if (left_ms <= 0 && n_ready == 0)
            return CURLE_OPERATION_TIMEDOUT;
    }
    const CURLMsg *message = curl_multi_info_read(multi, &n_more);
    return message ? message->data.result : CURLE_OUT_OF_MEMORY;
}

static CURLcode transfer(struct backend *b)
{
    if (curl_multi_add_handle(b->multi, b->curl) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    CURLcode code = run_until(b->multi, clock_mono_ms() + b->config->backend.answer_ms);
    if (code == CURLE_OPERATION_TIMEDOUT && !b->error[0])
        snprintf(b->error, sizeof b->error, "no answer within backend.timeout");
    curl_multi_remove_handle(b->multi, b->curl);
    return code;
}

/* With the headers made: the transfer itself. */
static enum bff_err perform(struct backend *b, struct curl_slist *headers, struct arena *arena,
                            struct backend_answer *answer)
{
    struct transfer t = {
        .arena = arena,
        .answer = answer,
        .body_max = b->config->backend.answer_bytes,
        .send_by_ms = clock_mono_ms() + b->config->backend.connect_ms,
    };
    CURLcode code = curl_easy_setopt(b->curl, CURLOPT_HTTPHEADER, headers);
    if (code == CURLE_OK)
        code = curl_easy_setopt(b->curl, CURLOPT_PREREQDATA, &t);
    if (code == CURLE_OK)
        code = curl_easy_setopt(b->curl, CURLOPT_WRITEDATA, &t);
    if (code == CURLE_OK)
        code = curl_easy_setopt(b->curl, CURLOPT_HEADERDATA, &t);
    if (code == CURLE_OK && b->config->backend.ca_file.n > 0) {
        char *ca_file = arena_cstr(arena, b->config->backend.ca_file);
        code = ca_file ? curl_easy_setopt(b->curl, CURLOPT_CAINFO, ca_file) : CURLE_OUT_OF_MEMORY;
    }
    CRASH_TRANSFER_WATCH(b->curl);
    CRASH_POINT(DJANGO_DUE, -1);
    if (code == CURLE_OK)
        code = transfer(b);
    long status = 0;
    enum bff_err err = err_of(code, t.err);
    if (err == BFF_OK)
        CRASH_POINT(DJANGO_ANSWERED, crash_transfer_socket());
    if (err == BFF_OK && curl_easy_getinfo(b->curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK)
        answer->status = (int)status;
    if (err == BFF_OK && !arena_copy(arena, (struct str){t.body, t.body_n}, &answer->body))
        err = BFF_ERR_NO_MEMORY;
    if (t.body) {
        wipe(t.body, t.body_n);
        free(t.body);
    }
    return err;
}

static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h; h = h->next)
        wipe(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

enum bff_err backend_call(struct backend *b, const struct backend_request *request,
                          enum backend_connection connection, struct arena *arena,
                          struct backend_answer *answer)
{
    struct curl_slist *headers = NULL;
    struct str url;
    enum bff_err err = BFF_ERR_NO_MEMORY;
    *answer = (struct backend_answer){.received_s = (int64_t)time(NULL)};
    b->error[0] = 0;
    char *method = arena_cstr(arena, request->method);
    /* A handle of its own for each call: curl_easy_reset() does not tell what it could not set for
     * want of memory, and the next request would go out as something else. */
    b->curl = curl_easy_init();
    if (b->curl && method &&
        arena_printf(arena, &url, "%.*s%.*s", STR_ARG(b->config->backend.url),
                     STR_ARG(request->path)) &&
        add_headers(&headers, arena, request) && set_options(b, request, url.p, method, connection))
        err = perform(b, headers, arena, answer);
    curl_easy_cleanup(b->curl);
    b->curl = NULL;
    wipe_headers(headers);
    return err;
}
