/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_CASES_H
#define SOTTO_TEST_CASES_H

#include <stddef.h>

/* How many cases a test draws where it usually draws `usual`: SOTTO_CASES times as many, at least
 * one. SOTTO_CASES is a positive number, 1 unless set (0.1: a tenth); anything else ends the
 * program. tests/support/cases.py is the same for Python. */
size_t test_cases(size_t usual);

#endif
