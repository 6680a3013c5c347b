/* SPDX-License-Identifier: BSL-1.0
 * foreign_pair.h - an account of the library and a foreign client around one relay, with the strict reader between them. */
#ifndef TESTS_SIM_FOREIGN_PAIR_H
#define TESTS_SIM_FOREIGN_PAIR_H

#include "foreign.h"
#include "strict_watch.h"
#include "world.h"

/* A text and what became of it. */
typedef struct {
  int64_t random_id;
  int gone; /* deleted, or a flush came after it: it need not be read any more */
} pair_said;

typedef struct {
  world *w; /* peer 0: the library */
  foreign *f;
  foreign_profile profile;
  strict_watch *watch;
  int64_t foreign_user;
  int foreign_device;
  int32_t chat_id;
  pair_said *here, *there;   /* the texts of the library, of the foreign client */
  int said_here, said_there; /* how many */
  size_t flushes;            /* of the peer, at the library */
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
/* With no faults any more, both talk on until each has read all the other has said, in order; fails after `rounds` rounds of two minutes.
 * 1, or 0 when the client has ended the chat by habit. */
int pair_settle(pair *p, int rounds);
void pair_restart_here(pair *p, int crash);
/* The texts said up to the last one that the library, that the foreign client has read. Checks that they came in order, once each, and that
 * none is left out but what is gone. */
int pair_read_here(const pair *p);
int pair_read_there(const pair *p);
void pair_delete_here(pair *p, int nth);
void pair_delete_there(pair *p, int nth);
void pair_flush_here(pair *p);
void pair_flush_there(pair *p);
/* 1 when the client has ended the chat without fault of the library (Android, S9). */
int pair_ended_by_habit(const pair *p);
/* Nobody has closed. */
void pair_open(const pair *p);
foreign_chat_view pair_view(const pair *p);
/* Prints what happened, for one who has to find out why. */
void pair_dump(const pair *p);

#endif
