/* SPDX-License-Identifier: BSL-1.0
 * foreign_schedule.h - what may happen between the library and a foreign client, drawn from a seed. */
#ifndef TESTS_SIM_FOREIGN_SCHEDULE_H
#define TESTS_SIM_FOREIGN_SCHEDULE_H

#include "foreign_pair.h"

typedef struct {
  int steps;
  int64_t pause; /* between steps, at most */
  relay_faults faults;
  int restarts; /* of either side */
  int deletes;  /* messages and histories */
  int rekeys;   /* ordered at the foreign client; the library changes keys after a few messages */
} schedule_plan;

typedef struct {
  int ended;        /* the client ended the chat by a habit of its own (Android, S9) */
  int texts;        /* said by both */
  int keys;         /* that the library came to use */
  size_t looked_at; /* messages of the library that the strict reader saw */
} schedule_outcome;

/* Draws and plays a schedule, and lets both come together again. Fails when they do not, or when a strict peer would refuse anything. */
void schedule_play(foreign_profile profile, uint64_t seed, const schedule_plan *plan, schedule_outcome *outcome);

#endif
