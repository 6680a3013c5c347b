/* SPDX-License-Identifier: BSL-1.0
 * ending.c - see ending.h. */
#define _POSIX_C_SOURCE 200809L
#include "ending.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "applog.h"
#include "memory.h"
#include "puppet.h"

/* What is open still: requests, messages that have not left, gaps, key changes. */
static int slot_rests(const schat__slot *slot) {
  size_t i;
  if (slot->chat.ask.token != 0 || slot->chat.read_token != 0) return 0;
  if (slot->chat.flags & (SCHAT_CHAT_GAP | SCHAT_CHAT_REKEYING | SCHAT_CHAT_DISCARD_PENDING)) return 0;
  if (slot->chat.flush_seq >= 0 && slot->chat.state == SCHAT_STATE_READY) return 0;
  if (schat__count(slot, SCHAT__WAITING) > 0 || schat__count(slot, SCHAT__EARLY) > 0) return 0;
  for (i = 0; i < schat__count(slot, SCHAT__OUTBOX); i++) {
    const schat__out *out = &schat__item_at(slot, SCHAT__OUTBOX, i)->u.out;
    if (out->state != SCHAT__SENT || out->token != 0) return 0;
  }
  return 1;
}

static int manager_rests(const schat_manager *m) {
  const schat__slot *slot;
  size_t at = 0;
  if (m->env.first_effect != NULL || m->env.flight_count > 0 || m->pending_count > 0 || m->depth > 0) return 0;
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) {
    if (!slot_rests(slot)) return 0;
  }
  return 1;
}

static int all_rest(bench *b) {
  return manager_rests(b->m) && manager_rests(b->w->peers[1].manager) && relay_next(b->w->relay) > b->w->now;
}

void ending_rest(bench *b) {
  bench_await(b, all_rest, "rest");
  bench_pass(b, 600000);
  bench_await(b, all_rest, "rest");
}

/* The text ------------------------------------------------------------------------------------------------------------------------ */

static void print_chats(FILE *out, const schat_manager *m) {
  const schat__slot *slot;
  size_t at = 0;
  while ((slot = schat__table_next(&m->env.table, &at)) != NULL) {
    const schat__chat *chat = &slot->chat;
    const uint32_t flags = chat->flags & (SCHAT_CHAT_ORIGINATOR | SCHAT_CHAT_VERIFIED | SCHAT_CHAT_HISTORY_DELETED | SCHAT_CHAT_GAP_STUCK |
                                          SCHAT_CHAT_PEER_STUCK);
    fprintf(out, "chat: state %d, reason %d, flags %x, timer %d, layer %d, timers %zu, secrets %d\n", chat->state, chat->close_reason, flags,
            (int)chat->ttl, (int)chat->peer_layer, schat__count(slot, SCHAT__TIMER), slot->secrets != NULL);
  }
}

static void print_keys(FILE *out, const bench *b) {
  const schat__slot *ours = bench_slot(b), *theirs = bench_peer_slot(b);
  if (ours == NULL || theirs == NULL || ours->chat.state != SCHAT_STATE_READY || theirs->chat.state != SCHAT_STATE_READY) return;
  fprintf(out, "keys: %s\n", memcmp(ours->chat.key, theirs->chat.key, sizeof ours->chat.key) == 0 ? "the same" : "different");
  fprintf(out, "pictures: %s\n", memcmp(ours->chat.key_hash, theirs->chat.key_hash, sizeof ours->chat.key_hash) == 0 ? "the same" : "different");
}

static int by_text(const void *a, const void *b) { return strcmp(a, b); }

/* The peer's events, named as ours are: 13 is OPENED. */
static void print_peer(FILE *out, bench *b) {
  const world_peer *peer = &b->w->peers[1];
  char (*lines)[256] = calloc(peer->event_count * 16 + 1, sizeof *lines);
  size_t i, j, n = 0;
  if (lines == NULL) abort();
  for (i = 0; i < peer->event_count; i++) {
    const world_event *e = &peer->events[i];
    if (e->type == SCHAT_EVENT_MESSAGE) {
      fprintf(out, "peer's message %s, ttl %d, file %d\n", e->text, (int)e->ttl, e->file.id != 0);
    } else if (e->type == SCHAT_EVENT_DELETED || e->type == SCHAT_EVENT_EXPIRED || e->type == SCHAT_EVENT_OPENED) {
      for (j = 0; j < e->random_id_count; j++) snprintf(lines[n++], sizeof *lines, "peer's %d %s", (int)e->type, bench_name_of(b, e->random_ids[j]));
    } else if (e->type == SCHAT_EVENT_HISTORY_FLUSHED || e->type == SCHAT_EVENT_TTL || e->type == SCHAT_EVENT_SCREENSHOT ||
               e->type == SCHAT_EVENT_CLOSED || e->type == SCHAT_EVENT_INVITED || e->type == SCHAT_EVENT_REKEYED) {
      snprintf(lines[n++], sizeof *lines, "peer's %d, %d, %d", (int)e->type, (int)e->reason, (int)e->value);
    } else if (e->type == SCHAT_EVENT_REJECTED || e->type == SCHAT_EVENT_PEER_STUCK || e->type == SCHAT_EVENT_GAP_STUCK) {
      snprintf(lines[n++], sizeof *lines, "peer's trouble: event %d, reason %d", (int)e->type, (int)e->reason);
    }
  }
  qsort(lines, n, sizeof *lines, by_text);
  for (i = 0; i < n; i++) {
    const int opened_again = i > 0 && strncmp(lines[i], "peer's 13 ", 10) == 0 && strcmp(lines[i], lines[i - 1]) == 0;
    if (!opened_again) fprintf(out, "%s\n", lines[i]); /* who opens a message may say so twice */
  }
  free(lines);
}

static void print_records(FILE *out, const bench *b) {
  fprintf(out, "records: chats %zu, keys %zu, gaps %zu, timers %zu\n", memstore_count(b->store, SCHAT_RECORD_CHAT),
          memstore_count(b->store, SCHAT_RECORD_KEYS), memstore_count(b->store, SCHAT_RECORD_GAP),
          memstore_count(b->store, SCHAT_RECORD_TIMER));
}

void ending_check(bench *b) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (out == NULL) abort();
  applog_print(out);
  print_chats(out, b->m);
  print_keys(out, b);
  print_records(out, b);
  print_chats(out, b->w->peers[1].manager);
  print_peer(out, b);
  fclose(out);
  explore_arrive(text);
  free(text);
  bench_close(b);
  bench_open(b);
  bench_close(b);
}
