/*
 * bffd doctor: signs in at the configured backend once, walks through everything that bffd would
 * ask of it, and says in plain sentences what it found and what to change.
 *
 * Needs no Redis. Leaves no session behind where the backend can revoke, and prints no token.
 */
#ifndef BFF_DOCTOR_DOCTOR_H
#define BFF_DOCTOR_DOCTOR_H

#include <stdio.h>

#include "core/config.h"

struct doctor_options {
    const char *file; /* the configuration's name, for the report */
    const struct config *config;
    struct str client_secret; /* of [client]; empty: none */
    struct str user, password;
    struct str path;   /* an API path to call; empty: none is called */
    struct str origin; /* "https://app.example.com", as which the backend is asked; may be empty */
    bool try_throttle; /* use up the backend's limits to see what they are */
};

enum doctor_verdict {
    DOCTOR_FINE = 0, /* nothing to change */
    DOCTOR_CHANGE = 1,
    DOCTOR_NOT_ASKED = 2 /* the backend did not answer, or let nobody in */
};

/* The report and the configuration go to `out`. SIGINT and SIGTERM cut the walk short, but not its
 * end, where sessions are revoked. */
enum doctor_verdict doctor_run(const struct doctor_options *options, FILE *out);

#endif
