#include "backend/crash_transfer.h"

#ifdef BFF_CRASH_POINTS

#include <stdlib.h>

static _Thread_local int transfer_fd = -1;

static int on_socket(void *self, curl_socket_t fd, curlsocktype purpose)
{
    (void)self, (void)purpose;
    transfer_fd = fd;
    return CURL_SOCKOPT_OK;
}

/* Told of what has been sent: of the body, which is one piece, last. */
static int on_sent(CURL *curl, curl_infotype kind, char *data, size_t n, void *self)
{
    (void)curl, (void)data, (void)n, (void)self;
    if (kind == CURLINFO_DATA_OUT)
        CRASH_POINT(DJANGO_SENT, transfer_fd);
    return 0;
}

void crash_transfer_watch(CURL *curl)
{
    transfer_fd = -1;
    if (curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_DEBUGFUNCTION, on_sent) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_VERBOSE, 1L) != CURLE_OK)
        abort(); /* a test of a step that is never reached would show nothing */
}

int crash_transfer_socket(void)
{
    return transfer_fd;
}

#endif
