#include "ctl/ask.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };
enum { HEADER_BYTES = 8, REQUEST_ID = 1, RESPONDER = 1 };

/* --- the connection --- */

static bool set_limits(int fd)
{
    struct timeval limit = {ASK_SECONDS, 0};
    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
           setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

/* As the others below: NULL, or the reason why not. *fd may be open then, too. */
static const char *connect_to(const struct sockaddr *address, socklen_t size, int *fd)
{
    *fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = *fd >= 0 && set_limits(*fd) && connect(*fd, address, size) == 0;
    return ok ? NULL : strerror(errno);
}

static const char *connect_unix(struct str path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return strerror(ENAMETOOLONG);
    memcpy(address.sun_path, path.p, path.n);
    return connect_to((const struct sockaddr *)&address, sizeof address, fd);
}

/* "HOST:PORT" or "[IPV6]:PORT", as config_parse() has checked. */
static const char *connect_tcp(struct arena *arena, struct str listen, int *fd)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char *host = arena_cstr(arena, listen);
    char *colon = host ? strrchr(host, ':') : NULL;
    if (!colon)
        return "out of memory";
    *colon = 0;
    if (host[0] == '[' && colon[-1] == ']') {
        colon[-1] = 0;
        host++;
    }
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        return gai_strerror(error);
    const char *trouble = connect_to(found->ai_addr, found->ai_addrlen, fd);
    freeaddrinfo(found);
    return trouble;
}

static const char *connect_bffd(const struct config *config, struct arena *arena, int *fd)
{
    struct str prefix = STR("unix:"), listen = config->server.listen;
    if (str_starts(listen, prefix))
        return connect_unix((struct str){listen.p + prefix.n, listen.n - prefix.n}, fd);
    return connect_tcp(arena, listen, fd);
}

/* --- what goes to and fro --- */

static void add_record(struct buf *b, int type, struct str content)
{
    const char header[HEADER_BYTES] = {1, (char)type, 0, REQUEST_ID, 0, (char)content.n, 0, 0};
    buf_add(b, (struct str){header, sizeof header});
    buf_add(b, content);
}

static void add_param(struct buf *b, struct str name, struct str value)
{
    buf_add_char(b, (char)name.n);
    buf_add_char(b, (char)value.n);
    buf_add(b, name);
    buf_add(b, value);
}

static bool send_question(int fd, struct str leg)
{
    char params_memory[100], memory[200];
    const char begin[HEADER_BYTES] = {0, RESPONDER};
    struct buf params = buf_make(params_memory, sizeof params_memory);
    add_param(&params, STR("BFF_LEG"), leg);
    add_param(&params, STR("REQUEST_METHOD"), STR("GET"));
    struct buf b = buf_make(memory, sizeof memory);
    add_record(&b, BEGIN_REQUEST, (struct str){begin, sizeof begin});
    add_record(&b, PARAMS, buf_str(&params));
    add_record(&b, PARAMS, STR(""));
    add_record(&b, STDIN, STR(""));
    return !params.overflowed && !b.overflowed &&
           send(fd, memory, b.n, MSG_NOSIGNAL) == (ssize_t)b.n;
}

/* Everything until the other side closes, which it does because nobody asked it to keep. */
static bool receive_all(int fd, char *p, size_t room, size_t *n)
{
    for (*n = 0; *n < room;) {
        ssize_t got = recv(fd, p + *n, room - *n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0;
        *n += (size_t)got;
    }
    errno = EMSGSIZE;
    return false;
}

static unsigned byte_at(struct str s, size_t i)
{
    return (unsigned char)s.p[i];
}

/* STDOUT's contents, moved together where they are. false: the answer has no end. */
static bool join_records(char *p, size_t n, struct str *out)
{
    struct str rest = {p, n};
    size_t joined = 0;
    while (rest.n >= HEADER_BYTES) {
        size_t content = byte_at(rest, 4) << 8 | byte_at(rest, 5);
        size_t size = HEADER_BYTES + content + byte_at(rest, 6);
        unsigned type = byte_at(rest, 1);
        *out = (struct str){p, joined};
        if (type == END_REQUEST)
            return true;
        if (size > rest.n)
            return false;
        if (type == STDOUT) {
            memmove(p + joined, rest.p + HEADER_BYTES, content);
            joined += content;
        }
        rest = (struct str){rest.p + size, rest.n - size};
    }
    return false;
}

static bool body_of(struct str answer, struct str *body)
{
    const char *end = memmem(answer.p, answer.n, "\r\n\r\n", 4);
    if (!end || !str_starts(answer, STR("Status: 200 ")))
        return false;
    *body = (struct str){end + 4, answer.n - (size_t)(end + 4 - answer.p)};
    return true;
}

static const char *ask(int fd, struct str leg, struct arena *arena, struct str *body)
{
    struct str answer;
    size_t n;
    char *memory = arena_alloc(arena, ASK_MAX);
    if (!memory)
        return "out of memory";
    if (!send_question(fd, leg) || !receive_all(fd, memory, ASK_MAX, &n))
        return errno == EAGAIN ? "does not answer" : strerror(errno);
    return join_records(memory, n, &answer) && body_of(answer, body)
               ? NULL
               : "answers something else; does another version of bffd run there?";
}

bool ask_bffd(const struct config *config, struct str leg, struct arena *arena, struct str *body,
              struct str *message)
{
    int fd = -1;
    const char *trouble = connect_bffd(config, arena, &fd);
    if (!trouble)
        trouble = ask(fd, leg, arena, body);
    if (fd >= 0)
        close(fd);
    if (!trouble)
        return true;
    if (!arena_printf(arena, message, "%.*s (server.listen): %s", STR_ARG(config->server.listen),
                      trouble))
        *message = STR("out of memory");
    return false;
}
