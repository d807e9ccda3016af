/* Tell systemd how we are (sd_notify(3)'s protocol: one datagram); nothing where nobody listens. */
#ifndef BFF_SERVER_NOTIFY_H
#define BFF_SERVER_NOTIFY_H

void notify_systemd(
    const char *state); /* "READY=1", "RELOADING=1\nMONOTONIC_USEC=...", "STOPPING=1" */

#endif
