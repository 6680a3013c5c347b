/* SPDX-License-Identifier: BSL-1.0
 * peer.c - a peer that holds every key there is: authentic messages with any numbers and any content; see ops.h. */
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "ops.h"

#define TEXT_MAX 600u
#define IDS_MAX 6u
#define KEPT 32u

static puppet *peer(void) {
  static puppet p;
  p.crypto = fuzz_crypto(77);
  if (p.arena.limit == 0) schat__arena_init(&p.arena, NULL, (size_t)1 << 24);
  puppet_forget(&p);
  return &p;
}

/* Keys ---------------------------------------------------------------------------------------------------------------------- */

/* What the peer's exponent and the library's last public value come to; 0 when there is none. */
static int next_key(const schat__slot *slot, unsigned pair, uint8_t key[SCHAT__DH_SIZE], int64_t *fingerprint) {
  schat__crypto *crypto = fuzz_crypto(77);
  if (slot->secrets == NULL) return 0;
  FUZZ_MUST(schat__dh_key(crypto, desk_prime(), slot->secrets->own, bench_exponent(pair), key) == SCHAT_OK);
  FUZZ_MUST(schat__key_fingerprint(crypto, key, fingerprint) == SCHAT_OK);
  return 1;
}

static void choose_key(puppet *p, const schat__slot *slot, unsigned how) {
  memcpy(p->key, slot->chat.key, sizeof p->key);
  p->key_fingerprint = slot->chat.key_fingerprint;
  if (slot->secrets == NULL || how < 200) return;
  if (how < 230 && (slot->secrets->has & SCHAT__HAS_NEXT) != 0) {
    memcpy(p->key, slot->secrets->next, sizeof p->key);
    p->key_fingerprint = slot->secrets->next_fingerprint;
  } else if (how < 250 && (slot->secrets->has & SCHAT__HAS_PREVIOUS) != 0) {
    memcpy(p->key, slot->secrets->previous, sizeof p->key);
    p->key_fingerprint = slot->secrets->previous_fingerprint;
  } else if (how >= 254) {
    (void)next_key(slot, how, p->key, &p->key_fingerprint);
  }
}

/* What is said -------------------------------------------------------------------------------------------------------------- */

static int64_t exchange_id(const schat__slot *slot, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  if (how < 128 && slot->secrets != NULL) return slot->secrets->exchange_id;
  if (how < 140) return slot->chat.last_exchange;
  if (how < 160 && slot->secrets != NULL) return slot->secrets->exchange_id + (how < 150 ? 1 : -1);
  return fuzz_long(in);
}

static schat_bytes public_value(const schat__slot *slot, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  schat_bytes g = {bench_value(how), SCHAT__DH_SIZE};
  if (how >= 224) g = fuzz_bytes(in, 300);
  if (how >= 216 && how < 224 && slot->secrets != NULL) g.data = slot->secrets->own;
  return g;
}

static void say_key(const schat__slot *slot, fuzz_input *in, schat__action *a) {
  uint8_t key[SCHAT__DH_SIZE];
  const unsigned how = fuzz_take8(in);
  a->type = (schat__action_type)(SCHAT__ACTION_REQUEST_KEY + fuzz_below(in, 4));
  a->exchange_id = exchange_id(slot, in);
  if (a->type == SCHAT__ACTION_REQUEST_KEY || a->type == SCHAT__ACTION_ACCEPT_KEY) a->g = public_value(slot, in);
  if (a->type == SCHAT__ACTION_COMMIT_KEY && slot->secrets != NULL) a->key_fingerprint = slot->secrets->next_fingerprint;
  if (a->type == SCHAT__ACTION_ACCEPT_KEY && a->g.data == bench_value(how)) (void)next_key(slot, how, key, &a->key_fingerprint);
  if (how >= 240) a->key_fingerprint = fuzz_long(in);
}

static void say_resend(const schat__slot *slot, fuzz_input *in, schat__action *a, int of_originator) {
  const int32_t first = slot->chat.out_seq - fuzz_int(in) % 64, span = fuzz_int(in) % 64;
  a->type = SCHAT__ACTION_RESEND;
  a->start = fuzz_take8(in) < 230 ? schat__wire_out(first, of_originator) : fuzz_int(in);
  a->end = fuzz_take8(in) < 230 ? (int32_t)((uint32_t)a->start + 2u * (uint32_t)span) : fuzz_int(in);
}

static void say_other(const bench *b, const schat__slot *slot, fuzz_input *in, schat__action *a) {
  static int64_t ids[IDS_MAX];
  static const schat__action_type types[] = {SCHAT__ACTION_SET_TTL,    SCHAT__ACTION_READ,  SCHAT__ACTION_DELETE,
                                             SCHAT__ACTION_SCREENSHOT, SCHAT__ACTION_FLUSH, SCHAT__ACTION_NOTIFY_LAYER,
                                             SCHAT__ACTION_TYPING,     SCHAT__ACTION_NOOP};
  a->type = types[fuzz_below(in, sizeof types / sizeof types[0])];
  a->ttl = fuzz_int(in);
  a->layer = fuzz_take8(in) < 128 ? (int32_t)fuzz_take8(in) : fuzz_int(in);
  a->typing = fuzz_take8(in) & 1;
  a->random_ids = ids;
  a->random_id_count = fuzz_below(in, IDS_MAX + 1);
  for (size_t i = 0; i < a->random_id_count; i++) ids[i] = op_random_id(b, slot->chat.chat_id, in);
}

static schat_bytes say_text(puppet *p, const bench *b, const schat__slot *slot, fuzz_input *in) {
  char text[TEXT_MAX + 1];
  const int32_t ttl = fuzz_int(in);
  const int64_t random_id = op_random_id(b, slot->chat.chat_id, in);
  const schat_bytes bytes = fuzz_bytes(in, TEXT_MAX);
  for (size_t i = 0; i < bytes.size; i++) text[i] = (char)(bytes.data[i] | (bytes.data[i] == 0));
  text[bytes.size] = '\0';
  return puppet_text(p, random_id == 0 ? 1 : random_id, text, ttl);
}

static schat_bytes content(puppet *p, const bench *b, const schat__slot *slot, fuzz_input *in, int only_keys) {
  const unsigned what = fuzz_take8(in);
  schat__action action;
  memset(&action, 0, sizeof action);
  action.random_id = op_random_id(b, slot->chat.chat_id, in);
  if (!only_keys && what >= 192) {
    const schat_bytes raw = fuzz_bytes(in, TEXT_MAX);
    const schat_bytes whole = {raw.data, raw.size / 4 * 4};
    return whole;
  }
  if (!only_keys && what >= 128) return say_text(p, b, slot, in);
  if (!only_keys && what >= 80) {
    say_other(b, slot, in, &action);
  } else if (what < 60) {
    say_key(slot, in, &action);
  } else if (what < 72) {
    say_resend(slot, in, &action, !p->originator);
  } else {
    action.type = SCHAT__ACTION_NOOP;
  }
  return puppet_action(p, &action);
}

/* Sealing ------------------------------------------------------------------------------------------------------------------- */

/* Mostly the next message of a peer that has received everything. */
static void choose_numbers(const puppet *p, const schat__slot *slot, fuzz_input *in, int32_t *wire_in, int32_t *wire_out) {
  const unsigned how = fuzz_take8(in);
  int32_t in_raw = slot->chat.out_seq, out_raw = slot->chat.in_seq;
  if (how & 1) in_raw = slot->chat.peer_in_seq;
  if (how >= 128 && how < 192) out_raw += (int32_t)(fuzz_take8(in) % 16) - 4;
  if (how >= 192 && how < 224) in_raw += (int32_t)(fuzz_take8(in) % 16) - 8;
  *wire_in = schat__wire_in(in_raw, p->originator);
  *wire_out = schat__wire_out(out_raw, p->originator);
  if (how >= 248) *wire_in = fuzz_int(in);
  if (how >= 252) *wire_out = fuzz_int(in);
}

schat_bytes op_seal(const bench *b, int32_t chat_id, fuzz_input *in, int only_keys) {
  static uint8_t *kept[KEPT]; /* calls from inside callbacks seal, too */
  static unsigned next;
  const schat__slot *slot = schat__table_find(&b->manager->env.table, chat_id);
  schat_bytes sealed = {NULL, 0};
  puppet *p = peer();
  int32_t wire_in, wire_out;
  if (slot == NULL || slot->chat.key_since == 0 || slot->chat.state == SCHAT_STATE_CLOSED) return sealed;
  const unsigned how = fuzz_take8(in);
  p->originator = !schat__is_originator(&slot->chat) ^ (how == 255);
  p->layer = how < 200 ? 144 : how < 230 ? 73 : fuzz_int(in);
  p->random_bytes = how < 240 ? 31 : fuzz_take8(in);
  p->mtproto = how >= 245 ? 1 : 2;
  choose_key(p, slot, fuzz_take8(in));
  choose_numbers(p, slot, in, &wire_in, &wire_out);
  const schat_bytes object = content(p, b, slot, in, only_keys);
  next = (next + 1) % KEPT;
  free(kept[next]);
  kept[next] = puppet_seal(p, wire_in, wire_out, object, &sealed.size);
  sealed.data = kept[next];
  return sealed;
}

void op_peer(bench *b, fuzz_input *in, int only_keys) {
  schat_encrypted_message message;
  SCHAT_INIT(message);
  message.chat_id = op_chat_id(b, in);
  message.date = (int32_t)(b->now / 1000);
  message.bytes = op_seal(b, message.chat_id, in, only_keys);
  if (message.bytes.size == 0) return;
  const unsigned how = fuzz_take8(in);
  if (how >= 200) message.file.id = how;
  const int32_t qts = how < 128 ? op_qts(b, 1) : how < 200 ? 0 : fuzz_int(in);
  op_must_be_taken(b, BENCH_CALL(b, schat_input_message(b->manager, &message, qts, b->now)));
  if (how % 4 != 3) return;
  op_must_be_taken(b, BENCH_CALL(b, schat_input_message(b->manager, &message, qts, b->now))); /* the same once more */
}
