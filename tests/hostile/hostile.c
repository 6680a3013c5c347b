/* SPDX-License-Identifier: BSL-1.0
 * hostile.c - a million wrong inputs and replays to a manager with live chats: none of them changes anything (R-DEC-07, R-SEQ-08, X-17).
 *
 * Usage: hostile [--inputs N] [--seed S] (1,000,000; 1). After every input: what is known of each chat is the same, no record but the
 * account's was written, no event but a rejection or typing was told, no request but the acknowledgement of the queue was made, and no
 * status was negative. At the end no more memory is held than at the beginning. Ends with 1 when anything else happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "pair.h"

#define CHATS 4u
#define WARM_UP 2000u
#define SHOWN 10u

typedef struct {
  pair pair;
  corpus corpus;
  attacker attacker;
  int32_t ids[CHATS];
  schat_chat_info infos[CHATS];
  int watching;
  int wrote; /* a record other than the account's */
  unsigned long changed;
} arena;

/* The chats ----------------------------------------------------------------------------------------------------------------- */

/* A message of the peer is lost for good, and so is the request for it: the next ones wait. */
static void make_gap(pair *p, int32_t chat_id) {
  relay_faults faults;
  memset(&faults, 0, sizeof faults);
  faults.drop_for_good = 1;
  relay_set_faults(p->server, &faults);
  pair_say(p, 1, chat_id, 7);
  memset(&faults, 0, sizeof faults);
  relay_set_faults(p->server, &faults);
  schat_message message;
  schat_message_init(&message);
  pair_must(schat_send(p->sides[1].manager, chat_id, &message, NULL, PAIR_NOW, NULL) == SCHAT_OK, "schat_send");
  pair_hand_over(p, &p->sides[1], 1);
  pair_receive(p, 0);
  faults.drop_for_good = 1;
  relay_set_faults(p->server, &faults);
  pair_settle(p);
}

static void make_chats(arena *w) {
  pair *p = &w->pair;
  for (size_t i = 0; i < CHATS; i++) {
    w->ids[i] = pair_chat(p, (int)(i % 2));
    for (size_t j = 0; j < 5; j++) {
      pair_say(p, 1, w->ids[i], 100 * j);
      pair_say(p, 0, w->ids[i], 10 * j);
    }
  }
  for (size_t j = 0; j < 60; j++) { /* this one has been through a change of keys */
    pair_say(p, 1, w->ids[1], j);
    pair_say(p, 0, w->ids[1], j);
  }
  pair_must(schat_chat_discard(p->sides[0].manager, w->ids[2], 0, PAIR_NOW) >= 0, "schat_chat_discard");
  pair_settle(p);
  make_gap(p, w->ids[3]);
}

static void check_chats(const arena *w) {
  pair_must(w->infos[0].state == SCHAT_STATE_READY && w->infos[1].state == SCHAT_STATE_READY, "two open chats");
  pair_must(w->infos[2].state == SCHAT_STATE_CLOSED && (w->infos[2].flags & SCHAT_CHAT_DISCARD_PENDING) == 0, "a closed chat");
  pair_must(w->infos[3].state == SCHAT_STATE_READY && w->infos[3].waiting > 0, "a chat with a gap");
}

/* What must not change ------------------------------------------------------------------------------------------------------ */

static void on_commit(void *arg, memstore *store, const schat_batch *batch, int stored) {
  arena *w = arg;
  (void)store;
  for (size_t i = 0; stored && w->watching && i < batch->record_count; i++) {
    if (batch->records[i].kind != SCHAT_RECORD_ACCOUNT) w->wrote = 1;
  }
}

static void note_infos(arena *w) {
  for (size_t i = 0; i < CHATS; i++) {
    SCHAT_INIT(w->infos[i]);
    pair_must(schat_chat_get_info(w->pair.sides[0].manager, w->ids[i], &w->infos[i]) == SCHAT_OK, "schat_chat_get_info");
  }
}

static int infos_differ(arena *w) {
  schat_chat_info info;
  size_t count = 0;
  if (schat_chat_list(w->pair.sides[0].manager, NULL, 0, &count) != SCHAT_OK || count != CHATS) return 1;
  for (size_t i = 0; i < CHATS; i++) {
    SCHAT_INIT(info);
    if (schat_chat_get_info(w->pair.sides[0].manager, w->ids[i], &info) != SCHAT_OK) return 1;
    if (memcmp(&info, &w->infos[i], sizeof info) != 0) return 1;
  }
  return 0;
}

static int event_is_harmless(const schat_event *event) {
  return event->type == SCHAT_EVENT_REJECTED || event->type == SCHAT_EVENT_TYPING;
}

/* The queue is acknowledged, and its position asked for: both are answered, as a server would. */
static void answer(arena *w, uint64_t token, int32_t type) {
  schat_answer done;
  schat_difference difference;
  schat_manager *m = w->pair.sides[0].manager;
  SCHAT_INIT(done);
  SCHAT_INIT(difference);
  done.type = SCHAT_ANSWER_DONE;
  if (type == SCHAT_REQUEST_RECEIVED_QUEUE) {
    pair_must(schat_request_done(m, token, &done, PAIR_NOW) >= 0, "schat_request_done");
    return;
  }
  difference.qts = 1000;
  difference.date = (int32_t)(PAIR_NOW / 1000);
  pair_must(schat_input_difference(m, &difference, PAIR_NOW) >= 0, "schat_input_difference");
}

/* 0 when an effect came that must not have come. */
static int effects_are_harmless(arena *w) {
  schat_manager *m = w->pair.sides[0].manager;
  schat_effect effect;
  int harmless = 1;
  SCHAT_INIT(effect);
  while (schat_peek(m, &effect) == SCHAT_OK) {
    int32_t type = effect.request != NULL ? effect.request->type : 0;
    uint64_t token = effect.request != NULL ? effect.request->token : 0;
    if (effect.event != NULL && !event_is_harmless(effect.event)) harmless = 0;
    pair_must(schat_pop(m) == SCHAT_OK, "schat_pop");
    if (type == SCHAT_REQUEST_RECEIVED_QUEUE || type == SCHAT_REQUEST_GET_DIFFERENCE) {
      answer(w, token, type);
    } else if (type != 0) {
      harmless = 0;
    }
  }
  return harmless;
}

static void show(arena *w, unsigned long input, int status, int harmless, int differ) {
  if (w->changed++ >= SHOWN) return;
  printf("input %lu: status %s%s%s%s\n", input, schat_status_name(status), w->wrote ? ", a record was written" : "",
         harmless ? "" : ", an effect came", differ ? ", a chat changed" : "");
}

static void one_input(arena *w, unsigned long number) {
  w->wrote = 0;
  int status = attack(&w->attacker);
  int harmless = effects_are_harmless(w);
  int differ = infos_differ(w);
  if (status != 0 || !harmless || differ || w->wrote) show(w, number, status, harmless, differ);
  if (differ) note_infos(w); /* each change counts once */
  if (memstore_unsynced(w->pair.sides[0].store) > 1000) memstore_sync(w->pair.sides[0].store);
}

/* ----------------------------------------------------------------------------------------------------------------------------- */

/* What is handed over is forgotten with the next commit, which must not be that of an input. */
static void settle_store(arena *w) {
  schat_manager *m = w->pair.sides[0].manager;
  pair_must(schat_chat_set_verified(m, w->ids[0], 1, PAIR_NOW) == SCHAT_OK, "schat_chat_set_verified");
  pair_hand_over(&w->pair, &w->pair.sides[0], 0);
}

static void prepare(arena *w, uint64_t seed) {
  pair_begin(&w->pair, seed);
  w->pair.tap = corpus_add;
  w->pair.tap_arg = &w->corpus;
  make_chats(w);
  settle_store(w);
  note_infos(w);
  check_chats(w);
  corpus_write_tl(&w->corpus);
  memstore_on_commit(w->pair.sides[0].store, on_commit, w);
  w->attacker.manager = w->pair.sides[0].manager;
  w->attacker.corpus = &w->corpus;
  w->attacker.random.state = seed;
  w->attacker.now = PAIR_NOW;
  w->attacker.chat_ids = w->ids;
  w->attacker.chat_count = CHATS;
  w->watching = 1;
}

static int run(arena *w, unsigned long inputs) {
  size_t before = w->pair.sides[0].heap.bytes, after;
  for (unsigned long i = 0; i < inputs; i++) {
    one_input(w, i);
    if (i == WARM_UP) before = w->pair.sides[0].heap.bytes;
  }
  after = w->pair.sides[0].heap.bytes;
  size_t grown = after > before ? after - before : 0;
  printf("%lu inputs, %lu changed, %lu bytes grown\n", inputs, w->changed, (unsigned long)grown);
  return w->changed == 0 && grown == 0;
}

/* 0 when the word is missing or no number. */
static int number_after(int argc, char **argv, int *i, unsigned long long *number) {
  char *end = NULL;
  if (++*i >= argc) return 0;
  *number = strtoull(argv[*i], &end, 10);
  return end != argv[*i] && *end == '\0';
}

int main(int argc, char **argv) {
  static arena w;
  unsigned long long inputs = 1000000, seed = 1;
  for (int i = 1; i < argc; i++) {
    unsigned long long *to = strcmp(argv[i], "--inputs") == 0 ? &inputs : strcmp(argv[i], "--seed") == 0 ? &seed : NULL;
    if (to == NULL || !number_after(argc, argv, &i, to)) {
      fprintf(stderr, "usage: %s [--inputs N] [--seed S]\n", argv[0]);
      return 2;
    }
  }
  prepare(&w, seed);
  int good = run(&w, (unsigned long)inputs);
  pair_end(&w.pair);
  corpus_free(&w.corpus);
  return good ? 0 : 1;
}
