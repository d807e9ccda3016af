/* The listening socket: made from server.listen, or handed over by systemd (sd_listen_fds(3)). */
#ifndef BFF_SERVER_LISTEN_H
#define BFF_SERVER_LISTEN_H

#include "core/config.h"

#define LISTEN_MESSAGE_MAX 512

/* A non-blocking listening fd; -1 with a sentence in `message`. *inherited: it came from systemd.
 */
int listen_open(const struct config *config, bool *inherited, char message[LISTEN_MESSAGE_MAX]);

/* Close it; a unix socket of our own making is unlinked, too. */
void listen_close(int fd, const struct config *config, bool inherited);

#endif
