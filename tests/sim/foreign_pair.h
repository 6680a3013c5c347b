/* SPDX-License-Identifier: BSL-1.0
 * foreign_pair.h - an account of the library and a foreign client around one relay, with the strict reader between them. */
#ifndef TESTS_SIM_FOREIGN_PAIR_H
#define TESTS_SIM_FOREIGN_PAIR_H

#include "foreign.h"
#include "strict_watch.h"
#include "world.h"

typedef struct {
  world *w; /* peer 0: the library */
  foreign *f;
  foreign_profile profile;
  strict_watch *watch;
  int64_t foreign_user;
  int32_t chat_id;
  int said_here, said_there; /* texts that pair_say has given to either side */
} pair;

pair *pair_new(foreign_profile profile, uint64_t seed);
/* Checks that nothing lawful was broken, and frees. */
void pair_free(pair *p);
/* Everything that can happen now, and over a time. */
void pair_run(pair *p);
void pair_pass(pair *p, int64_t milliseconds);
/* A chat, until both are READY; by_library: who asks. */
void pair_chat(pair *p, int by_library);
/* The next text of the library, of the foreign client. */
void pair_say_here(pair *p);
void pair_say_there(pair *p);
/* With no faults any more, both talk on until each has read all the other has said, in order; fails after `rounds` rounds of two minutes. */
void pair_settle(pair *p, int rounds);
/* What each has read of the texts of pair_say is what was said, in order, and as far as it goes complete. How many. */
int pair_read_here(const pair *p);
int pair_read_there(const pair *p);
/* Nobody has closed. */
void pair_open(const pair *p);
foreign_chat_view pair_view(const pair *p);
/* Prints what happened, for one who has to find out why. */
void pair_dump(const pair *p);

#endif
