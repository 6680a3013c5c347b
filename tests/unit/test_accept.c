/* SPDX-License-Identifier: BSL-1.0
 * test_accept.c - creating and accepting when facts come in any order, twice, late or wrong, and when either side falls at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "desk.h"
#include "manager/manager.h"

#define SIZE 256u

static int last_reason(const desk *d) {
  const world_event *e = world_last(d->w, 0, SCHAT_EVENT_REJECTED);
  return e == NULL ? SCHAT_REJECT_NONE : e->reason;
}

static int close_reason(const desk *d) {
  return world_info(d->w, 0, d->chat_id).close_reason;
}

/* Any order ---------------------------------------------------------------------------------------------------------------------- */

typedef enum { ANSWER, UPDATE, AGAIN, MESSAGE, DISCARD, FACTS } fact;

/* All orders of the first `count` facts, one after the other (Heap's method). 0 when there is no other. */
typedef struct {
  int order[FACTS], stack[FACTS], count, at;
} orders;

static void orders_begin(orders *o, int count) {
  int i;
  memset(o, 0, sizeof *o);
  o->count = count;
  for (i = 0; i < count; i++) o->order[i] = i;
  o->at = 1;
}

static int orders_next(orders *o) {
  while (o->at < o->count) {
    if (o->stack[o->at] < o->at) {
      int other = o->at % 2 == 0 ? 0 : o->stack[o->at], kept = o->order[other];
      o->order[other] = o->order[o->at];
      o->order[o->at] = kept;
      o->stack[o->at]++;
      o->at = 1;
      return 1;
    }
    o->stack[o->at++] = 0;
  }
  return 0;
}

typedef struct {
  desk *d;
  uint8_t *text;
  size_t size;
} scene;

/* A fact, of the chat we began (AGAIN: encryptedChat twice) or of the one we accept (AGAIN: the invitation once more). */
static int tell(const scene *s, int which) {
  desk *d = s->d;
  schat_chat_update u;
  switch ((fact)which) {
    case ANSWER:
      u = desk_view(d, d->originator ? SCHAT_CHAT_UPDATE_WAITING : SCHAT_CHAT_UPDATE_CHAT);
      return desk_answer(d, d->originator ? SCHAT_REQUEST_REQUEST_ENCRYPTION : SCHAT_REQUEST_ACCEPT_ENCRYPTION, &u);
    case UPDATE:
      return desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT);
    case AGAIN:
      return desk_tell_type(d, d->originator ? SCHAT_CHAT_UPDATE_CHAT : SCHAT_CHAT_UPDATE_REQUESTED);
    case MESSAGE:
      return desk_message(d, s->text, s->size, 0);
    case DISCARD:
      return desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED);
    case FACTS:
      break;
  }
  return SCHAT_E_INVALID;
}

/* Whether the chat is READY after the facts so far. */
static int makes_ready(const scene *s, int which) {
  if (s->d->originator) return which == UPDATE || which == AGAIN;
  return which == ANSWER || which == UPDATE || which == MESSAGE;
}

static void check_order(const scene *s, const orders *o) {
  desk *d = s->d;
  int i, ready = 0, was_ready = 0, closed = 0, message = 0, delivered;
  for (i = 0; i < o->count; i++) {
    int status = tell(s, o->order[i]);
    assert_true(status >= 0 && status != SCHAT_REJECTED);
    if (closed) continue;
    if (o->order[i] == DISCARD) {
      assert_int_equal(status, SCHAT_CHAT_CLOSED);
      was_ready = ready;
      closed = 1;
    }
    if (o->order[i] == MESSAGE) message = 1;
    if (makes_ready(s, o->order[i])) ready = 1;
    assert_int_equal(desk_state(d) == SCHAT_STATE_READY, ready && !closed);
  }
  delivered = message && ready && (!closed || was_ready);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), (size_t)delivered);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_CLOSED), (size_t)closed);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_REJECTED), 0);
  if (closed) assert_int_equal(close_reason(d), was_ready ? SCHAT_CLOSE_BY_PEER : SCHAT_CLOSE_DECLINED);
  if (closed) assert_null(desk_slot(d)->secrets);
  if (!closed) assert_memory_equal(desk_slot(d)->chat.key, d->key, SIZE);
  assert_true(schat__chat_check(desk_slot(d)));
}

/* D-17 accept: every order of the answer, the update, its repeat, the peer's first message and a discard, in both roles, with and without
 * the discard, leads to the same chat, with the message once. R-DH-15: a discard ends it in every state. */
static void every_order_of_facts_is_lawful(void **state) {
  int role, count;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(1 + (uint64_t)role);
    scene s = {NULL, NULL, 0};
    memstore *image;
    s.d = d;
    desk_begin(d, role, role ? SCHAT_STATE_REQUESTING : SCHAT_STATE_ACCEPTING);
    s.text = desk_text(d, 0, "first", &s.size);
    image = desk_image(d);
    for (count = DISCARD; count <= FACTS; count++) { /* without the discard, then with it */
      orders o;
      size_t done = 0;
      orders_begin(&o, count);
      do {
        world_forget(d->w);
        desk_rewind(d, image); /* what was asked is asked again */
        check_order(&s, &o);
        done++;
      } while (orders_next(&o));
      assert_int_equal(done, count == FACTS ? 120 : 24);
    }
    free(s.text);
    memstore_free(image);
    desk_free(d);
  }
}

/* What each state makes of each update. */
typedef struct {
  int originator, state;
  int status[5]; /* of EMPTY, WAITING, REQUESTED, CHAT, DISCARDED */
  int after[5];
} row;

#define S_REQ SCHAT_STATE_REQUESTING
#define S_WAIT SCHAT_STATE_WAITING_PEER
#define S_INV SCHAT_STATE_INVITED
#define S_ACC SCHAT_STATE_ACCEPTING
#define S_READY SCHAT_STATE_READY
#define S_END SCHAT_STATE_CLOSED

static const row rows[] = {
    {1, S_REQ, {SCHAT_IGNORED, SCHAT_OK, SCHAT_REJECTED, SCHAT_OK, SCHAT_CHAT_CLOSED}, {S_REQ, S_WAIT, S_REQ, S_READY, S_END}},
    {1, S_WAIT, {SCHAT_IGNORED, SCHAT_DUPLICATE, SCHAT_REJECTED, SCHAT_OK, SCHAT_CHAT_CLOSED}, {S_WAIT, S_WAIT, S_WAIT, S_READY, S_END}},
    {1,
     S_READY,
     {SCHAT_IGNORED, SCHAT_IGNORED, SCHAT_REJECTED, SCHAT_DUPLICATE, SCHAT_CHAT_CLOSED},
     {S_READY, S_READY, S_READY, S_READY, S_END}},
    {0, S_INV, {SCHAT_IGNORED, SCHAT_IGNORED, SCHAT_DUPLICATE, SCHAT_IGNORED, SCHAT_CHAT_CLOSED}, {S_INV, S_INV, S_INV, S_INV, S_END}},
    {0, S_ACC, {SCHAT_IGNORED, SCHAT_IGNORED, SCHAT_DUPLICATE, SCHAT_OK, SCHAT_CHAT_CLOSED}, {S_ACC, S_ACC, S_ACC, S_READY, S_END}},
    {0,
     S_READY,
     {SCHAT_IGNORED, SCHAT_IGNORED, SCHAT_DUPLICATE, SCHAT_DUPLICATE, SCHAT_CHAT_CLOSED},
     {S_READY, S_READY, S_READY, S_READY, S_END}},
};

/* D-17 accept and reject: the whole table of states and updates; every update again afterwards changes nothing more. R-DH-15. */
static void every_state_knows_every_update(void **state) {
  size_t i;
  int type;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    desk *d = desk_new(10 + i);
    memstore *image;
    desk_begin(d, rows[i].originator, rows[i].state);
    image = desk_image(d);
    for (type = SCHAT_CHAT_UPDATE_EMPTY; type <= SCHAT_CHAT_UPDATE_DISCARDED; type++) {
      schat__chat before;
      int status;
      desk_rewind(d, image);
      status = desk_tell_type(d, type);
      if (status != rows[i].status[type - 1] || desk_state(d) != rows[i].after[type - 1]) {
        fail_msg("row %zu update %d: status %d state %d", i, type, status, desk_state(d));
      }
      before = desk_slot(d)->chat;
      status = desk_tell_type(d, type);
      assert_true(status == SCHAT_DUPLICATE || status == SCHAT_IGNORED || status == SCHAT_REJECTED);
      assert_memory_equal(&desk_slot(d)->chat, &before, sizeof before);
    }
    memstore_free(image);
    desk_free(d);
  }
}

/* D-17: in the states before there is anything to ask with, and after the end; and of chats nobody knows. */
static void updates_before_the_first_step_and_after_the_end_do_nothing(void **state) {
  desk *d = desk_new(20);
  int type;
  (void)state;
  d->chat_id = 999;
  for (type = SCHAT_CHAT_UPDATE_EMPTY; type <= SCHAT_CHAT_UPDATE_DISCARDED; type++) {
    if (type != SCHAT_CHAT_UPDATE_REQUESTED) assert_int_equal(desk_tell_type(d, type), SCHAT_IGNORED);
  }
  desk_create(d); /* the configuration has not come */
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_STATE);
  assert_int_equal(desk_state(d), SCHAT_STATE_REQUESTING);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED), SCHAT_CHAT_CLOSED);
  for (type = SCHAT_CHAT_UPDATE_EMPTY; type < SCHAT_CHAT_UPDATE_DISCARDED; type++) assert_int_equal(desk_tell_type(d, type), SCHAT_IGNORED);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED), SCHAT_DUPLICATE);
  assert_int_equal(desk_config(d), SCHAT_OK); /* an answer that comes too late */
  assert_int_equal(desk_state(d), SCHAT_STATE_CLOSED);
  d->chat_id = 998;
  assert_int_equal(desk_invite(d), SCHAT_OK);
  assert_int_equal(schat_chat_accept(desk_manager(d), 998, d->w->now), SCHAT_OK);
  world_drain(d->w, 0);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_IGNORED); /* accepting, and no key yet */
  assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
  assert_int_equal(schat_chat_accept(desk_manager(d), 998, d->w->now), SCHAT_E_STATE);
  assert_int_equal(desk_config(d), SCHAT_OK);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), 1);
  desk_free(d);
}

/* Identities ---------------------------------------------------------------------------------------------------------------------- */

static void twist(schat_chat_update *u, int how) {
  int64_t admin = u->admin_id;
  switch (how) {
    case 0:
      u->admin_id++;
      break;
    case 1:
      u->participant_id++;
      break;
    case 2: /* swapped */
      u->admin_id = u->participant_id;
      u->participant_id = admin;
      break;
    case 3:
      u->admin_id = 0;
      break;
    case 4:
      u->participant_id = 0;
      break;
    case 5:
      u->access_hash ^= 1;
      break;
    case 6:
      u->access_hash = 0;
      break;
    case 7:
      u->participant_id = u->admin_id;
      break;
    default:
      break;
  }
}

#define TWISTS 8

/* X-20 reject: wrong people and a wrong access hash, in every state, of every update that names them; nothing changes. */
static void wrong_identities_are_refused(void **state) {
  size_t i;
  int type, how;
  (void)state;
  for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    desk *d = desk_new(30 + i);
    memstore *image;
    schat__chat before;
    desk_begin(d, rows[i].originator, rows[i].state);
    image = desk_image(d);
    before = desk_slot(d)->chat;
    for (type = SCHAT_CHAT_UPDATE_WAITING; type <= SCHAT_CHAT_UPDATE_CHAT; type++) {
      for (how = 0; how < TWISTS; how++) {
        schat_chat_update u = desk_view(d, type);
        if (rows[i].state == SCHAT_STATE_REQUESTING && (how == 5 || how == 6)) continue; /* no access hash is known yet */
        twist(&u, how);
        if (desk_tell(d, &u) != SCHAT_REJECTED) fail_msg("row %zu update %d twist %d", i, type, how);
        assert_int_equal(last_reason(d), SCHAT_REJECT_IDENTITY);
        assert_true(desk_unchanged(d, image, &before));
      }
    }
    memstore_free(image);
    desk_free(d);
  }
}

/* X-20 reject: the same in the answers to our requests, and an answer that names another chat or is none; nothing is stored, and what was
 * asked is asked again. */
static void wrong_identities_in_answers_are_refused(void **state) {
  int role, how;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(40 + (uint64_t)role);
    int32_t type = role ? SCHAT_REQUEST_REQUEST_ENCRYPTION : SCHAT_REQUEST_ACCEPT_ENCRYPTION;
    int32_t good = role ? SCHAT_CHAT_UPDATE_WAITING : SCHAT_CHAT_UPDATE_CHAT;
    memstore *image;
    desk_begin(d, role, role ? SCHAT_STATE_REQUESTING : SCHAT_STATE_ACCEPTING);
    image = desk_image(d);
    for (how = 0; how <= TWISTS + 1; how++) {
      schat_chat_update u = desk_view(d, how > TWISTS ? SCHAT_CHAT_UPDATE_REQUESTED : good);
      if (role && (how == 5 || how == 6)) continue;
      world_forget(d->w);
      desk_rewind(d, image);
      twist(&u, how);
      if (how == TWISTS) u.chat_id ^= 1;
      assert_int_equal(desk_answer(d, type, &u), SCHAT_REJECTED);
      assert_int_equal(last_reason(d), how > TWISTS ? SCHAT_REJECT_STATE : SCHAT_REJECT_IDENTITY);
      assert_int_equal(desk_state(d), role ? SCHAT_STATE_REQUESTING : SCHAT_STATE_ACCEPTING);
      assert_memory_equal(desk_slot(d)->secrets->own, d->library, SIZE);
      world_pass(d->w, 1000);
      u = desk_view(d, good);
      assert_int_equal(desk_answer(d, type, &u), SCHAT_OK); /* the good answer is taken, whether it was asked again or not */
      assert_int_equal(desk_state(d), role ? SCHAT_STATE_WAITING_PEER : SCHAT_STATE_READY);
    }
    memstore_free(image);
    desk_free(d);
  }
}

/* an invitation for somebody else, or without an id; and a user id that the host did not name is learnt from the first update. */
static void an_invitation_for_others_is_refused(void **state) {
  desk *d = desk_new(45);
  schat_chat_update u;
  memstore *image = desk_image(d);
  desk_parts parts = {0};
  (void)state;
  d->chat_id = 7;
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  u.participant_id++;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_IDENTITY);
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  u.chat_id = 0;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_IDENTITY);
  assert_true(memstore_equal(image, d->w->peers[0].store));
  assert_int_equal(desk_reopen(d, &parts), SCHAT_OK);
  assert_int_equal(desk_invite(d), SCHAT_OK);
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  u.participant_id++;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED);
  assert_int_equal(schat_chat_discard(desk_manager(d), d->chat_id, 0, d->w->now), SCHAT_OK);
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.admin_id++;
  assert_int_equal(desk_tell(d, &u), SCHAT_REJECTED); /* the first answer said who we are */
  assert_int_equal(last_reason(d), SCHAT_REJECT_IDENTITY);
  memstore_free(image);
  desk_free(d);
}

/* the date of the chat is what the server said first. */
static void the_date_of_a_chat_is_said_once(void **state) {
  int role;
  (void)state;
  for (role = 0; role < 2; role++) {
    desk *d = desk_new(46 + (uint64_t)role);
    schat_chat_update u;
    desk_begin(d, role, role ? SCHAT_STATE_WAITING_PEER : SCHAT_STATE_ACCEPTING);
    assert_int_equal(world_info(d->w, 0, d->chat_id).date, d->date);
    u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
    u.date = 1;
    assert_int_equal(desk_tell(d, &u), SCHAT_OK);
    assert_int_equal(world_info(d->w, 0, d->chat_id).date, d->date);
    assert_true(world_info(d->w, 0, d->chat_id).access_hash == DESK_HASH);
    desk_free(d);
  }
}

/* Structs that are no updates at all are the host's mistake, not the server's. */
static void what_is_no_update_is_an_invalid_argument(void **state) {
  desk *d = desk_new(48);
  schat_chat_update u;
  (void)state;
  assert_int_equal(schat_input_chat(desk_manager(d), NULL, d->w->now), SCHAT_E_INVALID);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.size--;
  assert_int_equal(schat_input_chat(desk_manager(d), &u, d->w->now), SCHAT_E_ABI);
  u = desk_view(d, SCHAT_CHAT_UPDATE_DISCARDED + 1);
  assert_int_equal(schat_input_chat(desk_manager(d), &u, d->w->now), SCHAT_E_INVALID);
  u.type = 0;
  assert_int_equal(schat_input_chat(desk_manager(d), &u, d->w->now), SCHAT_E_INVALID);
  u = desk_view(d, SCHAT_CHAT_UPDATE_CHAT);
  u.g_a.data = NULL;
  assert_int_equal(schat_input_chat(desk_manager(d), &u, d->w->now), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_create(desk_manager(d), 0, d->w->now, &d->chat_id), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_create(desk_manager(d), -5, d->w->now, &d->chat_id), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_create(desk_manager(d), 5, d->w->now, NULL), SCHAT_E_INVALID);
  assert_int_equal(schat_chat_accept(desk_manager(d), 12345, d->w->now), SCHAT_E_NO_CHAT);
  desk_free(d);
}

/* The user decides ---------------------------------------------------------------------------------------------------------------- */

/* R-DH-14 accept and reject, D-16: an invitation says who asks, and nothing happens, ever, until the user accepts; once. */
static void nothing_is_accepted_without_the_user(void **state) {
  world *w = world_new(50, 2);
  const world_event *e;
  int32_t id;
  (void)state;
  assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
  world_run(w);
  e = world_last(w, 1, SCHAT_EVENT_INVITED);
  assert_non_null(e);
  assert_int_equal(e->chat_id, id);
  assert_true(world_info(w, 1, id).user_id == w->peers[0].user_id);
  world_pass(w, INT64_C(40) * 86400 * 1000);
  world_restart(w, 1, 1);
  world_pass(w, 60000);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_INVITED);
  assert_int_equal(w->peers[1].request_count, 0);
  assert_int_equal(schat_chat_accept(w->peers[0].manager, id, w->now), SCHAT_E_STATE); /* it is the other's to accept */
  assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_OK);
  assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_E_STATE);
  world_run(w);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_READY);
  assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_E_STATE);
  world_free(w);
}

static int64_t invite_at(desk *d, uint32_t pause) {
  d->w->peers[0].policy.flags |= SCHAT_POLICY_ACCEPT_AFTER;
  d->w->peers[0].policy.accept_after_ms = pause;
  world_restart(d->w, 0, 0);
  assert_int_equal(desk_invite(d), SCHAT_OK);
  return d->w->now + pause;
}

/* D-16 accept: after N milliseconds, not one earlier; through a restart; 0 is at once. */
static void the_policy_accepts_after_its_pause(void **state) {
  static const uint32_t pauses[] = {1, 1000, 86400000};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    desk *d = desk_new(52 + i);
    int64_t at = invite_at(d, pauses[i]), deadline;
    assert_int_equal(schat_next_deadline(desk_manager(d), &deadline), SCHAT_OK);
    assert_true(deadline == at);
    world_restart(d->w, 0, 1);
    d->w->now = at - 1;
    assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
    assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
    d->w->now = at;
    assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
    world_drain(d->w, 0);
    assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
    assert_int_equal(desk_config(d), SCHAT_OK);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), 1);
    desk_free(d);
  }
  {
    desk *d = desk_new(55);
    (void)invite_at(d, 0);
    assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
    assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_INVITED), 1); /* the user still sees who asked */
    desk_free(d);
  }
}

/* D-16 reject: who declines first has decided; a policy taken back binds nobody; a bad invitation is not accepted again and again. */
static void the_policy_yields_to_the_user(void **state) {
  desk *d = desk_new(56);
  schat_chat_update u;
  uint8_t bad[SIZE] = {0};
  (void)state;
  (void)invite_at(d, 1000);
  assert_int_equal(schat_chat_discard(desk_manager(d), d->chat_id, 0, d->w->now), SCHAT_OK);
  world_pass(d->w, 2000);
  assert_int_equal(desk_state(d), SCHAT_STATE_CLOSED);
  d->chat_id = 60;
  assert_int_equal(desk_invite(d), SCHAT_OK);
  d->w->peers[0].policy.flags = 0;
  world_restart(d->w, 0, 0);
  world_pass(d->w, 5000);
  assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
  assert_int_equal(schat_chat_discard(desk_manager(d), d->chat_id, 0, d->w->now), SCHAT_OK);
  d->w->peers[0].policy.flags = SCHAT_POLICY_ACCEPT_AFTER;
  world_restart(d->w, 0, 0);
  d->chat_id = 61;
  u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
  bad[SIZE - 1] = 2;
  u.g_a.data = bad;
  world_forget(d->w);
  assert_int_equal(desk_tell(d, &u), SCHAT_OK);
  world_pass(d->w, 1500);
  assert_int_equal(desk_config(d), SCHAT_REJECTED);
  assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
  world_pass(d->w, 100000);
  assert_int_equal(desk_state(d), SCHAT_STATE_INVITED);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), 1);
  desk_free(d);
}

/* invitations that nobody answers are bounded. */
static void invitations_are_bounded(void **state) {
  desk *d = desk_new(57);
  int32_t i;
  (void)state;
  d->w->peers[0].policy.max_invited_chats = 3;
  world_restart(d->w, 0, 0);
  for (i = 1; i <= 4; i++) {
    schat_chat_update u;
    uint8_t exponent[SIZE], value[SIZE];
    assert_int_equal(schat__dh_generate(d->crypto, desk_prime(), 3, NULL, 0, exponent, value), SCHAT_OK);
    d->chat_id = i;
    u = desk_view(d, SCHAT_CHAT_UPDATE_REQUESTED);
    u.g_a.data = value;
    assert_int_equal(desk_tell(d, &u), i <= 3 ? SCHAT_OK : SCHAT_REJECTED);
  }
  assert_int_equal(last_reason(d), SCHAT_REJECT_LIMIT);
  assert_int_equal(schat_chat_discard(desk_manager(d), 1, 0, d->w->now), SCHAT_OK);
  assert_int_equal(desk_invite(d), SCHAT_OK);
  desk_free(d);
}

/* Two devices --------------------------------------------------------------------------------------------------------------------- */

/* R-DH-15, D-16: the device that did not accept hears a discard; its chat ends and its half is wiped. */
static void the_other_device_hears_that_it_is_taken(void **state) {
  world *w = world_new(60, 2);
  size_t second = world_add_device(w, 1);
  int32_t id;
  (void)state;
  assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_INVITED);
  assert_int_equal(world_info(w, second, id).state, SCHAT_STATE_INVITED);
  assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_OK);
  world_run(w);
  assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_READY);
  assert_int_equal(world_info(w, second, id).state, SCHAT_STATE_CLOSED);
  assert_int_equal(world_info(w, second, id).flags & SCHAT_CHAT_DISCARD_PENDING, 0); /* it must not end the other's */
  assert_null(puppet_slot(w->peers[second].manager, id)->secrets);
  assert_int_equal(world_requests(w, second, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
  assert_true(world_text(w, 0, id, "to one", NULL) >= 0);
  world_run(w);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(world_count(w, second, SCHAT_EVENT_MESSAGE), 0);
  world_free(w);
}

/* D-16: both devices accept at once; one has the chat, for the other it was taken elsewhere, whatever it hears first. */
static void two_devices_that_accept_at_once_do_not_clash(void **state) {
  int deaf;
  (void)state;
  for (deaf = 0; deaf < 2; deaf++) {
    world *w = world_new(61 + (uint64_t)deaf, 2);
    size_t second = world_add_device(w, 1);
    schat_chat_info info;
    int32_t id;
    assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
    world_run(w);
    assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_OK);
    assert_int_equal(schat_chat_accept(w->peers[second].manager, id, w->now), SCHAT_OK);
    w->peers[second].deaf = deaf; /* the discard is lost: the error says it */
    world_run(w);
    world_pass(w, 5000);
    info = world_info(w, second, id);
    assert_int_equal(world_info(w, 1, id).state, SCHAT_STATE_READY);
    assert_int_equal(info.state, SCHAT_STATE_CLOSED);
    assert_int_equal(info.close_reason, deaf ? SCHAT_CLOSE_TAKEN_ELSEWHERE : SCHAT_CLOSE_DECLINED);
    assert_int_equal(world_requests(w, second, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
    assert_memory_equal(world_info(w, 0, id).key_hash, world_info(w, 1, id).key_hash, SCHAT_KEY_HASH_SIZE);
    world_free(w);
  }
}

/* D-17: two people ask each other at the same moment: two chats, both good. */
static void both_may_ask_at_once(void **state) {
  world *w = world_new(63, 2);
  int32_t id[2];
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) assert_int_equal(schat_chat_create(w->peers[i].manager, w->peers[1 - i].user_id, w->now, &id[i]), SCHAT_OK);
  world_run(w);
  for (i = 0; i < 2; i++) assert_int_equal(schat_chat_accept(w->peers[i].manager, id[1 - i], w->now), SCHAT_OK);
  world_run(w);
  for (i = 0; i < 4; i++) assert_int_equal(world_info(w, i / 2, id[i % 2]).state, SCHAT_STATE_READY);
  for (i = 0; i < 2; i++) assert_memory_equal(world_info(w, 0, id[i]).key_hash, world_info(w, 1, id[i]).key_hash, SCHAT_KEY_HASH_SIZE);
  assert_memory_not_equal(world_info(w, 0, id[0]).key_hash, world_info(w, 0, id[1]).key_hash, SCHAT_KEY_HASH_SIZE);
  for (i = 0; i < 4; i++) assert_true(world_text(w, i / 2, id[i % 2], "hello", NULL) >= 0);
  world_run(w);
  assert_int_equal(world_count(w, 0, SCHAT_EVENT_MESSAGE), 2);
  assert_int_equal(world_count(w, 1, SCHAT_EVENT_MESSAGE), 2);
  world_free(w);
}

/* Errors -------------------------------------------------------------------------------------------------------------------------- */

/* RANDOM_ID_DUPLICATE and DH_G_A_INVALID for a request that was never under way before: another id and another value, told as a move. */
static void another_id_is_tried_with_another_value(void **state) {
  static const char *const texts[] = {"RANDOM_ID_DUPLICATE", "DH_G_A_INVALID"};
  size_t i;
  (void)state;
  for (i = 0; i < 2; i++) {
    desk *d = desk_new(70 + i);
    uint8_t first[SIZE];
    int32_t old;
    const world_event *moved;
    desk_begin(d, 1, SCHAT_STATE_REQUESTING);
    old = d->chat_id;
    memcpy(first, d->library, SIZE);
    assert_int_equal(desk_fail(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, texts[i]), SCHAT_OK);
    moved = world_last(d->w, 0, SCHAT_EVENT_CHAT_MOVED);
    assert_non_null(moved);
    assert_int_equal(moved->old_chat_id, old);
    assert_int_equal(world_info(d->w, 0, old).state, SCHAT_STATE_NONE);
    assert_int_equal(memstore_get(d->w->peers[0].store, SCHAT_RECORD_KEYS, old, 0, &(schat_record){0}), 0);
    d->chat_id = moved->chat_id;
    assert_int_not_equal(d->chat_id, old);
    assert_int_equal(desk_state(d), SCHAT_STATE_REQUESTING);
    assert_true(world_info(d->w, 0, d->chat_id).user_id == d->other);
    world_restart(d->w, 0, 1);
    world_drain(d->w, 0);
    world_pass(d->w, 2000);
    assert_int_equal(desk_config(d), SCHAT_OK);
    desk_agree(d);
    assert_memory_not_equal(d->library, first, SIZE);
    assert_int_equal(world_last_request(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION)->random_id, d->chat_id);
    assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
    desk_free(d);
  }
}

/* A server that refuses every id is not asked for ever. */
static void a_server_that_refuses_every_id_is_left_alone(void **state) {
  desk *d = desk_new(72);
  int tries;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_REQUESTING);
  for (tries = 0; desk_state(d) != SCHAT_STATE_CLOSED; tries++) {
    const world_event *moved;
    assert_true(tries < 10);
    assert_true(desk_fail(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "DH_G_A_INVALID") >= 0);
    if (desk_state(d) == SCHAT_STATE_CLOSED) break;
    moved = world_last(d->w, 0, SCHAT_EVENT_CHAT_MOVED);
    d->chat_id = moved->chat_id;
    /* the first time perhaps at once, later ones after a pause */
    if (tries > 0) assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DH_CONFIG), (size_t)tries + 1);
    world_pass(d->w, 60000);
    assert_int_equal(desk_config(d), SCHAT_OK);
  }
  assert_int_equal(tries, 3);
  assert_int_equal(close_reason(d), SCHAT_CLOSE_REQUEST_FAILED);
  assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->error_code, 400);
  desk_free(d);
}

/* RANDOM_ID_DUPLICATE after an answer that was lost, or a crash: the chat exists, and its update completes it (D-38). */
static void a_duplicate_id_of_our_own_is_no_collision(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 2; crash++) {
    desk *d = desk_new(73 + (uint64_t)crash);
    desk_begin(d, 1, SCHAT_STATE_REQUESTING);
    if (crash) {
      world_restart(d->w, 0, 1);
      world_drain(d->w, 0);
    } else {
      assert_int_equal(desk_fail(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, 500, "RPC_CALL_FAIL"), SCHAT_OK);
      world_pass(d->w, 1100);
    }
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 2);
    assert_int_equal(desk_fail(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, 400, "RANDOM_ID_DUPLICATE"), SCHAT_OK);
    assert_int_equal(desk_state(d), SCHAT_STATE_WAITING_PEER);
    assert_null(world_last(d->w, 0, SCHAT_EVENT_CHAT_MOVED));
    world_restart(d->w, 0, 1);
    world_drain(d->w, 0);
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION), 2);
    assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_WAITING), SCHAT_OK); /* the access hash is news */
    assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
    assert_memory_equal(desk_slot(d)->chat.key, d->key, SIZE);
    desk_free(d);
  }
}

/* ENCRYPTION_ALREADY_ACCEPTED: by another device when we had not asked before; perhaps by ourselves when we had (D-16, D-38). */
static void already_accepted_depends_on_what_was_asked_before(void **state) {
  int how;
  (void)state;
  for (how = 0; how < 5; how++) {
    desk *d = desk_new(75 + (uint64_t)how);
    size_t size;
    uint8_t *text;
    desk_begin(d, 0, SCHAT_STATE_ACCEPTING);
    text = desk_text(d, 0, "first", &size);
    if (how == 1 || how == 2) {
      world_restart(d->w, 0, 1);
      world_drain(d->w, 0);
    } else if (how > 2) {
      assert_int_equal(desk_fail(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, -503, "Timeout"), SCHAT_OK);
      world_pass(d->w, 1100);
    }
    assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), how == 0 ? 1 : 2);
    if (how == 0) {
      assert_int_equal(desk_fail(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "ENCRYPTION_ALREADY_ACCEPTED"), SCHAT_CHAT_CLOSED);
      assert_int_equal(close_reason(d), SCHAT_CLOSE_TAKEN_ELSEWHERE);
      assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_DISCARD_ENCRYPTION), 0);
    } else {
      assert_int_equal(desk_fail(d, SCHAT_REQUEST_ACCEPT_ENCRYPTION, 400, "ENCRYPTION_ALREADY_ACCEPTED"), SCHAT_OK);
      assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
      world_restart(d->w, 0, 1); /* it is not asked a third time */
      world_pass(d->w, 100000);
      assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_ACCEPT_ENCRYPTION), 2);
      if (how % 2 == 1) { /* it was us: the peer's first message shows it */
        assert_int_equal(desk_message(d, text, size, 1), SCHAT_OK);
        assert_int_equal(desk_state(d), SCHAT_STATE_READY);
        assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 1);
      } else { /* it was another device */
        assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_DISCARDED), SCHAT_CHAT_CLOSED);
        assert_int_equal(close_reason(d), SCHAT_CLOSE_TAKEN_ELSEWHERE);
      }
    }
    free(text);
    desk_free(d);
  }
}

typedef struct {
  int32_t code;
  const char *text;
  int64_t pause; /* milliseconds until it is asked again; 0: never */
  int reason;
} refusal;

/* Error classes of the two requests: asked again with the same id and the same bytes, or the end; D-18. */
static void errors_are_answered_by_their_class(void **state) {
  static const refusal refusals[2][9] = {{{500, "INTERNAL", 1000, 0},
                                          {-503, "Timeout", 1000, 0},
                                          {420, "FLOOD_WAIT_17", 17000, 0},
                                          {500, "ENCRYPTION_OCCUPY_FAILED", 1000, 0},
                                          {400, "ENCRYPTION_DECLINED", 0, SCHAT_CLOSE_DECLINED},
                                          {400, "ENCRYPTION_ALREADY_DECLINED", 0, SCHAT_CLOSE_DECLINED},
                                          {400, "CHAT_ID_INVALID", 0, SCHAT_CLOSE_DECLINED},
                                          {400, "DH_G_A_INVALID", 0, SCHAT_CLOSE_REQUEST_FAILED},
                                          {401, "AUTH_KEY_UNREGISTERED", 3600000, 0}},
                                         {{500, "INTERNAL", 1000, 0},
                                          {-503, "Timeout", 1000, 0},
                                          {420, "FLOOD_WAIT_17", 17000, 0},
                                          {406, "FLOOD_PREMIUM_WAIT_3", 3000, 0},
                                          {400, "USER_ID_INVALID", 0, SCHAT_CLOSE_REQUEST_FAILED},
                                          {403, "USER_PRIVACY_RESTRICTED", 0, SCHAT_CLOSE_REQUEST_FAILED},
                                          {403, "USER_IS_BLOCKED", 0, SCHAT_CLOSE_REQUEST_FAILED},
                                          {400, "PARTICIPANT_VERSION_OUTDATED", 0, SCHAT_CLOSE_REQUEST_FAILED},
                                          {401, "SESSION_REVOKED", 3600000, 0}}};
  int role, i;
  (void)state;
  for (role = 0; role < 2; role++) {
    int32_t type = role ? SCHAT_REQUEST_REQUEST_ENCRYPTION : SCHAT_REQUEST_ACCEPT_ENCRYPTION;
    desk *d = desk_new(80 + (uint64_t)role);
    memstore *image;
    int64_t start;
    desk_begin(d, role, role ? SCHAT_STATE_REQUESTING : SCHAT_STATE_ACCEPTING);
    image = desk_image(d);
    start = d->w->now;
    for (i = 0; i < 9; i++) {
      const refusal *r = &refusals[role][i];
      world_request asked;
      d->w->now = start;
      world_forget(d->w);
      desk_rewind(d, image);
      assert_int_equal(desk_fail(d, type, r->code, r->text), r->pause > 0 ? SCHAT_OK : SCHAT_CHAT_CLOSED);
      if (r->pause == 0) {
        assert_int_equal(close_reason(d), r->reason);
        assert_int_equal(world_last(d->w, 0, SCHAT_EVENT_CLOSED)->error_code, r->code);
        assert_null(desk_slot(d)->secrets);
        continue;
      }
      assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_ACCOUNT_GONE), r->code == 401);
      world_forget(d->w);
      d->w->now += r->pause - 1;
      assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
      world_drain(d->w, 0);
      assert_int_equal(world_requests(d->w, 0, type), 0);
      d->w->now++;
      assert_int_equal(schat_tick(desk_manager(d), d->w->now), SCHAT_OK);
      world_drain(d->w, 0);
      assert_int_equal(world_requests(d->w, 0, type), 1);
      asked = *world_last_request(d->w, 0, type);
      assert_int_equal(asked.size, SIZE);
      assert_memory_equal(desk_slot(d)->secrets->own, d->library, SIZE); /* the same value, again */
      assert_true(role ? asked.random_id == d->chat_id : asked.key_fingerprint == d->fingerprint);
    }
    memstore_free(image);
    desk_free(d);
  }
}

/* Pauses between tries double and stay below a minute. */
static void pauses_double_up_to_a_minute(void **state) {
  static const int64_t pauses[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
  desk *d = desk_new(82);
  size_t i;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_REQUESTING);
  for (i = 0; i < 8; i++) {
    int64_t deadline;
    assert_int_equal(desk_fail(d, SCHAT_REQUEST_REQUEST_ENCRYPTION, 500, "INTERNAL"), SCHAT_OK);
    assert_int_equal(schat_next_deadline(desk_manager(d), &deadline), SCHAT_OK);
    assert_true(deadline - d->w->now == pauses[i]);
    world_pass(d->w, pauses[i]);
  }
  desk_free(d);
}

/* Early messages ------------------------------------------------------------------------------------------------------------------ */

/* D-17, D-31: messages that come before encryptedChat wait, durably and once; the difference is asked for; then all come in order. */
static void messages_before_the_key_wait_for_it(void **state) {
  desk *d = desk_new(90);
  uint8_t *texts[3];
  size_t sizes[3], i;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_REQUESTING);
  for (i = 0; i < 3; i++) texts[i] = desk_text(d, (int32_t)i, i == 0 ? "one" : i == 1 ? "two" : "three", &sizes[i]);
  assert_int_equal(desk_message(d, texts[0], sizes[0], 1), SCHAT_WAITING);
  assert_int_equal(world_requests(d->w, 0, SCHAT_REQUEST_GET_DIFFERENCE), 1);
  assert_int_equal(desk_message(d, texts[0], sizes[0], 0), SCHAT_DUPLICATE);
  assert_int_equal(desk_message(d, texts[2], sizes[2], 2), SCHAT_WAITING);
  world_restart(d->w, 0, 1);
  world_drain(d->w, 0);
  assert_int_equal(desk_message(d, texts[1], sizes[1], 3), SCHAT_WAITING);
  assert_int_equal(desk_message(d, texts[2], 87, 0), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_NOT_AUTHENTIC);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 0);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 3);
  assert_string_equal(world_nth(d->w, 0, SCHAT_EVENT_MESSAGE, 0)->text, "one");
  assert_string_equal(world_nth(d->w, 0, SCHAT_EVENT_MESSAGE, 1)->text, "two");
  assert_string_equal(world_nth(d->w, 0, SCHAT_EVENT_MESSAGE, 2)->text, "three");
  assert_int_equal(schat__count(desk_slot(d), SCHAT__EARLY), 0);
  assert_int_equal(memstore_count(d->w->peers[0].store, SCHAT_RECORD_GAP), 0);
  for (i = 0; i < 3; i++) free(texts[i]);
  desk_free(d);
}

/* what waits for a key is bounded, and what does not open under it is dropped. */
static void early_messages_are_bounded(void **state) {
  desk *d = desk_new(91);
  uint8_t junk[128] = {0}, *text;
  size_t size;
  int i;
  (void)state;
  desk_begin(d, 1, SCHAT_STATE_WAITING_PEER);
  text = desk_text(d, 0, "true", &size);
  assert_int_equal(desk_message(d, text, size, 0), SCHAT_WAITING);
  for (i = 0; i < 99; i++) {
    junk[0] = (uint8_t)i;
    junk[1] = (uint8_t)(d->fingerprint >> 8);
    assert_int_equal(desk_message(d, junk, sizeof junk, 0), SCHAT_WAITING);
  }
  junk[0] = 100;
  assert_int_equal(desk_message(d, junk, sizeof junk, 0), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_LIMIT);
  assert_int_equal(desk_tell_type(d, SCHAT_CHAT_UPDATE_CHAT), SCHAT_OK);
  assert_int_equal(world_count(d->w, 0, SCHAT_EVENT_MESSAGE), 1);
  assert_int_equal(schat__count(desk_slot(d), SCHAT__EARLY), 0);
  free(text);
  desk_free(d);
}

/* A message under a key of zeros, or any other, does not make a chat of one that has no key yet. */
static void no_message_opens_before_there_is_a_key(void **state) {
  desk *d = desk_new(92);
  uint8_t *text;
  size_t size;
  (void)state;
  d->chat_id = 8;
  assert_int_equal(desk_invite(d), SCHAT_OK);
  text = desk_text(d, 0, "zero", &size); /* key and fingerprint of zeros */
  assert_int_equal(desk_message(d, text, size, 1), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_STATE);
  assert_int_equal(schat_chat_accept(desk_manager(d), d->chat_id, d->w->now), SCHAT_OK);
  world_drain(d->w, 0);
  assert_int_equal(desk_message(d, text, size, 2), SCHAT_REJECTED);
  assert_int_equal(last_reason(d), SCHAT_REJECT_UNKNOWN_KEY);
  assert_int_equal(desk_state(d), SCHAT_STATE_ACCEPTING);
  free(text);
  desk_free(d);
}

/* Crashes ------------------------------------------------------------------------------------------------------------------------- */

/* A run of a whole chat in which peer `who` falls at its commit `at`: before (0) or after (1) what that commit lets out has left. */
typedef struct {
  world *w;
  size_t who, at, commits;
  int late, fallen;
  memstore *image;
  size_t events, requests; /* of peer `who` when it fell */
} fall;

/* From here on nothing that the falling device does reaches anybody. */
static void stop_here(fall *f) {
  f->fallen = 1;
  f->w->peers[f->who].hold = 1;
  f->events = f->w->peers[f->who].event_count;
  f->requests = f->w->peers[f->who].request_count;
}

static void watch_commits(void *arg, memstore *m, const schat_batch *batch, int stored) {
  fall *f = arg;
  (void)batch;
  if (f->fallen) return;
  if (!stored) {
    if (f->late && f->image != NULL) stop_here(f);
    return;
  }
  f->commits++;
  if (f->commits != f->at) return;
  f->image = memstore_clone(m);
  if (!f->late) stop_here(f);
}

static void stand_up(fall *f) {
  world_peer *peer = &f->w->peers[f->who];
  memstore *old = peer->store;
  if (f->image == NULL) return;
  if (!f->fallen) stop_here(f);
  peer->store = f->image;
  f->image = NULL;
  peer->event_count = f->events;
  peer->request_count = f->requests;
  peer->hold = 0;
  world_restart(f->w, f->who, 0);
  memstore_free(old);
  world_run(f->w);
}

/* Lives on until nothing is left to do; who has fallen stands up and asks for what it missed. */
static void settle(fall *f) {
  do {
    world_run(f->w);
    stand_up(f);
    world_catch_up(f->w, f->who);
    world_pass(f->w, 3000);
  } while (f->image != NULL);
}

static void all_requests_were_alike(const world *w, size_t p, int32_t type) {
  const world_request *first = NULL;
  size_t i, count = 0;
  for (i = 0; i < w->peers[p].request_count; i++) {
    const world_request *r = &w->peers[p].requests[i];
    if (r->type != type) continue;
    count++;
    if (first == NULL) first = r;
    assert_int_equal(r->chat_id, first->chat_id);
    assert_true(r->random_id == first->random_id);
    assert_true(r->digest == first->digest);
    assert_true(r->key_fingerprint == first->key_fingerprint);
  }
  assert_true(count >= 1);
}

/* How often a text was handed over, repeats aside (D-35). */
static size_t count_text(const world *w, size_t p, const char *text) {
  size_t i, k, count = 0;
  const world_event *events = w->peers[p].events;
  for (i = 0; i < w->peers[p].event_count; i++) {
    if (events[i].type != SCHAT_EVENT_MESSAGE || strcmp(events[i].text, text) != 0) continue;
    for (k = 0; k < i; k++) {
      if (events[k].type == SCHAT_EVENT_MESSAGE && events[k].id == events[i].id) break;
    }
    assert_true(k == i || events[i].repeated);
    count += k == i;
  }
  return count;
}

/* One run; returns how many commits the peer made, so that the caller knows when all have been tried. */
static size_t live_through(size_t who, size_t at, int late) {
  fall f;
  int32_t id = 0;
  size_t i, commits;
  memset(&f, 0, sizeof f);
  f.w = world_new(100, 2);
  f.who = who;
  f.at = at;
  f.late = late;
  memstore_on_commit(f.w->peers[who].store, watch_commits, &f);
  assert_int_equal(schat_chat_create(f.w->peers[0].manager, f.w->peers[1].user_id, f.w->now, &id), SCHAT_OK);
  settle(&f);
  if (world_info(f.w, 1, id).state == SCHAT_STATE_INVITED)
    assert_int_equal(schat_chat_accept(f.w->peers[1].manager, id, f.w->now), SCHAT_OK);
  settle(&f);
  for (i = 0; i < 2; i++) {
    int32_t ended = world_info(f.w, i, id).state;
    if (ended != SCHAT_STATE_READY) fail_msg("peer %zu fell at commit %zu (%d): peer %zu is in state %d", who, at, late, i, (int)ended);
  }
  assert_true(world_text(f.w, 0, id, "from the first", NULL) >= 0);
  assert_true(world_text(f.w, 1, id, "from the second", NULL) >= 0);
  settle(&f);
  assert_memory_equal(world_info(f.w, 0, id).key_hash, world_info(f.w, 1, id).key_hash, SCHAT_KEY_HASH_SIZE);
  all_requests_were_alike(f.w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION);
  all_requests_were_alike(f.w, 1, SCHAT_REQUEST_ACCEPT_ENCRYPTION);
  assert_int_equal(count_text(f.w, 1, "from the first"), 1);
  assert_int_equal(count_text(f.w, 0, "from the second"), 1);
  assert_int_equal(world_count(f.w, 0, SCHAT_EVENT_CLOSED) + world_count(f.w, 1, SCHAT_EVENT_CLOSED), 0);
  commits = f.commits;
  memstore_free(f.image);
  world_free(f.w);
  return commits;
}

/* D-38 accept: either side falls at each of its commits, before or after the effects have left: the chat comes about all the same, what is
 * asked again has the same id and the same bytes, and every text arrives once. */
static void a_crash_at_any_commit_does_not_stop_a_chat(void **state) {
  size_t who, at, runs = 0;
  int late;
  (void)state;
  for (who = 0; who < 2; who++) {
    for (late = 0; late < 2; late++) {
      for (at = 1; live_through(who, at, late) >= at; at++) runs++;
    }
  }
  assert_true(runs > 30);
}

/* D-17, D-38: a network that loses, doubles, delays and reorders, a server that errs, and devices that fall at any time: once all that
 * is over, the chat stands, alike on both sides. */
static void a_bad_network_delays_a_chat_and_no_more(void **state) {
  static const relay_faults bad = {.drop_update = 0.2,
                                   .duplicate = 0.2,
                                   .reorder = 0.2,
                                   .lost_request = 0.1,
                                   .lost_answer = 0.2,
                                   .error_420 = 0.05,
                                   .error_500 = 0.1,
                                   .error_after_effect = 0.1,
                                   .duplicate_error = 0.5,
                                   .delay_ms_max = 2000};
  static const relay_faults none = {0};
  uint64_t seed;
  (void)state;
  for (seed = 1; seed <= 30; seed++) {
    world *w = world_new(1000 + seed, 2);
    uint64_t chance = seed;
    int32_t id;
    size_t i, round;
    relay_set_faults(w->relay, &bad);
    assert_int_equal(schat_chat_create(w->peers[0].manager, w->peers[1].user_id, w->now, &id), SCHAT_OK);
    for (round = 0; round < 12; round++) {
      if (round == 8) relay_set_faults(w->relay, &none);
      chance = chance * UINT64_C(6364136223846793005) + 1442695040888963407u;
      world_pass(w, 1 + (int64_t)(chance >> 40) % 7000);
      if (chance >> 63 || round >= 8) world_restart(w, round % 2, 1);
      for (i = 0; i < 2; i++) world_catch_up(w, i);
      if (world_info(w, 1, id).state == SCHAT_STATE_INVITED) assert_int_equal(schat_chat_accept(w->peers[1].manager, id, w->now), SCHAT_OK);
    }
    world_pass(w, 70000);
    for (i = 0; i < 2; i++) {
      int32_t ended = world_info(w, i, id).state;
      if (ended != SCHAT_STATE_READY) fail_msg("seed %d: peer %zu is in state %d", (int)seed, i, (int)ended);
    }
    assert_memory_equal(world_info(w, 0, id).key_hash, world_info(w, 1, id).key_hash, SCHAT_KEY_HASH_SIZE);
    all_requests_were_alike(w, 0, SCHAT_REQUEST_REQUEST_ENCRYPTION);
    all_requests_were_alike(w, 1, SCHAT_REQUEST_ACCEPT_ENCRYPTION);
    world_free(w);
  }
}

/* D-38 reject: `sent` is told once, though the peer's acknowledgement overtakes the server's answer, and through a crash. */
static void sent_is_told_once(void **state) {
  int crash;
  (void)state;
  for (crash = 0; crash < 3; crash++) {
    world *w = world_new(110 + (uint64_t)crash, 2);
    int32_t id = world_chat(w, 0, 1);
    relay_faults faults;
    int64_t random_id = 0;
    memset(&faults, 0, sizeof faults);
    world_forget(w);
    faults.lost_answer = 1;
    relay_set_faults(w->relay, &faults);
    assert_int_equal(world_text(w, 0, id, "sent", &random_id), SCHAT_OK);
    world_run(w);
    faults.lost_answer = 0;
    relay_set_faults(w->relay, &faults);
    assert_int_equal(world_count(w, 0, SCHAT_EVENT_SENT), 0);
    if (crash == 1) world_restart(w, 0, 1);
    assert_int_equal(world_text(w, 1, id, "answer", NULL), SCHAT_OK);
    world_run(w);
    assert_int_equal(world_count(w, 0, SCHAT_EVENT_SENT), 1);
    assert_true(world_last(w, 0, SCHAT_EVENT_SENT)->random_id == random_id);
    if (crash == 2) world_restart(w, 0, 0);
    world_pass(w, 120000);
    assert_int_equal(world_count(w, 0, SCHAT_EVENT_SENT), 1);
    assert_int_equal(count_text(w, 1, "sent"), 1);
    world_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_order_of_facts_is_lawful),
      cmocka_unit_test(every_state_knows_every_update),
      cmocka_unit_test(updates_before_the_first_step_and_after_the_end_do_nothing),
      cmocka_unit_test(wrong_identities_are_refused),
      cmocka_unit_test(wrong_identities_in_answers_are_refused),
      cmocka_unit_test(an_invitation_for_others_is_refused),
      cmocka_unit_test(the_date_of_a_chat_is_said_once),
      cmocka_unit_test(what_is_no_update_is_an_invalid_argument),
      cmocka_unit_test(nothing_is_accepted_without_the_user),
      cmocka_unit_test(the_policy_accepts_after_its_pause),
      cmocka_unit_test(the_policy_yields_to_the_user),
      cmocka_unit_test(invitations_are_bounded),
      cmocka_unit_test(the_other_device_hears_that_it_is_taken),
      cmocka_unit_test(two_devices_that_accept_at_once_do_not_clash),
      cmocka_unit_test(both_may_ask_at_once),
      cmocka_unit_test(another_id_is_tried_with_another_value),
      cmocka_unit_test(a_server_that_refuses_every_id_is_left_alone),
      cmocka_unit_test(a_duplicate_id_of_our_own_is_no_collision),
      cmocka_unit_test(already_accepted_depends_on_what_was_asked_before),
      cmocka_unit_test(errors_are_answered_by_their_class),
      cmocka_unit_test(pauses_double_up_to_a_minute),
      cmocka_unit_test(messages_before_the_key_wait_for_it),
      cmocka_unit_test(early_messages_are_bounded),
      cmocka_unit_test(no_message_opens_before_there_is_a_key),
      cmocka_unit_test(a_crash_at_any_commit_does_not_stop_a_chat),
      cmocka_unit_test(a_bad_network_delays_a_chat_and_no_more),
      cmocka_unit_test(sent_is_told_once),
  };
  return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
