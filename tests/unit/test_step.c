/* SPDX-License-Identifier: BSL-1.0
 * test_step.c - one input is one step, one commit covers one step or several, and nothing is shown before it is durable. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "manager/manager.h"
#include "puppet.h"
#include "vault.h"
#include "world.h"

static world *w;
static int32_t chat;

static int set_up(void **state) {
  (void)state;
  w = world_new(41, 2);
  chat = world_chat(w, 0, 1);
  world_forget(w);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  world_free(w);
  vault_close();
  return 0;
}

static schat_manager *alice(void) {
  return w->peers[0].manager;
}
static memstore *store(void) {
  return w->peers[0].store;
}

/* A host with callbacks --------------------------------------------------------------------------------------------------------- */

/* c: a commit begins, C: it is stored, R: a request, E: an event. */
static struct {
  char what[4096];
  int32_t type[4096];
  size_t count;
  void (*on_request)(const schat_request *request);
  void (*on_event)(const schat_event *event);
  int depth, deepest;
} trace;

static void note(char what, int32_t type) {
  assert_true(trace.count < sizeof trace.what - 1);
  trace.what[trace.count] = what;
  trace.type[trace.count++] = type;
  trace.what[trace.count] = '\0';
}

static void forget_trace(void) {
  trace.count = 0;
  trace.what[0] = '\0';
}

static void take_request(void *user_data, const schat_request *request) {
  (void)user_data;
  trace.depth++;
  if (trace.deepest < trace.depth) trace.deepest = trace.depth;
  note('R', request->type);
  relay_request(w->relay, w->peers[0].device, request, w->now);
  if (trace.on_request != NULL) trace.on_request(request);
  trace.depth--;
}

static void take_event(void *user_data, const schat_event *event) {
  (void)user_data;
  trace.depth++;
  if (trace.deepest < trace.depth) trace.deepest = trace.depth;
  note('E', event->type);
  if (trace.on_event != NULL) trace.on_event(event);
  trace.depth--;
}

static void see_commit(void *arg, memstore *m, const schat_batch *batch, int stored) {
  (void)arg;
  (void)m;
  (void)batch;
  note(stored ? 'C' : 'c', 0);
}

static schat_manager *open_store(memstore *m, int callbacks) {
  schat_config config;
  schat_host host;
  schat_manager *manager = NULL;
  SCHAT_INIT(config);
  SCHAT_INIT(host);
  if (callbacks) {
    host.request = take_request;
    host.event = take_event;
  }
  config.store = memstore_store(m);
  config.host = &host;
  config.policy = &w->peers[0].policy;
  config.storage_key = world_storage_key();
  config.user_id = w->peers[0].user_id;
  assert_int_equal(schat_open(&config, w->now, &manager), SCHAT_OK);
  return manager;
}

/* From now on the first peer has callbacks. */
static void use_callbacks(void) {
  memset(&trace, 0, sizeof trace);
  schat_close(alice());
  w->peers[0].manager = open_store(store(), 1);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_OK); /* what the restart asks for */
  forget_trace();
  memstore_on_commit(store(), see_commit, NULL);
}

static void stop_callbacks(void) {
  memstore_on_commit(store(), NULL, NULL);
}

/* X-14 accept: the commit first, then what rests on it, in the order it came about. */
static void effects_follow_their_commit(void **state) {
  (void)state;
  use_callbacks();
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_OK);
  assert_string_equal(trace.what, "cCR");
  assert_int_equal(trace.type[2], SCHAT_REQUEST_SEND_ENCRYPTED);
  forget_trace();
  world_text(w, 1, chat, "two", NULL);
  world_run(w);
  assert_true(strncmp(trace.what, "cC", 2) == 0);
  assert_non_null(strchr(trace.what, 'E'));
  stop_callbacks();
}

/* X-14 reject: a commit that fails lets nothing out, neither request nor event. */
static void a_failed_commit_lets_nothing_out(void **state) {
  (void)state;
  use_callbacks();
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_E_FULL);
  assert_string_equal(trace.what, "c");
  forget_trace();
  memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
  world_text(w, 1, chat, "two", NULL);
  world_deliver(w, 1);
  world_deliver(w, 0);
  assert_string_equal(trace.what, "c");
  assert_int_equal(w->peers[0].last_status, SCHAT_E_STORE);
  stop_callbacks();
}

/* What a restart would send, found by the random_id of the request, or by its type when it has none. */
static void assert_same_after_crash(const schat_request *request) {
  memstore *image = memstore_clone(store());
  schat_manager *later = open_store(image, 0);
  schat_effect effect;
  int found = 0;
  SCHAT_INIT(effect);
  while (schat_peek(later, &effect) == SCHAT_OK) {
    const schat_request *r = effect.request;
    if (r != NULL && r->type == request->type && r->random_id == request->random_id && r->chat_id == request->chat_id) {
      assert_int_equal(r->data.size, request->data.size);
      assert_memory_equal(r->data.data, request->data.data, r->data.size);
      assert_int_equal(r->key_fingerprint, request->key_fingerprint);
      found++;
    }
    schat_pop(later);
  }
  assert_int_equal(found, 1);
  schat_close(later);
  memstore_free(image);
}

static size_t compared;

static void compare_with_store(const schat_request *request) {
  if (request->type == SCHAT_REQUEST_GET_DH_CONFIG || request->type == SCHAT_REQUEST_SET_TYPING) return;
  if (request->type == SCHAT_REQUEST_RECEIVED_QUEUE || request->type == SCHAT_REQUEST_READ_HISTORY) return;
  compared++;
  assert_same_after_crash(request);
}

/* X-14 accept: numbers, keys and ciphertext of whatever leaves are in the store by then: a crash at that moment sends the same bytes. */
static void what_leaves_can_be_sent_again_from_the_store(void **state) {
  int32_t other = 0;
  size_t i;
  (void)state;
  use_callbacks();
  trace.on_request = compare_with_store;
  compared = 0;
  assert_int_equal(schat_chat_create(alice(), w->peers[1].user_id, w->now, &other), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_accept(w->peers[1].manager, other, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_create(w->peers[1].manager, w->peers[0].user_id, w->now, &other), SCHAT_OK);
  world_run(w);
  assert_int_equal(schat_chat_accept(alice(), other, w->now), SCHAT_OK);
  world_run(w);
  for (i = 0; i < 120; i++) world_text(w, 1, chat, "reply", NULL); /* far enough for a new key */
  world_text(w, 0, chat, "text", NULL);
  world_run(w);
  world_text(w, 0, chat, "under the new key", NULL);
  world_run(w);
  assert_true(puppet_slot(alice(), chat)->chat.last_exchange != 0);
  assert_int_equal(schat_chat_discard(alice(), other, 0, w->now), SCHAT_OK);
  world_run(w);
  assert_true(compared >= 9);
  stop_callbacks();
}

/* Re-entrant hosts -------------------------------------------------------------------------------------------------------------- */

static void answer_messages(const schat_event *event) {
  int64_t random_id = 0;
  if (event->type != SCHAT_EVENT_MESSAGE) return;
  assert_int_equal(world_text(w, 0, event->chat_id, "answer", &random_id), SCHAT_OK);
  assert_true(random_id != 0);
}

/* X-14, rule 6: a host may call inside its callbacks; the outermost call hands over what comes of it, afterwards. */
static void a_host_may_call_inside_its_callbacks(void **state) {
  size_t i, answers = 0;
  (void)state;
  use_callbacks();
  trace.on_event = answer_messages;
  for (i = 0; i < 5; i++) world_text(w, 1, chat, "question", NULL);
  world_run(w);
  assert_int_equal(trace.deepest, 1);
  for (i = 0; i < trace.count; i++) answers += trace.what[i] == 'R' && trace.type[i] == SCHAT_REQUEST_SEND_ENCRYPTED;
  assert_int_equal(answers, 5);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 5);
  stop_callbacks();
}

static void open_a_group(const schat_event *event) {
  if (event->type != SCHAT_EVENT_MESSAGE) return;
  trace.on_event = NULL;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
}

/* A group begun inside a callback holds back the rest until it ends. */
static void a_group_begun_in_a_callback_holds_back_the_rest(void **state) {
  size_t before;
  (void)state;
  use_callbacks();
  trace.on_event = open_a_group;
  world_text(w, 1, chat, "first", NULL);
  world_deliver(w, 1);
  world_deliver(w, 0);
  before = trace.count;
  world_text(w, 0, chat, "inside", NULL);
  assert_int_equal(trace.count, before);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_true(trace.count > before);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  stop_callbacks();
}

static void close_in_callback(const schat_event *event) {
  (void)event;
  schat_close(alice());
}

static void a_manager_cannot_be_closed_or_wiped_in_its_callbacks(void **state) {
  (void)state;
  use_callbacks();
  trace.on_event = close_in_callback;
  world_text(w, 1, chat, "message", NULL);
  world_run(w);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
  stop_callbacks();
}

/* Store callbacks --------------------------------------------------------------------------------------------------------------- */

static size_t refused_calls;

static void refuse(int status) {
  assert_int_equal(status, SCHAT_E_REENTRANT);
  refused_calls++;
}

static void call_commands(schat_manager *m) {
  int64_t id = 5, random_id = 0, now = w->now;
  int32_t chat_id = 0;
  schat_message message;
  schat_bytes object = {(const uint8_t *)"abcd", 4};
  schat_message_init(&message);
  refuse(schat_chat_create(m, 9, now, &chat_id));
  refuse(schat_chat_accept(m, chat, now));
  refuse(schat_chat_discard(m, chat, 0, now));
  refuse(schat_chat_forget(m, chat, now));
  refuse(schat_chat_report_spam(m, chat, now));
  refuse(schat_chat_set_verified(m, chat, 1, now));
  refuse(schat_chat_set_ttl(m, chat, 5, 0, now));
  refuse(schat_send(m, chat, &message, NULL, now, &random_id));
  refuse(schat_send_object(m, chat, object, NULL, now, &random_id));
  refuse(schat_messages_read(m, chat, 5, now));
  refuse(schat_messages_opened(m, chat, &id, 1, now));
  refuse(schat_messages_closed(m, chat, &id, 1, now));
  refuse(schat_messages_delete(m, chat, &id, 1, 0, now));
  refuse(schat_history_flush(m, chat, 0, now));
  refuse(schat_screenshot(m, chat, &id, 1, 0, now));
  refuse(schat_typing(m, chat, 1, now));
  refuse(schat_discard_all(m, 0, now));
  refuse(schat_wipe(m, now));
}

static void call_inputs(schat_manager *m) {
  schat_chat_update update;
  schat_encrypted_message message;
  schat_difference difference;
  schat_answer answer;
  int64_t now = w->now;
  SCHAT_INIT(update);
  SCHAT_INIT(message);
  SCHAT_INIT(difference);
  SCHAT_INIT(answer);
  update.type = SCHAT_CHAT_UPDATE_EMPTY;
  refuse(schat_input_chat(m, &update, now));
  refuse(schat_input_message(m, &message, 0, now));
  refuse(schat_input_read(m, chat, 5, 5, now));
  refuse(schat_input_typing(m, chat, now));
  refuse(schat_input_difference(m, &difference, now));
  refuse(schat_request_done(m, 1, &answer, now));
  refuse(schat_request_failed(m, 1, 500, "", now));
  refuse(schat_tick(m, now));
  refuse(schat_begin(m));
  refuse(schat_end(m, now));
}

static void call_queries(schat_manager *m) {
  schat_effect effect;
  schat_chat_info info;
  schat_stats stats;
  int64_t deadline;
  int32_t qts, date;
  size_t count;
  SCHAT_INIT(effect);
  SCHAT_INIT(info);
  SCHAT_INIT(stats);
  refuse(schat_next_deadline(m, &deadline));
  refuse(schat_checkpoint(m, &qts, &date));
  refuse(schat_peek(m, &effect));
  refuse(schat_pop(m));
  refuse(schat_chat_get_info(m, chat, &info));
  refuse(schat_chat_list(m, NULL, 0, &count));
  refuse(schat_chat_supports(m, chat, SCHAT_FEATURE_ALBUMS));
  refuse(schat_get_stats(m, &stats));
}

static void call_everything(void *arg, memstore *m, const schat_batch *batch, int stored) {
  (void)arg;
  (void)m;
  (void)batch;
  if (stored) return;
  call_commands(alice());
  call_inputs(alice());
  call_queries(alice());
  schat_close(alice()); /* has no effect here */
}

/* Rule 6 reject: the store's callbacks may not call back. */
static void store_callbacks_may_not_call_back(void **state) {
  (void)state;
  refused_calls = 0;
  memstore_on_commit(store(), call_everything, NULL);
  assert_int_equal(world_text(w, 0, chat, "text", NULL), SCHAT_OK);
  memstore_on_commit(store(), NULL, NULL);
  assert_int_equal(refused_calls, 36);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
}

/* Undone ------------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  schat_chat_info info;
  schat_stats stats;
  memstore *image;
  int32_t qts, date;
  int64_t deadline;
  size_t chats;
} snapshot;

static snapshot take_snapshot(void) {
  snapshot s;
  memset(&s, 0, sizeof s);
  s.info = world_info(w, 0, chat);
  SCHAT_INIT(s.stats);
  schat_get_stats(alice(), &s.stats);
  s.stats.memory = 0; /* room that was made stays */
  s.image = world_image(w, 0);
  schat_checkpoint(alice(), &s.qts, &s.date);
  schat_chat_list(alice(), NULL, 0, &s.chats);
  return s;
}

static void assert_unchanged(snapshot *before) {
  snapshot now = take_snapshot();
  assert_memory_equal(&now.info, &before->info, sizeof now.info);
  assert_memory_equal(&now.stats, &before->stats, sizeof now.stats);
  assert_true(memstore_equal(now.image, before->image));
  assert_int_equal(now.qts, before->qts);
  assert_int_equal(now.date, before->date);
  assert_int_equal(now.chats, before->chats);
  memstore_free(now.image);
  memstore_free(before->image);
}

static void assert_nothing_waits(void) {
  schat_effect effect;
  SCHAT_INIT(effect);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_EMPTY);
}

typedef int (*command)(void);
static int64_t some_ids[2] = {11, 12};

static int do_send(void) {
  return world_text(w, 0, chat, "text", NULL);
}
static int do_set_ttl(void) {
  return schat_chat_set_ttl(alice(), chat, 30, 0, w->now);
}
static int do_read(void) {
  return schat_messages_read(alice(), chat, (int32_t)(w->now / 1000) + 1, w->now);
}
static int do_delete(void) {
  return schat_messages_delete(alice(), chat, some_ids, 2, 0, w->now);
}
static int do_flush(void) {
  return schat_history_flush(alice(), chat, 0, w->now);
}
static int do_screenshot(void) {
  return schat_screenshot(alice(), chat, some_ids, 2, 0, w->now);
}
static int do_opened(void) {
  return schat_messages_opened(alice(), chat, some_ids, 2, w->now);
}
static int do_verify(void) {
  return schat_chat_set_verified(alice(), chat, 1, w->now);
}
static int do_input_read(void) {
  return schat_input_read(alice(), chat, (int32_t)(w->now / 1000) + 1, 5, w->now);
}
static int do_discard(void) {
  return schat_chat_discard(alice(), chat, 0, w->now);
}
static int do_create(void) {
  int32_t id = 0;
  return schat_chat_create(alice(), w->peers[1].user_id, w->now, &id);
}
static int do_wipe(void) {
  return schat_wipe(alice(), w->now);
}

/* Rule 2: a command whose commit fails has changed nothing, and can be given again; what it did then is in the store. */
static void commands_that_fail_change_nothing_and_can_be_repeated(void **state) {
  static const command commands[] = {do_send,   do_set_ttl, do_read,       do_delete, do_flush,   do_screenshot,
                                     do_opened, do_verify,  do_input_read, do_create, do_discard, do_wipe};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof commands / sizeof commands[0]; i++) {
    snapshot before = take_snapshot();
    schat_chat_info after;
    memstore_fail_commit(store(), 1, SCHAT_E_FULL, 0);
    assert_int_equal(commands[i](), SCHAT_E_FULL);
    assert_unchanged(&before);
    assert_nothing_waits();
    assert_int_equal(commands[i](), SCHAT_OK);
    after = world_info(w, 0, chat);
    if (commands[i] == do_wipe) break;
    w->peers[0].hold = 1;
    world_restart(w, 0, 1);
    world_drain(w, 0); /* held */
    {
      schat_chat_info reopened = world_info(w, 0, chat);
      assert_memory_equal(&after, &reopened, sizeof after);
    }
    w->peers[0].hold = 0;
    world_restart(w, 0, 1);
    world_run(w);
  }
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_NONE);
}

/* The same for what the peer sends. */
static void inputs_that_fail_change_nothing_and_can_be_repeated(void **state) {
  puppet *p = puppet_new(alice(), chat);
  size_t size, i;
  uint8_t *sealed;
  (void)state;
  for (i = 0; i < 3; i++) {
    schat_encrypted_message message;
    snapshot before;
    sealed = puppet_seal(p, schat__wire_in(p->in_raw, p->originator), schat__wire_out(p->out_raw + (i == 0), p->originator),
                         puppet_text(p, 900 + (int64_t)i, "text", 10), &size);
    SCHAT_INIT(message);
    message.chat_id = chat;
    message.date = 100;
    message.bytes.data = sealed;
    message.bytes.size = size;
    before = take_snapshot();
    memstore_fail_commit(store(), 1, SCHAT_E_BUSY, 0);
    assert_int_equal(schat_input_message(alice(), &message, before.qts + 1, w->now), SCHAT_E_BUSY);
    assert_unchanged(&before);
    assert_nothing_waits();
    assert_int_equal(schat_input_message(alice(), &message, before.qts + 1, w->now), i == 0 ? SCHAT_WAITING : SCHAT_OK);
    puppet_collect(p, alice(), NULL, NULL);
    if (i > 0) p->out_raw += i == 1 ? 2 : 1; /* first the one behind the gap, then the gap */
    free(sealed);
  }
  world_drain(w, 0);
  world_restart(w, 0, 1);
  assert_int_equal(puppet_slot(alice(), chat)->chat.in_seq, p->out_raw);
  puppet_free(p);
}

/* A failure for ever is one for ever, and ends when the store is well again. */
static void a_store_that_fails_for_long_may_recover(void **state) {
  int32_t unacknowledged = world_info(w, 0, chat).unacknowledged;
  size_t i;
  (void)state;
  memstore_fail_commit(store(), 1, SCHAT_E_FULL, 1);
  for (i = 0; i < 50; i++) {
    assert_int_equal(world_text(w, 0, chat, "text", NULL), SCHAT_E_FULL);
    assert_int_equal(schat_tick(alice(), w->now + (int64_t)i), SCHAT_OK);
  }
  memstore_fail_commit(store(), 0, 0, 0);
  assert_int_equal(world_text(w, 0, chat, "at last", NULL), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(world_info(w, 0, chat).unacknowledged, unacknowledged + 1);
}

/* What is due is due again when the commit of a tick has failed. */
static void a_tick_whose_commit_failed_is_done_by_the_next(void **state) {
  int64_t id = 0, deadline = 0;
  puppet *p = puppet_new(alice(), chat);
  (void)state;
  puppet_send_text(p, alice(), 77, "short life", 5, w->now);
  do_read();
  world_drain(w, 0);
  world_forget(w);
  w->now += 5000;
  memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_E_STORE);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_EXPIRED), 0);
  assert_int_equal(schat_next_deadline(alice(), &deadline), SCHAT_OK);
  assert_true(deadline <= w->now);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_EXPIRED), 1);
  assert_int_equal(schat_next_deadline(alice(), &deadline), SCHAT_OK);
  assert_true(deadline > w->now);
  (void)id;
  puppet_free(p);
}

/* Requests that wait for answers fill their table to its last place; an answer makes room that a new request takes, and then the
 * commit fails: all of it has to go back. */
static void an_answer_that_fails_gives_back_every_request(void **state) {
  schat_answer answer;
  size_t room, i;
  (void)state;
  w->peers[0].policy.flags = 0; /* one send at a time */
  world_restart(w, 0, 0);
  world_drain(w, 0);
  world_run(w);
  w->peers[0].hold = 1;
  world_forget(w);
  for (room = 1; room <= 40; room++) {
    schat__env *env = &alice()->env;
    if (env->flight_count + 1 < env->flight_capacity || env->flight_capacity == 0) {
      w->now += 5000;
      assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK);
    }
  }
  assert_int_equal(alice()->env.flight_count + 1, alice()->env.flight_capacity);
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "two", NULL), SCHAT_OK);
  assert_int_equal(alice()->env.flight_count, alice()->env.flight_capacity);
  world_drain(w, 0);
  SCHAT_INIT(answer);
  answer.type = SCHAT_ANSWER_SENT;
  answer.date = 5;
  for (i = 0; i < 3; i++) {
    snapshot before = take_snapshot();
    memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
    assert_int_equal(schat_request_done(alice(), world_last_request(w, 0, SCHAT_REQUEST_SEND_ENCRYPTED)->token, &answer, w->now),
                     SCHAT_E_STORE);
    assert_unchanged(&before);
  }
  assert_int_equal(schat_request_done(alice(), world_last_request(w, 0, SCHAT_REQUEST_SEND_ENCRYPTED)->token, &answer, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_ENCRYPTED), 2);
}

/* A store that answers what no store may is one that failed. */
static int odd_commit(void *user_data, const schat_batch *batch) {
  (void)user_data;
  (void)batch;
  return SCHAT_DUPLICATE;
}

static void an_unlawful_answer_of_the_store_is_a_failure(void **state) {
  snapshot before = take_snapshot();
  int (*lawful)(void *, const schat_batch *) = alice()->store.commit;
  (void)state;
  alice()->store.commit = odd_commit;
  assert_int_equal(world_text(w, 0, chat, "text", NULL), SCHAT_E_STORE);
  alice()->store.commit = lawful;
  assert_unchanged(&before);
}

/* Groups ------------------------------------------------------------------------------------------------------------------------ */

/* Several inputs, nested groups: one commit, and effects only after it. */
static void a_group_is_one_commit(void **state) {
  uint64_t generation = alice()->env.account.generation;
  size_t commits = memstore_commits(store());
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_OK);
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "two", NULL), SCHAT_OK);
  assert_int_equal(do_set_ttl(), SCHAT_OK);
  assert_nothing_waits();
  assert_int_equal(schat_pop(alice()), SCHAT_EMPTY);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store()), commits);
  assert_nothing_waits();
  assert_int_equal(world_text(w, 0, chat, "three", NULL), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store()), commits + 1);
  assert_int_equal(alice()->env.account.generation, generation + 1);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 3);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_TTL), 1);
}

static void an_empty_group_commits_nothing(void **state) {
  size_t commits = memstore_commits(store());
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store()), commits);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_E_INVALID); /* there is none */
}

/* An input that is refused takes nothing of the group with it. */
static void a_refused_input_leaves_the_group_as_it_was(void **state) {
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat + 1, "nowhere", NULL), SCHAT_E_NO_CHAT);
  assert_int_equal(schat_chat_accept(alice(), chat, w->now), SCHAT_E_STATE);
  w->peers[0].random_fails = 1;
  assert_int_equal(world_text(w, 0, chat, "no random", NULL), SCHAT_E_RANDOM);
  w->peers[0].random_fails = 0;
  assert_int_equal(world_text(w, 0, chat, "two", NULL), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 2);
}

/* When the commit of a group fails, everything since the outermost schat_begin is undone: new chats, messages, deletions. */
static void a_group_whose_commit_fails_never_happened(void **state) {
  int64_t id = 0;
  int32_t created = 0;
  puppet *p = puppet_new(alice(), chat);
  snapshot before;
  (void)state;
  world_text_ttl(w, 0, chat, "kept", 60, &id);
  world_run(w);
  puppet_follow(p, alice());
  before = take_snapshot();
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_chat_create(alice(), w->peers[1].user_id, w->now, &created), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "gone", NULL), SCHAT_OK);
  assert_int_equal(puppet_send_text(p, alice(), 5, "from the peer", 5, w->now), SCHAT_OK);
  assert_int_equal(do_read(), SCHAT_OK);
  assert_int_equal(schat_messages_delete(alice(), chat, &id, 1, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_input_read(alice(), chat, (int32_t)(w->now / 1000), 0, w->now), SCHAT_OK);
  assert_int_equal(do_discard(), SCHAT_OK);
  memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_E_STORE);
  assert_unchanged(&before);
  assert_nothing_waits();
  assert_int_equal(world_info(w, 0, created).state, SCHAT_STATE_NONE);
  assert_non_null(schat__item_find(puppet_slot(alice(), chat), SCHAT__TIMER, id));
  world_text(w, 0, chat, "goes on", NULL);
  world_run(w);
  assert_string_equal(world_last(w, 1, SCHAT_EVENT_MESSAGE)->text, "goes on");
  puppet_free(p);
}

/* A chat that comes and goes in one group was never there. */
static void what_comes_and_goes_in_one_group_leaves_no_record(void **state) {
  int32_t id = 0;
  size_t chats = memstore_count(store(), SCHAT_RECORD_CHAT), keys = memstore_count(store(), SCHAT_RECORD_KEYS);
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(schat_chat_create(alice(), 99, w->now, &id), SCHAT_OK);
  assert_int_equal(schat_chat_discard(alice(), id, 0, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_forget(alice(), id, w->now), SCHAT_OK);
  assert_int_equal(schat_end(alice(), w->now), SCHAT_OK);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_CHAT), chats);
  assert_int_equal(memstore_count(store(), SCHAT_RECORD_KEYS), keys);
  world_restart(w, 0, 1);
  assert_int_equal(world_info(w, 0, id).state, SCHAT_STATE_NONE);
}

/* A group that is open when the manager is closed is forgotten. */
static void an_open_group_ends_with_the_manager(void **state) {
  (void)state;
  assert_int_equal(schat_begin(alice()), SCHAT_OK);
  assert_int_equal(world_text(w, 0, chat, "never", NULL), SCHAT_OK);
  world_restart(w, 0, 0);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 0);
}

/* Differences ------------------------------------------------------------------------------------------------------------------- */

#define MANY 1000u

static schat_encrypted_message *many_messages(puppet *p, size_t count) {
  schat_encrypted_message *messages = calloc(count, sizeof *messages);
  size_t i;
  assert_non_null(messages);
  for (i = 0; i < count; i++) {
    size_t size;
    uint8_t *sealed = puppet_seal(p, schat__wire_in(p->in_raw, p->originator), schat__wire_out(p->out_raw++, p->originator),
                                  puppet_text(p, 5000 + (int64_t)i, "text", 0), &size);
    SCHAT_INIT(messages[i]);
    messages[i].chat_id = chat;
    messages[i].date = (int32_t)i + 1;
    messages[i].bytes.data = sealed;
    messages[i].bytes.size = size;
    puppet_forget(p);
  }
  return messages;
}

static void free_messages(schat_encrypted_message *messages, size_t count) {
  size_t i;
  for (i = 0; i < count; i++) free((void *)(uintptr_t)messages[i].bytes.data);
  free(messages);
}

/* R-Q-02, D-31: a whole difference is one commit, with the position it ends at. */
static void a_difference_of_a_thousand_messages_is_one_commit(void **state) {
  puppet *p = puppet_new(alice(), chat);
  schat_encrypted_message *messages = many_messages(p, MANY);
  schat_difference difference;
  size_t commits = memstore_commits(store());
  int32_t qts = 0, date = 0;
  (void)state;
  SCHAT_INIT(difference);
  difference.messages = messages;
  difference.message_count = MANY;
  difference.qts = 5000;
  difference.date = (int32_t)(w->now / 1000) + 7;
  assert_int_equal(schat_input_difference(alice(), &difference, w->now), SCHAT_OK);
  assert_int_equal(memstore_commits(store()), commits + 1);
  schat_checkpoint(alice(), &qts, &date);
  assert_int_equal(qts, 5000);
  assert_int_equal(date, difference.date);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), MANY);
  free_messages(messages, MANY);
  puppet_free(p);
}

/* A message that is refused does not keep the others; a difference whose commit fails has brought nothing. */
static void a_difference_goes_past_what_is_refused_and_is_whole_or_nothing(void **state) {
  puppet *p = puppet_new(alice(), chat);
  schat_encrypted_message *messages = many_messages(p, 3), bad = messages[1];
  schat_difference difference;
  snapshot before = take_snapshot();
  (void)state;
  messages[1].bytes.size = 96; /* not what was sealed */
  SCHAT_INIT(difference);
  difference.messages = messages;
  difference.message_count = 3;
  difference.qts = before.qts + 3;
  memstore_fail_commit(store(), 1, SCHAT_E_STORE, 0);
  assert_int_equal(schat_input_difference(alice(), &difference, w->now), SCHAT_E_STORE);
  assert_unchanged(&before);
  assert_nothing_waits();
  assert_int_equal(schat_input_difference(alice(), &difference, w->now), SCHAT_OK);
  assert_int_equal(world_info(w, 0, chat).waiting, 1);
  messages[1] = bad;
  assert_int_equal(schat_input_message(alice(), &messages[1], 0, w->now), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 3);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_REJECTED), 1);
  free_messages(messages, 3);
  puppet_free(p);
}

/* Asynchronous commits ---------------------------------------------------------------------------------------------------------- */

/* X-14 accept: what rests on a commit that is only on its way waits until it is durable, in order. */
static void effects_wait_for_pending_commits_in_order(void **state) {
  uint64_t first, second;
  schat_effect effect;
  (void)state;
  SCHAT_INIT(effect);
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "one", NULL), SCHAT_PENDING);
  assert_int_equal(world_text(w, 0, chat, "two", NULL), SCHAT_PENDING);
  assert_int_equal(schat_typing(alice(), chat, 1, w->now), SCHAT_OK); /* needs no commit, and may not overtake one */
  assert_nothing_waits();
  first = memstore_complete(store(), SCHAT_OK);
  second = memstore_complete(store(), SCHAT_OK);
  assert_int_equal(schat_commit_done(alice(), second, SCHAT_OK), SCHAT_E_INVALID); /* out of turn */
  assert_int_equal(schat_commit_done(alice(), first + 77, SCHAT_OK), SCHAT_E_INVALID);
  assert_nothing_waits();
  assert_int_equal(schat_commit_done(alice(), first, SCHAT_OK), SCHAT_OK);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(effect.request->type, SCHAT_REQUEST_SEND_ENCRYPTED);
  assert_int_equal(schat_pop(alice()), SCHAT_OK);
  assert_nothing_waits();
  assert_int_equal(schat_commit_done(alice(), first, SCHAT_OK), SCHAT_E_INVALID); /* done already */
  assert_int_equal(schat_commit_done(alice(), second, SCHAT_OK), SCHAT_OK);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(effect.request->type, SCHAT_REQUEST_SEND_ENCRYPTED);
  schat_pop(alice());
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_OK);
  assert_int_equal(effect.request->type, SCHAT_REQUEST_SET_TYPING);
  assert_int_equal(schat_commit_done(alice(), second, SCHAT_OK), SCHAT_E_INVALID);
}

/* A commit that is durable at once behind one that is not yet waits with it. */
static void a_quick_commit_waits_behind_a_slow_one(void **state) {
  (void)state;
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "slow", NULL), SCHAT_PENDING);
  memstore_set_pending(store(), 0);
  assert_int_equal(world_text(w, 0, chat, "quick", NULL), SCHAT_OK);
  assert_nothing_waits();
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  world_drain(w, 0);
  assert_int_equal(world_requests(w, 0, SCHAT_REQUEST_SEND_ENCRYPTED), 2);
}

/* a message that is replaced before it leaves (R-SEQ-21) waits until that is durable too: had the replacement left and been lost, the
 * message would follow under the same number, and the peer would take it for a repeat. */
static void a_message_leaves_as_the_last_durable_commit_has_it(void **state) {
  int64_t random_id;
  (void)state;
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "soon deleted", &random_id), SCHAT_PENDING);
  assert_int_equal(schat_messages_delete(alice(), chat, &random_id, 1, 0, w->now), SCHAT_PENDING);
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  assert_nothing_waits();
  assert_int_equal(memstore_complete(store(), SCHAT_E_STORE) != 0, 1); /* the deletion is lost */
  memstore_set_pending(store(), 0);
  world_restart(w, 0, 1);
  world_run(w);
  assert_string_equal(world_last(w, 1, SCHAT_EVENT_MESSAGE)->text, "soon deleted");
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "deleted", &random_id), SCHAT_PENDING);
  assert_int_equal(schat_messages_delete(alice(), chat, &random_id, 1, 0, w->now), SCHAT_PENDING);
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  memstore_set_pending(store(), 0);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_DELETED), 2);
}

/* A whole conversation over a store that is always late. */
static void a_conversation_goes_on_over_a_slow_store(void **state) {
  size_t i, round;
  (void)state;
  memstore_set_pending(store(), 1);
  for (i = 0; i < 5; i++) {
    world_text(w, 0, chat, "from alice", NULL);
    world_text(w, 1, chat, "from bob", NULL);
    for (round = 0; round < 6; round++) {
      uint64_t ticket;
      world_run(w);
      while ((ticket = memstore_complete(store(), SCHAT_OK)) != 0) assert_int_equal(schat_commit_done(alice(), ticket, SCHAT_OK), SCHAT_OK);
    }
  }
  world_run(w);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 5);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 5);
  memstore_set_pending(store(), 0);
}

/* X-14 reject: a commit that was accepted and then lost poisons the manager; the store opens as it was before. */
static void a_lost_commit_poisons_the_manager(void **state) {
  memstore *before = world_image(w, 0);
  schat_effect effect;
  schat_chat_info info;
  int64_t deadline;
  uint64_t ticket;
  int32_t qts, date;
  (void)state;
  SCHAT_INIT(effect);
  SCHAT_INIT(info);
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "lost", NULL), SCHAT_PENDING);
  assert_int_equal(world_text(w, 0, chat, "lost too", NULL), SCHAT_PENDING);
  ticket = memstore_complete(store(), SCHAT_E_STORE);
  assert_int_equal(schat_commit_done(alice(), ticket, SCHAT_E_STORE), SCHAT_E_POISONED);
  assert_int_equal(world_text(w, 0, chat, "more", NULL), SCHAT_E_POISONED);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_E_POISONED);
  assert_int_equal(schat_peek(alice(), &effect), SCHAT_E_POISONED);
  assert_int_equal(schat_pop(alice()), SCHAT_E_POISONED);
  assert_int_equal(schat_chat_get_info(alice(), chat, &info), SCHAT_E_POISONED);
  assert_int_equal(schat_next_deadline(alice(), &deadline), SCHAT_E_POISONED);
  assert_int_equal(schat_checkpoint(alice(), &qts, &date), SCHAT_E_POISONED);
  assert_int_equal(schat_begin(alice()), SCHAT_E_POISONED);
  assert_int_equal(schat_commit_done(alice(), ticket + 1, SCHAT_OK), SCHAT_E_POISONED);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_E_POISONED);
  memstore_complete(store(), SCHAT_E_STORE);
  memstore_set_pending(store(), 0);
  world_restart(w, 0, 1);
  world_drain(w, 0);
  assert_true(memstore_count(store(), SCHAT_RECORD_OUTBOX) == memstore_count(before, SCHAT_RECORD_OUTBOX));
  world_text(w, 0, chat, "after all", NULL);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  memstore_free(before);
}

/* A manager closed before its commits are durable: what became durable is there, the rest never was. */
static void closing_does_not_wait_for_pending_commits(void **state) {
  (void)state;
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "stored", NULL), SCHAT_PENDING);
  assert_int_equal(world_text(w, 0, chat, "lost", NULL), SCHAT_PENDING);
  memstore_complete(store(), SCHAT_OK);
  memstore_set_pending(store(), 0);
  world_restart(w, 0, 1);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  assert_string_equal(world_last(w, 1, SCHAT_EVENT_MESSAGE)->text, "stored");
}

/* schat_wipe over a slow store is a commit like any other. */
static void a_wipe_may_be_pending_too(void **state) {
  uint64_t ticket;
  (void)state;
  memstore_set_pending(store(), 1);
  assert_int_equal(world_text(w, 0, chat, "text", NULL), SCHAT_PENDING);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_E_STATE); /* not while another is on its way */
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_OK), SCHAT_OK), SCHAT_OK);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_PENDING);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_NONE);
  ticket = memstore_complete(store(), SCHAT_OK);
  assert_int_equal(memstore_count(store(), 0), 0);
  assert_int_equal(schat_commit_done(alice(), ticket, SCHAT_OK), SCHAT_OK);
  memstore_set_pending(store(), 0);
}

static void a_wipe_that_is_lost_poisons_too(void **state) {
  (void)state;
  memstore_set_pending(store(), 1);
  assert_int_equal(schat_wipe(alice(), w->now), SCHAT_PENDING);
  assert_int_equal(schat_commit_done(alice(), memstore_complete(store(), SCHAT_E_STORE), SCHAT_E_STORE), SCHAT_E_POISONED);
  assert_int_equal(schat_tick(alice(), w->now), SCHAT_E_POISONED);
  memstore_set_pending(store(), 0);
  world_restart(w, 0, 0);
  assert_int_equal(world_info(w, 0, chat).state, SCHAT_STATE_READY);
}

/* Clocks ------------------------------------------------------------------------------------------------------------------------ */

/* X-17 reject: times that are none. */
static void times_out_of_range_are_refused(void **state) {
  static const int64_t bad[] = {0, -1, INT64_MIN, INT64_MAX, INT64_MAX / 4 + 1};
  schat_answer answer;
  schat_encrypted_message message;
  schat_difference difference;
  size_t i;
  (void)state;
  SCHAT_INIT(answer);
  SCHAT_INIT(message);
  SCHAT_INIT(difference);
  for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snapshot before = take_snapshot();
    int64_t now = w->now;
    assert_int_equal(schat_tick(alice(), bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_typing(alice(), chat, 1, bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_input_message(alice(), &message, 1, bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_input_difference(alice(), &difference, bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_request_done(alice(), 1, &answer, bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_wipe(alice(), bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_begin(alice()), SCHAT_OK);
    assert_int_equal(schat_end(alice(), bad[i]), SCHAT_E_INVALID);
    assert_int_equal(schat_end(alice(), now), SCHAT_OK);
    w->now = bad[i];
    assert_int_equal(do_send(), SCHAT_E_INVALID);
    w->now = now;
    assert_unchanged(&before);
  }
}

/* a clock that jumps to its ends and back for ever overflows nothing. */
static void a_clock_between_its_ends_overflows_nothing(void **state) {
  size_t i;
  (void)state;
  for (i = 0; i < 20; i++) {
    int64_t deadline;
    assert_true(schat_tick(alice(), INT64_MAX / 4) >= 0);
    assert_true(world_text_ttl(w, 0, chat, "text", 0x7ffffffe, NULL) >= 0); /* at the old time again */
    assert_true(schat_tick(alice(), 1) >= 0);
    assert_int_equal(schat_next_deadline(alice(), &deadline), SCHAT_OK);
    w->peers[0].hold = 1;
    world_drain(w, 0);
  }
  w->now = 1;
  world_restart(w, 0, 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      T(effects_follow_their_commit),
      T(a_failed_commit_lets_nothing_out),
      T(what_leaves_can_be_sent_again_from_the_store),
      T(a_host_may_call_inside_its_callbacks),
      T(a_group_begun_in_a_callback_holds_back_the_rest),
      T(a_manager_cannot_be_closed_or_wiped_in_its_callbacks),
      T(store_callbacks_may_not_call_back),
      T(commands_that_fail_change_nothing_and_can_be_repeated),
      T(inputs_that_fail_change_nothing_and_can_be_repeated),
      T(a_store_that_fails_for_long_may_recover),
      T(a_tick_whose_commit_failed_is_done_by_the_next),
      T(an_answer_that_fails_gives_back_every_request),
      T(an_unlawful_answer_of_the_store_is_a_failure),
      T(a_group_is_one_commit),
      T(an_empty_group_commits_nothing),
      T(a_refused_input_leaves_the_group_as_it_was),
      T(a_group_whose_commit_fails_never_happened),
      T(what_comes_and_goes_in_one_group_leaves_no_record),
      T(an_open_group_ends_with_the_manager),
      T(a_difference_of_a_thousand_messages_is_one_commit),
      T(a_difference_goes_past_what_is_refused_and_is_whole_or_nothing),
      T(effects_wait_for_pending_commits_in_order),
      T(a_quick_commit_waits_behind_a_slow_one),
      T(a_message_leaves_as_the_last_durable_commit_has_it),
      T(a_conversation_goes_on_over_a_slow_store),
      T(a_lost_commit_poisons_the_manager),
      T(closing_does_not_wait_for_pending_commits),
      T(a_wipe_may_be_pending_too),
      T(a_wipe_that_is_lost_poisons_too),
      T(times_out_of_range_are_refused),
      T(a_clock_between_its_ends_overflows_nothing),
  };
  return cmocka_run_group_tests_name("step", tests, NULL, NULL);
}
