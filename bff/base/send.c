#include "base/send.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a call has taken is cut off *s; one that was interrupted has taken nothing. */
static bool take(struct str *s, ssize_t n)
{
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    *s = (struct str){s->p + n, s->n - (size_t)n};
    return true;
}

bool send_all(int fd, struct str s)
{
    while (s.n > 0)
        if (!take(&s, send(fd, s.p, s.n, MSG_NOSIGNAL)))
            return false;
    return true;
}

bool write_all(int fd, struct str s)
{
    while (s.n > 0)
        if (!take(&s, write(fd, s.p, s.n)))
            return false;
    return true;
}
