/* SPDX-License-Identifier: BSL-1.0
 * chats.c - what a message, a backlog and an idle chat cost the whole library. */
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#endif

#include "chats.h"

#include <stdlib.h>
#include <unistd.h>

#include "../footprint/many.h"
#include "counted.h"
#include "figures.h"
#include "secretchat/sqlite.h"
#include "traffic.h"

#define BACKLOG 1000u
#define CONFIRM_EVERY 32u

static const other nothing = {NULL, 0};

/* One message ------------------------------------------------------------------------------------------------------------- */

typedef struct {
  double ns;
  size_t allocations;
} cost;

typedef struct {
  traffic *t;
  unsigned count; /* messages so far */
  cost send, take, answer;
} account;

static void pay(cost *c, traffic *t, int who, double began, size_t allocations_before) {
  c->ns += nanoseconds() - began;
  c->allocations += t->parties[who].allocations + counted_libcrypto() - allocations_before;
}

static size_t so_far(const traffic *t, int who) {
  return t->parties[who].allocations + counted_libcrypto();
}

/* Only the send and the input count as the message's time. */
static double run_message(void *arg, size_t times) {
  account *a = arg;
  const double before = a->send.ns + a->take.ns;
  letter out;
  for (size_t i = 0; i < times; i++) {
    size_t allocations = so_far(a->t, 0);
    double begin = nanoseconds();
    traffic_send(a->t, 0, &out);
    pay(&a->send, a->t, 0, begin, allocations);
    allocations = so_far(a->t, 1);
    begin = nanoseconds();
    traffic_take(a->t, 1, &out);
    pay(&a->take, a->t, 1, begin, allocations);
    allocations = so_far(a->t, 0);
    begin = nanoseconds();
    traffic_answer(a->t, 0);
    pay(&a->answer, a->t, 0, begin, allocations);
    traffic_answer(a->t, 1);
    if (++a->count % CONFIRM_EVERY == 0) traffic_confirm(a->t, 0);
  }
  return a->send.ns + a->take.ns - before;
}

void bench_chats(const effort *how) {
  account a = {traffic_new(1, 0), 0, {0, 0}, {0, 0}, {0, 0}};
  const cost zero = {0, 0};
  candidate c = {NULL, &a, 1000, 0, NULL, 0, run_message}; /* microseconds */
  (void)run_message(&a, 4 * CONFIRM_EVERY);
  a.send = a.take = a.answer = zero;
  a.count = 0;
  measure(&c, 1, how);
  const double each = a.count, seal = figure_value("seal_100_ns") / 1000;
  const spread time = measure_ratio(&c, NULL, how);
  const other sealing = {"sealing it", seal};
  const spread units = {time.median / seal, time.low / seal, time.high / seal};
  const double send = (double)a.send.allocations / each, take = (double)a.take.allocations / each;
  figure_set("message_100_us", time, 0, sealing, nothing);
  figure_set("message_100_vs_seal", units, 0, nothing, nothing);
  figure_number("send_100_us", a.send.ns / each / 1000);
  figure_number("input_100_us", a.take.ns / each / 1000);
  figure_number("answer_100_us", a.answer.ns / each / 1000);
  figure_number("allocations_per_message", send > take ? send : take);
  figure_number("allocations_send", send);
  figure_number("allocations_input", take);
  figure_number("allocations_answer", (double)a.answer.allocations / each);
  measure_end(&c, 1);
  traffic_free(a.t);
}

/* SQLite ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  char folder[512], path[600];
  schat_sqlite *db;
} file_store;

static int copy_record(void *arg, const schat_record *record) {
  const schat_store *to = arg;
  schat_batch batch;
  SCHAT_INIT(batch);
  batch.generation = 1;
  batch.records = record;
  batch.record_count = 1;
  return to->commit(to->user_data, &batch);
}

static void open_file(file_store *f, const char *folder, const schat_store *from) {
  (void)snprintf(f->folder, sizeof f->folder, "%s/schat-bench-XXXXXX", folder);
  must(mkdtemp(f->folder) != NULL, "a new folder");
  (void)snprintf(f->path, sizeof f->path, "%s/chats.db", f->folder);
  must(schat_sqlite_open(f->path, NULL, &f->db) == SCHAT_OK, "schat_sqlite_open");
  schat_store to = *schat_sqlite_store(f->db);
  must(from->scan(from->user_data, copy_record, &to) == 0, "a copy of the records");
}

static void close_file(file_store *f) {
  schat_sqlite_close(f->db);
  must(schat_sqlite_destroy(f->path, NULL) == SCHAT_OK && rmdir(f->folder) == 0, "nothing left behind");
}

static letter *write_letters(traffic *t, size_t count) {
  letter *letters = malloc(count * sizeof *letters);
  must(letters != NULL, "memory");
  for (size_t i = 0; i < count; i++) {
    traffic_send(t, 0, &letters[i]);
    traffic_answer(t, 0);
  }
  return letters;
}

/* Milliseconds for `count` messages in one difference. */
static double take_backlog(traffic *t, size_t count) {
  letter *letters = write_letters(t, count);
  const double begin = nanoseconds();
  traffic_take_all(t, 1, letters, count);
  const double took = (nanoseconds() - begin) / 1e6;
  traffic_answer(t, 1);
  traffic_confirm(t, 0);
  free(letters);
  return took;
}

static double take_single(traffic *t) {
  letter out;
  traffic_send(t, 0, &out);
  const double begin = nanoseconds();
  traffic_take(t, 1, &out);
  const double took = nanoseconds() - begin;
  traffic_answer(t, 0);
  traffic_answer(t, 1);
  return took / 1e3;
}

#define ROUNDS_MOST 200u

void bench_sqlite(const effort *how, const char *folder) {
  double values[ROUNDS_MOST];
  traffic *t = traffic_new(2, 0);
  file_store f;
  const unsigned rounds = how->rounds / 20 + 3, singles = how->rounds / 5 + 10;
  must(rounds <= ROUNDS_MOST && singles <= ROUNDS_MOST, "not so many rounds");
  open_file(&f, folder, shelf_store(t->parties[1].records));
  traffic_reopen(t, 1, schat_sqlite_store(f.db));
  traffic_answer(t, 1);
  (void)take_backlog(t, BACKLOG);
  for (unsigned i = 0; i < rounds; i++) values[i] = take_backlog(t, BACKLOG) * 1e3 / BACKLOG;
  figure_set("message_100_sqlite_batch_us", spread_of(values, rounds), 0, nothing, nothing);
  for (unsigned i = 0; i < singles; i++) values[i] = take_single(t);
  figure_set("message_100_sqlite_single_us", spread_of(values, singles), 0, nothing, nothing);
  figure_number("backlog_10000_ms", take_backlog(t, (size_t)10 * BACKLOG));
  schat_close(t->parties[1].manager);
  t->parties[1].manager = NULL;
  close_file(&f);
  traffic_free(t);
}

/* Idle chats -------------------------------------------------------------------------------------------------------------- */

void bench_idle(size_t chats) {
  pair p;
  int32_t ids[REAL_CHATS];
  double took_none, took_many;
  pair_begin(&p, 1);
  make_real_chats(&p, ids);
  memstore *none = account_of(p.sides[0].store), *many = many_chats(p.sides[0].store, ids, chats);
  const size_t empty = measure_chats(none, 0, &took_none), full = measure_chats(many, chats, &took_many);
  figure_number("open_store_10000_ms", took_many * 10000 / (double)chats);
  figure_number("bytes_per_chat", (double)(full - empty) / (double)chats);
  memstore_free(none);
  memstore_free(many);
  pair_end(&p);
}
