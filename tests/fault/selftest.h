/* SPDX-License-Identifier: BSL-1.0
 * selftest.h - the harness commits each defect it looks for, and must find it. */
#ifndef TESTS_FAULT_SELFTEST_H
#define TESTS_FAULT_SELFTEST_H

#include "plant.h"

/* Prints its figure; 0 when every planted defect was found. */
int selftest(void);
/* 1 when a planted defect is found, for the reason it should be. */
int selftest_finds(plant p);

#endif
