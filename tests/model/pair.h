/* SPDX-License-Identifier: BSL-1.0
 * pair.h - two accounts of the library beside the model's two endpoints. */
#ifndef TESTS_MODEL_PAIR_H
#define TESTS_MODEL_PAIR_H

#include <stdint.h>

#define NUMBERS_OF_A_SIDE 16u

/* The bounds of a search, in the order of their names in model_replay.c: MESSAGES ... EAGER. */
typedef struct {
  uint8_t of[9];
} replay_bounds;
extern replay_bounds bounds;

typedef enum {
  STEP_SEND,
  STEP_UNANSWERED,
  STEP_DELIVER,
  STEP_LOSE,
  STEP_COPY,
  STEP_SAY,
  STEP_REKEY,
  STEP_CRASH,
  STEP_PASS,
  STEP_KINDS
} step_kind;

typedef struct {
  step_kind kind;
  unsigned side, raw; /* raw: or the exchange_id */
} pair_move;

typedef struct pair pair;

pair *pair_new(uint64_t seed);
void pair_free(pair *p);
int pair_may(const pair *p, const pair_move *s);
/* Both take a step; skip: only the model does. What differs afterwards, or NULL. */
const char *pair_step(pair *p, const pair_move *s, int skip);
const char *pair_compare(pair *p);
/* 1 when the last step has changed what is compared. */
int pair_has_changed(const pair *p);
/* 1 when the model has come to the end of its numbers or keys. */
int pair_is_over(const pair *p);

#endif
