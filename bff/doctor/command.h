/* bffd doctor on the command line: its options, the questions it asks, its exit status. */
#ifndef BFF_DOCTOR_COMMAND_H
#define BFF_DOCTOR_COMMAND_H

#include "doctor/doctor.h"

struct doctor_arguments {
    const char *file, *user, *path, *origin; /* NULL: not given */
    bool try_throttle;
};

/* argv[0] is "doctor". false: the usage is wrong, and a sentence went to standard error. */
bool doctor_read_arguments(int argc, char **argv, struct doctor_arguments *out);

/* Ask for the password, walk, and print the report on standard output. The exit status. */
int doctor_command(const struct doctor_arguments *arguments, const struct config *config,
                   struct str client_secret);

#endif
