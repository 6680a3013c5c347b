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
  p->foreign_device = device;
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
  free(p->here);
  free(p->there);
  foreign_free(p->f);
  world_free(p->w);
  free(p);
}

/* The peer's FlushHistory takes what it has not read too. */
static void note_flush(pair *p) {
  size_t flushes = world_count(p->w, 0, SCHAT_EVENT_HISTORY_FLUSHED);
  int i;
  for (i = 0; flushes > p->flushes && i < p->said_here; i++) p->here[i].gone = 1;
  p->flushes = flushes;
}

void pair_run(pair *p) {
  do {
    world_deliver(p->w, 0);
    foreign_run(p->f, p->w->now);
  } while (relay_next(p->w->relay) <= p->w->now);
  note_flush(p);
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

static pair_said *new_said(pair_said **list, int *count) {
  pair_said *said = realloc(*list, ((size_t)*count + 1) * sizeof **list);
  assert_non_null(said);
  *list = said;
  memset(&said[*count], 0, sizeof *said);
  return &said[(*count)++];
}

void pair_say_here(pair *p) {
  char text[32];
  pair_said *said;
  (void)snprintf(text, sizeof text, "here %d", p->said_here);
  said = new_said(&p->here, &p->said_here);
  assert_true(world_text(p->w, 0, p->chat_id, text, &said->random_id) >= 0);
}

void pair_say_there(pair *p) {
  char text[32];
  pair_said *said;
  (void)snprintf(text, sizeof text, "there %d", p->said_there);
  said = new_said(&p->there, &p->said_there);
  assert_int_equal(foreign_text(p->f, p->chat_id, text, 0, p->w->now, &said->random_id), 0);
}

void pair_delete_here(pair *p, int nth) {
  assert_true(schat_messages_delete(p->w->peers[0].manager, p->chat_id, &p->here[nth].random_id, 1, 0, p->w->now) >= 0);
  p->here[nth].gone = 1;
}

void pair_delete_there(pair *p, int nth) {
  assert_int_equal(foreign_delete(p->f, p->chat_id, p->there[nth].random_id, p->w->now), 0);
  p->there[nth].gone = 1;
}

void pair_flush_here(pair *p) {
  int i;
  assert_true(schat_history_flush(p->w->peers[0].manager, p->chat_id, 0, p->w->now) >= 0);
  for (i = 0; i < p->said_here; i++) p->here[i].gone = 1;
}

void pair_flush_there(pair *p) {
  int i;
  assert_int_equal(foreign_flush(p->f, p->chat_id, p->w->now), 0);
  for (i = 0; i < p->said_there; i++) p->there[i].gone = 1;
}

void pair_restart_here(pair *p, int crash) {
  world_restart(p->w, 0, crash);
  world_catch_up(p->w, 0);
}

/* The next text read says which one it is. */
static int goes_on(const pair_said *said, int count, int next, const char *text, const char *word) {
  char expected[32];
  int n, i;
  assert_int_equal(strncmp(text, word, strlen(word)), 0);
  n = atoi(text + strlen(word));
  (void)snprintf(expected, sizeof expected, "%s%d", word, n);
  assert_string_equal(text, expected);
  assert_in_range(n, next, count - 1);
  for (i = next; i < n; i++) {
    if (!said[i].gone) fail_msg("\"%s%d\" was never read, \"%s\" was", word, i, text);
  }
  return n + 1;
}

int pair_read_here(const pair *p) {
  size_t i;
  int n = 0;
  for (i = 0; i < p->w->peers[0].event_count; i++) {
    const world_event *e = &p->w->peers[0].events[i];
    if (e->type == SCHAT_EVENT_MESSAGE && !e->repeated) n = goes_on(p->there, p->said_there, n, e->text, "there ");
  }
  return n;
}

int pair_read_there(const pair *p) {
  size_t count, i;
  const foreign_event *e = foreign_events(p->f, &count);
  int n = 0;
  for (i = 0; i < count; i++) {
    if (e[i].type == FOREIGN_TEXT) n = goes_on(p->here, p->said_here, n, e[i].text, "here ");
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

int pair_ended_by_habit(const pair *p) {
  const foreign_event *closed = foreign_last(p->f, FOREIGN_CLOSED);
  return closed != NULL && strcmp(closed->text, "too many messages behind a gap") == 0;
}

int pair_settle(pair *p, int rounds) {
  relay_faults none = {0};
  int i;
  relay_set_faults(p->w->relay, &none);
  for (i = 0; i < rounds; i++) {
    pair_say_here(p);
    pair_say_there(p);
    pair_pass(p, 120000);
    if (pair_ended_by_habit(p)) return 0;
    pair_open(p);
    if (pair_read_here(p) == p->said_there && pair_read_there(p) == p->said_here) return 1;
  }
  if (getenv("PAIR_DUMP") != NULL) pair_dump(p);
  fail_msg("%s: read %d of %d here, %d of %d there", foreign_name(p->profile), pair_read_here(p), p->said_there, pair_read_there(p),
           p->said_here);
  return 0;
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
