/* SPDX-License-Identifier: BSL-1.0
 * machine.c - what befalls a machine: time, crashes, memory that ends, a store that fails, lags and loses; and the choices all files share. */
#include "ops.h"

/* Choices ------------------------------------------------------------------------------------------------------------------- */

int32_t op_chat_id(const bench *b, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  const schat__table *table = &b->manager->env.table;
  size_t at = 0, nth = how / 8;
  if (how < 128) return bench_chat_ids()[how % BENCH_CHATS];
  if (how >= 248 || table->count == 0) return fuzz_int(in);
  const schat__slot *slot = schat__table_next(table, &at);
  for (nth %= table->count; nth > 0; nth--) slot = schat__table_next(table, &at);
  return slot->chat.chat_id;
}

int64_t op_random_id(const bench *b, int32_t chat_id, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  const schat__slot *slot = schat__table_find(&b->manager->env.table, chat_id);
  const schat__item_kind kind = how % 2 != 0 ? SCHAT__TIMER : SCHAT__OUTBOX;
  if (how < 64) return 500 + how;
  if (slot == NULL || how >= 240 || schat__count(slot, kind) == 0) return fuzz_long(in);
  const schat__item *item = schat__item_at(slot, kind, how % schat__count(slot, kind));
  return kind == SCHAT__TIMER ? item->key : item->u.out.random_id;
}

int32_t op_qts(const bench *b, uint32_t further) {
  const int64_t qts = (int64_t)b->manager->env.account.qts + further;
  return qts > INT32_MAX ? INT32_MAX : (int32_t)qts;
}

void op_must_be_taken(const bench *b, int status) {
  FUZZ_MUST(status >= 0 || bench_excused(b));
}

/* Misfortunes --------------------------------------------------------------------------------------------------------------- */

static void arm(bench_fault *fault, fuzz_input *in) {
  const unsigned how = fuzz_take8(in);
  fault->n = how % 64;
  fault->for_ever = how >= 192;
}

static void pass_time(bench *b, fuzz_input *in) {
  static const int64_t steps[] = {
      1, 1000, 60000, 3600000, 86400000, 7 * INT64_C(86400000), 400 * INT64_C(86400000), -1, -3600000, -40 * INT64_C(86400000)};
  const unsigned how = fuzz_take8(in);
  b->now += steps[how % (sizeof steps / sizeof steps[0])] * (1 + how / 64);
  if (how == 255) b->now = fuzz_long(in) & INT64_MAX;
  if (b->now <= 0 || b->now > SCHAT__NOW_MAX) b->now = 1790000000000;
}

/* After a tick nothing is due at that moment, unless callbacks have done something: a host that does as it is told comes to rest. */
static void tick(bench *b) {
  int64_t deadline = 0;
  int status = BENCH_CALL(b, schat_tick(b->manager, b->now));
  FUZZ_MUST(status == SCHAT_OK || status == SCHAT_PENDING || bench_excused(b));
  if (status == SCHAT_OK && b->manager->depth == 0 && b->shown == b->shown_before) {
    FUZZ_MUST(schat_next_deadline(b->manager, &deadline) == SCHAT_OK && deadline > b->now);
  }
}

/* Batches take effect in their order: a store that has some on their way cannot finish the next at once. */
static void lag(bench *b, int pending) {
  if (pending || memstore_pending(b->store) == 0) memstore_set_pending(b->store, pending);
}

/* The store makes its oldest batch durable, or loses it and with it all later ones. */
static void settle(bench *b, int lost) {
  if (memstore_pending(b->store) == 0) return;
  const uint64_t ticket = memstore_complete(b->store, lost ? SCHAT_E_STORE : SCHAT_OK);
  int status = schat_commit_done(b->manager, ticket, lost ? SCHAT_E_STORE : SCHAT_OK);
  FUZZ_MUST(status == (lost ? SCHAT_E_POISONED : SCHAT_OK) || b->manager->poisoned);
}

static void group(bench *b, int end) {
  int status = end && b->manager->depth > 0 ? SCHAT_OK : BENCH_CALL(b, schat_begin(b->manager));
  FUZZ_MUST(status == SCHAT_OK || bench_excused(b));
  if (!end) return;
  status = schat_end(b->manager, b->now);
  bench_trace(b, "schat_end", status);
  FUZZ_MUST(status >= 0 || bench_excused(b));
}

/* Closing from a callback does nothing. */
static void restart(bench *b, int crash) {
  if (b->nested) {
    schat_close(b->manager);
  } else {
    bench_restart(b, crash);
  }
}

void op_machine(bench *b, fuzz_input *in) {
  const unsigned which = fuzz_take8(in) % 16;
  bench_trace(b, "machine", (int)which);
  switch (which) {
    case 0:
    case 1:
      pass_time(b, in);
      break;
    case 2:
    case 3:
    case 4:
      tick(b);
      break;
    case 5:
      arm(&b->memory, in);
      break;
    case 6:
      arm(&b->commit, in);
      break;
    case 7:
      arm(&b->randomness, in);
      break;
    case 8:
    case 9:
      restart(b, which == 8);
      break;
    case 10:
      lag(b, fuzz_take8(in) & 1);
      break;
    case 11:
      settle(b, fuzz_take8(in) >= 240);
      break;
    case 12:
      group(b, 0);
      break;
    case 13:
      group(b, 1);
      break;
    default:
      bench_drain(b);
  }
}
