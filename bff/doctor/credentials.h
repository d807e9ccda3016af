/* The user's name and password: asked on the terminal, or read from standard input. */
#ifndef BFF_DOCTOR_CREDENTIALS_H
#define BFF_DOCTOR_CREDENTIALS_H

#include "base/str.h"

#define CREDENTIAL_MAX 512

struct credentials {
    char user[CREDENTIAL_MAX], password[CREDENTIAL_MAX];
    size_t user_n, password_n;
};

/*
 * On a terminal both are asked for, the password without echo; else the password is the first line
 * of standard input, and the name has to be given. `user` may be NULL. NULL on success, else a
 * sentence. Wipe *out when it has been used.
 */
const char *credentials_ask(const char *user, struct credentials *out);

#endif
