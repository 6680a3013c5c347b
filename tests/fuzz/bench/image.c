/* SPDX-License-Identifier: BSL-1.0
 * image.c - makes the store of an account that has lived: chats of every state, a gap, a rekeying, clocks that run, messages not confirmed. */
#include "image.h"

#include <string.h>

#include "bench.h"
#include "desk.h"
#include "world.h"

static struct {
  memstore *store;
  int64_t now, user_id, peer_id;
  int32_t ids[BENCH_CHATS];
  uint8_t exponents[BENCH_PAIRS][SCHAT__DH_SIZE], values[BENCH_PAIRS][SCHAT__DH_SIZE];
} made;

static int32_t asked(world *w, size_t from, size_t to) {
  int32_t id = 0;
  FUZZ_MUST(schat_chat_create(w->peers[from].manager, w->peers[to].user_id, w->now, &id) == SCHAT_OK);
  world_run(w);
  return id;
}

static void talk(world *w, int32_t chat_id, int confirmed) {
  for (size_t i = 0; i < 4; i++) {
    FUZZ_MUST(world_text_ttl(w, i % 2, chat_id, "as it was", (int32_t)(i * 30), NULL) >= 0);
    world_run(w);
  }
  FUZZ_MUST(schat_messages_read(w->peers[0].manager, chat_id, INT32_MAX, w->now) >= 0);
  world_run(w);
  if (confirmed) return;
  w->peers[1].deaf = 1;
  for (size_t i = 0; i < 3; i++) FUZZ_MUST(world_text(w, 0, chat_id, "not confirmed", NULL) >= 0);
  world_run(w);
  w->peers[1].deaf = 0;
}

/* Two messages of the peer behind one that never came. */
static void make_gap(world *w, int32_t chat_id) {
  puppet *p = puppet_new(w->peers[0].manager, chat_id);
  p->out_raw++;
  FUZZ_MUST(puppet_send_text(p, w->peers[0].manager, 501, "behind", 0, w->now) == SCHAT_WAITING);
  FUZZ_MUST(puppet_send_text(p, w->peers[0].manager, 502, "further behind", 30, w->now) == SCHAT_WAITING);
  puppet_free(p);
}

/* More messages than a key may seal: the next one is asked for, and the peer does not answer. */
static void ask_for_key(world *w, int32_t chat_id) {
  w->peers[1].deaf = 1;
  for (size_t i = 0; i < 8; i++) FUZZ_MUST(world_text(w, 0, chat_id, "worn out", NULL) >= 0);
  world_run(w);
  FUZZ_MUST((world_info(w, 0, chat_id).flags & SCHAT_CHAT_REKEYING) != 0);
  w->peers[1].deaf = 0;
}

static void make_chats(world *w) {
  made.ids[0] = world_chat(w, 0, 1);
  talk(w, made.ids[0], 1);
  made.ids[1] = world_chat(w, 1, 0);
  talk(w, made.ids[1], 0);
  made.ids[2] = world_chat(w, 1, 0);
  make_gap(w, made.ids[2]);
  made.ids[3] = world_chat(w, 0, 1);
  ask_for_key(w, made.ids[3]);
  made.ids[4] = asked(w, 1, 0);
  made.ids[5] = asked(w, 0, 1);
  made.ids[7] = world_chat(w, 0, 1);
  FUZZ_MUST(world_text_ttl(w, 0, made.ids[7], "lives on", 1000, NULL) >= 0);
  world_run(w);
  FUZZ_MUST(schat_chat_discard(w->peers[0].manager, made.ids[7], 0, w->now) >= 0);
  world_run(w);
  w->peers[0].hold = 1;
  made.ids[6] = asked(w, 0, 1);
}

static void make_pairs(void) {
  for (unsigned i = 0; i < BENCH_PAIRS; i++) {
    FUZZ_MUST(schat__dh_generate(fuzz_crypto(100 + i), desk_prime(), 3, NULL, 0, made.exponents[i], made.values[i]) == SCHAT_OK);
  }
}

static void make(void) {
  if (made.store != NULL) return;
  world *w = world_new(21, 2);
  w->peers[0].policy.rekey_messages = 8;
  world_restart(w, 0, 0);
  world_run(w);
  make_chats(w);
  made.store = world_image(w, 0);
  made.now = w->now;
  made.user_id = w->peers[0].user_id;
  made.peer_id = w->peers[1].user_id;
  world_free(w);
  make_pairs();
}

const memstore *image_store(void) {
  make();
  return made.store;
}

int64_t image_now(void) {
  make();
  return made.now;
}

const int32_t *bench_chat_ids(void) {
  make();
  return made.ids;
}

int64_t bench_user_id(void) {
  make();
  return made.user_id;
}

int64_t bench_peer_id(void) {
  make();
  return made.peer_id;
}

const uint8_t *bench_value(unsigned pair) {
  make();
  return made.values[pair % BENCH_PAIRS];
}

const uint8_t *bench_exponent(unsigned pair) {
  make();
  return made.exponents[pair % BENCH_PAIRS];
}
