/* SPDX-License-Identifier: BSL-1.0
 * foreign_pair.c - see foreign_pair.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "foreign_pair.h"
#include "puppet.h"

pair *pair_new(foreign_profile profile, uint64_t seed) {
  pair *p = calloc(1, sizeof *p);
  int64_t user;
  int device;
  assert_non_null(p);
  p->profile = profile;
  p->w = world_new(seed, 1);
  p->w->peers[0].policy.flags |= foreign_policy(profile);
  world_restart(p->w, 0, 0);
  user = relay_add_user(p->w->relay);
  device = relay_add_device(p->w->relay, user);
  p->f = foreign_new(p->w->relay, device, user, profile, seed);
  p->foreign_user = user;
  p->watch = strict_watch_new(p->f, p->w->peers[0].device, &p->w->now);
  relay_tap(p->w->relay, strict_watch_tap, p->watch);
  return p;
}

void pair_free(pair *p) {
  size_t seen;
  strict_rule rule = strict_watch_rule(p->watch, &seen);
  if (rule != STRICT_OK) fail_msg("%s: a strict peer refuses: %s", foreign_name(p->profile), strict_text(rule));
  assert_true(seen > 0);
  strict_watch_free(p->watch);
  foreign_free(p->f);
  world_free(p->w);
  free(p);
}

void pair_run(pair *p) {
  do {
    world_deliver(p->w, 0);
    foreign_run(p->f, p->w->now);
  } while (relay_next(p->w->relay) <= p->w->now);
}

static int64_t next_time(const pair *p) {
  int64_t next = relay_next(p->w->relay), at = foreign_deadline(p->f);
  if (at < next) next = at;
  if (schat_next_deadline(p->w->peers[0].manager, &at) == SCHAT_OK && at < next) next = at;
  return next;
}

void pair_pass(pair *p, int64_t milliseconds) {
  int64_t until = p->w->now + milliseconds;
  while (p->w->now < until) {
    int64_t next = next_time(p);
    if (next <= p->w->now) next = p->w->now + 1;
    p->w->now = next < until ? next : until;
    schat_tick(p->w->peers[0].manager, p->w->now);
    foreign_tick(p->f, p->w->now);
    pair_run(p);
  }
}

void pair_chat(pair *p, int by_library) {
  world_peer *here = &p->w->peers[0];
  if (by_library) {
    assert_true(schat_chat_create(here->manager, p->foreign_user, p->w->now, &p->chat_id) >= 0);
    pair_run(p);
    assert_int_equal(foreign_accept(p->f, p->chat_id, p->w->now), 0);
  } else {
    assert_int_equal(foreign_create(p->f, here->user_id, p->w->now), 0);
    pair_run(p);
    assert_non_null(foreign_last(p->f, FOREIGN_ASKED));
    p->chat_id = foreign_last(p->f, FOREIGN_ASKED)->chat_id;
    assert_true(schat_chat_accept(here->manager, p->chat_id, p->w->now) >= 0);
  }
  pair_run(p);
  assert_int_equal(world_info(p->w, 0, p->chat_id).state, SCHAT_STATE_READY);
  assert_true(pair_view(p).ready);
}

void pair_say_here(pair *p) {
  char text[32];
  (void)snprintf(text, sizeof text, "here %d", p->said_here++);
  assert_true(world_text(p->w, 0, p->chat_id, text, NULL) >= 0);
}

void pair_say_there(pair *p) {
  char text[32];
  (void)snprintf(text, sizeof text, "there %d", p->said_there++);
  assert_int_equal(foreign_text(p->f, p->chat_id, text, 0, p->w->now, NULL), 0);
}

int pair_read_here(const pair *p) {
  char text[32];
  size_t i;
  int n = 0;
  for (i = 0; i < p->w->peers[0].event_count; i++) {
    const world_event *e = &p->w->peers[0].events[i];
    if (e->type != SCHAT_EVENT_MESSAGE || e->repeated) continue;
    (void)snprintf(text, sizeof text, "there %d", n++);
    assert_string_equal(e->text, text);
  }
  return n;
}

int pair_read_there(const pair *p) {
  char text[32];
  size_t count, i;
  const foreign_event *e = foreign_events(p->f, &count);
  int n = 0;
  for (i = 0; i < count; i++) {
    if (e[i].type != FOREIGN_TEXT) continue;
    (void)snprintf(text, sizeof text, "here %d", n++);
    assert_string_equal(e[i].text, text);
  }
  return n;
}

void pair_open(const pair *p) {
  const foreign_event *closed = foreign_last(p->f, FOREIGN_CLOSED);
  const world_event *here = world_last(p->w, 0, SCHAT_EVENT_CLOSED);
  if (getenv("PAIR_DUMP") != NULL && (closed != NULL || here != NULL)) pair_dump(p);
  if (closed != NULL) fail_msg("%s closed: %s", foreign_name(p->profile), closed->text);
  if (here != NULL) fail_msg("the library closed its chat with %s: %d", foreign_name(p->profile), (int)here->reason);
  if (foreign_last(p->f, FOREIGN_STUCK) != NULL) fail_msg("stuck: %s", foreign_last(p->f, FOREIGN_STUCK)->text);
}

foreign_chat_view pair_view(const pair *p) {
  foreign_chat_view view;
  assert_int_equal(foreign_view(p->f, p->chat_id, &view), 0);
  return view;
}

void pair_settle(pair *p, int rounds) {
  relay_faults none = {0};
  int i;
  relay_set_faults(p->w->relay, &none);
  for (i = 0; i < rounds; i++) {
    pair_say_here(p);
    pair_say_there(p);
    pair_pass(p, 120000);
    pair_open(p);
    if (pair_read_here(p) == p->said_there && pair_read_there(p) == p->said_here) return;
  }
  if (getenv("PAIR_DUMP") != NULL) pair_dump(p);
  fail_msg("%s: read %d of %d here, %d of %d there", foreign_name(p->profile), pair_read_here(p), p->said_there, pair_read_there(p),
           p->said_here);
}

void pair_dump(const pair *p) {
  size_t count, i;
  const foreign_event *e = foreign_events(p->f, &count);
  foreign_chat_view v = pair_view(p);
  print_error("%s: sent %d received %d acked %d exchange %d waiting %zu unsent %zu layer %d peer %d\n", foreign_name(p->profile), v.sent,
              v.received, v.acknowledged, v.exchange_open, v.waiting, v.unsent, v.layer, v.peer_layer);
  print_error("library: flags %x unacknowledged %d waiting %d in %d out %d\n", (unsigned)world_info(p->w, 0, p->chat_id).flags,
              (int)world_info(p->w, 0, p->chat_id).unacknowledged, (int)world_info(p->w, 0, p->chat_id).waiting,
              (int)puppet_slot(p->w->peers[0].manager, p->chat_id)->chat.in_seq,
              (int)puppet_slot(p->w->peers[0].manager, p->chat_id)->chat.out_seq);
  for (i = 0; i < count; i++) {
    if (e[i].type == FOREIGN_TEXT || e[i].type == FOREIGN_SENT) continue;
    print_error("  %d value %d %s\n", (int)e[i].type, (int)e[i].value, e[i].text);
  }
  for (i = 0; i < p->w->peers[0].event_count; i++) {
    const world_event *w = &p->w->peers[0].events[i];
    if (w->type != SCHAT_EVENT_MESSAGE && w->type != SCHAT_EVENT_SENT && w->type != SCHAT_EVENT_DELIVERED) {
      print_error("  here: event %d reason %d value %d\n", (int)w->type, (int)w->reason, (int)w->value);
    }
  }
}
