/* SPDX-License-Identifier: BSL-1.0
 * hostcalls.c - see hostcalls.h.
 *
 * How a call fails: commit and scan answer a status, the random source too; the counter does not know. A request is refused by the
 * server, at once and from inside the callback. The application cannot refuse an event, but it calls back while it has it, and that call
 * meets a store that is full. */
#include "hostcalls.h"

#include "applog.h"
#include "memory.h"
#include "plant.h"
#include "trail.h"

#define REFUSALS_MAX 3000

static int fails(fault_mode mode) { return mode == MODE_ONCE || mode == MODE_FOR_EVER; }

/* The host --------------------------------------------------------------------------------------------------------------------- */

static int fill(void *user_data, uint8_t *out, size_t size) {
  bench *b = user_data;
  const fault_mode mode = bench_site(b, SITE_RANDOM);
  size_t i;
  if (fails(mode)) return -1;
  for (i = 0; i < size; i++) {
    b->random_state = b->random_state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    out[i] = (uint8_t)(b->random_state >> 33);
  }
  bench_crash_after(b, mode);
  return 0;
}

/* The server says that it cannot now; every other time that it could be asked again at once. */
static void refuse(bench *b, const schat_request *request) {
  const uint64_t token = request->token;
  int status;
  MUST(++b->refusals < REFUSALS_MAX, "what is refused is asked again without end");
  do {
    status = schat_request_failed(b->m, token, b->refusals % 2 ? 500 : 420, b->refusals % 2 ? "INTERNAL" : "FLOOD_WAIT_0", b->w->now);
  } while (plant_is(PLANT_ENDLESS) && ++b->refusals < REFUSALS_MAX);
  MUST(b->refusals < REFUSALS_MAX, "what is refused is asked again without end");
  MUST(status >= 0, "a refusal fails with %s", schat_status_name(status));
}

/* And that it never will. Where saying so fails, it is said again. */
static void refuse_for_good(bench *b, uint64_t token) {
  int failures = 0, status;
  while ((status = schat_request_failed(b->m, token, 400, "MESSAGE_EMPTY", b->w->now)) < 0) {
    MUST(explore_met() && failures < 4, "a refusal fails with %s", schat_status_name(status));
    if (++failures == 3) explore_repair();
  }
}

static void on_request(void *user_data, const schat_request *request) {
  bench *b = user_data;
  const int inside = memory_inside;
  const fault_mode mode = bench_site(b, SITE_REQUEST);
  memory_inside = 0;
  b->callbacks++;
  trail_note(b, request);
  if (request->random_id == b->refused_id && request->type == SCHAT_REQUEST_SEND_ENCRYPTED && b->refused_id != 0) {
    refuse_for_good(b, request->token);
  } else if (fails(mode)) {
    refuse(b, request);
  } else if (!plant_is(PLANT_STUCK) || !explore_met()) {
    relay_request(b->w->relay, b->w->peers[0].device, request, b->w->now);
  }
  bench_crash_after(b, mode);
  memory_inside = inside;
}

static void on_event(void *user_data, const schat_event *event) {
  bench *b = user_data;
  const int inside = memory_inside;
  const fault_mode mode = bench_site(b, SITE_EVENT);
  memory_inside = 0;
  b->callbacks++;
  if (!(b->policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT)) applog_note(b, event);
  if (fails(mode)) {
    int status;
    b->fail_next_commit = 1;
    status = schat_tick(b->m, b->w->now);
    MUST(status == SCHAT_OK || status == SCHAT_PENDING || status == SCHAT_E_FULL, "a tick within an event: %s", schat_status_name(status));
    b->fail_next_commit = 0;
    schat_close(b->m); /* not from a callback */
    MUST(schat_wipe(b->m, b->w->now) == SCHAT_E_STATE, "wiped within an event");
  }
  bench_crash_after(b, mode);
  memory_inside = inside;
}

static void on_log(void *user_data, int level, const char *text) {
  bench *b = user_data;
  (void)level, (void)text;
  bench_crash_after(b, bench_site(b, SITE_LOG));
}

void hostcalls_host(bench *b, schat_host *host) {
  SCHAT_INIT(*host);
  host->user_data = b;
  host->request = on_request;
  host->event = on_event;
  host->random = fill;
  host->log = on_log;
}

/* The store -------------------------------------------------------------------------------------------------------------------- */

static void note_events(bench *b, const schat_batch *batch) {
  size_t i;
  if (!(b->policy.flags & SCHAT_POLICY_EVENTS_IN_COMMIT)) return;
  for (i = 0; i < batch->event_count; i++) applog_note(b, &batch->events[i]);
}

static int commit(void *user_data, const schat_batch *batch) {
  bench *b = user_data;
  const schat_store *inner = memstore_store(b->store);
  const fault_mode mode = b->fail_next_commit ? MODE_ONCE : bench_site(b, SITE_COMMIT);
  int status;
  b->fail_next_commit = 0;
  MUST(schat_tick(b->m, b->w->now) != SCHAT_OK, "the library is called from within a commit");
  if (fails(mode)) {
    if (plant_is(PLANT_STORE_AHEAD)) inner->commit(inner->user_data, batch);
    return SCHAT_E_FULL;
  }
  status = inner->commit(inner->user_data, batch);
  note_events(b, batch);
  bench_crash_after(b, mode);
  return status;
}

static int scan(void *user_data, schat_record_fn fn, void *arg) {
  bench *b = user_data;
  const schat_store *inner = memstore_store(b->store);
  const fault_mode mode = bench_site(b, SITE_SCAN);
  int status;
  if (fails(mode)) memstore_fail_scan(b->store, 1, SCHAT_E_STORE, 0); /* after half of the records */
  status = inner->scan(inner->user_data, fn, arg);
  bench_crash_after(b, mode);
  return status;
}

static uint64_t generation(void *user_data) {
  bench *b = user_data;
  const schat_store *inner = memstore_store(b->store);
  const fault_mode mode = bench_site(b, SITE_GENERATION);
  uint64_t seen;
  if (fails(mode)) return 0;
  seen = inner->generation(inner->user_data);
  bench_crash_after(b, mode);
  return seen;
}

void hostcalls_store(bench *b, schat_store *store) {
  SCHAT_INIT(*store);
  store->user_data = b;
  store->commit = commit;
  store->scan = scan;
  if (b->old_counter) {
    memstore_count_generations(b->store);
    store->generation = generation;
  }
  memstore_set_pending(b->store, b->pending);
}
