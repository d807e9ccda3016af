/* Tell systemd how we are (sd_notify(3)'s protocol: one datagram); nothing where nobody listens. */
#ifndef BFF_SERVER_NOTIFY_H
#define BFF_SERVER_NOTIFY_H

void notify_systemd(const char *state); /* "READY=1", "STOPPING=1", "WATCHDOG=1" */
/* "RELOADING=1", and since when: Type=notify-reload (systemd 253) asks for that. */
void notify_reloading(void);

#endif
