#include "server/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 4096
#define SYSTEMD_FD 3 /* SD_LISTEN_FDS_START */

static int fail(char *message, const struct config *config, const char *what, const char *why)
{
    snprintf(message, LISTEN_MESSAGE_MAX, "server.listen: %.*s: %s: %s",
             STR_ARG(config->server.listen), what, why);
    return -1;
}

static bool unix_path(const struct config *config, struct str *path)
{
    struct str prefix = STR("unix:");
    struct str s = config->server.listen;
    if (!str_starts(s, prefix))
        return false;
    *path = (struct str){s.p + prefix.n, s.n - prefix.n};
    return true;
}

/* Whatever else stands there is somebody's file. */
static bool is_in_the_way(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode);
}

/* A socket file that nobody answers on is left over from a crash; one that answers is not ours. */
static bool is_in_use(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool answers = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0;
    close(fd);
    return answers;
}

static int listen_unix(const struct config *config, struct str path, char *message)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path.n >= sizeof address.sun_path)
        return fail(message, config, "path", "is too long for a unix socket");
    memcpy(address.sun_path, path.p, path.n);
    if (is_in_the_way(address.sun_path))
        return fail(message, config, "bind", "there is a file that is no socket");
    if (is_in_use(&address))
        return fail(message, config, "bind", "another process answers there");
    if (unlink(address.sun_path) != 0 && errno != ENOENT)
        return fail(message, config, "unlink", strerror(errno));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return fail(message, config, "socket", strerror(errno));
    /* Nobody may connect before the permissions are as configured. */
    mode_t before = umask(0777);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(before);
    if (bound != 0 || chmod(address.sun_path, config->server.socket_mode) != 0 ||
        listen(fd, BACKLOG) != 0) {
        fail(message, config, "bind", strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

static int bind_tcp(const struct addrinfo *a)
{
    int one = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    close(fd);
    return -1;
}

/* "HOST:PORT" or "[IPV6]:PORT": the last colon divides. */
static int listen_tcp(const struct config *config, char *message)
{
    char text[256];
    struct str s = config->server.listen;
    if (s.n >= sizeof text)
        return fail(message, config, "address", "is too long");
    memcpy(text, s.p, s.n);
    text[s.n] = 0;
    char *colon = strrchr(text, ':');
    if (!colon)
        return fail(message, config, "address", "has no port");
    *colon = 0;
    char *host = text;
    if (host[0] == '[' && colon > text && colon[-1] == ']') {
        colon[-1] = 0;
        host++;
    }
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        return fail(message, config, "address", gai_strerror(error));
    int fd = bind_tcp(found);
    int why = errno;
    freeaddrinfo(found);
    return fd >= 0 ? fd : fail(message, config, "bind", strerror(why));
}

static bool from_systemd(void)
{
    const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
    uint64_t n_pid, n_fds;
    return pid && fds && str_to_u64(str_from(pid), INT32_MAX, &n_pid) &&
           str_to_u64(str_from(fds), 1024, &n_fds) && n_pid == (uint64_t)getpid() && n_fds >= 1;
}

int listen_open(const struct config *config, bool *inherited, char message[LISTEN_MESSAGE_MAX])
{
    struct str path;
    *inherited = from_systemd();
    if (*inherited) {
        if (fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC) != 0 ||
            fcntl(SYSTEMD_FD, F_SETFL, O_NONBLOCK) != 0)
            return fail(message, config, "socket from systemd", strerror(errno));
        return SYSTEMD_FD;
    }
    return unix_path(config, &path) ? listen_unix(config, path, message)
                                    : listen_tcp(config, message);
}

void listen_close(int fd, const struct config *config, bool inherited)
{
    struct str path;
    struct sockaddr_un address;
    close(fd);
    if (inherited || !unix_path(config, &path) || path.n >= sizeof address.sun_path)
        return;
    memcpy(address.sun_path, path.p, path.n);
    address.sun_path[path.n] = 0;
    unlink(address.sun_path); /* gone already is as good */
}
