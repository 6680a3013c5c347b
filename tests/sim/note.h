/* SPDX-License-Identifier: BSL-1.0
 * note.h - what one batch says, for the ledger and the application's log, until it is durable. */
#ifndef TESTS_SIM_NOTE_H
#define TESTS_SIM_NOTE_H

#include "sim.h"

#define NOTE_IDS 16u
#define NOTE_KEYS 4u

typedef struct {
  int32_t chat_id, raw, in_seq;
  int64_t random_id;
  int64_t at; /* true time */
  uint64_t content;
  int erased, answers; /* answers: a Noop for what the peer has confirmed (D-07) */
} note_made_item;

typedef struct {
  int32_t chat_id;
  uint8_t state, reason, originator, rekeying;
  uint8_t key_hash[SCHAT_KEY_HASH_SIZE];
  sim_key keys[NOTE_KEYS]; /* all there are after this batch */
  size_t key_count;
} note_state;

typedef struct {
  int32_t type, chat_id, date, value, place, reason;
  uint64_t id;
  int64_t random_id, ids[NOTE_IDS];
  size_t id_count;
  char text[SIM_TEXT_SIZE];
} note_logged;

struct sim_batch_note {
  struct sim_batch_note *all;
  sim_batch_note *next;
  note_made_item *made;
  note_state *states;
  note_logged *logged;
  int64_t *gone;
  size_t made_count, made_capacity, state_count, state_capacity, logged_count, logged_capacity, gone_count, gone_capacity;
};

static inline int note_has_messages(const sim_batch_note *n) { return n->made_count > 0; }
void note_event(note_logged *e, const schat_event *event);
void note_gone(sim_batch_note *n, int64_t random_id);

/* log.c: the application's durable log */
void sim_log(sim_device *d, const note_logged *e);
void sim_is_gone(sim_device *d, int64_t random_id);

#endif
