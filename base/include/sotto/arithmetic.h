/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ARITHMETIC_H
#define SOTTO_ARITHMETIC_H

/* How the CPU computes with doubles: to nearest, with subnormals, without traps. A caller may have
 * set something else for its thread, which threads that it starts inherit; so whatever computes
 * with doubles stands between enter and leave, in each thread. They nest. */

#include <fenv.h>
#include <sotto/status.h>

SOTTO_BEGIN_DECLS

/* What was set before, exception flags too. */
struct sotto_arithmetic {
    fenv_t environment;
};

/* Keeps what is set in *out and sets what Sotto computes with. Threads: of the calling thread. */
SOTTO_API void sotto_arithmetic_enter(struct sotto_arithmetic *out);

/* Sets what was set before sotto_arithmetic_enter, exception flags too. Threads: of the calling
 * thread, which must be the one that entered. */
SOTTO_API void sotto_arithmetic_leave(const struct sotto_arithmetic *arithmetic);

SOTTO_END_DECLS

#endif
