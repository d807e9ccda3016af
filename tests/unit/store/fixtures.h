/* What the tests of this layer share: cmocka in its proper order, and how views are compared. */
#ifndef TESTS_STORE_FIXTURES_H
#define TESTS_STORE_FIXTURES_H

#include <string.h>

#include "../../assert_str.h"
#include "base/arena.h"

#endif
