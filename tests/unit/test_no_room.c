/* SPDX-License-Identifier: BSL-1.0
 * test_no_room.c - at every place where an input or a command takes memory there may be none: it says so, nothing has changed, and the same
 * once more succeeds as if nothing had been. For what the loops of failures do not come by: events that nobody has taken yet, refusals,
 * messages early, old, unreadable or without end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "desk.h"
#include "manager/manager.h"
#include "room.h"
#include "stage.h"

/* The n-th taking of memory in an act is refused. */
static long takings, refused_at;
static int acting;

static int room_refuses(const schat_allocator *mem) {
  (void)mem;
  return acting && ++takings == refused_at;
}

static stage *s;

static schat_manager *us(void) {
  return stage_manager(s);
}

/* And what is asked of the system. */
void *__real_schat__alloc(const schat_allocator *mem, size_t size);
void *__wrap_schat__alloc(const schat_allocator *mem, size_t size);
void *__wrap_schat__alloc(const schat_allocator *mem, size_t size) {
  return room_refuses(mem) ? NULL : __real_schat__alloc(mem, size);
}

typedef int (*act)(const void *arg);

static int times_refused;

/* Refused at each place in turn, until it comes through; what it says then. */
static int insist(act what, const void *arg) {
  int status;
  for (refused_at = 1;; refused_at++) {
    memstore *before = world_image(s->w, 0), *after;
    takings = 0;
    acting = 1;
    status = what(arg);
    acting = 0;
    if (status >= 0) {
      memstore_free(before);
      break;
    }
    assert_int_equal(status, SCHAT_E_NOMEM);
    assert_true(takings >= refused_at);
    assert_true(schat__chat_check(stage_slot(s)) || stage_slot(s) == NULL);
    after = world_image(s->w, 0);
    assert_true(stage_same(before, after));
    memstore_free(before);
    memstore_free(after);
    times_refused++;
  }
  refused_at = 0;
  return status;
}

static int set_up(void **state) {
  (void)state;
  s = stage_new(97, 1, NULL);
  times_refused = 0;
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  stage_free(s);
  assert_true(times_refused > 0);
  return 0;
}

/* What the peer says ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
  uint8_t *bytes;
  size_t size;
} sealed;

static int feed(const void *arg) {
  const sealed *m = arg;
  return puppet_feed(us(), s->chat_id, m->bytes, m->size, s->w->now);
}

/* Sealed once, so that the same comes again. */
static int hear(int32_t in_raw, int32_t out_raw, schat_bytes message) {
  sealed m;
  int status;
  m.bytes = puppet_seal(s->p, schat__wire_in(in_raw, s->p->originator), schat__wire_out(out_raw, s->p->originator), message, &m.size);
  assert_non_null(m.bytes);
  status = insist(feed, &m);
  free(m.bytes);
  return status;
}

static int hear_next(schat_bytes message) {
  return hear(s->p->in_raw, s->p->out_raw++, message);
}

static int hear_action(schat__action *action) {
  action->random_id = 9000 + s->p->out_raw;
  return hear_next(puppet_action(s->p, action));
}

static void hear_text(int64_t random_id, int32_t ttl) {
  assert_int_equal(hear_next(puppet_text(s->p, random_id, "not shown yet", ttl)), SCHAT_OK);
}

static void messages_nobody_has_seen_are_deleted(void **state) {
  static const int64_t one[] = {11}, many[] = {12, 13, 14};
  schat__action action = {.type = SCHAT__ACTION_DELETE, .random_ids = one, .random_id_count = 1};
  (void)state;
  for (int64_t id = 11; id <= 14; id++) hear_text(id, id == 13 ? 60 : 0);
  assert_int_equal(hear_action(&action), SCHAT_OK);
  action.random_ids = many;
  action.random_id_count = 3;
  assert_int_equal(hear_action(&action), SCHAT_OK);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
}

/* More than eight are looked up together. */
static void many_messages_are_deleted_at_once(void **state) {
  int64_t ids[12] = {0};
  schat__action action = {.type = SCHAT__ACTION_DELETE, .random_ids = ids, .random_id_count = 12};
  (void)state;
  for (size_t i = 0; i < 8; i++) {
    ids[i] = 300 + (int64_t)i;
    hear_text(ids[i], i % 2 == 0 ? 60 : 0);
  }
  for (size_t i = 8; i < 12; i++) assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "ours", i % 2 == 0 ? 60 : 0, &ids[i]), SCHAT_OK);
  assert_int_equal(hear_action(&action), SCHAT_OK);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
}

static void our_messages_are_deleted_by_the_peer(void **state) {
  int64_t ids[3];
  schat__action action = {.type = SCHAT__ACTION_DELETE, .random_ids = ids, .random_id_count = 3};
  (void)state;
  for (size_t i = 0; i < 3; i++) assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "ours", i == 1 ? 60 : 0, &ids[i]), SCHAT_OK);
  assert_int_equal(hear_action(&action), SCHAT_OK);
  ids[0] = ids[2];
  action.random_id_count = 1;
  assert_int_equal(hear_action(&action), SCHAT_OK);
}

static void a_history_nobody_has_seen_is_flushed(void **state) {
  schat__action action = {.type = SCHAT__ACTION_FLUSH};
  (void)state;
  hear_text(21, 0);
  hear_text(22, 60);
  assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "ours", 60, NULL), SCHAT_OK);
  assert_int_equal(hear_action(&action), SCHAT_OK);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
}

static void every_action_of_the_peer_finds_its_memory(void **state) {
  int64_t ids[2];
  schat__action read = {.type = SCHAT__ACTION_READ, .random_ids = ids, .random_id_count = 2};
  schat__action shot = {.type = SCHAT__ACTION_SCREENSHOT, .random_ids = ids, .random_id_count = 2};
  schat__action ttl = {.type = SCHAT__ACTION_SET_TTL, .ttl = 30}, never = {.type = SCHAT__ACTION_SET_TTL, .ttl = -5};
  schat__action layer = {.type = SCHAT__ACTION_NOTIFY_LAYER, .layer = 101}, newer = {.type = SCHAT__ACTION_NOTIFY_LAYER, .layer = 200};
  schat__action typing = {.type = SCHAT__ACTION_TYPING, .typing = 1}, noop = {.type = SCHAT__ACTION_NOOP};
  (void)state;
  for (size_t i = 0; i < 2; i++) assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "ours", 60, &ids[i]), SCHAT_OK);
  world_run(s->w);
  assert_true(hear_action(&layer) >= 0);
  assert_true(hear_action(&newer) >= 0);
  assert_int_equal(hear_action(&ttl), SCHAT_OK);
  assert_int_equal(stage_info(s).ttl, 30);
  assert_int_equal(hear_action(&never), SCHAT_OK);
  assert_int_equal(stage_info(s).ttl, 0);
  assert_int_equal(hear_action(&read), SCHAT_OK);
  assert_int_equal(hear_action(&shot), SCHAT_OK);
  assert_true(hear_action(&typing) >= 0);
  assert_true(hear_action(&noop) >= 0);
}

static void a_new_key_finds_its_memory(void **state) {
  schat__action abort_key = {.type = SCHAT__ACTION_ABORT_KEY, .exchange_id = 5};
  schat__action commit_key = {.type = SCHAT__ACTION_COMMIT_KEY, .exchange_id = 5, .key_fingerprint = 7};
  static const uint8_t zero[256];
  schat__action bad = {.type = SCHAT__ACTION_REQUEST_KEY, .exchange_id = 6, .g = {zero, 256}};
  schat__action bad_accept = {.type = SCHAT__ACTION_ACCEPT_KEY, .exchange_id = 7, .g = {zero, 256}, .key_fingerprint = 8};
  (void)state;
  assert_true(hear_action(&abort_key) >= 0);
  assert_true(hear_action(&commit_key) >= 0);
  assert_true(hear_action(&bad) >= 0);
  assert_true(hear_action(&bad_accept) >= 0);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
}

static int tick(const void *arg) {
  (void)arg;
  return schat_tick(us(), s->w->now);
}

static schat_bytes a_value(uint8_t value[256]) {
  uint8_t exponent[256];
  assert_int_equal(schat__dh_generate(s->p->crypto, desk_prime(), 3, NULL, 0, exponent, value), SCHAT_OK);
  return (schat_bytes){value, 256};
}

/* Asked for, by another exchange too, given up, and asked for while a message is missing. */
static void being_asked_for_a_key_finds_its_memory(void **state) {
  uint8_t values[4][256];
  schat__action request = {.type = SCHAT__ACTION_REQUEST_KEY}, abort_key = {.type = SCHAT__ACTION_ABORT_KEY, .exchange_id = 100};
  int32_t missing;
  (void)state;
  request.exchange_id = 100;
  request.g = a_value(values[0]);
  assert_true(hear_action(&request) >= 0);
  request.exchange_id = 101;
  request.g = a_value(values[1]);
  assert_true(hear_action(&request) >= 0);
  assert_true(hear_action(&abort_key) >= 0);
  missing = s->p->out_raw++;
  request.exchange_id = 102;
  request.g = a_value(values[2]);
  assert_true(hear_action(&request) >= 0);
  assert_true(hear(s->p->in_raw, missing, puppet_text(s->p, 90, "was missing", 0)) >= 0);
  abort_key.exchange_id = 102;
  assert_true(hear_action(&abort_key) >= 0);
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
}

/* A key that is old is changed at the next tick; the peer's answer is judged. */
static void asking_for_a_key_finds_its_memory(void **state) {
  uint8_t value[256];
  schat__action accept_key = {.type = SCHAT__ACTION_ACCEPT_KEY, .key_fingerprint = 12345}, other = {.type = SCHAT__ACTION_ACCEPT_KEY};
  (void)state;
  world_run(s->w);
  stage_acknowledge(s);
  world_run(s->w);
  s->w->now += INT64_C(8) * 86400 * 1000;
  assert_true(insist(tick, NULL) >= 0);
  assert_non_null(stage_slot(s)->secrets);
  other.exchange_id = stage_slot(s)->secrets->exchange_id ^ 1;
  other.g = a_value(value);
  assert_true(hear_action(&other) >= 0);
  accept_key.exchange_id = stage_slot(s)->secrets->exchange_id;
  accept_key.g = a_value(value);
  assert_true(hear_action(&accept_key) >= 0);
  assert_null(stage_slot(s)->secrets);
  s->w->now += INT64_C(30) * 86400 * 1000;
  assert_true(insist(tick, NULL) >= 0);
  s->w->now += INT64_C(30) * 86400 * 1000;
  assert_true(insist(tick, NULL) >= 0); /* nobody has answered */
}

static void what_was_sent_is_asked_for_again(void **state) {
  schat__action action = {.type = SCHAT__ACTION_RESEND};
  const int32_t first = stage_slot(s)->chat.out_seq;
  (void)state;
  for (int i = 0; i < 3; i++) assert_int_equal(world_text(s->w, 0, s->chat_id, "again", NULL), SCHAT_OK);
  world_run(s->w);
  action.start = schat__wire_out(first, !s->p->originator);
  action.end = action.start + 4;
  assert_true(hear_action(&action) >= 0);
}

static void a_gap_opens_and_closes(void **state) {
  const int32_t next = s->p->out_raw;
  (void)state;
  assert_true(hear(s->p->in_raw, next + 2, puppet_text(s->p, 33, "third", 0)) >= 0);
  assert_true(hear(s->p->in_raw, next + 1, puppet_text(s->p, 32, "second", 60)) >= 0);
  assert_true(hear(s->p->in_raw, next, puppet_text(s->p, 31, "first", 0)) >= 0);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 3);
}

/* Resend is asked for again and again, then the host is told; and the other way round. */
static void a_gap_that_stays_is_told(void **state) {
  int64_t due;
  (void)state;
  assert_true(hear(s->p->in_raw, s->p->out_raw + 2, puppet_text(s->p, 34, "later", 0)) >= 0);
  assert_int_equal(world_text(s->w, 0, s->chat_id, "never confirmed", NULL), SCHAT_OK);
  for (int i = 0; i < 40 && schat_next_deadline(us(), &due) == SCHAT_OK && due != INT64_MAX; i++) {
    if (due > s->w->now) s->w->now = due;
    assert_true(insist(tick, NULL) >= 0);
    world_run(s->w);
  }
  assert_true(world_count(s->w, 0, SCHAT_EVENT_GAP_STUCK) == 1);
}

static void what_nobody_can_read_is_told(void **state) {
  static const uint8_t unknown[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  (void)state;
  assert_true(hear_next((schat_bytes){unknown, sizeof unknown}) >= 0);
  assert_true(hear_next((schat_bytes){unknown, sizeof unknown}) >= 0);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_UNSUPPORTED), 2);
}

/* The one object that may come without a wrapper (D-05), said in either version. */
static void a_layer_without_a_wrapper_finds_its_memory(void **state) {
  static const uint8_t random[16] = {7};
  uint8_t object[64];
  schat__writer w = {object, sizeof object, 0};
  sealed m;
  (void)state;
  schat__write32(&w, 0xaa48327du);
  schat__write64(&w, 4242);
  schat__write8(&w, 15);
  schat__write_raw(&w, random, 15);
  schat__write32(&w, 0xf3048883u);
  schat__write32(&w, 101);
  for (int mtproto = 2; mtproto >= 1; mtproto--) {
    s->p->mtproto = mtproto;
    m.bytes = puppet_seal_object(s->p, (schat_bytes){object, w.size}, &m.size);
    assert_non_null(m.bytes);
    assert_true(insist(feed, &m) >= 0);
    free(m.bytes);
  }
  s->p->mtproto = 2;
  assert_int_equal(stage_info(s).state, SCHAT_STATE_READY);
}

/* Version 1 is for those who have never spoken otherwise, and for nobody where the policy says so (D-01). */
static void version_1_is_refused_by_policy(void **state) {
  sealed m;
  (void)state;
  stage_slot(s)->chat.flags &= ~(uint32_t)SCHAT__FLAG_SEEN_V2;
  us()->env.policy.flags |= SCHAT_POLICY_REFUSE_MTPROTO1;
  s->p->mtproto = 1;
  for (int i = 0; i < 2; i++) {
    m.bytes = puppet_seal(s->p, schat__wire_in(s->p->in_raw, s->p->originator), schat__wire_out(s->p->out_raw, s->p->originator),
                          puppet_text(s->p, 45, "old", 0), &m.size);
    assert_int_equal(insist(feed, &m), SCHAT_REJECTED);
    free(m.bytes);
  }
  s->p->mtproto = 2;
}

static void old_messages_are_refused(void **state) {
  sealed m;
  (void)state;
  s->p->mtproto = 1;
  m.bytes = puppet_seal(s->p, schat__wire_in(s->p->in_raw, s->p->originator), schat__wire_out(s->p->out_raw, s->p->originator),
                        puppet_text(s->p, 41, "old", 0), &m.size);
  s->p->mtproto = 2;
  assert_true(insist(feed, &m) >= 0);
  free(m.bytes);
  hear_text(42, 0);
  s->p->layer = 20; /* a wrapper layer from before MTProto 2 */
  (void)hear_next(puppet_text(s->p, 43, "of an old layer", 0));
  s->p->layer = 144;
  hear_text(44, 0);
}

/* What the server says ------------------------------------------------------------------------------------------------------------- */

static int input_chat(const void *arg) {
  return schat_input_chat(us(), arg, s->w->now);
}

static int read_up_to(const void *arg) {
  return schat_input_read(us(), s->chat_id, *(const int32_t *)arg, *(const int32_t *)arg, s->w->now);
}

static void an_end_with_the_history_deleted_comes_at_once_or_later(void **state) {
  schat_chat_update update;
  int32_t date = 2000000000;
  (void)state;
  hear_text(51, 60);
  assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "ours", 60, NULL), SCHAT_OK);
  assert_true(insist(read_up_to, &date) >= 0);
  SCHAT_INIT(update);
  update.type = SCHAT_CHAT_UPDATE_DISCARDED;
  update.chat_id = s->chat_id;
  assert_int_equal(insist(input_chat, &update), SCHAT_CHAT_CLOSED);
  update.history_deleted = 1;
  assert_true(insist(input_chat, &update) >= 0);
  world_drain(s->w, 0);
  assert_int_equal(world_count(s->w, 0, SCHAT_EVENT_MESSAGE), 0);
}

static int forget(const void *arg) {
  (void)arg;
  return schat_chat_forget(us(), s->chat_id, s->w->now);
}

static void a_chat_is_forgotten_with_what_nobody_has_seen(void **state) {
  schat_chat_update update;
  (void)state;
  hear_text(61, 0);
  SCHAT_INIT(update);
  update.type = SCHAT_CHAT_UPDATE_DISCARDED;
  update.chat_id = s->chat_id;
  assert_int_equal(insist(input_chat, &update), SCHAT_CHAT_CLOSED);
  assert_int_equal(insist(forget, NULL), SCHAT_OK);
  assert_null(stage_slot(s));
}

typedef struct {
  uint64_t token;
  int32_t code;
  const char *text;
} refusal;

static int fail_request(const void *arg) {
  const refusal *r = arg;
  return schat_request_failed(us(), r->token, r->code, r->text, s->w->now);
}

static uint64_t token_of(int32_t type) {
  const world_request *request = world_last_request(s->w, 0, type);
  assert_non_null(request);
  return request->token;
}

static void refusals_of_the_server_find_their_memory(void **state) {
  static const struct {
    int32_t code;
    const char *text;
  } errors[] = {{500, "INTERNAL"}, {420, "FLOOD_WAIT_3"}, {400, "MSG_WAIT_FAILED"}, {400, "DATA_INVALID"}, {401, "SESSION_REVOKED"},
                {400, "ENCRYPTION_DECLINED"}};
  (void)state;
  s->w->peers[0].hold = 1;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    refusal r = {0, errors[i].code, errors[i].text};
    assert_int_equal(world_text_ttl(s->w, 0, s->chat_id, "refused", 60, NULL), SCHAT_OK);
    world_forget(s->w);
    world_drain(s->w, 0);
    if (world_last_request(s->w, 0, SCHAT_REQUEST_SEND_ENCRYPTED) == NULL) continue;
    r.token = token_of(SCHAT_REQUEST_SEND_ENCRYPTED);
    assert_true(insist(fail_request, &r) >= 0);
  }
}

/* The id of a new chat is taken, or its value is none: it begins anew under another. */
static void a_new_chat_moves(void **state) {
  static const char *const texts[] = {"RANDOM_ID_DUPLICATE", "DH_G_A_INVALID"};
  (void)state;
  for (size_t i = 0; i < 2; i++) {
    int32_t id = 0;
    refusal r = {0, 400, texts[i]};
    s->w->peers[0].hold = 0;
    assert_int_equal(schat_chat_create(us(), 800 + (int64_t)i, s->w->now, &id), SCHAT_OK);
    world_forget(s->w);
    for (int rounds = 0; rounds < 5 && world_last_request(s->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION) == NULL; rounds++) {
      const relay_item *item;
      world_drain(s->w, 0);
      s->w->peers[0].hold = 1; /* the configuration is answered, the chat is asked for here */
      while (relay_poll(s->w->relay, s->w->peers[0].device, s->w->now, &item)) {
        assert_true(schat_request_done(us(), item->token, &item->answer, s->w->now) >= 0);
      }
    }
    world_drain(s->w, 0);
    r.token = token_of(SCHAT_REQUEST_REQUEST_ENCRYPTION);
    assert_true(insist(fail_request, &r) >= 0);
    world_drain(s->w, 0);
    assert_non_null(world_last(s->w, 0, SCHAT_EVENT_CHAT_MOVED));
  }
}

static void a_new_chat_moves_waits_or_ends(void **state) {
  static const struct {
    int32_t request, code;
    const char *text;
  } errors[] = {{SCHAT_REQUEST_GET_DH_CONFIG, 401, "SESSION_REVOKED"}, {SCHAT_REQUEST_GET_DH_CONFIG, 500, "INTERNAL"},
                {SCHAT_REQUEST_GET_DH_CONFIG, 400, "USER_IS_BLOCKED"}};
  (void)state;
  s->w->peers[0].hold = 1;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    int32_t id = 0;
    refusal r = {0, errors[i].code, errors[i].text};
    assert_int_equal(schat_chat_create(us(), 700 + (int64_t)i, s->w->now, &id), SCHAT_OK);
    world_drain(s->w, 0);
    r.token = token_of(errors[i].request);
    assert_true(insist(fail_request, &r) >= 0);
  }
}

/* What we do ------------------------------------------------------------------------------------------------------------------------- */

static int set_ttl(const void *arg) {
  return schat_chat_set_ttl(us(), s->chat_id, *(const int32_t *)arg, 0, s->w->now);
}

static int close_messages(const void *arg) {
  return schat_messages_closed(us(), s->chat_id, arg, 1, s->w->now);
}

static int open_messages(const void *arg) {
  return schat_messages_opened(us(), s->chat_id, arg, 1, s->w->now);
}

static int send_text_object(const void *arg) {
  return schat_send_object(us(), s->chat_id, *(const schat_bytes *)arg, NULL, s->w->now, NULL);
}

static int discard_all(const void *arg) {
  return schat_discard_all(us(), *(const uint32_t *)arg, s->w->now);
}

static void commands_find_their_memory(void **state) {
  static const int64_t id[] = {71};
  const int32_t ttl = 9;
  const uint32_t flags = SCHAT_DISCARD_FLUSH_FIRST;
  schat_bytes text;
  uint8_t copy[200];
  (void)state;
  hear_text(71, 0x7fffffff);
  assert_int_equal(insist(open_messages, id), SCHAT_OK);
  assert_true(insist(close_messages, id) >= 0);
  assert_int_equal(insist(set_ttl, &ttl), SCHAT_OK);
  text = puppet_text(s->p, 72, "encoded", 60);
  memcpy(copy, text.data, text.size);
  text.data = copy;
  assert_int_equal(insist(send_text_object, &text), SCHAT_OK);
  assert_int_equal(insist(discard_all, &flags), SCHAT_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(messages_nobody_has_seen_are_deleted),
      T(many_messages_are_deleted_at_once),
      T(our_messages_are_deleted_by_the_peer),
      T(a_history_nobody_has_seen_is_flushed),
      T(every_action_of_the_peer_finds_its_memory),
      T(a_new_key_finds_its_memory),
      T(being_asked_for_a_key_finds_its_memory),
      T(asking_for_a_key_finds_its_memory),
      T(what_was_sent_is_asked_for_again),
      T(a_gap_opens_and_closes),
      T(a_gap_that_stays_is_told),
      T(what_nobody_can_read_is_told),
      T(old_messages_are_refused),
      T(a_layer_without_a_wrapper_finds_its_memory),
      T(version_1_is_refused_by_policy),
      T(an_end_with_the_history_deleted_comes_at_once_or_later),
      T(a_chat_is_forgotten_with_what_nobody_has_seen),
      T(refusals_of_the_server_find_their_memory),
      T(a_new_chat_moves_waits_or_ends),
      T(a_new_chat_moves),
      T(commands_find_their_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
