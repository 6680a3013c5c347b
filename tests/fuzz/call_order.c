/* SPDX-License-Identifier: BSL-1.0
 * call_order.c - target: a careless host. Calls in any order and from inside callbacks, groups left open, tickets that were never given, NULL
 * where an argument is needed: a status says so, and nothing has changed.
 *
 * Input: policy, then steps; callbacks take their own from the same row. */
#include <string.h>

#include "bench/ops.h"
#include "fuzz.h"

#define STEPS_MAX 40u
#define DEPTH_MAX 3

static bench b;
static fuzz_input input;

/* NULL ---------------------------------------------------------------------------------------------------------------------- */

static int no_manager(unsigned which) {
  static const schat_chat_update update;
  int32_t id = 0;
  int64_t deadline = 0;
  size_t count = 0;
  switch (which % 10) {
    case 0:
      return schat_tick(NULL, b.now);
    case 1:
      return schat_chat_create(NULL, 1, b.now, &id);
    case 2:
      return schat_input_chat(NULL, &update, b.now);
    case 3:
      return schat_begin(NULL);
    case 4:
      return schat_end(NULL, b.now);
    case 5:
      return schat_next_deadline(NULL, &deadline);
    case 6:
      return schat_chat_list(NULL, &id, 1, &count);
    case 7:
      return schat_wipe(NULL, b.now);
    case 8:
      return schat_commit_done(NULL, 1, SCHAT_OK);
    default:
      schat_close(NULL);
      return schat_pop(NULL);
  }
}

static int no_argument(unsigned which, int32_t chat_id) {
  schat_manager *m = b.manager;
  switch (which % 16) {
    case 0:
      return schat_chat_create(m, 1, b.now, NULL);
    case 1:
      return schat_send(m, chat_id, NULL, NULL, b.now, NULL);
    case 2:
      return schat_messages_opened(m, chat_id, NULL, 1, b.now);
    case 3:
      return schat_messages_closed(m, chat_id, NULL, 1, b.now);
    case 4:
      return schat_messages_delete(m, chat_id, NULL, 1, 0, b.now);
    case 5:
      return schat_screenshot(m, chat_id, NULL, 1, 0, b.now);
    case 6:
      return schat_input_chat(m, NULL, b.now);
    case 7:
      return schat_input_message(m, NULL, 1, b.now);
    case 8:
      return schat_input_difference(m, NULL, b.now);
    case 9:
      return schat_checkpoint(m, NULL, NULL);
    case 10:
      return schat_request_done(m, 1, NULL, b.now);
    case 11:
      return schat_next_deadline(m, NULL);
    case 12:
      return schat_peek(m, NULL);
    case 13:
      return schat_chat_get_info(m, chat_id, NULL);
    case 14:
      return schat_chat_list(m, NULL, 1, NULL);
    default:
      return schat_get_stats(m, NULL);
  }
}

static void give_nothing(fuzz_input *in) {
  const unsigned which = fuzz_take8(in);
  const int32_t chat_id = op_chat_id(&b, in);
  if (which < 64) {
    FUZZ_MUST(no_manager(which) < 0);
    return;
  }
  FUZZ_MUST(BENCH_CALL(&b, no_argument(which, chat_id)) < 0);
}

/* Times, sizes, tickets ----------------------------------------------------------------------------------------------------- */

static void give_wrong(fuzz_input *in) {
  static const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX, SCHAT__NOW_MAX + 1};
  const unsigned which = fuzz_take8(in);
  const int64_t wrong = times[which % 5];
  const int32_t chat_id = op_chat_id(&b, in);
  schat_message message;
  schat_message_init(&message);
  if (which < 100) {
    FUZZ_MUST(BENCH_CALL(&b, schat_tick(b.manager, wrong)) < 0);
    FUZZ_MUST(BENCH_CALL(&b, schat_send(b.manager, chat_id, &message, NULL, wrong, NULL)) < 0);
    FUZZ_MUST(BENCH_CALL(&b, schat_end(b.manager, wrong)) < 0);
  } else if (which < 150) {
    message.size -= which - 99;
    FUZZ_MUST(BENCH_CALL(&b, schat_send(b.manager, chat_id, &message, NULL, b.now, NULL)) < 0);
  } else if (which < 200) {
    const uint64_t ticket = fuzz_take64(in);
    if (b.manager->pending_count == 0 || b.manager->pending[0].ticket != ticket) {
      FUZZ_MUST(BENCH_CALL(&b, schat_commit_done(b.manager, ticket, SCHAT_OK)) < 0);
    }
  } else if (b.manager->depth == 0) {
    FUZZ_MUST(BENCH_CALL(&b, schat_end(b.manager, b.now)) < 0);
  }
}

/* Steps --------------------------------------------------------------------------------------------------------------------- */

static void step(fuzz_input *in) {
  const unsigned what = fuzz_take8(in);
  if (what < 40) {
    op_peer(&b, in, 0);
  } else if (what < 100) {
    op_fact(&b, in);
  } else if (what < 160) {
    op_command(&b, in);
  } else if (what < 185) {
    give_nothing(in);
  } else if (what < 210) {
    give_wrong(in);
  } else {
    op_machine(&b, in);
  }
}

/* A host that goes on calling from inside its callbacks. The call that is under way outside keeps what was known of it. */
static void called_back(void) {
  const bench outside = b;
  b.shown++;
  if (b.nested >= DEPTH_MAX || fuzz_take8(&input) < 128) return;
  b.nested++;
  step(&input);
  b.nested--;
  b.what = outside.what;
  b.before = outside.before;
  b.commits_before = outside.commits_before;
  b.shown_before = outside.shown_before;
  b.poisoned_before = outside.poisoned_before;
  b.memory.met |= outside.memory.met;
  b.randomness.met |= outside.randomness.met;
  b.commit.met |= outside.commit.met;
}

static void on_request(void *user_data, const schat_request *request) {
  FUZZ_MUST(user_data == &b && request != NULL && request->size == sizeof *request);
  called_back();
}

static void on_event(void *user_data, const schat_event *event) {
  FUZZ_MUST(user_data == &b && event != NULL && event->size == sizeof *event);
  called_back();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static schat_host host;
  input.data = data;
  input.size = size;
  SCHAT_INIT(host);
  host.request = on_request;
  host.event = on_event;
  const unsigned flags = fuzz_take8(&input);
  b.host = fuzz_take8(&input) < 224 ? &host : NULL;
  bench_begin(&b, fuzz_digest(data, size), fuzz_take8(&input) >= 240, flags);
  for (unsigned i = 0; i < STEPS_MAX && input.size > 0; i++) step(&input);
  input.size = 0;
  bench_end(&b);
  return 0;
}
