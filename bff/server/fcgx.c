#include "server/fcgx.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wipe.h"

/* A socket from which the request can be read, and then its end; -1. */
static int socket_with(struct str request)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return -1;
    ssize_t sent = send(pair[1], request.p, request.n, MSG_DONTWAIT | MSG_NOSIGNAL);
    close(pair[1]);
    if (sent == (ssize_t)request.n)
        return pair[0];
    close(pair[0]);
    return -1;
}

bool fcgx_open(FCGX_Request *r, struct str request)
{
    if (FCGX_InitRequest(r, -1, 0) != 0)
        return false;
    r->ipcFd = socket_with(request);
    if (r->ipcFd < 0)
        return false;
    r->keepConnection = 1; /* or FCGX_Accept_r() would close it first */
    /* Without the shutdown-and-drain that pipes would need, wherever libfcgi closes it. */
    FCGX_Detach(r);
    return FCGX_Accept_r(r) == 0; /* or it has closed the socket */
}

bool fcgx_is_open(const FCGX_Request *r)
{
    return r->ipcFd >= 0;
}

/* libfcgi frees its buffers as they are: what is taken out of one is wiped there. One byte makes it
 * fill an empty one, and no more is taken than it then holds. */
size_t fcgx_take(FCGX_Request *r, char *to, size_t room)
{
    FCGX_Stream *in = r->in;
    size_t there = (size_t)(in->stop - in->rdNext);
    if (room > there)
        room = there > 0 ? there : 1;
    int n = FCGX_GetStr(to, (int)room, in);
    if (n <= 0)
        return 0;
    wipe(in->rdNext - n, (size_t)n);
    return (size_t)n;
}

bool fcgx_failed(const FCGX_Request *r)
{
    return FCGX_GetError(r->in) != 0;
}

void fcgx_close(FCGX_Request *r)
{
    if (!fcgx_is_open(r))
        return;
    for (char **at = r->envp; at && *at; at++) /* libfcgi frees its copies as they are */
        wipe(*at, strlen(*at));
    FCGX_Free(r, 1);
    r->ipcFd = -1;
}
