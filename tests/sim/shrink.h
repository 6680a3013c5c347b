/* SPDX-License-Identifier: BSL-1.0
 * shrink.h - from a schedule that fails to a shorter one, with fewer classes of faults, that fails too. */
#ifndef TESTS_SIM_SHRINK_H
#define TESTS_SIM_SHRINK_H

#include "sim.h"

void shrink(const sim_options *failing, sim_options *least, sim_result *result);

#endif
