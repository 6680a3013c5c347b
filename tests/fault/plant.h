/* SPDX-License-Identifier: BSL-1.0
 * plant.h - defects that the harness itself commits in the library's name, so that it can be seen to notice them. */
#ifndef TESTS_FAULT_PLANT_H
#define TESTS_FAULT_PLANT_H

typedef enum {
  PLANT_NONE,
  PLANT_MEMORY_AHEAD, /* a call fails and leaves a change in memory */
  PLANT_STORE_AHEAD,  /* a commit fails and is stored all the same */
  PLANT_LEAK,         /* what is given back after a failure is not counted as such */
  PLANT_UNWIPED,      /* it comes back with a byte in it */
  PLANT_LOST_EVENT,   /* events of a restart are not handed over */
  PLANT_UNMARKED,     /* they are, without the mark */
  PLANT_OTHER_BYTES,  /* what is sent again differs */
  PLANT_ENDLESS,      /* a request that is refused is made again at once, for ever */
  PLANT_STUCK,        /* requests of a restart do not leave */
  PLANTS
} plant;

extern plant planted;
static inline int plant_is(plant p) { return planted == p; }

#endif
